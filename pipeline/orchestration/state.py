"""What a run would have to do: which submissions are new, and whether the snapshot is current.

What stays out: Dagster. `muster run` asks here first and ends before Dagster is imported.
"""

from dataclasses import dataclass
from datetime import date, datetime

from pipeline.storage.code import EVERYTHING, code_hash
from pipeline.storage.home import Home
from pipeline.storage.warehouse import build_of
from pipeline.submissions import Arrival, Record, fingerprint


@dataclass(frozen=True, slots=True)
class Work:
    """What is left to do in a home folder, for a pair of dates."""

    to_take_in: list[Arrival]
    still_written: int
    """Files that somebody may still be writing to; they are left for the next look."""
    is_current: bool
    fingerprint: str
    """Of the snapshot as it would be once nothing but the new submissions is left to do."""
    built: str | None
    """Fingerprint of the snapshot that there is."""

    @property
    def nothing(self) -> bool:
        return not self.to_take_in and self.is_current

    @property
    def key(self) -> str:
        """Names this very piece of work: the same until something arrives or a run succeeds."""
        new = [(a.submission_id, a.fingerprint) for a in self.to_take_in]
        return fingerprint(new, self.fingerprint, self.built)


def work_left(
    home: Home,
    as_of: date,
    known_at: date | None,
    now: datetime | None = None,
    still_for: float = 0.0,
) -> Work:
    """What a run would do; a file that changed less than `still_for` seconds ago is left alone."""
    records = home.lake.records()
    new = outdated(home.arrivals(), records)
    still = [a for a in new if now is None or a.file.is_still(now, still_for)]
    current = build_fingerprint(home, records, as_of, known_at)
    build = build_of(home.warehouse)
    built = build.fingerprint if build else None
    return Work(still, len(new) - len(still), built == current, current, built)


def outdated(arrivals: list[Arrival], records: list[Record]) -> list[Arrival]:
    """Arrivals that the lake does not hold, or holds as another mapping or version made them."""
    known = {record.submission_id: record.fingerprint for record in records}
    return [a for a in arrivals if known.get(a.submission_id) != a.fingerprint]


def build_fingerprint(home: Home, records: list[Record], as_of: date, known_at: date | None) -> str:
    """Hash of everything that the snapshot depends on."""
    return fingerprint(
        code_hash(*EVERYTHING),
        [(record.submission_id, record.fingerprint) for record in records],
        [decision.decision for decision in home.stewardship.decisions()],
        home.programme.model_dump(mode="json"),
        as_of,
        known_at,
    )
