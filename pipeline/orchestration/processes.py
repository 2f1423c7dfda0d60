"""Work in other processes of this machine: submissions on every core, and what is begun ahead.

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
from typing import Any, BinaryIO, Final, Generic, Self, TypeVar, cast

from pipeline.orchestration import tied, worker
from pipeline.orchestration.mapper import InThisProcess, Progress

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


class Ahead(Generic[T, R]):
    """A function that answers from a process of its own, which gets ready while this one goes on.

    What the function raises is raised here. For a process that was ended from outside the function
    is called in this one. Use it as a context, which ends the process.
    """

    def __init__(self, function: Callable[[T], R], get_ready: Callable[[], object]) -> None:
        self._function = function
        self._process = _Process(_called)
        self._process.ask([(get_ready,)])
        self._is_getting_ready = True

    def __call__(self, item: T) -> R:
        try:
            if self._is_getting_ready:
                self._is_getting_ready = False
                # Why it did not get ready, the function will say as well.
                with suppress(Exception):
                    self._process.answer()
            [answer] = self._process.answers([(self._function, item)])
        except ProcessDied:
            return self._function(item)
        return cast(R, answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()


def _called(call: tuple[Any, ...]) -> Any:
    function, *arguments = call
    return function(*arguments)


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
        self._function: Callable[[Any], Any] | None = function

    def answers(self, items: Sequence[Any]) -> list[Any]:
        self.ask(items)
        return self.answer()

    def ask(self, items: Sequence[Any]) -> None:
        if self._function is not None:
            # Not when the process is started: what is longer than a pipe holds waits until it is
            # read, and the next process would be started only then.
            self._send(self._function)
            self._function = None
        self._send(items)

    def answer(self) -> list[Any]:
        """What became of the items that were asked about first."""
        try:
            answers, raised = pickle.load(self._told)  # noqa: S301 - our own process wrote it
        except EOFError:
            raise ProcessDied from None
        if raised is not None:
            raise raised
        return list(answers)

    def end(self) -> None:
        """Let it end, once it has done what it was asked last."""
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
