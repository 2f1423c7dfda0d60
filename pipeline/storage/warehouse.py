"""The warehouse: one DuckDB file, built beside the old one and put in its place.

What belongs here: executing SQL, and the file format. What stays out: what tables hold
(`pipeline/tables/`) and what views answer (`pipeline/views/`). Readers that have the old file open
keep their snapshot.
"""

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Final, Self

import duckdb
import polars as pl

from pipeline.errors import refusal_of
from pipeline.programme import UnusableConfiguration
from pipeline.storage import atomic
from pipeline.tables import BUILD, Table, comments, ddl
from pipeline.views import VIEWS, can_be_made, view_ddl

# Without it a file written here cannot be opened by the DuckDB of analysts' own tools.
_STORAGE_VERSION = "v1.2.0"

WORTH_IT: Final = 2_000_000
"""Bytes of a Parquet file from which on its table is worth filling ahead of the others."""


class WarehouseFailed(Exception):
    """The database refused a table; the message names it and holds no value."""


def publish(
    path: Path, tables: Mapping[Table, Path | pl.DataFrame], *, mode: int | None = None
) -> None:
    """Build a database from a Parquet file or a frame a table, and replace `path`.

    Each conforms to its table. `mode` is that of the file, if not the process's mask decides.
    """
    with _Building(path, mode) as building:
        for table, rows in tables.items():
            building.fill(table, rows)
        building.replace()


class Ahead:
    """A database that is filled while some of its tables are still being worked out.

    Filling takes seconds where rows are millions, and the work in between leaves a core idle. What
    was filled ahead of its time is used if it is what is published in the end, and else made anew.
    Use it as a context, which removes what was not published.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1)
        self._building: _Building | None = None
        self._filled: dict[Table, tuple[Path, Future[None]]] = {}

    def fill(self, table: Table, rows: Path) -> None:
        """Begin to fill a table; one of few bytes waits until the whole is published."""
        if table not in self._filled and rows.stat().st_size >= WORTH_IT:
            self._filled[table] = rows, self._thread.submit(self._fill, table, rows)

    def publish(self, tables: Mapping[Table, Path | pl.DataFrame]) -> None:
        """What `publish` does. Raises what went wrong while tables were filled, once."""
        filled, self._filled = self._filled, {}
        try:
            for _, future in filled.values():
                future.result()
            if any(tables.get(table) != rows for table, (rows, _) in filled.items()):
                self._give_up()
                filled = {}
            building = self._begun()
            for table, rows in tables.items():
                if table not in filled:
                    building.fill(table, rows)
            building.replace()
        finally:
            self._give_up()

    def _fill(self, table: Table, rows: Path) -> None:
        self._begun().fill(table, rows)

    def _begun(self) -> "_Building":
        if self._building is None:
            self._building = _Building(self._path)
        return self._building

    def _give_up(self) -> None:
        building, self._building = self._building, None
        if building is not None:
            building.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # What is being filled at this moment cannot be stopped, but need not be long.
        self._thread.shutdown(cancel_futures=True)
        self._give_up()


class _Building:
    """A database beside the one whose place it takes, under a temporary name until then."""

    def __init__(self, path: Path, mode: int | None = None) -> None:
        self._path, self._mode = path, mode
        self._schemas: set[str] = set()
        self._filled: set[Table] = set()
        self._ending = ExitStack()
        path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as ending:
            self._written = ending.enter_context(atomic.temporary(path.parent, path.suffix))
            self._connection = ending.enter_context(closing(duckdb.connect()))
            self._connection.execute(
                f"ATTACH {_quoted(self._written)} AS warehouse "
                f"(STORAGE_VERSION '{_STORAGE_VERSION}')"
            )
            # FSST makes a file a fifteenth smaller and takes an eighth of the time to try.
            self._connection.execute("SET disabled_compression_methods = 'fsst'")
            self._connection.execute("USE warehouse")
            # One commit: each is written to the disk by itself, and every comment would be one.
            self._connection.execute("BEGIN")
            self._ending = ending.pop_all()

    def fill(self, table: Table, rows: Path | pl.DataFrame) -> None:
        if table.schema not in self._schemas:
            self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.schema}")
            self._schemas.add(table.schema)
        _fill(self._connection, table, rows)
        self._filled.add(table)

    def replace(self) -> None:
        """Let what was filled be the whole database, in the place of the one before."""
        self._add_views()
        self._connection.execute("COMMIT")
        self._connection.execute("USE memory")
        self._connection.execute("DETACH warehouse")
        if self._mode is not None:
            self._written.chmod(self._mode)
        atomic.put(self._written, self._path)
        # What somebody wrote into the old file and DuckDB had not merged yet is no part of the new.
        self._path.with_name(f"{self._path.name}.wal").unlink(missing_ok=True)

    def _add_views(self) -> None:
        """Those that read no other table than these; a release, for example, has none."""
        views = can_be_made(VIEWS, self._filled)
        for schema in sorted({view.schema for view in views} - self._schemas):
            self._connection.execute(f"CREATE SCHEMA {schema}")
        for view in views:
            for statement in view_ddl(view):
                self._connection.execute(statement)

    def close(self) -> None:
        """Remove what was not put in place."""
        self._ending.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _fill(connection: duckdb.DuckDBPyConnection, table: Table, rows: Path | pl.DataFrame) -> None:
    columns = ", ".join(column.name for column in table.columns)
    try:
        connection.execute(ddl(table))
        if isinstance(rows, pl.DataFrame):
            source = "given_rows"
            connection.register(source, rows.to_arrow())
        else:
            source = f"read_parquet({_quoted(_not_a_pattern(rows))})"
        connection.execute(
            f"INSERT INTO {table.qualified_name} SELECT {columns} FROM {source}"  # noqa: S608 - names are ours
        )
        for statement in comments(table):
            connection.execute(statement)
    except duckdb.Error as error:
        # DuckDB quotes values in its messages; the table's name is all that may go on.
        why = refusal_of(error) or type(error).__name__
        raise WarehouseFailed(f"{table.qualified_name}: {why}") from None


def query(path: Path, sql: str, parameters: Iterable[Any] = ()) -> pl.DataFrame:
    """Rows of one query on a warehouse, opened for reading only."""
    with duckdb.connect(path, read_only=True) as connection:
        rows = connection.sql(sql, params=list(parameters)).to_arrow_table()
    return pl.DataFrame(rows)


def read_table(path: Path, table: Table) -> pl.DataFrame:
    """All rows of one table of a warehouse, in their stored order.

    Raises UnusableConfiguration where it lacks the table or one of its columns.
    """
    columns = ", ".join(column.name for column in table.columns)
    try:
        return query(path, f"SELECT {columns} FROM {table.qualified_name}")  # noqa: S608 - our names
    except (duckdb.CatalogException, duckdb.BinderException):
        raise UnusableConfiguration(
            "warehouse.duckdb was made by another version of Muster; `muster run` makes it anew."
        ) from None


@dataclass(frozen=True, slots=True)
class Build:
    """What a warehouse was built from and for which dates."""

    fingerprint: str
    as_of: date
    known_at: date | None
    models_pending: bool = False
    """Tables of models are still to come."""


def build_of(path: Path) -> Build | None:
    """What a warehouse says of itself; None where there is none that can be read."""
    try:
        builds = read_table(path, BUILD)
        return Build(**{field.name: builds[field.name].item() for field in fields(Build)})
    except (duckdb.Error, pl.exceptions.PolarsError, ValueError, UnusableConfiguration):
        return None


def must_have_build(path: Path) -> Build:
    """What a warehouse says of itself; UnusableConfiguration where there is none to be read."""
    build = build_of(path)
    if build is None:
        raise UnusableConfiguration(
            "There is no warehouse that can be read; `muster run` makes it."
        )
    return build


def _not_a_pattern(path: Path) -> Path:
    """A path in which DuckDB takes brackets, stars and question marks for what they are."""
    return Path(re.sub(r"([*?\[])", r"[\1]", str(path)))


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
