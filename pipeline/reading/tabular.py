"""Delimited text and workbooks -> records of text, with the row numbers a spreadsheet shows.

What belongs here: encodings, delimiters, ragged and truncated files. What stays out: what a column
means. Nothing raised here quotes a cell: a cell may hold a name.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Collection
from functools import cached_property
from typing import Final

import fastexcel
import polars as pl

_BLANK_LINES = re.compile(rb"\A(?:[ \t]*\r?\n)+")
_DELIMITERS = (",", ";", "\t", "|")
_WORKBOOK = b"PK\x03\x04"
_OLD_WORKBOOK = bytes.fromhex("D0CF11E0A1B11AE1")
_SPSS = (b"$FL2", b"$FL3")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_HEAD: Final = 16
"""Records among which headings nearly always are; a file is read whole where they are not."""


class Unreadable(Exception):
    """A file that cannot be taken in; the message is one sentence with row or column, no value."""


class Records:
    """All records of a file, header records included; record `i` is row `i + 1` of the file.

    A frame of them has a column of text a field, named `field_0` and so on.
    """

    def __init__(self, head: pl.DataFrame) -> None:
        self._head = head
        """The first records, at least `_HEAD` of them if the file has so many."""

    @property
    def fields(self) -> list[str]:
        return self._head.columns

    @property
    def labels(self) -> list[dict[str, str]]:
        """Of each field what its codes mean, where the file itself says it."""
        return [{} for _ in self.fields]

    @cached_property
    def frame(self) -> pl.DataFrame:
        """Every record."""
        return self._head

    @cached_property
    def first(self) -> int:
        """Place of the first record that is not blank, where headings begin."""
        place = _first_filled(self._head)
        if place is None:
            place = _first_filled(self.frame)
        return place or 0

    def header(self, record: int) -> list[str]:
        """Cells of one header record, tidied; an empty cell is an empty string."""
        place = self.first + record
        frame = self._head if place < self._head.height else self.frame
        if place >= frame.height:
            return [""] * frame.width
        return [_tidy(cell) for cell in frame.row(place)]

    def body(self, record: int, whole_numbers: Collection[str] = ()) -> pl.DataFrame:
        """Records from a place on.

        Fields among `whole_numbers` may come as Int16: if every cell is blank or such a number.
        """
        numbers = self._numbers(record, whole_numbers) if whole_numbers else None
        return self.frame.slice(record) if numbers is None else numbers

    def _numbers(self, _record: int, _fields: Collection[str]) -> pl.DataFrame | None:
        """Records from a place on with some fields parsed to numbers; None where that fails."""
        return None


class _Delimited(Records):
    """Records of delimited text, parsed as late as possible and then only once."""

    def __init__(self, text: bytes, delimiter: str, blank: int) -> None:
        """`blank` is the number of blank lines above the text: Polars takes one for a heading."""
        self._text, self._delimiter, self._blank = text, delimiter, blank
        super().__init__(self._parsed(n_rows=_HEAD))

    @cached_property
    def frame(self) -> pl.DataFrame:
        return self._parsed()

    def _numbers(self, record: int, fields: Collection[str]) -> pl.DataFrame | None:
        # Answers parsed straight to numbers take half the time. Every column is read all the
        # same: only then does Polars find rows with too many cells.
        types = {name: pl.Int16 if name in fields else pl.String for name in self.fields}
        try:
            return pl.read_csv(
                self._text,
                has_header=False,
                skip_rows=record - self._blank,
                schema=types,
                separator=self._delimiter,
            )
        except pl.exceptions.PolarsError:
            # A cell that is no plain number, or a file that is not sound: text says which.
            return None

    def _parsed(self, n_rows: int | None = None) -> pl.DataFrame:
        try:
            frame = pl.read_csv(
                self._text,
                has_header=False,
                infer_schema=False,
                separator=self._delimiter,
                n_rows=n_rows,
            )
        except pl.exceptions.NoDataError:
            raise Unreadable("the file is empty; ask for the export again") from None
        except pl.exceptions.PolarsError:
            raise Unreadable(_what_is_wrong(self._text, self._delimiter, self._blank)) from None
        if self._blank:
            nothing = {name: [None] * self._blank for name in frame.columns}
            frame = pl.concat([pl.DataFrame(nothing, schema=frame.schema), frame])
        return _as_fields(frame)


def _first_filled(frame: pl.DataFrame) -> int | None:
    for place, cells in enumerate(frame.iter_rows()):
        if any(_tidy(cell) for cell in cells):
            return place
    return None


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
    """Records of a CSV, TSV, XLSX or SAV file, told apart by its first bytes."""
    if not content.strip():
        raise Unreadable("the file is empty; ask for the export again")
    if content.startswith(_WORKBOOK):
        return _read_workbook(content)
    if content.startswith(_SPSS):
        from pipeline.reading import spss  # noqa: PLC0415 - it makes records of its own

        return spss.records(content)
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
    return _Delimited(below, _delimiter(below), blank)


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
