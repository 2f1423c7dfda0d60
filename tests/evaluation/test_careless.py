"""Signs of carelessness: by plain loops, by readable cases, and the primary change without them."""

import statistics
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
import pytest
from answered import Answered, Items, answers
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import reference, tables
from pipeline.evaluation import careless as module
from pipeline.evaluation.careless import (
    SIGNS,
    bearers,
    change_without_careless,
    response_quality,
    with_signs,
)
from pipeline.evaluation.paired_change import paired_change
from pipeline.evaluation.panel import panel
from pipeline.programme import Programme
from pipeline.quality.rules import ROW_RULES
from pipeline.vocabulary import Careless

Frames = Callable[..., pl.DataFrame]
KEY = reference.instruments()["proqol5"]
MIXED = [3, 2, 4, 4, 2, 3, 2, 2, 1, 2, 3, 4, 1, 2, 4, 5, 4, 3, 2, 4, 1, 3, 2, 4, 2, 2, 3, 1, 4, 5]


def _signs(row: Answered, programme: Programme) -> dict[str, bool | None]:
    (made,) = answers([row], programme)
    return with_signs(made).drop("organisation", "wave", "response_id").row(0, named=True)


def _naive(items: Items) -> tuple[bool | None, bool | None]:
    """Little variation and contradiction of thirty answers, as the module's docstring has them."""
    known = [answer for answer in items if answer is not None]
    little = None if len(known) < 2 else statistics.stdev(known) < 0.4
    burnout = KEY.by_subscale["burnout"].items
    if any(items[i - 1] is None for i in burnout):
        return little, None
    keyed = {i: 6 - items[i - 1] if i in KEY.reversed else items[i - 1] for i in burnout}
    kinds: Sequence[list[int]] = [
        [keyed[i] for i in burnout if (i in KEY.reversed) == is_reversed]
        for is_reversed in (True, False)
    ]
    return little, abs(statistics.mean(kinds[0]) - statistics.mean(kinds[1])) >= 2


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.lists(st.none() | st.integers(1, 5), min_size=30, max_size=30),
        st.lists(st.sampled_from([3, 3, 3, 3, 3, 4, None]), min_size=30, max_size=30),
        st.lists(st.sampled_from([5, 5, 5, 4, 1]), min_size=30, max_size=30),
    )
)
def test_signs_by_plain_loops(programme: Programme, items: list[int | None]) -> None:
    found = _signs(Answered("north", items), programme)
    assert (found["little_variation"], found["contradictory"]) == _naive(items)


def test_an_ordinary_response_bears_no_sign(programme: Programme) -> None:
    assert _signs(Answered("north", MIXED, seconds=200), programme) == dict.fromkeys(
        Careless, False
    )


@pytest.mark.parametrize(
    ("items", "little", "contradictory"),
    [
        ([3] * 30, True, False),
        ([5] * 30, True, True),
        ([3] * 25 + [4] * 5, True, False),
        ([3] * 24 + [4] * 6, False, False),
        ([5 if i in KEY.by_subscale["burnout"].items else 2 for i in range(1, 31)], False, True),
    ],
    ids=["middle", "highest", "five differ", "six differ", "agrees with both"],
)
def test_readable_cases(
    programme: Programme, items: list[int], little: bool, contradictory: bool
) -> None:
    found = _signs(Answered("north", items), programme)
    assert (found["little_variation"], found["contradictory"]) == (little, contradictory)
    assert found["any"] is (little or contradictory)


def test_signs_of_row_rules_are_taken_over(programme: Programme) -> None:
    names = {rule.name for rule in ROW_RULES}
    assert {Careless.STRAIGHT_LINING, Careless.ANSWERED_TOO_FAST} <= names
    both = Answered("north", MIXED, flags=("straight_lining", "answered_too_fast"), seconds=20)
    found = _signs(both, programme)
    assert found["straight_lining"]
    assert found["answered_too_fast"]
    assert not found["little_variation"]
    other = _signs(Answered("north", MIXED, flags=("rank_not_recognised",)), programme)
    assert other["any"] is False


def test_a_short_instrument_is_asked_for_no_run_and_no_variation(programme: Programme) -> None:
    found = _signs(Answered("north", [0, 0, 0, 0], "baseline", "phq4"), programme)
    assert found["straight_lining"] is found["little_variation"] is found["contradictory"] is None
    assert found["any"] is None


def test_counts_of_every_place_with_totals(programme: Programme) -> None:
    rows = [
        Answered("north", MIXED, seconds=200),
        Answered("north", [5] * 30, flags=("straight_lining", "answered_too_fast"), seconds=20),
        Answered("south", [3] * 30, flags=("straight_lining",)),
        Answered("south", [0, 1, 2, 3], "session_7", "phq4"),
    ]
    made = answers(rows, programme)
    signs = {each.instrument.instrument: with_signs(each) for each in made}
    table = tables.RESPONSE_QUALITY.conform(response_quality(signs, programme))
    assert table["organisation"].unique(maintain_order=True).to_list() == ["north", "south", "all"]
    found = {
        (r["organisation"], r["instrument"], r["flag"]): (r["n"], r["n_judged"], r["note"])
        for r in table.to_dicts()
    }
    assert len(found) == 2 * 5 + 2 * 5 + 5
    assert found["all", "proqol5", "straight_lining"] == (2, 3, None)
    assert found["all", "proqol5", "answered_too_fast"] == (1, 2, None)
    assert found["all", "proqol5", "little_variation"] == (2, 3, None)
    assert found["all", "proqol5", "contradictory"] == (1, 3, None)
    assert found["all", "proqol5", "any"] == (2, 3, None)
    assert found["south", "proqol5", "answered_too_fast"] == (None, 0, "no time taken is recorded")
    assert found["south", "phq4", "any"] == (None, 0, "none of the signs can be judged")
    n, judged, note = found["south", "phq4", "straight_lining"]
    assert (n, judged) == (None, 0)
    assert "fewer than ten items" in note
    borne = bearers(signs.values())
    assert borne.schema == SIGNS
    assert sorted(borne.filter(sign="any")["response_id"]) == [1, 2]


def test_the_primary_change_without_those_who_bear_a_sign(
    participants: Frames, scores: Frames, programme: Programme
) -> None:
    changes = {"p0": -4, "p1": -2, "p2": 0, "p3": 3, "p4": -1, "p5": -3}
    places = {
        officer: ("north" if i % 2 else "south", "programme", None)
        for i, officer in enumerate(changes)
    }
    enrolled = participants(places)
    measured = scores(
        row
        for officer, change in changes.items()
        for row in (
            (officer, "baseline", "proqol5", "burnout", 30),
            (officer, "session_10", "proqol5", "burnout", 30 + change),
            (officer, "session_7", "proqol5", "burnout", 12),
        )
    ).with_columns(response_id=pl.int_range(pl.len(), dtype=pl.Int64))
    # p3 at baseline and p1 at session 10; p2 at a wave that is not compared.
    signs = pl.DataFrame(
        [(9, "straight_lining"), (9, "any"), (4, "contradictory"), (4, "any"), (8, "any")],
        schema=SIGNS,
        orient="row",
    )
    judged = _quality(dict.fromkeys(Careless, 1))
    table = tables.CHANGE_WITHOUT_CARELESS.conform(
        change_without_careless(
            panel(measured, enrolled, programme),
            measured,
            enrolled,
            signs,
            programme,
            quality=judged,
        )
    )
    assert table["left_out"].to_list() == ["none", *Careless]
    found = {row["left_out"]: row for row in table.to_dicts()}
    whole = paired_change(panel(measured, enrolled, programme), programme).filter(
        "named_beforehand", organisation="all", arm="all"
    )
    for name in ("n", "mean_change", "ci_low", "ci_high", "n_clusters"):
        assert found["none"][name] == whole[name].item(), name
    assert found["straight_lining"]["mean_change"] == pytest.approx(-10 / 5)
    assert found["contradictory"]["mean_change"] == pytest.approx(-5 / 5)
    assert found["any"]["mean_change"] == pytest.approx(-8 / 4)
    assert (found["any"]["n"], found["any"]["n_left_out"]) == (4, 2)
    assert found["little_variation"]["n_left_out"] == 0
    kept = [officer for officer in changes if officer not in ("p1", "p3")]
    without = paired_change(
        panel(measured.filter(pl.col("participant_id").is_in(kept)), enrolled, programme), programme
    ).filter("named_beforehand", organisation="all", arm="all")
    assert found["any"]["ci_low"] == without["ci_low"].item()


def test_nobody_is_left(participants: Frames, scores: Frames, programme: Programme) -> None:
    enrolled = participants({"p1": ("north", "programme", None)})
    rows = [("p1", wave, "proqol5", "burnout", 20) for wave in ("baseline", "session_10")]
    measured = scores(rows)
    signs = pl.DataFrame([(0, "any")], schema=SIGNS, orient="row")

    def table(measured: pl.DataFrame) -> dict[str, Any]:
        made = change_without_careless(
            panel(measured, enrolled, programme),
            measured,
            enrolled,
            signs,
            programme,
            quality=_quality(dict.fromkeys(Careless, 1)),
        )
        return {row["left_out"]: row for row in made.to_dicts()}

    found = table(measured)["any"]
    assert (found["n"], found["n_left_out"], found["mean_change"]) == (0, 1, None)
    assert found["note"] == module.NOTE_NOBODY
    assert table(measured.clear()) == {}


def test_a_sign_that_nobody_can_be_judged_by_gives_no_figure(
    participants: Frames, scores: Frames, programme: Programme
) -> None:
    """Without durations nobody was too fast, and the change would look as if it held."""
    enrolled = participants({f"p{i}": (f"force-{i}", "programme", None) for i in range(3)})
    measured = scores(
        (f"p{i}", wave, "proqol5", "burnout", 20 + i)
        for i in range(3)
        for wave in ("baseline", "session_10")
    )
    quality = _quality({sign: int(sign != Careless.ANSWERED_TOO_FAST) for sign in Careless})
    made = change_without_careless(
        panel(measured, enrolled, programme),
        measured,
        enrolled,
        pl.DataFrame(schema=SIGNS),
        programme,
        quality=quality,
    )
    found = {
        row["left_out"]: row for row in tables.CHANGE_WITHOUT_CARELESS.conform(made).to_dicts()
    }
    too_fast = found["answered_too_fast"]
    assert (too_fast["n"], too_fast["n_left_out"], too_fast["mean_change"]) == (None, None, None)
    assert too_fast["note"] == "no time taken is recorded"
    assert found["none"]["n"] == found["straight_lining"]["n"] == found["any"]["n"] == 3


def _quality(judged: dict[Careless, int]) -> pl.DataFrame:
    """So many responses judged by each sign at one of the primary contrast's waves."""
    return tables.RESPONSE_QUALITY.conform(
        pl.DataFrame(
            [
                {
                    "organisation": "all",
                    "wave": "session_10",
                    "instrument": "proqol5",
                    "flag": sign.value,
                    "n_judged": n,
                }
                for sign, n in judged.items()
            ],
            schema=tables.RESPONSE_QUALITY.frame_schema,
        )
    )
