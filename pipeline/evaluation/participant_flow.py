"""How many enrolled, what became of them at every wave, and when they dropped out.

What belongs here: counts, for a STROBE flow chart, that add up to the enrolled at every stage.
What stays out: how a status or dropout stage is decided (`pipeline/follow_up`).
"""

from collections.abc import Iterable

import polars as pl

from pipeline import tables
from pipeline.evaluation.cells import ALL, as_part, as_total, by_denominator, came_twice
from pipeline.evaluation.taking_part import statuses
from pipeline.programme import DROPOUT, ENROLLED, ERASED, Programme
from pipeline.vocabulary import Denominator, DropoutStage, EnrolmentSource, WaveStatus

NOTE_NO_ROSTER = "no roster: officers who never answered are invisible"
NOTE_ERASED = "had enrolled and were erased: counted nowhere else, and in no arm"


def participant_flow(
    participants: pl.DataFrame,
    participant_waves: pl.DataFrame,
    programme: Programme,
    erased: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The rows of `tables.PARTICIPANT_FLOW`; only statuses that occur have a row.

    From `tables.PARTICIPANTS` and `tables.PARTICIPANT_WAVES` frames. Stages: `enrolled` (status:
    enrolment source), every wave in the programme's order (status at the wave), `dropout` (status:
    dropout stage). Organisation and arm are those of the officer's enrolment, with totals.
    All of it for everybody enrolled, and again for those who came to two sessions. `erased` has
    organisation and n, of officers of whom nothing but that is known any more: they are a stage of
    their own before the enrolled, among whom they are not.
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
    if erased is not None and erased.height:
        over_arms = _with_erased(over_arms, erased)
    return (
        pl.concat([over_arms, as_total(over_arms, "organisation")])
        .group_by(key)
        .agg(pl.col("n").sum())
        .sort(
            "organisation",
            "arm",
            "denominator",
            _rank("stage", (ERASED, ENROLLED, *programme.wave_names, DROPOUT)),
            _rank("status", (ERASED, *EnrolmentSource, *WaveStatus, *DropoutStage)),
        )
        .with_columns(
            note=pl.when(stage=ENROLLED, status=EnrolmentSource.FIRST_RESPONSE.value)
            .then(pl.lit(NOTE_NO_ROSTER))
            .when(stage=ERASED)
            .then(pl.lit(NOTE_ERASED))
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


def _with_erased(counted: pl.DataFrame, erased: pl.DataFrame) -> pl.DataFrame:
    """`counted`, and a row for each organisation whose officers were erased; it may have no other
    officers any more.
    """
    names = [*{*counted["organisation"].cast(pl.String), *erased["organisation"]}]
    places = pl.Enum([*sorted(names), ALL])
    told = {
        "arm": ALL,
        "denominator": Denominator.ENROLLED.value,
        "stage": ERASED,
        "status": ERASED,
    }
    rows = erased.with_columns(pl.lit(word).alias(column) for column, word in told.items())
    whole = counted.with_columns(pl.col("organisation").cast(pl.String).cast(places))
    return pl.concat(
        [
            whole,
            rows.select(pl.col(name).cast(dtype) for name, dtype in whole.schema.items()),
        ]
    )


def _rank(column: str, order: Iterable[str]) -> pl.Expr:
    return pl.col(column).cast(pl.Enum(list(dict.fromkeys(str(word) for word in order))))
