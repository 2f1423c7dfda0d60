"""What is found of a home folder for its health, and how runs put down that they ended."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.programme import UnusableConfiguration
from pipeline.storage import locks
from pipeline.storage.condition import condition_of, limits_of
from pipeline.storage.home import Home
from pipeline.storage.last_run import LastRun, begins, ends, last_run

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "dagster").mkdir()
    return Home(tmp_path)


def test_a_new_home(home: Home):
    found = condition_of(home, NOW)
    assert (found.warehouse_age, found.last_run_ended_well, found.is_running) == (None, None, False)
    assert found.free_bytes > 0


def test_the_age_of_the_warehouse(home: Home):
    home.warehouse.touch()
    day_before = (NOW - timedelta(days=1)).timestamp()
    os.utime(home.warehouse, (day_before, day_before))
    assert condition_of(home, NOW).warehouse_age == timedelta(days=1)
    # The clock was moved back.
    assert condition_of(home, NOW - timedelta(days=2)).warehouse_age == timedelta()


def test_how_the_last_run_ended(home: Home):
    begins(home.last_run, NOW)
    with locks.held(home.lock):
        found = condition_of(home, NOW)
        assert (found.is_running, found.last_run_ended_well) == (True, None)
    # Nobody holds the lock and no end was put down: it was killed.
    assert condition_of(home, NOW).last_run_ended_well is False
    begins(home.last_run, NOW + timedelta(hours=1))
    with locks.held(home.lock):
        assert condition_of(home, NOW).last_run_ended_well is False, "of the one before"
    ends(home.last_run, NOW + timedelta(hours=2), well=True)
    assert condition_of(home, NOW).last_run_ended_well is True
    begins(home.last_run, NOW + timedelta(hours=3))
    ends(home.last_run, NOW + timedelta(hours=4), well=False)
    assert condition_of(home, NOW).last_run_ended_well is False


def test_a_run_that_ends_between_two_looks_was_not_killed(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    begins(home.last_run, NOW)
    looked = locks.is_free

    def meanwhile(path: Path) -> bool:
        monkeypatch.setattr(locks, "is_free", looked)
        ends(home.last_run, NOW + timedelta(minutes=2), well=True)
        return looked(path)

    monkeypatch.setattr(locks, "is_free", meanwhile)
    assert condition_of(home, NOW).last_run_ended_well is True


def test_a_clock_that_was_moved_back_kills_no_run(home: Home):
    begins(home.last_run, NOW)
    ends(home.last_run, NOW - timedelta(minutes=5), well=True)
    assert condition_of(home, NOW).last_run_ended_well is True


@pytest.mark.parametrize(
    "damaged", [b"", b"{", b"[]", b'{"else": 1}', b'{"began": 1, "ended": "x"}']
)
def test_a_damaged_note_says_nothing(home: Home, damaged: bytes):
    home.last_run.write_bytes(damaged)
    assert last_run(home.last_run) == LastRun()


def test_limits_come_from_the_environment():
    assert limits_of({}).oldest == timedelta(hours=26)
    said = {"MUSTER_HEALTH_HOURS": "5", "MUSTER_HEALTH_FREE_MB": "3"}
    assert limits_of(said).oldest == timedelta(hours=5)
    assert limits_of(said).least_free_bytes == 3 * 2**20


@pytest.mark.parametrize("said", ["-1", "1.5", "a day", "999999999999", "9" * 5000])
def test_a_limit_that_is_none_is_refused_in_a_sentence(said: str):
    with pytest.raises(UnusableConfiguration, match="MUSTER_HEALTH_HOURS must be a whole number"):
        limits_of({"MUSTER_HEALTH_HOURS": said})
