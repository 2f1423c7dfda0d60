"""Canonical fields: the column each comes from, the expression that parses it.

What belongs here: selecting parsed fields beside the marks of those that were not understood.
What stays out: which fields a kind has.
"""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass

import polars as pl

_VALUE, _MARK = "\nvalue", "\nmark"
_OFTEN = 8
_ENOUGH_TO_SHOW_REPEATS = 400

SHARED = ("row_number", "identifier", "code", "home_force", "consent", "is_test")
"""Columns that canonical rows of every kind begin with. A row has an identifier or, in the order of
`Mapping.elements`, the elements of a code."""


def ours(name: str) -> str:
    """What a shared column is called beside the columns of the file.

    Headings are tidied and hold no line break, so none of theirs can be called the same.
    """
    return f"\n{name}"


@dataclass(frozen=True, slots=True)
class Field:
    """One canonical field of a file.

    `said_as` is what mappings and rules call it: years of service are parsed into a band.
    """

    name: str
    said_as: str
    column: str
    parsed: pl.Expr
    blank_is_unrecognised: bool = False

    def mark(self, parsed: pl.Expr) -> pl.Expr:
        """The field's name where its cell was not understood, else null."""
        broken = parsed.is_null()
        if not self.blank_is_unrecognised:
            broken &= pl.col(self.column).is_not_null()
        return pl.when(broken).then(pl.lit(self.said_as))


def select_fields(
    rows: pl.DataFrame,
    fields: list[Field],
    types: Dictionary[str, pl.DataType],
    *beside: pl.Expr | pl.Series,
) -> pl.DataFrame:
    """Shared columns, `unrecognised`, the fields in the order and types of `types`, and `beside`.

    A field that the file does not have is null.
    """
    parsed = {field.name: _parsed(rows, field) for field in fields}
    marks = [made[_MARK].alias(name) for name, made in parsed.items()]
    marks.append(rows[ours("unrecognised")])
    return rows.select(
        *(pl.col(ours(name)).alias(name) for name in SHARED),
        _listed(marks).alias("unrecognised"),
        *(
            (parsed[name][_VALUE] if name in parsed else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in types.items()
        ),
        *beside,
    )


def _parsed(rows: pl.DataFrame, field: Field) -> pl.DataFrame:
    """The field of every row and its mark.

    Cells of registers repeat: days, numbers of sessions, yes and no. Those are parsed once each.
    """
    cells = rows.select(field.column)
    some = cells.head(_ENOUGH_TO_SHOW_REPEATS)
    if _OFTEN * some.n_unique() > some.height:
        return _with_mark(cells, field)
    return cells.join(
        _with_mark(cells.unique(), field),
        on=field.column,
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )


def _with_mark(cells: pl.DataFrame, field: Field) -> pl.DataFrame:
    # One after the other: within one step every use of an expression may be worked out anew.
    parsed = cells.with_columns(field.parsed.alias(_VALUE))
    return parsed.with_columns(field.mark(pl.col(_VALUE)).alias(_MARK))


def _listed(marks: list[pl.Series]) -> pl.Expr | pl.Series:
    told = [mark for mark in marks if mark.null_count() < len(mark)]
    if not told:
        return pl.lit([], pl.List(pl.String))
    return pl.select(pl.concat_list(told).list.drop_nulls()).to_series()
