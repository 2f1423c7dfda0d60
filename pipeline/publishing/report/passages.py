"""Running text that knows where its numbers come from.

What belongs here: the three kinds of text there are. What stays out: what a sentence says
(`sections/`), and markup (`page.py`).
"""

import re
from dataclasses import dataclass

_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, or the sign that stands in its place, as a release table prints it.

    `source` is `<table>.<row>.<column>`, rows counted from 1 in the table's own order.
    """

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """Text whose digits are no result: a name, a date, a threshold of the method."""

    text: str


Part = str | Figure | Fixed
Passage = tuple[Part, ...]


def passage(*parts: Part) -> Passage:
    """Parts as running text.

    Raises ValueError where plain words hold a digit: nobody could tell whether it is a result, and
    a report whose numbers cannot be traced to a table is not to be made.
    """
    for part in parts:
        if isinstance(part, str) and _DIGIT.search(part):
            raise ValueError("plain text holds a digit; say whether it is a Figure or Fixed")
    return parts


def in_words(text: Passage) -> str:
    """The same without saying where numbers come from, for titles and text alternatives."""
    return "".join(part if isinstance(part, str) else part.text for part in text)
