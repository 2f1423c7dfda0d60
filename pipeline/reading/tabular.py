"""Delimited text and workbooks -> records of text, with the row numbers a spreadsheet shows.

What belongs here: encodings, delimiters, ragged and truncated files. What stays out: what a column
means. Nothing raised here quotes a cell: a cell may hold a name.
"""

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass

import fastexcel
import polars as pl

_BLANK_LINES = re.compile(rb"\A(?:[ \t]*\r?\n)+")
_DELIMITERS = (",", ";", "\t", "|")
_WORKBOOK = b"PK\x03\x04"
_OLD_WORKBOOK = bytes.fromhex("D0CF11E0A1B11AE1")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class Unreadable(Exception):
    """A file that cannot be taken in; the message is one sentence with row or column, no value."""


@dataclass(frozen=True, slots=True)
class Records:
    """All records of a file as text, header records included.

    `frame` has a column a field, named `field_0` and so on; record `i` is row `i + 1` of the file.
    """

    frame: pl.DataFrame

    def header(self, record: int) -> list[str]:
        """Cells of one header record, tidied; an empty cell is an empty string."""
        if self.first + record >= self.frame.height:
            return [""] * self.frame.width
        return [_tidy(cell) for cell in self.frame.row(self.first + record)]

    @property
    def first(self) -> int:
        """Place of the first record that is not blank, where headings begin."""
        for place, cells in enumerate(self.frame.iter_rows()):
            if any(_tidy(cell) for cell in cells):
                return place
        return 0


def _tidy(cell: str | None) -> str:
    # Non-breaking spaces and line breaks inside headings are seen in exports of every platform.
    return " ".join((cell or "").split())


def distinct(names: list[str]) -> list[str]:
    """Names made distinct: the second `Name` becomes `Name#2`, an empty one `#` and its place."""
    seen: Counter[str] = Counter()
    result = []
    for place, name in enumerate(names, start=1):
        seen[name] += 1
        if not name:
            result.append(f"#{place}")
        else:
            result.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return result


def read_records(content: bytes) -> Records:
    """Records of a CSV, TSV or XLSX file, told apart by its first bytes."""
    if not content.strip():
        raise Unreadable("the file is empty; ask for the export again")
    if content.startswith(_WORKBOOK):
        return _read_workbook(content)
    if content.startswith(_OLD_WORKBOOK):
        raise Unreadable("the file is an old workbook (.xls); save it as .xlsx and send that")
    if content.startswith(b"%PDF") or (b"\0" in content and not content.startswith(_UTF_16)):
        raise Unreadable("the file is neither text nor a workbook; export it as CSV or XLSX")
    return _read_delimited(content)


def _read_workbook(content: bytes) -> Records:
    try:
        # Told to skip no rows, it does not skip blank ones on top either: row numbers count them.
        sheet = fastexcel.read_excel(content).load_sheet(
            0, header_row=None, skip_rows=0, dtypes="string"
        )
        frame = sheet.to_polars()
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError):
        raise Unreadable(
            "the workbook is damaged or cut short; open it in a spreadsheet, save it again as "
            ".xlsx and send that"
        ) from None
    if frame.is_empty():
        raise Unreadable("the workbook's first sheet is empty; ask for the export again")
    return Records(_as_fields(frame))


def _read_delimited(content: bytes) -> Records:
    text = _as_utf8(content)
    if b"\n" not in text:
        text = text.replace(b"\r", b"\n")
    below = _BLANK_LINES.sub(b"", text, count=1)
    blank = text[: len(text) - len(below)].count(b"\n")
    delimiter = _delimiter(below)
    try:
        # Blank lines on top would tell Polars that there is one column.
        frame = pl.read_csv(below, has_header=False, infer_schema=False, separator=delimiter)
    except pl.exceptions.NoDataError:
        raise Unreadable("the file is empty; ask for the export again") from None
    except pl.exceptions.PolarsError:
        raise Unreadable(_what_is_wrong(below, delimiter, blank)) from None
    nothing = pl.DataFrame({name: [None] * blank for name in frame.columns}, schema=frame.schema)
    return Records(_as_fields(pl.concat([nothing, frame])))


def _as_fields(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.rename({name: f"field_{i}" for i, name in enumerate(frame.columns)})


def _as_utf8(content: bytes) -> bytes:
    if content.startswith(_UTF_16):
        encoding = "utf-16"
    else:
        content = content.removeprefix(b"\xef\xbb\xbf")
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            # Exports that were opened once in Excel on Windows.
            encoding = "cp1252"
        else:
            return content
    try:
        return content.decode(encoding).encode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable(
            "the file is neither UTF-8, UTF-16 nor windows-1252 text; export it again as CSV or "
            "XLSX"
        ) from None


def _delimiter(text: bytes) -> str:
    first = text.lstrip().partition(b"\n")[0].decode("utf-8")
    outside_quotes = "".join(first.split('"')[::2])
    return max(_DELIMITERS, key=outside_quotes.count)


def _what_is_wrong(text: bytes, delimiter: str, rows_above: int) -> str:
    """Row and remedy for text that Polars refuses; slow, and only ever used for such text."""
    reader = csv.reader(io.StringIO(text.decode("utf-8")), delimiter=delimiter, strict=True)
    width = None
    number = 0
    try:
        for number, cells in enumerate(reader, start=rows_above + 1):
            width = width or len(cells)
            if len(cells) > width == 1:
                return (
                    f"row {number} has {len(cells)} cells and the rows above it have one; delete "
                    "the text above the headings"
                )
            if len(cells) > width:
                return (
                    f"row {number} has {len(cells)} cells where the first row has {width}; "
                    "a delimiter inside an answer needs quotes around it"
                )
    except csv.Error:
        pass
    return (
        f"a quote that opens after row {number} never closes properly; "
        "the file may be cut short, so ask for the export again"
    )
