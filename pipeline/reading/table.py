"""The table that a platform's module finds in the records of a file.

What belongs here: columns by name, data rows with their numbers, which rows are blank or tests.
What stays out: what a mapping makes of it (`pipeline/reading/canonical.py`).
"""

from collections.abc import Collection
from dataclasses import dataclass, field

import polars as pl

from pipeline.reading.fields import ours
from pipeline.reading.tabular import Records


@dataclass(frozen=True, slots=True)
class Table:
    """Data rows of an export; the platform says where they begin and which columns identify."""

    columns: list[str]
    records: Records
    header_records: int
    identifying: frozenset[str]
    """Names, in lower case, of columns that hold identifiers on this platform."""
    expected: frozenset[str] = frozenset()
    """Metadata columns that every export of the platform has."""
    meanings: list[str] | None = None
    """What the platform calls each column, where its heading does not say it."""
    test_row: pl.Expr = field(default_factory=lambda: pl.lit(False))

    def body(self, whole_numbers: Collection[str] = ()) -> pl.DataFrame:
        """Every data row with its `row_number`, in the fields of the records.

        Columns among `whole_numbers` may come as Int16: if each cell is blank or such a number.
        """
        fields = dict(zip(self.columns, self.records.fields, strict=True))
        top = self.records.first + self.header_records
        numeric = {*whole_numbers} & {*self.columns} - {*self.test_row.meta.root_names()}
        body = self.records.body(top, {fields[name] for name in numeric})
        numbers = pl.int_range(top + 1, top + 1 + pl.len(), dtype=pl.Int32)
        return body.with_columns(numbers.alias(ours("row_number")))

    def rows(self, wanted: list[str], body: pl.DataFrame) -> pl.DataFrame:
        """The wanted columns of every row of `body` that is not blank, and `is_test`."""
        fields = self.records.fields
        # Hardly a row has a blank first cell, and no other row can be blank.
        if body.select(_is_blank(fields[0], body).any()).item():
            body = body.filter(~pl.all_horizontal(_is_blank(name, body) for name in fields))
        named = body.rename(dict(zip(fields, self.columns, strict=True)))
        return named.select(ours("row_number"), self.test_row.alias(ours("is_test")), *wanted)

    def left_out(self, wanted: set[str]) -> list[str]:
        """Identifying columns of the platform that the mapping does not name."""
        return sorted(
            column
            for column, meaning in self._meant()
            if column not in wanted and self._identifies(meaning)
        )

    def unknown(self, wanted: set[str]) -> list[str]:
        """Columns that neither the mapping nor the platform accounts for."""
        return [
            column
            for column, meaning in self._meant()
            if column not in wanted
            and meaning not in self.expected
            and not self._identifies(meaning)
        ]

    def is_empty(self, column: str, body: pl.DataFrame) -> bool:
        """Whether a column without a heading has no content either: spreadsheets append such."""
        place = self.columns.index(column)
        if not column.startswith("#"):
            return False
        return bool(body.select(_is_blank(self.records.fields[place], body).all()).item())

    def _meant(self) -> list[tuple[str, str]]:
        return list(zip(self.columns, self.meanings or self.columns, strict=True))

    def _identifies(self, meaning: str) -> bool:
        return meaning.split("#", maxsplit=1)[0].lower() in self.identifying


def _is_blank(column: str, frame: pl.DataFrame) -> pl.Expr:
    if frame.schema[column] != pl.String:
        return pl.col(column).is_null()
    return (pl.col(column).str.strip_chars() == "").fill_null(True)
