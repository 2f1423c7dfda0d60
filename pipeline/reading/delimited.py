"""Delimited text -> records: encodings, line ends, delimiters, ragged and truncated files.

What belongs here: everything that happens to a CSV on its way through spreadsheets and systems.
What stays out: what a column means. A sound file is parsed once and by Polars; whatever Polars
refuses is read again row by row, which finds the row that is wrong or finds nothing wrong.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import islice
from typing import Final

import numpy as np
import polars as pl

from pipeline.programme import Limits
from pipeline.reading.records import HEAD, Records, Unreadable, as_fields

_BLANK_LINES = re.compile(rb"\A(?:[ \t]*\r?\n)+")
_SAID_DELIMITER = re.compile(rb"\Asep=([,;\t|])[ \t,;|]*\r?\n", re.IGNORECASE)
_LINE_END = re.compile(rb"\r*\n|\r")
_DELIMITERS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# Longer marks first: the mark of UTF-32 begins with that of UTF-16.
_MARKS: Final = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_OF_SEVERAL_BYTES = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}")


def read_delimited(content: bytes, limits: Limits) -> Records:
    """Records of CSV or TSV text in any usual encoding; raises Unreadable with one sentence."""
    recoded, encoding = _as_utf8(content)
    text = _one_line_end(recoded)
    said = _SAID_DELIMITER.match(text)
    if said:
        # Excel's own hint; it shows no such row.
        text = text[said.end() :]
    below = _BLANK_LINES.sub(b"", text, count=1)
    if not below or below.isspace():
        raise Unreadable("the file is empty; ask for the export again")
    blank = text[: len(text) - len(below)].count(b"\n")
    delimiter = said[1].decode() if said else _delimiter(below)
    columns = next(_outside_quotes(below)).count(delimiter.encode()) + 1
    if columns > limits.columns:
        raise Unreadable(limits.too_many("columns", columns, limits.columns))
    form = f"text, {encoding}, {_DELIMITERS[delimiter]} between cells"
    records = _Delimited(below, delimiter, blank, form)
    # A line break may stand in a cell, so only a file with too many of them is counted.
    if _count(text, b"\n") >= limits.rows and records.has_more_than(limits.rows):
        raise Unreadable(limits.too_many("rows", None, limits.rows))
    return records


class _Delimited(Records):
    """Records of delimited text, parsed as late as possible and then only once."""

    def __init__(self, text: bytes, delimiter: str, blank: int, form: str) -> None:
        """`blank` is the number of blank lines above the text: Polars takes one for a heading."""
        self._text, self._delimiter, self._blank = text, delimiter, blank
        # Polars may take such text for something, though a quote is missing or one too many.
        self._may_be_parsed = _count(text, b'"') % 2 == 0
        super().__init__(self._parsed(n_rows=HEAD), form)

    @cached_property
    def frame(self) -> pl.DataFrame:
        return self._parsed()

    def has_more_than(self, rows: int) -> bool:
        return self._parsed(n_rows=rows + 1).height > rows

    def _numbers(self, record: int, fields: Collection[str]) -> pl.DataFrame | None:
        if not self._may_be_parsed:
            return None
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
        frame = self._by_polars(n_rows) if self._may_be_parsed else None
        if frame is None:
            frame = self._row_by_row
        if self._blank:
            nothing = {name: [None] * self._blank for name in frame.columns}
            frame = pl.concat([pl.DataFrame(nothing, schema=frame.schema), frame])
        return as_fields(frame)

    def _by_polars(self, n_rows: int | None) -> pl.DataFrame | None:
        try:
            return pl.read_csv(
                self._text,
                has_header=False,
                infer_schema=False,
                separator=self._delimiter,
                n_rows=n_rows,
            )
        except pl.exceptions.PolarsError:
            return None

    @cached_property
    def _row_by_row(self) -> pl.DataFrame:
        rows = list(_rows(self._text, self._delimiter, self._blank))
        names = [f"column_{place}" for place in range(1, len(rows[0]) + 1)]
        return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def _rows(text: bytes, delimiter: str, rows_above: int) -> Iterator[list[str | None]]:
    """Rows of text that Polars refuses, or the sentence that says which one is wrong.

    A row may be longer than the first by cells that hold nothing.
    """
    lines = io.StringIO(text.decode("utf-8"), newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    width = None
    number = rows_above
    try:
        for number, cells in enumerate(reader, start=rows_above + 1):
            width = width or len(cells)
            if any(cell.strip() for cell in cells[width:]):
                raise Unreadable(_too_long(number, len(cells), width))
            filled = [cell or None for cell in cells[:width]]
            yield filled + [None] * (width - len(filled))
    except csv.Error:
        raise Unreadable(
            f"a quote that opens after row {number} never closes properly; "
            "the file may be cut short, so ask for the export again"
        ) from None


def _too_long(number: int, cells: int, width: int) -> str:
    if width == 1:
        return (
            f"row {number} has {cells} cells and the rows above it have one; delete "
            "the text above the headings"
        )
    return (
        f"row {number} has {cells} cells where the first row has {width}; "
        "a delimiter inside an answer needs quotes around it"
    )


def _as_utf8(content: bytes) -> tuple[bytes, str]:
    """The text in UTF-8, and in which encoding it came."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _recoded(content, encoding), encoding.upper()
    if b"\0" in content:
        return _recoded(content, _unmarked(content)), "UTF-16 without a mark"
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        # Exports that were opened once in Excel on Windows. Where other signs are UTF-8, the file
        # was joined from two or cut: taken for windows-1252, words would come out garbled.
        if _OF_SEVERAL_BYTES.search(content):
            line = content.count(b"\n", 0, error.start) + 1
            raise Unreadable(
                f"line {line} of the file is not in the encoding of the others; the file may be "
                "cut short or joined from two, so ask for the export again"
            ) from None
        return _recoded(content, "cp1252"), "windows-1252"
    return content, "UTF-8"


def _recoded(content: bytes, encoding: str) -> bytes:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise Unreadable(
            "the file is neither UTF-8, UTF-16 nor windows-1252 text; export it again as CSV or "
            "XLSX"
        ) from None
    if "\0" in text:
        raise _neither()
    return text.removeprefix("\ufeff").encode("utf-8")


def _unmarked(content: bytes) -> str:
    """UTF-16 without its mark, told by zeros in every other place and nowhere else."""
    low, high = content[::2], content[1::2]
    if len(low) == len(high):
        if 2 * high.count(0) >= len(high) and not low.count(0):
            return "utf-16-le"
        if 2 * low.count(0) >= len(low) and not high.count(0):
            return "utf-16-be"
    raise _neither()


def _neither() -> Unreadable:
    return Unreadable("the file is neither text nor a workbook; export it as CSV or XLSX")


def _one_line_end(text: bytes) -> bytes:
    """Text whose records end in one way; line ends inside quoted cells stay as they are."""
    if b"\r" not in text or text.count(b"\r") == text.count(b"\r\n"):
        return text
    pieces = text.split(b'"')
    pieces[::2] = (_LINE_END.sub(b"\n", piece) for piece in pieces[::2])
    return b'"'.join(pieces)


def _count(text: bytes, sign: bytes) -> int:
    """How often one byte occurs: in megabytes, ten times as fast as `bytes.count`."""
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord(sign)))


def _outside_quotes(text: bytes) -> Iterator[bytes]:
    """Records one after the other, without what stands between quotes."""
    start = 0
    while start < len(text):
        end, quotes = start, 0
        while True:
            line = text.find(b"\n", end)
            line = len(text) if line < 0 else line
            quotes += text.count(b'"', end, line)
            end = line + 1
            if quotes % 2 == 0 or end >= len(text):
                break
        yield b"".join(text[start:line].split(b'"')[::2])
        start = end


def _delimiter(text: bytes) -> str:
    """The sign that most often parts the first record that any of them parts."""
    for record in islice(_outside_quotes(text), HEAD):
        most = max(_DELIMITERS, key=lambda sign: record.count(sign.encode()))
        if most.encode() in record:
            return most
    return ","
