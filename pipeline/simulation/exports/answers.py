"""Answers and waves as the cells of a questionnaire say them.

What stays out: where those cells stand, which is the platform's (the modules beside this one).
"""

from typing import Final

import polars as pl

from pipeline import reference
from pipeline.simulation.exports.writing import NOT_A_CHOICE, broken, meanings, spelled
from pipeline.simulation.faults import UNKNOWN_WAVE, UNREADABLE_ITEM
from pipeline.simulation.plan import INSTRUMENT
from pipeline.simulation.records import ITEM_COLUMNS, Sheet

ANCHORS: Final = [anchor.capitalize() for anchor in reference.instruments()[INSTRUMENT].anchors]
NUMBER_QUESTION: Final = "Your officer number"
WAVE_QUESTION: Final = "Which survey is this?"
GRID: Final = "Please choose one answer in each row"
ARM_QUESTION: Final = "Where are you in the programme"
_NOT_AN_ANSWER: Final = "n/k"

_WAVE_SPELLINGS: Final = {
    "baseline": ("Baseline", "before the first session"),
    "session_5": ("Session 5", "after session 5"),
    "session_7": ("Session 7", "after session 7"),
    "session_10": ("Session 10", "last session"),
    "follow_up_3m": ("Follow-up 3 months", "3 months"),
    "follow_up_6m": ("Follow-up 6 months", "6 months later"),
    "follow_up_12m": ("Follow-up 12 months", "one year later"),
}


def as_numbers(sheet: Sheet) -> dict[str, pl.Expr]:
    shift = 1 if sheet.organisation.counts_from_zero else 0
    cells = {item: pl.col(item) - shift for item in ITEM_COLUMNS}
    return _with_unreadable(cells, _NOT_AN_ANSWER)


def as_labels() -> dict[str, pl.Expr]:
    labels = dict(enumerate(ANCHORS, start=1))
    cells = {
        item: pl.col(item).replace_strict(labels, default=None, return_dtype=pl.String)
        for item in ITEM_COLUMNS
    }
    return _with_unreadable(cells, NOT_A_CHOICE)


def _with_unreadable(cells: dict[str, pl.Expr], cell: str) -> dict[str, pl.Expr]:
    text = cells[UNREADABLE_ITEM].cast(pl.String)
    spoilt = pl.when(broken("answer_not_recognised")).then(pl.lit(cell)).otherwise(text)
    return cells | {UNREADABLE_ITEM: spoilt}


def wave_in_words(sheet: Sheet, *, freely: bool) -> tuple[pl.Expr, dict[str, str]]:
    """The cell that names the wave, and the values by which a mapping understands it."""
    formal = {wave: _WAVE_SPELLINGS[wave][0] for wave in sheet.waves}
    if not freely:
        cell = spelled("wave", formal)
        known = meanings(formal)
    else:
        casual = {wave: _WAVE_SPELLINGS[wave][1] for wave in sheet.waves}
        shouted = {wave: spelling.upper() for wave, spelling in formal.items()}
        cell = (
            pl.when(pl.col("luck") < 0.5)
            .then(spelled("wave", formal))
            .when(pl.col("luck") < 0.9)
            .then(spelled("wave", casual))
            .otherwise(spelled("wave", shouted))
        )
        known = meanings(formal) | meanings(casual)
    unknown = pl.when(broken("wave_unknown")).then(pl.lit(UNKNOWN_WAVE))
    return unknown.otherwise(cell), known


def question(number: int) -> str:
    # The instrument's wording is not ours to print.
    return f"Question {number}"
