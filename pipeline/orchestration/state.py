"""What a run would have to do: which submissions are new, and whether the snapshot is current.

What stays out: Dagster. `muster run` asks here first and ends before Dagster is imported.
"""

from dataclasses import dataclass
from datetime import date

from pipeline import __version__
from pipeline.storage.home import Home
from pipeline.storage.warehouse import fingerprint_of
from pipeline.submissions import Arrival, Record, fingerprint

BUILD_VERSION = 1
"""Raised whenever anything after intake changes what comes out of the same rows."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is left to do in a home folder, for a pair of dates."""

    to_take_in: list[Arrival]
    is_current: bool

    @property
    def nothing(self) -> bool:
        return not self.to_take_in and self.is_current


def work_left(home: Home, as_of: date, known_at: date | None) -> Work:
    records = home.lake.records()
    to_take_in = outdated(home.arrivals(), records)
    current = build_fingerprint(home, records, as_of, known_at)
    return Work(to_take_in, fingerprint_of(home.warehouse) == current)


def outdated(arrivals: list[Arrival], records: list[Record]) -> list[Arrival]:
    """Arrivals that the lake does not hold, or holds as another mapping or version made them."""
    known = {record.submission_id: record.fingerprint for record in records}
    return [a for a in arrivals if known.get(a.submission_id) != a.fingerprint]


def build_fingerprint(home: Home, records: list[Record], as_of: date, known_at: date | None) -> str:
    """Hash of everything that the snapshot depends on."""
    return fingerprint(
        BUILD_VERSION,
        __version__,
        [(record.submission_id, record.fingerprint) for record in records],
        home.programme.model_dump(mode="json"),
        as_of,
        known_at,
    )
