"""The warehouse: the same content each time, snapshots for readers, errors without values."""

import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipeline import tables
from pipeline.programme import UnusableConfiguration
from pipeline.storage import warehouse as module
from pipeline.storage.warehouse import (
    Ahead,
    WarehouseFailed,
    build_of,
    publish,
    query,
    read_table,
)
from pipeline.views import VIEWS

PROJECT = Path(__file__).parents[2]
OLD_DUCKDB = PROJECT / ".cache" / "duckdb-1.2"
CANARY = "PC 4711 Doe"


@pytest.fixture
def warehouse(tmp_path) -> Path:
    return tmp_path / "published" / "warehouse.duckdb"


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _content(path: Path) -> dict[str, str]:
    return {
        table.qualified_name: json.dumps(read_table(path, table).rows(), default=str)
        for table in tables.TABLES
    }


def test_every_table_comes_back_as_it_was_handed_over(warehouse, parquet, sample):
    publish(warehouse, parquet())
    for table in tables.TABLES:
        read = read_table(warehouse, table)
        assert read.equals(sample(table)), table.qualified_name
        assert read.schema == table.frame_schema
    assert _names(warehouse.parent) == ["warehouse.duckdb"]


def test_publishing_again_gives_the_same_content(warehouse, parquet):
    publish(warehouse, parquet())
    first, ddl = _content(warehouse), query(warehouse, "SELECT sql FROM duckdb_tables()")
    publish(warehouse, parquet())
    assert _content(warehouse) == first
    assert query(warehouse, "SELECT sql FROM duckdb_tables()").equals(ddl)
    publish(warehouse, parquet(rows=2))
    assert _content(warehouse) != first


@pytest.mark.parametrize(
    "change",
    ["ALTER TABLE quality.submissions DROP rows_disappeared", "DROP TABLE quality.submissions"],
)
def test_a_warehouse_of_another_version_is_said_to_be_one(warehouse, parquet, change):
    publish(warehouse, parquet())
    with duckdb.connect(warehouse) as connection:
        connection.execute(change)
    with pytest.raises(UnusableConfiguration, match="another version of Muster; `muster run`"):
        read_table(warehouse, tables.SUBMISSIONS)


WRITING_AND_KILLED = """
import duckdb, os, signal, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("DELETE FROM core.organisations")
connection.execute("CREATE TABLE core.mine AS SELECT 1 AS own")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_somebody_wrote_into_the_old_file_is_not_merged_into_the_new(warehouse, parquet):
    """DuckDB keeps it in a file of its own, and would merge it into whatever lies beside that."""
    publish(warehouse, parquet())
    expected = _content(warehouse)
    subprocess.run([sys.executable, "-c", WRITING_AND_KILLED, str(warehouse)], check=False)
    assert _names(warehouse.parent) == ["warehouse.duckdb", "warehouse.duckdb.wal"]
    publish(warehouse, parquet())
    assert _content(warehouse) == expected
    assert _names(warehouse.parent) == ["warehouse.duckdb"]


def test_answers_are_one_row_an_item_in_the_view(warehouse, parquet):
    publish(warehouse, parquet())
    items = query(warehouse, "SELECT item, answer FROM core.item_responses ORDER BY ALL")
    # Two responses with the answers (1, nothing, row); the third has no list at all.
    assert items.rows() == [(1, 1), (1, 1), (2, None), (2, None), (3, 0), (3, 1)]


def test_the_warehouse_is_opened_for_reading_only(warehouse, parquet):
    publish(warehouse, parquet())
    with pytest.raises(Exception, match="read-only"):
        query(warehouse, "DELETE FROM core.scores")
    assert query(warehouse, "SELECT count(*) FROM core.scores WHERE wave = ?", ["x"]).item() == 0


@pytest.mark.parametrize("damage", ["missing", "empty", "short", "another", "several builds"])
def test_a_warehouse_that_cannot_be_read_was_built_from_nothing(warehouse, parquet, damage):
    paths = parquet()
    one = pl.read_parquet(paths[tables.BUILD]).head(1)
    one.write_parquet(paths[tables.BUILD])
    publish(warehouse, paths)
    built = build_of(warehouse)
    assert built is not None
    assert built.fingerprint == one["fingerprint"].item()
    assert (built.as_of, built.known_at) == one.select("as_of", "known_at").row(0)
    match damage:
        case "missing":
            warehouse.unlink()
        case "empty":
            warehouse.write_bytes(b"")
        case "short":
            warehouse.write_bytes(warehouse.read_bytes()[:5000])
        case "another":
            warehouse.write_bytes(b"not a database" * 1000)
        case "several builds":
            publish(warehouse, parquet())
    assert build_of(warehouse) is None


def _breaking(parquet, broken: str) -> dict[tables.Table, Path]:
    """Tables to publish of which `core.scores` cannot be filled, with a canary in it."""
    paths = parquet()
    path = paths[tables.SCORES]
    frame = pl.read_parquet(path)
    match broken:
        case "a value of another type":
            cells = pl.Series("items_answered", [CANARY, "2", "3"])
            frame.with_columns(cells).write_parquet(path)
        case "a null where none is allowed":
            cells = pl.Series("wave", [CANARY, None, None], dtype=pl.String)
            frame.with_columns(cells, participant_id=pl.lit(CANARY)).write_parquet(path)
        case "no such column":
            frame.rename({"wave": CANARY}).write_parquet(path)
        case "no such file":
            path.unlink()
        case "not Parquet":
            path.write_text(CANARY)
    return paths


@pytest.mark.parametrize(
    "broken",
    [
        "a value of another type",
        "a null where none is allowed",
        "no such column",
        "no such file",
        "not Parquet",
    ],
)
def test_a_failure_names_the_table_and_no_value_and_leaves_the_old_file(warehouse, parquet, broken):
    publish(warehouse, parquet())
    before = warehouse.read_bytes()
    with pytest.raises(WarehouseFailed, match=r"^core\.scores: [A-Za-z]+$") as raised:
        publish(warehouse, _breaking(parquet, broken))
    told = "".join(traceback.format_exception(raised.value))
    assert CANARY not in told
    assert "4711" not in told
    assert warehouse.read_bytes() == before
    assert _names(warehouse.parent) == ["warehouse.duckdb"], "a temporary file was left"


def test_a_first_failure_leaves_no_warehouse(warehouse, parquet):
    with pytest.raises(WarehouseFailed):
        publish(warehouse, _breaking(parquet, "a value of another type"))
    assert _names(warehouse.parent) == []


def test_a_path_with_a_quote_is_a_path(tmp_path, parquet):
    path = tmp_path / "o'brien; DROP" / "warehouse.duckdb"
    publish(path, parquet())
    assert query(path, "SELECT count(*) FROM core.scores").item() == 3


READER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
for line in sys.stdin:
    print(connection.execute("SELECT count(*) FROM core.responses").fetchone()[0], flush=True)
"""


def test_a_reader_keeps_its_snapshot_while_a_new_one_takes_its_place(warehouse, parquet):
    publish(warehouse, parquet(rows=3))
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:

        def counted() -> int:
            reader.stdin.write("count\n")
            reader.stdin.flush()
            return int(reader.stdout.readline())

        try:
            assert counted() == 3
            publish(warehouse, parquet(rows=2))
            assert counted() == 3
            assert query(warehouse, "SELECT count(*) FROM core.responses").item() == 2
            assert counted() == 3
        finally:
            reader.stdin.close()
            assert reader.wait(30) == 0


OLD = """
import json, sys
import duckdb
assert duckdb.__version__.startswith("1.2."), duckdb.__version__
connection = duckdb.connect(sys.argv[1], read_only=True)
ask = lambda sql: connection.execute(sql).fetchall()
tables = ask("SELECT schema_name || '.' || table_name, comment FROM duckdb_tables()")
columns = ask(
    "SELECT schema_name || '.' || table_name || '.' || column_name, comment, data_type "
    "FROM duckdb_columns() WHERE NOT internal"
)
rows = {name: ask(f"SELECT count(*) FROM {name}")[0][0] for name, _ in tables}
views = ask(
    "SELECT schema_name || '.' || view_name, comment FROM duckdb_views() WHERE NOT internal"
)
items = ask("SELECT count(*) FROM core.item_responses")[0][0]
print(json.dumps([dict(tables), [list(c) for c in columns], rows, dict(views), items]))
"""


def test_the_duckdb_that_analysts_have_opens_it_and_shows_every_comment(warehouse, parquet):
    if not (OLD_DUCKDB / "duckdb").is_dir():
        pytest.skip("DuckDB 1.2 is not in .cache/duckdb-1.2; `make test` puts it there")
    publish(warehouse, parquet())
    done = subprocess.run(
        [sys.executable, "-c", OLD, str(warehouse)],
        env={**os.environ, "PYTHONPATH": str(OLD_DUCKDB)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    table_comments, columns, rows, views, items = json.loads(done.stdout)
    declared = {table.qualified_name: table for table in tables.TABLES}
    assert set(table_comments) == set(declared)
    for name, comment in table_comments.items():
        assert declared[name].description in comment
    shown = {name: (comment, kind) for name, comment, kind in columns}
    assert all(rows[name] == 3 for name in declared)
    for described in (*declared.values(), *VIEWS):
        for column in described.columns:
            comment, kind = shown[f"{described.qualified_name}.{column.name}"]
            assert comment == column.meaning, column.name
            assert kind == column.type.sql, column.name
    assert views == {view.qualified_name: view.about for view in VIEWS}
    assert items == 6


@pytest.fixture
def every_table_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORTH_IT", 0)


AHEAD = (tables.RESPONSES, tables.SCORES, tables.PARTICIPANTS)


@pytest.mark.usefixtures("every_table_is_worth_it")
def test_what_was_filled_ahead_is_what_is_published(warehouse, parquet):
    paths = parquet()
    publish(warehouse, paths)
    expected, views = _content(warehouse), query(warehouse, "FROM core.item_responses")
    warehouse.unlink()
    with Ahead(warehouse) as ahead:
        for table in AHEAD:
            ahead.fill(table, paths[table])
        for _, filled in ahead._filled.values():
            filled.result()
        for table in AHEAD:
            # Whoever reads it again at the end finds nothing.
            paths[table].write_bytes(b"")
        ahead.publish(paths)
    assert _content(warehouse) == expected
    assert query(warehouse, "FROM core.item_responses").equals(views)
    assert _names(warehouse.parent) == ["warehouse.duckdb"]


@pytest.mark.usefixtures("every_table_is_worth_it")
def test_a_table_made_again_after_it_was_filled_ahead_is_published_as_it_is_now(
    warehouse, parquet, tmp_path
):
    before, now = parquet(rows=2), {}
    for table, path in before.items():
        now[table] = path.with_name(f"now-{path.name}")
        path.rename(now[table])
    before = parquet(rows=1)
    publish(warehouse, now)
    expected = _content(warehouse)
    with Ahead(warehouse) as ahead:
        ahead.fill(tables.SCORES, before[tables.SCORES])
        ahead.publish(now)
    assert _content(warehouse) == expected


@pytest.mark.usefixtures("every_table_is_worth_it")
def test_what_goes_wrong_ahead_is_said_when_it_is_published_and_not_again(warehouse, parquet):
    broken = _breaking(parquet, "a value of another type")
    with Ahead(warehouse) as ahead:
        ahead.fill(tables.RESPONSES, broken[tables.RESPONSES])
        ahead.fill(tables.SCORES, broken[tables.SCORES])
        with pytest.raises(WarehouseFailed, match=r"^core\.scores: [A-Za-z]+$"):
            ahead.publish(broken)
        assert _names(warehouse.parent) == []
        ahead.publish(parquet())
    assert _names(warehouse.parent) == ["warehouse.duckdb"]


@pytest.mark.usefixtures("every_table_is_worth_it")
def test_what_is_not_published_leaves_the_old_file_and_nothing_else(warehouse, parquet):
    publish(warehouse, parquet())
    before = warehouse.read_bytes()
    with Ahead(warehouse) as ahead:
        ahead.fill(tables.SCORES, parquet()[tables.SCORES])
    assert warehouse.read_bytes() == before
    assert _names(warehouse.parent) == ["warehouse.duckdb"]


def test_small_tables_are_not_filled_ahead(warehouse, parquet):
    paths = parquet()
    with Ahead(warehouse) as ahead:
        ahead.fill(tables.SCORES, paths[tables.SCORES])
        assert not warehouse.parent.exists()
        ahead.publish(paths)
    assert _names(warehouse.parent) == ["warehouse.duckdb"]
