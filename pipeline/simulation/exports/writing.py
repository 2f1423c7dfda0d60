"""What the files of every platform and register are written with: cells, bytes, a mapping's start.

What stays out: what one platform or clerk writes that others do not.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from pipeline.simulation.records import Sheet
from pipeline.vocabulary import Platform

HOME_FORCE: Final = "Home force"
NOT_A_CHOICE: Final = "see comment"
NOT_A_DATE: Final = "to be confirmed"
_NOT_A_NUMBER: Final = "not timed"


@dataclass(frozen=True, slots=True)
class Export:
    """A file as it arrives in landing. `row_numbers` belong to the sheet's rows, in their order."""

    mapping: dict[str, Any]
    content: bytes
    row_numbers: pl.Series


def delimited(headers: list[list[str]], body: pl.DataFrame, separator: str = ",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(headers)
    rows = io.BytesIO()
    body.write_csv(rows, include_header=False, separator=separator)
    return text.getvalue().encode() + rows.getvalue()


def with_times(sheet: Sheet) -> pl.DataFrame:
    """The rows of a questionnaire with the moments at which each was begun and ended."""
    ended = pl.col("completed_on").cast(pl.Datetime("us")) + pl.duration(seconds="clock")
    return sheet.rows.with_columns(
        ended.alias("ended"), (ended - pl.duration(seconds="duration_seconds")).alias("began")
    )


def numbered(sheet: Sheet, first: int) -> pl.Series:
    return pl.Series("row_number", range(first, first + sheet.rows.height), dtype=pl.Int64)


def broken(rule: str) -> pl.Expr:
    return (pl.col("fault") == rule).fill_null(False)


def spelled(column: str, spellings: Mapping[str, str]) -> pl.Expr:
    """A word in an organisation's spelling; what has none stays as it is."""
    return pl.col(column).replace(dict(spellings))


def dated(column: str, date_format: str, rule: str | None) -> pl.Expr:
    text = pl.col(column).dt.to_string(date_format)
    if rule is None:
        return text
    return pl.when(broken(rule)).then(pl.lit(NOT_A_DATE)).otherwise(text)


def timed(number: pl.Expr, rule: str) -> pl.Expr:
    return pl.when(broken(rule)).then(pl.lit(_NOT_A_NUMBER)).otherwise(number.cast(pl.String))


def declared(
    sheet: Sheet, platform: Platform, participant: str, force: str = HOME_FORCE
) -> dict[str, Any]:
    """The lines that every mapping begins with; `force` is where a unit's files say the force."""
    declared: dict[str, Any] = {
        "organisation": sheet.organisation.organisation,
        "source": sheet.source,
        "kind": sheet.kind.value,
        "platform": platform.value,
        "files": sheet.pattern,
        "participant": participant,
    }
    if sheet.organisation.is_unit:
        declared["home_force"] = {"column": force}
    return declared


def asked_of_some(
    sheet: Sheet, mapping: dict[str, Any], columns: dict[str, str], arm: str
) -> dict[str, pl.Expr]:
    """Cells of questions that only some organisations ask, of which the mapping is told.

    A unit's officers say their force, in the column that `mapping` declares; where no register
    says the arm, the questionnaire does, in a column called `arm`.
    """
    cells = {}
    if sheet.organisation.is_unit:
        cells[mapping["home_force"]["column"]] = home_force()
    if not sheet.organisation.has_registers:
        cells[arm] = pl.col("arm")
        columns["arm"] = arm
    return cells


def home_force(column: str = "home_force") -> pl.Expr:
    # As people write it: `Simulated Force 01`, which is the declared name.
    return pl.col(column).str.replace_all("-", " ").str.to_titlecase()


def meanings(spellings: Mapping[str, str]) -> dict[str, str]:
    """Spelling -> meaning, where the two differ."""
    return {
        spelling: str(meaning) for meaning, spelling in spellings.items() if spelling != meaning
    }
