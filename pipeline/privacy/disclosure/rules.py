"""The numbers of disclosure control, and nothing else.

The switches exist so that tests can show what each rule prevents. No command and no configuration
changes any of them: a release by weaker rules is none.
"""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a release keeps to; people where nothing else is said."""

    rounded_to: int = 5
    fewest: int = 10
    """The smallest group of which anything is printed, and the smallest difference of two."""
    fewest_enrolled: int = 30
    """The smallest organisation with rows of its own."""
    fewest_pooled: int = 2
    """Organisations in `others`."""
    largest_share: int = 80
    """The largest part of `others` that one organisation may be, in percent."""
    narrowest: int = 9
    """How far apart the possible counts of a larger group that is left out must be."""
    least_points: int = 4
    """How uncertain the mean of a small group must stay, in points of the scale."""

    complementary: bool = True
    nesting: bool = True
    history: bool = True
    audited: bool = True

    @property
    def rounding_error(self) -> int:
        """The farthest that a printed count lies from the exact one."""
        return self.rounded_to // 2

    def as_numbers(self) -> dict[str, Any]:
        return asdict(self)


RULES = Rules()
