"""Which of several rows about one session counts, and which sessions were held."""

from datetime import date
from itertools import permutations
from typing import Any

import polars as pl
import pytest

from pipeline.follow_up.frames import ATTENDANCE_SCHEMA
from pipeline.follow_up.registers import one_row_a_session, sessions_held, until

DAY = date(2025, 1, 6)
ROW: dict[str, Any] = {
    "submission_id": "one",
    "organisation": "kent",
    "row_number": 2,
    "participant_id": "p1",
    "session_number": 1,
    "held_on": DAY,
    "cancelled": False,
    "attended": False,
}


def register(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{**ROW, **row} for row in rows], ATTENDANCE_SCHEMA)


@pytest.mark.parametrize(
    ("stays", "goes"),
    [
        ({"attended": True}, {"attended": False, "held_on": date(2025, 2, 1)}),
        ({"attended": False}, {"attended": None}),
        ({"attended": None}, {"attended": None, "cancelled": True}),
        ({"attended": False}, {"attended": None, "cancelled": True}),
        ({"held_on": date(2025, 1, 7)}, {"held_on": DAY, "minutes": 90}),
        ({"held_on": DAY}, {"held_on": None, "minutes": 90}),
        ({"minutes": 90}, {"minutes": 60, "absence_reason": "sickness"}),
        ({"minutes": 60}, {"minutes": None}),
        ({"absence_reason": "sickness"}, {"absence_reason": None, "organisation": "west"}),
        ({"organisation": "unit"}, {"organisation": "force", "submission_id": "two"}),
        ({"submission_id": "two"}, {"submission_id": "one", "row_number": 9}),
        ({"row_number": 10}, {"row_number": 9}),
    ],
)
def test_the_weightier_row_stays_whatever_the_order(
    stays: dict[str, Any], goes: dict[str, Any]
) -> None:
    another = {"participant_id": "p2"}
    expected = register(stays, another).rows()
    for rows in permutations([stays, goes, another]):
        assert one_row_a_session(register(*rows)).rows() == expected


@pytest.mark.parametrize(
    ("row", "is_held"),
    [
        ({"attended": True}, True),
        ({"attended": False}, True),
        ({"attended": None}, False),
        ({"attended": True, "held_on": None}, True),
        ({"attended": False, "held_on": None}, False),
        ({"attended": None, "held_on": None}, False),
        ({"attended": None, "cancelled": True}, False),
        # A contradiction that `until` has not yet resolved.
        ({"attended": True, "cancelled": True}, False),
    ],
)
def test_a_session_was_held_if_somebody_was_marked(row: dict[str, Any], is_held: bool) -> None:
    assert sessions_held(register(row)).height == is_held


def test_nobody_attended_a_cancelled_session_and_silence_means_held() -> None:
    rows = until(
        register(
            {"attended": True, "cancelled": True},
            {"attended": True, "cancelled": None},
            {"attended": True, "held_on": None},
            {"attended": True, "held_on": date(2025, 1, 7)},
        ),
        DAY,
    )
    assert rows.select("held_on", "cancelled", "attended").rows() == [
        (DAY, True, None),
        (DAY, False, True),
        (None, False, True),
    ]
