"""Which wave people mean by their own words: `Before the first session`, `S5`, `3 months`.

What belongs here: spellings in general. What stays out: what one mapping declares, which always
goes first. A proposal is made from this for somebody to look at; no row is read by it.
"""

import re
from collections.abc import Sequence
from typing import Final

from pipeline.reading.cells import tidy

_NUMBERS_IN_WORDS: Final = {"one": "1", "two": "2", "three": "3", "six": "6", "twelve": "12"}
_SESSION: Final = re.compile(r"(?:\bsession|(?<![a-z])s)\s*(?:no\.?|number|#)?\s*(\d{1,2})\b")
_MONTHS: Final = re.compile(r"\b(\d{1,2})\s*(?:m|mo|mth|mths|months?)\b")
_YEARS: Final = re.compile(r"\b(\d)\s*(?:y|yrs?|years?)\b")
_FIRST: Final = re.compile(r"\b(?:baseline|before|pre|start|first survey|t0)\b")
_LAST_SESSION: Final = re.compile(r"\b(?:last session|final session)\b")
_ARM_OF_AN_EVENT: Final = re.compile(r"[ _]arm[ _]\d+$")


def wave_meant(text: str, waves: Sequence[str]) -> str | None:
    """The one of the programme's waves that a text names; None where that is not plain."""
    said = _ARM_OF_AN_EVENT.sub("", tidy(text))
    for wave in waves:
        if said in {wave.lower(), wave.lower().replace("_", " ")}:
            return wave
    words = re.sub(r"[^a-z0-9#.]+", " ", said)
    words = " ".join(_NUMBERS_IN_WORDS.get(word, word) for word in words.split())
    if found := _SESSION.search(words):
        return _known(f"session_{int(found[1])}", waves)
    if found := _MONTHS.search(words):
        return _known(f"follow_up_{int(found[1])}m", waves)
    if found := _YEARS.search(words):
        return _known(f"follow_up_{12 * int(found[1])}m", waves)
    if _LAST_SESSION.search(words):
        return max(
            (wave for wave in waves if wave.startswith("session_")), key=_number, default=None
        )
    return _known("baseline", waves) if _FIRST.search(words) else None


def _known(wave: str, waves: Sequence[str]) -> str | None:
    return wave if wave in waves else None


def _number(wave: str) -> int:
    return int("".join(filter(str.isdigit, wave)) or 0)
