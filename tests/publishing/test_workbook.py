"""The workbook of a release, reopened: what official statistics promise, and its figures."""

import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
from reading_workbook import Sheet, sheets_of
from report_releases import ABOUT, all_left_out, nothing_yet, ordinary, renamed

from pipeline.publishing.csv_files import csv_files
from pipeline.publishing.release_tables import RELEASE_TABLES, Note
from pipeline.publishing.workbook import workbook

_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
TITLE = "Simulated supervision"


@pytest.fixture(scope="module")
def content() -> bytes:
    return workbook(ordinary(), TITLE, ABOUT)


@pytest.fixture(scope="module")
def sheets(content: bytes) -> Mapping[str, Sheet]:
    return sheets_of(content)


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
    sheets = sheets_of(workbook(renamed(name), TITLE, ABOUT))
    assert sum(sheet.formulas for sheet in sheets.values()) == 0
    shown = [str(v) for v in sheets["Areas"].cells.values()]
    assert any(name.replace("](", "] (").replace("$$", "$ $") in text for text in shown)


def test_nothing_yet_has_a_cover_that_says_so() -> None:
    sheets = sheets_of(workbook(nothing_yet(), TITLE, ABOUT))
    cover = " ".join(str(v) for v in sheets["Cover"].cells.values())
    assert "without any row" in cover
    assert "Paired change" in cover


def test_sheets_fit_on_paper_with_their_headings_on_every_page(content: bytes) -> None:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        names = [n for n in archive.namelist() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", n)]
        pages = [archive.read(name).decode() for name in names]
        book = archive.read("xl/workbook.xml").decode()
    assert len(pages) > 10
    for page in pages:
        assert 'orientation="landscape"' in page
        assert 'fitToHeight="0"' in page
        assert 'fitToPage="1"' in page
    # Contents and notes are tables too; the cover is none.
    assert book.count("_xlnm.Print_Titles") == len(pages) - 1


def test_no_line_of_the_cover_is_wider_than_its_column(
    content: bytes, sheets: Mapping[str, Sheet]
) -> None:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        found = re.search(r'<col min="1"[^>]* width="([\d.]+)"', _part(archive, "sheet1"))
    assert found is not None
    assert max(len(str(text)) for text in sheets["Cover"].cells.values()) <= float(found[1])


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    return archive.read(f"xl/worksheets/{sheet}.xml").decode()


def test_everything_left_out_is_signs() -> None:
    sheet = sheets_of(workbook(all_left_out(), TITLE, ABOUT))["Wave summary"]
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
