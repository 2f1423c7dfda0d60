"""What happens by the clock: statuses every night, everything anew every week, tidying up.

What stays out: what arrives (`sensors.py`). Times are those of the organisations' own country.
"""

import dagster as dg

from pipeline.orchestration.jobs import BRING_UP_TO_DATE, TIDY_UP, WORK_OUT_ANEW

_WHERE = "Europe/London"
_RUNNING = dg.DefaultScheduleStatus.RUNNING

NIGHTLY = dg.ScheduleDefinition(
    name="nightly",
    job=BRING_UP_TO_DATE,
    cron_schedule="30 2 * * *",
    execution_timezone=_WHERE,
    default_status=_RUNNING,
    description="Waves fall due and windows close as days pass, whether anything arrives or not.",
)
WEEKLY = dg.ScheduleDefinition(
    name="weekly",
    job=WORK_OUT_ANEW,
    cron_schedule="0 4 * * 0",
    execution_timezone=_WHERE,
    default_status=_RUNNING,
    description=(
        "What is handed on must not rest on a stage that was passed over by mistake: everything "
        "is worked out again, and a table that comes out otherwise fails the run."
    ),
)
DAILY = dg.ScheduleDefinition(
    name="daily",
    job=TIDY_UP,
    cron_schedule="30 3 * * *",
    execution_timezone=_WHERE,
    default_status=_RUNNING,
    description="Trims the history of runs and copies the stewards' decisions aside.",
)
SCHEDULES = [NIGHTLY, WEEKLY, DAILY]
