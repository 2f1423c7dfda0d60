"""What assets are given: the home folder with the dates of the report, and how to spread intake.

What stays out: what is done with them. The clock is read here and nowhere below.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol, TypeVar

import dagster as dg

from pipeline.storage.home import Home

T = TypeVar("T")
R = TypeVar("R")

Progress = Callable[[int, int], None]
"""Told how many submissions are done, and of how many."""


class HomeResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The home folder, and the two dates of a report."""

    root: str
    as_of: str | None = None
    """Day for which statuses are worked out; today if not given."""
    known_at: str | None = None
    """Last day of receipt that counts; everything if not given."""

    def open(self) -> Home:
        return Home(Path(self.root))

    def as_of_date(self) -> date:
        return date.fromisoformat(self.as_of) if self.as_of else self.now().date()

    def known_at_date(self) -> date | None:
        return date.fromisoformat(self.known_at) if self.known_at else None

    def now(self) -> datetime:
        return datetime.now(UTC)


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
