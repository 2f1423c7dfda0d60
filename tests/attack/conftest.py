"""How many random programmes are attacked: few by default, and as many as `MUSTER_ATTACKS` says.

`MUSTER_ATTACKS=300 python -m pytest tests/attack` is what a change of the release's rules is tried
with; `MUSTER_ATTACK_EFFORT` is how many groups of each release programmes are solved for (8), or
`all`, and `MUSTER_ATTACKS_FROM` the first seed.
"""

import os
from collections.abc import Callable
from functools import cache

import pytest
from programmes import Snapshot, history
from truth import Truth, truths

_FEW = 8


@pytest.fixture(scope="session")
def seeds() -> range:
    """Of the programmes to be attacked."""
    first = int(os.environ.get("MUSTER_ATTACKS_FROM", "0"))
    return range(first, first + int(os.environ.get("MUSTER_ATTACKS", str(_FEW))))


@pytest.fixture(scope="session")
def effort() -> int | None:
    """How many groups of each release programmes are solved for."""
    said = os.environ.get("MUSTER_ATTACK_EFFORT", "8")
    return None if said == "all" else int(said)


@pytest.fixture(scope="session")
def states() -> Callable[[int], tuple[list[Snapshot], list[Truth]]]:
    """A random programme's states in a row, and who is in each group of theirs."""

    @cache
    def of_seed(seed: int) -> tuple[list[Snapshot], list[Truth]]:
        found = history(seed)
        return found, truths(found)

    return of_seed
