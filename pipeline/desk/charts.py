"""Small bar charts: where each bar lies, as numbers for a template to draw.

What stays out: SVG and colours (`templates/_macros.html`, `static/desk.css`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 100.0
_THINNEST: Final = 0.6
"""A bar of few rows beside one of thousands is still to be seen."""


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    n: int
    width: float = 0.0
    """Per cent of the chart's width; the largest bar has all of it."""
    share: float = 0.0
    """Of the sum of all bars, from 0 to 1."""


def bars(counted: Sequence[Bar]) -> list[Bar]:
    """The same bars with their widths and shares.

    >>> [(bar.width, bar.share) for bar in bars([Bar("a", 30), Bar("b", 0), Bar("c", 10)])]
    [(100.0, 0.75), (0.0, 0.0), (33.3, 0.25)]
    """
    most, in_all = max((bar.n for bar in counted), default=0), sum(bar.n for bar in counted)
    return [
        Bar(
            bar.name,
            bar.n,
            max(round(WIDTH * bar.n / most, 1), _THINNEST) if bar.n else 0.0,
            bar.n / in_all if in_all else 0.0,
        )
        for bar in counted
    ]
