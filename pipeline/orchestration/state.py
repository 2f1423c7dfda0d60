"""What a run would have to do: which submissions are new, and whether the snapshot is current.

What stays out: Dagster. `muster run` asks here first and ends before Dagster is imported.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from pipeline.entries import Entry, known_entries
from pipeline.quality.decisions import decisions_table, known_decisions
from pipeline.storage.code import EVERYTHING, code_hash
from pipeline.storage.home import Home
from pipeline.storage.warehouse import Build, build_of
from pipeline.submissions import Arrival, Record, fingerprint, outlived
from pipeline.vocabulary import EntryKind

HEARD = (EntryKind.TEXT_JUDGED, EntryKind.LINK_JUDGED)
"""Judgements on record that a snapshot depends on."""

WAREHOUSE = "warehouse"
"""The stage that reads every table that is published."""

CHANGED_BY_WITHDRAWALS = "withdrawals"

SECONDS_STILL = 1.0
"""Somebody who types a command has copied the files already, most of the time."""


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
    return _work(home, build_of(home.warehouse), as_of, known_at, now=now, still_for=still_for)


def work_left_as_built(home: Home, now: datetime, still_for: float) -> Work:
    """What a run for the dates of the snapshot that there is would do; for today without one."""
    build = build_of(home.warehouse)
    as_of, known_at = (build.as_of, build.known_at) if build else (now.date(), None)
    return _work(home, build, as_of, known_at, now=now, still_for=still_for)


def _work(
    home: Home,
    build: Build | None,
    as_of: date,
    known_at: date | None,
    *,
    now: datetime | None,
    still_for: float,
) -> Work:
    records = home.lake.records()
    home.must_have_its_store(records)
    home.proven_keys()
    landed = home.arrivals()
    new = outdated(landed, records)
    # A run begins with forgetting these, so the snapshot will be without them.
    gone = set(outlived(records, landed, home.sources))
    records = [record for record in records if record.submission_id not in gone]
    still = [a for a in new if now is None or a.file.is_still(now, still_for)]
    current = build_fingerprint(home, records, as_of, known_at)
    built = build.fingerprint if build else None
    # A run that ended between two stages may have changed tables that the snapshot is made of.
    is_current = built == current and home.stages.is_settled(WAREHOUSE)
    return Work(still, len(new) - len(still), is_current, current, built)


def work_left_when_still(
    home: Home, as_of: date, known_at: date | None, meanwhile: Callable[[], object] = lambda: None
) -> Work:
    """What a run would do, after a moment's patience with files that were written just now.

    `meanwhile` is called where that moment is waited for: a run will most likely follow.
    """

    def look() -> Work:
        return work_left(home, as_of, known_at, datetime.now(UTC), SECONDS_STILL)

    work = look()
    if work.still_written:
        still_at = time.monotonic() + SECONDS_STILL
        meanwhile()
        time.sleep(max(0.0, still_at - time.monotonic()))
        work = look()
    return work


def outdated(arrivals: list[Arrival], records: list[Record]) -> list[Arrival]:
    """Arrivals that the lake does not hold, or holds as another mapping or version made them."""
    known = {record.submission_id: record.fingerprint for record in records}
    return [a for a in arrivals if known.get(a.submission_id) != a.fingerprint]


def build_fingerprint(
    home: Home,
    records: list[Record],
    as_of: date,
    known_at: date | None,
    decisions: pl.DataFrame | None = None,
    *,
    withdrawals: pl.DataFrame | None = None,
    judged: Sequence[Entry] | None = None,
) -> str:
    """Hash of everything that the snapshot depends on.

    `decisions` is `quality.decisions`, `withdrawals` is `privacy.withdrawals.HEARD` and `judged`
    has the entries of kinds HEARD, each as it was heard; if not given, as it would be now.
    """
    if decisions is None:
        known = known_decisions(home.stewardship.decisions(), known_at)
        decisions = decisions_table(known)
    if withdrawals is None:
        withdrawals = home.withdrawals().known_by(known_at).heard()
    if judged is None:
        judged = known_entries(home.stewardship.entries(*HEARD), known_at)
    return fingerprint(
        code_hash(*EVERYTHING),
        home.lake.version,
        [(record.submission_id, record.fingerprint) for record in records],
        decisions.rows(),
        withdrawals.rows(),
        [(entry.entry, entry.entered_at) for entry in judged],
        home.programme.model_dump(mode="json"),
        as_of,
        known_at,
    )


def changed_since(withdrawals: pl.DataFrame, as_of: date, known_at: date | None) -> str | None:
    """What keeps a state of the past from being what was known then; None if nothing does.

    `withdrawals` is `privacy.withdrawals.HEARD`. What was erased is not there to be counted again.
    """
    erased = withdrawals.filter(pl.col("kind") == EntryKind.ERASED.value)
    later = erased.filter(pl.col("entered_at").dt.date() > (known_at or as_of))
    return CHANGED_BY_WITHDRAWALS if later.height else None
