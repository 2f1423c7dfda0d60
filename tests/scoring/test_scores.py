"""Scoring against a plain-Python scorer, and what it refuses."""

import csv
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import reference, tables
from pipeline.reference import Instrument, Subscale
from pipeline.scoring.scores import score

Responses = Callable[..., pl.DataFrame]
INSTRUMENTS = sorted(reference.instruments())
SHARED = Path(__file__).parents[2] / "../shared"


def _plain_score(
    answers: list[int | None], instrument: Instrument, subscale: Subscale, prorate: bool
) -> tuple[Fraction | None, int, bool]:
    """Raw score, items answered, prorated: one item after another, as one would by hand."""
    total, answered = 0, 0
    for item in subscale.items:
        answer = answers[item - 1]
        if answer is None:
            continue
        if item in instrument.reversed:
            answer = instrument.maximum - (answer - instrument.minimum)
        total += answer
        answered += 1
    if answered == len(subscale.items):
        return Fraction(total), answered, False
    if prorate and answered >= len(subscale.items) / 2:
        return Fraction(total, answered) * len(subscale.items), answered, True
    return None, answered, False


def _plain_band(raw: Fraction, instrument: Instrument, subscale: Subscale) -> str:
    first, *others = instrument.bands_of(subscale)
    reached = [band for band in others if raw >= band.lowest]
    if reached:
        return reached[-1].band
    if raw <= first.highest or len(others) == 1:
        return first.band
    return others[0].band


@st.composite
def _some_answers(draw: st.DrawFn) -> tuple[str, list[list[int | None]], bool]:
    name = draw(st.sampled_from(INSTRUMENTS))
    instrument = reference.instruments()[name]
    answer = st.integers(instrument.minimum, instrument.maximum)
    # Rare blanks alone would hardly ever leave half of a subscale, frequent ones never a whole one.
    one = draw(st.sampled_from([answer, answer | st.none(), st.none() | answer | st.none()]))
    response = st.lists(one, min_size=instrument.items, max_size=instrument.items)
    return name, draw(st.lists(response, max_size=8)), draw(st.booleans())


@settings(deadline=None)
@given(_some_answers())
def test_agrees_with_a_plain_scorer(
    responses: Responses, drawn: tuple[str, list[list[int | None]], bool]
) -> None:
    name, answers, prorate = drawn
    instrument = reference.instruments()[name]
    found = score(responses(name, answers), instrument, prorate=prorate)
    assert found.schema == tables.SCORES.frame_schema
    assert found.height == len(answers) * len(instrument.subscales)
    for row in found.iter_rows(named=True):
        subscale = instrument.by_subscale[row["subscale"]]
        given_answers = answers[row["response_id"]]
        raw, answered, prorated = _plain_score(given_answers, instrument, subscale, prorate)
        assert row["raw_score"] == (None if raw is None else float(raw))
        assert row["band"] == (None if raw is None else _plain_band(raw, instrument, subscale))
        assert (row["items_answered"], row["prorated"]) == (answered, prorated)


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_no_response_gives_no_score(responses: Responses, name: str) -> None:
    found = score(responses(name, []), reference.instruments()[name], prorate=True)
    assert found.equals(tables.SCORES.empty())


def test_every_response_has_a_row_for_each_subscale_even_where_nothing_was_answered(
    responses: Responses,
) -> None:
    found = score(responses("proqol5", [[None] * 30]), reference.instruments()["proqol5"])
    assert found.height == 3
    assert found["raw_score"].null_count() == found["band"].null_count() == 3
    assert found["prorated"].to_list() == [False] * 3
    assert tables.SCORES.conform(found).height == 3


@pytest.mark.parametrize(
    ("name", "answers", "complaint"),
    [
        ("pss10", [[0] * 10], "another instrument"),
        ("proqol5", [[3] * 29], "has not 30 items"),
        ("proqol5", [[3] * 31, [3] * 29], "has not 30 items"),
        ("proqol5", [[3] * 29 + [6]], "outside the range"),
        ("proqol5", [[3] * 29 + [0]], "outside the range"),
    ],
)
def test_refuses_what_the_row_rules_should_have_stopped(
    responses: Responses, name: str, answers: list[list[int]], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        score(responses(name, answers), reference.instruments()["proqol5"])


def test_refuses_a_response_without_a_list_of_items(responses: Responses) -> None:
    listless = responses("phq4", [[0] * 4]).with_columns(items=pl.lit(None, pl.List(pl.UInt8)))
    with pytest.raises(ValueError, match="has not 4 items"):
        score(listless, reference.instruments()["phq4"])


def test_key_is_the_one_on_which_four_scoring_programs_agree() -> None:
    path = SHARED / "reference/proqol5_key.csv"
    if not path.exists():
        pytest.skip("the folder with reference figures is not beside the project")
    with path.open(encoding="utf-8", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    instrument = reference.instruments()["proqol5"]
    assert len(rows) == instrument.items
    for row in rows:
        item = int(row["item"])
        assert item in instrument.by_subscale[row["subscale"]].items
        assert (item in instrument.reversed) is (row["reversed"] == "true")
