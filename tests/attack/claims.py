"""What an attacker says to have learnt from releases.

What belongs here: claims. What stays out: how they are reached (`attacker.py`) and whether they
are true or harmful (`judge.py`), which takes the officers themselves.
"""

from dataclasses import dataclass
from enum import Enum

from published import Group, Key, Measure


class Kind(Enum):
    COUNT = "how many officers are in a group whose number is left out"
    GIVEN_BACK = "which of the numbers that round to the printed one is the exact one"
    MEAN = "the mean of a group whose mean is left out"
    CHANGED = "a group is not the same officers as in the release before"
    NOT_OF_PRINTED = "a figure is not made of the figures printed beside it"
    TOO_FINE = "a figure is printed finer than the conventions allow, or should not be printed"


@dataclass(frozen=True, slots=True)
class Claim:
    """A number lies between `low` and `high`, inclusive.

    `possible` are the numbers of officers that are left of those in question: of 1 to 9 for
    `COUNT` and `MEAN`, of those that round to the printed one for `GIVEN_BACK`. `groups` are
    several where no officer is in two of them. `CHANGED` is about how many more there are now.
    """

    kind: Kind
    release: int
    table: str
    key: Key
    column: str
    groups: tuple[Group, ...]
    how: str
    low: float = 0.0
    high: float = 0.0
    possible: frozenset[int] = frozenset()
    measure: Measure | None = None

    def __str__(self) -> str:
        where = ", ".join(value for _, value in self.key)
        of = " and ".join(
            f"{g.kind} {'/'.join((g.organisation, g.arm, *g.of))}" for g in self.groups
        )
        some = f", of these {sorted(self.possible)}" if self.possible else ""
        return (
            f"release {self.release}: {self.table}.{self.column} ({where}), {of}: "
            f"{self.kind.value}: {self.low:.4g} to {self.high:.4g}{some}; {self.how}"
        )
