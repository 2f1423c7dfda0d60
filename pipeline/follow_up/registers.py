"""Registers of attendance: what they say by a day, one row for each officer and session.

What belongs here: reconciling rows that speak of the same session, and which sessions were held.
What stays out: what follows for the officer (`dropout.py`).
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from pipeline.follow_up.frames import last_of_each


def until(attendance: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The rows (`ATTENDANCE_SCHEMA`) of sessions up to `as_of`; an unknown day counts as past.

    Nobody attended a session that was cancelled, and a register that does not say a session was
    cancelled held it.
    """
    return attendance.filter((pl.col("held_on") <= as_of).fill_null(True)).with_columns(
        pl.col("cancelled").fill_null(False),
        pl.when(~pl.col("cancelled").fill_null(False)).then("attended").alias("attended"),
    )


def one_row_a_session(attendance: pl.DataFrame) -> pl.DataFrame:
    """One row for each officer and session number, in that order, out of all submissions.

    Which row stays, weightiest first: came before stayed away before not known before cancelled,
    so that nobody loses a session to a second register that had not heard of it, and a cancelled
    session that was made up counts as held; the later day; the longer time; a reason before none;
    and to settle it, the last organisation by name, submission and row. Submissions do not say
    which of them is newer, and cumulative ones have been replaced before they come here.
    """
    key = ("participant_id", "session_number")
    ordered = attendance.sort(*key)
    # What is in order has its repetitions side by side, and most registers have none.
    if not ordered.select(_repeats_the_row_before(key).any()).item():
        return ordered
    return last_of_each(
        ordered,
        key,
        (
            "attended",  # unknown, then stayed away, then came
            ~pl.col("cancelled"),
            "held_on",
            "minutes",
            pl.col("absence_reason").is_not_null(),
            "organisation",
            "submission_id",
            "row_number",
        ),
    ).sort(*key)


def _repeats_the_row_before(key: Sequence[str]) -> pl.Expr:
    return pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift()) for name in key).slice(1)


def sessions_held(attendance: pl.DataFrame) -> pl.DataFrame:
    """The rows of `attendance` that show a session was held, whether the officer came or not.

    A session was held if it was not cancelled and the register says of somebody whether they
    came. Without a day somebody must have come: registers are often printed for all sessions
    beforehand, everybody down as absent.
    """
    marked = pl.col("attended").is_not_null() & pl.col("held_on").is_not_null()
    came = pl.col("attended").fill_null(False)
    return attendance.filter(~pl.col("cancelled") & (marked | came))
