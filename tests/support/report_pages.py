"""Reading a report as a test does: its numerals, where each says it is from, and what is fixed."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final

import polars as pl

MINUS: Final = "\N{MINUS SIGN}"
NUMERAL: Final = re.compile(rf"[+{MINUS}]?\d[\d,]*(?:\.\d+)?")
_VOID: Final = frozenset({"meta", "link", "br", "img", "hr", "input"})
_NOT_SHOWN: Final = frozenset({"style", "script"})


@dataclass(frozen=True)
class Said:
    """A piece of text, with the source that it or what it stands in names, or that it is fixed."""

    text: str
    source: str | None
    is_fixed: bool
    within: str
    """The element it stands in."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[Said] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if "id" in found:
            self.ids.append(found["id"] or "")
        for name in ("src", "href", "action", "data", "xlink:href"):
            if found.get(name):
                self.addresses.append(found[name] or "")
        if tag not in _VOID:
            self.open.append((tag, found))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self.open]
        if not data.strip() or _NOT_SHOWN & set(tags):
            return
        sources = [found["data-from"] for _, found in self.open if "data-from" in found]
        fixed = any("data-static" in found for _, found in self.open) or tags[-2:] == [
            "head",
            "title",
        ]
        self.said.append(Said(data, sources[-1] if sources else None, fixed, tags[-1]))


@dataclass(frozen=True)
class PageText:
    said: list[Said]
    ids: list[str]
    addresses: list[str]

    @property
    def text(self) -> str:
        return " ".join(piece.text.strip() for piece in self.said)


def read_page(page: bytes) -> PageText:
    reader = _Reader()
    reader.feed(page.decode("utf-8"))
    assert not [tag for tag, _ in reader.open], "every element is closed"
    return PageText(reader.said, reader.ids, reader.addresses)


def untraceable(page: bytes, tables: Mapping[str, pl.DataFrame]) -> Iterator[str]:
    """What is wrong with the numerals of a page: not from a table, or not as the table has it."""
    for piece in read_page(page).said:
        if piece.source is None:
            if not piece.is_fixed and re.search(r"\d", piece.text):
                yield f"not marked: {piece.text!r}"
            continue
        shown = NUMERAL.findall(piece.text)
        values = [_value(source, tables) for source in piece.source.split()]
        if not shown:
            if not any(value is None or isinstance(value, str | bool) for value in values):
                yield f"{piece.source}: no number is shown"
            continue
        if len(shown) != len(values):
            yield f"{piece.source}: {len(shown)} numbers of {len(values)}"
        for numeral, value in zip(shown, values, strict=False):
            if not _is_same(numeral, value):
                yield f"{piece.source}: {numeral} is shown for {value}"


def _value(source: str, tables: Mapping[str, pl.DataFrame]) -> object:
    table, row, column = source.split(".")
    return tables[table][column][int(row) - 1]


def _is_same(numeral: str, value: object) -> bool:
    """The numeral is the value, or its size where words say the direction."""
    if isinstance(value, str):
        return numeral.replace(",", "") in value.replace(MINUS, "-")
    if not isinstance(value, int | float):
        return False
    shown = float(numeral.replace(",", "").replace(MINUS, "-"))
    if numeral[0] in {"+", MINUS}:
        return shown == value
    return shown == abs(value)
