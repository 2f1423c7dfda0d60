"""The small warehouse, once for all tests of views, and rows of its tables and views."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_warehouse import Content, written

from pipeline.storage.warehouse import query
from pipeline.tables import Table

Row = dict[str, Any]


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Content]:
    path = tmp_path_factory.mktemp("views") / "warehouse.duckdb"
    return path, written(path)


@pytest.fixture(scope="session")
def answer(small: tuple[Path, Content]) -> Callable[[str], list[Row]]:
    """All rows of a view of the schema `questions`, in the order in which it gives them."""
    return lambda name: query(small[0], f"FROM questions.{name}").to_dicts()


@pytest.fixture(scope="session")
def rows(small: tuple[Path, Content]) -> Callable[[Table], list[Row]]:
    """All rows of a table, as they were handed over."""
    return lambda table: small[1][table].to_dicts()
