"""Published tables: their DDL and comments in DuckDB, and frames brought to their form."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import polars as pl
import pytest

from pipeline import tables
from pipeline.tables import TABLES, Table

CANARY = "Zebedee"


def ids(table: Table) -> str:
    return table.qualified_name


@pytest.fixture(scope="module")
def database() -> Iterator[Any]:
    """A connection to a database in memory that has every table and its comments."""
    connection = duckdb.connect()
    for schema in sorted({table.schema for table in TABLES}):
        connection.execute(f"CREATE SCHEMA {schema}")
    for table in TABLES:
        connection.execute(tables.ddl(table))
        for comment in tables.comments(table):
            connection.execute(comment)
    yield connection
    connection.close()


@pytest.mark.parametrize("table", TABLES, ids=ids)
def test_the_database_has_the_columns_declared(table: Table, database: Any) -> None:
    found = database.execute(
        "SELECT column_name, data_type, is_nullable FROM duckdb_columns() "
        "WHERE schema_name = ? AND table_name = ? ORDER BY column_index",
        [table.schema, table.name],
    ).fetchall()
    assert found == [(c.name, c.type.sql, c.nullable) for c in table.columns]


@pytest.mark.parametrize("table", TABLES, ids=ids)
def test_table_and_columns_carry_their_meaning(table: Table, database: Any) -> None:
    where = "WHERE schema_name = ? AND table_name = ?"
    key = [table.schema, table.name]
    about = database.execute(f"SELECT comment FROM duckdb_tables() {where}", key).fetchone()
    assert about == (f"{table.description} One row: {table.grain}.",)
    columns = database.execute(
        f"SELECT column_name, comment FROM duckdb_columns() {where}", key
    ).fetchall()
    for name, comment in columns:
        declared = next(column for column in table.columns if column.name == name)
        assert comment.startswith(declared.description)
        assert (declared.unit or "") in comment


@pytest.mark.parametrize("table", TABLES, ids=ids)
def test_an_empty_frame_goes_into_its_table(table: Table, database: Any) -> None:
    frame = table.conform(table.empty()).to_arrow()
    database.register("made", frame)
    database.execute(f"INSERT INTO {table.qualified_name} FROM made")
    database.unregister("made")
    assert frame.num_columns == len(table.columns)


@pytest.mark.parametrize("table", TABLES, ids=ids)
def test_key_and_order_are_columns_and_every_column_says_what_it_means(table: Table) -> None:
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert set(table.key) <= set(names)
    assert set(table.sort) <= set(names)
    assert table.key
    assert table.grain
    for column in table.columns:
        assert column.description.rstrip(".")


def test_every_figure_that_may_be_missing_has_a_note() -> None:
    for table in TABLES:
        if table.schema == "evaluation":
            assert table.columns[-1].name == "note"


def test_apostrophes_are_doubled_in_sql(database: Any) -> None:
    column = tables.Column("a", tables.Type.TEXT, "An officer's 'own' words.")
    table = Table("core", "quoted", "one officer's word", "It's a test.", ("a",), (column,))
    database.execute(tables.ddl(table))
    for comment in tables.comments(table):
        database.execute(comment)
    found = database.execute(
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'quoted'"
    ).fetchone()
    assert found == ("An officer's 'own' words.",)


def attendance(**said: object) -> dict[str, object]:
    ordinary = {
        "participant_id": "v1-a",
        "organisation": "cumbria",
        "session_number": 1,
        "cancelled": False,
    }
    return {**ordinary, **said}


def test_conforming_orders_types_and_fills_up() -> None:
    given = pl.DataFrame(
        [
            attendance(session_number=2, nonsense=CANARY),
            attendance(session_number=1, held_on=date(2026, 1, 5)),
        ]
    )
    fitted = tables.ATTENDANCE.conform(given)
    assert fitted.schema == tables.ATTENDANCE.frame_schema
    assert fitted["session_number"].to_list() == [1, 2]
    assert fitted["minutes"].to_list() == [None, None]


def test_evaluation_tables_keep_the_order_in_which_they_were_made() -> None:
    for table in TABLES:
        assert table.keeps_order is (table.schema == "evaluation")
    rows = [
        {
            "wave": wave,
            "subscale": "burnout",
            "mean_reported": "17.05",
        }
        for wave in ("session_7", "baseline")
    ]
    kept = tables.PILOT_RECONCILIATION.conform(pl.DataFrame(rows))
    assert kept["wave"].to_list() == ["session_7", "baseline"]


@pytest.mark.parametrize(
    "column", ["participant_id", "organisation", "session_number", "cancelled"]
)
def test_a_null_where_none_is_allowed_is_refused(column: str) -> None:
    rows = [attendance(absence_reason=CANARY), attendance(**{"session_number": 2, column: None})]
    with pytest.raises(ValueError, match=rf"^core\.attendance\.{column} holds a NULL$"):
        tables.ATTENDANCE.conform(pl.DataFrame(rows))


def test_a_column_that_is_needed_and_missing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"core\.attendance\.cancelled holds a NULL"):
        tables.ATTENDANCE.conform(pl.DataFrame([attendance()]).drop("cancelled"))


def test_a_cell_of_another_type_is_refused_without_its_value() -> None:
    rows = pl.DataFrame([attendance(session_number=CANARY)])
    with pytest.raises(
        ValueError, match=r"^core\.attendance\.session_number is not INTEGER$"
    ) as bad:
        tables.ATTENDANCE.conform(rows)
    assert bad.value.__context__ is None


def test_a_repeated_key_is_refused_without_its_value() -> None:
    rows = pl.DataFrame([attendance(participant_id=CANARY), attendance(participant_id=CANARY)])
    with pytest.raises(ValueError, match="two rows for one participant_id, session") as refused:
        tables.ATTENDANCE.conform(rows)
    assert CANARY not in str(refused.value)


def test_two_nulls_in_a_key_are_the_same() -> None:
    row = {
        "submission_id": "a",
        "row_number": 2,
        "rule": "wave_unknown",
        "severity": "reject",
        "status": "open",
    }
    assert tables.QUARANTINE.conform(pl.DataFrame([row])).height == 1
    with pytest.raises(ValueError, match="two rows"):
        tables.QUARANTINE.conform(pl.DataFrame([row, row]))
    other = pl.DataFrame([row, {**row, "column_name": "wave"}])
    assert tables.QUARANTINE.conform(other)["column_name"].to_list() == ["wave", None]
