"""Registers told by their headings: rosters, attendance registers, lists of departures.

What belongs here: what clerks call the columns of each kind. What stays out: what cells say.
"""

import re
from collections.abc import Collection, Sequence
from collections.abc import Mapping as Dictionary
from typing import Final

from pipeline.reading.mapping import REQUIRED
from pipeline.vocabulary import Kind

DAYS: Final = ("enrolled_on", "held_on", "departed_on")

_HEADINGS: Final[Dictionary[Kind, Dictionary[str, str]]] = {
    Kind.ATTENDANCE: {
        "session_number": r"^session( ?(no|number|#))?\.?$",
        "attended": r"attend|^present$|^came$",
        "held_on": r"held|date of session|session date|^date$",
        "cancelled": r"cancel|called off",
        "minutes": r"minutes|^length|duration",
        "absence_reason": r"reason|apolog|absen",
        "session_group": r"group",
    },
    Kind.DEPARTURES: {
        "departed_on": r"left on|leaving date|date (left|of leaving)|depart.*(on|date)|^date$",
        "departure_kind": r"what happened|^type$|kind|reason|how",
    },
    Kind.ROSTER: {
        "enrolled_on": r"enrol|joined programme|start(ed)? (on|date)|date of joining programme",
        "rank": r"\brank\b|grade",
        "session_group": r"session group|^group$",
        "facilitator": r"facilitator|supervisor",
        "cohort": r"cohort|intake",
        "arm": r"^arm$|allocation|waiting",
        "unit": r"^unit$|department|team|division",
        "service_years": r"service",
        "gender": r"gender|^sex$",
        "ethnicity": r"ethnic",
    },
}
"""By kind and field: what headings that mean it look like in lower case; surest field first."""

_TRANSFER: Final[Dictionary[str, str]] = {
    "new_force": r"(moved|went|gone|transfer\w*) to|(new|receiving) force",
    "new_number": r"new (\w+ )?(number|no)\b|(number|no) (there|at new)",
}

_FEWEST: Final = {Kind.ATTENDANCE: 2, Kind.DEPARTURES: 2, Kind.ROSTER: 3}


def kind_of(headings: Sequence[str]) -> Kind | None:
    """The kind of register that headings are those of; None where too few are."""
    for kind, fewest in _FEWEST.items():
        found = columns_of(kind, headings, ())
        if len(found) >= fewest and not missing(kind, found):
            return kind
    return None


def columns_of(kind: Kind, headings: Sequence[str], taken: Collection[str]) -> dict[str, str]:
    """Field -> heading, each heading at most once."""
    return _found(_HEADINGS[kind], headings, taken)


def transfer_of(headings: Sequence[str], taken: Collection[str]) -> dict[str, str]:
    """The fields of a transfer -> heading: force and number of where an officer went."""
    return _found(_TRANSFER, headings, taken)


def _found(
    called: Dictionary[str, str], headings: Sequence[str], taken: Collection[str]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, pattern in called.items():
        free = (name for name in headings if name not in {*taken, *found.values()})
        name = next((name for name in free if re.search(pattern, name.lower())), None)
        if name is not None:
            found[field] = name
    return found


def missing(kind: Kind, columns: Collection[str]) -> list[str]:
    return [field for field in REQUIRED[kind] if field not in columns]
