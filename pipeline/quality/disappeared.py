"""Rows of a cumulative source that its newest file does not hold any more.

What belongs here: comparing, by key, the newest good file of a source with the good ones that it
replaced. What stays out: any cell beside the key, and files that do not count.

A cumulative file holds everything so far, so a row that is gone was either corrected away or lost
on the way; only the organisation knows which.
"""

from typing import Final

import polars as pl

from pipeline.quality.judgement import as_findings
from pipeline.quality.rules import DUPLICATE_RULES, ROW_DISAPPEARED
from pipeline.quality.standing import STANDING_FINDINGS
from pipeline.quality.verdicts import good
from pipeline.vocabulary import Kind, Severity

KEYS: dict[Kind, pl.Schema] = {
    Kind.QUESTIONNAIRE: pl.Schema(
        {"participant_id": pl.String(), "wave": pl.String(), "instrument": pl.String()}
    ),
    Kind.ROSTER: pl.Schema({"participant_id": pl.String()}),
    Kind.ATTENDANCE: pl.Schema({"participant_id": pl.String(), "session_number": pl.Int32()}),
    Kind.DEPARTURES: pl.Schema({"participant_id": pl.String()}),
}
"""What makes two rows of two files the same row."""

_DUPLICATES = sorted(rule.name for rule in DUPLICATE_RULES.values())
# Beside a duplicate stands the row that counts, with the same key.

COUNTS: Final = pl.Schema({"submission_id": pl.String(), "rows_disappeared": pl.Int32()})


def replaced_files(verdicts: pl.DataFrame) -> dict[str, str]:
    """Good submissions that a newer good one of their source replaced -> that newer one.

    In the order of arrival. Empty where nothing was replaced, and then nothing has to be read.
    """
    rows = good(verdicts).select("submission_id", "replaced_by").iter_rows()
    return {older: newer for older, newer in rows if newer is not None}


def disappeared(
    kind: Kind,
    older: pl.DataFrame,
    newest: pl.DataFrame,
    findings: pl.DataFrame,
    replaced: dict[str, str],
) -> pl.DataFrame:
    """Rows that were accepted once and are gone (STANDING_FINDINGS), each at the last file it had.

    Args:
        kind: of all the rows; the key depends on it.
        older: accepted rows of the replaced files: row_number, submission_id, `arrived`, the key.
        newest: accepted rows of the files that replaced them: submission_id, the key.
        findings: of the files that replaced them (STANDING_FINDINGS): what is in quarantine there
            has not disappeared. A quarantined row whose wave or session is not on record could be
            any of its officer's, so it is taken for all of them.
        replaced: replaced files and what replaced them.

    """
    key = KEYS[kind].names()
    newer = pl.DataFrame(
        list(replaced.items()),
        schema={"submission_id": pl.String, "newer": pl.String},
        orient="row",
    )
    gone = (
        older.join(newer, on="submission_id")
        .sort("arrived", "row_number")
        .unique(["newer", *key], keep="last", maintain_order=True)
        .join(
            newest.select(pl.col("submission_id").alias("newer"), *key),
            on=["newer", *key],
            how="anti",
        )
    )
    quarantined = findings.filter(
        (pl.col("severity") == Severity.REJECT) & ~pl.col("rule").is_in(_DUPLICATES)
    ).rename({"submission_id": "newer"})
    if kind == Kind.QUESTIONNAIRE:
        of_any_wave = quarantined.filter(pl.col("wave").is_null())
        gone = gone.join(quarantined, on=["newer", *key], how="anti").join(
            of_any_wave, on=["newer", "participant_id", "instrument"], how="anti"
        )
    else:
        gone = gone.join(quarantined, on=["newer", "participant_id"], how="anti")
    found = as_findings(gone, pl.lit(ROW_DISAPPEARED.name), pl.lit(None), ROW_DISAPPEARED.severity)
    return found.select(pl.col(name).cast(dtype) for name, dtype in STANDING_FINDINGS.items())


def counts(found: pl.DataFrame, replaced: dict[str, str]) -> pl.DataFrame:
    """Rows that disappeared, by the submission that does not hold them any more (COUNTS).

    One row for every submission that replaced another, 0 included.
    """
    gone = dict.fromkeys(replaced.values(), 0)
    for submission_id in found["submission_id"]:
        gone[replaced[submission_id]] += 1
    return pl.DataFrame(list(gone.items()), schema=COUNTS, orient="row")
