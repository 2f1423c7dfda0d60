"""Intake over a cluster of `dask.distributed`: submissions mapped over workers of many machines.

What belongs here: handing out the long part of each submission and hearing what became of it. What
stays out: what workers do (`cluster_work.py`), and starting them (`cluster_serving.py`).

Files are read and written here alone. Workers see no home folder: bytes go out sealed, and rows
come back. So they need no share and no permission to read landing, secrets or lake; and one that
works on after its run was killed can write nothing, since the lake is written by whoever holds the
home's lock, and by nobody else. What it costs is that all bytes pass through this process.
"""

import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar
from uuid import uuid4

from pipeline.orchestration import cluster_library
from pipeline.orchestration.cluster_work import Failed, Sealed, carry_out, here, unfit
from pipeline.orchestration.mapper import InParts, Progress, WorkFailed
from pipeline.programme import UnusableConfiguration

T = TypeVar("T")
R = TypeVar("R")

PATIENCE: Final = 60.0
"""Seconds without scheduler or workers after which a run gives up, if MUSTER_CLUSTER_PATIENCE does
not say."""
PATIENCE_SETTING: Final = "MUSTER_CLUSTER_PATIENCE"

_FOR_EACH_WORKER: Final = 4
"""Submissions handed out: one that is worked on, and some on their way there and back."""
_FINISHING: Final = 4
"""Answers that are fetched and written at a time."""
_MOST_BYTES: Final = 256 * 2**20
"""Of files handed out at a time: the scheduler holds them until they are done."""
_SECONDS_BETWEEN_LOOKS: Final = 1.0


@dataclass(frozen=True)
class OnCluster:
    """Applies a function in parts to items, its long part on the workers of a cluster."""

    address: str
    progress: Progress | None = None
    patience: float | None = None
    """Seconds; what the environment says, if not given."""

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """Answers of a function in parts (`InParts`) in the order of the items.

        Raises UnusableConfiguration where the cluster cannot be used, WorkFailed where it fell
        away or a worker failed; both say what to do.
        """
        in_parts: object = function
        if not isinstance(in_parts, InParts):
            raise TypeError("what a cluster carries out has parts")
        patience = _patience() if self.patience is None else self.patience
        with _connected(cluster_library.checked(self.address, os.environ), patience) as client:
            yield from _Run(client, in_parts, items, patience, self.progress).answers()


def _patience() -> float:
    said = os.environ.get(PATIENCE_SETTING, "")
    if said and not said.isdecimal():
        raise UnusableConfiguration(f"{PATIENCE_SETTING} must be a whole number of seconds.")
    return float(said or PATIENCE)


@contextmanager
def _connected(address: str, patience: float) -> Iterator[Any]:
    """A client whose workers are there and fit; ends what it asked for when the block does."""
    distributed = cluster_library.imported()
    security = cluster_library.security(address, "client")
    try:
        client = distributed.Client(
            address, timeout=patience, set_as_default=False, security=security, name="muster"
        )
    except (OSError, ValueError, TypeError, RuntimeError):
        raise UnusableConfiguration(
            f"no scheduler answers at {address}; start one with `muster scheduler`, and see that "
            "both sides use the same certificates if it is tls://."
        ) from None
    try:
        _must_be_fit(client, patience)
        yield client
    finally:
        # What is still handed out is cancelled with it.
        with suppress(Exception):
            client.close(timeout=5)


def _must_be_fit(client: Any, patience: float) -> None:
    """Wait for the first worker, and refuse a cluster in which any is not fit."""
    deadline = time.monotonic() + patience
    while not client.nthreads():
        if time.monotonic() > deadline:
            raise UnusableConfiguration(
                f"the scheduler has had no worker for {patience:.0f} seconds; start some with "
                "`muster worker`, on machines that reach it."
            )
        time.sleep(0.1)
    try:
        said = client.run(unfit, here(), on_error="return")
    except Exception as error:  # noqa: BLE001 - what a stranger answers may be anything
        said = {"": error}
    for answer in said.values():
        if isinstance(answer, BaseException):
            raise UnusableConfiguration(_NOT_MUSTERS)
        if answer is not None:
            raise UnusableConfiguration(f"{answer}.")


_NOT_MUSTERS = (
    "a scheduler or worker there cannot do Muster's work; start them with `muster scheduler` and "
    "`muster worker` of the same version."
)
_GONE = "the scheduler is gone; start it again with `muster scheduler` and run again."


class _Run:
    """One mapping: what is handed out, what is back, and what is next in order."""

    def __init__(
        self,
        client: Any,
        function: InParts,
        items: Sequence[Any],
        patience: float,
        progress: Progress | None,
    ) -> None:
        self._client = client
        self._function = function
        self._items = items
        self._patience = patience
        self._progress = progress
        self._work = Sealed(pickle.dumps(function.long))
        self._expected = here()
        # Keys of tasks are shown and logged: this one says nothing but the place.
        self._name = f"muster-{uuid4().hex}"
        self._out: dict[int, int] = {}
        """Bytes of what is handed out, by place."""
        self._back: SimpleQueue[tuple[int, Any, BaseException | None]] = SimpleQueue()
        self._threads = ThreadPoolExecutor(_FINISHING)
        self._is_over = False
        self._seen_worker = time.monotonic()
        self._next_look = 0.0
        self._room = 1

    def answers(self) -> Iterator[Any]:
        try:
            yield from self._in_order()
        finally:
            self._is_over = True
            self._threads.shutdown(wait=True, cancel_futures=True)

    def _in_order(self) -> Iterator[Any]:
        ready: dict[int, Any] = {}
        first, done, total = 0, 0, len(self._items)
        for place in range(total):
            while place not in ready:
                while first < total and self._has_room():
                    order, answer = self._function.first(self._items[first])
                    if order is None:
                        ready[first] = answer
                        done = self._tell(done)
                    else:
                        self._hand_out(first, Sealed(pickle.dumps(order)))
                    first += 1
                if place not in ready:
                    back, answer = self._next_back()
                    ready[back] = answer
                    done = self._tell(done)
            yield ready.pop(place)

    def _tell(self, done: int) -> int:
        if self._progress is not None:
            self._progress(done + 1, len(self._items))
        return done + 1

    def _has_room(self) -> bool:
        """Whether another file may be handed out: a few for each worker, and some megabytes."""
        if time.monotonic() > self._next_look:
            self._look()
        handed_out = sum(self._out.values())
        return not self._out or (len(self._out) < self._room and handed_out < _MOST_BYTES)

    def _hand_out(self, place: int, order: Sealed) -> None:
        future = self._client.submit(
            carry_out,
            self._expected,
            self._work,
            order,
            key=f"{self._name}-{place}",
            pure=False,
        )
        self._out[place] = len(order.content)
        future.add_done_callback(lambda done: self._finish(place, done))

    def _finish(self, place: int, future: Any) -> None:
        # None is begun any more once the run is over.
        with suppress(RuntimeError):
            self._threads.submit(self._finished, place, future)

    def _finished(self, place: int, future: Any) -> None:
        """Fetch an answer and do the last part with it: by turns with others, since each waits."""
        answer: Any = None
        failure: BaseException | None = None
        try:
            answer = self._function.last(self._items[place], self._answer(place, future))
        except BaseException as error:  # noqa: BLE001 - Polars panics with one that is no Exception
            failure = error  # Raised again where answers are asked for.
        self._back.put((place, answer, failure))

    def _next_back(self) -> tuple[int, Any]:
        while True:
            try:
                place, answer, failure = self._back.get(timeout=_SECONDS_BETWEEN_LOOKS)
            except Empty:
                self._look()
                continue
            if failure is not None:
                raise failure
            del self._out[place]
            return place, answer

    def _look(self) -> None:
        """See how many workers there are; WorkFailed once there has been none for too long."""
        try:
            workers = len(self._client.nthreads())
        except (OSError, RuntimeError):
            raise WorkFailed(_GONE) from None
        now = time.monotonic()
        if workers:
            self._seen_worker = now
        elif now - self._seen_worker > self._patience:
            raise WorkFailed(
                f"every worker is gone, for {self._patience:.0f} seconds now; start some with "
                "`muster worker` and run again."
            )
        self._room = max(1, workers) * _FOR_EACH_WORKER
        self._next_look = now + _SECONDS_BETWEEN_LOOKS

    def _answer(self, place: int, future: Any) -> Any:
        answer = self._fetched(future, place)
        if isinstance(answer, Failed):
            raise WorkFailed(f"{answer.sentence.rstrip('.')}.")
        return pickle.loads(answer.content)  # noqa: S301 - sealed by our own worker

    def _fetched(self, future: Any, place: int) -> Sealed | Failed:
        from distributed.client import FutureCancelledError  # noqa: PLC0415 - an extra
        from distributed.scheduler import KilledWorker  # noqa: PLC0415

        while True:
            try:
                answer: Sealed | Failed = future.result(timeout=_SECONDS_BETWEEN_LOOKS)
                return answer
            except TimeoutError:
                # The worker that had it died meanwhile, and another works it out again.
                if self._is_over:
                    raise WorkFailed(_GONE) from None
                self._look()
            except FutureCancelledError:
                raise WorkFailed(_GONE) from None
            except KilledWorker:
                raise WorkFailed(
                    f"worker after worker died at {_called(self._items[place])}, perhaps for want "
                    "of memory; give workers more and run again."
                ) from None
            except Exception:  # noqa: BLE001 - whatever a stranger's worker says
                raise WorkFailed(_NOT_MUSTERS) from None


def _called(item: Any) -> str:
    return str(getattr(item, "submission_id", "one item"))
