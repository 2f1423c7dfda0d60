"""A lock holds as long as its process, and no longer."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipeline.storage import locks

HOLDER = """
import sys, time
from pathlib import Path
from pipeline.storage import locks
with locks.held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / ".lock"


@pytest.fixture
def holder(path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_lock_is_free_before_and_after(path: Path):
    assert locks.is_free(path)
    with locks.held(path):
        assert not locks.is_free(path)
    assert locks.is_free(path)
    assert path.exists(), "another may be waiting for it by this name"


def test_a_killed_holder_lets_go(path: Path, holder):
    assert not locks.is_free(path)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locks.held(path, lambda: pytest.fail("there was nobody to wait for")):
        pass


def test_who_waits_is_told_once_and_comes_next(path: Path, holder):
    told, done = [], threading.Event()

    def wait() -> None:
        with locks.held(path, lambda: told.append("waiting")):
            done.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert not done.wait(0.5)
    holder.kill()
    assert done.wait(10)
    waiting.join()
    assert told == ["waiting"]


def test_an_error_lets_go(path: Path):
    with pytest.raises(RuntimeError, match="inside"), locks.held(path):
        raise RuntimeError("inside")
    assert locks.is_free(path)
