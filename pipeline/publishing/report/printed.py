"""Release tables as the report reads them: rows that know their place, figures that know theirs.

What stays out: which rows a section asks for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from pipeline.publishing.report.passages import Figure, Fixed, Part
from pipeline.publishing.report.words import number

ALL: Final = "all"
NOTES: Final[Mapping[str, str]] = {
    "c": "[c]",
    "x": "[x]",
    "z": "[z]",
}
"""What stands in place of a figure, as UK statistical spreadsheets write it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a release table; `place` counts from 1."""

    table: str
    place: int
    cells: Mapping[str, Any]

    def text(self, column: str) -> str:
        """A key or fact as text; empty where there is none."""
        found = self.cells.get(column)
        return "" if found is None else str(found)

    def number(self, column: str) -> float | None:
        """A figure; None where it is left out or the column is not there."""
        found = self.cells.get(column)
        return None if found is None else float(found)

    def has(self, *columns: str) -> bool:
        return all(self.cells.get(column) is not None for column in columns)

    def source(self, column: str) -> str:
        return f"{self.table}.{self.place}.{column}"

    def figure(self, column: str, *, size: bool = False, signed: bool = False) -> Figure:
        """A figure as it is printed; its sign of omission where it is left out.

        `size` drops the sign of a number whose direction the sentence says; `signed` shows a plus.
        """
        found = self.cells.get(column)
        if found is None:
            note = self.text(f"{column}_note")
            return Figure(NOTES.get(note, "[x]"), self.source(column))
        if isinstance(found, str):
            return Figure(found.replace("_", " "), self.source(column))
        return Figure(number(abs(found) if size else found, signed=signed), self.source(column))

    def cell(self, column: str) -> Part:
        """A fact of the table that may hold digits, spelt as it is."""
        return Figure(self.text(column), self.source(column))

    def __getitem__(self, column: str) -> Any:
        return self.cells[column]


class Printed:
    """The tables of one release."""

    def __init__(self, tables: Mapping[str, pl.DataFrame]) -> None:
        self._rows = {
            name: [Row(name, place, cells) for place, cells in enumerate(frame.to_dicts(), start=1)]
            for name, frame in tables.items()
        }
        self._columns = {name: frame.columns for name, frame in tables.items()}

    @property
    def names(self) -> list[str]:
        return list(self._rows)

    def has(self, table: str) -> bool:
        """Whether the release has the table, and anything in it is printed."""
        figures = self.figures_of(table)
        return any(row.has(column) for row in self._rows.get(table, []) for column in figures)

    def rows(self, table: str, **where: Any) -> list[Row]:
        """Rows whose columns are as asked, in the table's order; none of a table that is missing.

        A column that the table does not have is no hindrance.
        """
        return list(self._matching(table, where))

    def first(self, table: str, **where: Any) -> Row | None:
        return next(self._matching(table, where), None)

    def figures_of(self, table: str) -> list[str]:
        """Columns that have a note behind them."""
        columns = self._columns.get(table, [])
        return [name for name in columns if f"{name}_note" in columns]

    def _matching(self, table: str, where: Mapping[str, Any]) -> Iterator[Row]:
        for row in self._rows.get(table, []):
            if all(row.cells.get(name, value) == value for name, value in where.items()):
                yield row


def name_of(printed: Printed, organisation: str) -> Fixed:
    """An organisation's full name; what stands for several says so."""
    if organisation == ALL:
        return Fixed("All organisations")
    if organisation == "others":
        return Fixed("Others, pooled")
    row = printed.first("areas", organisation=organisation)
    return Fixed(row.text("name") if row else organisation)
