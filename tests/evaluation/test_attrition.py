"""Those who dropped out against those who stayed, at the first wave."""

import statistics
from collections.abc import Callable
from datetime import date
from itertools import product
from math import sqrt
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import tables
from pipeline.evaluation import attrition as module
from pipeline.evaluation.attrition import attrition, imbalance
from pipeline.evaluation.taking_part import taking_part
from pipeline.programme import Programme
from pipeline.vocabulary import Imbalance

Frames = Callable[..., pl.DataFrame]
AS_OF = date(2026, 1, 1)
Officer = tuple[str, int | None, int | None, tuple[str, str]]

_later = st.sampled_from(
    [
        "completed",
        "missed",
        "withdrawn",
        "withdrawn*",
        "left_organisation",
        "left_organisation*",
        "open",
        "not_scheduled",
    ]
)
_officers = st.lists(
    st.tuples(
        st.sampled_from(["north", "south"]),
        st.none() | st.integers(0, 4),
        st.none() | st.integers(10, 50),
        st.tuples(_later, _later),
    ),
    max_size=24,
)
_a_few_populations = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="session")
def frames(
    participants: Frames, scores: Frames, ledger: Frames, attended: Frames, programme: Programme
) -> Callable[[list[Officer]], tuple[pl.DataFrame, pl.DataFrame]]:
    """Scores, and officers with how far they came; one without a score answered in part."""

    def make(officers: list[Officer]) -> tuple[pl.DataFrame, pl.DataFrame]:
        named = {f"p{i}": officer for i, officer in enumerate(officers)}
        enrolled = participants({name: (o[0], "programme", None) for name, o in named.items()})
        waves = ledger(
            {
                name: ("partial" if score is None else "completed", *later)
                for name, (_, _, score, later) in named.items()
            }
        )
        sessions = {name: officer[1] for name, officer in named.items()}
        measured = scores(
            (name, wave, "proqol5", "burnout", score if wave == "baseline" else 30)
            for name, (_, _, score, _) in named.items()
            for wave in ("baseline", "session_7")
        )
        return measured, taking_part(attended(enrolled, sessions), waves, programme, AS_OF)

    return make


def _naive(later: tuple[str, str]) -> str | None:
    """`left`, `stayed` or neither, of an officer who answered the first wave."""
    if later[1] == "completed":
        return "stayed"
    following = later[1:] if later[0] == "completed" else later
    held = [status for status in following if status != "not_scheduled"]
    if held and held[0] in {"missed", "withdrawn"}:
        return "left"
    if held and held[0] == "left_organisation":
        return None
    if any(status.startswith(("withdrawn", "left_organisation")) for status in following):
        return None  # departed, and the wave that decides is not over
    closed = any(status not in {"open", "not_scheduled"} for status in later)
    return "stayed" if closed else None


@_a_few_populations
@given(_officers)
def test_agrees_with_reading_one_officer_after_another(
    frames: Callable[..., Any], programme: Programme, officers: list[Officer]
) -> None:
    groups: dict[tuple[str, str], dict[str | None, list[int]]] = {}
    for where, sessions, score, later in officers:
        if score is None:
            continue
        denominators = ["enrolled"] + ["two_sessions"] * (sessions is not None and sessions >= 2)
        for cell in product((where, "all"), denominators):
            groups.setdefault(cell, {}).setdefault(_naive(later), []).append(score)
    made = tables.ATTRITION.conform(attrition(*frames(officers), programme))
    found = {row[:2]: made.row(i, named=True) for i, row in enumerate(made.iter_rows())}
    assert found.keys() == groups.keys()
    for cell, scores in groups.items():
        row = found[cell]
        left, stayed = scores.get("left", []), scores.get("stayed", [])
        assert (row["n_left"], row["n_stayed"]) == (len(left), len(stayed))
        for name, values in (("mean_left", left), ("mean_stayed", stayed)):
            mean = statistics.mean(values) if values else None
            assert row[name] == (mean if mean is None else pytest.approx(mean))
        spread = 0.0
        if min(len(left), len(stayed)) >= 2:
            spread = sqrt((statistics.variance(left) + statistics.variance(stayed)) / 2)
        if spread:
            difference = (statistics.mean(left) - statistics.mean(stayed)) / spread
            assert row["standardised_difference"] == pytest.approx(difference)
            assert (row["flag"], row["note"]) == (imbalance(difference), None)
        else:
            assert (row["standardised_difference"], row["flag"]) == (None, None)
            assert row["note"]


@_a_few_populations
@given(_officers, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(
    frames: Callable[..., Any], programme: Programme, officers: list[Officer], shuffler: Any
) -> None:
    scores, came = frames(officers)
    rows = list(range(scores.height))
    shuffler.shuffle(rows)
    shuffled = attrition(scores[rows], came.reverse(), programme)
    assert attrition(scores, came, programme).equals(shuffled)


@pytest.mark.parametrize(
    ("difference", "flag"),
    [
        (0.0, Imbalance.SMALL),
        (-0.10, Imbalance.SMALL),
        (0.11, Imbalance.NOTABLE),
        (-0.25, Imbalance.NOTABLE),
        (0.26, Imbalance.SERIOUS),
        (-3.0, Imbalance.SERIOUS),
    ],
)
def test_flags_differences_in_either_direction(difference: float, flag: Imbalance) -> None:
    assert imbalance(difference) is flag


def test_notes_say_why_there_is_no_difference(
    frames: Callable[..., Any], programme: Programme
) -> None:
    def note(*officers: tuple[int, str]) -> str:
        people = [("north", 2, score, (later, later)) for score, later in officers]
        return str(attrition(*frames(people), programme)["note"][0])

    stayed = ((20, "completed"), (20, "completed"))
    assert note(*stayed) == f"{module.NOTE_NOBODY_LEFT}; {module.NOTE_TOO_FEW}"
    assert note((20, "missed"), *stayed) == module.NOTE_TOO_FEW
    assert note((30, "missed"), (30, "missed"), *stayed) == module.NOTE_NO_SPREAD
    gone = note((20, "missed"), (20, "left_organisation"), (20, "open"))
    assert gone == f"{module.NOTE_NOBODY_STAYED}; {module.NOTE_TOO_FEW}"


def test_who_departed_before_the_window_closed_neither_left_nor_stayed(
    frames: Callable[..., Any], programme: Programme
) -> None:
    departing = [("withdrawn*", "withdrawn*"), ("open", "left_organisation*")]
    departing += [("completed", "withdrawn*"), ("completed", "left_organisation?")]
    stayed, left = ("completed", "open"), ("withdrawn", "withdrawn*")
    officers = [("north", 2, 20, later) for later in (*departing, stayed, left)]
    row = attrition(*frames(officers), programme).row(0, named=True)
    assert (row["n_left"], row["n_stayed"]) == (1, 1)


def test_refuses_a_score_of_nobody_enrolled(
    frames: Callable[..., Any], programme: Programme
) -> None:
    scores, came = frames([("north", 2, 20, ("missed", "missed"))])
    with pytest.raises(ValueError, match="not among the participants"):
        attrition(scores, came.clear(), programme)
