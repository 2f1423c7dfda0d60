"""Patterns in the names of columns: `Q4_1`, `Q4_2`, … are `Q4_{item}`; `Q4_01`, … `Q4_{item:02}`.

What belongs here: finding them in headings. What stays out: what a mapping does with one
(`questionnaires.py`), and what the columns hold (`detection.py`).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Final

_NUMBER: Final = re.compile(r"\d+")
_MOST_PLACES: Final = 4
"""At which one name may hold its number: each way of choosing among them is tried."""
_MOST_DIGITS: Final = 9


def numbered_groups(names: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Patterns with `{item}` and their columns, numbered from 1 without gap, in that order."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for name in dict.fromkeys(names):
        places = [(m.start(), m.end(), m.group()) for m in _NUMBER.finditer(name)]
        for number in {text for _, _, text in places}:
            same = [(start, end) for start, end, text in places if text == number][:_MOST_PLACES]
            for item in _written_as(number):
                for size in range(len(same), 0, -1):
                    for chosen in combinations(same, size):
                        found[_with_item(name, chosen, item)].setdefault(int(number), name)
    return [
        (pattern, [columns[number] for number in range(1, len(columns) + 1)])
        for pattern, columns in found.items()
        if len(columns) > 1 and {*columns} == {*range(1, len(columns) + 1)}
    ]


def _written_as(number: str) -> Iterator[str]:
    """How a pattern may say this number: as it is, and with zeros up to as many digits."""
    if number == str(int(number)):
        yield "{item}"
    if 2 <= len(number) <= _MOST_DIGITS:
        yield f"{{item:0{len(number)}}}"


def _with_item(name: str, places: Iterable[tuple[int, int]], item: str) -> str:
    for start, end in reversed([*places]):
        name = f"{name[:start]}{item}{name[end:]}"
    return name


def differing_parts(patterns: Sequence[str]) -> tuple[str, list[str], str]:
    """What patterns begin with and end with alike, and what stands between in each."""
    before, after = _alike(patterns), _alike([pattern[::-1] for pattern in patterns])[::-1]
    # A part of a word that happens to be alike belongs to the word.
    before = re.sub(r"[A-Za-z0-9]+$", "", before)
    after = re.sub(r"^[A-Za-z0-9]+", "", after)
    return before, [p[len(before) : len(p) - len(after)] for p in patterns], after


def _alike(patterns: Sequence[str]) -> str:
    shortest = min(patterns, key=len)
    for place, sign in enumerate(shortest):
        if any(pattern[place] != sign for pattern in patterns):
            return shortest[:place]
    return shortest
