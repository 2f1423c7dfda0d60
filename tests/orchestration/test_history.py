"""Dagster's history in PostgreSQL: the same runs, one sentence for what is wrong, no password."""

import builtins
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from postgres import PASSWORD, Server, postgres_server

from pipeline.definitions import build_defs
from pipeline.orchestration.history import POSTGRES, is_of_the_database
from pipeline.orchestration.launch import instance_of, run_here
from pipeline.orchestration.mapper import InThisProcess, WorkFailed
from pipeline.orchestration.partitions import SUBMISSIONS
from pipeline.orchestration.tidying import DAYS_KEPT, trim
from pipeline.programme import UnusableConfiguration
from pipeline.reproducing import _work_out
from pipeline.storage.aside import home_aside
from pipeline.storage.home import Home

pytestmark = pytest.mark.filterwarnings("ignore")
DAY = date(2025, 3, 1)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres_server() as running:
        yield running


@pytest.fixture
def database(
    server: Server, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> str:
    """The name of a new database, which is configured."""
    name = f"d{abs(hash(request.node.name))}"
    monkeypatch.setenv(POSTGRES, server.create(name))
    return name


def run(home: Home, told=None) -> dg.ExecuteInProcessResult:
    new = [arrival.submission_id for arrival in home.arrivals()]
    defs = build_defs(home.root, DAY, mapper=InThisProcess(told))
    with instance_of(home.root) as instance:
        return run_here(defs, instance, home, new)


def refused(home: Home) -> str:
    with pytest.raises(UnusableConfiguration) as refusal, instance_of(home.root):
        pass
    assert PASSWORD not in str(refusal.value)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
    return str(refusal.value)


def test_runs_are_kept_there_and_trimmed_there(home: Home, server: Server, database: str):
    result = run(home)
    assert result.success
    assert not list(home.dagster.rglob("*.db"))
    with instance_of(home.root) as instance:
        assert [r.status for r in instance.get_runs()] == [dg.DagsterRunStatus.SUCCESS]
        assert instance.get_dynamic_partitions(str(SUBMISSIONS.name))
        assert len(instance.all_logs(result.run_id)) >= len(result.all_events)
        # The pool that a run keeps is gone with it.
        assert "NullPool" in type(instance.event_log_storage._engine.pool).__name__
        assert trim(instance, home, datetime.now(UTC)) == 0
        assert trim(instance, home, datetime.now(UTC) + timedelta(days=DAYS_KEPT + 1)) == 1
        assert instance.get_runs_count() == 0
    held = server.dump(database).lower()
    assert "muster/home" in held
    assert PASSWORD not in held
    assert "simcanary0" not in held


def test_a_past_state_is_worked_out_aside_and_not_in_the_database(
    home: Home, server: Server, database: str
):
    assert run(home).success
    with home_aside(home) as there:
        _work_out(there, DAY, None)
        assert there.warehouse.exists()
    with instance_of(home.root) as instance:
        assert instance.get_runs_count() == 1


def test_a_restart_in_mid_run_is_survived(home: Home, server: Server, database: str):
    assert run(home, lambda *_: server.restart()).success
    assert home.warehouse.exists()
    assert server.psql(database, "SELECT status FROM runs") == "SUCCESS"


def test_a_server_that_goes_away_ends_the_run_in_a_sentence_and_the_next_goes_on(
    home: Home, server: Server, database: str, capfd: pytest.CaptureFixture[str]
):
    stopped = []

    def stop(*_: int) -> None:
        server.stop()
        stopped.append(True)

    try:
        with pytest.raises(WorkFailed) as failure:
            run(home, stop)
    finally:
        if stopped:
            server.start()
    assert str(failure.value).startswith("PostgreSQL went away during the run; see that it runs")
    assert failure.value.__context__ is None
    said = "".join(capfd.readouterr())
    assert PASSWORD not in said
    assert "simcanary0" not in said.lower()
    assert run(home).success
    assert home.warehouse.exists()


def test_a_database_of_another_home_is_refused(home: Home, database: str, tmp_path: Path):
    with instance_of(home.root):
        pass
    with instance_of(home.root):
        pass
    other = Home(tmp_path / "other")
    other.create("")
    assert "keeps the history of another home folder" in refused(other)


@pytest.mark.parametrize("wrong", ["password", "database", "port", "scheme"])
def test_what_is_wrong_is_said_in_a_sentence(
    home: Home, server: Server, wrong: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(
        POSTGRES,
        {
            "password": server.url_of("postgres", f"{PASSWORD}x"),
            "database": server.url_of("nowhere"),
            "port": server.url.replace(str(server.port), "1"),
            "scheme": server.url.replace("postgresql", "mysql"),
        }[wrong],
    )
    sentence = refused(home)
    assert sentence.startswith(
        f"{POSTGRES} must be an address" if wrong == "scheme" else "PostgreSQL cannot be used as"
    )


def test_the_command_says_it_in_one_line(home: Home, server: Server, monkeypatch):
    monkeypatch.setenv(POSTGRES, server.url_of("postgres", f"{PASSWORD}x"))
    done = subprocess.run(
        [str(Path(sys.executable).with_name("muster")), "run", "--home", str(home.root)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("PostgreSQL cannot be used as MUSTER_POSTGRES_URL says")
    assert done.stderr.count("\n") == 1


def test_without_the_extra_there_is_one_sentence(home: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(POSTGRES, f"postgresql://u:{PASSWORD}@127.0.0.1:1/d")
    imported = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name == "dagster_postgres":
            raise ImportError(name)
        return imported(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    assert "install Muster with its extra `postgres`" in refused(home)


def test_other_errors_are_not_taken_for_the_databases(monkeypatch: pytest.MonkeyPatch):
    import sqlalchemy.exc

    lost = sqlalchemy.exc.OperationalError("SELECT", None, Exception())
    monkeypatch.delenv(POSTGRES, raising=False)
    assert not is_of_the_database(lost)
    monkeypatch.setenv(POSTGRES, "postgresql://x")
    assert is_of_the_database(lost)
    assert not is_of_the_database(ValueError())
    chained = RuntimeError()
    chained.__cause__ = lost
    assert is_of_the_database(chained)
    assert logging.getLogger().filters
