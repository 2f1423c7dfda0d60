"""Characteristics of officers in a release: which are shown, and the values that they have.

What belongs here: code lists and the names of places. What stays out: figures (`populations.py`,
`rows.py`), and which of them are printed.

Every value of the code list has rows, whether anybody has it or not: that a value has none would
say so. Small values are not pooled, since with few values that would cost a large one its rows.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import polars as pl

from pipeline import reference
from pipeline.evaluation.equality_breakdown import CHARACTERISTICS, UNKNOWN
from pipeline.privacy.disclosure.rules import Rules


def place_of(characteristic: str, value: str) -> str:
    """The place of those with a value, in a group's key."""
    return f"{characteristic}:{value}"


def shown_characteristics(participants: pl.DataFrame, rules: Rules) -> tuple[str, ...]:
    """Those of which at least two values have as many officers as an organisation with rows needs.

    Raises ValueError for a value that is not in the code list.
    """
    found = []
    for characteristic in CHARACTERISTICS:
        values = participants[characteristic].fill_null(UNKNOWN)
        if not values.is_in(list(code_list()[characteristic])).all():
            raise ValueError(f"participants: a {characteristic} that the code list does not have")
        sizes = values.value_counts()["count"]
        if (sizes >= rules.fewest_enrolled).sum() > 1:
            found.append(characteristic)
    return tuple(found)


@cache
def code_list() -> Mapping[str, tuple[str, ...]]:
    """The values of every characteristic, `unknown` last: no export said it."""
    values = {
        "rank_group": list(reference.rank_groups().values()),
        "service_band": list(reference.SERVICE_BANDS),
        "gender": list(reference.genders().values()),
        "ethnicity_group": list(reference.ethnicity_groups().values()),
    }
    return MappingProxyType({name: (*sorted(set(of)), UNKNOWN) for name, of in values.items()})
