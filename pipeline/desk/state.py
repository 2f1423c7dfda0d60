"""What the desk knows at this moment: the newest snapshot, everything decided, texts, accounts.

What belongs here: reading each of them anew where it has changed, and no sooner. What stays out:
what is made of them (`pages/`). The only thing it writes is the stewardship store.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as AnyMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

import polars as pl

from pipeline.accounts import Account, AccountChange, ChangeOnRecord, accounts_of, key
from pipeline.desk.answers import NotFound
from pipeline.entries import Act, Entry
from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.programme import Programme, Thresholds
from pipeline.quality.comments import JUDGED, judgements_of, with_states
from pipeline.quality.decisions import Decision, Ruling
from pipeline.reading.mapping import Mapping
from pipeline.review import Case, case_of, pending
from pipeline.storage.desk_queries import Snapshot, Snapshots
from pipeline.storage.home import Home
from pipeline.storage.releases import Made
from pipeline.storage.stewardship import OnRecord
from pipeline.tables import QUARANTINE
from pipeline.vocabulary import EntryKind

T = TypeVar("T")

Limits = AnyMapping[tuple[str, str], tuple[float | None, float | None]]
"""Lowest and highest value allowed, by contract and expectation."""


@dataclass(slots=True)
class _Kept(Generic[T]):
    """What was made of something, until that something changes."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _of: object = None
    _made: T | None = None

    def get(self, of: object, make: Callable[[], T]) -> T:
        with self._lock:
            if self._made is None or self._of != of:
                self._made, self._of = make(), of
            return self._made


@dataclass(frozen=True, slots=True)
class Decided:
    """Every decision, and which of them the snapshot was made without."""

    decisions: Sequence[Decision]
    unheard: frozenset[int]

    @property
    def unheard_of(self) -> frozenset[str]:
        """Submissions about which something waits for the next run."""
        return frozenset(d.submission_id for d in self.decisions if d.decision in self.unheard)

    @property
    def on_the_whole(self) -> frozenset[str]:
        """Submissions that were accepted or returned as a whole since the last run."""
        return frozenset(
            d.submission_id
            for d in self.decisions
            if d.decision in self.unheard and d.row_number is None
        )


@dataclass(frozen=True, slots=True)
class Texts:
    """Free texts with what was judged of them by now, and what is needed to judge one."""

    frame: pl.DataFrame
    pseudonymiser: Pseudonymiser


class Desk:
    """One home folder as the desk sees it; safe for several threads."""

    def __init__(
        self,
        root: Path,
        limits: Callable[[Thresholds], Limits] = lambda _: {},
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._root = root
        self._limits = limits
        self.now = now
        self._snapshots = Snapshots(root / "warehouse.duckdb")
        self._store = Home(root).stewardship
        self._decisions = _Kept[Decided]()
        self._accounts = _Kept[dict[str, Account]]()
        self._programme = _Kept[Programme]()
        self._texts = _Kept[Texts]()

    @property
    def home(self) -> Home:
        """The home folder, read anew: a path is all that it keeps."""
        return Home(self._root)

    @property
    def today(self) -> date:
        return self.now().date()

    @property
    def programme(self) -> Programme:
        home = self.home
        state = _state(home.root / "programme.yaml")
        return self._programme.get(state, lambda: home.programme)

    @property
    def limits(self) -> Limits:
        return self._limits(self.programme.thresholds)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        with self._snapshots.newest() as snapshot:
            yield snapshot

    def close(self) -> None:
        self._snapshots.close()

    def decided(self, snapshot: Snapshot) -> Decided:
        def read() -> Decided:
            decisions = self._store.decisions()
            return Decided(decisions, pending(snapshot.decisions(), decisions))

        return self._decisions.get((snapshot.identity, self._store.state()), read)

    def case(
        self,
        snapshot: Snapshot,
        submission_id: str,
        row_number: int | None = None,
        checks: pl.DataFrame | None = None,
    ) -> Case:
        """One submission with what matters for a decision; of its rows the one asked for.

        `checks` are those of the submission, where they are read already.
        """
        if row_number is None:
            rows = QUARANTINE.empty()
        else:
            rows = snapshot.one_row(submission_id, row_number)
        return self._case(snapshot, submission_id, rows, checks)

    def _case(
        self,
        snapshot: Snapshot,
        submission_id: str,
        rows: pl.DataFrame,
        checks: pl.DataFrame | None = None,
    ) -> Case:
        submission = snapshot.submission(submission_id)
        if submission.is_empty():
            raise NotFound
        decided = self.decided(snapshot)
        return case_of(
            submission_id,
            submission,
            snapshot.checks(submission_id) if checks is None else checks,
            rows,
            decided.decisions,
            unheard=decided.unheard,
        )

    def whole_case(self, snapshot: Snapshot, submission_id: str) -> Case:
        """One submission with every row of it, for what is handed on and not for a page."""
        return self._case(snapshot, submission_id, snapshot.every_row(submission_id))

    def mapping_of(self, case: Case) -> Mapping | None:
        """The mapping of a submission's source; None where it does not work, or is gone."""
        place = case.submission["organisation"], case.submission["source"]
        found = (m for m in self.home.mappings if isinstance(m, Mapping))
        return next((m for m in found if (m.organisation, m.source) == place), None)

    def file_is_there(self, submission_id: str) -> bool:
        """Whether the file of a submission still lies in landing as it was."""
        return any(arrival.submission_id == submission_id for arrival in self.home.arrivals())

    def record(
        self, rulings: Sequence[Ruling], must_hold: Callable[[Sequence[Decision]], None]
    ) -> None:
        self._store.record(rulings, self.now(), must_hold=must_hold)

    def enter(
        self, act: Act, must_hold: Callable[[Sequence[Entry]], None] = lambda _: None
    ) -> None:
        self._store.enter([act], self.now(), must_hold=must_hold)

    def entries(self, *kinds: EntryKind) -> list[Entry]:
        return self._store.entries(*kinds)

    def trail(self, about: str | None, by: str | None, limit: int, offset: int) -> list[OnRecord]:
        return self._store.trail(about=about, by=by, limit=limit, offset=offset)

    def heard_links(self) -> set[int]:
        """Entries that the last run's links were made with."""
        try:
            return {*self.home.stages.read("link_judgements", ["entry"])["entry"]}
        except LookupError:
            return set()

    def pseudonymiser(self) -> Pseudonymiser:
        return self.home.pseudonymiser()

    def texts(self) -> Texts | None:
        """Free texts that the last run left, those of erased officers excepted; None before one."""
        home = self.home
        try:
            made = home.stages.path("texts")
        except LookupError:
            return None

        def read() -> Texts:
            texts = home.stages.read("texts")
            acts = home.withdrawals()
            texts = texts.filter(~acts.is_erased(), ~acts.is_erased("known_as"))
            pseudonymiser = home.pseudonymiser()
            judgements = judgements_of(self._store.entries(*JUDGED), pseudonymiser)
            return Texts(with_states(texts, judgements), pseudonymiser)

        return self._texts.get((made, self._store.state()), read)

    def releases(self) -> list[Made]:
        return self.home.releases.made()

    @property
    def accounts(self) -> dict[str, Account]:
        return self._accounts.get(
            self._store.state(), lambda: accounts_of(self._store.account_changes())
        )

    def account(self, name: str) -> Account | None:
        """The account of a name with which somebody may sign in."""
        found = self.accounts.get(key(name))
        return found if found is not None and found.is_active else None

    def change_account(
        self, change: AccountChange, must_hold: Callable[[Sequence[ChangeOnRecord]], None]
    ) -> None:
        self._store.change_account(change, self.now(), must_hold=must_hold)


def _state(path: Path) -> Any:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_mtime_ns, state.st_size
