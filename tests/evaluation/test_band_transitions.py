"""Moves between bands against plain counting."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import tables
from pipeline.evaluation import band_transitions as module
from pipeline.evaluation.band_transitions import band_transitions
from pipeline.evaluation.panel import panel
from pipeline.programme import Programme

Frames = Callable[..., pl.DataFrame]
LEVELS = ("low", "moderate", "high")

_score = st.none() | st.sampled_from([12, 22, 23, 41, 42, 50])
_officers = st.lists(
    st.tuples(st.sampled_from(["north", "south"]), st.tuples(_score, _score, _score)), max_size=40
)


def _band(score: int) -> str:
    return "low" if score <= 22 else "high" if score >= 42 else "moderate"


def _made(
    officers: list[Any], participants: Frames, scores: Frames, programme: Programme
) -> pl.DataFrame:
    enrolled = participants(
        {f"p{i}": (where, "programme", None) for i, (where, _) in enumerate(officers)}
    )
    measured = scores(
        (f"p{i}", wave, "proqol5", "burnout", score)
        for i, (_, by_wave) in enumerate(officers)
        for wave, score in zip(programme.wave_names, by_wave, strict=True)
    )
    return tables.BAND_TRANSITIONS.conform(
        band_transitions(panel(measured, enrolled, programme), programme)
    )


@settings(max_examples=60, deadline=None)
@given(_officers)
def test_every_move_is_counted_once(
    participants: Frames, scores: Frames, programme: Programme, officers: list[Any]
) -> None:
    expected: Counter[tuple[str, ...]] = Counter()
    for where, by_wave in officers:
        for place, to_wave in ((1, "session_7"), (2, "session_10")):
            if by_wave[0] is not None and by_wave[place] is not None:
                move = (to_wave, _band(by_wave[0]), _band(by_wave[place]))
                expected.update([(where, *move), ("all", *move)])
    made = _made(officers, participants, scores, programme)
    found = {
        (r["organisation"], r["to_wave"], r["from_band"], r["to_band"]): r for r in made.to_dicts()
    }
    assert {key: row["n"] for key, row in found.items()} == dict(expected)
    for (where, to_wave, band, _), row in found.items():
        there = sum(n for key, n in expected.items() if key[:3] == (where, to_wave, band))
        assert row["n_from"] == there
        assert (row["note"] == module.NOTE_FEW) is (there < 10)


def test_bands_go_from_low_to_high_and_totals_come_last(
    participants: Frames, scores: Frames, programme: Programme
) -> None:
    every = [(a, None, b) for a in (50, 30, 12) for b in (50, 30, 12)]
    officers = [(where, each) for where in ("south", "north") for each in every]
    made = _made(officers, participants, scores, programme)
    assert made["organisation"].unique(maintain_order=True).to_list() == ["north", "south", "all"]
    moves = made.filter(organisation="all").select("from_band", "to_band").rows()
    assert moves == [(a, b) for a in LEVELS for b in LEVELS]


def test_nobody_answered_twice(participants: Frames, scores: Frames, programme: Programme) -> None:
    assert _made([], participants, scores, programme).is_empty()
    assert _made([("north", (20, None, None))], participants, scores, programme).is_empty()


def test_a_band_of_another_instrument_is_refused(
    participants: Frames, scores: Frames, programme: Programme
) -> None:
    enrolled = participants({"p1": ("north", "programme", None)})
    wrong = scores([("p1", "baseline", "proqol5", "burnout", 20)]).with_columns(
        band=pl.lit("positive_screen")
    )
    with pytest.raises(ValueError, match="a band that the instrument does not have"):
        panel(wrong, enrolled, programme)
