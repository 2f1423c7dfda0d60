"""The order of day and month in a file's columns of days: settled for a whole file, never guessed.

What belongs here: whether a column can be what the mapping says of it. What stays out: how one
cell is parsed (`cells.as_day`). A cell such as 05/06/2026 says nothing by itself, and spreadsheets
turn such cells around where they can, so one cell that fits only the other order makes every
other of its column doubtful: the file is held.
"""

import re
from collections.abc import Iterable
from typing import Final

import polars as pl

from pipeline.reading.cells import AUTO, as_day
from pipeline.reading.fields import ours
from pipeline.reading.records import Unreadable

_IN_NUMBERS: Final = r"^(\d{1,2})[/. -](\d{1,2})[/. -](\d{4}|\d{2})(?:[ T,].*)?$"
_DAY_OR_MONTH: Final = re.compile(r"%([dem])")
_TRUE_DATE: Final = r"^\d{4}-\d{2}-(\d{2})(?:[ T]|$)"


def settled(rows: pl.DataFrame, columns: Iterable[str], date_format: str) -> pl.DataFrame:
    """The rows with days that `cells.as_day` understands; raises Unreadable where order is open.

    With a format of its own, a mapping decides, and the rows stay as they are.
    """
    present = list(dict.fromkeys(columns))
    if date_format == AUTO:
        return _settled_by_the_file(rows, present)
    other = _other_order(date_format)
    if other is not None:
        for column in present:
            _check_format(rows, column, date_format, other)
    return rows


def _other_order(date_format: str) -> str | None:
    """The format with day and month in each other's place, if it has both in numbers."""
    codes = _DAY_OR_MONTH.findall(date_format)
    if "m" not in codes or len(codes) != 2 or date_format.startswith("%Y-%m"):
        return None
    day = "d" if "d" in codes else "e"
    return _DAY_OR_MONTH.sub(lambda code: f"%{day if code[1] == 'm' else 'm'}", date_format)


def _check_format(rows: pl.DataFrame, column: str, date_format: str, other: str) -> None:
    cell = pl.col(column)
    quickly = rows.select(
        unfit=(cell.is_not_null() & as_day(column, date_format).is_null()).any(),
        true=cell.str.contains(_TRUE_DATE).any(),
    )
    if quickly.row(0) == (False, False):
        return
    days = rows.select(cell.alias("cell").unique().drop_nulls()).with_columns(
        as_day("cell", date_format).alias("day"),
        pl.col("cell").str.extract(_TRUE_DATE).cast(pl.Int32).alias("true"),
    )
    unfit = days["day"].null_count()
    if unfit:
        turned = days.filter(pl.col("day").is_null() & as_day("cell", other).is_not_null())
        if not turned.is_empty():
            raise Unreadable(
                f"row {_first_row(rows, column, turned['cell'])} of column `{column}` is a date "
                f"only with day and month the other way round than date_format {date_format} has "
                "them; correct date_format in the mapping, or ask for the column in one order"
            )
    if days["true"].null_count() in {days.height, unfit}:
        return
    # A spreadsheet in the other order makes true dates of what it can, turned around, and leaves
    # the rest as text: then days after the twelfth are among the text alone.
    text = days.filter(pl.col("true").is_null() & pl.col("day").is_not_null())
    if text.is_empty() or (days["true"] > 12).any() or (text["day"].dt.day() <= 12).any():
        return
    raise Unreadable(
        f"column `{column}` holds true dates and, from row "
        f"{_first_row(rows, column, text['cell'])} on, dates as text that a spreadsheet did "
        "not take for dates; it may have turned day and month around in the others, so ask "
        "for the export before it was opened there"
    )


def _settled_by_the_file(rows: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    parts = {
        column: rows.select(
            ours("row_number"),
            pl.col(column).str.strip_chars().str.extract_groups(_IN_NUMBERS).alias("part"),
        )
        .unnest("part")
        .rename({"1": "first", "2": "second", "3": "year"})
        .with_columns(pl.col("first", "second").cast(pl.Int32))
        for column in columns
    }
    day_first = _first_over_twelve(parts, "first", "second")
    month_first = _first_over_twelve(parts, "second", "first")
    if day_first and month_first:
        raise Unreadable(
            f"row {day_first[0]} of column `{day_first[1]}` has the day first and row "
            f"{month_first[0]} of column `{month_first[1]}` the month; ask for the export before "
            "it was opened in a spreadsheet, or for dates such as 2026-09-30"
        )
    if not day_first and not month_first:
        for column, part in parts.items():
            open_ = part.filter(pl.col("first") != pl.col("second"))
            if not open_.is_empty():
                raise Unreadable(
                    f"day and month cannot be told apart in column `{column}` (row "
                    f"{open_[ours('row_number')][0]} is the first); say which comes first with "
                    "date_format in the mapping, such as %d/%m/%Y"
                )
    day, month = ("second", "first") if month_first else ("first", "second")
    return rows.with_columns(
        pl.coalesce(_as_iso(part, day, month), rows[column]).alias(column)
        for column, part in parts.items()
    )


def _first_over_twelve(
    parts: dict[str, pl.DataFrame], large: str, small: str
) -> tuple[int, str] | None:
    """Row and column of the first cell whose one part can only be a day."""
    for column, part in parts.items():
        telling = part.filter(pl.col(large).is_between(13, 31) & pl.col(small).is_between(1, 12))
        if not telling.is_empty():
            return int(telling[ours("row_number")][0]), column
    return None


def _as_iso(part: pl.DataFrame, day: str, month: str) -> pl.Series:
    year = pl.when(pl.col("year").str.len_chars() == 2).then(pl.lit("20") + pl.col("year"))
    return part.select(
        pl.concat_str(
            year.otherwise("year"),
            pl.col(month).cast(pl.String).str.zfill(2),
            pl.col(day).cast(pl.String).str.zfill(2),
            separator="-",
        )
        .str.to_date("%Y-%m-%d", strict=False)
        .dt.to_string("%Y-%m-%d")
    ).to_series()


def _first_row(rows: pl.DataFrame, column: str, cells: pl.Series) -> int:
    return int(rows.filter(pl.col(column).is_in(cells.implode()))[ours("row_number")][0])
