"""Rosters, attendance registers and departure lists -> canonical rows, and whose rows they are."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import polars as pl
import pytest
import yaml

from pipeline.programme import Programme
from pipeline.reading.canonical import read
from pipeline.reading.mapping import Mapping

Read = Callable[..., pl.DataFrame]


@pytest.fixture
def register(
    programme: Programme,
    mapped: Callable[[str], Mapping],
    delimited: Callable[..., bytes],
) -> Read:
    """Reads rows of a kind; its columns are called as their fields, `id` says whose row it is."""

    def make(
        kind: str, fields: tuple[str, ...], *rows: tuple[str, ...], **said: Any
    ) -> pl.DataFrame:
        mapping = mapped(
            yaml.safe_dump(
                {
                    "organisation": "cumbria",
                    "source": "register",
                    "kind": kind,
                    "files": "*",
                    "participant": "id",
                    "columns": {field: field for field in fields},
                    **said,
                },
                sort_keys=False,
            )
        )
        whose = tuple((str(place), *row) for place, row in enumerate(rows))
        found = read(delimited([("id", *fields), *whose]), mapping, programme)
        assert [block.instrument for block in found.blocks] == [None]
        return found.blocks[0].rows

    return make


def column(rows: pl.DataFrame, name: str) -> list[Any]:
    return rows[name].to_list()


@pytest.mark.parametrize(
    ("cell", "group"),
    [
        ("PC", "constable"),
        ("police constable", "constable"),
        (" Ps ", "sergeant"),
        ("Insp", "inspector"),
        ("Chief Inspector", "inspector"),
        ("Supt", "senior_officer"),
        ("ACC", "senior_officer"),
        ("PCSO", "staff_and_others"),
        ("Special Constable", "staff_and_others"),
        ("T/DS", "sergeant"),
        ("dc", "constable"),
        ("Dogsbody", None),
        ("", None),
    ],
)
def test_ranks_in_groups(cell: str, group: str | None, register: Read) -> None:
    rows = register(
        "roster",
        ("rank", "unit"),
        (cell, "x"),
        values={"rank": {"T/DS": "sergeant", "DC": "pc"}},
    )
    assert column(rows, "rank_group") == [group]
    assert column(rows, "unrecognised") == [["rank"] if cell == "Dogsbody" else []]


@pytest.mark.parametrize(
    ("cell", "band"),
    [
        ("0", "under_2_years"),
        ("1.99", "under_2_years"),
        ("2", "2_to_4_years"),
        ("4.9", "2_to_4_years"),
        ("5", "5_to_9_years"),
        ("10", "10_years_and_over"),
        ("60", "10_years_and_over"),
        ("61", None),
        ("-1", None),
        ("NaN", None),
        ("99999999999", None),
        ("ten", None),
    ],
)
def test_service_in_bands(cell: str, band: str | None, register: Read) -> None:
    rows = register("roster", ("service_years",), (cell,))
    assert column(rows, "service_band") == [band]
    assert column(rows, "unrecognised") == [[] if band else ["service_years"]]


@pytest.mark.parametrize(
    ("cell", "group"),
    [
        ("W1", "white"),
        ("m9", "mixed"),
        ("Asian or Asian British", "asian"),
        ("black", "black"),
        ("self-described", "other"),
        ("Indian", "asian"),
        ("irish", "white"),
        ("Z7", None),
    ],
)
def test_ethnicity_in_groups(cell: str, group: str | None, register: Read) -> None:
    rows = register(
        "roster", ("ethnicity",), (cell,), values={"ethnicity": {"Self-described": "other"}}
    )
    assert column(rows, "ethnicity_group") == [group]


def test_the_rest_of_a_roster(register: Read) -> None:
    rows = register(
        "roster",
        ("unit", "session_group", "facilitator", "cohort", "arm", "gender", "enrolled_on"),
        (" Gangs ", "Group 1", "Dr X", "2026-01", "waiting-list", "Female", "2026-01-05"),
        ("", "", "", "", "", "", ""),
    )
    fields = ("unit", "session_group", "facilitator", "cohort", "arm", "gender", "enrolled_on")
    assert rows.select(fields).rows() == [
        ("Gangs", "Group 1", "Dr X", "2026-01", "Waiting-List", "female", date(2026, 1, 5)),
        (None,) * 7,
    ]
    assert column(rows, "unrecognised") == [[], ["arm", "enrolled_on"]]


def test_a_roster_without_a_column_for_the_arm_says_nothing_about_it(register: Read) -> None:
    assert column(register("roster", ("unit",), ("x",)), "arm") == [None]


ATTENDANCE = ("session_number", "attended", "cancelled", "minutes", "held_on")


@pytest.mark.parametrize(
    ("cell", "attended"),
    [
        ("yes", True),
        ("TRUE", True),
        (" 1 ", True),
        ("No", False),
        ("false", False),
        ("0", False),
        ("present", True),
        ("sick", False),
        ("2", None),
        ("", None),
    ],
)
def test_who_came(cell: str, attended: bool | None, register: Read) -> None:
    rows = register(
        "attendance",
        ("session_number", "attended"),
        ("1", cell),
        values={"attended": {"Present": "yes", "sick": "no"}},
    )
    assert column(rows, "attended") == [attended]
    assert column(rows, "cancelled") == [False]


@pytest.mark.parametrize(("attended", "expected"), [("yes", None), ("no", None), ("", None)])
def test_nobody_attends_a_session_that_was_cancelled(
    attended: str, expected: None, register: Read
) -> None:
    rows = register("attendance", ATTENDANCE, ("1", attended, "yes", "60", ""))
    assert column(rows, "attended") == [expected]
    assert column(rows, "cancelled") == [True]


@pytest.mark.parametrize(
    ("cell", "number"),
    [("1", 1), ("2.0", 2), (" 10 ", 10), ("-3", -3), ("1.5", None), ("1e99", None), ("one", None)],
)
def test_numbers_of_sessions(cell: str, number: int | None, register: Read) -> None:
    rows = register("attendance", ("session_number", "attended"), (cell, "yes"))
    assert column(rows, "session_number") == [number]
    assert column(rows, "unrecognised") == [[] if number is not None else ["session_number"]]


@pytest.mark.parametrize("cell", ["99999999999", "NaN", "inf", "an hour"])
def test_minutes_that_are_none_are_unknown(cell: str, register: Read) -> None:
    rows = register("attendance", ATTENDANCE, ("1", "yes", "no", cell, "2026-01-05"))
    assert column(rows, "minutes") == [None]
    assert column(rows, "unrecognised") == [["minutes"]]


def test_a_register_in_a_workbook(
    workbook: Callable[..., bytes], mapped: Callable[[str], Mapping], programme: Programme
) -> None:
    content = workbook(
        [
            ["Collar no", "Session", "Came", "Held"],
            [4711, 1, True, datetime(2026, 1, 5)],
            [4712, 2, False, "2026-01-19 00:00:00"],
        ]
    )
    mapping = mapped(
        """
organisation: cumbria
source: attendance
kind: attendance
files: "*"
participant: Collar no
columns: {session_number: Session, attended: Came, held_on: Held}
date_format: "%Y-%m-%d %H:%M:%S"
"""
    )
    rows = read(content, mapping, programme).blocks[0].rows
    assert rows.select("identifier", "session_number", "attended", "held_on").rows() == [
        ("4711", 1, True, date(2026, 1, 5)),
        ("4712", 2, False, date(2026, 1, 19)),
    ]


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("withdrew", "withdrew"),
        ("Left_Organisation", "left_organisation"),
        ("resigned", "left_organisation"),
        ("dismissed", None),
        ("", None),
    ],
)
def test_why_they_went(cell: str, kind: str | None, register: Read) -> None:
    rows = register(
        "departures",
        ("departed_on", "departure_kind"),
        ("2026-03-02", cell),
        values={"departure_kind": {"Resigned": "left_organisation"}},
    )
    assert column(rows, "departure_kind") == [kind]
    assert column(rows, "departed_on") == [date(2026, 3, 2)]


def test_the_home_force_of_a_units_officers(
    delimited: Callable[..., bytes], mapped: Callable[[str], Mapping], programme: Programme
) -> None:
    forces = ["ESSEX POLICE", "kent", "The Met", "essex-vru", "Narnia Police", ""]
    mapping = mapped(
        """
organisation: essex-vru
source: roster
kind: roster
files: "*"
participant: id
home_force: {column: force, values: {the met: metropolitan}}
"""
    )
    content = delimited([("id", "force"), *((f"n{i}", force) for i, force in enumerate(forces))])
    rows = read(content, mapping, programme).blocks[0].rows
    assert column(rows, "home_force") == ["essex", "kent", "metropolitan", None, None, None]


def test_a_home_force_for_the_whole_file(register: Read) -> None:
    rows = register("roster", ("unit",), ("x",), organisation="essex-vru", home_force="essex")
    assert column(rows, "home_force") == ["essex"]


@pytest.mark.parametrize(
    ("cell", "band"),
    [
        ("7 years", "5_to_9_years"),
        ("7.5yrs", "5_to_9_years"),
        ("1,5", "under_2_years"),
        ("18 months", "under_2_years"),
        ("24 months", "2_to_4_years"),
        ("76 months", "5_to_9_years"),
        ("4 years, 11 months", "2_to_4_years"),
        ("5-9 years", "5_to_9_years"),
        ("5 to 9", "5_to_9_years"),
        ("6\u20138", "5_to_9_years"),
        ("5 to under 10", "5_to_9_years"),
        ("2 - <5 yrs", "2_to_4_years"),
        ("25+", "10_years_and_over"),
        ("10 years and over", "10_years_and_over"),
        ("over 20 years", "10_years_and_over"),
        ("Under 2", "under_2_years"),
        ("<1 year", "under_2_years"),
        ("5_to_9_years", "5_to_9_years"),
        ("mid-career", "5_to_9_years"),
        # These lie in two of the bands, or say nothing that is certain.
        ("5-10", None),
        ("0-2", None),
        ("under 5", None),
        ("over 9", None),
        ("9-5", None),
        ("70+", None),
        ("<0", None),
        ("5-Oct", None),
        ("10-May", None),
        ("2012", None),
        ("of service", None),
    ],
)
def test_service_in_words_and_in_other_bands(cell: str, band: str | None, register: Read) -> None:
    rows = register(
        "roster",
        ("service_years",),
        (cell,),
        values={"service_years": {"Mid-career": "5_to_9_years"}},
    )
    assert column(rows, "service_band") == [band]
    assert column(rows, "unrecognised") == [[] if band else ["service_years"]]


@pytest.mark.parametrize(
    ("joined", "enrolled", "band"),
    [
        ("05/01/2021", "05/01/2026", "5_to_9_years"),
        ("06/01/2021", "05/01/2026", "2_to_4_years"),
        ("29/02/2024", "28/02/2026", "under_2_years"),
        ("29/02/2024", "01/03/2026", "2_to_4_years"),
        ("05/01/2026", "05/01/2026", "under_2_years"),
        ("06/01/2026", "05/01/2026", None),
        ("05/01/1960", "05/01/2026", None),
        ("7", "05/01/2026", None),
        ("last spring", "05/01/2026", None),
    ],
)
def test_service_from_the_day_of_joining_to_that_of_enrolment(
    joined: str, enrolled: str, band: str | None, register: Read
) -> None:
    rows = register(
        "roster", ("joined_on", "enrolled_on"), (joined, enrolled), date_format="%d/%m/%Y"
    )
    assert column(rows, "service_band") == [band]
    assert column(rows, "unrecognised") == [[] if band else ["service_years"]]


def test_without_a_day_of_enrolment_service_is_unknown_and_said(register: Read) -> None:
    rows = register("roster", ("joined_on", "enrolled_on"), ("2020-01-05", ""), ("", "2026-01-05"))
    assert column(rows, "service_band") == [None, None]
    assert column(rows, "unrecognised") == [["service_years", "enrolled_on"], []]


@pytest.mark.parametrize(
    ("cell", "group"),
    [
        ("P.C.", "constable"),
        ("Det. Con.", "constable"),
        ("T/DC", "constable"),
        ("T/DS", "sergeant"),
        ("t / ds", "sergeant"),
        ("Acting Sergeant", "sergeant"),
        ("A/Insp.", "inspector"),
        ("TDCI", "inspector"),
        ("Det Ch Insp", "inspector"),
        ("Temporary Detective Chief Superintendent", "senior_officer"),
        ("D/Supt", "senior_officer"),
        ("Commander", "senior_officer"),
        ("Deputy Assistant Commissioner", "senior_officer"),
        ("Rhingyll", "sergeant"),
        ("Police Staff Investigator", "staff_and_others"),
        ("PC Simone Simsson", None),
        ("PC 4711", None),
        ("Det", None),
    ],
)
def test_ranks_as_people_write_them(cell: str, group: str | None, register: Read) -> None:
    assert column(register("roster", ("rank",), (cell,)), "rank_group") == [group]


def test_what_a_mapping_says_of_a_spelling_comes_before_the_lists(register: Read) -> None:
    rows = register(
        "roster",
        ("rank", "gender", "ethnicity"),
        ("DC", "X", "1"),
        ("D.C.", "x", "1."),
        values={
            "rank": {"DC": "chief constable"},
            "gender": {"X": "another"},
            "ethnicity": {"1": "W1"},
        },
    )
    assert column(rows, "rank_group") == ["senior_officer"] * 2
    assert column(rows, "gender") == ["another"] * 2
    assert column(rows, "ethnicity_group") == ["white", None]


@pytest.mark.parametrize(
    ("cell", "group"),
    [
        ("IC1", "white"),
        ("IC 3", "black"),
        ("ic5", "asian"),
        ("IC6", "other"),
        ("IC9", "not_stated"),
        ("IC7", None),
        ("White British", "white"),
        ("English/Welsh/Scottish/Northern Irish/British", "white"),
        ("White: English, Welsh, Scottish, Northern Irish or British", "white"),
        ("Mixed: White & Black Caribbean", "mixed"),
        ("Asian/Asian British", "asian"),
        ("Chinese", "asian"),
        ("O1", "asian"),
        ("Black African", "black"),
        ("Arab", "other"),
        ("Prefer not to say", "not_stated"),
        # A count of some scheme, a nationality, and a word for several groups.
        ("1", None),
        ("British", None),
        ("BAME", None),
    ],
)
def test_ethnicity_in_other_schemes(cell: str, group: str | None, register: Read) -> None:
    assert column(register("roster", ("ethnicity",), (cell,)), "ethnicity_group") == [group]


@pytest.mark.parametrize(
    ("cell", "gender"),
    [
        ("Woman", "female"),
        ("Cis Male", "male"),
        ("Male (CIS)", "male"),
        ("Trans woman", "female"),
        ("Maile", "male"),
        ("Non binary", "non-binary"),
        ("genderqueer", "non-binary"),
        ("Prefer to self-describe", "other"),
        ("I'd rather not say", "not_stated"),
        ("Rather not say.", "not_stated"),
        # A code could mean either, and these words mean something else.
        ("1", None),
        ("X", None),
        ("Make", None),
        ("something kinda male?", None),
    ],
)
def test_gender_as_people_write_it(cell: str, gender: str | None, register: Read) -> None:
    assert column(register("roster", ("gender",), (cell,)), "gender") == [gender]
