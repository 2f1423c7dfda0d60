"""Keeping a house that runs for years small: old runs, leftovers, a copy of what is irreplaceable.

What stays out: when it happens (`schedules.py`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg

from pipeline.orchestration.liveness import forget_ended_runs
from pipeline.storage.home import Home

DAYS_KEPT = 90
"""Runs that ended longer ago are removed from Dagster's history, their events with them."""

_AT_ONCE = 200
"""Removed by one call at most, so that it never takes long; the next call goes on."""

_ENDED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]


@dataclass(frozen=True, slots=True)
class Tidied:
    runs: int
    leftovers: int


def tidy(instance: dg.DagsterInstance, home: Home, now: datetime) -> Tidied:
    """Remove old runs and leftovers, and put a copy of the stewardship store aside."""
    runs = trim(instance, home, now)
    forget_ended_runs(instance, home)
    leftovers = home.sweep(now)
    home.back_up(now.date())
    return Tidied(runs, leftovers)


def trim(instance: dg.DagsterInstance, home: Home, now: datetime) -> int:
    """Remove runs that ended more than DAYS_KEPT days ago; returns how many."""
    old = dg.RunsFilter(statuses=_ENDED, created_before=now - timedelta(days=DAYS_KEPT))
    records = instance.get_run_records(old, limit=_AT_ONCE, ascending=True)
    for record in records:
        run_id = record.dagster_run.run_id
        instance.delete_run(run_id)
        # Dagster empties a run's own event file and leaves it lying.
        for path in _events(home).glob(f"{run_id}.db*"):
            path.unlink(missing_ok=True)
    return len(records)


def _events(home: Home) -> Path:
    return home.dagster / "history" / "runs"
