"""The profile of a submission: counts by rule and item, once, for contracts to judge.

What belongs here: counting, and the measures that contracts speak of. What stays out: thresholds
and verdicts (`checks/`). A profile holds aggregates only, so a contract never sees a person.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from pipeline.programme import Thresholds
from pipeline.quality.answers import UNANSWERED, answer_matrix
from pipeline.quality.trends import TRENDS, trends
from pipeline.reference import Instrument, instruments
from pipeline.vocabulary import Kind

PROFILE = pl.Schema(
    {
        "instrument": pl.String(),
        "measure": pl.String(),
        "name": pl.String(),
        "value": pl.Int32(),
        "n": pl.Int64(),
    }
)
"""Long: measure `rows` (name read, accepted, quarantined, withdrawn), `rule` (its name), or
`answer` (wave and item, answer as value). `instrument` is null for registers."""


def profile_of(
    instrument: Instrument | None,
    rows_read: int,
    rows_withdrawn: int,
    accepted: pl.DataFrame,
    findings: pl.DataFrame,
) -> pl.DataFrame:
    """Profile of the rows of one instrument, or of one register."""
    name = instrument.instrument if instrument else None
    counts = {
        "read": rows_read,
        "withdrawn": rows_withdrawn,
        "accepted": accepted.height,
        "quarantined": rows_read - rows_withdrawn - accepted.height,
    }
    rows: list[tuple[str | None, str, str, int | None, int]]
    rows = [(name, "rows", what, None, n) for what, n in counts.items()]
    rows += [
        (name, "rule", rule, None, n)
        for rule, n in findings["rule"].value_counts().sort("rule").iter_rows()
    ]
    if instrument is not None:
        rows += [
            (name, "answer", f"{wave} item_{item}", answer, n)
            for wave, item, answer, n in _answers(instrument, accepted)
        ]
    return pl.DataFrame(rows, schema=PROFILE, orient="row")


def _answers(instrument: Instrument, accepted: pl.DataFrame) -> list[tuple[str, int, int, int]]:
    """How often each answer was given to each item at each wave, among accepted rows."""
    choices = instrument.maximum - instrument.minimum + 1
    # One count over all cells: cell of item i with answer a falls into bin i * choices + a.
    answers = answer_matrix(accepted, instrument)
    bins = answers - instrument.minimum + np.arange(instrument.items) * choices
    answered = answers != UNANSWERED
    counted = []
    for wave in accepted["wave"].unique().sort():
        of_wave = (accepted["wave"] == wave).to_numpy()
        counts = np.bincount(bins[of_wave][answered[of_wave]], minlength=instrument.items * choices)
        counted += [
            (wave, place // choices + 1, place % choices + instrument.minimum, int(n))
            for place, n in enumerate(counts)
            if n
        ]
    return counted


MEASURES = pl.Schema(
    {
        "submission_id": pl.String(),
        "kind": pl.String(),
        "instrument": pl.String(),
        "rows_judged": pl.Float64(),
        "share_quarantined": pl.Float64(),
        "share_unlinked": pl.Float64(),
        "columns_unknown": pl.Float64(),
        **TRENDS,
    }
)
"""One row a submission and instrument; the columns are what contracts may speak of."""

MEANINGS = {
    "rows_judged": "rows of officers who consented",
    "share_quarantined": "share of these rows that are in quarantine",
    "share_unlinked": "share of sound rows whose officer is on no roster, where any was sent",
    "columns_unknown": "columns that the mapping neither takes nor leaves out",
    "share_of_previous_rows": (
        "rows as a share of those of the last sound file of the source, where each holds all so far"
    ),
    "rise_in_quarantined": "share in quarantine less that of the last sound file of the source",
    "rise_in_unlinked": "share on no roster less that of the last sound file of the source",
    "columns_appeared": "columns beside the mapping's that the last sound file had not",
    "columns_vanished": "columns beside the mapping's that the last sound file had",
    "item_shift": (
        "how far item means lie from the organisation's earlier ones, in standard deviations: root "
        "mean square over items, what chance gives taken off, the largest over waves"
    ),
}
"""What each measure is. One that is not there, as of a first file, fails nothing that may lack."""


def measures(
    records: pl.DataFrame,
    profiles: pl.DataFrame,
    unlinked: pl.DataFrame,
    *,
    waves: Sequence[str] = (),
    thresholds: Thresholds | None = None,
    ruled: Mapping[str, bool] | None = None,
) -> pl.DataFrame:
    """What contracts judge, for every submission that could be read (MEASURES).

    An instrument that a file does not hold is not judged.

    Args:
        records: submission_id, organisation, source, kind, delivery, columns_unknown and
            columns_beside, in the order in which they arrived.
        profiles: PROFILE with submission_id.
        unlinked: submission_id and share_unlinked.
        waves: the programme's, in order.
        thresholds: beyond which a file is no measure for those after it; see `trends`. Without
            them every file is.
        ruled: what stewards decided of whole submissions, true if they accepted one.

    """
    counts = (
        profiles.filter(pl.col("measure") == "rows")
        .pivot("name", index=["submission_id", "instrument"], values="n")
        .with_columns(pl.exclude("submission_id", "instrument").fill_null(0))
    )
    for name in ("read", "accepted", "quarantined", "withdrawn"):
        if name not in counts.columns:
            counts = counts.with_columns(pl.lit(0).alias(name))
    counts = counts.filter(pl.col("read") > 0)
    judged = pl.col("read") - pl.col("withdrawn")
    measured = (
        records.join(counts, on="submission_id", how="inner", maintain_order="left")
        .join(unlinked, on="submission_id", how="left", maintain_order="left")
        .with_columns(
            pl.when(judged > 0).then(pl.col("quarantined") / judged).alias("share_quarantined"),
            judged.alias("rows_judged"),
        )
    )
    before = trends(
        measured.rename({"columns_beside": "columns"}), profiles, waves, thresholds, ruled or {}
    )
    return measured.hstack(before).select(
        pl.col(name).cast(dtype) for name, dtype in MEASURES.items()
    )


def contract_name(kind: str, instrument: str | None) -> str:
    """What the contract for a kind, and an instrument where it has any, is called."""
    return f"{kind}_{instrument}" if instrument else kind


def every_contract() -> list[str]:
    """Names of the contracts for all registers and for questionnaires of all instruments."""
    registers = [contract_name(kind, None) for kind in Kind if kind != Kind.QUESTIONNAIRE]
    return registers + [contract_name(Kind.QUESTIONNAIRE, name) for name in instruments()]


def measures_by_contract(measures: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The measures that each contract speaks of, none included, by the contract's name."""
    parts = measures.with_columns(
        pl.concat_str("kind", "instrument", separator="_", ignore_nulls=True).alias("contract")
    )
    return {
        contract: parts.filter(pl.col("contract") == contract).drop("contract")
        for contract in every_contract()
    }


def contracts_expected(measures: pl.DataFrame) -> pl.DataFrame:
    """submission_id and contract: which contracts have to be judged."""
    judged = measures.select("submission_id", "kind", "instrument").iter_rows()
    return pl.DataFrame(
        [
            (submission_id, contract_name(kind, instrument))
            for submission_id, kind, instrument in judged
        ],
        schema={"submission_id": pl.String, "contract": pl.String},
        orient="row",
    )
