"""Carries out a contract on profiles with Great Expectations: the one adapter to it.

What stays out: Dagster, and reading or writing anything. Great Expectations is imported only when
there is something to judge, since the import takes seconds.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from checks.contract import Contract, Expectation
from pipeline.programme import Thresholds
from pipeline.quality.profile import MEASURES
from pipeline.quality.verdicts import CHECK_RESULTS
from pipeline.vocabulary import Verdict

_SEVERITY = {
    Verdict.REJECTED: "critical",
    Verdict.HELD: "warning",
    Verdict.ACCEPTED_WITH_WARNINGS: "info",
}


def concerned(contract: Contract, measures: pl.DataFrame) -> pl.DataFrame:
    """The profiles that a contract speaks of."""
    return measures.filter(
        (pl.col("kind") == contract.kind)
        & pl.col("instrument").eq_missing(pl.lit(contract.instrument, pl.String))
    )


def judge(contract: Contract, measures: pl.DataFrame, thresholds: Thresholds) -> pl.DataFrame:
    """One row for each submission and expectation (CHECK_RESULTS).

    `measures` is quality.profile.MEASURES. A check that Great Expectations could not carry out
    has `passed` NULL: it says nothing about the data.
    """
    profiles = concerned(contract, measures)
    if profiles.is_empty():
        return CHECK_RESULTS.to_frame()
    try:
        failing = _failing(contract, profiles, thresholds)
    except Exception:  # noqa: BLE001 - a tool that breaks says nothing about the data
        failing = dict.fromkeys((expectation.name for expectation in contract.expectations), None)
    return pl.concat(
        [
            profiles.select(
                "submission_id",
                pl.lit(contract.contract).alias("contract"),
                pl.lit(expectation.name).alias("expectation"),
                pl.lit(expectation.measure).alias("column_name"),
                pl.lit(expectation.otherwise.value).alias("severity"),
                _passed(failing[expectation.name]),
                pl.col(expectation.measure).alias("observed"),
                pl.lit(expectation.sentence).alias("sentence"),
            )
            for expectation in contract.expectations
        ]
    ).select(pl.col(name).cast(dtype) for name, dtype in CHECK_RESULTS.items())


@dataclass(frozen=True, slots=True)
class Question:
    """What `judge` is asked."""

    contract: Contract
    measures: pl.DataFrame
    thresholds: Thresholds


def answer(question: Question) -> pl.DataFrame:
    """`judge`, asked with one argument: another process may be asked so."""
    return judge(question.contract, question.measures, question.thresholds)


def get_ready() -> None:
    """Import what `judge` needs; that takes as long as all that a run does before its first one."""
    # Nothing may leave the machine: the switch is read when the library is imported.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations  # noqa: F401, PLC0415


def _passed(failing: set[str] | None) -> pl.Expr:
    if failing is None:
        return pl.lit(None, pl.Boolean).alias("passed")
    return (~pl.col("submission_id").is_in(sorted(failing))).alias("passed")


def _failing(
    contract: Contract, profiles: pl.DataFrame, thresholds: Thresholds
) -> dict[str, set[str] | None]:
    """Submissions that fail each expectation; None where the check itself broke."""
    get_ready()
    import great_expectations as gx  # noqa: PLC0415
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: PLC0415

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    batch = (
        context.data_sources.add_pandas("profiles")
        .add_dataframe_asset(contract.contract)
        .add_batch_definition_whole_dataframe("run")
    )
    suite = context.suites.add(gx.ExpectationSuite(name=contract.contract))
    for expectation in contract.expectations:
        for each in _expectations(expectation, thresholds):
            suite.add_expectation(each)
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=contract.contract, data=batch, suite=suite)
    )
    result = definition.run(
        batch_parameters={"dataframe": profiles.select(list(MEASURES)).to_pandas()},
        # Value-free: ids of the submissions that fail, never what was found.
        result_format={
            "result_format": "COMPLETE",
            "unexpected_index_column_names": ["submission_id"],
            "exclude_unexpected_values": True,
        },
    )
    failing: dict[str, set[str] | None] = {e.name: set() for e in contract.expectations}
    for outcome in result.results:
        config = outcome.expectation_config
        if config is None or config.meta is None:
            raise RuntimeError("Great Expectations returned a result without its expectation")
        name = config.meta["name"]
        known = failing[name]
        if _broke(outcome.exception_info):
            failing[name] = None
        elif known is not None and not outcome.success:
            for index in outcome.result["unexpected_index_list"]:
                known.update(index["submission_id"])
    return failing


def _broke(exception_info: dict[str, object]) -> bool:
    """Whether Great Expectations caught an exception of its own; it reports them in two shapes."""
    if "raised_exception" in exception_info:
        return bool(exception_info["raised_exception"])
    return any(
        isinstance(info, dict) and info.get("raised_exception") for info in exception_info.values()
    )


def _expectations(expectation: Expectation, thresholds: Thresholds) -> Iterator[Any]:
    """The limit, and beside it that the measure is there: nulls pass every limit otherwise."""
    from great_expectations.expectations.core.expect_column_values_to_be_between import (  # noqa: PLC0415
        ExpectColumnValuesToBeBetween,
    )
    from great_expectations.expectations.core.expect_column_values_to_not_be_null import (  # noqa: PLC0415
        ExpectColumnValuesToNotBeNull,
    )

    shared: dict[str, Any] = {
        "column": expectation.measure,
        "severity": _SEVERITY[expectation.otherwise],
        "meta": {"name": expectation.name},
    }
    lowest, highest = expectation.limits(thresholds)
    yield ExpectColumnValuesToBeBetween(min_value=lowest, max_value=highest, **shared)
    if not expectation.optional:
        yield ExpectColumnValuesToNotBeNull(**shared)
