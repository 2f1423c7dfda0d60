"""Which runs are really at work: one lock a run, let go of by the operating system.

What belongs here: telling dead runs from living ones, and saying so in Dagster's history. What
stays out: starting runs. Dagster cannot see that a process was killed: such a run would count as
started for ever, and everything queued behind it would wait as long.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg

from pipeline.storage import locks
from pipeline.storage.home import Home

ANEW = "muster/anew"
"""Tag of runs that work every stage out again, whether anything changed or not."""

_BEFORE_ITS_LOCK = timedelta(minutes=2)
"""A run needs this long at most between its first event and its lock."""


@contextmanager
def alive(home: Home, run_id: str) -> Iterator[None]:
    """Show that a run is at work for as long as the block, or the process, lasts."""
    path = _lock(home, run_id)
    with locks.held(path):
        yield
        path.unlink(missing_ok=True)


def bury_dead_runs(instance: dg.DagsterInstance, home: Home, now: datetime) -> list[str]:
    """Mark runs as failed whose process is gone; returns their ids."""
    at_work = dg.RunsFilter(
        statuses=[
            dg.DagsterRunStatus.STARTING,
            dg.DagsterRunStatus.STARTED,
            dg.DagsterRunStatus.CANCELING,
        ]
    )
    buried = []
    for record in instance.get_run_records(at_work):
        run = record.dagster_run
        path = _lock(home, run.run_id)
        if path.exists():
            dead = locks.is_free(path)
        else:
            dead = now - record.update_timestamp > _BEFORE_ITS_LOCK
        if dead:
            instance.report_run_failed(
                run, "The process of this run ended before the run did; the next run goes on."
            )
            path.unlink(missing_ok=True)
            buried.append(run.run_id)
    return buried


def _lock(home: Home, run_id: str) -> Path:
    return home.dagster / "alive" / run_id
