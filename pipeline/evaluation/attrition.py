"""Whether those who dropped out differed at the first wave from those who stayed.

What belongs here: standardised differences and their flags. What stays out: several scores at once
(`attrition_model.py`), and who counts as dropped out (`taking_part.py`).
"""

import math
from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from pipeline import tables
from pipeline.evaluation.cells import (
    Moments,
    as_part,
    as_total,
    by_denominator,
    came_twice,
    joined_notes,
    scored,
)
from pipeline.evaluation.taking_part import dropped_out_later
from pipeline.programme import Programme
from pipeline.vocabulary import Imbalance

NOTABLE: Final = 0.10
SERIOUS: Final = 0.25

NOTE_NOBODY_LEFT: Final = "nobody with a score dropped out later"
NOTE_NOBODY_STAYED: Final = "nobody with a score stayed"
NOTE_TOO_FEW: Final = "fewer than two in a group: no standardised difference"
NOTE_NO_SPREAD: Final = "SD of 0 in both groups: no standardised difference"

_KEY: Final = ["organisation", "denominator", "instrument", "subscale"]


def attrition(scores: pl.DataFrame, officers: pl.DataFrame, programme: Programme) -> pl.DataFrame:
    """The rows of `tables.ATTRITION` from `tables.SCORES` and a frame of `taking_part`.

    One row for each organisation, denominator, instrument and subscale with a score at the
    programme's first wave, totals last. The groups are those of `dropped_out_later`.
    standardised_difference = (mean_left - mean_stayed) / sqrt((var_left + var_stayed) / 2)
    (P. C. Austin 2009, Stat. Med. 28). A figure that cannot be had is NULL and the note says why.
    Raises ValueError for a score of nobody enrolled, and for an instrument or subscale that the
    programme does not have.
    """
    of_first_wave = scored(scores.filter(pl.col("wave") == programme.wave_names[0]), programme)
    places = officers.select(
        "participant_id", as_part(officers, "organisation"), came_twice(), left=dropped_out_later()
    )
    measured = of_first_wave.join(places, on="participant_id", how="left")
    if measured["organisation"].has_nulls():
        raise ValueError("scores: of somebody who is not among the participants")
    sums = [
        figure.filter(pl.col("left") == left).sum().alias(f"{name}_{group}")
        for group, left in (("left", True), ("stayed", False))
        for name, figure in (
            ("n", pl.lit(1, pl.Int64)),
            ("total", pl.col("score")),
            ("squares", pl.col("score") ** 2),
        )
    ]
    within = by_denominator(
        measured.group_by("organisation", "came_twice", "instrument", "subscale").agg(sums)
    )
    counted = (
        pl.concat([within, as_total(within, "organisation")])
        .group_by(_KEY)
        .agg(pl.exclude(_KEY).sum())
        .sort(_KEY)
    )
    rows = [_row(cell) for cell in counted.iter_rows(named=True)]
    return pl.DataFrame(rows, schema=tables.ATTRITION.frame_schema)


def standardised_difference(left: Moments, stayed: Moments) -> float | None:
    """Difference of two means in units of their SD; None where there is no SD, or only 0."""
    if left.sd is None or stayed.sd is None or not (left.sd or stayed.sd):
        return None
    return (left.mean - stayed.mean) / math.sqrt((left.sd**2 + stayed.sd**2) / 2)


def imbalance(difference: float) -> Imbalance:
    """How far apart the groups are, in either direction."""
    if abs(difference) > SERIOUS:
        return Imbalance.SERIOUS
    return Imbalance.NOTABLE if abs(difference) > NOTABLE else Imbalance.SMALL


def _row(cell: dict[str, Any]) -> dict[str, Any]:
    left, stayed = (
        Moments(*(cell[f"{name}_{group}"] for name in ("n", "total", "squares")))
        for group in ("left", "stayed")
    )
    difference = standardised_difference(left, stayed)
    return {
        **{name: cell[name] for name in _KEY},
        "n_left": left.n,
        "n_stayed": stayed.n,
        "mean_left": left.mean if left.n else None,
        "mean_stayed": stayed.mean if stayed.n else None,
        "standardised_difference": difference,
        "flag": None if difference is None else imbalance(difference),
        "note": joined_notes(_notes(left, stayed, difference)),
    }


def _notes(left: Moments, stayed: Moments, difference: float | None) -> Iterator[str]:
    if not left.n:
        yield NOTE_NOBODY_LEFT
    if not stayed.n:
        yield NOTE_NOBODY_STAYED
    if difference is None:
        yield NOTE_TOO_FEW if min(left.n, stayed.n) < 2 else NOTE_NO_SPREAD
