"""What a monitor is told, and when it is told that something is not well."""

from datetime import timedelta

import pytest

from pipeline.health import Condition, Limits, Wellbeing, health_of

WELL = Condition(timedelta(hours=3), last_run_ended_well=True, is_running=False, free_bytes=2**40)


@pytest.mark.parametrize(
    ("changed", "found", "exit_code"),
    [
        ({}, Wellbeing.OK, 0),
        ({"last_run_ended_well": None}, Wellbeing.OK, 0),
        ({"is_running": True}, Wellbeing.OK, 0),
        ({"warehouse_age": timedelta(hours=26, seconds=1)}, Wellbeing.LATE, 1),
        ({"warehouse_age": timedelta(hours=26)}, Wellbeing.OK, 0),
        ({"warehouse_age": None}, Wellbeing.EMPTY, 2),
        ({"free_bytes": 2**30 - 1}, Wellbeing.DISK_LOW, 2),
        ({"last_run_ended_well": False}, Wellbeing.FAILED, 2),
        (
            {"last_run_ended_well": False, "free_bytes": 0, "warehouse_age": None},
            Wellbeing.FAILED,
            2,
        ),
    ],
)
def test_what_is_worst_counts(changed: dict, found: Wellbeing, exit_code: int):
    known = {name: getattr(WELL, name) for name in Condition.__slots__}
    health = health_of(Condition(**known | changed), Limits())
    assert health.wellbeing == found
    assert health.exit_code == exit_code
    assert health.is_well == (exit_code == 0)


def test_only_ages_and_yes_or_no_are_told():
    assert health_of(WELL, Limits()).as_json() == {
        "status": "ok",
        "warehouse_age_hours": 3.0,
        "last_run_ended_well": True,
        "run_at_work": False,
        "disk_is_low": False,
    }
