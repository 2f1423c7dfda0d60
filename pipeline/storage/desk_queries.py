"""What the desk asks of the warehouse, each question as one query that reads no more than is shown.

What belongs here: SQL, and connections to whichever snapshot is the newest. What stays out: what
answers mean and how they are shown (`pipeline/review.py`, `pipeline/desk/`). Nothing here writes.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb
import polars as pl

from pipeline.programme import UnusableConfiguration
from pipeline.quality.verdicts import CONTRACT
from pipeline.tables import CHECKS, QUARANTINE, SUBMISSIONS, Table
from pipeline.vocabulary import QuarantineStatus, Severity, Verdict

A = TypeVar("A", bound=Sized)

Row = dict[str, Any]
Identity = tuple[int, int, int]
"""By which one file of a name is told from the one that replaced it."""

_AT_ONCE: Final = 4
_MEMORY: Final = "512MB"
_ANSWERS_KEPT: Final = 512
_ROWS_KEPT: Final = 200
"""Of an answer that is kept, at most: more than a page shows at once is asked for again."""

_OF_ANOTHER_MUSTER = (
    "warehouse.duckdb was made by another version of Muster; `muster run` makes it anew."
)
_NONE = "There is no warehouse that can be read; `muster run` makes it."

_WAITING = (
    f"verdict IN ('{Verdict.HELD.value}', '{Verdict.REJECTED.value}') "
    f"AND replaced_by IS NULL AND decided_by = '{CONTRACT}'"
)
"""As `status.waiting_for_a_steward` says it; a test holds the two together."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Which submissions are listed; None asks for all."""

    verdict: str | None = None
    organisation: str | None = None
    kind: str | None = None
    waiting: bool = False
    """Only those that wait for a steward and that nobody has decided since the last run."""
    among: frozenset[str] | None = None
    """Only these."""


@dataclass(frozen=True, slots=True)
class Aged:
    """How many submissions have waited how long."""

    days_from: int
    days_to: int | None
    submissions: int


AGES: Final = ((0, 1), (2, 7), (8, 14), (15, None))
"""Whole days since a submission came, in the bands in which they are counted."""


class _Answers:
    """What was asked of one snapshot and what it answered, the newest few; for several threads.

    A snapshot does not change, so what is asked again needs no query. Nobody may change what is
    kept here.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Any, ...], Any] = OrderedDict()

    def get(self, asked: tuple[Any, ...], ask: Callable[[], A]) -> A:
        with self._lock:
            if asked in self._kept:
                self._kept.move_to_end(asked)
                kept: A = self._kept[asked]
                return kept
        # Not under the lock: two who ask the same at once both ask, and get the same.
        found = ask()
        if len(found) <= _ROWS_KEPT:
            with self._lock:
                self._kept[asked] = found
                if len(self._kept) > _ANSWERS_KEPT:
                    self._kept.popitem(last=False)
        return found


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of the warehouse; everything asked of it is of the same moment."""

    identity: Identity
    _cursor: duckdb.DuckDBPyConnection
    _answers: _Answers

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        def ask() -> list[Row]:
            with _in_one_sentence():
                done = self._cursor.execute(sql, list(parameters))
                names = [column[0] for column in done.description or ()]
                return [dict(zip(names, row, strict=True)) for row in done.fetchall()]

        # Copies, since a row is the caller's own.
        return [dict(row) for row in self._answers.get(_asked("rows", sql, parameters), ask)]

    def few(self, table: Table, condition: str, parameters: Sequence[Any]) -> pl.DataFrame:
        """Rows of one table, where they are few: a relation and Arrow take longer to set up."""
        columns = ", ".join(column.name for column in table.columns)
        sql = f"SELECT {columns} FROM {table.qualified_name} WHERE {condition}"  # noqa: S608 - our names
        return pl.DataFrame(self.rows(sql, parameters), schema=table.frame_schema)

    def frame(self, sql: str, parameters: Sequence[Any] = ()) -> pl.DataFrame:
        def ask() -> pl.DataFrame:
            with _in_one_sentence():
                return pl.DataFrame(self._cursor.sql(sql, params=list(parameters)).to_arrow_table())

        return self._answers.get(_asked("frame", sql, parameters), ask)

    def as_of(self) -> date:
        found: date = self.rows("SELECT as_of FROM meta.build")[0]["as_of"]
        return found

    def verdicts(self) -> dict[str, int]:
        """Submissions by verdict, those left out that a newer file has replaced."""
        found = self.rows(
            "SELECT verdict, count(*) AS n FROM quality.submissions WHERE replaced_by IS NULL "
            "GROUP BY verdict"
        )
        return {row["verdict"]: row["n"] for row in found}

    def ages(self, decided: Collection[str], now: datetime) -> list[Aged]:
        """Submissions that wait for a steward, by how long; all bands of AGES."""
        counts = self.rows(
            "SELECT greatest(date_diff('day', received_at::DATE, ?::DATE), 0) AS days, "  # noqa: S608 - our words
            f"count(*) AS n FROM quality.submissions WHERE {_WAITING} "
            "AND submission_id NOT IN (SELECT unnest(?::VARCHAR[])) GROUP BY days",
            [now.date(), sorted(decided)],
        )
        return [
            Aged(
                first,
                last,
                sum(
                    r["n"]
                    for r in counts
                    if r["days"] >= first and (last is None or r["days"] <= last)
                ),
            )
            for first, last in AGES
        ]

    def organisations(self) -> list[str]:
        found = self.rows("SELECT DISTINCT organisation FROM quality.submissions ORDER BY 1")
        return [row["organisation"] for row in found]

    def count(self, sought: Sought, decided: Collection[str] = ()) -> int:
        where, parameters = _where(sought, decided)
        found = self.rows(f"SELECT count(*) AS n FROM quality.submissions {where}", parameters)  # noqa: S608
        return int(found[0]["n"])

    def submissions(
        self, sought: Sought, decided: Collection[str] = (), *, limit: int, offset: int = 0
    ) -> list[Row]:
        """One page of submissions: what waits from the oldest on, anything else from the newest.

        `decided` are those about which something was decided since the snapshot was made.
        """
        where, parameters = _where(sought, decided)
        order = "ASC" if sought.waiting else "DESC"
        return self.rows(
            "SELECT submission_id, organisation, source, kind, file_name, verdict, reason, "  # noqa: S608 - of our own words
            "received_at, rows_read, rows_quarantined, replaced_by, decided_by "
            f"FROM quality.submissions {where} "
            f"ORDER BY received_at {order}, submission_id LIMIT ? OFFSET ?",
            [*parameters, limit, offset],
        )

    def submission(self, submission_id: str) -> pl.DataFrame:
        """The row of `quality.submissions`; no row where there is no such submission."""
        return self.few(SUBMISSIONS, "submission_id = ?", [submission_id])

    def last_of_the_source(self, submission: Row) -> Row | None:
        """The newest submission of the same source that came before this one."""
        found = self.rows(
            "SELECT * FROM quality.submissions WHERE organisation = ? AND source = ? "
            "AND place < ? ORDER BY place DESC LIMIT 1",
            [submission[c] for c in ("organisation", "source", "place")],
        )
        return found[0] if found else None

    def checks(self, submission_id: str) -> pl.DataFrame:
        """`quality.checks` of one submission."""
        return self.few(CHECKS, "submission_id = ?", [submission_id])

    def broken(self, submission_ids: Sequence[str]) -> list[Row]:
        """Rows of these submissions by rule and what became of them, the worst and most first.

        `rows` counts rows, and `lines` what `broken_rows` lists: a row may break a rule in several
        columns.
        """
        return self.rows(
            "SELECT submission_id, rule, severity, status, count(DISTINCT "
            "(row_number, wave, instrument, session_number)) AS rows, count(*) AS lines "
            "FROM quality.quarantine WHERE submission_id IN (SELECT unnest(?::VARCHAR[])) "
            "GROUP BY submission_id, rule, severity, status "
            "ORDER BY severity <> ?, rows DESC, rule, status",
            [list(submission_ids), Severity.REJECT.value],
        )

    def count_rows(self, submission_id: str, rule: str | None) -> int:
        """How many rows `broken_rows` has in all."""
        found = self.rows(
            "SELECT count(*) AS n FROM quality.quarantine WHERE submission_id = ? "
            "AND (?::VARCHAR IS NULL OR rule = ?)",
            [submission_id, rule, rule],
        )
        return int(found[0]["n"])

    def broken_rows(
        self, submission_id: str, rule: str | None, *, limit: int, offset: int
    ) -> list[Row]:
        """One page of the rows that broke rules, by number; no pseudonym."""
        return self.rows(
            "SELECT row_number, rule, column_name, severity, wave, instrument, session_number, "
            "status FROM quality.quarantine WHERE submission_id = ? "
            "AND (?::VARCHAR IS NULL OR rule = ?) ORDER BY row_number, wave NULLS LAST, "
            "instrument NULLS LAST, session_number NULLS LAST, rule LIMIT ? OFFSET ?",
            [submission_id, rule, rule, limit, offset],
        )

    def one_row(self, submission_id: str, row_number: int) -> pl.DataFrame:
        """`quality.quarantine` of one row of a file."""
        return self.few(
            QUARANTINE, "submission_id = ? AND row_number = ?", [submission_id, row_number]
        )

    def every_row(self, submission_id: str) -> pl.DataFrame:
        """`quality.quarantine` of one file, however many rows that is."""
        return self.frame(
            "SELECT * FROM quality.quarantine WHERE submission_id = ?", [submission_id]
        )

    def expired(self) -> int:
        """Rows that count no more because their waiver has ended."""
        found = self.rows(
            "SELECT count(DISTINCT (submission_id, row_number)) AS n FROM quality.quarantine "
            "WHERE status = ?",
            [QuarantineStatus.EXPIRED.value],
        )
        return int(found[0]["n"])

    def decisions(self) -> pl.DataFrame:
        """By number and moment, the decisions that this snapshot was made with."""
        return self.frame("SELECT decision, decided_at FROM quality.decisions")

    def count_links(self, statuses: Collection[str]) -> int:
        found = self.rows(
            "SELECT count(*) AS n FROM quality.link_review "
            "WHERE status IN (SELECT unnest(?::VARCHAR[]))",
            [sorted(statuses)],
        )
        return int(found[0]["n"])

    def links(self, statuses: Collection[str], *, limit: int, offset: int) -> pl.DataFrame:
        """One page of `quality.link_review`."""
        return self.frame(
            "SELECT * FROM quality.link_review WHERE status IN (SELECT unnest(?::VARCHAR[])) "
            "ORDER BY pair LIMIT ? OFFSET ?",
            [sorted(statuses), limit, offset],
        )

    def link(self, pair: str) -> pl.DataFrame:
        return self.frame("SELECT * FROM quality.link_review WHERE pair = ?", [pair])

    def comment_counts(self) -> list[Row]:
        return self.rows("SELECT * FROM quality.comment_counts ORDER BY organisation, state")

    def build(self) -> pl.DataFrame:
        return self.frame("SELECT * FROM meta.build")

    def follow_up_due(self) -> pl.DataFrame:
        return self.frame("SELECT * FROM evaluation.follow_up_due")


def _asked(form: str, sql: str, parameters: Sequence[Any]) -> tuple[Any, ...]:
    return form, sql, *(tuple(p) if isinstance(p, list) else p for p in parameters)


def _where(sought: Sought, decided: Collection[str]) -> tuple[str, list[Any]]:
    conditions, parameters = ["true"], []
    for column in ("verdict", "organisation", "kind"):
        value = getattr(sought, column)
        if value is not None:
            conditions.append(f"{column} = ?")
            parameters.append(value)
    if sought.waiting:
        conditions.append(
            f"{_WAITING} AND submission_id NOT IN (SELECT unnest(?::VARCHAR[]))",
        )
        parameters.append(sorted(decided))
    if sought.among is not None:
        conditions.append("submission_id IN (SELECT unnest(?::VARCHAR[]))")
        parameters.append(sorted(sought.among))
    return f"WHERE {' AND '.join(conditions)}", parameters


@contextmanager
def _in_one_sentence() -> Iterator[None]:
    """DuckDB quotes values in its messages; none of them goes on."""
    try:
        yield
    except (duckdb.CatalogException, duckdb.BinderException):
        raise UnusableConfiguration(_OF_ANOTHER_MUSTER) from None
    except duckdb.Error:
        raise UnusableConfiguration(_NONE) from None


@dataclass(slots=True)
class _Opened:
    """A snapshot that is open, and how many are reading it."""

    identity: Identity
    root: duckdb.DuckDBPyConnection
    answers: _Answers = field(default_factory=_Answers)
    free: list[duckdb.DuckDBPyConnection] = field(default_factory=list)
    readers: int = 0

    def close(self) -> None:
        """For when nobody reads it: a connection that is left keeps the whole file open."""
        for connection in (*self.free, self.root):
            connection.close()


class Snapshots:
    """The newest snapshot of a warehouse for several readers at once, a few of them at a time.

    A file that replaced another is opened by the next reader; who reads the old one goes on, and
    the last of them closes it. DuckDB gives a process that opens one name twice the database that
    it has open, replaced or not, so each is attached to a database in memory of its own.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._newest: _Opened | None = None

    @contextmanager
    def newest(self) -> Iterator[Snapshot]:
        """Raises UnusableConfiguration where there is no warehouse that can be read."""
        with self._turns:
            opened, cursor = self._lease()
            try:
                yield Snapshot(opened.identity, cursor, opened.answers)
            finally:
                self._give_back(opened, cursor)

    def close(self) -> None:
        with self._lock:
            if self._newest is not None and not self._newest.readers:
                self._newest.close()
            self._newest = None

    def _lease(self) -> tuple[_Opened, duckdb.DuckDBPyConnection]:
        with self._lock:
            identity = _identity(self._path)
            opened = self._newest
            if opened is None or opened.identity != identity:
                before, opened = opened, _open(self._path, identity)
                self._newest = opened
                if before is not None and not before.readers:
                    before.close()
            opened.readers += 1
            return opened, opened.free.pop() if opened.free else _cursor(opened.root)

    def _give_back(self, opened: _Opened, cursor: duckdb.DuckDBPyConnection) -> None:
        with self._lock:
            opened.readers -= 1
            opened.free.append(cursor)
            if opened is not self._newest and not opened.readers:
                opened.close()


def _identity(path: Path) -> Identity:
    try:
        state = path.stat()
    except OSError:
        raise UnusableConfiguration(_NONE) from None
    return state.st_ino, state.st_mtime_ns, state.st_size


def _open(path: Path, identity: Identity) -> _Opened:
    with _in_one_sentence():
        # One thread: several small questions at once are better off than one with every core.
        root = duckdb.connect(config={"threads": 1, "memory_limit": _MEMORY})
        quoted = "'" + str(path).replace("'", "''") + "'"
        root.execute(f"ATTACH {quoted} AS warehouse (READ_ONLY)")
        root.execute("SET enable_external_access = false")
        return _Opened(identity, root)


def _cursor(root: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """One more connection to the same database; what names mean is each connection's own."""
    cursor = root.cursor()
    cursor.execute("USE warehouse")
    return cursor
