"""What every section of a report is made from: the release's tables and what the programme says.

What stays out: anything else. A section that asked for more could give more away.
"""

from dataclasses import dataclass
from datetime import date

from pipeline.programme import Programme
from pipeline.publishing.report.printed import Printed
from pipeline.vocabulary import ArmRole


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the page says of the release itself."""

    release: str
    as_of: date
    known_at: date | None = None
    version: str
    simulated: bool


@dataclass(frozen=True, slots=True)
class Context:
    printed: Printed
    programme: Programme
    about: About
    organisation: str | None = None
    """Whose report it is, in the words of the tables; None of the national one."""

    @property
    def waves(self) -> tuple[str, ...]:
        return self.programme.wave_names

    @property
    def subscales(self) -> tuple[str, ...]:
        """Of the primary instrument, the primary one first."""
        primary = self.programme.primary
        every = self.programme.instrument(primary.instrument).by_subscale
        return (primary.subscale, *(name for name in every if name != primary.subscale))

    @property
    def has_comparison(self) -> bool:
        """Whether officers were measured who had not begun the programme."""
        roles = (self.programme.arm_declared(arm).role for arm in self.programme.arm_names)
        return any(role != ArmRole.PROGRAMME for role in roles)
