"""What is measured: the job from landing to the warehouse, in this process, imports excluded.

Usage: landing_to_core.py HOME AS_OF. Nothing may have been taken in. Prints `seconds`, those of the
job without its evaluation stages and the snapshot that follows the models, which is core; `job`,
those of the whole job; and each stage's.
"""

import json
import sys
import time
from datetime import date
from pathlib import Path

import great_expectations  # noqa: F401 - its import is not what is measured

from pipeline.definitions import build_defs
from pipeline.orchestration.launch import failure_of, instance_of, run_here
from pipeline.storage.home import Home

root, as_of = Path(sys.argv[1]), date.fromisoformat(sys.argv[2])
home = Home(root)
with instance_of(root) as instance:
    started = time.monotonic()
    arrivals = [arrival.submission_id for arrival in home.arrivals()]
    result = run_here(build_defs(root, as_of), instance, home, arrivals)
    seconds = time.monotonic() - started
if not result.success:
    sys.exit(failure_of(result))
stages = {
    event.step_key: event.event_specific_data.duration_ms / 1000
    for event in result.all_events
    if event.event_type_value == "STEP_SUCCESS"
}
BEYOND_CORE = ("answers", "evaluation", "models", "warehouse")
core = seconds - sum(stages[stage] for stage in BEYOND_CORE)
if stages["early_warehouse"] < stages["warehouse"] / 2:
    # So few officers that there was one snapshot.
    core += stages["warehouse"]
print(json.dumps({"seconds": core, "job": seconds, "stages": stages}))
