"""What runs on a worker of a cluster: one submission's rows, from sealed bytes to sealed bytes.

What belongs here: whether this worker is fit for it, and how it fails: in a sentence without a
value. What stays out: files, Dagster, and the work itself, which comes with each order.
"""

import pickle
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from threading import Lock, Timer
from typing import Any, Final

from pipeline.errors import place_of, refusal_of
from pipeline.programme import UnusableConfiguration
from pipeline.storage.code import INTAKE, code_hash, versions

_SECONDS_REMEMBERED: Final = 60.0
"""A worker forgets keys and officers this long after the last submission."""

_DECIDES = (*INTAKE, "pipeline/storage/taking_in.py")


@dataclass(frozen=True, slots=True)
class Sealed:
    """Bytes that are opened where work is done and nowhere on the way: no log, page or error of
    the library that hands them on can show what is in them.
    """

    content: bytes = field(repr=False)

    def __sizeof__(self) -> int:
        return len(self.content)


@dataclass(frozen=True, slots=True)
class Failed:
    """Why there is no answer, in a sentence that holds no value."""

    sentence: str


def here() -> dict[str, str]:
    """What must be the same on every machine, or figures would depend on who worked them out."""
    return {
        "Muster": f"{versions()['muster']} ({code_hash(*_DECIDES)})",
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "Polars": versions()["polars"],
        # Reads workbooks: another one may read their cells otherwise.
        "fastexcel": metadata.version("fastexcel"),
    }


def unfit(expected: Mapping[str, str], dask_worker: Any) -> str | None:
    """Why a worker must not be given anything, in one sentence; None if it may."""
    memory = dask_worker.memory_manager
    spills = memory.memory_target_fraction or memory.memory_spill_fraction
    if memory.memory_limit and spills:
        return (
            f"the worker {dask_worker.address} would put what it holds on its disk; start workers "
            "with `muster worker`"
        )
    for name, version in here().items():
        if expected.get(name) != version:
            return (
                f"the worker {dask_worker.address} has {name} {version} and this run "
                f"{expected.get(name)}; install the same on every machine and start it again"
            )
    return None


def carry_out(expected: Mapping[str, str], work: Sealed, order: Sealed) -> Sealed | Failed:
    """Open work and order, do the one with the other and seal the answer; raises nothing."""
    from distributed import get_worker  # noqa: PLC0415 - an extra, and slow to import

    try:
        # Asked of every task: a worker may have joined since the run began.
        why_not = unfit(expected, get_worker())
        if why_not is not None:
            return Failed(why_not)
        long = _opened(work)
        answer = long(pickle.loads(order.content))  # noqa: S301 - sealed by the run itself
        return Sealed(pickle.dumps(answer))
    except BaseException as error:  # noqa: BLE001 - Polars panics with one that is no Exception
        return _failure(error)


def _failure(error: BaseException) -> Failed:
    if isinstance(error, UnusableConfiguration):
        return Failed(str(error))
    refusal = refusal_of(error)
    sentence = f"a worker ended in {place_of(error)}{f': {refusal}' if refusal else ''}"
    return Failed(sentence)


class _Remembered:
    """The work of the run that is under way, opened: with it come the officers met before."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sealed: Sealed | None = None
        self._opened: Callable[[Any], Any] | None = None
        self._forgetting: Timer | None = None

    def __call__(self, work: Sealed) -> Callable[[Any], Any]:
        with self._lock:
            if self._opened is None or self._sealed != work:
                self._opened = pickle.loads(work.content)  # noqa: S301 - sealed by the run itself
                self._sealed = work
            if self._forgetting is not None:
                self._forgetting.cancel()
            self._forgetting = Timer(_SECONDS_REMEMBERED, self.forget)
            self._forgetting.daemon = True
            self._forgetting.start()
            opened: Callable[[Any], Any] = self._opened
            return opened

    def forget(self) -> None:
        with self._lock:
            self._sealed = self._opened = None


_opened = _Remembered()
