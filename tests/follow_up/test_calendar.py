"""Cohort starts and due dates."""

from datetime import date

import polars as pl
import pytest

from pipeline.follow_up.calendar import cohort_starts, due_dates
from pipeline.follow_up.frames import ATTENDANCE_SCHEMA, PEOPLE_SCHEMA
from pipeline.programme import parse_programme

PROGRAMME = parse_programme("""
programme: calendar
title: Calendar
instruments: [proqol5]
primary: {instrument: proqol5, subscale: burnout, from_wave: before, to_wave: after}
waves:
  - {wave: before, due_after_days: -7, opens_days_before: 21, closes_days_after: 7}
  - {wave: after, due_after_days: 140, opens_days_before: 0, closes_days_after: 0, grace_days: 3}
arms:
  - programme
  - {arm: waiting, role: waiting_list, begins_after_days: 140}
  - {arm: elsewhere, role: comparison}
organisations:
  - {organisation: declared, name: Simulated declared, kind: police_force}
cohorts:
  - {organisation: declared, cohort: a, starts_on: 2024-02-29}
""")


def people(*rows: tuple[str, str, str | None, str | None]) -> pl.DataFrame:
    names = ("participant_id", "cohort_organisation", "cohort", "session_group")
    full = [
        {**dict(zip(names, row, strict=True)), "organisation": f"enroller of {row[0]}"}
        for row in rows
    ]
    return pl.DataFrame(full, PEOPLE_SCHEMA)


def first_sessions(*rows: tuple[str, str | None, date | None, bool]) -> pl.DataFrame:
    names = ("participant_id", "session_group", "held_on", "cancelled")
    return pl.DataFrame(
        [{**dict(zip(names, row, strict=True)), "session_number": 1} for row in rows],
        ATTENDANCE_SCHEMA,
    )


def test_a_declared_start_counts_before_the_register() -> None:
    starts = cohort_starts(
        people(("p1", "declared", "a", None), ("p2", "declared", "b", None)),
        first_sessions(("p1", None, date(2024, 1, 1), False), ("p2", "g", date(2024, 3, 4), False)),
        PROGRAMME,
    )
    assert starts.rows() == [
        ("declared", "a", date(2024, 2, 29)),
        ("declared", "b", date(2024, 3, 4)),
    ]


def test_the_earliest_session_1_that_was_held_starts_a_cohort() -> None:
    starts = cohort_starts(
        people(("p1", "kent", "b", None), ("p2", "kent", "b", None), ("p3", "kent", None, None)),
        first_sessions(
            ("p1", "g1", date(2024, 1, 8), True),
            ("p1", "g1", date(2024, 1, 22), False),
            ("p2", "g2", date(2024, 1, 15), False),
            ("p2", "g2", None, False),
            ("p3", None, date(2024, 6, 3), False),
            ("not enrolled", None, date(2023, 1, 1), False),
        ),
        PROGRAMME,
    )
    assert set(starts.rows()) == {
        ("kent", "b", date(2024, 1, 15)),
        ("kent", None, date(2024, 6, 3)),
    }


def test_due_dates_count_from_the_start_and_are_unknown_without_one() -> None:
    enrolled = people(("p1", "declared", "a", None), ("p2", "kent", None, None))
    starts = cohort_starts(enrolled, pl.DataFrame(schema=ATTENDANCE_SCHEMA), PROGRAMME)
    due = due_dates(enrolled, starts, PROGRAMME)
    day, closes = date(2024, 7, 18), date(2024, 2, 29)
    assert due.columns[:3] == ["participant_id", "organisation", "wave"]
    assert due.rows() == [
        ("p1", "enroller of p1", "after", day, day, day, date(2024, 7, 21)),
        ("p1", "enroller of p1", "before", date(2024, 2, 22), date(2024, 2, 1), closes, closes),
        ("p2", "enroller of p2", "after", None, None, None, None),
        ("p2", "enroller of p2", "before", None, None, None, None),
    ]


def starts_with_arms(*met: tuple[str, date]) -> list[date | None]:
    arms = {"p1": "programme", "p2": "waiting", "p3": "elsewhere"}
    enrolled = people(*((name, "kent", "b", None) for name in arms)).with_columns(
        arm=pl.col("participant_id").replace_strict(arms)
    )
    sessions = first_sessions(*((name, None, day, False) for name, day in met))
    return cohort_starts(enrolled, sessions, PROGRAMME)["starts_on"].to_list()


@pytest.mark.parametrize(
    ("met", "starts"),
    [
        ([("p1", date(2024, 1, 8)), ("p2", date(2024, 6, 3))], date(2024, 1, 8)),
        ([("p2", date(2024, 5, 27))], date(2024, 1, 8)),
        ([("p3", date(2024, 1, 1)), ("p1", date(2024, 1, 8))], date(2024, 1, 8)),
        ([("p3", date(2024, 1, 1))], None),
    ],
)
def test_a_start_is_reckoned_back_from_arms_that_begin_later(
    met: list[tuple[str, date]], starts: date | None
) -> None:
    assert starts_with_arms(*met) == [starts]
