"""Answers of one instrument as a matrix: what is asked of every item of a response at once.

What belongs here: counting over the items of each row. What stays out: which counts make a row
unsound (`rules.py`). Thirty expressions, one an item, take twenty times as long as one matrix.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.reading.cells import UNRECOGNISED
from pipeline.reference import Instrument

UNANSWERED: Final = 2**15
"""Stands in the matrix for an unanswered item; no Int16 answer can be the same."""

Matrix = npt.NDArray[np.int32]


def item_columns(instrument: Instrument) -> list[str]:
    return [f"item_{number}" for number in range(1, instrument.items + 1)]


def answer_matrix(rows: pl.DataFrame, instrument: Instrument) -> Matrix:
    """Rows by items: the Int16 answers of canonical rows, UNANSWERED for null."""
    items = pl.col(item_columns(instrument))
    return rows.select(items.cast(pl.Int32).fill_null(UNANSWERED)).to_numpy()


def with_counts(rows: pl.DataFrame, instrument: Instrument) -> pl.DataFrame:
    """`rows` with Int32 counts of items, by which rules judge.

    `items_answered` (by anything at all), `items_unrecognised` and `items_out_of_range`, which do
    not overlap, and `longest_run` of equal answers one after the other, 0 if nothing is answered.
    """
    answers = answer_matrix(rows, instrument)
    answered = answers != UNANSWERED
    unrecognised = answers == UNRECOGNISED
    inside = (answers >= instrument.minimum) & (answers <= instrument.maximum)
    counts = {
        "items_answered": answered,
        "items_unrecognised": unrecognised,
        "items_out_of_range": answered & ~unrecognised & ~inside,
    }
    return rows.with_columns(
        *(pl.Series(name, each.sum(axis=1, dtype=np.int32)) for name, each in counts.items()),
        pl.Series("longest_run", _longest_runs(answers, answered)),
    )


def as_lists(rows: pl.DataFrame, instrument: Instrument) -> pl.Series:
    """The answers of each row as one list (List(UInt8)), item 1 first, null where unanswered."""
    flat = pl.Series("items", answer_matrix(rows, instrument).ravel())
    answers = flat.set(flat == UNANSWERED, None).cast(pl.UInt8)
    return answers.reshape((rows.height, instrument.items)).arr.to_list()


def as_columns(rows: pl.DataFrame, instrument: Instrument) -> pl.DataFrame:
    """`rows` with each answer of the list `items` in a column of its own: `as_lists` undone."""
    return rows.with_columns(
        pl.col("items").list.get(place, null_on_oob=True).cast(pl.Int16).alias(name)
        for place, name in enumerate(item_columns(instrument))
    )


def _longest_runs(answers: Matrix, answered: npt.NDArray[np.bool_]) -> Matrix:
    run = answered[:, 0].astype(np.int32)
    longest = run.copy()
    for item in range(1, answers.shape[1]):
        same = answered[:, item] & (answers[:, item] == answers[:, item - 1])
        run = np.where(same, run + 1, answered[:, item])
        np.maximum(longest, run, out=longest)
    return longest
