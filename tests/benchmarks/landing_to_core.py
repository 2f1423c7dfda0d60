"""What is measured: the job from landing to the warehouse, in this process, imports excluded.

Usage: landing_to_core.py HOME. The lake and the warehouse are made anew. Prints the seconds of the
whole job, Dagster, Great Expectations and evaluation tables included.
"""

import shutil
import sys
import time
from datetime import date
from pathlib import Path

import great_expectations  # noqa: F401 - its import is not what is measured

from pipeline.definitions import build_defs
from pipeline.orchestration.launch import failure_of, instance_of, run_here
from pipeline.storage.home import Home

root, as_of = Path(sys.argv[1]), date.fromisoformat(sys.argv[2])
for made in ("lake", "dagster"):
    shutil.rmtree(root / made, ignore_errors=True)
with instance_of(root) as instance:
    started = time.monotonic()
    arrivals = [arrival.submission_id for arrival in Home(root).arrivals()]
    result = run_here(build_defs(root, as_of), instance, arrivals)
    seconds = time.monotonic() - started
if not result.success:
    sys.exit(failure_of(result))
for event in result.all_events:
    if event.event_type_value == "STEP_SUCCESS":
        milliseconds = event.event_specific_data.duration_ms
        print(f"{event.step_key}: {milliseconds / 1000:.2f}", file=sys.stderr)
print(seconds)
