"""What `intake` maps its submissions through, and the simplest that can be had.

What stays out: Dagster, which takes long to import, and other processes (`processes.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")

Progress = Callable[[int, int], None]
"""Told how many submissions are done, and of how many."""


class SubmissionMapper(Protocol):
    """Applies one function to every submission of a run, in any order, on any machine."""

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]: ...


@dataclass(frozen=True)
class InThisProcess:
    """One submission after the other, here: Polars spreads each over all cores by itself."""

    progress: Progress | None = None

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        for done, item in enumerate(items, start=1):
            yield function(item)
            if self.progress is not None:
                self.progress(done, len(items))
