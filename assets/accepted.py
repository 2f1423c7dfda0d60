"""Stage 4: the rows that count, from every submission that was accepted and not replaced."""

import dagster as dg
import polars as pl

from assets.verdicts import verdicts
from pipeline import tables
from pipeline.intake import ACCEPTED
from pipeline.orchestration.guard import value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.quality.standing import enrolment_of, standing_registers, standing_responses
from pipeline.quality.verdicts import counting
from pipeline.vocabulary import Kind

REGISTERS = (Kind.ROSTER, Kind.ATTENDANCE, Kind.DEPARTURES)


@dg.asset(
    deps=[verdicts],
    group_name="quality",
    description="Rosters, attendance, departures and responses after rules across submissions.",
)
@value_free
def accepted(home: HomeResource) -> dg.MaterializeResult[None]:
    here = home.open()
    lake = here.lake
    kinds = {record.submission_id: record.kind for record in lake.records()}
    ids = counting(lake.read_table("verdicts"))
    rows = {
        kind: lake.rows("accepted", [i for i in ids if kinds[i] == kind], ACCEPTED[kind])
        for kind in Kind
    }
    enrolment = enrolment_of(rows[Kind.ROSTER])
    standing = {kind: standing_registers(kind, rows[kind], enrolment) for kind in REGISTERS}
    left = standing[Kind.DEPARTURES].counting
    standing[Kind.QUESTIONNAIRE] = standing_responses(
        rows[Kind.QUESTIONNAIRE],
        enrolment,
        left.group_by("participant_id").agg(pl.col("departed_on").min()),
        here.programme,
    )
    for kind in REGISTERS:
        lake.write_table(kind, standing[kind].counting)
    responses = standing[Kind.QUESTIONNAIRE].counting.with_columns(
        pl.concat_str("participant_id", "wave", "instrument", separator="/").alias("response_id")
    )
    lake.write_table("responses", tables.RESPONSES.conform(responses))
    origins = responses.select("response_id", "home_force", "arm", "gender").sort("response_id")
    lake.write_table("response_origins", origins)
    lake.write_table("standing_findings", pl.concat(s.findings for s in standing.values()))
    lake.write_table("superseded", pl.concat(s.superseded for s in standing.values()))
    return dg.MaterializeResult(
        metadata={kind.value: result.counting.height for kind, result in standing.items()}
    )
