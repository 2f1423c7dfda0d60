"""Runs whose process is gone are said to have failed; the living are left alone."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from pipeline.definitions import build_defs
from pipeline.orchestration import liveness
from pipeline.orchestration.launch import instance_of
from pipeline.orchestration.liveness import alive, bury_dead_runs, forget_ended_runs

pytestmark = pytest.mark.filterwarnings("ignore")

KILLED = """
import os, signal, sys
from pathlib import Path
from pipeline.orchestration.liveness import alive
from pipeline.storage.home import Home
with alive(Home(Path(sys.argv[1])), sys.argv[2]):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch):
    monkeypatch.setattr(liveness, "_SECONDS_AFTER_ITS_LOCK", 0.01)


@pytest.fixture
def instance(home):
    with instance_of(home.root) as made:
        yield made


@pytest.fixture
def started(instance, home):
    """A run that counts as started."""
    job = build_defs(home.root).resolve_job_def("bring_up_to_date")
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    return run.run_id


def _status(instance, run_id: str) -> dg.DagsterRunStatus:
    return instance.get_run_by_id(run_id).status


def _now() -> datetime:
    return datetime.now(UTC)


def test_a_killed_run_is_buried(instance, home, started):
    subprocess.run([sys.executable, "-c", KILLED, str(home.root), started], check=False)
    assert bury_dead_runs(instance, home, _now()) == [started]
    assert _status(instance, started) == dg.DagsterRunStatus.FAILURE
    assert bury_dead_runs(instance, home, _now()) == []


def test_a_run_at_work_is_left_alone_however_long_it_takes(instance, home, started):
    with alive(home, started):
        assert bury_dead_runs(instance, home, _now() + timedelta(days=2)) == []
    assert _status(instance, started) == dg.DagsterRunStatus.STARTED


def test_a_run_that_has_no_lock_yet_is_given_time(instance, home, started):
    assert bury_dead_runs(instance, home, _now()) == []
    assert bury_dead_runs(instance, home, _now() + timedelta(minutes=3)) == [started]


def test_a_run_that_was_made_and_never_begun_is_buried(instance, home):
    """Its process was killed before the first event; all that is new would wait for its end."""
    made = instance.create_run_for_job(build_defs(home.root).resolve_job_def("bring_up_to_date"))
    assert bury_dead_runs(instance, home, _now()) == []
    assert bury_dead_runs(instance, home, _now() + timedelta(minutes=3)) == [made.run_id]
    assert _status(instance, made.run_id) == dg.DagsterRunStatus.FAILURE


def test_a_run_that_ends_this_moment_is_not_buried(instance, home, started, monkeypatch):
    """Between its lock and its last event there is a moment."""
    with alive(home, started):
        pass

    def ends(_: float) -> None:
        instance.report_run_canceled(instance.get_run_by_id(started))

    monkeypatch.setattr(liveness.time, "sleep", ends)
    assert bury_dead_runs(instance, home, _now()) == []
    assert _status(instance, started) == dg.DagsterRunStatus.CANCELED


def test_locks_of_ended_runs_are_removed(instance, home, started):
    folder = home.dagster / "alive"
    with alive(home, started), alive(home, "unknown"):
        forget_ended_runs(instance, home)
        assert {path.name for path in folder.iterdir()} == {started, "unknown"}
    forget_ended_runs(instance, home)
    assert {path.name for path in folder.iterdir()} == {started}
    instance.report_run_failed(instance.get_run_by_id(started))
    forget_ended_runs(instance, home)
    assert list(folder.iterdir()) == []
