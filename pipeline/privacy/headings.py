"""Headings of columns: which of them may be shown, since a heading can name a person.

What belongs here: deciding by an allow list of words. What stays out: what headings mean
(`pipeline/reading/`).
"""

import re
from typing import Final

_HARMLESS_WORDS: Final = (
    "absence absent answer answered answers apologies arm attended attendance baseline came "
    "cancelled choice code cohort collar completed completion completiondate custom data date day "
    "days department departure done duration email enddate enrolled enrolment ethnic ethnicity "
    "external externalreference facilitator finished first force form from gender grade group held "
    "how id in item joined kind last leaving left length minutes month moved name new no number of "
    "officer on or payroll personal phq present proqol pss qid question rank reason recorded "
    "recordeddate reference response responseid roster row score seconds service session sessions "
    "sex sheet sq staff start startdate started status submitdate submitted supervisor survey team "
    "the time timestamp to total type unique unit warrant wave week what when years your"
)
"""Words of headings that are nobody's name. Whoever finds a useful one missing adds it here."""

_HARMLESS: Final = frozenset(_HARMLESS_WORDS.split())

_WORDS: Final = re.compile(r"[^\W\d_]+|\d+")
_LETTER, _FEW_DIGITS = 1, 2


def may_be_shown(heading: str) -> bool:
    """Whether every word of a heading is harmless, a single letter, or a small number.

    Longer numbers could be somebody's, two letters somebody's initials.
    """
    return heading.isprintable() and all(
        (len(word) <= _FEW_DIGITS if word.isdecimal() else len(word) <= _LETTER)
        or word.casefold() in _HARMLESS
        for word in _WORDS.findall(heading)
    )


_QUOTED: Final = re.compile(r"`([^`]*)`")


def without_headings(sentence: str) -> str:
    """A sentence that may name a column of the mapping, with that left out where it might name."""
    return _QUOTED.sub(
        lambda quoted: (
            quoted[0] if _is_a_command(quoted[1]) or may_be_shown(quoted[1]) else _LEFT_OUT
        ),
        sentence,
    )


_LEFT_OUT: Final = "(not named here)"


def _is_a_command(quoted: str) -> bool:
    return re.fullmatch(r"muster( [a-z]+)+", quoted) is not None
