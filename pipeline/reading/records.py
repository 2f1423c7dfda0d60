"""Records of text: what every kind of file becomes before a platform's module looks at it.

What belongs here: rows as a spreadsheet numbers them, headings tidied and made distinct, and the
error of a file that cannot be taken in. What stays out: how bytes become records
(`delimited.py`, `workbook.py`) and what a column means.
"""

import html
import re
from collections import Counter
from collections.abc import Collection
from functools import cached_property
from typing import Final

import polars as pl

HEAD: Final = 16
"""Records among which headings nearly always are; a file is read whole where they are not."""

# Tags that survey tools write into questions; `<` and `>` of a question's own stay.
_BLOCK_TAG = re.compile(
    r"</?(?:br|p|div|li|ul|ol|tr|td|th|table|h[1-6]|img|hr)\b[^<>]*>", re.IGNORECASE
)
_INLINE_TAG = re.compile(
    r"</?(?:b|i|u|em|strong|span|font|a|sup|sub|small|label)\b[^<>]*>", re.IGNORECASE
)
_UNSEEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))


class Unreadable(Exception):
    """A file that cannot be taken in; the message is one sentence with row or column, no value."""


class Records:
    """All records of a file, header records included; record `i` is row `i + 1` of the file.

    A frame of them has a column of text a field, named `field_0` and so on.
    """

    def __init__(self, head: pl.DataFrame, form: str) -> None:
        self._head = head
        """The first records, at least `HEAD` of them if the file has so many."""
        self.form = form
        """What kind of file they come from, in words: `CSV, UTF-8, commas`."""

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


def as_fields(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame whose columns are called as those of records are."""
    return frame.rename({name: f"field_{i}" for i, name in enumerate(frame.columns)})


def distinct(names: list[str]) -> list[str]:
    """Names made distinct: the second `Name` becomes `Name#2`, an empty one `#` and its place."""
    seen: Counter[str] = Counter()
    taken = set(names)
    result = []
    for place, name in enumerate(names, start=1):
        seen[name] += 1
        made = name
        if not name or seen[name] > 1:
            made = f"{name}#{seen[name] if name else place}"
            # A heading may be called so itself: then the next number is free.
            while made in taken:
                seen[name] += 1
                made = f"{name}#{seen[name]}"
            taken.add(made)
        result.append(made)
    return result


def _first_filled(frame: pl.DataFrame) -> int | None:
    for place, cells in enumerate(frame.iter_rows()):
        if any(_tidy(cell) for cell in cells):
            return place
    return None


def _tidy(cell: str | None) -> str:
    # Non-breaking spaces, line breaks and HTML in headings are seen in exports of every platform.
    text = cell or ""
    if "<" in text or "&" in text:
        text = html.unescape(_INLINE_TAG.sub("", _BLOCK_TAG.sub(" ", text)))
    return " ".join((text if text.isascii() else text.translate(_UNSEEN)).split())
