"""The table that a platform's module finds in the records of a file.

What belongs here: columns by name, data rows with their numbers, which rows are blank or tests.
What stays out: what a mapping makes of it (`pipeline/reading/canonical.py`).
"""

from collections.abc import Callable, Collection
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field

import polars as pl

from pipeline.reading.fields import ours
from pipeline.reading.records import Records


@dataclass(frozen=True, slots=True)
class Use:
    """What a mapping makes of the columns that it names, where reading them depends on it."""

    personal: frozenset[str] = frozenset()
    """Columns that say something of the officer, on whichever row of a record they stand."""
    coded: frozenset[str] = frozenset()
    """Columns read as numbers: what a file's own labels say of their codes does not matter."""
    enrols: bool = False
    """A record is wanted for itself, though nothing else stands on any of its rows."""


_NO_USE = Use()


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
    """Rows that nobody meant as an answer.

    An unfinished response is none of them, whatever a platform calls it (`Finished` false, a blank
    `submitdate`, `[not completed]`): what an officer answered before stopping was meant, and the
    rule on unanswered items decides about it as about any other row.
    """
    derived: Dictionary[str, pl.Expr] = field(default_factory=dict)
    """Names that a mapping may use beside those of columns, and what of the columns they mean."""
    cell: Callable[[str], pl.Expr] | None = None
    """Cells of a column of text without what only this platform writes into them."""
    gathered: Callable[[pl.DataFrame, list[str], Use], pl.DataFrame] | None = None
    """Rows, with what stands once for a record carried to them and rows about nothing left out."""

    @property
    def names(self) -> set[str]:
        """Everything that a mapping may name."""
        return {*self.columns, *self.derived}

    def body(self, whole_numbers: Collection[str] = ()) -> pl.DataFrame:
        """Every data row with its `row_number`, in the fields of the records.

        Columns among `whole_numbers` may come as Int16: if each cell is blank or such a number.
        """
        fields = dict(zip(self.columns, self.records.fields, strict=True))
        top = self.records.first + self.header_records
        as_text = {*self.test_row.meta.root_names()}.union(
            *(made.meta.root_names() for made in self.derived.values())
        )
        numeric = {*whole_numbers} & {*self.columns} - as_text
        body = self.records.body(top, {fields[name] for name in numeric})
        numbers = pl.int_range(top + 1, top + 1 + pl.len(), dtype=pl.Int32)
        return body.with_columns(numbers.alias(ours("row_number")))

    def rows(self, wanted: list[str], body: pl.DataFrame, use: Use = _NO_USE) -> pl.DataFrame:
        """The wanted columns of every row of `body` that is not blank, and `is_test`."""
        fields = self.records.fields
        # Hardly a row has a blank first cell, and no other row can be blank.
        if body.select(is_blank(fields[0], body).any()).item():
            body = body.filter(~pl.all_horizontal(is_blank(name, body) for name in fields))
        named = body.rename(dict(zip(fields, self.columns, strict=True))).with_columns(
            self.test_row.alias(ours("is_test"))
        )
        named = named.with_columns(self._said(wanted, named, use))
        if self.gathered:
            named = self.gathered(named, wanted, use)
        return named.select(ours("row_number"), ours("is_test"), *wanted)

    def _said(self, wanted: list[str], named: pl.DataFrame, use: Use) -> list[pl.Expr]:
        """What cells of wanted columns say, where it is something else than what stands in them."""
        labels = dict(zip(self.columns, self.records.labels, strict=True))
        said = []
        for name in dict.fromkeys(wanted):
            if name in self.derived and name not in self.columns:
                said.append(self.derived[name].alias(name))
            elif labels.get(name) and name not in use.coded:
                said.append(pl.col(name).replace(labels[name]))
            elif self.cell and named.schema[name] == pl.String:
                said.append(self.cell(name).alias(name))
        return said

    def left_out(self, wanted: set[str]) -> list[str]:
        """Identifying columns of the platform that the mapping does not name."""
        named = self.columns_behind(wanted)
        return sorted(
            column
            for column, meaning in self._meant()
            if column not in named and self._identifies(meaning)
        )

    def unknown(self, wanted: set[str]) -> list[str]:
        """Columns that neither the mapping nor the platform accounts for."""
        named = self.columns_behind(wanted)
        return [
            column
            for column, meaning in self._meant()
            if column not in named
            and meaning not in self.expected
            and not self._identifies(meaning)
        ]

    def columns_behind(self, names: Collection[str]) -> set[str]:
        """Columns called by a name of their own or by one derived from them."""
        made = [self.derived[name].meta.root_names() for name in names if name in self.derived]
        return {*names}.union(*made)

    def is_empty(self, column: str, body: pl.DataFrame) -> bool:
        """Whether a column without a heading has no content either: spreadsheets append such."""
        place = self.columns.index(column)
        if not column.startswith("#"):
            return False
        return bool(body.select(is_blank(self.records.fields[place], body).all()).item())

    def _meant(self) -> list[tuple[str, str]]:
        return list(zip(self.columns, self.meanings or self.columns, strict=True))

    def _identifies(self, meaning: str) -> bool:
        return meaning.split("#", maxsplit=1)[0].lower() in self.identifying


def is_blank(column: str, frame: pl.DataFrame) -> pl.Expr:
    if frame.schema[column] != pl.String:
        return pl.col(column).is_null()
    return (pl.col(column).str.strip_chars() == "").fill_null(True)
