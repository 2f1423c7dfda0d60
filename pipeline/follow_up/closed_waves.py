"""Waves whose window has closed: how many were expected to answer, and how many did.

What belongs here: counts, and which of them are worth a warning. What stays out: who it is that
did not answer, and telling anybody (`checks/on_follow_up.py`).
"""

from datetime import date
from typing import Final

import polars as pl

from pipeline.follow_up.statuses import ANSWERED
from pipeline.vocabulary import WaveStatus

FEWEST_EXPECTED: Final = 10
"""Of fewer officers the share says little, and their number would say much about each."""

CLOSED_WAVES: Final = pl.Schema(
    {
        "organisation": pl.String(),
        "wave": pl.String(),
        "closed_on": pl.Date(),
        "expected": pl.Int32(),
        "answered": pl.Int32(),
    }
)
"""One row for each organisation, cohort and wave. The cohort has no column: it is text out of a
file, and the day on which the window closed tells cohorts apart as well."""

_NOT_EXPECTED: Final = (
    WaveStatus.WITHDRAWN.value,
    WaveStatus.LEFT_ORGANISATION.value,
    WaveStatus.NOT_SCHEDULED.value,
)


def closed_waves(
    participants: pl.DataFrame, participant_waves: pl.DataFrame, as_of: date
) -> pl.DataFrame:
    """CLOSED_WAVES whose last day lies before `as_of`, newest first.

    From `tables.PARTICIPANTS` and `tables.PARTICIPANT_WAVES` frames. Expected are all but those
    who had gone without an answer and those whose programme leaves the wave out. A cohort and wave
    of which nobody is expected has no row.
    """
    closed = participant_waves.filter(
        pl.col("window_closes_on") < as_of, ~pl.col("status").is_in(_NOT_EXPECTED)
    )
    return (
        closed.join(participants.select("participant_id", "cohort"), on="participant_id")
        .group_by("organisation", "cohort", "wave", pl.col("window_closes_on").alias("closed_on"))
        .agg(
            pl.len().cast(pl.Int32).alias("expected"),
            pl.col("status").is_in(ANSWERED).sum().cast(pl.Int32).alias("answered"),
        )
        .sort(
            "closed_on",
            "organisation",
            "wave",
            "cohort",
            descending=[True, False, False, False],
        )
        .select(CLOSED_WAVES.names())
    )


def poorly_answered(closed: pl.DataFrame) -> pl.DataFrame:
    """Those of CLOSED_WAVES that under half of at least FEWEST_EXPECTED officers answered."""
    return closed.filter(
        pl.col("expected") >= FEWEST_EXPECTED, 2 * pl.col("answered") < pl.col("expected")
    )
