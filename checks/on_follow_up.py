"""Dagster's check on `ledger`: whether enough of those who were asked answered in time.

What stays out: counting (`pipeline/follow_up/closed_waves.py`). It only warns: nothing waits for
it, and what was missed cannot be answered any more.
"""

import dagster as dg

from pipeline.follow_up.closed_waves import FEWEST_EXPECTED, poorly_answered
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.resources import HomeResource

_SHOWN = 50


@dg.asset_check(
    asset="ledger",
    name="half_answered",
    description=(
        "Of every wave whose window has closed at least half of those who were asked answered, "
        f"in each cohort with at least {FEWEST_EXPECTED} of them."
    ),
    retry_policy=AGAIN,
)
@value_free
def half_answered(home: HomeResource) -> dg.AssetCheckResult:
    closed = home.open().stages.read("closed_waves")
    poor = poorly_answered(closed)
    lines = [
        f"{organisation}, {wave}, closed on {closed_on}: {answered} of {expected}"
        for organisation, wave, closed_on, expected, answered in poor.head(_SHOWN).iter_rows()
    ]
    return dg.AssetCheckResult(
        passed=poor.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "cohorts and waves closed": closed.height,
            "under half answered": poor.height,
            "which, newest first": lines,
        },
    )


CHECKS = [half_answered]
