"""Which values of a characteristic have rows of their own in a release, and which are `others`.

What belongs here: the choice, by the rule for organisations, and the names of places. What stays
out: figures (`populations.py`, `rows.py`).
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import polars as pl

from pipeline import reference
from pipeline.evaluation.equality_breakdown import CHARACTERISTICS, UNKNOWN
from pipeline.privacy.disclosure.areas import areas
from pipeline.privacy.disclosure.rules import Rules

Values = Mapping[str, Mapping[str, str]]
"""By characteristic: each value that somebody has -> itself or `others`, as areas are."""


def place_of(characteristic: str, value: str) -> str:
    """The place of those with a value, in a group's key."""
    return f"{characteristic}:{value}"


def shown_values(participants: pl.DataFrame, earlier: Mapping[str, str], rules: Rules) -> Values:
    """The values with rows of their own; a characteristic that cannot be told apart is not there.

    `earlier` says where values stood before, as `places_of` does; other keys are passed over. A
    value that stood in `others` stays there: who it is would else be the change of `others`.
    """
    found = {}
    for characteristic in CHARACTERISTICS:
        values = participants[characteristic].fill_null(UNKNOWN)
        before = {
            value: stood.removeprefix(place_of(characteristic, ""))
            for value in values.unique()
            if (stood := earlier.get(place_of(characteristic, value))) is not None
        }
        enrolled = dict(zip(*_counted(values), strict=True))
        shown = areas(enrolled, rules, before)
        if shown is not None:
            found[characteristic] = shown
    return found


def places_of(values: Values) -> dict[str, str]:
    """The place of each value by itself -> the place where it stands."""
    return {
        place_of(characteristic, value): place_of(characteristic, shown)
        for characteristic, stands in values.items()
        for value, shown in stands.items()
    }


@cache
def code_list() -> Mapping[str, frozenset[str]]:
    """Every value that a characteristic may have, whether anybody has it or not."""
    return MappingProxyType(
        {
            "rank_group": frozenset({*reference.rank_groups().values(), UNKNOWN}),
            "service_band": frozenset({*reference.SERVICE_BANDS, UNKNOWN}),
            "gender": frozenset({*reference.genders().values(), UNKNOWN}),
            "ethnicity_group": frozenset({*reference.ethnicity_groups().values(), UNKNOWN}),
        }
    )


def _counted(values: pl.Series) -> tuple[list[str], list[int]]:
    counted = values.value_counts(sort=False).sort(values.name)
    return counted[values.name].to_list(), counted["count"].to_list()
