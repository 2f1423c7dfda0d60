"""Stage 10: the snapshot that analysts query, replaced in one step."""

import dagster as dg

from assets.models import models
from assets.snapshots import POOL, publish_snapshot
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.orchestration.state import WAREHOUSE


@dg.asset(
    deps=[models],
    group_name="warehouse",
    retry_policy=AGAIN,
    pool=POOL,
    description="warehouse.duckdb: core, quality, evaluation and meta, with comments.",
)
@value_free
def warehouse(home: HomeResource) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata=publish_snapshot(home, WAREHOUSE, with_models=True))
