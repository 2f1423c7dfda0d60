"""Stage 8: every row read is accepted, quarantined, superseded, held or withdrawn, and adds up."""

import dagster as dg
import polars as pl

from assets.accepted import REGISTERS, accepted
from pipeline import tables
from pipeline.intake import ACCEPTED
from pipeline.orchestration.guard import value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.quality.judgement import FINDINGS
from pipeline.quality.verdicts import (
    known_records,
    quarantine,
    rejected_rows,
    submissions,
)
from pipeline.vocabulary import Kind, Verdict


@dg.asset(
    deps=[accepted],
    group_name="quality",
    description="quality.submissions, quality.quarantine and quality.checks, with counts proved.",
)
@value_free
def accounting(home: HomeResource) -> dg.MaterializeResult[None]:
    lake = home.open().lake
    records = known_records(lake.records(), home.known_at_date())
    verdicts = lake.read_table("verdicts")
    standing = lake.read_table("standing_findings")
    responses = lake.read_table("responses")
    counting = [lake.read_table(kind).select("submission_id") for kind in REGISTERS]
    rows_accepted = (
        pl.concat([responses.select("submission_id"), *counting])
        .group_by("submission_id")
        .len("rows_accepted")
    )
    listed = submissions(records, verdicts, standing, lake.read_table("superseded"), rows_accepted)
    readable = [record.submission_id for record in records if record.problem is None]
    found = lake.rows("findings", readable, FINDINGS)
    rejected = set(verdicts.filter(pl.col("verdict") == Verdict.REJECTED)["submission_id"])
    by_contract = [
        rejected_rows(
            verdicts,
            lake.rows(
                "accepted",
                [
                    r.submission_id
                    for r in records
                    if r.submission_id in rejected and r.kind == kind
                ],
                ACCEPTED[kind],
            ),
        )
        for kind in Kind
    ]
    kept = quarantine(
        [standing, found, *by_contract],
        responses,
        verdicts,
    )
    shown = lake.read_table("judged").filter(
        pl.col("submission_id").is_in(listed["submission_id"].implode())
    )
    lake.write_table("submissions", listed)
    lake.write_table("quarantine", kept)
    lake.write_table("checks", tables.CHECKS.conform(shown.drop("sentence")))
    by_rule = kept["rule"].value_counts().sort("rule")
    return dg.MaterializeResult(
        metadata={
            "submissions": listed.height,
            "rows read": int(listed["rows_read"].sum()),
            **{f"rule: {rule}": n for rule, n in by_rule.iter_rows()},
        }
    )
