"""File names with every word masked that could name a person.

What belongs here: deciding by an allow list which words of a file name are harmless.
What stays out: file contents.
"""

import re
from collections.abc import Iterable

# Months that are first names as well are not among them.
_HARMLESS_WORDS = (
    "answers attendance baseline cohort csv data departures evaluation export exports final "
    "follow force forms form group questionnaire questionnaires raw register results roster "
    "rosters sample sav sent session sessions simulated supervision survey text the tsv unit "
    "update up values version violence vru wave week wide wellbeing xls xlsx year zip and "
    "copy new label labels leavers legacy list month months numeric number numbers of "
    "officers police pre post proqol january february march july september october november "
    "december feb mar apr jul aug sep sept oct nov dec"
)
_HARMLESS = frozenset(_HARMLESS_WORDS.split())
_TOKENS = re.compile(r"20\d\d([-_])\d\d\1\d\d(?!\d)|[A-Za-z]+|\d+|[^A-Za-z\d]+")
_MASK = "***"
_SHORT = 2


def masked_file_name(file_name: str, known: Iterable[str] = ()) -> str:
    """The file name with words that are neither harmless nor `known` replaced by `***`.

    Years and dates stay, and a number of up to two digits if it is the only one; others could be
    collar numbers.

    >>> masked_file_name("ProQOL export Jane Doe 4711 2026.csv")
    'ProQOL export *** *** *** 2026.csv'
    """
    allowed = _HARMLESS | {word.lower() for name in known for word in re.findall("[A-Za-z]+", name)}

    tokens = [token.group() for token in _TOKENS.finditer(file_name)]
    short = [token for token in tokens if token.isdigit() and len(token) <= _SHORT]

    def shown(token: str) -> str:
        if token.isascii() and token.isalpha():
            return token if token.lower() in allowed else _MASK
        if token.isdigit():
            is_year = len(token) == 4 and token.startswith("20")
            return token if is_year or short == [token] else _MASK
        return token if token.isascii() else _MASK

    return re.sub(r"(\*\*\*)+", _MASK, "".join(map(shown, tokens)))
