"""Where officers are many, what came in is in the warehouse before the models are worked out."""

import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import assets.early_warehouse as early
import assets.models as models_module
from pipeline import tables
from pipeline.definitions import build_defs
from pipeline.orchestration.launch import instance_of, run_here
from pipeline.orchestration.state import work_left
from pipeline.storage import warehouse
from pipeline.storage.home import Home
from pipeline.storage.warehouse import build_of, query, read_table

pytestmark = pytest.mark.filterwarnings("ignore")

AS_OF = date(2025, 3, 1)
PENDING = "SELECT models_pending FROM meta.build"
COUNTS = """
    SELECT (SELECT count(*) FROM evaluation.wave_summary),
           (SELECT count(*) FROM evaluation.trajectory)
"""


def _run(home: Home) -> bool:
    with instance_of(home.root) as instance:
        arrivals = [a.submission_id for a in home.arrivals()]
        return run_here(build_defs(home.root, AS_OF), instance, home, arrivals).success


def _seen_while_models_are_made(
    monkeypatch: pytest.MonkeyPatch, home: Home, *, fails: bool
) -> list[pl.DataFrame]:
    seen = []
    fit = models_module.arm_wave_models

    def looking(*arguments):
        if home.warehouse.exists():
            seen.extend([query(home.warehouse, PENDING), query(home.warehouse, COUNTS)])
        if fails:
            raise ValueError("no model today")
        return fit(*arguments)

    monkeypatch.setattr(models_module, "arm_wave_models", looking)
    return seen


def test_of_many_officers_a_snapshot_without_models_comes_first(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(early, "MANY_OFFICERS", 0)
    seen = _seen_while_models_are_made(monkeypatch, home, fails=False)
    assert _run(home)
    pending, counts = seen
    assert pending.item() is True
    assert counts.row(0)[0] > 0
    assert counts.row(0)[1] == 0
    assert query(home.warehouse, PENDING).item() is False
    assert query(home.warehouse, COUNTS).row(0)[1] > 0
    assert work_left(Home(home.root), AS_OF, None).nothing


def test_of_few_officers_there_is_one_snapshot(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = _seen_while_models_are_made(monkeypatch, home, fails=False)
    assert _run(home)
    assert seen == []


def test_models_that_fail_leave_what_came_in_and_the_next_run_makes_them(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(early, "MANY_OFFICERS", 0)
    with monkeypatch.context() as today:
        _seen_while_models_are_made(today, home, fails=True)
        assert not _run(home)
    build = build_of(home.warehouse)
    assert build is not None
    assert build.models_pending
    assert not work_left(Home(home.root), AS_OF, None).nothing
    assert _run(home)
    assert query(home.warehouse, PENDING).item() is False
    assert work_left(Home(home.root), AS_OF, None).nothing


def test_tables_filled_ahead_are_those_that_are_filled_at_the_end(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A second snapshot follows the first in one run, and has nothing ahead.
    monkeypatch.setattr(early, "MANY_OFFICERS", 0)
    assert _run(home)
    at_the_end = {t: read_table(home.warehouse, t) for t in tables.TABLES if t != tables.BUILD}
    other = Home(tmp_path / "other")
    shutil.copytree(home.root, other.root)
    for folder in ("lake", "dagster"):
        shutil.rmtree(other.root / folder)
    other.warehouse.unlink()
    monkeypatch.setattr(warehouse, "WORTH_IT", 0)
    assert _run(other)
    differing = [
        table.qualified_name
        for table, rows in at_the_end.items()
        if not read_table(other.warehouse, table).equals(rows)
    ]
    assert differing == []
    assert not list(other.root.glob(".writing-*"))
