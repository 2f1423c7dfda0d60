"""The instance lies in the home folder, and a run takes in what it was asked to."""

import os
from datetime import date

import pytest

from pipeline.definitions import ASSETS, build_defs
from pipeline.orchestration.launch import PROJECT, dagster_environment, instance_of, run_here
from pipeline.orchestration.mapper import InThisProcess
from pipeline.orchestration.resources import HomeResource
from pipeline.programme import UnusableConfiguration

STAGES = {
    "intake",
    "profiles",
    "verdicts",
    "accepted",
    "comments",
    "scores",
    "ledger",
    "answers",
    "evaluation",
    "models",
    "accounting",
    "early_warehouse",
    "warehouse",
    "notices",
}


def test_the_environment_is_set_for_the_instance_and_put_back(home, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "/somewhere/else")
    monkeypatch.delenv("MUSTER_DAGSTER", raising=False)
    before = dict(os.environ)
    with instance_of(home.root) as instance:
        assert os.environ["MUSTER_DAGSTER"] == str(home.dagster)
        assert os.environ["DAGSTER_HOME"] == str(PROJECT)
        assert not instance.telemetry_enabled
        assert instance.get_runs_count() == 0
    assert dict(os.environ) == before
    assert list(home.dagster.rglob("*.db")), "the storage lies in the home folder"


def test_the_environment_is_put_back_after_an_error(home):
    before = dict(os.environ)
    with pytest.raises(RuntimeError, match="inside"), instance_of(home.root):
        raise RuntimeError("inside")
    assert dict(os.environ) == before


def test_without_its_settings_dagster_is_not_started(home, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.orchestration.launch.PROJECT", tmp_path)
    with pytest.raises(UnusableConfiguration, match="run Muster from a checkout"):
        dagster_environment(home.root)


def test_the_stages_are_known_and_one_of_them_is_partitioned():
    names = {asset.key.to_user_string() for asset in ASSETS}
    assert names == STAGES
    assert [a.key.to_user_string() for a in ASSETS if a.partitions_def] == ["intake"]


def test_definitions_take_the_dates_of_the_report(home):
    defs = build_defs(home.root, date(2025, 3, 1), date(2025, 2, 1))
    resource = defs.resources["home"]
    assert resource.as_of_date() == date(2025, 3, 1)
    assert resource.known_at_date() == date(2025, 2, 1)
    assert resource.open().root == home.root
    open_ended = HomeResource(root=str(home.root))
    assert open_ended.known_at_date() is None
    assert open_ended.as_of_date() == open_ended.now().date()


def test_a_mapper_keeps_order_and_tells_how_far_it_is():
    told = []
    mapper = InThisProcess(lambda done, of: told.append((done, of)))
    assert list(mapper.map(str, [3, 1, 2])) == ["3", "1", "2"]
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert list(InThisProcess().map(str, [])) == []


class _Counting:
    """Counts what intake is handed, and takes it in."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def map(self, function, items):
        self.seen += [item.submission_id for item in items]
        yield from map(function, items)


@pytest.mark.filterwarnings("ignore")
def test_one_run_takes_in_many_files_and_passes_over_those_it_has(home):
    """Keys between two new ones lie in the range that is asked for; they are not read again."""
    folder = home.landing / "simulated-force-01"
    answers = (folder / "answers.csv").read_text()
    mapper = _Counting()
    defs = build_defs(home.root, date(2025, 3, 1), mapper=mapper)

    def arrive(name: str, number: str, day: int) -> str:
        (folder / name).write_text(answers.replace("SIMCANARY", number))
        os.utime(folder / name, (day, day))
        return next(a.submission_id for a in home.arrivals() if a.file.path.name == name)

    one = next(a.submission_id for a in home.arrivals())
    two, three = arrive("answers two.csv", "SIMTWO", 1), arrive("answers three.csv", "SIMTRE", 2)
    with instance_of(home.root) as instance:
        result = run_here(defs, instance, home, [one, two, three])
        assert result.success
        assert set(mapper.seen) == {one, two, three}
        # The first and the last of the range change; the one between them does not.
        for submission_id in (one, three):
            path = home.root / "lake" / "submissions" / submission_id / "submission.json"
            path.write_text(path.read_text()[:10])
        mapper.seen.clear()
        assert run_here(defs, instance, home, [one, three]).success
        assert set(mapper.seen) == {one, three}
        mapper.seen.clear()
        assert run_here(defs, instance, home, []).success
        assert mapper.seen == []
        runs = [(r.job_name, r.status.value) for r in instance.get_runs()]
        assert sorted(runs) == [("bring_up_to_date", "SUCCESS"), *[("take_in", "SUCCESS")] * 2]
        materialised = {
            record.event_log_entry.dagster_event.asset_key.to_user_string()
            for key in STAGES
            for record in instance.fetch_materializations(_key(key), limit=1).records
        }
        assert materialised == STAGES
    assert {r.submission_id for r in home.lake.records()} == {one, two, three}


def _key(name: str):
    import dagster as dg

    return dg.AssetKey(name)


def test_no_job_takes_a_lost_store_for_an_empty_one(home):
    """The jobs that the clock starts neither: nobody looks before them."""
    defs = build_defs(home.root, date(2025, 3, 1))
    with instance_of(home.root) as instance:
        assert run_here(defs, instance, home, [a.submission_id for a in home.arrivals()]).success
        home.stewardship.path.unlink()
        for name in ("bring_up_to_date", "work_out_anew", "tidy_up"):
            job = defs.resolve_job_def(name)
            assert not job.execute_in_process(instance=instance, raise_on_error=False).success
    assert not home.stewardship.path.exists()
