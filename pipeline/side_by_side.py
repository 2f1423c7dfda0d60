"""Tables worked out or written side by side, since none needs another.

What belongs here: how many at once. What stays out: which tables there are, and what they say.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")

AT_ONCE: Final = 2
"""Polars spreads most of a table over all cores by itself. A second one fills the pauses, such as
the intervals of ten thousand cells; a third would hold its frames in memory and gain little."""


def side_by_side(tables: Mapping[K, Callable[[], V]]) -> dict[K, V]:
    """What each call returns, in the order of `tables`.

    Raises what the first of them in that order raises, once all have ended.
    """
    with ThreadPoolExecutor(AT_ONCE) as threads:
        begun = {name: threads.submit(call) for name, call in tables.items()}
        return {name: made.result() for name, made in begun.items()}
