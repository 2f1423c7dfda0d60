"""What waits for an answer on the as-of date, and what comes next, by organisation and wave.

What belongs here: counts of statuses that add up to the officers expected. What stays out: when a
wave is due and what became of it (`pipeline/follow_up`), and who it is that has not answered.
"""

from datetime import date, timedelta
from typing import Final

import polars as pl

from pipeline import tables
from pipeline.evaluation.cells import as_part, as_total, joined_notes
from pipeline.evaluation.participant_flow import NOTE_NO_ROSTER
from pipeline.follow_up.statuses import ANSWERED
from pipeline.programme import Programme
from pipeline.vocabulary import EnrolmentSource, WaveStatus

CLOSES_SOON_DAYS: Final = 14
"""A window that closes within so many days is worth a call rather than a letter."""

NOTE_NOBODY: Final = "nobody is expected: all have gone, or the wave is not held"
NOTE_START_UNKNOWN: Final = "some officers have no dates: cohort start unknown"

_COUNTS: Final = ("answered", "due", "overdue", "missed", "not_yet_due")


def follow_up_due(
    participants: pl.DataFrame,
    participant_waves: pl.DataFrame,
    programme: Programme,
    as_of: date,
) -> pl.DataFrame:
    """The rows of `tables.FOLLOW_UP_DUE`: every organisation and wave, totals last.

    From `tables.PARTICIPANTS` and `tables.PARTICIPANT_WAVES` frames of `as_of`. An open wave is
    `due` up to its due day and `overdue` after it; of both, `closing` has a window that ends within
    CLOSES_SOON_DAYS days. Raises ValueError if the ledger has not one row for every officer and
    wave of the programme.
    """
    # Asked before the cast to an enum, which would quote the stranger.
    known = participant_waves["wave"].is_in(list(programme.wave_names)).all()
    if not known or participant_waves.height != participants.height * len(programme.wave_names):
        raise ValueError("participant_waves: not one row for every participant and wave")
    by_status = (
        participant_waves.with_columns(
            as_part(participants, "organisation"),
            pl.col("wave").cast(pl.Enum(programme.wave_names)),
        )
        .group_by("organisation", "wave")
        .agg(_figures(as_of))
    )
    invisible = (
        participants.select(
            as_part(participants, "organisation"),
            (pl.col("enrolment_source") == EnrolmentSource.FIRST_RESPONSE.value).alias("no_roster"),
        )
        .group_by("organisation")
        .agg(pl.col("no_roster").any())
    )
    within = by_status.join(invisible, on="organisation", how="left")
    counted = pl.concat([within, as_total(within, "organisation")]).group_by("organisation", "wave")
    summed = (
        counted.agg(
            pl.col(*_COUNTS, "closing").sum(),
            pl.col("next_due_on", "next_closing_on").min(),
            pl.col("start_unknown", "no_roster").any(),
        )
        .with_columns(pl.sum_horizontal(_COUNTS).alias("expected"))
        .sort("organisation", "wave")
    )
    notes = [
        joined_notes(
            note
            for note, applies in (
                (NOTE_NO_ROSTER, no_roster),
                (NOTE_NOBODY, not expected),
                (NOTE_START_UNKNOWN, start_unknown),
            )
            if applies
        )
        for no_roster, expected, start_unknown in summed.select(
            "no_roster", "expected", "start_unknown"
        ).iter_rows()
    ]
    return summed.with_columns(pl.Series("note", notes, pl.String)).select(
        pl.col(name).cast(dtype) for name, dtype in tables.FOLLOW_UP_DUE.frame_schema.items()
    )


def _figures(as_of: date) -> list[pl.Expr]:
    status, due_on = pl.col("status"), pl.col("due_on")
    is_open = status == WaveStatus.OPEN.value
    not_yet_due = status == WaveStatus.NOT_YET_DUE.value
    soon = pl.col("window_closes_on") <= as_of + timedelta(days=CLOSES_SOON_DAYS)
    counted = {
        "answered": status.is_in(ANSWERED),
        "due": is_open & (due_on >= as_of),
        "overdue": is_open & (due_on < as_of),
        "closing": is_open & soon,
        "missed": status == WaveStatus.MISSED.value,
        "not_yet_due": not_yet_due,
    }
    return [
        *(applies.sum().cast(pl.Int64).alias(name) for name, applies in counted.items()),
        due_on.filter(not_yet_due).min().alias("next_due_on"),
        pl.col("window_closes_on").filter(is_open).min().alias("next_closing_on"),
        (not_yet_due & due_on.is_null()).any().alias("start_unknown"),
    ]
