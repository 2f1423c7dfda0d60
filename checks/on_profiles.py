"""Dagster's checks on `profiles`: one for each contract, over every submission of the lake.

What stays out: how a contract is judged (`checks/judge.py`). A check never stops the run: one bad
file must not stop the others, so what fails is held or rejected by its verdict.
"""

from collections.abc import Callable

import dagster as dg
import polars as pl

from checks.contract import Contract, contracts
from checks.judge import Question
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.storage.stages import Made, Stage, Summary
from pipeline.vocabulary import Verdict

Judging = Callable[[Question], pl.DataFrame]
"""`checks.judge.answer`, in this process or apart."""

_SHOWN = 50
_STOPPING = (Verdict.HELD.value, Verdict.REJECTED.value)


def _check_of(contract: Contract) -> dg.AssetChecksDefinition:
    measured, judged = f"measures_{contract.contract}", f"checks_{contract.contract}"

    @dg.asset_check(
        asset="profiles",
        name=contract.contract,
        description=_description(contract),
        # Blocking gives the order (verdicts come after), severity WARN lets the run go on.
        blocking=True,
        retry_policy=AGAIN,
    )
    @value_free
    def check(home: HomeResource, judging: dg.ResourceParam[Judging]) -> dg.AssetCheckResult:
        thresholds = home.open().programme.thresholds

        def work(stage: Stage) -> Made:
            results = judging(Question(contract, stage.read(measured), thresholds))
            if results["passed"].has_nulls():
                # The tool broke, not the data: the next run asks it again.
                stage.is_provisional()
            return {judged: results}, _summary(results)

        stage, _ = home.stage(judged, work, reads=[measured], settings=thresholds.model_dump())
        return dg.AssetCheckResult(
            passed=stage.summary["held or rejected"] == 0,
            severity=dg.AssetCheckSeverity.WARN,
            metadata=stage.summary,
        )

    return check


def _summary(results: pl.DataFrame) -> Summary:
    failed = results.filter(~pl.col("passed").fill_null(False))
    held = (
        failed.filter(pl.col("severity").is_in(_STOPPING) | pl.col("passed").is_null())[
            "submission_id"
        ]
        .unique()
        .sort()
    )
    by_name = failed["expectation"].value_counts().sort("expectation")
    return {
        "submissions judged": results["submission_id"].n_unique(),
        "held or rejected": len(held),
        "which": list(held.head(_SHOWN)),
        **{f"failed: {name}": n for name, n in by_name.iter_rows()},
    }


def _description(contract: Contract) -> str:
    limits = "; ".join(f"{e.name} (else {e.otherwise})" for e in contract.expectations)
    return f"What a submission of kind {contract.kind} must keep: {limits}."


CHECKS = [_check_of(contract) for contract in contracts()]
