"""How many enrolled, what became of them at every wave, and when they dropped out.

What belongs here: counts, for a STROBE flow chart, that add up to the enrolled at every stage.
What stays out: how a status or dropout stage is decided (`pipeline/follow_up`).
"""

from collections.abc import Iterable

import polars as pl

from pipeline import tables
from pipeline.evaluation.cells import as_part, as_total, by_denominator, came_twice
from pipeline.evaluation.taking_part import statuses
from pipeline.programme import DROPOUT, ENROLLED, Programme
from pipeline.vocabulary import DropoutStage, EnrolmentSource, WaveStatus

NOTE_NO_ROSTER = "no roster: officers who never answered are invisible"


def participant_flow(
    participants: pl.DataFrame, participant_waves: pl.DataFrame, programme: Programme
) -> pl.DataFrame:
    """The rows of `tables.PARTICIPANT_FLOW`; only statuses that occur have a row.

    From `tables.PARTICIPANTS` and `tables.PARTICIPANT_WAVES` frames. Stages: `enrolled` (status:
    enrolment source), every wave in the programme's order (status at the wave), `dropout` (status:
    dropout stage). Organisation and arm are those of the officer's enrolment, with totals.
    All of it for everybody enrolled, and again for those who came to two sessions.
    Raises ValueError if the ledger has not one row for every officer and wave of the programme.
    """
    enrolled = participants.with_columns(
        *(as_part(participants, column) for column in ("organisation", "arm")), came_twice()
    )
    at_waves = statuses(participants, participant_waves, programme)
    key = list(tables.PARTICIPANT_FLOW.key)
    counted = pl.concat(
        [
            _stage(enrolled, ENROLLED, enrolled["enrolment_source"]),
            *(_stage(enrolled, wave, at_waves[wave]) for wave in programme.wave_names),
            _stage(enrolled, DROPOUT, enrolled["dropout_stage"]),
        ]
    )
    parts = by_denominator(counted)
    over_arms = pl.concat([parts, as_total(parts, "arm")])
    return (
        pl.concat([over_arms, as_total(over_arms, "organisation")])
        .group_by(key)
        .agg(pl.col("n").sum())
        .sort(
            "organisation",
            "arm",
            "denominator",
            _rank("stage", (ENROLLED, *programme.wave_names, DROPOUT)),
            _rank("status", (*EnrolmentSource, *WaveStatus, *DropoutStage)),
        )
        .with_columns(
            note=pl.when(stage=ENROLLED, status=EnrolmentSource.FIRST_RESPONSE.value).then(
                pl.lit(NOTE_NO_ROSTER)
            )
        )
        .select(
            pl.col(name).cast(dtype) for name, dtype in tables.PARTICIPANT_FLOW.frame_schema.items()
        )
    )


def _stage(participants: pl.DataFrame, stage: str, status: pl.Series) -> pl.DataFrame:
    """Officers of one stage, counted."""
    columns = ("organisation", "arm", "came_twice")
    return (
        participants.select(*columns, status=status)
        .group_by(*columns, "status")
        .len("n")
        .select(*columns, pl.lit(stage).alias("stage"), pl.col("status").cast(pl.String), "n")
    )


def _rank(column: str, order: Iterable[str]) -> pl.Expr:
    return pl.col(column).cast(pl.Enum(list(dict.fromkeys(str(word) for word in order))))
