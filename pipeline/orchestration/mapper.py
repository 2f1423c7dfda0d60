"""What `intake` maps its submissions through, and the simplest that can be had.

What stays out: Dagster, which takes long to import, other processes (`processes.py`) and other
machines (`cluster.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

T = TypeVar("T")
R = TypeVar("R")

Progress = Callable[[int, int], None]
"""Told how many submissions are done, and of how many."""


class SubmissionMapper(Protocol):
    """Applies one function to every submission of a run, in any order, on any machine.

    Answers come in the order of the submissions. The function is called whole, or part by part
    where it has parts (`InParts`); what comes out is the same.
    """

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]: ...


@runtime_checkable
class InParts(Protocol):
    """A function of which the part that takes long touches no file and may be done elsewhere."""

    def first(self, item: Any) -> tuple[Any | None, Any]:
        """What the long part needs; None and the answer where there is no more to do."""

    @property
    def long(self) -> Callable[[Any], Any]:
        """The part that takes long; it, what it is given and what it answers are pickled."""

    def last(self, item: Any, answer: Any) -> Any:
        """The answer, once the long part is done."""


class WorkFailed(Exception):
    """Work that was spread could not be done; the message holds no value and says what to do."""


@dataclass(frozen=True)
class InThisProcess:
    """One submission after the other, here: Polars spreads each over all cores by itself."""

    progress: Progress | None = None

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        for done, item in enumerate(items, start=1):
            yield function(item)
            if self.progress is not None:
                self.progress(done, len(items))
