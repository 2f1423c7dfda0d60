"""The warehouse: one DuckDB file, built beside the old one and put in its place.

What belongs here: executing SQL, and the file format. What stays out: what tables hold
(`pipeline/tables/`) and what views answer (`pipeline/views/`). Readers that have the old file open
keep their snapshot.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline.errors import refusal_of
from pipeline.programme import UnusableConfiguration
from pipeline.storage import atomic
from pipeline.tables import BUILD, Table, comments, ddl
from pipeline.views import VIEWS, can_be_made, view_ddl

# Without it a file written here cannot be opened by the DuckDB of analysts' own tools.
_STORAGE_VERSION = "v1.2.0"


class WarehouseFailed(Exception):
    """The database refused a table; the message names it and holds no value."""


def publish(
    path: Path, tables: Mapping[Table, Path | pl.DataFrame], *, mode: int | None = None
) -> None:
    """Build a database from a Parquet file or a frame a table, and replace `path`.

    Each conforms to its table. `mode` is that of the file, if not the process's mask decides.
    """
    with atomic.replacing(path, mode=mode) as temporary:
        connection = duckdb.connect()
        try:
            connection.execute(
                f"ATTACH {_quoted(temporary)} AS warehouse (STORAGE_VERSION '{_STORAGE_VERSION}')"
            )
            # FSST makes a file a fifteenth smaller and takes an eighth of the time to try.
            connection.execute("SET disabled_compression_methods = 'fsst'")
            connection.execute("USE warehouse")
            # One commit: each is written to the disk by itself, and every comment would be one.
            connection.execute("BEGIN")
            for schema in dict.fromkeys(table.schema for table in tables):
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            for table, rows in tables.items():
                _fill(connection, table, rows)
            _add_views(connection, tables)
            connection.execute("COMMIT")
            connection.execute("USE memory")
            connection.execute("DETACH warehouse")
        finally:
            connection.close()
        # What somebody wrote into the old file and DuckDB had not merged yet is no part of the new.
        path.with_name(f"{path.name}.wal").unlink(missing_ok=True)


def _add_views(connection: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> None:
    """Those that read no other table than these; a release, for example, has none."""
    views = can_be_made(VIEWS, tables)
    for schema in dict.fromkeys(view.schema for view in views):
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    for view in views:
        for statement in view_ddl(view):
            connection.execute(statement)


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
