"""Registers of attendance with a column a session -> one row an officer and session."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.programme import Programme, UnusableConfiguration
from pipeline.reading.canonical import Reading, read
from pipeline.reading.mapping import Mapping
from pipeline.reading.tabular import Unreadable

Row = tuple[str, ...]
Register = Callable[..., Reading]
SAID = ("row_number", "identifier", "session_number", "attended", "cancelled", "absence_reason")


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    return {
        "organisation": "cumbria",
        "source": "register",
        "kind": "attendance",
        "files": "*",
        "participant": "id",
        "sessions": {"columns": "Session {session}"},
    }


@pytest.fixture(scope="module")
def register(
    programme: Programme,
    mapped: Callable[[str], Mapping],
    delimited: Callable[..., bytes],
    said: dict[str, Any],
) -> Register:
    def make(heading: Row, *rows: Row, **more: Any) -> Reading:
        mapping = mapped(yaml.safe_dump({**said, **more}, sort_keys=False))
        return read(delimited([heading, *rows]), mapping, programme)

    return make


def rows_of(reading: Reading) -> pl.DataFrame:
    assert [block.instrument for block in reading.blocks] == [None]
    return reading.blocks[0].rows


def test_a_row_a_session_comes_out_in_the_order_of_the_file(register: Register) -> None:
    found = register(
        ("id", "Session 1", "Session 2", "Session 3", "Notes"),
        ("a", "Yes", "Absent", "", "x"),
        ("b", "cancelled", "Sick", "\u2713", ""),
    )
    assert rows_of(found).select(SAID).rows() == [
        (2, "a", 1, True, False, None),
        (2, "a", 2, False, False, None),
        (3, "b", 1, None, True, None),
        (3, "b", 2, False, False, "sick"),
        (3, "b", 3, True, False, None),
    ]
    assert (found.rows_in_file, found.rows_blank, rows_of(found).height) == (2, 0, 5)
    assert found.columns_unknown == 1
    assert rows_of(found)["unrecognised"].to_list() == [[]] * 5


@pytest.mark.parametrize(
    ("cell", "attended", "cancelled", "reason"),
    [
        ("PRESENT", True, False, None),
        ("1", True, False, None),
        ("y", True, False, None),
        ("did not attend", False, False, None),
        ("0", False, False, None),
        ("Apologies", False, False, None),
        ("Not held", None, True, None),
        ("Annual leave", False, False, "annual leave"),
        ("A/L", False, False, "annual leave"),
        ("/", True, False, None),
        ("-", False, False, None),
        ("C", None, True, None),
        ("course", False, False, "training"),
    ],
)
def test_what_marks_mean(
    cell: str, attended: bool | None, cancelled: bool, reason: str | None, register: Register
) -> None:
    found = register(
        ("id", "Session 1"),
        ("a", cell),
        values={
            "attended": {"/": "yes", "-": "no"},
            "cancelled": {"C": "yes"},
            "absence_reason": {"A/L": "annual leave", "Course": "training"},
        },
    )
    assert rows_of(found).select(SAID[3:]).rows() == [(attended, cancelled, reason)]
    assert rows_of(found)["unrecognised"].to_list() == [[]]


@pytest.mark.parametrize("cell", ["x", "2", "perhaps", "sick, ask Simone Simsson"])
def test_a_mark_that_is_not_understood_is_said_and_not_kept(cell: str, register: Register) -> None:
    rows = rows_of(register(("id", "Session 1"), ("a", cell)))
    assert rows.select(SAID[3:]).rows() == [(None, False, None)]
    assert rows["unrecognised"].to_list() == [["attended"]]
    assert cell not in rows.select(pl.col(pl.String)).rows()[0]


def test_a_row_without_any_mark_stays_as_one_row_of_the_first_session(register: Register) -> None:
    found = register(
        ("id", "Session 1", "Session 2"), ("a", "", "yes"), ("b", "", ""), ("", "", "")
    )
    assert rows_of(found).select(SAID[:4]).rows() == [(2, "a", 2, True), (3, "b", 1, None)]
    assert (found.rows_in_file, found.rows_blank) == (3, 1)


def test_columns_beside_the_marks(register: Register) -> None:
    heading = ("id", "Group", "Session 1", "Mins 1", "Why 1", "Session 2", "Mins 2", "Why 2")
    found = register(
        heading,
        ("a", "North", "yes", "90", "", "sick", "", "Annual leave"),
        ("b", "South", "no", "", "Court", "", "60", ""),
        columns={
            "session_group": "Group",
            "minutes": "Mins {session}",
            "absence_reason": "Why {session}",
        },
    )
    fields = ("identifier", "session_group", "session_number", "attended", "minutes")
    assert rows_of(found).select(*fields, "absence_reason").rows() == [
        ("a", "North", 1, True, 90, None),
        ("a", "North", 2, False, None, "annual leave"),
        ("b", "South", 1, False, None, "court"),
        # Minutes say that the session was, and nothing who came.
        ("b", "South", 2, None, 60, None),
    ]
    assert found.columns_unknown == 0


def test_days_from_the_mapping_or_from_columns(register: Register) -> None:
    dates = {"columns": {1: "First", 2: "Second (moved)"}, "dates": {1: date(2025, 1, 6)}}
    found = register(
        ("id", "First", "Second (moved)"),
        ("a", "yes", "no"),
        sessions=dates,
        date_format="%Y-%m-%d %H:%M",
    )
    assert rows_of(found)["held_on"].to_list() == [date(2025, 1, 6), None]
    found = register(
        ("id", "Session 1", "Held 1", "Session 2", "Held 2"),
        ("a", "yes", "06/01/2025", "no", "last week"),
        columns={"held_on": "Held {session}"},
        date_format="%d/%m/%Y",
    )
    assert rows_of(found)["held_on"].to_list() == [date(2025, 1, 6), None]
    assert rows_of(found)["unrecognised"].to_list() == [[], ["held_on"]]
    with pytest.raises(Unreadable, match="row 3 of column `Held 1`"):
        register(
            ("id", "Session 1", "Held 1"),
            ("a", "yes", "06/01/2025"),
            ("b", "yes", "01/20/2025"),
            columns={"held_on": "Held {session}"},
            date_format="%d/%m/%Y",
        )


@pytest.mark.parametrize(
    ("heading", "sentence"),
    [
        (
            ("id", "Week 1"),
            "the file has no column of a session, such as `Session 1`; send the usual register, "
            "or correct `sessions` in the mapping of source register",
        ),
        (
            ("id", "Session 1", "Session 2 (moved)", "Session 3"),
            "the file has no column of session 2, but one of session 3; correct the heading, or "
            "`sessions` in the mapping of source register",
        ),
        (
            ("number", "Session 1"),
            "the file has no column `id`; send the usual export, or correct the mapping of source "
            "register",
        ),
    ],
)
def test_a_register_without_its_columns_is_unreadable(
    heading: Row, sentence: str, register: Register
) -> None:
    with pytest.raises(Unreadable) as refused:
        register(heading, ("a",) + ("yes",) * (len(heading) - 1))
    assert str(refused.value) == sentence


def test_sessions_beyond_the_programmes_are_columns_that_nothing_accounts_for(
    register: Register,
) -> None:
    found = register(("id", "Session 10", "Session 11"), ("a", "yes", "yes"))
    assert rows_of(found)["session_number"].to_list() == [10]
    assert found.columns_unknown == 1


def test_columns_of_sessions_by_their_place(register: Register) -> None:
    found = register(
        ("", "", "", "Notes"),
        ("a", "yes", "no", "x"),
        participant="#1",
        sessions={"columns": {1: "#2", 2: "#3"}},
    )
    assert rows_of(found).select(SAID[1:4]).rows() == [("a", 1, True), ("a", 2, False)]
    assert found.columns_unknown == 1


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"sessions": {"columns": "Session"}}, "sessions.columns: {session} is needed where the"),
        ({"kind": "roster"}, "sessions: only a register of attendance has a column a session"),
        ({"columns": {"attended": "x"}}, "attended is what a session's own column says"),
        (
            {"columns": {"minutes": "Mins"}},
            "columns.minutes: {session} is needed where the session's",
        ),
        (
            {
                "columns": {"held_on": "Held {session}"},
                "sessions": {"columns": "S {session}", "dates": {1: date(2025, 1, 6)}},
            },
            "sessions.dates: give dates, or a column for held_on, not both",
        ),
        (
            {"sessions": {"columns": {11: "Eleven"}}},
            "sessions.columns.11: 11 is not one of the programme's 10 sessions",
        ),
        ({"values": {"minutes": {"an hour": "60"}}}, "minutes is not among this mapping's columns"),
    ],
)
def test_what_a_mapping_cannot_say(
    more: dict[str, Any],
    problem: str,
    said: dict[str, Any],
    mapped: Callable[[str], Mapping],
) -> None:
    with pytest.raises(UnusableConfiguration) as refused:
        mapped(yaml.safe_dump({**said, **more}, sort_keys=False))
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)


MARKS: dict[str, tuple[bool | None, bool, str | None]] = {
    "Present": (True, False, None),
    "no": (False, False, None),
    "CANCELLED": (None, True, None),
    "Rest day": (False, False, "rest day"),
    "who knows": (None, False, None),
}


@given(
    marks=st.integers(1, 10).flatmap(
        lambda width: st.lists(
            st.lists(st.sampled_from(["", *MARKS]), min_size=width, max_size=width),
            min_size=1,
            max_size=8,
        )
    )
)
def test_every_mark_reads_back(marks: list[list[str]], register: Register) -> None:
    width, first = len(marks[0]), date(2025, 1, 6)
    held = {n: first + timedelta(days=14 * n) for n in range(1, width + 1)}
    found = register(
        ("id", *(f"S{n}" for n in held)),
        *((f"n{i}", *row) for i, row in enumerate(marks)),
        sessions={"columns": "S{session}", "dates": held},
    )
    expected = []
    for i, row in enumerate(marks):
        told = [(n, mark) for n, mark in enumerate(row, start=1) if mark] or [(1, "")]
        expected += [
            (i + 2, f"n{i}", n, *MARKS.get(mark, (None, False, None)), held[n]) for n, mark in told
        ]
    assert rows_of(found).select(*SAID, "held_on").rows() == expected
    assert found.rows_in_file == len(marks)
