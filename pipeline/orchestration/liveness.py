"""Which runs are really at work: one lock a run, let go of by the operating system.

What belongs here: telling dead runs from living ones, and saying so in Dagster's history. What
stays out: starting runs. Dagster cannot see that a process was killed: such a run would count as
started for ever, and everything queued behind it would wait as long.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from pipeline.storage import locks
from pipeline.storage.home import Home

ANEW = "muster/anew"
"""Tag of runs that work every stage out again, whether anything changed or not."""

_BEFORE_ITS_LOCK = timedelta(minutes=2)
"""A run needs this long at most between its first event and its lock."""

_SECONDS_AFTER_ITS_LOCK = 2.0
"""A run that lets its lock go says within this time how it ended."""

AT_WORK = [
    # Killed between its being made and its first event, a run counts as not started for ever.
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
"""Statuses of runs that a process is, or was, at work on."""


@contextmanager
def alive(home: Home, run_id: str) -> Iterator[None]:
    """Show that a run is at work for as long as the block, or the process, lasts."""
    with locks.held(_locks(home) / run_id):
        yield


def bury_dead_runs(instance: dg.DagsterInstance, home: Home, now: datetime) -> list[str]:
    """Mark runs as failed whose process is gone; returns their ids."""
    suspects = _lifeless(instance, home, now)
    if suspects:
        time.sleep(_SECONDS_AFTER_ITS_LOCK)
        suspects &= _lifeless(instance, home, now)
    for run_id in sorted(suspects):
        run = instance.get_run_by_id(run_id)
        if run is not None:
            instance.report_run_failed(
                run, "The process of this run ended before the run did; the next run goes on."
            )
    return sorted(suspects)


def _lifeless(instance: dg.DagsterInstance, home: Home, now: datetime) -> set[str]:
    """Runs that count as at work, or about to begin, and hold no lock."""
    found = set()
    for record in instance.get_run_records(dg.RunsFilter(statuses=AT_WORK)):
        run_id = record.dagster_run.run_id
        path = _locks(home) / run_id
        began = record.update_timestamp
        young = now - began.replace(tzinfo=began.tzinfo or UTC) < _BEFORE_ITS_LOCK
        if locks.is_free(path) and (path.exists() or not young):
            found.add(run_id)
    return found


def forget_ended_runs(instance: dg.DagsterInstance, home: Home) -> None:
    """Remove the lock files of runs that are over."""
    for path in _locks(home).glob("*"):
        run = instance.get_run_by_id(path.name)
        if (run is None or run.is_finished) and locks.is_free(path):
            path.unlink(missing_ok=True)


def _locks(home: Home) -> Path:
    return home.dagster / "alive"
