"""Homes for tests of the whole way: the real `muster` command on real folders."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.storage.warehouse import query

PROJECT = Path(__file__).parents[2]
SHARED = PROJECT.parent / "shared"


@dataclass(frozen=True)
class Muster:
    """The command line on one home folder, in a process of its own."""

    home: Path

    def __call__(self, *arguments: str, expected: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "muster"), *arguments],
            env={**os.environ, "MUSTER_HOME": str(self.home), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == expected, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done

    def status(self) -> dict[str, Any]:
        return json.loads(self("status", "--json", expected=self._code()).stdout)

    def _code(self) -> int:
        waiting = self.ask(
            "SELECT count(*) FROM quality.submissions "
            "WHERE verdict IN ('held', 'rejected') AND replaced_by IS NULL"
        ).item()
        return 1 if waiting else 0

    def ask(self, sql: str) -> pl.DataFrame:
        return query(self.home / "warehouse.duckdb", sql)


@pytest.fixture
def muster(tmp_path: Path) -> Muster:
    return Muster(tmp_path / "home")


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the folder with real exports and reference figures is not beside the project")
    return SHARED


@pytest.fixture
def from_example(tmp_path: Path) -> Callable[[str], Muster]:
    """A home made from one of the examples, with its folders and key."""

    def made(example: str) -> Muster:
        home = tmp_path / example
        shutil.copytree(PROJECT / "examples" / example, home)
        on_it = Muster(home)
        on_it("init")
        return on_it

    return made


def table_hashes(warehouse: Path) -> dict[str, str]:
    """A hash of the content of every table of a warehouse, row order included."""
    names = query(
        warehouse,
        "SELECT schema_name || '.' || table_name AS name FROM duckdb_tables() "
        "WHERE NOT internal ORDER BY name",
    ).to_series()
    return {
        name: query(
            warehouse, f"SELECT md5(string_agg(t::VARCHAR, chr(10))) FROM {name} AS t"
        ).item()
        for name in names
    }
