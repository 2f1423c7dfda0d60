"""Dagster's checks on `profiles`: one for each contract, over every submission of the lake.

What stays out: how a contract is judged (`checks/judge.py`). A check never stops the run: one bad
file must not stop the others, so what fails is held or rejected by its verdict.
"""

import dagster as dg
import polars as pl

from checks.contract import Contract, contracts
from checks.judge import judge
from pipeline.orchestration.guard import value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.vocabulary import Verdict

_SHOWN = 50
_STOPPING = (Verdict.HELD.value, Verdict.REJECTED.value)


def _check_of(contract: Contract) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset="profiles",
        name=contract.contract,
        description=_description(contract),
        # Blocking gives the order (verdicts come after), severity WARN lets the run go on.
        blocking=True,
    )
    @value_free
    def check(home: HomeResource) -> dg.AssetCheckResult:
        here = home.open()
        measures = here.lake.read_table("measures")
        results = judge(contract, measures, here.programme.thresholds)
        here.lake.write_table(f"checks_{contract.contract}", results)
        failed = results.filter(~pl.col("passed").fill_null(False))
        held = (
            failed.filter(pl.col("severity").is_in(_STOPPING) | pl.col("passed").is_null())[
                "submission_id"
            ]
            .unique()
            .sort()
        )
        by_name = failed["expectation"].value_counts().sort("expectation")
        return dg.AssetCheckResult(
            passed=held.is_empty(),
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "submissions judged": results["submission_id"].n_unique(),
                "held or rejected": len(held),
                "which": list(held.head(_SHOWN)),
                **{f"failed: {name}": n for name, n in by_name.iter_rows()},
            },
        )

    return check


def _description(contract: Contract) -> str:
    limits = "; ".join(f"{e.name} (else {e.otherwise})" for e in contract.expectations)
    return f"What a submission of kind {contract.kind} must keep: {limits}."


CHECKS = [_check_of(contract) for contract in contracts()]
