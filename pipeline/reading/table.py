"""The table that a platform's module finds in the records of a file.

What belongs here: columns by name, data rows with their numbers, which rows are blank or tests.
What stays out: what a mapping makes of it (`pipeline/reading/canonical.py`).
"""

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

    def rows(self, wanted: list[str]) -> pl.DataFrame:
        """The wanted columns of every row that is not blank, with `row_number` and `is_test`."""
        frame = self.records.frame
        fields = dict(zip(self.columns, frame.columns, strict=True))
        body = frame.slice(self.records.first + self.header_records).with_columns(
            pl.int_range(
                self.records.first + self.header_records + 1,
                frame.height + 1,
                dtype=pl.Int32,
                eager=False,
            ).alias(ours("row_number"))
        )
        anything = pl.any_horizontal(
            (pl.col(name).str.strip_chars() != "").fill_null(False) for name in frame.columns
        )
        named = body.filter(anything).rename({place: name for name, place in fields.items()})
        return named.select(ours("row_number"), self.test_row.alias(ours("is_test")), *wanted)

    @property
    def rows_in_file(self) -> int:
        return max(self.records.frame.height - self.records.first - self.header_records, 0)

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

    def _meant(self) -> list[tuple[str, str]]:
        return list(zip(self.columns, self.meanings or self.columns, strict=True))

    def _identifies(self, meaning: str) -> bool:
        return meaning.split("#", maxsplit=1)[0].lower() in self.identifying
