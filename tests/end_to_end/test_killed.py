"""Killed anywhere, run again, same tables: twenty random points; the benchmarks have a hundred."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from crashes import CrashHouse
from forked import RunServer
from homes import query, table_hashes

POINTS = 18
SEED = 20261125
DAEMON_SECONDS = (0.3, 2.0)
SPREAD_SHARES = (0.2, 0.3, 0.4, 0.5, 0.8)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrashHouse]:
    server = RunServer()
    yield CrashHouse(tmp_path_factory.mktemp("killed"), server)
    server.close()


def test_a_killed_run_leaves_nothing_that_the_next_one_does_not_mend(house: CrashHouse):
    trials = [house.trial(point) for point in house.points(POINTS, SEED)]
    print(f"seed {SEED}")
    assert [trial for trial in trials if not trial.equal] == []
    assert [trial for trial in trials if trial.left_over] == []
    killed = sum(trial.killed for trial in trials)
    assert killed >= POINTS * 2 / 3, "too few of the points lay within the run"


def test_a_killed_run_takes_the_processes_with_it_that_it_spread_intake_over(house: CrashHouse):
    """What they had half written is mended like the rest, and none of them writes on."""
    trials = [house.trial(["spread", house.seconds * share]) for share in SPREAD_SHARES]
    assert [trial for trial in trials if not trial.equal or trial.left_over] == []
    # Once warm a run is quicker than the one that was timed: the latest points may come too late.
    assert sum(trial.killed for trial in trials) >= len(SPREAD_SHARES) - 2


@pytest.mark.parametrize("seconds", DAEMON_SECONDS)
def test_a_killed_daemon_leaves_nothing_either(house: CrashHouse, seconds: float):
    trial = house.daemon_trial(seconds)
    assert trial.equal
    assert trial.left_over == []


def test_the_comparison_would_see_a_difference(house: CrashHouse, tmp_path):
    """One answer in one row is enough, and a run that stopped half way is seen as such."""
    copy = tmp_path / "warehouse.duckdb"
    shutil.copy(house.undisturbed / "warehouse.duckdb", copy)
    assert table_hashes(copy) == house.expected
    before = table_hashes(house.before / "warehouse.duckdb")
    assert {name for name, digest in before.items() if digest != house.expected[name]} >= {
        "core.responses",
        "core.participants",
        "quality.submissions",
        "quality.quarantine",
    }


def test_dead_runs_are_not_left_as_started(house: CrashHouse):
    """They would stand before everything that the daemon queues."""
    # In the midst of filling, not after so many seconds: a run that was killed after its warehouse
    # was in place leaves nothing for the next one to do, which ends before it imports Dagster.
    home, point = house.copy("buried"), ["table", 1, 0]
    assert house.kill(home, point)
    assert "STARTED" in _statuses(home)
    assert house.outcome(home, point, killed=True).equal
    assert "FAILURE" in _statuses(home)
    assert set(_statuses(home)) <= {"SUCCESS", "FAILURE"}
    assert query(home / "warehouse.duckdb", "SELECT count(*) FROM meta.build").item() == 1


def _statuses(home: Path) -> list[str]:
    storage = home / "dagster" / "history" / "runs.db"
    with closing(sqlite3.connect(storage)) as connection:
        return [status for (status,) in connection.execute("SELECT status FROM runs")]
