"""Workbooks (.xlsx) -> records of text.

What belongs here: which sheet counts, and how large it may be. What stays out: unpacking
(`archive.py`). Names of sheets are not repeated: people are named there too.
"""

import io
import re
import zipfile
from functools import lru_cache
from typing import Final

import fastexcel
import polars as pl

from pipeline.programme import Limits
from pipeline.reading import archive
from pipeline.reading.records import Records, Unreadable, as_fields

_DAMAGED: Final = (
    "the workbook is damaged or cut short; open it in a spreadsheet, save it again as .xlsx and "
    "send that"
)
_OTHER_OFFICE_FILES: Final = ("word/document.xml", "ppt/presentation.xml", "content.xml")
_NOT_NEEDED: Final = re.compile(
    r"^(?:docprops/|customxml/|xl/(?:media/|drawings/|charts/|theme/|persons/|comments|"
    r"threadedcomments/|externallinks/|printersettings/|calcchain))",
    re.IGNORECASE,
)
_FAR: Final = re.compile(rb'<c r="(?:[A-Z]{3}|[A-Z]+\d{5})')
_NEAR_ROWS, _NEAR_COLUMNS = 9_999, 702
"""Further than that no cell lies whose place `_FAR` does not match."""
# As any program may write it, not only as nearly all do.
_ANY_ROW: Final = re.compile(rb"""<(?:\w+:)?row\s[^<>]*?\br\s*=\s*["'](\d{1,9})""")
_FILLED: Final = re.compile(
    rb"""<(?:\w+:)?c\s[^<>]*?\br\s*=\s*["']([A-Z]{1,9})(\d{1,9})["'](?:[^<>]*[^/<>])?>"""
)
_UNPLACED: Final = re.compile(
    rb"""<(?:\w+:)?c(?:\s+(?!r\s*=)[\w:]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'))*\s*/?>"""
)


def is_workbook(packed: zipfile.ZipFile) -> bool:
    """Whether an archive is a workbook that can be read; raises Unreadable for its relatives."""
    names = {name.lower() for name in packed.namelist()}
    if "xl/workbook.bin" in names:
        raise Unreadable("the file is a binary workbook (.xlsb); save it as .xlsx and send that")
    if names & {*_OTHER_OFFICE_FILES} and "xl/workbook.xml" not in names:
        raise Unreadable(
            "the file is a document of another program; save the sheet as .xlsx and send that"
        )
    return "[content_types].xml" in names or any(name.startswith("xl/") for name in names)


def read_workbook(packed: zipfile.ZipFile, limits: Limits, sheet: str | None) -> Records:
    """Records of the sheet called so, or else of the only one that holds anything."""
    content = _measured(packed, limits)
    try:
        frame = _only_sheet(content) if sheet is None else _sheet_called(content, sheet)
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError, OSError, ValueError):
        raise Unreadable(_DAMAGED) from None
    except BaseException as error:
        # What Rust gives up on is no Exception; nothing else may be caught here.
        if type(error).__name__ != "PanicException":
            raise
        raise Unreadable(_DAMAGED) from None
    return Records(as_fields(frame), "a workbook")


def _measured(packed: zipfile.ZipFile, limits: Limits) -> bytes:
    """The workbook with the parts that are read, unpacked within the limits.

    What was measured is what is read: a reader that unpacks by itself could be told otherwise.
    """
    entries = [
        entry
        for entry in packed.infolist()
        if entry.filename.lower().endswith((".xml", ".rels"))
        and not _NOT_NEEDED.match(entry.filename)
    ]
    if len({entry.filename for entry in entries}) < len(entries):
        raise Unreadable(_DAMAGED)
    parts = archive.unpacked(packed, entries, limits)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as stored:
        for entry, part in zip(entries, parts, strict=True):
            if b"sheetData" in part:
                _check_size(part, limits)
            stored.writestr(entry.filename, part)
    return content.getvalue()


def _check_size(sheet: bytes, limits: Limits) -> None:
    """Refuse a sheet whose cells lie so far apart that the table between them cannot be held."""
    cells = sheet.count(b"<c") - sheet.count(b"<co")
    placed = b"<sheetData" in sheet and cells == sheet.count(b'<c r="')
    if placed and _fits(_NEAR_ROWS, _NEAR_COLUMNS, limits) and not _FAR.search(sheet):
        return
    # Rows and cells that are only formatted do not count, and are told apart at leisure.
    rows = columns = 0
    for filled in _FILLED.finditer(sheet):
        columns = max(columns, _place(filled[1]))
        rows = max(rows, int(filled[2]))
    if not placed and _UNPLACED.search(sheet):
        # Such a cell stands beside the one before it.
        rows = max([rows, *map(int, _ANY_ROW.findall(sheet))])
        columns = max(columns, *(len(_UNPLACED.findall(row)) for row in sheet.split(b"row")))
    if rows > limits.rows:
        raise Unreadable(limits.too_many("rows", rows, limits.rows))
    if columns > limits.columns:
        raise Unreadable(limits.too_many("columns", columns, limits.columns))
    if rows * columns > limits.workbook_cells:
        raise Unreadable(limits.too_many("workbook_cells", rows * columns, limits.workbook_cells))


def _fits(rows: int, columns: int, limits: Limits) -> bool:
    return (
        rows <= limits.rows
        and columns <= limits.columns
        and rows * columns <= limits.workbook_cells
    )


@lru_cache(maxsize=16_384)
def _place(letters: bytes) -> int:
    """Column `A` is 1, `AA` is 27."""
    place = 0
    for letter in letters:
        place = 26 * place + letter - ord("A") + 1
    return place


def _only_sheet(content: bytes) -> pl.DataFrame:
    reader = fastexcel.read_excel(content)
    found: pl.DataFrame | None = None
    filled = 0
    for place in range(len(reader.sheet_names)):
        loaded = _loaded(reader, place)
        # Survey tools keep things of their own on hidden sheets.
        if loaded is None or (loaded.visible != "visible" and len(reader.sheet_names) > 1):
            continue
        frame = loaded.to_polars()
        if _holds_anything(frame):
            filled += 1
            found = frame if found is None else found
    if found is None:
        raise Unreadable("the workbook is empty; ask for the export again")
    if filled > 1:
        raise Unreadable(
            f"the workbook has {filled} sheets with content; name the one that counts as `sheet` "
            "in the mapping, or send it by itself"
        )
    return found


def _sheet_called(content: bytes, name: str) -> pl.DataFrame:
    reader = fastexcel.read_excel(content)
    wanted = " ".join(name.lower().split())
    for place, called in enumerate(reader.sheet_names):
        if " ".join(called.lower().split()) == wanted:
            loaded = _loaded(reader, place)
            frame = None if loaded is None else loaded.to_polars()
            if frame is None or not _holds_anything(frame):
                raise Unreadable(
                    f"the sheet `{name}` of the workbook is empty; ask for the export again"
                )
            return frame
    raise Unreadable(
        f"the workbook has no sheet `{name}`; send the usual export, or correct `sheet` in the "
        "mapping"
    )


def _loaded(reader: fastexcel.ExcelReader, place: int) -> fastexcel.ExcelSheet | None:
    """A sheet as text; None where it is a chart."""
    try:
        # Told to skip no rows, it does not skip blank ones on top either: row numbers count them.
        return reader.load_sheet(place, header_row=None, skip_rows=0, dtypes="string")
    except fastexcel.FastExcelError as error:
        if "not a valid worksheet" in str(error):
            return None
        raise


def _holds_anything(frame: pl.DataFrame) -> bool:
    return any((column.str.strip_chars() != "").any() for column in frame)
