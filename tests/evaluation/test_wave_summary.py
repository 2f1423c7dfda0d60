"""Who is counted where, which interval a cell gets, and what its note says."""

import statistics
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from pipeline import tables
from pipeline.evaluation.intervals import clustered_interval, t_interval
from pipeline.evaluation.panel import panel
from pipeline.evaluation.wave_summary import wave_summary
from pipeline.programme import Programme

Frames = Callable[..., pl.DataFrame]

FEW_GROUPS = "interval: t, ignores session groups (fewer than 5)"
BURNOUT = ("baseline", "proqol5", "burnout")


def _cell(summary: pl.DataFrame, organisation: str, arm: str) -> dict[str, Any]:
    return summary.row(
        by_predicate=(pl.col("organisation") == organisation) & (pl.col("arm") == arm), named=True
    )


def _at_baseline(scores: Frames, values: dict[str, float]) -> pl.DataFrame:
    return scores((officer, *BURNOUT, value) for officer, value in values.items())


def test_totals_over_organisations_and_arms(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    enrolled = participants(
        {
            "p1": ("north", "programme", None),
            "p2": ("north", "waiting_list", None),
            "p3": ("south", "programme", None),
            "never_answered": ("west", "programme", None),
        }
    )
    summary = wave_summary(
        panel(_at_baseline(scores, {"p1": 20, "p2": 30, "p3": 45}), enrolled, programme), programme
    )
    assert summary.select("organisation", "arm", "n", "mean").rows() == [
        ("north", "programme", 1, 20),
        ("north", "waiting_list", 1, 30),
        ("north", "all", 2, 25),
        ("south", "programme", 1, 45),
        ("south", "all", 1, 45),
        ("all", "programme", 2, 32.5),
        ("all", "waiting_list", 1, 30),
        ("all", "all", 3, pytest.approx(95 / 3)),
    ]
    everybody = _cell(summary, "all", "all")
    assert (everybody["n_low"], everybody["n_moderate"], everybody["n_high"]) == (1, 1, 1)


def test_one_arm_gives_its_own_rows_and_the_total(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    enrolled = participants({f"p{i}": ("north", "programme", None) for i in range(3)})
    summary = wave_summary(
        panel(_at_baseline(scores, {f"p{i}": 20 + i for i in range(3)}), enrolled, programme),
        programme,
    )
    assert summary.select("organisation", "arm").rows() == [
        ("north", "programme"),
        ("north", "all"),
        ("all", "programme"),
        ("all", "all"),
    ]
    figures = summary.select("n", "mean", "sd", "ci_low", "ci_high", "n_clusters").unique()
    assert figures.height == 1


def test_waves_come_in_the_programmes_order(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    enrolled = participants({"p1": ("north", "programme", None)})
    measured = scores(
        ("p1", wave, "proqol5", "burnout", 20) for wave in ("session_10", "session_7", "baseline")
    )
    summary = wave_summary(panel(measured, enrolled, programme), programme).filter(
        organisation="north", arm="all"
    )
    assert summary["wave"].to_list() == ["baseline", "session_7", "session_10"]


def test_one_officer_has_a_mean_and_no_spread(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    enrolled = participants({"p1": ("north", "programme", "g1")})
    row = _cell(
        wave_summary(panel(_at_baseline(scores, {"p1": 20}), enrolled, programme), programme),
        "north",
        "all",
    )
    assert (row["n"], row["mean"]) == (1, 20)
    assert [row[name] for name in ("sd", "ci_low", "ci_high", "n_clusters")] == [None] * 4
    assert row["note"] == "one officer: no SD and no interval"


def test_within_an_organisation_five_session_groups_are_needed(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    places = {f"p{i}": ("north", "programme", f"g{i % 5}") for i in range(12)}
    values = {officer: 20.0 + i * i % 11 for i, officer in enumerate(places)}
    measured = _at_baseline(scores, values)
    row = _cell(
        wave_summary(panel(measured, participants(places), programme), programme), "north", "all"
    )
    groups = [[values[o] for o in places if places[o][2] == f"g{g}"] for g in range(5)]
    expected = clustered_interval([len(group) for group in groups], [sum(g) for g in groups])
    assert expected is not None
    assert row["ci_low"] == pytest.approx(expected.low)
    assert (row["n_clusters"], row["note"]) == (5, None)

    merged = {o: (where, arm, "g0" if g == "g4" else g) for o, (where, arm, g) in places.items()}
    row = _cell(
        wave_summary(panel(measured, participants(merged), programme), programme), "north", "all"
    )
    plain = t_interval(12, statistics.mean(values.values()), statistics.stdev(values.values()))
    assert plain is not None
    assert row["ci_low"] == pytest.approx(plain.low)
    assert (row["n_clusters"], row["note"]) == (None, FEW_GROUPS)


def test_officers_without_a_session_group_are_no_group_together(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    places = {f"p{i}": ("north", "programme", f"g{i}" if i < 5 else None) for i in range(8)}
    values = {officer: 20.0 + i * i % 11 for i, officer in enumerate(places)}
    measured = _at_baseline(scores, values)
    row = _cell(
        wave_summary(panel(measured, participants(places), programme), programme), "north", "all"
    )
    assert row["n_clusters"] == 8
    assert row["note"] == "interval: an officer without a session group is a cluster alone"
    # Three officers alone do not make up for a missing group.
    places["p4"] = ("north", "programme", "g3")
    row = _cell(
        wave_summary(panel(measured, participants(places), programme), programme), "north", "all"
    )
    assert (row["n_clusters"], row["note"]) == (None, FEW_GROUPS)


def test_a_session_group_with_two_arms_is_one_cluster_of_the_total(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    places = {f"p{i}": ("north", "ab"[i % 2], f"g{i // 2}") for i in range(12)}
    measured = _at_baseline(scores, {officer: 20 + i for i, officer in enumerate(places)})
    summary = wave_summary(panel(measured, participants(places), programme), programme)
    assert _cell(summary, "north", "all")["n_clusters"] == 6
    assert _cell(summary, "north", "a")["n_clusters"] == 6


@pytest.mark.parametrize(
    ("organisations", "note"),
    [
        (1, f"one organisation: interval as within it; {FEW_GROUPS}"),
        (2, "fewer than ten organisations: interval imprecise"),
        (9, "fewer than ten organisations: interval imprecise"),
        (10, None),
    ],
)
def test_national_intervals_are_clustered_by_organisation(
    scores: Frames, participants: Frames, programme: Programme, organisations: int, note: str | None
) -> None:
    # Every officer has a session group of their own: those must not become the clusters.
    places = {
        f"p{i}": (f"org_{i % organisations}", "programme", f"g{i % 4}")
        for i in range(3 * organisations)
    }
    measured = _at_baseline(scores, {officer: 20 + i % 7 for i, officer in enumerate(places)})
    row = _cell(
        wave_summary(panel(measured, participants(places), programme), programme), "all", "all"
    )
    assert row["note"] == note
    assert row["n_clusters"] == (None if organisations == 1 else organisations)
    assert row["ci_low"] < row["mean"] < row["ci_high"]


def test_equal_scores_have_an_sd_of_0_and_an_interval_of_no_width(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    places = {f"p{i}": (f"org_{i % 3}", "programme", None) for i in range(9)}
    # Prorated from nine items: a third of a point must not leave a rounding error behind.
    measured = _at_baseline(scores, dict.fromkeys(places, 200 / 9))
    for row in wave_summary(panel(measured, participants(places), programme), programme).to_dicts():
        assert row["sd"] == 0
        assert row["ci_low"] == pytest.approx(row["mean"], abs=1e-12)
        assert row["ci_high"] == pytest.approx(200 / 9, abs=1e-12)


def test_bands_of_more_than_three_count_by_their_level(
    participants: Frames, programme: Programme
) -> None:
    bands = {"p1": "normal", "p2": "mild", "p3": "moderate", "p4": "severe"}
    measured = pl.DataFrame(
        {
            "response_id": range(len(bands)),
            "participant_id": list(bands),
            "organisation": "north",
            "wave": "baseline",
            "instrument": "phq4",
            "subscale": "psychological_distress",
            "raw_score": [1.0, 4.0, 7.0, 10.0],
            "band": list(bands.values()),
            "band_system": "phq4_published",
        }
    )
    enrolled = participants(dict.fromkeys(bands, ("north", "programme", None)))
    row = _cell(
        wave_summary(panel(tables.SCORES.conform(measured), enrolled, programme), programme),
        "north",
        "all",
    )
    assert (row["n_low"], row["n_moderate"], row["n_high"]) == (1, 2, 1)


def test_scores_that_could_not_be_made_do_not_count(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    enrolled = participants(dict.fromkeys(("p1", "p2"), ("north", "programme", None)))
    measured = scores([("p1", *BURNOUT, 20), ("p2", *BURNOUT, None)])
    assert (
        _cell(wave_summary(panel(measured, enrolled, programme), programme), "north", "all")["n"]
        == 1
    )


def test_nothing_gives_no_rows(scores: Frames, participants: Frames, programme: Programme) -> None:
    summary = wave_summary(panel(scores([]), participants({}), programme), programme)
    assert tables.WAVE_SUMMARY.conform(summary).equals(tables.WAVE_SUMMARY.empty())
    enrolled = participants({"p1": ("north", "programme", None)})
    assert wave_summary(panel(scores([]), enrolled, programme), programme).height == 0


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (("stranger", *BURNOUT, 20), "not among the participants"),
        (("p1", "session_8", "proqol5", "burnout", 20), "a wave that the programme does not have"),
        (("p1", "baseline", "proqol5", "anger", 20), "a subscale that the programme"),
    ],
)
def test_refuses_what_would_otherwise_vanish(
    scores: Frames,
    participants: Frames,
    programme: Programme,
    row: tuple[str, str, str, str, float],
    complaint: str,
) -> None:
    enrolled = participants({"p1": ("north", "programme", None)})
    with pytest.raises(ValueError, match=complaint):
        wave_summary(panel(scores([row]), enrolled, programme), programme)


def test_refuses_a_band_that_the_instrument_does_not_have(
    scores: Frames, participants: Frames, programme: Programme
) -> None:
    enrolled = participants({"p1": ("north", "programme", None)})
    measured = scores([("p1", *BURNOUT, 20)]).with_columns(band=pl.lit("severe"))
    with pytest.raises(ValueError, match="a band that the instrument does not have"):
        wave_summary(panel(measured, enrolled, programme), programme)
