"""Stage 8: every row read is accepted, quarantined, superseded, held or withdrawn, and adds up."""

import dagster as dg
import polars as pl

from assets.accepted import REGISTERS, accepted
from pipeline import tables
from pipeline.intake import ACCEPTED
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.quality.judgement import FINDINGS
from pipeline.quality.verdicts import (
    known_records,
    quarantine,
    rejected_rows,
    submissions,
)
from pipeline.storage.stages import Made, Stage
from pipeline.submissions import versions
from pipeline.vocabulary import Kind, Verdict


@dg.asset(
    deps=[accepted],
    group_name="quality",
    retry_policy=AGAIN,
    description="quality.submissions, quality.quarantine and quality.checks, with counts proved.",
)
@value_free
def accounting(home: HomeResource) -> dg.MaterializeResult[None]:
    lake = home.open().lake
    records = known_records(lake.records(), home.known_at_date())

    def work(stage: Stage) -> Made:
        verdicts, responses = stage.read("verdicts"), stage.read("responses")
        standing = pl.concat(stage.read(f"findings_{kind}") for kind in Kind)
        counting = [stage.read(kind).select("submission_id") for kind in REGISTERS]
        rows_accepted = (
            pl.concat([responses.select("submission_id"), *counting])
            .group_by("submission_id")
            .len("rows_accepted")
        )
        superseded = pl.concat(stage.read(f"superseded_{kind}") for kind in Kind)
        listed = submissions(records, verdicts, standing, superseded, rows_accepted)
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
        kept = quarantine([standing, found, *by_contract], responses, verdicts)
        shown = stage.read("judged").filter(
            pl.col("submission_id").is_in(listed["submission_id"].implode())
        )
        by_rule = kept["rule"].value_counts().sort("rule")
        return {
            "submissions": listed,
            "quarantine": kept,
            "checks": tables.CHECKS.conform(shown.drop("sentence")),
        }, {
            "submissions": listed.height,
            "rows read": int(listed["rows_read"].sum()),
            **{f"rule: {rule}": n for rule, n in by_rule.iter_rows()},
        }

    return home.carry_out(
        "accounting",
        work,
        reads=[
            "verdicts",
            "judged",
            "responses",
            *REGISTERS,
            *(f"{table}_{kind}" for table in ("findings", "superseded") for kind in Kind),
        ],
        settings=versions(records),
    )
