"""Cells of text -> dates, numbers, answers and agreed words.

What belongs here: how one cell is understood. What stays out: which column it stands in, and
whether what it says is acceptable. A cell that cannot be understood becomes null, or UNRECOGNISED
among answers, where null already means unanswered.
"""

import re
from collections.abc import Callable, Collection
from collections.abc import Mapping as Dictionary
from datetime import date
from functools import partial
from typing import Final

import polars as pl

from pipeline.programme import Programme
from pipeline.reading.mapping import Answers, Mapping
from pipeline.reference import Instrument

UNRECOGNISED: Final = -(2**15)
"""Stands in an item column for a cell that held something which is not an answer."""

NOBODYS_ROW: Final = "row"
"""What `unrecognised` holds for a row that sums up others or repeats the headings."""

CODE_INCOMPLETE: Final = "code"
"""What `unrecognised` holds for a row whose code lacks one element."""

CODE_UNUSABLE: Final = "code elements"
"""What it holds for a row whose code lacks two elements or more."""

AUTO: Final = "auto"
"""Said for a date format where the file itself shows whether day or month comes first."""

LOST_DIGITS: Final = r"^[+-]?\d(?:[.,]\d+)?[eE][+-]\d+$"
"""How a spreadsheet writes a long number whose last digits it did not keep."""

_MONTHS_IN_WORDS: Final = (
    *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%d %b %y"),
    *("%b %d, %Y", "%B %d, %Y"),
)
_OURS: Final = (date(1900, 1, 1), date(2100, 12, 31))
_COUNTED: Final = (date(2000, 1, 1), date(2099, 12, 31))
_DAY_ZERO: Final = date(1899, 12, 30)

_UNSPOKEN: Final = re.compile(r"(?<=[^\W\d])\.|['\u2019]")
_PUNCTUATION: Final = re.compile('[/\\\\_,:;()\\[\\]"\u201c\u201d\u2010-\u2015-]')
_RECODED: Final = re.compile(r"\s*\(\d+\)\s*$")
_FAR_OUT_OF_RANGE: Final = 1_000
TRUTHS: Final = {
    "true": "true",
    "yes": "true",
    "1": "true",
    "false": "false",
    "no": "false",
    "0": "false",
}
_LONGEST_SECONDS: Final = 10 * 365 * 24 * 3600


def tidy(text: str) -> str:
    """A spelling without case and with single spaces, as cells are compared with it."""
    return " ".join(text.lower().split())


def folded(column: str) -> pl.Expr:
    """Text cells as `tidy` would have them; non-breaking spaces count as spaces."""
    return pl.col(column).str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()


def as_it_stands(column: str) -> pl.Expr:
    return pl.col(column).str.strip_chars()


def translated(column: str, spellings: dict[str, str]) -> pl.Expr:
    """The word that a spelling stands for; `spellings` is in lower case; others become null."""
    return folded(column).replace_strict(
        list(spellings), list(spellings.values()), default=None, return_dtype=pl.String
    )


def bare(text: str) -> str:
    """A spelling as `tidy` has it, without punctuation: `Det. Sgt` is `det sgt`, `T/DS` is `t ds`.

    A sign that stands alone is no punctuation: registers tick with a stroke.
    """
    words = _PUNCTUATION.sub(" ", _UNSPOKEN.sub("", text.lower().replace("&", " and ")))
    return " ".join(words.split()) or tidy(text)


def worded(column: str, known: Dictionary[str, str], given: Dictionary[str, str]) -> pl.Expr:
    """The word that a spelling stands for, whatever its punctuation; others become null.

    `given` is what a mapping says, with spellings as `tidy` has them; it comes before `known`.
    """
    words = {bare(said): meant for said, meant in known.items()}
    words |= {bare(said): meant for said, meant in given.items()}
    return understood(column, lambda text: given.get(tidy(text)) or words.get(bare(text)))


def understood(column: str, meaning: Callable[[str], str | None]) -> pl.Expr:
    """What each cell means; `meaning` is asked once for each different text."""

    def translated_cells(cells: pl.Series) -> pl.Series:
        # A column holds a handful of different texts, so Python looks at those and not every cell.
        meant = {text: meaning(text) for text in cells.unique().drop_nulls().to_list()}
        return cells.replace_strict(
            list(meant), list(meant.values()), default=None, return_dtype=pl.String
        )

    return pl.col(column).map_batches(translated_cells, return_dtype=pl.String())


def given(field: str, mapping: Mapping, known: Dictionary[str, str]) -> dict[str, str]:
    """What a mapping says that spellings of a field mean, in the words of `known`.

    A mapping may translate a spelling to any known one (`T/DS: sergeant`, `DC: pc`).
    """
    return {
        tidy(spelling): known[tidy(meaning)]
        for spelling, meaning in mapping.values.get(field, {}).items()
        if tidy(meaning) in known
    }


def given_words(field: str, mapping: Mapping) -> dict[str, str]:
    """What a mapping says that spellings of a field mean, each meaning a spelling of itself.

    For fields that may mean any word there: it was written by whoever wrote the mapping.
    """
    declared = mapping.values.get(field, {})
    own = {tidy(meant): meant for meant in declared.values()}
    return own | {tidy(said): meant for said, meant in declared.items()}


def spellings(field: str, mapping: Mapping, known: dict[str, str]) -> dict[str, str]:
    """What a cell of a field may say: the known spellings and the mapping's own for them."""
    return known | given(field, mapping, known)


def forces(programme: Programme) -> dict[str, str]:
    """What a cell may call a police force, as `tidy` has it -> the force."""
    return {
        tidy(spelling): name
        for name, force in programme.known_forces.items()
        for spelling in (name, force.name)
    }


def arm(column: str, mapping: Mapping, programme: Programme) -> pl.Expr:
    """The programme's arm that a cell names."""
    arms = {arm.lower(): arm for arm in programme.arm_names}
    return translated(column, spellings("arm", mapping, arms))


def as_day(column: str, pattern: str) -> pl.Expr:
    """The day that a cell in strptime format `pattern` names; a time of day is dropped.

    True dates of a workbook come as ISO dates whatever they look like there, so those are always
    understood; so are the numbers that spreadsheets count days with, and with AUTO months in
    words. Years that nobody could mean are not: `26` is no year.
    """
    return pl.col(column).map_batches(partial(_days, pattern=pattern), return_dtype=pl.Date())


def _days(cells: pl.Series, pattern: str) -> pl.Series:
    """Each way of writing a day is tried only where those before it left cells over."""
    text = cells.str.strip_chars()
    # Where the year comes first the format decides: 2026-05-01 could be the fifth of January.
    ways = (_from_serial,) if pattern.startswith("%Y-") else (_from_iso, _from_serial)
    days = _named(text, pattern)
    for way in ways:
        if days.null_count() == cells.null_count():
            break
        days = days.zip_with(days.is_not_null(), way(text))
    return days


def _named(text: pl.Series, pattern: str) -> pl.Series:
    if pattern == AUTO:
        tried = [text.str.to_date(each, strict=False) for each in _MONTHS_IN_WORDS]
        days = pl.select(pl.coalesce(tried)).to_series()
    elif any(code in pattern for code in ("%H", "%I", "%T", "%R")):
        days = text.str.to_datetime(pattern, strict=False, time_unit="us").dt.date()
    else:
        days = text.str.to_date(pattern, strict=False)
    return days.set(~days.is_between(*_OURS), None)


def _from_iso(text: pl.Series) -> pl.Series:
    days = text.str.extract(r"^(\d{4}-\d{2}-\d{2})(?:[ T]\d{2}:\d{2}|$)")
    return days.str.to_date("%Y-%m-%d", strict=False)


def _from_serial(text: pl.Series) -> pl.Series:
    """The day of a number such as 46027 or 46027.375, which counts days as Excel does."""
    number = text.str.extract(r"^(\d{5})(?:[.,]\d+)?$").cast(pl.Int32)
    # Dates are counted from 1970 here.
    days = (number - (date(1970, 1, 1) - _DAY_ZERO).days).cast(pl.Date)
    return days.set(~days.is_between(*_COUNTED), None)


def _numbers(cells: pl.Series) -> pl.Series:
    """Numbers with a point or a comma for decimals.

    `1,250` is none: it could be a thousand or hardly more than one.
    """
    text = cells.str.strip_chars()
    numbers = text.cast(pl.Float64, strict=False)
    if numbers.null_count() == cells.null_count():
        return numbers
    with_comma = text.str.extract(r"^([+-]?\d+,(?:\d{1,2}|\d{4,}))$").str.replace(",", ".")
    return numbers.zip_with(numbers.is_not_null(), with_comma.cast(pl.Float64))


def as_whole_number(column: str) -> pl.Expr:
    def whole(cells: pl.Series) -> pl.Series:
        numbers = _numbers(cells)
        return numbers.set(numbers != numbers.floor(), None).cast(pl.Int32, strict=False)

    return pl.col(column).map_batches(whole, return_dtype=pl.Int32())


def as_seconds(column: str) -> pl.Expr:
    """Whole seconds; what is no number, or no time anybody could take, is null."""

    def seconds(cells: pl.Series) -> pl.Series:
        numbers = _numbers(cells).round()
        return numbers.set(~numbers.is_between(0, _LONGEST_SECONDS), None)

    return pl.col(column).map_batches(seconds, return_dtype=pl.Float64())


def as_truth(field: str, column: str, mapping: Mapping) -> pl.Expr:
    word = translated(column, spellings(field, mapping, TRUTHS))
    return pl.when(word.is_not_null()).then(word == "true")


_ENOUGH_TO_SHOW_TEXTS: Final = 200


def answers(
    cells: pl.DataFrame, coding: Answers, instrument: Instrument, missing: Collection[str] = ()
) -> pl.DataFrame:
    """Cells of items as Int16 answers: null is unanswered, UNRECOGNISED not an answer.

    `missing` are texts that stand for no answer; among numbers they must be null already.
    """
    if coding.coding == "labels":
        return _answers_from_labels(cells, coding, instrument, {"", *missing})
    return cells.select(_answers_from_numbers(column, coding, instrument) for column in cells)


def _answers_from_labels(
    cells: pl.DataFrame, coding: Answers, instrument: Instrument, missing: Collection[str]
) -> pl.DataFrame:
    labels = coding.labels or {
        anchor: instrument.minimum + place for place, anchor in enumerate(instrument.anchors)
    }
    known = {_label(label): answer for label, answer in labels.items()}

    def translated(rows: pl.DataFrame) -> pl.DataFrame:
        """All cells by the texts that occur in `rows`; null where a text does not occur there."""
        # All items together hold a handful of different texts, so Python tidies those and not
        # every cell.
        distinct = rows.select(pl.all().unique().implode()).row(0) if rows.width else ()
        texts = {text for column in distinct for text in column if text is not None}
        said = sorted(text for text in texts if text.strip() not in missing)
        told = pl.lit(pl.Series([known.get(_label(t), UNRECOGNISED) for t in said], dtype=pl.Int16))
        # By place among the texts: looking each cell up among them takes twice the time.
        texts_said = pl.Enum(said)
        return cells.select(
            told.gather(pl.col(item).cast(texts_said, strict=False).to_physical()).alias(item)
            for item in cells.columns
        )

    # The first rows nearly always show every text there is, and then nothing has become null.
    quickly = translated(cells.head(_ENOUGH_TO_SHOW_TEXTS))
    if quickly.null_count().equals(cells.null_count()):
        return quickly
    return translated(cells)


def _label(text: str) -> str:
    """A choice text without the recoded value that Qualtrics can add: `Very often (5)`."""
    return tidy(_RECODED.sub("", text))


def _answers_from_numbers(cells: pl.Series, coding: Answers, instrument: Instrument) -> pl.Series:
    if cells.dtype == pl.Int16:
        return _counted(cells, coding, instrument)
    quickly = cells.cast(pl.Int16, strict=False)
    if quickly.null_count() == cells.null_count():
        return _counted(quickly, coding, instrument)
    # Spreadsheets write `4.0`, `4,0` and ` 4`; a number too large for an answer is kept as such.
    number = _numbers(cells)
    whole = number.is_finite() & (number == number.floor())
    clipped = number.clip(-_FAR_OUT_OF_RANGE, _FAR_OUT_OF_RANGE).cast(pl.Int16, strict=False)
    parsed = _counted(clipped.set(~whole.fill_null(False), None), coding, instrument)
    return parsed.set(parsed.is_null() & cells.is_not_null(), UNRECOGNISED)


def _counted(numbers: pl.Series, coding: Answers, instrument: Instrument) -> pl.Series:
    """Numbers of an export as the instrument counts."""
    counted = numbers + coding.offset if coding.offset else numbers
    return instrument.minimum + instrument.maximum - counted if coding.reversed else counted
