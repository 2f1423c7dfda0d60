"""Who of one organisation is to be reminded, by the rows of its own roster.

What belongs here: choosing the officers and waves that wait for an answer, and where the
organisation finds each officer. What stays out: pseudonyms and answers, which nothing here hands
on, and the workbook (`pipeline/reminder_workbook.py`).
"""

from datetime import date
from typing import Final

import polars as pl

from pipeline.programme import Programme
from pipeline.vocabulary import WaveStatus

REMINDERS: Final = pl.Schema(
    {
        "submission_id": pl.String(),
        "row_number": pl.Int32(),
        "wave": pl.String(),
        "due_on": pl.Date(),
        "window_closes_on": pl.Date(),
        "overdue": pl.Boolean(),
    }
)
"""One row for each officer and wave, the officer as a row of a roster that was sent."""


class NoRoster(Exception):
    """An organisation without a roster that counts: there is no row to find an officer by."""


def reminders_of(
    organisation: str,
    *,
    participants: pl.DataFrame,
    participant_waves: pl.DataFrame,
    roster: pl.DataFrame,
    programme: Programme,
    as_of: date,
) -> pl.DataFrame:
    """REMINDERS of the organisation that enrolled the officers, by file, row and wave.

    Open waves of those who have neither left nor withdrawn. `roster` has submission_id,
    row_number, participant_id and organisation of the rows that count: one an officer, of the
    newest file that names them. Raises NoRoster where there is none of the organisation, and
    ValueError if somebody whom a roster enrolled is on no row of it.
    """
    own = roster.filter(pl.col("organisation") == organisation)
    if own.is_empty():
        raise NoRoster(organisation)
    # One who has gone has no open wave. To chase one would do such harm that it is asked twice.
    here = participants.filter(
        pl.col("organisation") == organisation, pl.col("departed_on").is_null()
    )
    waiting = participant_waves.filter(
        pl.col("organisation") == organisation, pl.col("status") == WaveStatus.OPEN.value
    ).join(here.select("participant_id"), on="participant_id", how="semi")
    placed = waiting.join(
        own.select("participant_id", "submission_id", "row_number"), on="participant_id", how="left"
    )
    if placed["submission_id"].has_nulls():
        raise ValueError("participant_waves: somebody enrolled whom the roster does not name")
    return (
        placed.with_columns(overdue=pl.col("due_on") < as_of)
        .sort("submission_id", "row_number", pl.col("wave").cast(pl.Enum(programme.wave_names)))
        .select(pl.col(name).cast(dtype) for name, dtype in REMINDERS.items())
    )
