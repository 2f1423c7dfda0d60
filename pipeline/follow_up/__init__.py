"""The follow-up ledger: who enrolled, what was due when, what became of it, who dropped out.

What belongs here: pure functions from rosters, registers, departures and responses to the ledger.
What stays out: paths, environment, Dagster, Great Expectations, and the clock: `as_of` is given.
"""

from pipeline.follow_up.frames import (
    ATTENDANCE_SCHEMA,
    DEPARTURES_SCHEMA,
    RESPONSES_SCHEMA,
    ROSTER_SCHEMA,
)
from pipeline.follow_up.ledger import Ledger, build_ledger

__all__ = [
    "ATTENDANCE_SCHEMA",
    "DEPARTURES_SCHEMA",
    "RESPONSES_SCHEMA",
    "ROSTER_SCHEMA",
    "Ledger",
    "build_ledger",
]
