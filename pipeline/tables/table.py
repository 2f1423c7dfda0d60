"""What a published table is: grain, columns, types, units and meaning; DDL and comments of one.

What stays out: which tables there are (`core.py` and its neighbours), and IO.
"""

from dataclasses import dataclass
from enum import Enum

import polars as pl


class Type(Enum):
    """A column type as DuckDB and Polars spell it."""

    TEXT = ("VARCHAR", pl.String())
    WHOLE = ("INTEGER", pl.Int32())
    KEY = ("BIGINT", pl.Int64())
    NUMBER = ("DOUBLE", pl.Float64())
    TRUTH = ("BOOLEAN", pl.Boolean())
    DAY = ("DATE", pl.Date())
    MOMENT = ("TIMESTAMP", pl.Datetime("us"))
    ANSWERS = ("UTINYINT[]", pl.List(pl.UInt8()))
    TEXTS = ("VARCHAR[]", pl.List(pl.String()))
    WHOLES = ("INTEGER[]", pl.List(pl.Int32()))
    ANSWER = ("UTINYINT", pl.UInt8())

    def __init__(self, sql: str, dtype: pl.DataType) -> None:
        self.sql = sql
        self.dtype = dtype


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: Type
    description: str
    unit: str | None = None
    nullable: bool = True

    @property
    def meaning(self) -> str:
        """What stands as a comment in the database."""
        return f"{self.description} Unit: {self.unit}." if self.unit else self.description


@dataclass(frozen=True, slots=True)
class Table:
    """A published table. `key` is its grain; rows are sorted by `sort`, or by the key.

    An evaluation table keeps the order in which it was made, waves as the programme has them.
    """

    schema: str
    name: str
    grain: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    sort: tuple[str, ...] = ()
    keeps_order: bool = False

    @property
    def frame_schema(self) -> pl.Schema:
        return pl.Schema({column.name: column.type.dtype for column in self.columns})

    @property
    def qualified_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def about(self) -> str:
        """What stands as a comment in the database."""
        return f"{self.description} One row: {self.grain}."

    def empty(self) -> pl.DataFrame:
        return pl.DataFrame(schema=self.frame_schema)

    def _fitted(self, cells: pl.Series, column: Column) -> pl.Series:
        try:
            return cells.cast(column.type.dtype)
        except pl.exceptions.PolarsError:
            pass
        # Outside the handler: Polars quotes the cell, and a context would carry it on.
        raise ValueError(f"{self.qualified_name}.{column.name} is not {column.type.sql}")

    def _repeats_a_key(self, fitted: pl.DataFrame) -> bool:
        return bool(fitted.select(pl.struct(self.key).is_duplicated().any()).item())

    def _is_in_order(self, fitted: pl.DataFrame) -> bool:
        """Whether keys ascend, each above the one before, in a table that is sorted by its key.

        Looking costs a fraction of sorting and hashing millions of rows that are in order already.
        """
        if self.keeps_order or self.sort:
            return False
        ascends = pl.lit(False)
        for name in reversed(self.key):
            this, before = pl.col(name), pl.col(name).shift()
            ascends = (this > before) | ((this == before) & ascends)
        return bool(fitted.select(ascends.slice(1).fill_null(False).all()).item())

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with exactly this table's columns, types and row order.

        A column that the frame lacks becomes NULL if the table allows it. Raises ValueError naming
        table and column (never a value) for a NULL where none is allowed or a repeated key.
        """
        nothing = [
            pl.lit(None, column.type.dtype).alias(column.name)
            for column in self.columns
            if column.name not in frame.columns
        ]
        whole = frame.with_columns(nothing)
        fitted = pl.DataFrame([self._fitted(whole[column.name], column) for column in self.columns])
        in_order = self._is_in_order(fitted)
        if not in_order and not self.keeps_order:
            fitted = fitted.sort(self.sort or self.key, nulls_last=True)
        for column in self.columns:
            if not column.nullable and fitted[column.name].has_nulls():
                raise ValueError(f"{self.qualified_name}.{column.name} holds a NULL")
        if not in_order and self._repeats_a_key(fitted):
            raise ValueError(f"{self.qualified_name} has two rows for one {', '.join(self.key)}")
        return fitted


def ddl(table: Table) -> str:
    """The CREATE TABLE statement of a table."""
    columns = ",\n  ".join(
        f"{column.name} {column.type.sql}{'' if column.nullable else ' NOT NULL'}"
        for column in table.columns
    )
    return f"CREATE TABLE {table.qualified_name} (\n  {columns}\n)"


def comments(table: Table) -> list[str]:
    """The COMMENT ON statements of a table and of each of its columns."""
    return [
        f"COMMENT ON TABLE {table.qualified_name} IS {literal(table.about)}",
        *(
            f"COMMENT ON COLUMN {table.qualified_name}.{column.name} IS {literal(column.meaning)}"
            for column in table.columns
        ),
    ]


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
