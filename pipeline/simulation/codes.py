"""Self-generated codes of simulated officers: what they would answer, and where they slip.

What belongs here: elements, how often their values occur, slips and blanks. What stays out: which
organisation asks for codes (`plan.py`), and how a file writes them (`exports/`).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

Whole = npt.NDArray[np.int64]
Number = npt.NDArray[np.float64]

BLANK: Final = -1


@dataclass(frozen=True, slots=True)
class Element:
    """One question of a code."""

    name: str
    question: str
    values: tuple[str, ...]
    shares: tuple[float, ...]
    """How often each value occurs; they add up to 1."""


def _letters(count: int, first: int) -> tuple[str, ...]:
    """Pairs of letters, as names begin with; `first` keeps elements from having the same ones."""
    return tuple(
        chr(65 + (i + first) % 26) + "aeioulrhnt"[(i * 7 + first) % 10] for i in range(count)
    )


def _uneven(count: int) -> tuple[float, ...]:
    """Shares that fall as names do: few are common and many are rare."""
    weights = 1 / (np.arange(count) + 4.0)
    return tuple(float(share) for share in weights / weights.sum())


def _even(count: int) -> tuple[float, ...]:
    return (1 / count,) * count


ELEMENTS: Final = (
    Element(
        "birth_day",
        "On which day of the month were you born?",
        tuple(f"{d:02d}" for d in range(1, 32)),
        _even(31),
    ),
    Element("birthplace", "First two letters of where you were born", _letters(60, 3), _uneven(60)),
    Element(
        "middle_initial",
        "First letter of your middle name, X if none",
        tuple("XJAMELRSCDPHWTKGNBFO"),
        (0.25, *(0.75 * share for share in _uneven(19))),
    ),
    Element(
        "mother", "First two letters of your mother's first name", _letters(50, 11), _uneven(50)
    ),
    Element(
        "older_siblings",
        "How many older brothers and sisters, living or not?",
        tuple("01234"),
        (0.42, 0.33, 0.15, 0.07, 0.03),
    ),
    Element("school", "First two letters of your first school", _letters(55, 19), _uneven(55)),
)
"""In alphabetical order."""


@dataclass(frozen=True, slots=True)
class Carelessness:
    """How often an officer answers an element otherwise than they would, or leaves it blank."""

    slip: float = 0.03
    blank: float = 0.01


def draw_codes(rng: np.random.Generator, officers: int) -> Whole:
    """(officers, elements): the value of each element, if nobody slipped."""
    return np.stack(
        [rng.choice(len(e.values), officers, p=e.shares) for e in ELEMENTS], axis=1
    ).astype(np.int64)


def given_codes(
    rng: np.random.Generator, codes: Whole, occasions: int, careless: Carelessness
) -> Whole:
    """(officers, occasions, elements): what was answered each time, BLANK where nothing was.

    Whoever slips gives another value, as often as it occurs among all.
    """
    shape = (len(codes), occasions, len(ELEMENTS))
    given = np.repeat(codes[:, None, :], occasions, axis=1)
    slips, blanks = rng.random(shape) < careless.slip, rng.random(shape) < careless.blank
    for place, element in enumerate(ELEMENTS):
        other = rng.choice(len(element.values), shape[:2], p=element.shares)
        # The next value where the one drawn is the officer's own: a slip is never none.
        own = other == given[:, :, place]
        other = np.where(own, (other + 1) % len(element.values), other)
        given[:, :, place] = np.where(slips[:, :, place], other, given[:, :, place])
    return np.where(blanks, BLANK, given)


def in_words(codes: Whole) -> pl.DataFrame:
    """(n, elements) as the cells of a file, null where nothing was answered."""
    return pl.DataFrame(
        {
            element.name: pl.Series([*element.values, None]).gather(
                np.where(codes[:, place] == BLANK, len(element.values), codes[:, place])
            )
            for place, element in enumerate(ELEMENTS)
        }
    )
