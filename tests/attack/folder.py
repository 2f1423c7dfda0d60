"""A release folder as the attacker gets it: every file read, every number asked where it is from.

What belongs here: reading CSV, workbook, pages, Parquet, the database file and the manifest, and
saying what in them is more than the tables print. What stays out: what follows from the tables
(`attacker.py`), and how files are made, except where they are made again from the tables alone.
"""

import hashlib
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import duckdb
import polars as pl
import pyarrow.parquet as pq
from published import read_release
from reading_workbook import Sheet, sheets_of
from report_pages import read_page, untraceable

from pipeline.programme import Programme
from pipeline.publishing.documents import documents_of
from pipeline.publishing.release_tables import RELEASE_TABLES
from pipeline.publishing.report.context import About
from pipeline.publishing.report.words import readable

Tables = Mapping[str, pl.DataFrame]

_DOCS: Final = Path(__file__).parents[2] / "docs"
DOCUMENTATION: Final = (_DOCS / "release.md", _DOCS / "methods.md")
_SIGNS: Final = {"[c]": "c", "[x]": "x", "[z]": "z"}
_NOT_NUMBERS: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)?)?|\b(?=[0-9a-f]*\d)[0-9a-f]{40,64}\b"
    r"|\b\d+\.\d+\.\d+\w*\b"
)
"""Dates, hashes and versions."""
_REFERENCE: Final = re.compile(r"\[note \d+\]", re.IGNORECASE)
"""In a workbook, to one of its notes."""
_NUMERAL: Final = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


def more_than_the_tables(folder: Path, programme: Programme, about: About) -> list[str]:
    """What a folder says beyond its tables, as sentences; `about` is what its pages say of it."""
    tables = read_release(folder)
    return [
        *_csv(folder, tables),
        *_parquet(folder, tables),
        *_database(folder),
        *_workbook(folder, tables, programme, about),
        *_pages(folder, tables, _constants(programme, about)),
        *_manifest(folder, tables, programme, about),
        *_made_again(folder, tables, programme, about),
        *_other_files(folder, tables),
    ]


# ------------------------------------------------------------------ tables, read back


def tables_of_csv(folder: Path) -> dict[str, pl.DataFrame]:
    """The release as its CSV files have it."""
    like = read_release(folder)
    return {
        path.stem: pl.read_csv(path, schema=like[path.stem].schema)
        for path in sorted(folder.glob("*.csv"))
    }


def tables_of_workbook(folder: Path) -> dict[str, pl.DataFrame]:
    """The release as its workbook has it; a table without rows has no sheet."""
    like = read_release(folder)
    found = {name: frame.clear() for name, frame in like.items()}
    for name, sheet in _table_sheets(folder / "tables.xlsx", like):
        found[name] = _frame_of(sheet, like[name])
    return found


def tables_of_pages(folder: Path) -> dict[str, pl.DataFrame]:
    """The tables, their figures taken from the pages that name them; others as they are."""
    found = {name: frame.to_dicts() for name, frame in read_release(folder).items()}
    for page in sorted(folder.glob("*.html")):
        for piece in read_page(page.read_bytes()).said:
            shown = _NUMERAL.findall(piece.text)
            sources = (piece.source or "").split()
            if len(shown) != len(sources):
                continue
            for numeral, source in zip(shown, sources, strict=True):
                table, row, column = source.split(".")
                cell = found[table][int(row) - 1]
                if isinstance(cell[column], int | float):
                    # Where words say the direction, the page has the size alone.
                    sign = -1 if cell[column] < 0 else 1
                    cell[column] = type(cell[column])(sign * float(numeral.replace(",", "")))
    like = read_release(folder)
    return {name: pl.DataFrame(rows, schema=like[name].schema) for name, rows in found.items()}


# ------------------------------------------------------------------ file by file


def _csv(folder: Path, tables: Tables) -> Iterator[str]:
    for name, frame in tables.items():
        path = folder / f"{name}.csv"
        if path.read_bytes() != frame.write_csv(line_terminator="\n").encode("utf-8"):
            yield f"{path.name}: not the cells of the table"


def _parquet(folder: Path, tables: Tables) -> Iterator[str]:
    for name, frame in tables.items():
        path = folder / f"{name}.parquet"
        if not pl.read_parquet(path).equals(frame):
            yield f"{path.name}: not the cells of the table"
        about = pq.read_metadata(path)
        if set(about.metadata or {}) - {b"ARROW:schema"}:
            yield f"{path.name}: metadata beside the schema"
        for group in range(about.num_row_groups):
            for place in range(about.num_columns):
                column = about.row_group(group).column(place)
                cells = frame[column.path_in_schema.split(".")[0]].drop_nulls().to_list()
                said = column.statistics
                ends = [said.min, said.max] if said is not None and said.has_min_max else []
                if any(end not in cells for end in ends):
                    yield f"{path.name}: a statistic that is no cell of the column"


def _database(folder: Path) -> Iterator[str]:
    """Pages that were used and are free may still hold what stood there."""
    with duckdb.connect(str(folder / "release.duckdb"), read_only=True) as connection:
        (free,) = connection.execute("SELECT free_blocks FROM pragma_database_size()").fetchone()
        if free:
            yield "release.duckdb: free blocks, in which something else has stood"
        there = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        if {name for (name,) in there} != {table.name for table in RELEASE_TABLES}:
            yield "release.duckdb: other tables than those of a release"


def _workbook(folder: Path, tables: Tables, programme: Programme, about: About) -> Iterator[str]:
    known = _constants(programme, about)
    read = tables_of_workbook(folder)
    for name, frame in tables.items():
        if not read[name].equals(frame):
            yield f"tables.xlsx: {name} has not the cells of the table"
    for title, sheet in sheets_of((folder / "tables.xlsx").read_bytes()).items():
        for (row, column), value in sheet.cells.items():
            if any(t < row <= b and x <= column <= y for t, x, b, y in sheet.tables):
                continue
            if not isinstance(value, str):
                yield f"tables.xlsx: {title}: a number beside the table"
            elif unknown := _unexplained(_REFERENCE.sub("", value), known):
                yield f"tables.xlsx: {title}: {unknown} beside the table"
    with zipfile.ZipFile(folder / "tables.xlsx") as parts:
        for name in parts.namelist():
            if name.startswith("docProps/"):
                text = " ".join(ET.fromstring(parts.read(name)).itertext())
                sheets = {str(n) for n in range(len(tables) + 4)}
                # Excel's own: how many sheets, and the version that it takes a file for.
                if unknown := _unexplained(text, known | sheets | {"12.0000"}):
                    yield f"tables.xlsx: {name}: {unknown}"
            if "comment" in name or "customXml" in name or name.startswith("xl/external"):
                yield f"tables.xlsx: {name}: a part that no table needs"


def _pages(folder: Path, tables: Tables, known: set[str]) -> Iterator[str]:
    for page in sorted(folder.glob("*.html")):
        content = page.read_bytes()
        yield from (f"{page.name}: {found}" for found in untraceable(content, tables))
        text = content.decode("utf-8")
        if "<!--" in text or "<script" in text:
            yield f"{page.name}: what nobody sees"
        for name, said in re.findall(
            r'\b(aria-label|alt|title|data-(?!from|static)\w+)="([^"]*)"', text
        ):
            if unknown := _unexplained(said, known):
                yield f"{page.name}: {unknown} in {name}"


def _manifest(folder: Path, tables: Tables, programme: Programme, about: About) -> Iterator[str]:
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    for name, said in manifest.get("tables", {}).items():
        figures = [c for c in tables[name].columns if f"{c}_note" in tables[name].columns]
        cells = tables[name].height * len(figures)
        printed = cells - sum(tables[name][c].null_count() for c in figures)
        counted = {
            "rows": tables[name].height,
            "cells": cells,
            "published": round(printed / cells, 3) if cells else 1.0,
        }
        if {k: v for k, v in said.items() if k != "sha256"} != counted:
            yield f"manifest.json: {name} is counted otherwise than its table"
    for name, said in manifest["files"].items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != said:
            yield f"manifest.json: another hash of {name}"
    known = _constants(programme, about)
    told_above = {"tables", "files", "inputs"}
    rest = {key: value for key, value in manifest.items() if key not in told_above}
    for place, entry in enumerate(manifest.get("inputs", [])):
        # What names a submission ends with the first digits of its hash.
        name, _, start = entry["submission_id"].rpartition("--")
        if not start or not entry["sha256"].startswith(start):
            yield f"manifest.json: inputs.{place}: a submission named otherwise"
        rest[f"inputs.{place}"] = {**entry, "submission_id": name}
    known |= {str(rest.pop("number", ""))}
    for path, value in _leaves(rest):
        if not isinstance(value, bool) and (unknown := _unexplained(str(value), known)):
            yield f"manifest.json: {path}: {unknown}"


def _made_again(folder: Path, tables: Tables, programme: Programme, about: About) -> Iterator[str]:
    """Whatever a file says besides, by widths, heights or order, it says from the tables alone."""
    in_order = {table.name: tables[table.name] for table in RELEASE_TABLES}
    for name, content in documents_of(in_order, programme, about).items():
        if not (folder / name).is_file():
            yield f"{name}: not in the folder"
        elif (folder / name).read_bytes() != content:
            yield f"{name}: not what the tables alone make"
    for name, frame in tables.items():
        made = BytesIO()
        frame.write_parquet(made, compression="zstd")
        if (folder / f"{name}.parquet").read_bytes() != made.getvalue():
            yield f"{name}.parquet: not what the tables alone make"


def _other_files(folder: Path, tables: Tables) -> Iterator[str]:
    named = {f"{name}.{kind}" for name in tables for kind in ("csv", "parquet")}
    for path in sorted(folder.iterdir()):
        is_page = re.fullmatch(r"report(-[\w.-]+)?\.html", path.name)
        if (
            path.name not in named | {"release.duckdb", "tables.xlsx", "manifest.json"}
            and not is_page
        ):
            yield f"{path.name}: a file of its own"


# ------------------------------------------------------------------ numbers


def _constants(programme: Programme, about: About) -> set[str]:
    """Numerals of the documentation of releases, of the programme and of the release's own name."""
    said = [
        *(page.read_text("utf-8") for page in DOCUMENTATION),
        json.dumps(programme.model_dump(mode="json")),
        about.release,
        about.version,
        str(about.as_of),
    ]
    return {numeral for text in said for numeral in _NUMERAL.findall(text)}


def _unexplained(text: str, known: set[str]) -> str | None:
    found = [n for n in _NUMERAL.findall(_NOT_NUMBERS.sub(" ", text)) if n not in known]
    return f"the numerals {found}" if found else None


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, path)
    elif value is not None:
        yield path, value


# ------------------------------------------------------------------ workbook


def _table_sheets(path: Path, tables: Tables) -> Iterator[tuple[str, Sheet]]:
    """The sheets with a table, by the table's name."""
    named = {readable(name): name for name in tables}
    for title, sheet in sheets_of(path.read_bytes()).items():
        if title in named:
            yield named[title], sheet


def _frame_of(sheet: Sheet, like: pl.DataFrame) -> pl.DataFrame:
    """The table of a sheet; the sign in place of a figure is its note."""
    (top, left, bottom, right), names = sheet.tables[0], _columns(like)
    if right - left + 1 != len(names):
        raise ValueError("a sheet with other columns than its table")
    rows = []
    for row in range(top + 1, bottom + 1):
        cells: dict[str, Any] = dict.fromkeys(like.columns)
        for name, column in zip(names, range(left, right + 1), strict=True):
            cell = sheet.cells[row, column]
            sign = _SIGNS.get(str(cell))
            if sign and f"{name}_note" in cells:
                cells[f"{name}_note"] = sign
            elif not sign:
                cells[name] = _value(cell, like.schema[name])
        rows.append(cells)
    return pl.DataFrame(rows, schema=like.schema)


def _columns(frame: pl.DataFrame) -> list[str]:
    notes = {f"{name}_note" for name in frame.columns}
    return [name for name in frame.columns if name not in notes]


def _value(cell: str | float, type_: pl.DataType) -> Any:
    if type_ == pl.Boolean:
        return {"yes": True, "no": False}[str(cell)]
    if type_.is_integer():
        if float(cell) != int(cell):
            raise ValueError("a count that is no whole number")
        return int(cell)
    return cell
