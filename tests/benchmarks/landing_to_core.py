"""What is measured: the job from landing to the first snapshot, in this process, imports excluded.

Usage: landing_to_core.py HOME AS_OF. Nothing may have been taken in. Prints `seconds`, those of the
job without its evaluation stages, which is core; `job`, those of the whole job; and each stage's.
The models follow the snapshot where officers are many, and are no part of it here. Tables that are
filled ahead are waited for before evaluation begins: what is core counts as core.
"""

import json
import sys
import time
from datetime import date
from pathlib import Path

import dagster as dg
import great_expectations  # noqa: F401 - its import is not what is measured

from assets import early_warehouse, ledger, snapshots
from pipeline import tables
from pipeline.definitions import build_defs
from pipeline.orchestration.launch import failure_of, instance_of, run_here
from pipeline.orchestration.resources import HomeResource
from pipeline.storage.home import Home


def fill_and_wait(home: HomeResource, *filled: tables.Table) -> None:
    snapshots.fill_ahead(home, *filled)
    assert home._run is not None
    for _, future in home._run.ahead._filled.values():
        future.result()


early_warehouse.MANY_OFFICERS = 0
ledger.fill_ahead = fill_and_wait
root, as_of = Path(sys.argv[1]), date.fromisoformat(sys.argv[2])
home = Home(root)
whole = build_defs(root, as_of)
to_the_snapshot = dg.define_asset_job(
    "take_in",
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets("models", "warehouse", "notices"),
)
defs = dg.Definitions(
    assets=whole.assets,
    asset_checks=whole.asset_checks,
    jobs=[to_the_snapshot],
    resources=whole.resources,
    executor=whole.executor,
)
with instance_of(root) as instance:
    started = time.monotonic()
    arrivals = [arrival.submission_id for arrival in home.arrivals()]
    result = run_here(defs, instance, home, arrivals)
    seconds = time.monotonic() - started
if not result.success:
    sys.exit(failure_of(result))
stages = {
    event.step_key: event.event_specific_data.duration_ms / 1000
    for event in result.all_events
    if event.event_type_value == "STEP_SUCCESS"
}
core = seconds - stages["answers"] - stages["evaluation"]
print(json.dumps({"seconds": core, "job": seconds, "stages": stages}))
