"""Intake over a cluster ends in the same warehouse, whichever of its processes die meanwhile."""

import shutil
import signal
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from clusters import RunningCluster, running_cluster
from homes import Muster, table_hashes

from pipeline.definitions import build_defs
from pipeline.orchestration.cluster import OnCluster
from pipeline.orchestration.launch import failure_of, instance_of, run_here
from pipeline.orchestration.mapper import Progress
from pipeline.storage.home import Home

AS_OF = date(2026, 6, 30)
RUN = ("run", "--as-of", AS_OF.isoformat())


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which everything has been received and nothing taken in."""
    home = tmp_path_factory.mktemp("simulated") / "home"
    arguments = ("--organisations", "6", "--participants", "300", "--as-of", AS_OF.isoformat())
    Muster(home)("simulate", *arguments)
    here = Home(home)
    received = datetime(2026, 6, 29, 12, tzinfo=UTC)
    here.stewardship.receive(
        [(a.submission_id, a.file.modified_at) for a in here.arrivals()], received
    )
    return home


@pytest.fixture(scope="module")
def expected(simulated: Path) -> dict[str, str]:
    """Tables as one machine makes them."""
    home = _copy(simulated, "alone")
    Muster(home)(*RUN)
    return table_hashes(home / "warehouse.duckdb")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[RunningCluster]:
    with running_cluster(tmp_path / "cluster", workers=2) as running:
        yield running


def _copy(home: Path, name: str) -> Path:
    return Path(shutil.copytree(home, home.parent / name))


def _run_here(home: Path, address: str, told: Progress | None = None) -> str | None:
    """Run in this process; why it failed, or None."""
    here = Home(home)
    new = [arrival.submission_id for arrival in here.arrivals()]
    defs = build_defs(home, AS_OF, mapper=OnCluster(address, told, patience=3))
    with instance_of(home) as instance:
        result = run_here(defs, instance, here, new)
    return None if result.success else failure_of(result)


@pytest.mark.filterwarnings("ignore")
def test_two_workers_make_the_same_tables_and_so_does_one_that_is_left(
    simulated: Path,
    expected: dict[str, str],
    two: RunningCluster,
    monkeypatch: pytest.MonkeyPatch,
):
    home = _copy(simulated, "two")
    monkeypatch.setenv("MUSTER_CLUSTER", two.address)
    Muster(home)(*RUN)
    assert table_hashes(home / "warehouse.duckdb") == expected

    def kill(done: int, _: int) -> None:
        if done == 5:
            # It holds what it was handed and does no more of it.
            two.workers[0].send_signal(signal.SIGSTOP)
        if done == 7:
            two.workers[0].kill()

    home = _copy(simulated, "one-is-left")
    assert _run_here(home, two.address, kill) is None
    assert two.workers[0].wait(60) == -signal.SIGKILL
    assert table_hashes(home / "warehouse.duckdb") == expected
    assert list((home / "lake" / "submissions").glob(".*")) == []


@pytest.mark.filterwarnings("ignore")
def test_where_all_workers_die_the_next_run_completes_it(
    simulated: Path, expected: dict[str, str], two: RunningCluster, monkeypatch: pytest.MonkeyPatch
):
    def kill(done: int, _: int) -> None:
        if done == 5:
            for worker in two.workers:
                worker.kill()

    home = _copy(simulated, "none-is-left")
    failure = _run_here(home, two.address, kill)
    assert failure is not None
    assert failure.startswith("every worker is gone, for 3 seconds now; start some with `muster")
    taken_in = len(Home(home).lake.records())
    assert 5 <= taken_in < len(Home(home).arrivals())
    assert not (home / "warehouse.duckdb").exists()

    monkeypatch.setenv("MUSTER_CLUSTER", two.address)
    monkeypatch.setenv("MUSTER_CLUSTER_PATIENCE", "1")
    done = Muster(home)(*RUN, expected=2)
    assert "the scheduler has had no worker for 1 seconds" in done.stderr
    assert "the warehouse is as it was" in done.stderr
    two.start_worker()
    two.wait_for_workers(1)
    Muster(home)(*RUN)
    assert table_hashes(home / "warehouse.duckdb") == expected
