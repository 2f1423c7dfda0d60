"""What tests of whole homes share: the real command, and looking into what it wrote."""

import contextlib
import json
import sqlite3
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import duckdb
import numpy as np
import polars as pl
from forked import run_server

from pipeline.storage.warehouse import query

PROJECT = Path(__file__).parents[2]
SHARED = PROJECT.parent / "shared"


@dataclass(frozen=True)
class Muster:
    """The command line on one home folder, in a process of its own (`forked.py`)."""

    home: Path

    def __call__(self, *arguments: str, expected: int = 0) -> subprocess.CompletedProcess[str]:
        said = run_server().run(self.home, arguments=arguments)
        done = subprocess.CompletedProcess(arguments, said["code"], said["out"], said["err"])
        assert done.returncode == expected, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done

    def status(self) -> dict[str, Any]:
        return json.loads(self("status", "--json", expected=self._code()).stdout)

    def _code(self) -> int:
        waiting = self.ask(
            "SELECT count(*) FROM quality.submissions "
            "WHERE verdict IN ('held', 'rejected') AND replaced_by IS NULL "
            "AND decided_by = 'contract'"
        ).item()
        return 1 if waiting else 0

    def ask(self, sql: str) -> pl.DataFrame:
        return query(self.home / "warehouse.duckdb", sql)


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


def readable_text(path: Path) -> list[bytes]:
    """Every byte of a file, and what compression hides of it.

    That is text in cells of Parquet, DuckDB and workbooks, and what SQLite holds of compressed
    snapshots. Of a file that was not written to its end the bytes alone.
    """
    parts = [path.read_bytes()]
    with contextlib.suppress(pl.exceptions.PolarsError, duckdb.Error, sqlite3.Error, BadZipFile):
        if path.suffix == ".parquet":
            parts.append(pl.read_parquet(path).write_json().encode())
        if path.suffix == ".duckdb":
            names = query(
                path,
                "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE NOT internal",
            ).to_series()
            parts += [query(path, f"FROM {name}").write_json().encode() for name in names]
        if path.suffix in {".db", ".sqlite"}:
            parts += _decompressed_cells(path)
        if path.suffix == ".xlsx":
            with ZipFile(path) as workbook:
                parts += [workbook.read(name) for name in workbook.namelist()]
    return parts


def _decompressed_cells(path: Path) -> list[bytes]:
    """Cells of a SQLite file that hold something compressed, as Dagster's snapshots do."""
    found = []
    # Immutable, so that looking changes nothing.
    with contextlib.closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):
                for cell in row:
                    if isinstance(cell, bytes):
                        with contextlib.suppress(zlib.error):
                            found.append(zlib.decompress(cell))
    return found


def files_holding(home: Path, identifiers: set[str], apart_from: set[str]) -> dict[str, set[str]]:
    """Files and folders of a home, outside some of its folders, that hold any of the identifiers.

    Case is ignored, and a file's own path counts as part of it.
    """
    search = _Search({identifier.lower().encode() for identifier in identifiers})
    found = {}
    for path in sorted(home.rglob("*")):
        place = path.relative_to(home)
        if place.parts[0] not in apart_from:
            text = readable_text(path) if path.is_file() else []
            held = search(b"\n".join([str(place).encode(), *text]).lower())
            if held:
                found[str(place)] = held
    return found


def words_in(text: str, words: set[str]) -> set[str]:
    """Which of the words a text holds, case ignored."""
    return {word for word in words if word.lower() in text.lower()}


class _Search:
    """Looks for thousands of words at once: by their first bytes, then word by word."""

    _START = 7

    def __init__(self, words: set[bytes]) -> None:
        assert min(map(len, words)) >= self._START, "a shorter word could be met by chance"
        self._by_start: dict[int, list[bytes]] = {}
        for word in words:
            start = int.from_bytes(word[: self._START], "little")
            self._by_start.setdefault(start, []).append(word)
        self._starts = np.array(sorted(self._by_start), dtype=np.uint64)

    def __call__(self, text: bytes) -> set[str]:
        if len(text) < self._START:
            return set()
        cells = np.frombuffer(text, dtype=np.uint8)
        places = len(cells) - self._START + 1
        windows = np.zeros(places, dtype=np.uint64)
        for i in range(self._START):
            windows |= cells[i : i + places].astype(np.uint64) << np.uint64(8 * i)
        return {
            word.decode()
            for place in np.flatnonzero(np.isin(windows, self._starts))
            for word in self._by_start[int(windows[place])]
            if text.startswith(word, place)
        }
