"""Stage 8: every row read is accepted, quarantined, superseded, held or withdrawn, and adds up."""

import dagster as dg
import polars as pl

from assets.accepted import REGISTERS, accepted
from pipeline import tables
from pipeline.intake import ACCEPTED, WHOSE
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.quality.disappeared import KEYS, counts, disappeared, replaced_files
from pipeline.quality.judgement import FINDINGS
from pipeline.quality.standing import STANDING_FINDINGS
from pipeline.quality.stopped import not_missing
from pipeline.quality.transfers import under_one_name
from pipeline.quality.verdicts import (
    REGISTERED,
    known_records,
    quarantine,
    rejected_rows,
    submissions,
)
from pipeline.storage.lake import Lake
from pipeline.storage.stages import Made, Stage
from pipeline.submissions import Record, versions
from pipeline.vocabulary import Kind, Verdict

_OF_RESPONSES = ("submission_id", "participant_id", "wave", "instrument")


@dg.asset(
    deps=[accepted],
    group_name="quality",
    retry_policy=AGAIN,
    description="quality.submissions, quality.quarantine and quality.checks, with counts proved.",
)
@value_free
def accounting(home: HomeResource) -> dg.MaterializeResult[None]:
    here = home.open()
    lake = here.lake
    records = known_records(home.records(), home.known_at_date())
    replaced = replaced_files(here.stages.read("verdicts"))
    compared = [r for r in records if r.submission_id in {*replaced, *replaced.values()}]
    home.stage(
        "disappeared",
        lambda stage: _disappeared(lake, compared, replaced, stage.read("stopped")),
        reads=["stopped"],
        settings=[sorted(replaced.items()), versions(compared)],
    )

    def work(stage: Stage) -> Made:
        verdicts = stage.read("verdicts")
        responses = stage.read("responses", _OF_RESPONSES)
        standing = pl.concat(stage.read(f"findings_{kind}") for kind in Kind)
        registers = pl.concat([_registered(stage, kind) for kind in REGISTERS])
        rows_accepted = (
            pl.concat([responses.select("submission_id"), registers.select("submission_id")])
            .group_by("submission_id")
            .len("rows_accepted")
        )
        superseded = pl.concat(stage.read(f"superseded_{kind}") for kind in Kind)
        waivers, let_in = stage.read("waivers"), stage.read("let_in")
        listed = submissions(
            records,
            verdicts,
            standing,
            superseded,
            rows_accepted,
            waivers=waivers,
            let_in=let_in,
            disappeared=stage.read("rows_disappeared"),
            kept=_rows_kept(lake, stage.read("kept")),
        )
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
                        if r.submission_id in rejected and r.kind == kind and r.problem is None
                    ],
                    ACCEPTED[kind],
                ),
            )
            for kind in Kind
        ]
        broken = [standing, found, *by_contract, stage.read("disappeared")]
        aliases = stage.read(tables.PARTICIPANT_ALIAS.name)
        kept = quarantine(
            [under_one_name(rows, aliases) for rows in broken],
            responses,
            verdicts,
            ever_waived=stage.read("ever_waived"),
            waivers=waivers,
            let_in=let_in,
            registers=registers,
            sources=pl.DataFrame(
                [(r.submission_id, r.organisation, r.kind) for r in records],
                {"submission_id": pl.String, "organisation": pl.String, "kind": pl.String},
                orient="row",
            ),
        )
        shown = stage.read("judged").filter(
            pl.col("submission_id").is_in(listed["submission_id"].implode())
        )
        by_rule = kept["rule"].value_counts().sort("rule")
        return {
            "submissions": listed,
            "quarantine": kept,
            "checks": tables.CHECKS.conform(shown),
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
            tables.PARTICIPANT_ALIAS.name,
            "responses",
            "let_in",
            "waivers",
            "ever_waived",
            "disappeared",
            "rows_disappeared",
            "kept",
            *REGISTERS,
            *(f"{table}_{kind}" for table in ("findings", "superseded") for kind in Kind),
        ],
        settings=versions(records),
    )


def _registered(stage: Stage, kind: Kind) -> pl.DataFrame:
    """Whom the rows of a register that count are about (REGISTERED)."""
    has = [name for name in REGISTERED if name != "kind"]
    if kind != Kind.ATTENDANCE:
        has.remove("session_number")
    rows = stage.read(kind, has).with_columns(pl.lit(kind.value).alias("kind"))
    if kind != Kind.ATTENDANCE:
        rows = rows.with_columns(pl.lit(None, pl.Int32).alias("session_number"))
    return rows.select(pl.col(name).cast(dtype) for name, dtype in REGISTERED.items())


def _rows_kept(lake: Lake, kept: pl.DataFrame) -> pl.DataFrame:
    ids = kept["submission_id"].unique(maintain_order=True).to_list()
    rows = lake.rows("accepted", ids, WHOSE, only=kept)
    return rows.group_by("submission_id").len("rows_kept")


def _disappeared(
    lake: Lake, compared: list[Record], replaced: dict[str, str], stopped: pl.DataFrame
) -> Made:
    """Rows of replaced files that those that replaced them do not hold; keys alone are read."""
    place = {record.submission_id: record.place for record in compared}
    replaced_at = {older: place[newer] for older, newer in replaced.items()}
    found = [STANDING_FINDINGS.to_frame()]
    for kind in Kind:
        of_kind = [record.submission_id for record in compared if record.kind == kind]
        older = [submission_id for submission_id in of_kind if submission_id in replaced]
        newest = [submission_id for submission_id in of_kind if submission_id not in replaced]
        if older:
            key = pl.Schema({"row_number": pl.Int32(), **KEYS[kind]})
            found.append(
                disappeared(
                    kind,
                    not_missing(lake.rows("accepted", older, key), replaced_at, stopped),
                    lake.rows("accepted", newest, key),
                    lake.rows("findings", newest, FINDINGS),
                    replaced,
                )
            )
    gone = pl.concat(found)
    return {
        "disappeared": gone,
        "rows_disappeared": counts(gone, replaced),
    }, {"rows": gone.height}
