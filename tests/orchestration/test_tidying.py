"""A history that does not grow for ever, and copies of what cannot be made again."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from pipeline.definitions import build_defs
from pipeline.orchestration.launch import instance_of
from pipeline.orchestration.tidying import DAYS_KEPT, tidy

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def instance(home):
    with instance_of(home.root) as made:
        yield made


def _run(instance, home, status: dg.DagsterRunStatus) -> str:
    job = build_defs(home.root).resolve_job_def("bring_up_to_date")
    run = instance.create_run_for_job(job, status=status)
    instance.report_engine_event("an event, so that the run has a file of its own", run)
    return run.run_id


def _now(days: float = 0) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def _files(home) -> set[str]:
    return {path.name.partition(".")[0] for path in (home.dagster / "history" / "runs").iterdir()}


def test_old_runs_are_removed_with_their_files(instance, home):
    ended = _run(instance, home, dg.DagsterRunStatus.SUCCESS)
    under_way = _run(instance, home, dg.DagsterRunStatus.STARTED)
    assert {ended, under_way} <= _files(home)
    assert tidy(instance, home, _now(DAYS_KEPT - 1)).runs == 0
    assert tidy(instance, home, _now(DAYS_KEPT + 1)).runs == 1
    assert [run.run_id for run in instance.get_runs()] == [under_way]
    assert ended not in _files(home)
    assert under_way in _files(home)


def test_decisions_are_copied_aside_and_the_oldest_copies_go(instance, home):
    tidy(instance, home, _now())
    assert not (home.root / "backups").exists(), "there is nothing to copy yet"
    home.stewardship.receive([("a--b--1", _now())], _now())
    for day in range(35):
        home.back_up(date(2026, 1, 1) + timedelta(days=day))
    copies = sorted(path.name for path in (home.root / "backups").iterdir())
    assert len(copies) == 30
    assert copies[-1] == "stewardship-2026-02-04.sqlite"
    restored = type(home.stewardship)(home.root / "backups" / copies[-1])
    assert set(restored.receipts()) == {"a--b--1"}


def test_leftovers_are_swept_once_nobody_can_be_writing(instance, home):
    leftover = home.root / ".writing-0123-.yaml"
    leftover.write_text("of a killed writer")
    assert tidy(instance, home, _now()).leftovers == 0
    assert tidy(instance, home, _now(1)).leftovers == 1
    assert not leftover.exists()


@pytest.mark.parametrize("folder", [".", "lake", "secrets", "backups", "backups/memberships"])
def test_the_next_run_sweeps_what_a_writer_left_that_does_not_run_any_more(home, folder):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (home.root / folder).mkdir(parents=True, exist_ok=True)
    left, written = (
        home.root / folder / f".writing-{pid}-0f-.db" for pid in (ended.pid, os.getpid())
    )
    for path in (left, written):
        path.write_bytes(b"half")
    home.recover()
    assert not left.exists()
    assert written.exists(), "whoever writes it is alive"
