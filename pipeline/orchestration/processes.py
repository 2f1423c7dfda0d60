"""Intake on every core: submissions spread over processes of this machine.

What belongs here: starting those processes, handing them work, hearing what became of it. What
stays out: the work itself, and the process that does it (`worker.py`).

Threads would not do: half of what a file takes is Python's, which holds one core however many
threads there are. Work and answers go through pipes and touch no disk. A process ends when its
pipe closes, and on Linux the kernel ends it where this one is killed (`tied.py`); until the last
of them is gone the home stays locked, since each holds the lock that this process had.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, BinaryIO, Final, TypeVar, cast

from pipeline.orchestration import tied, worker
from pipeline.orchestration.resources import InThisProcess, Progress

T = TypeVar("T")
R = TypeVar("R")

WORTH_IT = 50
"""Items from which on it pays: a process takes as long to start as some twenty files take."""

_MOST_PROCESSES: Final = 8
_AT_A_TIME: Final = 8
"""Items handed over together, at most. Neighbours speak of the same officers, whose pseudonyms a
process works out once."""


class ProcessDied(Exception):
    """A process ended in the middle of its work."""


@dataclass(frozen=True)
class InProcesses:
    """Applies a function to items in several processes; a few items, in this one."""

    progress: Progress | None = None
    processes: int | None = None
    """As many as there are cores to use, if not given."""
    worth_it: int | None = None
    """Items from which on it pays; WORTH_IT, if not given."""

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """Answers in the order of the items. Function, items and answers are pickled.

        What the function raises is raised here. Raises ProcessDied where a process was ended from
        outside.
        """
        processes = self.processes or min(_cores(), _MOST_PROCESSES)
        if processes == 1 or len(items) < (self.worth_it or WORTH_IT):
            yield from InThisProcess(self.progress).map(function, items)
            return
        size = max(1, min(_AT_A_TIME, len(items) // (4 * processes)))
        chunks = [items[first : first + size] for first in range(0, len(items), size)]
        idle: SimpleQueue[_Process] = SimpleQueue()
        with ExitStack() as ending:
            # Started here and not by the threads: the kernel ends what a thread started with it.
            for _ in range(processes):
                process = _Process(function)
                ending.callback(process.end)
                idle.put(process)
            threads = ending.enter_context(ThreadPoolExecutor(processes))
            ending.callback(threads.shutdown, cancel_futures=True)

            def done_by_one(chunk: Sequence[T]) -> list[R]:
                process = idle.get()
                try:
                    return process.answers(chunk)
                finally:
                    idle.put(process)

            done = 0
            for answers in threads.map(done_by_one, chunks):
                for answer in answers:
                    yield answer
                    done += 1
                    if self.progress is not None:
                        self.progress(done, len(items))


def _cores() -> int:
    """Cores that this process may use, where the system tells; else all there are."""
    able = getattr(os, "sched_getaffinity", None)
    return len(able(0)) if able else os.cpu_count() or 1


class _Process:
    """One process (`worker.py`) that applies one function to what it is given."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", tied.__file__, str(os.getpid())),
                *(sys.executable, "-m", worker.__name__),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # A traceback would quote cells; what is raised comes through the pipe instead.
            stderr=subprocess.DEVNULL,
            # The home's lock is handed on (`locks.held`).
            close_fds=False,
            # Each has a core to itself.
            env={**os.environ, "POLARS_MAX_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self._work = cast(BinaryIO, self._process.stdin)
        self._told = cast(BinaryIO, self._process.stdout)
        self._send(function)

    def answers(self, items: Sequence[Any]) -> list[Any]:
        self._send(items)
        try:
            answers, raised = pickle.load(self._told)  # noqa: S301 - our own process wrote it
        except EOFError:
            raise ProcessDied from None
        if raised is not None:
            raise raised
        return list(answers)

    def end(self) -> None:
        """Let it end; it is idle, since whoever asked it something waited for the answer."""
        with suppress(BrokenPipeError):
            self._work.close()
        self._told.close()
        self._process.wait()

    def _send(self, what: object) -> None:
        try:
            pickle.dump(what, self._work)
            self._work.flush()
        except BrokenPipeError:
            raise ProcessDied from None
