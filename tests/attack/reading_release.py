"""A release's figures by the groups they are about, and how the release prints numbers.

What belongs here: reading, and comparing with the release before. What stays out: inference.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl
from published import KEYS, Cell, Group, Measure, Release, Row, World, areas, cells_of

EXACT: Final = 1e-9
_PLACES: Final = (0, 1, 2, 3, 4)
FEWEST_PRINTED: Final = 10


def half_place(column: pl.Series) -> float:
    """Half of the last place that figures are printed with; EXACT if not rounded to four places."""
    values = column.drop_nulls().to_list()
    for places in _PLACES:
        if all(abs(round(value, places) - value) < EXACT for value in values):
            # A little more, since binary fractions are not quite where decimals are.
            return 0.5 * 10**-places * (1 + 1e-6)
    return EXACT


@dataclass(frozen=True, slots=True)
class Line:
    """One group's figures in one row."""

    cell: Cell
    row: Row

    def value(self, column: str | None) -> float | None:
        found = self.row.get(column) if column else None
        return None if found is None else float(found)

    @property
    def n(self) -> float | None:
        return self.value(self.cell.count)

    @property
    def figures(self) -> dict[str, float | None]:
        return {
            f"{self.cell.table} {self.cell.key} {column}": self.value(column)
            for column in self.cell.figures
        }


@dataclass(slots=True)
class Shown:
    """All that a release prints about one group."""

    group: Group
    lines: list[Line] = field(default_factory=list)
    may_be_old: bool = False
    """Every figure is that of the group's last publication, so it may be of the group as it was."""

    @property
    def n(self) -> float | None:
        return next((line.n for line in self.lines if line.n is not None), None)

    @property
    def figures(self) -> dict[str, float | None]:
        found: dict[str, float | None] = {}
        for line in self.lines:
            found |= line.figures
        return found

    def of(self, measure: Measure) -> Line | None:
        return next((line for line in self.lines if line.cell.measure == measure), None)


@dataclass(frozen=True)
class Print:
    """A release as somebody reads it who has read the ones before."""

    number: int
    """Its place among them, from 0."""
    release: Release
    groups: Mapping[Group, Shown]
    areas: Mapping[str, tuple[str, ...]]
    counts_to: int
    """5, or 1 where some count is no multiple of it."""
    fewest: int
    """10, or 0 where a smaller count is printed."""
    half_places: Mapping[tuple[str, str], float]
    """Table and column -> half of the last place printed."""
    last: Mapping[Group, tuple[int, Shown]]
    """Of every group that was ever printed, the number of the release that did so last."""

    def people(self, printed: float) -> tuple[int, int]:
        """The numbers of officers that are printed so."""
        half = self.counts_to // 2
        return max(int(printed) - half, self.fewest), int(printed) + half

    def is_printed(self, group: Group) -> bool:
        shown = self.groups.get(group)
        return shown is not None and shown.n is not None

    def half(self, line: Line, column: str) -> float:
        return self.half_places[line.cell.table, column]


def read(release: Release, world: World, before: Print | None) -> Print:
    """The release's figures by group."""
    groups: dict[Group, Shown] = {}
    for line in _lines(release, world):
        groups.setdefault(line.cell.group, Shown(line.cell.group)).lines.append(line)
    last = dict(before.last) if before else {}
    number = before.number + 1 if before else 0
    for group, shown in groups.items():
        if shown.n is not None:
            shown.may_be_old = group in last and _says_the_same(last[group][1], shown)
            last[group] = (number, shown)
    counts = [line.n for shown in groups.values() for line in shown.lines if line.n is not None]
    return Print(
        number,
        release,
        groups,
        areas(release),
        counts_to=5 if all(n % 5 == 0 for n in counts) else 1,
        fewest=0 if any(n < FEWEST_PRINTED for n in counts) else FEWEST_PRINTED,
        half_places={
            (table, name): half_place(frame[name])
            for table, frame in release.items()
            for name, dtype in frame.schema.items()
            if dtype.is_numeric()
        },
        last=last,
    )


def _lines(release: Release, world: World) -> Iterator[Line]:
    for table in KEYS:
        if table in release:
            for row in release[table].iter_rows(named=True):
                for cell in cells_of(table, row, world):
                    yield Line(cell, row)


def _says_the_same(earlier: Shown, now: Shown) -> bool:
    """Whether what both print is the same; steps of retention and bands may be cut anew."""
    then, today = earlier.figures, now.figures
    return all(then[name] == value for name, value in today.items() if name in then)
