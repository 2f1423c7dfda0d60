"""The stewardship store: what cannot be made again, in one SQLite file that only ever grows.

What belongs here: when each submission was first seen and in which order, what stewards decided,
the accounts of the desk, and the audit trail of all other acts. What stays out: what decisions,
acts and accounts mean (`pipeline/quality/decisions.py`, `entries.py`, `accounts.py`).

The file is made by the first write. A reader that finds none finds nothing, and makes none.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from pipeline.accounts import AccountChange, ChangeOnRecord
from pipeline.entries import Act, Entry
from pipeline.programme import UnusableConfiguration
from pipeline.quality.decisions import Decision, Ruling
from pipeline.storage import atomic
from pipeline.vocabulary import AccountAct, DecisionAction, EntryKind, Role

T = TypeVar("T")

SCHEMA_VERSION: Final = 3
_WITH_ENTRIES: Final = 2
_WITH_ACCOUNTS: Final = 3
_SECONDS_TO_WAIT: Final = 30
_MODE: Final = 0o600


# A rollback journal, not a write-ahead log: one file is the whole store, so a copy of it taken
# while nobody writes is whole. Append-only is held by the file itself, not by this module alone.
def _append_only(table: str, keys: Sequence[str]) -> tuple[str, ...]:
    """Triggers that refuse every change of a table but one more row."""
    # INSERT OR REPLACE deletes without asking the triggers on deletion.
    taken = " OR ".join(f"{key} = NEW.{key}" for key in keys)
    return (
        *(
            f"""
            CREATE TRIGGER {table}_refuse_{act} BEFORE {act} ON {table}
            BEGIN SELECT RAISE(ABORT, '{table} only ever grow'); END
            """
            for act in ("UPDATE", "DELETE")
        ),
        f"""
        CREATE TRIGGER {table}_refuse_REPLACE BEFORE INSERT ON {table}
        WHEN EXISTS (SELECT 1 FROM {table} WHERE {taken})
        BEGIN SELECT RAISE(ABORT, '{table} only ever grow'); END
        """,  # noqa: S608 - of our own names
    )


_VERSION_1: Final = (
    """
    CREATE TABLE receipts (
        place INTEGER PRIMARY KEY AUTOINCREMENT,
        submission_id TEXT NOT NULL UNIQUE,
        received_at TEXT NOT NULL,
        modified_at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE decisions (
        decision INTEGER PRIMARY KEY AUTOINCREMENT,
        decided_at TEXT NOT NULL,
        submission_id TEXT NOT NULL,
        row_number INTEGER,
        rule TEXT,
        action TEXT NOT NULL CHECK (action IN ('accept', 'return', 'waive')),
        steward TEXT NOT NULL,
        reason TEXT NOT NULL,
        until TEXT
    )
    """,
    *_append_only("receipts", ("place", "submission_id")),
    *_append_only("decisions", ("decision",)),
)
_VERSION_2: Final = (
    """
    CREATE TABLE entries (
        entry INTEGER PRIMARY KEY AUTOINCREMENT,
        entered_at TEXT NOT NULL,
        kind TEXT NOT NULL,
        steward TEXT NOT NULL,
        reason TEXT NOT NULL,
        body TEXT NOT NULL CHECK (json_valid(body))
    )
    """,
    *_append_only("entries", ("entry",)),
)
_VERSION_3: Final = (
    """
    CREATE TABLE accounts (
        change INTEGER PRIMARY KEY AUTOINCREMENT,
        changed_at TEXT NOT NULL,
        name TEXT NOT NULL,
        act TEXT NOT NULL CHECK (act IN ('added', 'password_changed', 'disabled')),
        role TEXT,
        password_hash TEXT,
        changed_by TEXT NOT NULL
    )
    """,
    *_append_only("accounts", ("change",)),
)
_STEPS: Final = (_VERSION_1, _VERSION_2, _VERSION_3)
"""What makes each version out of the one before, the first out of nothing. Steps that were
published never change; a new one comes behind them."""

_DAMAGED = (
    "stewardship.sqlite is damaged or is not Muster's; put its backup in its place, since what it "
    "holds cannot be made again."
)
_CANNOT_BE_USED = {
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_BUSY: (
        f"stewardship.sqlite has been in use by something else for {_SECONDS_TO_WAIT} seconds; "
        "try again when it has ended."
    ),
    sqlite3.SQLITE_FULL: (
        "the disk is full, so nothing was written to stewardship.sqlite; make room and try again."
    ),
    **dict.fromkeys(
        (
            sqlite3.SQLITE_CANTOPEN,
            sqlite3.SQLITE_IOERR,
            sqlite3.SQLITE_PERM,
            sqlite3.SQLITE_READONLY,
        ),
        "stewardship.sqlite cannot be read or written; give Muster the permission, on its folder "
        "too.",
    ),
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """When a submission was first seen, and its place in the order of arrival."""

    place: int
    received_at: datetime
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class OnRecord:
    """One line of the audit trail, whichever table it is from. Of a body, JSON as it was put."""

    at: datetime
    by: str
    act: str
    reason: str
    submission_id: str | None
    row_number: int | None
    rule: str | None
    until: str | None
    account: str | None
    role: str | None
    body: Mapping[str, Any]


_CHANGE_COUNTER: Final = slice(24, 28)
"""Where SQLite's file format has the number that every transaction of a rollback journal raises."""


def _anything(_: object) -> None:
    """Asks nothing of what was on record before."""


@dataclass(frozen=True, slots=True)
class Stewardship:
    """The store of one home folder; raises UnusableConfiguration if the file cannot be used."""

    path: Path

    def receive(
        self, arrivals: Sequence[tuple[str, datetime]], now: datetime
    ) -> dict[str, Receipt]:
        """Receipts of the submissions asked for; those not seen before are put on record.

        Args:
            arrivals: submission_id and when its file was last modified, in order of arrival.
            now: when they are received. A clock that was moved back never reorders arrivals:
                nothing is received earlier than what came before it.

        """
        known = self.receipts()
        if any(submission_id not in known for submission_id, _ in arrivals):
            with self._writing() as connection:
                known = _receipts(connection)
                newest = max((r.received_at for r in known.values()), default=now)
                received_at = _text(max(now, newest))
                new = dict.fromkeys(i for i, _ in arrivals if i not in known)
                modified = dict(reversed(arrivals))
                connection.executemany(
                    "INSERT INTO receipts (submission_id, received_at, modified_at) "
                    "VALUES (?, ?, ?)",
                    [(i, received_at, _text(modified[i])) for i in new],
                )
                known = _receipts(connection)
        return {submission_id: known[submission_id] for submission_id, _ in arrivals}

    def is_there(self) -> bool:
        """Whether there is a store, be it without entries; an empty file is none."""
        return bool(self._read(lambda _: True))

    def adopt(self, earlier: Mapping[str, Receipt]) -> None:
        """Put receipts that are on record elsewhere on record here, all of them or none.

        Args:
            earlier: by submission, in the order of arrival. Each keeps its place if that is free;
                0 stands for none, and what has none comes last.

        """
        placed = sorted(earlier.items(), key=lambda item: not item[1].place)
        with self._writing() as connection:
            taken = {receipt.place for receipt in _receipts(connection).values()}
            for submission_id, receipt in placed:
                free = receipt.place if receipt.place and receipt.place not in taken else None
                taken.add(receipt.place)
                connection.execute(
                    "INSERT INTO receipts (place, submission_id, received_at, modified_at) "
                    "VALUES (?, ?, ?, ?)",
                    (
                        free,
                        submission_id,
                        _text(receipt.received_at),
                        _text(receipt.modified_at),
                    ),
                )

    def receipts(self) -> dict[str, Receipt]:
        """Every receipt by submission, in the order of arrival."""
        return self._read(_receipts) or {}

    def record(
        self,
        rulings: Sequence[Ruling],
        now: datetime,
        *,
        must_hold: Callable[[Sequence[Decision]], None] = _anything,
    ) -> list[Decision]:
        """Put what a steward says on record, all of it or nothing; returns it as recorded.

        `must_hold` is asked about everything decided so far, within the transaction that writes, so
        that nobody else decides in between; what it raises leaves the store as it was.
        """
        with self._writing() as connection:
            before = _decisions(connection)
            must_hold(before)
            decided_at = _text(max([now, *(d.decided_at for d in before[-1:])]))
            connection.executemany(
                "INSERT INTO decisions "
                "(decided_at, submission_id, row_number, rule, action, steward, reason, until) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        decided_at,
                        ruling.submission_id,
                        ruling.row_number,
                        ruling.rule,
                        ruling.action.value,
                        ruling.steward,
                        ruling.reason,
                        ruling.until.isoformat() if ruling.until else None,
                    )
                    for ruling in rulings
                ],
            )
            return _decisions(connection)[len(before) :]

    def decisions(self) -> list[Decision]:
        """Every decision, in the order in which they were taken."""
        return self._read(_decisions) or []

    def enter(
        self,
        acts: Sequence[Act],
        now: datetime,
        *,
        must_hold: Callable[[Sequence[Entry]], None] = _anything,
    ) -> list[Entry]:
        """Put acts on record, all of them or none; returns them as recorded.

        `must_hold` is asked about every entry so far, as in `record`.
        """
        with self._writing() as connection:
            before = _entries(connection)
            must_hold(before)
            entered_at = _text(max([now, *(e.entered_at for e in before[-1:])]))
            connection.executemany(
                "INSERT INTO entries (entered_at, kind, steward, reason, body) "
                "VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        entered_at,
                        act.kind.value,
                        act.steward,
                        act.reason,
                        json.dumps(act.body, sort_keys=True),
                    )
                    for act in acts
                ],
            )
            return _entries(connection)[len(before) :]

    def entries(self, *kinds: EntryKind) -> list[Entry]:
        """Every entry of these kinds, or of all, in the order in which they were made."""
        every = self._read(_entries) or []
        return [entry for entry in every if not kinds or entry.kind in kinds]

    def change_account(
        self,
        change: AccountChange,
        now: datetime,
        *,
        must_hold: Callable[[Sequence[ChangeOnRecord]], None] = _anything,
    ) -> None:
        """Put a change of an account on record; `must_hold` is asked about all before, as above."""
        with self._writing() as connection:
            before = _account_changes(connection)
            must_hold(before)
            connection.execute(
                "INSERT INTO accounts (changed_at, name, act, role, password_hash, changed_by) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    _text(max([now, *(c.changed_at for c in before[-1:])])),
                    change.name,
                    change.act.value,
                    change.role.value if change.role else None,
                    change.password_hash,
                    change.changed_by,
                ),
            )

    def account_changes(self) -> list[ChangeOnRecord]:
        """Every change of an account, in the order in which they were made."""
        return self._read(_account_changes) or []

    def trail(
        self, *, about: str | None, by: str | None, limit: int, offset: int
    ) -> list[OnRecord]:
        """What was done, newest first, one page of it.

        Args:
            about: a kind of act (`DecisionAction`, `EntryKind` or `AccountAct`); None for all.
            by: who did it; None for everybody.
            limit: how many lines.
            offset: how many newer ones are passed over.

        """
        return self._read(lambda c: _trail(c, about, by, limit, offset)) or []

    def state(self) -> tuple[int, ...]:
        """What is another after every change of the file, read without opening it as a database."""
        try:
            with self.path.open("rb") as file:
                inode, head = os.fstat(file.fileno()).st_ino, file.read(_CHANGE_COUNTER.stop)
        except OSError:
            return ()
        return inode, int.from_bytes(head[_CHANGE_COUNTER], "big")

    def backup(self, to: Path) -> bool:
        """Copy the store while others may use it; returns whether there was one to copy."""
        if not self.path.exists():
            return False
        with self._open() as source, atomic.replacing(to, mode=_MODE) as temporary:
            _make_private(temporary)
            with closing(sqlite3.connect(temporary)) as target:
                source.backup(target)
        return True

    def _read(self, rows: Callable[[sqlite3.Connection], T]) -> T | None:
        if not self.path.exists():
            return None
        with self._open() as connection:
            return rows(connection) if _version(connection) else None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, which first makes the file where there is none."""
        with self._open(make=True) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                # Asked inside the transaction: another process may just have made the tables.
                _bring_up_to_date(connection)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _open(self, *, make: bool = False) -> Iterator[sqlite3.Connection]:
        with _usable():
            if make:
                _make_private(self.path)
            # Not read-only: a reader may have to undo what a killed writer left half done.
            with closing(
                sqlite3.connect(
                    f"{self.path.resolve().as_uri()}?mode=rw",
                    uri=True,
                    timeout=_SECONDS_TO_WAIT,
                    isolation_level=None,
                )
            ) as connection:
                connection.execute("PRAGMA synchronous = FULL")
                _version(connection)
                yield connection


@contextmanager
def _usable() -> Iterator[None]:
    """Say in one sentence why the file cannot be used; SQLite's own words stay out."""
    try:
        yield
    except sqlite3.Error as error:
        # The extended code's lowest byte is the kind of failure.
        sentence = _CANNOT_BE_USED.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        if sentence is None:
            raise
        raise UnusableConfiguration(sentence) from None
    except OSError:
        raise UnusableConfiguration(_CANNOT_BE_USED[sqlite3.SQLITE_PERM]) from None


def _version(connection: sqlite3.Connection) -> int:
    """Version of the tables; 0 where a killed writer left a file without any."""
    # One statement, since another process may make the tables between two.
    version, has_tables = connection.execute(
        "SELECT user_version, EXISTS (SELECT 1 FROM sqlite_master) FROM pragma_user_version"
    ).fetchone()
    if version > SCHEMA_VERSION:
        raise UnusableConfiguration(
            "stewardship.sqlite was written by a newer Muster; use that version or a later one."
        )
    if version == 0 and has_tables:
        raise UnusableConfiguration(_DAMAGED)
    return int(version)


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Make the tables that the file does not have yet, within the transaction that needs them."""
    for version, step in enumerate(_STEPS[_version(connection) :], _version(connection) + 1):
        for statement in step:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {version}")


def _make_private(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, _MODE))


def _receipts(connection: sqlite3.Connection) -> dict[str, Receipt]:
    rows = connection.execute(
        "SELECT submission_id, place, received_at, modified_at FROM receipts ORDER BY place"
    )
    return {
        submission_id: Receipt(
            place, datetime.fromisoformat(received_at), datetime.fromisoformat(modified_at)
        )
        for submission_id, place, received_at, modified_at in rows
    }


def _decisions(connection: sqlite3.Connection) -> list[Decision]:
    rows = connection.execute(
        "SELECT decision, decided_at, submission_id, row_number, rule, action, steward, reason, "
        "until FROM decisions ORDER BY decision"
    )
    made = []
    for number, decided_at, submission_id, row_number, rule, action, steward, reason, until in rows:
        made.append(
            Decision(
                decision=number,
                decided_at=datetime.fromisoformat(decided_at),
                submission_id=submission_id,
                row_number=row_number,
                rule=rule,
                action=DecisionAction(action),
                steward=steward,
                reason=reason,
                until=date.fromisoformat(until) if until else None,
            )
        )
    return made


def _entries(connection: sqlite3.Connection) -> list[Entry]:
    if _version(connection) < _WITH_ENTRIES:
        return []
    rows = connection.execute(
        "SELECT entry, entered_at, kind, steward, reason, body FROM entries ORDER BY entry"
    )
    return [
        Entry(
            entry=number,
            entered_at=datetime.fromisoformat(entered_at),
            kind=EntryKind(kind),
            steward=steward,
            reason=reason,
            body=json.loads(body),
        )
        for number, entered_at, kind, steward, reason, body in rows
    ]


def _account_changes(connection: sqlite3.Connection) -> list[ChangeOnRecord]:
    if _version(connection) < _WITH_ACCOUNTS:
        return []
    rows = connection.execute(
        "SELECT change, changed_at, name, act, role, password_hash, changed_by FROM accounts "
        "ORDER BY change"
    )
    return [
        ChangeOnRecord(
            change=number,
            changed_at=datetime.fromisoformat(changed_at),
            name=name,
            act=AccountAct(act),
            role=Role(role) if role else None,
            password_hash=password_hash,
            changed_by=changed_by,
        )
        for number, changed_at, name, act, role, password_hash, changed_by in rows
    ]


_TRAIL: Final = (
    (
        1,
        "SELECT decided_at AS at, steward AS by, action AS act, reason, submission_id, row_number, "
        "rule, until, NULL AS account, NULL AS role, '{}' AS body, 0 AS source, decision AS place "
        "FROM decisions",
    ),
    (
        _WITH_ENTRIES,
        "SELECT entered_at, steward, kind, reason, NULL, NULL, NULL, NULL, NULL, NULL, body, 1, "
        "entry FROM entries",
    ),
    (
        _WITH_ACCOUNTS,
        "SELECT changed_at, changed_by, act, '', NULL, NULL, NULL, NULL, name, role, '{}', 2, "
        "change FROM accounts",
    ),
)


def _trail(
    connection: sqlite3.Connection, about: str | None, by: str | None, limit: int, offset: int
) -> list[OnRecord]:
    version = _version(connection)
    tables = " UNION ALL ".join(sql for since, sql in _TRAIL if since <= version)
    rows = connection.execute(
        "SELECT at, by, act, reason, submission_id, row_number, rule, until, "  # noqa: S608 - our names
        "account, role, body "
        f"FROM ({tables}) "
        "WHERE (?1 IS NULL OR act = ?1) AND (?2 IS NULL OR by = ?2) "
        "ORDER BY at DESC, source DESC, place DESC LIMIT ?3 OFFSET ?4",
        (about, by, limit, offset),
    )
    names = [column[0] for column in rows.description]
    lines = (dict(zip(names, row, strict=True)) for row in rows)
    return [
        OnRecord(
            **{**line, "at": datetime.fromisoformat(line["at"]), "body": json.loads(line["body"])}
        )
        for line in lines
    ]


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
