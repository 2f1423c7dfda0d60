"""Looking at a home folder for its health: age of the warehouse, how runs end, room on the disk.

What stays out: what is well (`pipeline/health.py`). Nothing here opens a table or a landing file,
so that a monitor may ask every few seconds.
"""

import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from pipeline.health import Condition, Health, Limits, health_of
from pipeline.programme import UnusableConfiguration
from pipeline.storage import locks
from pipeline.storage.home import Home
from pipeline.storage.last_run import LastRun, last_run

HOURS: Final = "MUSTER_HEALTH_HOURS"
"""Environment variable: from how many hours on a warehouse is late."""
MEGABYTES: Final = "MUSTER_HEALTH_FREE_MB"
"""Environment variable: below how many free megabytes the disk is low."""

_MOST_DIGITS: Final = 8


def limits_of(environment: Mapping[str, str] = os.environ) -> Limits:
    """Limits as the environment says; raises UnusableConfiguration for what is no whole number."""
    usual = Limits()
    hours, megabytes = environment.get(HOURS), environment.get(MEGABYTES)
    for name, said in ((HOURS, hours), (MEGABYTES, megabytes)):
        if said is not None and not (said.isdecimal() and len(said) <= _MOST_DIGITS):
            raise UnusableConfiguration(
                f"{name} must be a whole number of at most {_MOST_DIGITS} digits."
            )
    return Limits(
        timedelta(hours=int(hours)) if hours else usual.oldest,
        int(megabytes) * 2**20 if megabytes else usual.least_free_bytes,
    )


def condition_of(home: Home, now: datetime) -> Condition:
    """What is found at this moment. Raises OSError where the home folder cannot be looked at."""
    run, is_running = _last_run(home)
    try:
        made = datetime.fromtimestamp(home.warehouse.stat().st_mtime, UTC)
    except FileNotFoundError:
        made = None
    return Condition(
        warehouse_age=None if made is None else max(now - made, timedelta()),
        # One that began, is not at work and put down no end was killed.
        last_run_ended_well=False if run.is_open and not is_running else run.ended_well,
        is_running=is_running,
        free_bytes=shutil.disk_usage(home.root).free,
    )


def _last_run(home: Home) -> tuple[LastRun, bool]:
    """What is put down of the last run, and whether one is at work, of one moment."""
    while True:
        run, is_running = last_run(home.last_run), not locks.is_free(home.lock)
        # It may have put down its end, or begun, between the two looks: that is nobody killed.
        if run == last_run(home.last_run):
            return run, is_running


def health(home: Home, now: datetime, limits: Limits) -> Health:
    return health_of(condition_of(home, now), limits)
