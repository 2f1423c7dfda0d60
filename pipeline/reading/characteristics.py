"""What cells say of an officer: rank, service, gender, ethnicity.

What belongs here: spellings and code schemes -> the groups that tables use. What stays out: the
lists of spellings (`pipeline/reference`), and in which column a cell stands.

Nothing is kept as it stands and nothing is guessed: where an export's columns slipped, names stand
in such cells.
"""

import re
from typing import Final

import polars as pl

from pipeline.reading import cells
from pipeline.reading.mapping import Mapping
from pipeline.reference import (
    LONGEST_SERVICE,
    SERVICE_BANDS,
    ethnicity_groups,
    genders,
    rank_groups,
)

_NUMBER: Final = r"\d{1,3}(?:\.\d+|,\d{1,2})?"
_YEARS: Final = r" ?(?:years?|yrs?|y)"
_UNIT: Final = rf"(?:{_YEARS}\b)?"
_EXACTLY: Final = re.compile(
    rf"(?P<years>{_NUMBER}){_UNIT}(?: of service)?"
    rf"|(?:(?P<whole>\d{{1,2}}){_YEARS},?(?: and)? ?)?(?P<months>\d{{1,3}}) ?(?:months?|mths?)"
)
_RANGES: Final = tuple(
    re.compile(form)
    for form in (
        rf"(?P<least>{_NUMBER}){_UNIT} ?(?:-|to) ?(?P<most>{_NUMBER}){_UNIT}",
        rf"(?P<least>{_NUMBER}){_UNIT} ?(?:-|to) ?(?:under|less than|<) ?"
        rf"(?P<below>{_NUMBER}){_UNIT}",
        rf"(?:under|less than|fewer than|below|<) ?(?P<below>{_NUMBER}){_UNIT}",
        rf"(?:over|more than|above|at least|>=?|≥) ?(?P<least>{_NUMBER}){_UNIT}",
        rf"(?P<least>{_NUMBER}){_UNIT} ?(?:\+|plus|(?:and|or) (?:over|more|above)){_UNIT}",
    )
)


def rank(column: str, mapping: Mapping) -> pl.Expr:
    """The group of a rank or role."""
    known = dict(rank_groups())
    return cells.worded(column, known, cells.given("rank", mapping, known))


def ethnicity(column: str, mapping: Mapping) -> pl.Expr:
    """The broad group of an ethnicity."""
    known = dict(ethnicity_groups())
    return cells.worded(column, known, cells.given("ethnicity", mapping, known))


def gender(column: str, mapping: Mapping) -> pl.Expr:
    """Gender as one of the usual words or of those that the mapping says cells mean."""
    return cells.worded(column, genders(), cells.given_words("gender", mapping))


def service_band(column: str, mapping: Mapping) -> pl.Expr:
    """The band of years of service that a number, or a band of another width, lies wholly in."""
    bands = {band: band for band in SERVICE_BANDS}
    given = cells.given("service_years", mapping, bands)
    return cells.understood(column, lambda text: given.get(cells.tidy(text)) or _band(text))


def _band(text: str) -> str | None:
    said = cells.tidy(text)
    if said in SERVICE_BANDS:
        return said
    years = _years(re.sub("[\u2010-\u2015]", "-", said))
    if years is None:
        return None
    least, below = years
    for band, (first, beyond) in SERVICE_BANDS.items():
        if first <= least < below <= beyond:
            return band
    return None


def _years(said: str) -> tuple[float, float] | None:
    """The least years of service that a text speaks of, and those that it stays below.

    Bands count whole years, so `5-9` stays below ten; so does `9`, which is nine years and more.
    """
    if match := _EXACTLY.fullmatch(said):
        part = match.groupdict("0")
        years = _number(part["years"]) + int(part["whole"]) + int(part["months"]) / 12
        return years, int(years) + 1
    for form in _RANGES:
        if match := form.fullmatch(said):
            part = match.groupdict()
            least = _number(part.get("least", "0"))
            if "most" in part:
                return least, int(_number(part["most"])) + 1
            return least, _number(part.get("below", str(LONGEST_SERVICE + 1)))
    return None


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def years_between(joined_on: str, day: str) -> pl.Expr:
    """Whole years from one day to another (columns of days) as text; null where either is."""
    began, then = pl.col(joined_on), pl.col(day)
    early = (then.dt.month() * 100 + then.dt.day()) < (began.dt.month() * 100 + began.dt.day())
    return (then.dt.year() - began.dt.year() - early.cast(pl.Int32)).cast(pl.String)
