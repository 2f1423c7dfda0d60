"""What an attacker says to have learnt from a release.

What belongs here: claims. What stays out: how they are reached (`attacker.py`) and whether they
are true or harmful (`judge.py`), which takes the officers themselves.
"""

from dataclasses import dataclass
from enum import Enum

from published import Group, Key, Measure


class Kind(Enum):
    COUNT = "how many officers are in a group whose number is not printed"
    GIVEN_BACK = "which of the numbers that round to the printed one is the exact one"
    MEAN = "the mean of a group whose mean is not printed"
    CHANGED = "that a group is not the same officers as in an earlier release"
    FINER = "that a figure is printed finer than the conventions allow"


@dataclass(frozen=True, slots=True)
class Claim:
    """A number lies between `low` and `high`, inclusive.

    `possible` are the numbers of officers that are left of those in question: of 1 to 9 for
    `COUNT` and `MEAN`, of those that round to the printed one for `GIVEN_BACK`. `group` may be
    several that no officer is in twice.
    """

    kind: Kind
    release: int
    table: str
    key: Key
    column: str
    group: tuple[Group, ...]
    low: float
    high: float
    how: str
    possible: frozenset[int] = frozenset()
    measure: Measure | None = None

    def __str__(self) -> str:
        where = ", ".join(value for _, value in self.key) or " and ".join(map(str, self.group))
        some = f", of these {sorted(self.possible)}" if self.possible else ""
        return (
            f"release {self.release}: {self.table}.{self.column} ({where}): {self.kind.value}: "
            f"{self.low:.4g} to {self.high:.4g}{some}; {self.how}"
        )
