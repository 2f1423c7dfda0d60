"""What the sensor asks for: one run over what is new, and no second one for the same reason."""

import os
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import dagster as dg
import pytest

from pipeline.definitions import build_defs
from pipeline.orchestration import sensors
from pipeline.orchestration.launch import instance_of, run_here
from pipeline.orchestration.sensors import WORK_TAG, look
from pipeline.orchestration.state import work_left
from pipeline.programme import UnusableConfiguration

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def instance(home):
    with instance_of(home.root) as made:
        yield made


def _later(seconds: float = 60) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def _request(result) -> dg.RunRequest:
    assert isinstance(result, dg.SensorResult), getattr(result, "skip_message", result)
    (request,) = result.run_requests
    return request


def _ask(instance, home, now: datetime | None = None) -> dg.RunRequest:
    return _request(look(instance, home, now or _later()))


def _skipped(instance, home, now: datetime | None = None) -> str:
    result = look(instance, home, now or _later())
    assert isinstance(result, dg.SkipReason)
    return result.skip_message


def _arrive(home, name: str, number: str) -> str:
    folder = home.landing / "simulated-force-01"
    answers = (folder / "answers.csv").read_text()
    (folder / name).write_text(answers.replace("SIMCANARY", number))
    return next(a.submission_id for a in home.arrivals() if a.file.path.name == name)


def test_one_request_covers_all_that_is_new(instance, home):
    first = next(a.submission_id for a in home.arrivals())
    second = _arrive(home, "answers two.csv", "SIMTWO")
    result = look(instance, home, _later())
    request = _request(result)
    assert request.job_name == "take_in"
    assert {
        request.tags["dagster/asset_partition_range_start"],
        request.tags["dagster/asset_partition_range_end"],
    } == {first, second}
    (added,) = result.dynamic_partitions_requests
    assert set(added.partition_keys) == {first, second}


def test_a_file_still_being_written_is_left_until_it_is_still(instance, home):
    assert "1 still being written" in _skipped(instance, home, datetime.now(UTC))
    assert _ask(instance, home).job_name == "take_in"


def test_the_key_is_that_of_the_work(instance, home):
    """The same files give the same key, so that a slow queue is not asked twice."""
    one = _ask(instance, home)
    again = _ask(instance, home, _later(600))
    assert one.run_key == again.run_key
    _arrive(home, "answers two.csv", "SIMTWO")
    assert _ask(instance, home).run_key != one.run_key


def test_nothing_is_asked_while_a_run_is_under_way(instance, home):
    instance.create_run_for_job(
        build_defs(home.root).resolve_job_def("bring_up_to_date"),
        status=dg.DagsterRunStatus.STARTED,
    )
    assert "A run is under way" in _skipped(instance, home, datetime.now(UTC))


def _fail(instance, home, key: str) -> None:
    run = instance.create_run_for_job(
        build_defs(home.root).resolve_job_def("bring_up_to_date"), tags={WORK_TAG: key}
    )
    instance.report_run_failed(run, "for the test")


def test_a_failed_try_is_made_again_later_and_later(instance, home):
    first = _ask(instance, home)
    key = first.tags[WORK_TAG]
    _fail(instance, home, key)
    assert "The last try left it undone" in _skipped(instance, home, _later(30))
    second = _ask(instance, home, _later(61))
    assert second.run_key != first.run_key, "Dagster makes no second run for a key"
    _fail(instance, home, key)
    assert "The last try left it undone" in _skipped(instance, home, _later(100))
    assert _ask(instance, home, _later(121)).run_key not in {first.run_key, second.run_key}
    for _ in range(60):
        _fail(instance, home, key)
    assert _ask(instance, home, _later(3601)), "never later than in an hour, after days as well"


def test_a_clock_that_was_moved_back_makes_nobody_wait(instance, home):
    _fail(instance, home, _ask(instance, home).tags[WORK_TAG])
    assert _ask(instance, home, datetime.now(UTC) - timedelta(days=30))


def test_another_file_is_not_made_to_wait_for_one_that_failed(instance, home):
    _fail(instance, home, _ask(instance, home).tags[WORK_TAG])
    _arrive(home, "answers two.csv", "SIMTWO")
    assert _ask(instance, home, _later(20))


@pytest.fixture
def evaluated(instance, home):
    """A home where everything was taken in today."""
    today = datetime.now(UTC).date()
    new = [arrival.submission_id for arrival in home.arrivals()]
    result = run_here(build_defs(home.root, today), instance, home, new)
    assert result.success
    return home


def test_with_nothing_new_nothing_is_asked(instance, evaluated):
    assert _skipped(instance, evaluated) == "Nothing new."


def test_that_days_have_passed_is_the_schedules_business(instance, evaluated):
    assert _skipped(instance, evaluated, _later(3 * 86_400)) == "Nothing new."


def test_changed_settings_bring_everything_after_intake_up_to_date(instance, evaluated):
    path = evaluated.root / "programme.yaml"
    path.write_text(path.read_text().replace("2025-01-06}", "2025-01-13}"))
    request = _ask(instance, type(evaluated)(evaluated.root))
    assert request.job_name == "bring_up_to_date"
    assert "dagster/asset_partition_range_start" not in request.tags


def test_a_change_made_again_after_it_was_taken_back_is_asked_for_again(instance, evaluated):
    """The same work as before the change was taken back: Dagster makes no second run for a key."""
    path = evaluated.root / "programme.yaml"
    before = path.read_text()
    after = before.replace("2025-01-06}", "2025-01-13}")
    asked = []
    for text in (after, before, after):
        path.write_text(text)
        request = _ask(instance, type(evaluated)(evaluated.root), _later(600))
        asked.append(request)
        job = build_defs(evaluated.root).resolve_job_def(request.job_name)
        assert job.execute_in_process(instance=instance, tags=request.tags).success
    assert asked[0].tags[WORK_TAG] == asked[2].tags[WORK_TAG]
    assert asked[0].run_key != asked[2].run_key


def test_a_lake_that_was_deleted_is_made_again(instance, evaluated):
    """The files and the settings are those of a run that succeeded, and yet there is work."""
    new = work_left(evaluated, datetime.now(UTC).date(), None)
    assert new.nothing
    for path in sorted((evaluated.root / "lake").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert _ask(instance, evaluated).job_name == "take_in"


def test_a_missing_landing_is_one_sentence(instance, home):
    (home.landing).rename(home.root / "elsewhere")
    with pytest.raises(UnusableConfiguration, match="landing/ is missing"):
        look(instance, home, _later())


def test_the_sensor_itself_fails_without_values(instance, home, monkeypatch):
    def quoting(*_: object) -> None:
        raise ValueError("PC 4711 Doe")

    monkeypatch.setattr(sensors, "look", quoting)
    context = dg.build_sensor_context(instance=instance)
    with pytest.raises(Exception, match="landing ended in ValueError") as raised:
        sensors.landing(context, home=SimpleNamespace(open=lambda: home))
    assert "4711" not in repr(raised.value)


def test_it_runs_without_being_switched_on():
    assert sensors.landing.default_status == dg.DefaultSensorStatus.RUNNING
    assert sensors.landing.minimum_interval_seconds == sensors.SECONDS_BETWEEN_LOOKS
    defs = build_defs()
    assert {s.name for s in defs.schedules} == {"nightly", "weekly", "daily"}
    assert all(s.default_status == dg.DefaultScheduleStatus.RUNNING for s in defs.schedules)


def test_an_old_file_moved_into_landing_is_taken_at_once(instance, home):
    """A move keeps the time of writing, and nobody writes to what was written last year."""
    path = home.landing / "simulated-force-01" / "answers.csv"
    os.utime(path, (0, 1_700_000_000))
    time.sleep(0.01)
    assert _ask(instance, home)
