"""One row a person, out of rosters that overlap and contradict each other."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from pipeline.follow_up.frames import (
    ATTENDANCE_SCHEMA,
    DEPARTURES_SCHEMA,
    PEOPLE_SCHEMA,
    RESPONSES_SCHEMA,
    ROSTER_SCHEMA,
)
from pipeline.follow_up.people import (
    enrolled_from_rosters,
    first_departures,
    memberships,
    with_first_responders,
    with_groups_from_registers,
)
from pipeline.programme import parse_programme

PROGRAMME = parse_programme("""
programme: people
title: People
instruments: [proqol5]
primary: {instrument: proqol5, subscale: burnout, from_wave: baseline, to_wave: session_10}
waves: [{wave: baseline, due_after_days: 0}, {wave: session_10, due_after_days: 126}]
arms: [begun, waiting]
""")


def frame(schema: pl.Schema, *rows: dict[str, Any]) -> pl.DataFrame:
    full = [
        {"submission_id": "one", "row_number": number, "participant_id": "p1", **row}
        for number, row in enumerate(rows, start=2)
    ]
    return pl.DataFrame([[row.get(name) for name in schema] for row in full], schema, orient="row")


def only(people: pl.DataFrame) -> dict[str, Any]:
    assert people.schema == PEOPLE_SCHEMA
    return people.row(0, named=True) if people.height == 1 else pytest.fail("one person expected")


def test_the_earliest_row_enrols_and_the_others_fill_in() -> None:
    person = only(
        enrolled_from_rosters(
            frame(
                ROSTER_SCHEMA,
                {"organisation": "unit", "enrolled_on": None, "gender": "female", "unit": "cid"},
                {"organisation": "unit", "enrolled_on": date(2025, 2, 1), "rank_group": "sergeant"},
                {"organisation": "force", "enrolled_on": date(2025, 1, 1), "unit": "response"},
            )
        )
    )
    assert person["organisation"] == "force"
    assert person["enrolled_on"] == date(2025, 1, 1)
    assert (person["unit"], person["rank_group"], person["gender"]) == (
        "response",
        "sergeant",
        "female",
    )
    assert person["enrolment_source"] == "roster"


def test_a_tie_goes_to_the_first_organisation_by_name_then_to_the_first_row() -> None:
    day = date(2025, 1, 1)
    person = only(
        enrolled_from_rosters(
            frame(
                ROSTER_SCHEMA,
                {"organisation": "kent", "enrolled_on": day, "unit": "a"},
                {"organisation": "essex", "enrolled_on": day, "unit": "b"},
                {"organisation": "essex", "enrolled_on": day, "unit": "c"},
            )
        )
    )
    assert (person["organisation"], person["unit"]) == ("essex", "b")


def test_group_facilitator_and_cohort_are_those_of_one_organisation() -> None:
    person = only(
        enrolled_from_rosters(
            frame(
                ROSTER_SCHEMA,
                {"organisation": "force", "enrolled_on": date(2025, 1, 1), "facilitator": "f9"},
                {"organisation": "unit", "enrolled_on": date(2025, 1, 2), "cohort": "a"},
                {"organisation": "force", "enrolled_on": date(2025, 1, 3), "session_group": "g9"},
                {"organisation": "unit", "enrolled_on": date(2025, 1, 4), "facilitator": "f1"},
            )
        )
    )
    assert person["organisation"] == "force"
    assert person["cohort_organisation"] == "unit"
    assert (person["cohort"], person["session_group"], person["facilitator"]) == ("a", None, "f1")


def test_who_is_on_a_roster_is_not_enrolled_again_by_a_response() -> None:
    people = enrolled_from_rosters(frame(ROSTER_SCHEMA, {"organisation": "force", "arm": None}))
    answers = frame(
        RESPONSES_SCHEMA,
        {"response_id": 1, "organisation": "unit"},
        {"response_id": 2, "organisation": "force", "participant_id": "unlisted"},
    )
    person = only(with_first_responders(people, answers, {"force"}, PROGRAMME))
    assert person["organisation"] == "force"
    assert person["arm"] == "begun"


def test_the_first_response_enrols_where_there_is_no_roster() -> None:
    answers = frame(
        RESPONSES_SCHEMA,
        {"response_id": 2, "organisation": "unit", "completed_on": date(2025, 3, 1)},
        {
            "response_id": 1,
            "organisation": "force",
            "home_force": "force",
            "completed_on": date(2025, 2, 1),
            "gender": "male",
        },
        {
            "response_id": 3,
            "organisation": "unit",
            "completed_on": date(2025, 4, 1),
            "arm": "waiting",
            "gender": "female",
        },
    )
    nobody = pl.DataFrame(schema=PEOPLE_SCHEMA)
    person = only(with_first_responders(nobody, answers, (), PROGRAMME))
    assert (person["organisation"], person["home_force"]) == ("force", "force")
    assert person["enrolled_on"] == date(2025, 2, 1)
    assert (person["arm"], person["gender"], person["cohort"]) == ("waiting", "male", None)
    assert person["enrolment_source"] == "first_response"


def test_registers_name_the_group_only_of_those_without_one() -> None:
    people = enrolled_from_rosters(
        frame(
            ROSTER_SCHEMA,
            {"organisation": "force", "participant_id": "has", "session_group": "g1"},
            {"organisation": "force", "participant_id": "has_not"},
            {"organisation": "force", "participant_id": "elsewhere"},
        )
    )
    sessions = frame(
        ATTENDANCE_SCHEMA,
        *(
            {
                "organisation": organisation,
                "participant_id": officer,
                "session_group": group,
                "session_number": number,
                "held_on": date(2025, 1, number),
            }
            for organisation, officer, group, number in (
                ("force", "has", "g2", 1),
                ("force", "has_not", "g2", 1),
                ("force", "has_not", "g3", 2),
                ("force", "has_not", None, 3),
                ("unit", "elsewhere", "g4", 1),
            )
        ),
    )
    groups = with_groups_from_registers(people, sessions)
    assert groups.schema == PEOPLE_SCHEMA
    assert dict(groups.select("participant_id", "session_group").rows()) == {
        "has": "g1",
        "has_not": "g3",
        "elsewhere": None,
    }


@pytest.mark.parametrize("groups", [("g1", "g2"), ("g2", "g1")])
def test_of_two_groups_on_one_day_the_register_decides_and_not_their_pseudonyms(groups) -> None:
    """Those change when the key is rotated, and figures must not."""
    people = enrolled_from_rosters(frame(ROSTER_SCHEMA, {"organisation": "force"}))
    row = {"organisation": "force", "session_number": 1, "held_on": date(2025, 1, 1)}
    registers = frame(ATTENDANCE_SCHEMA, *({**row, "session_group": group} for group in groups))
    assert only(with_groups_from_registers(people, registers))["session_group"] == groups[-1]


@pytest.mark.parametrize("numbers", [(1, 2), (2, 1)])
def test_of_two_responses_on_one_day_their_numbers_do_not_decide(numbers) -> None:
    answers = frame(
        RESPONSES_SCHEMA,
        *(
            {
                "response_id": number,
                "organisation": "force",
                "completed_on": date(2025, 3, 1),
                "wave": wave,
                "gender": gender,
            }
            for number, wave, gender in zip(
                numbers, ("session_10", "baseline"), ("male", "female"), strict=True
            )
        ),
    )
    nobody = pl.DataFrame(schema=PEOPLE_SCHEMA)
    assert only(with_first_responders(nobody, answers, (), PROGRAMME))["gender"] == "female"


def test_the_first_departure_counts_and_on_one_day_leaving_the_organisation() -> None:
    departures = frame(
        DEPARTURES_SCHEMA,
        {"departed_on": date(2025, 5, 2), "departure_kind": "left_organisation"},
        {"departed_on": date(2025, 5, 1), "departure_kind": "withdrew"},
        {
            "participant_id": "p2",
            "departed_on": date(2025, 5, 1),
            "departure_kind": "withdrew",
        },
        {
            "participant_id": "p2",
            "departed_on": date(2025, 5, 1),
            "departure_kind": "left_organisation",
        },
        {"participant_id": "p3", "departed_on": date(2025, 6, 1), "departure_kind": "withdrew"},
    )
    assert first_departures(departures, date(2025, 5, 31)).sort("participant_id").rows() == [
        ("p1", date(2025, 5, 1), "withdrew"),
        ("p2", date(2025, 5, 1), "left_organisation"),
    ]


def test_a_session_missed_is_not_a_day_on_which_the_officer_was_seen() -> None:
    sessions = frame(
        ATTENDANCE_SCHEMA,
        {"organisation": "unit", "held_on": date(2025, 1, 6), "attended": True},
        {"organisation": "unit", "held_on": date(2025, 1, 20), "attended": False},
        {"organisation": "lister", "held_on": date(2025, 1, 20), "attended": False},
    )
    seen = memberships(
        pl.DataFrame(schema=ROSTER_SCHEMA), sessions, pl.DataFrame(schema=RESPONSES_SCHEMA)
    )
    assert seen.sort("organisation").rows() == [
        ("p1", "lister", None, None),
        ("p1", "unit", date(2025, 1, 6), date(2025, 1, 6)),
    ]
