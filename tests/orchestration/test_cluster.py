"""Work handed to a cluster: the same answers, and one sentence for all that can go wrong."""

import builtins
import os
import pickle
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters import (
    MUSTER,
    Parts,
    RunningCluster,
    certificates,
    doubled,
    dying,
    quoting,
    running_cluster,
    sleeping,
)
from serving import free_port

from pipeline.orchestration import cluster, cluster_library
from pipeline.orchestration.cluster import OnCluster
from pipeline.orchestration.cluster_work import Failed, Sealed, _Remembered, here
from pipeline.orchestration.mapper import InThisProcess, WorkFailed
from pipeline.orchestration.processes import InProcesses
from pipeline.orchestration.spreading import mapper_of
from pipeline.programme import UnusableConfiguration


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster"), workers=2) as running:
        yield running


def refused(address: str, function: Parts | None = None, patience: float = 5) -> str:
    with pytest.raises(UnusableConfiguration) as refusal:
        list(OnCluster(address, patience=patience).map(function or Parts(), range(3)))
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
    return str(refusal.value)


def failed(address: str, function: Parts, patience: float = 5) -> str:
    with pytest.raises(WorkFailed) as failure:
        list(OnCluster(address, patience=patience).map(function, range(3)))
    assert failure.value.__suppress_context__ or failure.value.__context__ is None
    return str(failure.value)


def test_answers_come_in_order_and_progress_is_told(two: RunningCluster):
    told = []
    mapper = OnCluster(two.address, lambda done, of: told.append((done, of)))
    expected = list(InThisProcess().map(Parts(), range(40)))
    assert list(mapper.map(Parts(), range(40))) == expected
    assert expected[:4] == [0, 102, -2, 306]
    assert told == [(done, 40) for done in range(1, 41)]
    assert list(mapper.map(Parts(), [])) == []


def test_a_few_are_handed_out_ahead_and_no_more(two: RunningCluster):
    parts = Parts(sleeping)
    answers = OnCluster(two.address).map(parts, [1] * 30)
    next(answers)
    assert len(parts.before) <= 10
    answers.close()


def test_a_function_without_parts_is_no_work_for_a_cluster(two: RunningCluster):
    with pytest.raises(TypeError, match="parts"):
        list(OnCluster(two.address).map(doubled, [1]))


def test_what_a_worker_raises_comes_back_without_values(two: RunningCluster):
    sentence = failed(two.address, Parts(quoting))
    assert sentence.startswith("a worker ended in ValueError at ")
    assert "simcanary" not in sentence
    assert "simcanary" not in two.said()


@pytest.mark.parametrize("library", ["Polars", "fastexcel"])
def test_workers_of_another_version_are_refused(
    two: RunningCluster, monkeypatch: pytest.MonkeyPatch, library: str
):
    monkeypatch.setattr(cluster, "here", lambda: {**here(), library: "0.1"})
    assert library in (sentence := refused(two.address))
    assert sentence.endswith(
        "and this run 0.1; install the same on every machine and start it again."
    )


def test_a_worker_that_joined_later_is_asked_too(
    two: RunningCluster, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cluster, "_must_be_fit", lambda *_: None)
    monkeypatch.setattr(cluster, "here", lambda: {**here(), "Python": "2.7"})
    assert "has Python 3" in failed(two.address, Parts())


def test_nobody_answers():
    address = f"tcp://127.0.0.1:{free_port()}"
    assert refused(address, patience=1).startswith(f"no scheduler answers at {address}; start one")


def test_a_scheduler_without_workers_and_one_whose_worker_spills(tmp_path: Path):
    with running_cluster(tmp_path, workers=0) as alone:
        assert refused(alone.address, patience=1).startswith(
            "the scheduler has had no worker for 1"
        )
        dask = [str(Path(sys.executable).with_name("dask")), "worker", alone.address]
        alone.workers.append(
            alone.start(*dask, "--no-nanny", "--no-dashboard", "--memory-limit", "1GB")
        )
        alone.wait_for_workers(1)
        assert "would put what it holds on its disk; start workers with `muster worker`" in refused(
            alone.address
        )


def test_a_submission_that_kills_every_worker_ends_the_run(tmp_path: Path):
    with running_cluster(tmp_path, workers=1) as running:
        running.start_worker()
        running.start_worker()
        running.start_worker()
        running.wait_for_workers(4)
        assert failed(running.address, Parts(dying), patience=20).startswith(
            "worker after worker died at one item, perhaps for want of memory"
        )


def test_all_workers_gone_and_then_the_scheduler(tmp_path: Path):
    with running_cluster(tmp_path, workers=1) as running:

        def kill(done: int, _: int) -> None:
            if done == 2:
                running.workers[0].kill()

        mapper = OnCluster(running.address, kill, patience=2)
        with pytest.raises(WorkFailed, match="every worker is gone, for 2 seconds now; start some"):
            list(mapper.map(Parts(sleeping), [1] * 9))

        running.start_worker()
        running.wait_for_workers(1)

        def end(done: int, _: int) -> None:
            if done == 2 and running.scheduler is not None:
                running.scheduler.kill()

        mapper = OnCluster(running.address, end, patience=2)
        with pytest.raises(WorkFailed, match="the scheduler is gone; start it again"):
            list(mapper.map(Parts(sleeping), [1] * 9))


def test_work_that_its_run_left_is_given_up(tmp_path: Path):
    """What was handed out by a run that is gone keeps no worker from the next one."""
    with running_cluster(tmp_path, workers=1) as running:
        answers = OnCluster(running.address).map(Parts(sleeping), [1] * 30)
        next(answers)
        answers.close()
        began = time.monotonic()
        assert list(OnCluster(running.address).map(Parts(), [1])) == [102]
        assert time.monotonic() - began < 30 * 0.3


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("scheduler:8786", "must be an address such as"),
        ("tcp://127.0.0.1", "must be an address such as"),
        ("tcp://127.0.0.1:99999", "must be an address such as"),
        ("http://127.0.0.1:80", "must be an address such as"),
        ("tcp://10.1.2.3:8786", "would travel unencrypted"),
        ("tcp://scheduler.example:8786", "would travel unencrypted"),
    ],
)
def test_addresses_that_are_refused(address: str, sentence: str):
    assert sentence in refused(address)


def test_addresses_that_are_not(monkeypatch: pytest.MonkeyPatch):
    for address in ("tcp://127.0.0.1:1", "tcp://[::1]:1", "tcp://localhost:1", "tls://a.example:1"):
        assert cluster_library.checked(address, {}) == address
    allowed = {cluster_library.PLAIN: "allowed"}
    assert cluster_library.checked("tcp://10.1.2.3:8786", allowed)


def test_the_environment_says_how_intake_is_spread(monkeypatch: pytest.MonkeyPatch):
    assert isinstance(mapper_of({}), InProcesses)
    found = mapper_of({"MUSTER_CLUSTER": "tls://scheduler.example:8786"})
    assert found == OnCluster("tls://scheduler.example:8786")
    monkeypatch.setenv("MUSTER_CLUSTER_PATIENCE", "soon")
    with pytest.raises(UnusableConfiguration, match="whole number of seconds"):
        list(OnCluster("tcp://127.0.0.1:1").map(Parts(), [1]))


def test_without_the_extra_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch):
    imported = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name.split(".", maxsplit=1)[0] == "distributed":
            raise ImportError(name)
        return imported(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    assert "install Muster with its extra `cluster`" in refused("tcp://127.0.0.1:1")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")
def test_encrypted_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    address = "tls://127.0.0.1:8786"
    assert "needs certificates" in refused(address)
    settings = certificates(tmp_path / "certificates")
    monkeypatch.setattr(RunningCluster, "wait_for_workers", lambda *_: None)
    with running_cluster(tmp_path / "cluster", 1, "tls", settings) as running:
        code = (
            "from clusters import Parts\n"
            "from pipeline.orchestration.cluster import OnCluster\n"
            f"print(list(OnCluster({running.address!r}).map(Parts(), range(3))))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={
                **os.environ,
                **settings,
                "PYTHONPATH": str(Path(__file__).parents[1] / "support"),
            },
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "[0, 102, -2]\n"
        plain = running.address.replace("tls", "tcp")
        assert refused(plain, patience=2).startswith("no scheduler answers")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["worker", "--cluster", "tcp://10.1.2.3:8786"], "would travel unencrypted"),
        (["worker", "--cluster", "tls://127.0.0.1:8786"], "needs certificates"),
        (["worker", "--cluster", "tcp://127.0.0.1:1", "--host", "10.1.2.3"], "unencrypted"),
        (["scheduler", "--listen", "tcp://0.0.0.0:8786"], "would travel unencrypted"),
        (["scheduler", "--listen", "tls://127.0.0.1:8786"], "needs certificates"),
        (["scheduler", "--listen", "8786"], "must be an address such as"),
    ],
)
def test_commands_refuse_in_one_sentence(arguments: list[str], sentence: str):
    done = subprocess.run([MUSTER, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_port_that_is_taken(two: RunningCluster):
    done = subprocess.run(
        [MUSTER, "scheduler", "--listen", two.address], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"nothing can be served at {two.address}")


def test_what_is_sealed_is_never_shown():
    sealed = Sealed(b"simcanary")
    assert "simcanary" not in f"{sealed!r}{sealed}"
    assert Failed("a sentence").sentence == "a sentence"


def test_workers_forget(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pipeline.orchestration.cluster_work._SECONDS_REMEMBERED", 0.05)
    remembered = _Remembered()
    sealed = Sealed(pickle.dumps(Parts()))
    first = remembered(sealed)
    assert remembered(Sealed(sealed.content)) is first
    time.sleep(0.5)
    assert remembered._opened is None
    assert remembered._sealed is None
