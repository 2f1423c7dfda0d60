"""Counts of officers as those may see them who must not learn who is among them.

What belongs here: rounding of single counts on a screen. What stays out: tables for handing on,
where what is printed beside a count must not give it back.
"""

from typing import Final, Literal

UNDER_TEN: Final = "under 10"
ROUNDED_TO: Final = 5

RoughCount = int | Literal["under 10"]


def rough_count(n: int) -> RoughCount:
    """A count of people rounded to 5; from 1 to 9 `under 10`, and nobody stays 0.

    >>> [rough_count(n) for n in (0, 1, 9, 10, 12, 13)]
    [0, 'under 10', 'under 10', 10, 10, 15]
    """
    if n < 0:
        raise ValueError("a count of people is never below zero")
    if 0 < n < 10:
        return UNDER_TEN
    return ROUNDED_TO * ((n + ROUNDED_TO // 2) // ROUNDED_TO)
