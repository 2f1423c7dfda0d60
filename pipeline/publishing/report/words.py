"""How the report spells names and numbers.

What stays out: sentences.
"""

import re
from typing import Final

MINUS: Final = "\N{MINUS SIGN}"
_MONTHS: Final = re.compile(r"^(.*?)_?(\d+)m$")


def readable(name: str) -> str:
    """A name of the tables as a person writes it.

    >>> [readable(name) for name in ("session_10", "follow_up_3m", "secondary_traumatic_stress")]
    ['Session 10', 'Follow-up at 3 months', 'Secondary traumatic stress']
    """
    if months := _MONTHS.match(name):
        before, n = months.groups()
        return f"{readable(before) if before else 'Follow-up'} at {n} months"
    words = name.replace("follow_up", "follow-up").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def short(name: str) -> str:
    """The same where there is little room.

    >>> [short(name) for name in ("session_10", "follow_up_3m", "baseline")]
    ['Session 10', '3 months', 'Baseline']
    """
    months = _MONTHS.match(name)
    return f"{months.group(2)} months" if months else readable(name)


def lower(name: str) -> str:
    """A name in the midst of a sentence."""
    found = readable(name)
    return found[:1].lower() + found[1:]


def number(value: float | int, *, signed: bool = False) -> str:
    """A figure with the digits that the table has: thousands apart, a true minus.

    >>> [number(1000), number(0.5, signed=True), number(2.0)]
    ['1,000', '+0.5', '2.0']
    >>> number(-1.25) == f"{MINUS}1.25"
    True
    """
    shown = f"{value:,}" if isinstance(value, int) else f"{value:,.10g}"
    if isinstance(value, float) and "." not in shown:
        shown += ".0"
    shown = shown.replace("-", MINUS)
    return f"+{shown}" if signed and value > 0 else shown
