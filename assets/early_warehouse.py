"""Stage 8: where officers are many, a snapshot before the models, which take minutes then.

What stays out: the snapshot that every run ends with (`warehouse.py`).
"""

from typing import Final

import dagster as dg

from assets.accounting import accounting
from assets.comments import comments
from assets.evaluation import evaluation
from assets.snapshots import POOL, publish_snapshot
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.resources import HomeResource

MANY_OFFICERS: Final = 20_000
"""Up to so many the models take seconds, and one snapshot is enough."""


@dg.asset(
    deps=[accounting, comments, evaluation],
    group_name="warehouse",
    retry_policy=AGAIN,
    pool=POOL,
    description="warehouse.duckdb as it is without models, where those take long.",
)
@value_free
def early_warehouse(home: HomeResource) -> dg.MaterializeResult[None]:
    officers = home.open().stages.read("participants", ["participant_id"]).height
    if officers <= MANY_OFFICERS:
        return dg.MaterializeResult(metadata={"officers": officers, "left to": "warehouse"})
    return dg.MaterializeResult(
        metadata=publish_snapshot(home, "early_warehouse", with_models=False)
    )
