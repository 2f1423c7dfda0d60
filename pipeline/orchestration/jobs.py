"""The jobs: take in what is new, bring statuses up to date, work everything out again, tidy up."""

import dagster as dg

from pipeline.orchestration.guard import value_free
from pipeline.orchestration.liveness import ANEW
from pipeline.orchestration.resources import HomeResource
from pipeline.orchestration.tidying import tidy

TAKE_IN = dg.define_asset_job(
    "take_in",
    selection=dg.AssetSelection.all(),
    description="Take in new submissions and bring ledger, tables and warehouse up to date.",
)
_AFTER_INTAKE = dg.AssetSelection.all() - dg.AssetSelection.assets("intake")
BRING_UP_TO_DATE = dg.define_asset_job(
    "bring_up_to_date",
    selection=_AFTER_INTAKE,
    description="Carry out what depends on days that have passed, settings, or decisions.",
)
WORK_OUT_ANEW = dg.define_asset_job(
    "work_out_anew",
    selection=_AFTER_INTAKE,
    tags={ANEW: "true"},
    description="Carry out every stage again and fail if a table comes out otherwise than before.",
)


@dg.op(name="tidy", description="Old runs, leftovers of killed writers, a copy of decisions.")
@value_free
def _tidy(context: dg.OpExecutionContext, home: HomeResource) -> None:
    done = tidy(context.instance, home.open(), home.now())
    context.log.info(f"Removed {done.runs} old runs and {done.leftovers} leftovers.")


@dg.job(
    name="tidy_up",
    description="Trim the history of runs, sweep leftovers, back up what cannot be made again.",
)
def TIDY_UP() -> None:  # noqa: N802 - a job like the others
    _tidy()
