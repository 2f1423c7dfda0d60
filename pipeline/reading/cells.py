"""Cells of text -> dates, numbers, answers and agreed words.

What belongs here: how one cell is understood. What stays out: which column it stands in, and
whether what it says is acceptable. A cell that cannot be understood becomes null, or UNRECOGNISED
among answers, where null already means unanswered.
"""

import re
from typing import Final

import polars as pl

from pipeline.reading.mapping import Answers, Mapping
from pipeline.reference import Instrument

UNRECOGNISED: Final = -(2**15)
"""Stands in an item column for a cell that held something which is not an answer."""

_RECODED: Final = re.compile(r"\s*\(\d+\)\s*$")
_FAR_OUT_OF_RANGE: Final = 1_000
_TRUTHS: Final = {
    "true": "true",
    "yes": "true",
    "1": "true",
    "false": "false",
    "no": "false",
    "0": "false",
}
_LONGEST_SERVICE: Final = 60
_LONGEST_SECONDS: Final = 10 * 365 * 24 * 3600
_SERVICE_BANDS: Final = (
    (2, "under_2_years"),
    (5, "2_to_4_years"),
    (10, "5_to_9_years"),
    (_LONGEST_SERVICE + 1, "10_years_and_over"),
)


def tidy(text: str) -> str:
    """A spelling without case and with single spaces, as cells are compared with it."""
    return " ".join(text.lower().split())


def folded(column: str) -> pl.Expr:
    """Text cells as `tidy` would have them; non-breaking spaces count as spaces."""
    return pl.col(column).str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()


def translated(column: str, spellings: dict[str, str]) -> pl.Expr:
    """The word that a spelling stands for; `spellings` is in lower case; others become null."""
    return folded(column).replace_strict(
        list(spellings), list(spellings.values()), default=None, return_dtype=pl.String
    )


def spellings(field: str, mapping: Mapping, known: dict[str, str]) -> dict[str, str]:
    """What a cell of a field may say: the known spellings and the mapping's own for them.

    A mapping may translate a spelling to any known one (`T/DS: sergeant`, `DC: pc`).
    """
    return known | {
        tidy(spelling): known[tidy(meaning)]
        for spelling, meaning in mapping.values.get(field, {}).items()
        if tidy(meaning) in known
    }


def as_day(column: str, pattern: str) -> pl.Expr:
    """The day that a cell in strptime format `pattern` names; a time of day is dropped.

    True dates of a workbook come as ISO dates whatever they look like there, so those are always
    understood.
    """
    text = pl.col(column).str.strip_chars()
    iso = text.str.extract(r"^(\d{4}-\d{2}-\d{2})(?:[ T]\d{2}:\d{2}|$)").str.to_date(
        "%Y-%m-%d", strict=False
    )
    if any(code in pattern for code in ("%H", "%I", "%T", "%R")):
        named = text.str.to_datetime(pattern, strict=False, time_unit="us").dt.date()
    else:
        named = text.str.to_date(pattern, strict=False)
    # Where the year comes first the format decides: 2026-05-01 could be the fifth of January.
    return named if pattern.startswith("%Y-") else pl.coalesce(named, iso)


def as_whole_number(column: str) -> pl.Expr:
    number = pl.col(column).str.strip_chars().cast(pl.Float64, strict=False)
    return pl.when(number == number.floor()).then(number).cast(pl.Int32, strict=False)


def as_seconds(column: str) -> pl.Expr:
    """Whole seconds; what is no number, or no time anybody could take, is null."""
    seconds = pl.col(column).str.strip_chars().cast(pl.Float64, strict=False).round()
    return pl.when(seconds.is_between(0, _LONGEST_SECONDS)).then(seconds)


def as_truth(field: str, column: str, mapping: Mapping) -> pl.Expr:
    word = translated(column, spellings(field, mapping, _TRUTHS))
    return pl.when(word.is_not_null()).then(word == "true")


def service_band(column: str) -> pl.Expr:
    """Years of service in bands wide enough that a colleague does not recognise the officer."""
    years = pl.col(column).str.strip_chars().cast(pl.Float64, strict=False)
    limits = [
        pl.when(years.is_between(0, limit, closed="left")).then(pl.lit(name))
        for limit, name in _SERVICE_BANDS
    ]
    return pl.coalesce(limits)


def answers(cells: pl.Series, coding: Answers, instrument: Instrument) -> pl.Series:
    """Cells of one item as Int16 answers: null is unanswered, UNRECOGNISED not an answer."""
    parsed = (
        _answers_from_labels(cells, coding, instrument)
        if coding.coding == "labels"
        else _answers_from_numbers(cells) + coding.offset
    )
    if parsed.null_count() == cells.null_count():
        return parsed
    return parsed.set(parsed.is_null() & cells.is_not_null(), UNRECOGNISED)


def _answers_from_labels(cells: pl.Series, coding: Answers, instrument: Instrument) -> pl.Series:
    labels = coding.labels or {
        anchor: instrument.minimum + place for place, anchor in enumerate(instrument.anchors)
    }
    known = {_label(label): answer for label, answer in labels.items()}
    # A column holds a handful of different texts, so Python tidies those and not every cell.
    texts = cells.unique().drop_nulls().to_list()
    found = {text: known[_label(text)] for text in texts if _label(text) in known}
    return cells.replace_strict(
        list(found), list(found.values()), default=None, return_dtype=pl.Int16
    )


def _label(text: str) -> str:
    """A choice text without the recoded value that Qualtrics can add: `Very often (5)`."""
    return tidy(_RECODED.sub("", text))


def _answers_from_numbers(cells: pl.Series) -> pl.Series:
    if cells.dtype == pl.Int16:
        return cells
    quickly = cells.cast(pl.Int16, strict=False)
    if quickly.null_count() == cells.null_count():
        return quickly
    # Spreadsheets write `4.0` and ` 4`; a number too large for an answer is kept as too large.
    number = cells.str.strip_chars().cast(pl.Float64, strict=False)
    whole = number.is_finite() & (number == number.floor())
    clipped = number.clip(-_FAR_OUT_OF_RANGE, _FAR_OUT_OF_RANGE).cast(pl.Int16, strict=False)
    return clipped.set(~whole.fill_null(False), None)
