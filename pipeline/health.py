"""Whether all is well with a home folder, as a monitor may be told: ages and yes or no, no more.

What stays out: finding it out (`pipeline/storage/condition.py`). It is said to anybody who asks,
signed in or not, so it names no organisation and counts nothing: how many files wait for a steward
is not among it.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pipeline.vocabulary import Term


class Wellbeing(Term):
    """What a home folder is, the worst first."""

    FAILED = "failed", "The last run failed or was killed; Dagster's page has its sentence."
    DISK_LOW = "disk_low", "The disk of the home folder is nearly full; make room."
    EMPTY = "empty", "There is no warehouse yet; `muster run` makes it."
    LATE = "late", "The warehouse was not brought up to date in time; see that runs begin."
    OK = "ok", "The warehouse is up to date, and the last run ended well."


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on something is not well."""

    oldest: timedelta = timedelta(hours=26)
    """The warehouse is brought up to date every night, which takes its time."""
    least_free_bytes: int = 2**30


@dataclass(frozen=True, slots=True)
class Condition:
    """What was found of a home folder at one moment."""

    warehouse_age: timedelta | None
    """None without a warehouse."""
    last_run_ended_well: bool | None
    """Of the last run that is over; None where none was put down."""
    is_running: bool
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Health:
    wellbeing: Wellbeing
    condition: Condition
    disk_is_low: bool

    @property
    def is_well(self) -> bool:
        return self.wellbeing == Wellbeing.OK

    @property
    def sentence(self) -> str:
        return self.wellbeing.meaning

    @property
    def exit_code(self) -> int:
        """0 well, 1 a warning, 2 critical."""
        return {Wellbeing.OK: 0, Wellbeing.LATE: 1}.get(self.wellbeing, 2)

    def as_json(self) -> dict[str, Any]:
        age = self.condition.warehouse_age
        return {
            "status": self.wellbeing.value,
            "warehouse_age_hours": None if age is None else round(age.total_seconds() / 3600, 1),
            "last_run_ended_well": self.condition.last_run_ended_well,
            "run_at_work": self.condition.is_running,
            "disk_is_low": self.disk_is_low,
        }


def health_of(condition: Condition, limits: Limits) -> Health:
    """What is worst counts: a run that failed, a disk that is nearly full, an old warehouse."""
    is_low = condition.free_bytes < limits.least_free_bytes
    if condition.last_run_ended_well is False:
        found = Wellbeing.FAILED
    elif is_low:
        found = Wellbeing.DISK_LOW
    elif condition.warehouse_age is None:
        found = Wellbeing.EMPTY
    elif condition.warehouse_age > limits.oldest:
        found = Wellbeing.LATE
    else:
        found = Wellbeing.OK
    return Health(found, condition, is_low)
