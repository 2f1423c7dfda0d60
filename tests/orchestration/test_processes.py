"""Intake spread over processes: the same answers, no process left behind, the home locked."""

import errno
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from pipeline.orchestration.processes import Ahead, InProcesses, ProcessDied
from pipeline.storage import locks

TWO = InProcesses(processes=2, worth_it=1)


def ended_by_a_signal(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def troubled(number: int) -> int:
    if number == 7:
        raise OSError(errno.ESTALE, "quoted", "/landing/kent/Jane Doe.csv")
    return number


class Unpicklable(Exception):
    def __reduce__(self) -> str:
        raise TypeError("Jane Doe")


def unpicklable(_: int) -> None:
    raise Unpicklable


def talkative(number: int) -> int:
    print("nothing of this may reach anybody")
    return number


def process_of(_: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def test_answers_come_in_order_and_progress_is_told():
    told: list[tuple[int, int]] = []
    mapper = InProcesses(lambda done, of: told.append((done, of)), processes=2, worth_it=1)
    assert list(mapper.map(abs, range(-20, 0))) == [*range(20, 0, -1)]
    assert told == [(done, 20) for done in range(1, 21)]


def test_work_is_spread_and_a_few_items_stay_here():
    assert len(set(TWO.map(process_of, range(8)))) == 2
    assert set(InProcesses(processes=2, worth_it=9).map(process_of, range(8))) == {os.getpid()}
    assert set(InProcesses(processes=1, worth_it=1).map(process_of, range(8))) == {os.getpid()}


def test_what_a_process_raises_is_raised_here_with_its_number():
    with pytest.raises(OSError, match="quoted") as raised:
        list(TWO.map(troubled, range(10)))
    assert raised.value.errno == errno.ESTALE


def test_what_cannot_be_handed_over_is_said_without_what_it_says():
    with pytest.raises(RuntimeError, match="Unpicklable cannot be handed") as raised:
        list(TWO.map(unpicklable, range(2)))
    assert "Doe" not in str(raised.value)


def test_a_process_that_is_ended_is_missed():
    with pytest.raises(ProcessDied):
        list(TWO.map(ended_by_a_signal, range(2)))


def not_ready() -> None:
    raise ImportError("Jane Doe")


def test_what_is_begun_ahead_answers_from_a_process_of_its_own():
    with Ahead(process_of, os.getpid) as begun:
        assert begun(1) == begun(2) != os.getpid()


def test_what_is_begun_ahead_raises_here_and_goes_on():
    with Ahead(troubled, not_ready) as begun:
        assert begun(1) == 1
        with pytest.raises(OSError, match="quoted"):
            begun(7)
        assert begun(8) == 8


def ended_unless_here(here: int) -> int:
    if os.getpid() != here:
        os.kill(os.getpid(), signal.SIGKILL)
    return here


def test_where_its_process_was_ended_the_answer_comes_from_here():
    here = os.getpid()
    with Ahead(ended_unless_here, os.getpid) as begun:
        assert [begun(here), begun(here)] == [here, here]


def test_what_is_printed_mixes_with_nothing(capfd: pytest.CaptureFixture[str]):
    assert list(TWO.map(talkative, range(5))) == [*range(5)]
    assert capfd.readouterr() == ("", "")


SPREADING = """
import sys, time
from pathlib import Path
from pipeline.orchestration.processes import InProcesses
from pipeline.storage import locks
from test_processes import marking
with locks.held(Path(sys.argv[1]) / ".lock"):
    list(InProcesses(processes=2, worth_it=1).map(marking(sys.argv[1]), range(2)))
"""


def mark_and_wait(folder: Path, number: int) -> None:
    (folder / f"{os.getpid()}-{number}").touch()
    time.sleep(60)


def marking(folder: str) -> partial[None]:
    return partial(mark_and_wait, Path(folder))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends them at once")
def test_processes_end_with_the_one_that_started_them_and_hold_its_lock_till_then(tmp_path: Path):
    spreading = subprocess.Popen(
        [sys.executable, "-c", SPREADING, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parent)])},
    )
    deadline = time.monotonic() + 120
    while len(marks := list(tmp_path.glob("*-*"))) < 2:
        assert time.monotonic() < deadline, "the processes did not begin"
        time.sleep(0.02)
    assert not locks.is_free(tmp_path / ".lock")
    workers = [int(mark.name.split("-")[0]) for mark in marks]
    os.kill(workers[0], signal.SIGSTOP)
    # A signal that ends it would go first while it is not stopped yet.
    while state_of(workers[0]) != "T":
        assert time.monotonic() < deadline, "the process was not stopped"
        time.sleep(0.02)
    spreading.send_signal(signal.SIGKILL)
    spreading.wait()
    assert not locks.is_free(tmp_path / ".lock"), "it is let go while one of them lives"
    os.kill(workers[0], signal.SIGCONT)
    while not locks.is_free(tmp_path / ".lock"):
        assert time.monotonic() < deadline, "a process outlived the one that started it"
        time.sleep(0.02)
    # All that is left of one that ended is its entry, until somebody asks how it ended.
    assert {state_of(worker) for worker in workers} <= {None, "Z"}


def state_of(process: int) -> str | None:
    """The letter by which Linux says what a process is doing; None where there is none."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return None
    return next(line.split()[1] for line in status.splitlines() if line.startswith("State:"))
