"""The workbook of a release, reopened: what official statistics promise, and its figures."""

import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET

import polars as pl
import pytest
from report_releases import ABOUT, all_left_out, nothing_yet, ordinary, renamed

from pipeline.publishing.csv_files import csv_files
from pipeline.publishing.release_tables import RELEASE_TABLES, Note
from pipeline.publishing.workbook import workbook

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
TITLE = "Simulated supervision"


@dataclass(frozen=True)
class Sheet:
    """Cells by place, text or number, and what there is beside cells."""

    cells: Mapping[tuple[int, int], str | float]
    merged: int
    frozen_rows: int
    widths: int
    tables: list[tuple[int, int, int, int]]
    formulas: int

    def head(self) -> list[str]:
        """Headings of the one table, notes and units taken off."""
        top, left, _, right = self.tables[0]
        return [str(self.cells[top, c]).partition("\n")[0] for c in range(left, right + 1)]


def _place(reference: str) -> tuple[int, int]:
    letters, digits = re.match(r"([A-Z]+)(\d+)", reference).groups()  # type: ignore[union-attr]
    column = 0
    for letter in letters:
        column = 26 * column + ord(letter) - ord("A") + 1
    return int(digits), column


def _sheets(content: bytes) -> Mapping[str, Sheet]:
    """Read with nothing but a zip and XML reader, so that no library's kindness hides a fault."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        texts = [
            "".join(t.text or "" for t in item.iter(f"{_MAIN}t"))
            for item in ET.fromstring(archive.read("xl/sharedStrings.xml"))
        ]
        book = ET.fromstring(archive.read("xl/workbook.xml"))
        found = {}
        for number, sheet in enumerate(book.iter(f"{_MAIN}sheet"), start=1):
            root = ET.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
            relations = f"xl/worksheets/_rels/sheet{number}.xml.rels"
            tables = []
            if relations in archive.namelist():
                for relation in ET.fromstring(archive.read(relations)):
                    if relation.get("Type", "").endswith("/table"):
                        target = "xl/" + relation.get("Target", "").removeprefix("../")
                        first, last = ET.fromstring(archive.read(target)).get("ref", "").split(":")
                        tables.append((*_place(first), *_place(last)))
            found[sheet.get("name", "")] = _sheet(root, texts, tables)
    return found


def _sheet(root: ET.Element, texts: list[str], tables: list[tuple[int, int, int, int]]) -> Sheet:
    cells: dict[tuple[int, int], str | float] = {}
    for cell in root.iter(f"{_MAIN}c"):
        value = cell.find(f"{_MAIN}v")
        if value is not None and value.text is not None:
            is_text = cell.get("t") == "s"
            cells[_place(cell.get("r", ""))] = (
                texts[int(value.text)] if is_text else float(value.text)
            )
    pane = next(root.iter(f"{_MAIN}pane"), None)
    return Sheet(
        cells,
        len(list(root.iter(f"{_MAIN}mergeCell"))),
        int(pane.get("ySplit", "0")) if pane is not None else 0,
        sum(int(c.get("max", "0")) - int(c.get("min", "0")) + 1 for c in root.iter(f"{_MAIN}col")),
        tables,
        len(list(root.iter(f"{_MAIN}f"))),
    )


@pytest.fixture(scope="module")
def content() -> bytes:
    return workbook(ordinary(), TITLE, ABOUT)


@pytest.fixture(scope="module")
def sheets(content: bytes) -> Mapping[str, Sheet]:
    return _sheets(content)


def _data_sheets(sheets: Mapping[str, Sheet]) -> Iterator[tuple[str, Sheet]]:
    yield from list(sheets.items())[3:]


def test_cover_contents_notes_then_a_sheet_a_table(sheets: Mapping[str, Sheet]) -> None:
    assert list(sheets)[:3] == ["Cover", "Contents", "Notes"]
    assert len(sheets) == 3 + len([name for name, frame in ordinary().items() if frame.height])
    assert sheets["Cover"].cells[1, 1] == TITLE
    listed = {text for (_, column), text in sheets["Contents"].cells.items() if column == 1}
    assert {name for name, _ in _data_sheets(sheets)} <= listed


def test_each_sheet_is_as_official_statistics_promise(sheets: Mapping[str, Sheet]) -> None:
    for name, sheet in list(sheets.items())[1:]:
        assert len(sheet.tables) == 1, f"{name}: one table"
        assert sheet.merged == 0, name
        assert isinstance(sheet.cells[1, 1], str), f"{name}: a title in A1"
        top, left, bottom, right = sheet.tables[0]
        assert sheet.frozen_rows == top, f"{name}: headings stay in view"
        assert sheet.widths >= right - left + 1, f"{name}: widths are set"
        empty = [
            (row, column)
            for row in range(top, bottom + 1)
            for column in range(left, right + 1)
            if sheet.cells.get((row, column), "") == ""
        ]
        assert empty == [], name
        rows_filled = {row for row, _ in sheet.cells}
        assert rows_filled == set(range(1, bottom + 1)), f"{name}: no blank row"


def test_notes_are_referred_to_and_references_lead_to_notes(sheets: Mapping[str, Sheet]) -> None:
    notes = {
        int(value)
        for (_, column), value in sheets["Notes"].cells.items()
        if column == 1 and isinstance(value, float)
    }
    referred = {
        int(number)
        for _, sheet in _data_sheets(sheets)
        for value in sheet.cells.values()
        for number in re.findall(r"\[note (\d+)\]", str(value))
    }
    assert notes == referred != set()


def test_figures_are_the_tables_own(sheets: Mapping[str, Sheet]) -> None:
    by_name = {sheet.cells[1, 1]: sheet for _, sheet in _data_sheets(sheets)}
    assert len(by_name) == len(list(_data_sheets(sheets)))
    made = [table for table in RELEASE_TABLES if ordinary()[table.name].height]
    for table, (name, sheet) in zip(made, _data_sheets(sheets), strict=True):
        frame = ordinary()[table.name]
        top, left, bottom, right = sheet.tables[0]
        assert (bottom - top, right - left + 1) == (frame.height, len(table.fields)), name
        for at, field in enumerate(table.fields):
            shown = [sheet.cells[row, left + at] for row in range(top + 1, bottom + 1)]
            values = frame[field.name].to_list()
            notes = (
                frame[f"{field.name}_note"].to_list() if field.is_figure else [None] * len(values)
            )
            for cell, value, note in zip(shown, values, notes, strict=True):
                if value is None:
                    assert cell == f"[{note or 'z'}]"
                elif isinstance(value, bool):
                    assert cell == ("yes" if value else "no")
                else:
                    assert cell == value


def test_signs_are_explained_where_they_occur(sheets: Mapping[str, Sheet]) -> None:
    for name, sheet in _data_sheets(sheets):
        top, left, bottom, right = sheet.tables[0]
        used = {
            str(sheet.cells[row, column])
            for row in range(top + 1, bottom + 1)
            for column in range(left, right + 1)
        } & {f"[{note.value}]" for note in Note}
        above = " ".join(str(v) for (row, _), v in sheet.cells.items() if row < top)
        assert all(sign in above for sign in used), name


def test_the_same_tables_give_the_same_bytes(content: bytes) -> None:
    assert workbook(ordinary(), TITLE, ABOUT) == content


@pytest.mark.parametrize(
    "name", ["=1+1", "[link](http://x.example)", "$$COUNT$$", "Ελλάς", "—", "<b>&'\""]
)
def test_a_name_is_text_and_nothing_else(name: str) -> None:
    sheets = _sheets(workbook(renamed(name), TITLE, ABOUT))
    assert sum(sheet.formulas for sheet in sheets.values()) == 0
    shown = [str(v) for v in sheets["Areas"].cells.values()]
    assert any(name.replace("](", "] (").replace("$$", "$ $") in text for text in shown)


def test_nothing_yet_has_a_cover_that_says_so() -> None:
    sheets = _sheets(workbook(nothing_yet(), TITLE, ABOUT))
    cover = " ".join(str(v) for v in sheets["Cover"].cells.values())
    assert "without any row" in cover
    assert "Paired change" in cover


def test_everything_left_out_is_signs() -> None:
    sheet = _sheets(workbook(all_left_out(), TITLE, ABOUT))["Wave summary"]
    top, _, bottom, right = sheet.tables[0]
    assert {sheet.cells[row, right] for row in range(top + 1, bottom + 1)} == {"[c]"}


def test_it_opens_in_libreoffice(content: bytes, tmp_path: Path) -> None:
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        pytest.skip("LibreOffice is not installed, so nobody can open the workbook in it")
    (tmp_path / "tables.xlsx").write_bytes(content)
    subprocess.run(
        [
            program,
            f"-env:UserInstallation=file://{tmp_path}/profile",
            "--headless",
            "--convert-to",
            "pdf",
            "--outdir",
            str(tmp_path),
            str(tmp_path / "tables.xlsx"),
        ],
        check=True,
        capture_output=True,
        timeout=180,
    )
    assert (tmp_path / "tables.pdf").stat().st_size > 1000


def test_csv_holds_the_tables() -> None:
    made = dict(csv_files(renamed("Ærø, “quoted”")))
    assert set(made) == {f"{name}.csv" for name in ordinary()}
    for name, frame in renamed("Ærø, “quoted”").items():
        content = made[f"{name}.csv"]
        assert b"\r" not in content
        read = pl.read_csv(content, schema=frame.schema)
        assert read.equals(frame), name
