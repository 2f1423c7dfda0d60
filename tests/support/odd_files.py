"""Broken and odd files, made here: workbooks, archives and text as spreadsheets leave them."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime

import xlsxwriter

Cell = str | float | bool | datetime | None


def book(
    *sheets: Sequence[Sequence[Cell]],
    names: Sequence[str] = (),
    hidden: Sequence[int] = (),
    chart: bool = False,
    far_format: bool = False,
    day_format: str = "dd/mm/yyyy",
) -> bytes:
    """A workbook of some sheets; days are shown as British spreadsheets do unless it is said."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as made:
        day = made.add_format({"num_format": day_format})
        if chart:
            made.add_chartsheet().set_chart(_chart(made))
        for place, rows in enumerate(sheets):
            sheet = made.add_worksheet(names[place] if names else None)
            if place in hidden:
                sheet.hide()
            for y, row in enumerate(rows):
                for x, cell in enumerate(row):
                    if isinstance(cell, datetime):
                        sheet.write_datetime(y, x, cell, day)
                    elif cell is not None:
                        sheet.write(y, x, cell)
            if far_format:
                sheet.write_blank(1_048_575, 16_383, None, day)
                sheet.set_row(1_000_000, 30)
        visible = next((n for n in range(len(sheets)) if n not in hidden), 0)
        if sheets:
            made.worksheets()[visible + chart].activate()
            made.worksheets()[visible + chart].set_first_sheet()
    return content.getvalue()


def _chart(made: xlsxwriter.Workbook) -> object:
    chart = made.add_chart({"type": "bar"})
    chart.add_series({"values": "=Sheet1!$B$2:$B$3"})
    return chart


def archive(
    files: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED, mode: int = 0o100644
) -> bytes:
    """A zip archive of some files; `mode` is what kind of file Unix takes each for."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as made:
        for name, held in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            entry.compress_type = method
            made.writestr(entry, held)
    return content.getvalue()


def with_sheet(workbook: bytes, cells: str) -> bytes:
    """A workbook whose first sheet is exactly these rows of XML."""
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(content, "w") as new:
        for entry in old.infolist():
            held = old.read(entry)
            if entry.filename == "xl/worksheets/sheet1.xml":
                start, end = held.index(b"<sheetData"), held.index(b"<pageMargins")
                held = held[:start] + f"<sheetData>{cells}</sheetData>".encode() + held[end:]
            new.writestr(entry.filename, held)
    return content.getvalue()


FLAGS, METHOD, CHECKSUM, SIZE = (6, 8, 2), (8, 10, 2), (14, 16, 4), (22, 24, 4)
"""Where an entry says something: in its own header, in the directory, and in how many bytes."""


def changed(archive: bytes, field: tuple[int, int, int], value: int) -> bytes:
    """An archive of one file whose headers say something else."""
    own, directory, width = field
    content = bytearray(archive)
    start = content.rindex(b"PK\x01\x02")
    for place in (own, start + directory):
        content[place : place + width] = value.to_bytes(width, "little")
    return bytes(content)
