"""Views as a whole: columns, types, comments, order, and opening them from elsewhere."""

import re
from pathlib import Path

import duckdb
import pytest
from small_warehouse import Content

from pipeline import tables
from pipeline.storage.warehouse import publish, query
from pipeline.views import QUESTIONS, VIEWS, View, can_be_made
from pipeline.vocabulary import WaveStatus


def ids(view: View) -> str:
    return view.qualified_name


def test_there_are_twenty_questions_each_with_a_name_of_its_own():
    assert len({view.name for view in QUESTIONS}) == len(QUESTIONS) == 20
    assert {view.schema for view in QUESTIONS} == {"questions"}
    for view in QUESTIONS:
        assert view.asks.endswith("?")
        assert view.caution.endswith(".")


@pytest.mark.parametrize("view", VIEWS, ids=ids)
def test_the_database_has_the_columns_and_types_declared_with_their_meaning(small, view):
    found = query(
        small[0],
        "SELECT column_name, data_type, comment FROM duckdb_columns() "
        "WHERE schema_name = ? AND table_name = ? ORDER BY column_index",
        [view.schema, view.name],
    )
    assert found.rows() == [(c.name, c.type.sql, c.meaning) for c in view.columns]
    about = query(
        small[0],
        "SELECT comment FROM duckdb_views() WHERE schema_name = ? AND view_name = ?",
        [view.schema, view.name],
    )
    assert about.item() == view.about


@pytest.mark.parametrize("view", QUESTIONS, ids=ids)
def test_a_view_answers_and_holds_null_only_where_it_says_so(small, view):
    found = query(small[0], f"FROM {view.qualified_name}")
    assert found.height > 0
    for column in view.columns:
        if not column.nullable:
            assert not found[column.name].has_nulls(), column.name


@pytest.mark.parametrize("view", VIEWS, ids=ids)
def test_a_view_reads_the_tables_that_it_says_it_reads(view):
    named = set(re.findall(r"\b(?:core|quality|evaluation|meta)\.[a-z_]+", view.sql))
    assert named == {table.qualified_name for table in view.reads}


@pytest.mark.parametrize("view", QUESTIONS, ids=ids)
def test_rows_come_in_one_order_on_one_thread_and_on_four(small, view):
    answers = []
    for threads in (1, 4):
        with duckdb.connect(small[0], read_only=True, config={"threads": threads}) as connection:
            answers.append(connection.execute(f"FROM {view.qualified_name}").fetchall())
    assert answers[0] == answers[1]


@pytest.mark.parametrize("view", QUESTIONS, ids=ids)
def test_a_view_can_be_asked_where_the_file_is_attached_under_another_name(small, view):
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{small[0]}' AS another (READ_ONLY)")
        connection.execute(f"FROM another.questions.{view.name}")


@pytest.mark.parametrize("view", QUESTIONS, ids=ids)
def test_an_empty_warehouse_gives_no_row_and_no_error(tmp_path: Path, view):
    path = tmp_path / "warehouse.duckdb"
    publish(path, {table: table.empty() for table in view.reads})
    assert query(path, f"FROM {view.qualified_name}").height == 0


def test_a_file_with_other_tables_gets_no_view_that_it_cannot_answer(tmp_path: Path):
    path = tmp_path / "some.duckdb"
    publish(path, {table: table.empty() for table in (tables.RETENTION, tables.RESPONSES)})
    made = query(path, "SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1")
    assert made["view_name"].to_list() == ["how_many_still_take_part", "item_responses"]
    assert can_be_made(VIEWS, []) == []


def test_the_words_of_statuses_are_those_of_the_ledger(small: tuple[Path, Content]):
    known = {status.value for status in WaveStatus}
    assert set(small[1][tables.PARTICIPANT_WAVES]["status"]) <= known
