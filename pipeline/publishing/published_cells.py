"""What a release says of how many officers there are, as an intruder would read it.

What belongs here: from rows of release tables to `intruder.PublishedCell`. What stays out: what the
intruder makes of them (`pipeline/privacy/intruder.py`).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from pipeline.evaluation.cells import ALL
from pipeline.privacy.intruder import PublishedCell
from pipeline.publishing.release_tables import RELEASE_TABLES, Kind, ReleaseTable

_BANDS: Final = "wave_bands"
_SAYS_WHO: Final = ("arm", "sessions_band", "status", "outcome")
"""Columns that say who is counted, other than where; a manager knows some of them."""


def published_cells(
    tables: Mapping[str, pl.DataFrame], instrument: str, subscale: str
) -> list[PublishedCell]:
    """Every count of a release (its tables by name), printed or left out, and who is counted.

    `instrument` and `subscale` are those whose bands an intruder is after. Whether somebody
    answered a wave is taken for known, since that only makes groups smaller. An organisation in
    `others` is one of those: a cell for each organisation that stands there.
    """
    within: dict[str, list[str]] = {}
    for organisation, shown_as in tables["areas"].select("organisation", "shown_as").iter_rows():
        within.setdefault(shown_as, []).append(organisation)
    return [
        PublishedCell(people, row[field.name], *_band(table, row, instrument, subscale))
        for table in RELEASE_TABLES
        for field in table.fields
        if field.kind is Kind.COUNT
        for row in tables[table.name].iter_rows(named=True)
        for people in _people(row, within)
    ]


def _band(
    table: ReleaseTable, row: Mapping[str, Any], instrument: str, subscale: str
) -> tuple[str, str] | tuple[None, None]:
    """Band and wave of the counted officers, if the band is one that the intruder is after."""
    wanted = table.name == _BANDS and (row["instrument"], row["subscale"]) == (instrument, subscale)
    return (row["band"], row["wave"]) if wanted else (None, None)


def _people(row: Mapping[str, Any], within: Mapping[str, list[str]]) -> Iterator[dict[str, str]]:
    named = {name: row[name] for name in _SAYS_WHO if row.get(name) not in {None, ALL}}
    area = row.get("organisation", ALL)
    if characteristic := row.get("characteristic"):
        yield {**named, characteristic: row["value"]}
    elif area == ALL:
        yield named
    else:
        yield from ({**named, "organisation": each} for each in within[area])
