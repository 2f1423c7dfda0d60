"""What counts as a pair, as better, as reliable, and when a figure cannot be had."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl
import pytest

from pipeline import tables
from pipeline.evaluation.cells import NOTE_NO_WIDTH
from pipeline.evaluation.paired_change import baseline_sds, change_between, paired_change
from pipeline.evaluation.panel import panel
from pipeline.programme import Contrast, Programme

Frames = Callable[..., pl.DataFrame]
Scored = tuple[str, str, str, str, float]

FEW_GROUPS = "interval: t, ignores session groups (fewer than 5)"


def _series(
    pairs: Sequence[tuple[float, float]], subscale: str = "burnout", instrument: str = "proqol5"
) -> Iterator[Scored]:
    """Scores at baseline and session 10 of officers p0, p1, ..."""
    for i, (earlier, later) in enumerate(pairs):
        yield f"p{i}", "baseline", instrument, subscale, earlier
        yield f"p{i}", "session_10", instrument, subscale, later


def _north(participants: Frames, n: int) -> pl.DataFrame:
    return participants({f"p{i}": ("north", "programme", None) for i in range(n)})


def _row(change: pl.DataFrame, subscale: str = "burnout") -> dict[str, Any]:
    return change.filter(subscale=subscale, organisation="north", arm="all").row(0, named=True)


def test_change_is_later_minus_earlier_of_those_with_both(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    measured = scores(
        [
            *_series([(30, 24), (20, 22), (26, 26)]),
            ("baseline_only", "baseline", "proqol5", "burnout", 50),
            ("later_only", "session_10", "proqol5", "burnout", 10),
        ]
    )
    officers = ("p0", "p1", "p2", "baseline_only", "later_only")
    enrolled = participants(dict.fromkeys(officers, ("north", "programme", None)))
    row = _row(paired_change(panel(measured, enrolled, programme), programme))
    assert (row["from_wave"], row["to_wave"], row["n"]) == ("baseline", "session_10", 3)
    assert row["mean_change"] == pytest.approx(-4 / 3)
    assert row["sd_change"] == pytest.approx(math.sqrt(52 / 3))


@pytest.mark.parametrize(
    ("subscale", "better", "worse"),
    [("burnout", 2, 1), ("secondary_traumatic_stress", 2, 1), ("compassion_satisfaction", 1, 2)],
)
def test_better_and_worse_follow_the_direction_of_the_subscale(
    scores: Frames,
    participants: Frames,
    programme: Programme,
    *,
    subscale: str,
    better: int,
    worse: int,
) -> None:
    pairs = [(40, 11), (40, 11), (11, 40), (25, 25)]
    frozen = programme.model_copy(update={"baseline_sd": {"proqol5": {subscale: 5.0}}})
    change = paired_change(
        panel(scores(_series(pairs, subscale)), _north(participants, 4), frozen), frozen
    )
    row = _row(change, subscale)
    assert (row["n_reliably_better"], row["n_reliably_worse"]) == (better, worse)


def test_reliable_change_uses_the_sd_of_everybody_with_a_baseline(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    enrolled = participants(
        {f"p{i}": ("north" if i < 3 else "south", "programme", None) for i in range(5)}
    )
    measured = scores(
        [
            *_series([(20, 20), (30, 20), (40, 44)]),
            ("p3", "baseline", "proqol5", "burnout", 15),
            ("p4", "baseline", "proqol5", "burnout", 45),
        ]
    )
    assert baseline_sds(measured, programme)["proqol5"]["burnout"] == pytest.approx(
        math.sqrt(162.5)
    )
    row = _row(paired_change(panel(measured, enrolled, programme), programme))
    limit = 1.96 * math.sqrt(2) * math.sqrt(162.5) * math.sqrt(1 - 0.75)
    assert row["reliable_change"] == pytest.approx(limit)
    assert (row["n_reliably_better"], row["n_reliably_worse"]) == (0, 0)


def test_a_frozen_sd_comes_before_the_one_measured(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    measured = scores(_series([(20, 20), (30, 20), (40, 44)]))
    frozen = programme.model_copy(update={"baseline_sd": {"proqol5": {"burnout": 2.0}}})
    assert baseline_sds(measured, frozen)["proqol5"]["burnout"] == 2.0
    row = _row(paired_change(panel(measured, _north(participants, 3), frozen), frozen))
    assert row["reliable_change"] == pytest.approx(1.96 * math.sqrt(2) * 2 * 0.5)
    assert (row["n_reliably_better"], row["n_reliably_worse"]) == (1, 1)


def test_an_sd_can_be_given(scores: Frames, participants: Frames, programme: Programme) -> None:
    measured = scores(_series([(20, 20), (30, 20), (40, 44)]))
    change = change_between(
        panel(measured, _north(participants, 3), programme),
        programme,
        from_wave="baseline",
        to_wave="session_10",
        sds={"proqol5": {"burnout": 4.0}},
    )
    assert _row(change)["reliable_change"] == pytest.approx(1.96 * math.sqrt(2) * 4 * 0.5)


def test_a_change_below_the_limit_is_not_reliable(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    # The limit, 1.96 sqrt(2) SD sqrt(1 - 0.75), is a little more than ten points.
    sd = 10.001 / 1.96 / math.sqrt(2) / 0.5
    measured = scores(_series([(30, 20), (31, 20), (20, 30), (20, 31)]))
    frozen = programme.model_copy(update={"baseline_sd": {"proqol5": {"burnout": sd}}})
    row = _row(paired_change(panel(measured, _north(participants, 4), frozen), frozen))
    assert (row["n_reliably_better"], row["n_reliably_worse"]) == (1, 1)


def test_without_a_reliability_there_is_no_reliable_change(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    measured = scores(_series([(1, 5), (2, 2), (3, 0)], "anxiety", "phq4"))
    row = _row(
        paired_change(panel(measured, _north(participants, 3), programme), programme), "anxiety"
    )
    names = ("n_reliably_better", "n_reliably_worse", "reliable_change")
    assert [row[name] for name in names] == [None] * 3
    assert row["note"] == (
        f"{FEW_GROUPS}; no reliable change: the instrument states no reliability"
    )


def test_two_officers_have_no_correlation(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    measured = scores(_series([(20, 24), (30, 28)]))
    row = _row(paired_change(panel(measured, _north(participants, 2), programme), programme))
    assert [row[name] for name in ("correlation", "d_av", "d_rm", "g_av")] == [None] * 4
    assert row["sd_change"] is not None
    assert row["note"] == (
        f"{FEW_GROUPS}; fewer than three officers: no correlation and no effect size"
    )


def test_one_officer_has_a_change_and_no_spread(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    row = _row(
        paired_change(
            panel(scores(_series([(20, 24)])), _north(participants, 1), programme), programme
        )
    )
    assert (row["n"], row["mean_change"], row["sd_change"], row["ci_low"]) == (1, 4, None, None)
    assert row["note"] == (
        "one officer: no SD and no interval; "
        "fewer than three officers: no correlation and no effect size; "
        "no reliable change: no baseline SD, or one of 0"
    )


@pytest.mark.parametrize(
    ("pairs", "known", "note"),
    [
        (
            [(20, 24), (20, 28), (20, 20)],
            {"d_av", "g_av"},
            "SD of 0 at baseline: no correlation and no d_rm",
        ),
        (
            [(24, 20), (28, 20), (20, 20)],
            {"d_av", "g_av"},
            "SD of 0 at session_10: no correlation and no d_rm",
        ),
        (
            [(20, 24), (20, 24), (20, 24)],
            set(),
            "SD of 0 at baseline and session_10: no correlation and no effect size",
        ),
        (
            [(20, 24), (22, 26), (30, 34)],
            {"correlation", "d_av", "g_av"},
            "SD of 0 of the change: no d_rm",
        ),
    ],
    ids=["flat_baseline", "flat_later", "flat_both", "equal_changes"],
)
def test_what_needs_a_spread_is_null_without_one(
    scores: Frames,
    participants: Frames,
    programme: Programme,
    *,
    pairs: list[tuple[float, float]],
    known: set[str],
    note: str,
) -> None:
    row = _row(
        paired_change(panel(scores(_series(pairs)), _north(participants, 3), programme), programme)
    )
    effect_sizes = ("correlation", "d_av", "d_rm", "g_av")
    assert {name for name in effect_sizes if row[name] is not None} == known
    assert note in row["note"].split("; ")


def test_scores_on_a_line_correlate_perfectly_and_leave_no_rounding_in_d_rm(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    measured = scores(_series([(10, 20), (17, 34), (13, 26), (24, 48)]))
    row = _row(paired_change(panel(measured, _north(participants, 4), programme), programme))
    assert (row["correlation"], row["d_rm"]) == (1.0, 0.0)
    assert row["mean_change"] == 16


def test_only_the_contrast_of_the_programme_file_was_named_beforehand(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    pairs = [(20.0, 24.0), (30.0, 28.0)]
    measured = scores(
        [
            *_series(pairs),
            *_series(pairs, "compassion_satisfaction"),
            ("p0", "session_7", "proqol5", "burnout", 20),
        ]
    )
    change = paired_change(panel(measured, _north(participants, 2), programme), programme)
    named = change.filter("named_beforehand").select("to_wave", "subscale").unique()
    assert named.rows() == [("session_10", "burnout")]
    everybody = change.filter(arm="all")
    assert everybody.filter(~pl.col("named_beforehand")).select("to_wave", "subscale").unique(
        maintain_order=True
    ).rows() == [("session_7", "burnout"), ("session_10", "compassion_satisfaction")]


def test_a_primary_contrast_that_starts_later_has_its_rows_too(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    later = Contrast(
        instrument="proqol5", subscale="burnout", from_wave="session_7", to_wave="session_10"
    )
    measured = scores(
        [
            ("p0", "session_7", "proqol5", "burnout", 30),
            ("p0", "session_10", "proqol5", "burnout", 24),
        ]
    )
    change = paired_change(
        panel(measured, _north(participants, 1), programme.model_copy(update={"primary": later})),
        programme.model_copy(update={"primary": later}),
    )
    row = _row(change)
    assert (row["from_wave"], row["to_wave"], row["mean_change"]) == ("session_7", "session_10", -6)
    assert row["named_beforehand"]


def test_change_counts_where_the_officer_enrolled_and_is_clustered_there(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    enrolled = participants({f"p{i}": (f"org_{i % 3}", "programme", None) for i in range(9)})
    measured = scores(_series([(20 + i, 24 + i * i % 5) for i in range(9)]))
    change = paired_change(panel(measured, enrolled, programme), programme)
    national = change.filter(organisation="all", arm="all").row(0, named=True)
    assert set(change["organisation"]) == {"org_0", "org_1", "org_2", "all"}
    assert (national["n"], national["n_clusters"]) == (9, 3)
    assert national["note"] == "fewer than ten organisations: interval imprecise"


def test_nothing_gives_no_rows(scores: Frames, participants: Frames, programme: Programme) -> None:
    change = paired_change(panel(scores([]), participants({}), programme), programme)
    assert tables.PAIRED_CHANGE.conform(change).equals(tables.PAIRED_CHANGE.empty())
    once = scores([("p0", "baseline", "proqol5", "burnout", 20)])
    assert paired_change(panel(once, _north(participants, 1), programme), programme).height == 0


def test_refuses_a_score_of_nobody_enrolled(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    with pytest.raises(ValueError, match="not among the participants"):
        paired_change(panel(scores(_series([(20, 24)])), participants({}), programme), programme)


@pytest.mark.parametrize("apart", [0, 1])
def test_clusters_of_one_mean_leave_no_width_and_the_note_says_so(
    scores: Frames, participants: Frames, programme: Programme, apart: int
) -> None:
    """Officers differ by eight points, and two organisations agree by chance."""
    changes = {"p1": -4, "p2": 4, "p3": -4, "p4": 4 + apart}
    places = {f"p{i}": ("north" if i < 3 else "south", "programme", None) for i in range(1, 5)}
    measured = scores(
        row
        for officer, change in changes.items()
        for row in (
            (officer, "baseline", "proqol5", "burnout", 20),
            (officer, "session_10", "proqol5", "burnout", 20 + change),
        )
    )
    found = paired_change(panel(measured, participants(places), programme), programme).filter(
        organisation="all", arm="all"
    )
    row = found.row(0, named=True)
    assert (row["ci_low"] == row["ci_high"]) is not bool(apart)
    assert (NOTE_NO_WIDTH in row["note"]) is not bool(apart)
