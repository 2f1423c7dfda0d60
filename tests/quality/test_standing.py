"""Rules across submissions, and which of several rows for one measurement counts."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from pipeline.programme import Programme
from pipeline.quality.decisions import WAIVERS
from pipeline.quality.standing import (
    Enrolment,
    enrolment_of,
    shares_unlinked,
    standing_registers,
    standing_responses,
)
from pipeline.vocabulary import DuplicatePolicy, Kind

NOBODY_LEFT = pl.DataFrame(schema={"participant_id": pl.String, "departed_on": pl.Date})
NO_ROSTER = Enrolment(
    pl.DataFrame(schema={"participant_id": pl.String, "enrolled_on": pl.Date}), frozenset()
)
JANUARY, FEBRUARY = date(2026, 1, 5), date(2026, 2, 2)


def responses(*given: dict[str, Any]) -> pl.DataFrame:
    rows = []
    for place, said in enumerate(given):
        items = said.get("items", [0, 1, 2, 3])
        rows.append(
            {
                "submission_id": said.get("submission_id", "one"),
                "arrived": said.get("arrived", 0),
                "row_number": said.get("row_number", place + 2),
                "organisation": said.get("organisation", "cumbria"),
                "participant_id": said.get("participant_id", "v1-a"),
                "wave": said.get("wave", "baseline"),
                "instrument": "phq4",
                "completed_on": said.get("completed_on"),
                "items": items,
                "items_answered": sum(item is not None for item in items),
                "flags": said.get("flags", []),
            }
        )
    return pl.DataFrame(
        rows,
        schema={
            "submission_id": pl.String,
            "arrived": pl.Int32,
            "row_number": pl.Int32,
            "organisation": pl.String,
            "participant_id": pl.String,
            "wave": pl.String,
            "instrument": pl.String,
            "completed_on": pl.Date,
            "items": pl.List(pl.UInt8),
            "items_answered": pl.Int32,
            "flags": pl.List(pl.String),
        },
    )


def register(*rows: tuple[Any, ...], **column: Any) -> pl.DataFrame:
    """Rows of submission, arrived, row, organisation, officer; `column` is the same for all."""
    names = ["submission_id", "arrived", "row_number", "organisation", "participant_id"]
    frame = pl.DataFrame(
        rows,
        schema=dict(zip(names, [pl.String, pl.Int32, pl.Int32, pl.String, pl.String], strict=True)),
        orient="row",
    )
    known = frame.with_columns(pl.col("participant_id").alias("known_as"))
    return known.with_columns(pl.lit(value).alias(name) for name, value in column.items())


SESSION = {"session_number": 1, "session_group": "v1-g", "held_on": JANUARY, "cancelled": False}
DEPARTURE = {"departed_on": FEBRUARY, "contradicting": False}


def counts(frame: pl.DataFrame) -> dict[str, int]:
    return dict(frame.select("submission_id", "rows_superseded").iter_rows())


def test_an_officer_enrolled_twice_enrolled_on_the_earlier_day() -> None:
    roster = pl.DataFrame(
        {
            "participant_id": ["v1-a", "v1-a", "v1-b"],
            "organisation": ["cumbria", "kent", "kent"],
            "enrolled_on": [FEBRUARY, JANUARY, None],
        }
    )
    enrolment = enrolment_of(roster.with_columns(known_as="participant_id"))
    assert dict(enrolment.people.sort("participant_id").iter_rows()) == {
        "v1-a": JANUARY,
        "v1-b": None,
    }
    assert enrolment.organisations == {"cumbria", "kent"}


def test_without_a_roster_of_the_organisation_nobody_is_unlinked(programme: Programme) -> None:
    kents = Enrolment(pl.DataFrame({"participant_id": ["v1-z"]}), frozenset({"kent"}))
    people = kents.people.with_columns(pl.lit(JANUARY).alias("enrolled_on"))
    rows = responses({}, {"organisation": "kent", "participant_id": "v1-b"})
    standing = standing_responses(
        rows, Enrolment(people, kents.organisations), NOBODY_LEFT, programme
    )
    assert standing.counting["organisation"].to_list() == ["cumbria"]
    assert standing.findings["rule"].to_list() == ["participant_not_enrolled"]
    assert standing.findings["wave"].to_list() == ["baseline"]


def test_an_officer_on_the_roster_of_another_organisation_is_linked(programme: Programme) -> None:
    people = pl.DataFrame({"participant_id": ["v1-a"], "enrolled_on": [JANUARY]})
    enrolment = Enrolment(people, frozenset({"cumbria", "kent"}))
    standing = standing_responses(responses({}), enrolment, NOBODY_LEFT, programme)
    assert standing.findings.is_empty()


def test_shares_unlinked_are_silent_about_organisations_without_roster() -> None:
    people = pl.DataFrame({"participant_id": ["v1-a"], "enrolled_on": [JANUARY]})
    enrolment = Enrolment(people, frozenset({"cumbria"}))
    rows = responses(
        {},
        {"participant_id": "v1-b"},
        {"participant_id": "v1-c"},
        {"participant_id": "v1-d"},
        {"organisation": "kent", "submission_id": "two", "participant_id": "v1-e"},
    )
    assert dict(shares_unlinked(rows, enrolment).iter_rows()) == {"one": 0.75}


def test_a_warning_is_added_to_the_flags_that_a_response_has(programme: Programme) -> None:
    people = pl.DataFrame({"participant_id": ["v1-a"], "enrolled_on": [FEBRUARY]})
    rows = responses({"completed_on": date(2026, 2, 1), "flags": ["straight_lining"]})
    standing = standing_responses(
        rows, Enrolment(people, frozenset({"cumbria"})), NOBODY_LEFT, programme
    )
    assert standing.counting["flags"].to_list() == [
        ["straight_lining", "completed_shortly_before_enrolment"]
    ]


def test_the_days_before_enrolment_are_the_programmes(programme: Programme) -> None:
    people = pl.DataFrame({"participant_id": ["v1-a"], "enrolled_on": [FEBRUARY]})
    strict = programme.model_copy(update={"early_response_days": 0})
    standing = standing_responses(
        responses({"completed_on": date(2026, 2, 1)}),
        Enrolment(people, frozenset({"cumbria"})),
        NOBODY_LEFT,
        strict,
    )
    assert standing.counting.is_empty()
    assert standing.findings["rule"].to_list() == ["completed_before_enrolment"]


@pytest.mark.parametrize(
    ("policy", "stays"),
    [
        (DuplicatePolicy.FIRST_COMPLETE, "earlier_and_complete"),
        (DuplicatePolicy.LAST, "latest"),
        (DuplicatePolicy.MOST_COMPLETE, "earlier_and_complete"),
    ],
)
def test_the_policy_chooses_among_submissions_too(
    policy: DuplicatePolicy, stays: str, programme: Programme
) -> None:
    rows = responses(
        {"submission_id": "first", "arrived": 0, "completed_on": JANUARY, "items": [0, 1, 2, None]},
        {"submission_id": "earlier_and_complete", "arrived": 1, "completed_on": FEBRUARY},
        {
            "submission_id": "latest",
            "arrived": 2,
            "completed_on": date(2026, 3, 2),
            "items": [0, 1, None, None],
        },
    )
    policed = programme.model_copy(update={"duplicates": policy})
    standing = standing_responses(rows, NO_ROSTER, NOBODY_LEFT, policed)
    assert standing.counting["submission_id"].to_list() == [stays]
    others = {"first", "earlier_and_complete", "latest"} - {stays}
    assert counts(standing.superseded) == {stays: 0, **dict.fromkeys(others, 1)}


@pytest.mark.parametrize(
    ("policy", "stays"),
    [
        (DuplicatePolicy.FIRST_COMPLETE, "older"),
        (DuplicatePolicy.LAST, "newer"),
        (DuplicatePolicy.MOST_COMPLETE, "older"),
    ],
)
@pytest.mark.parametrize("rows", [(10, 2), (2, 10), (5, 5)])
def test_without_days_the_order_of_arrival_decides_and_not_the_place_in_a_file(
    policy: DuplicatePolicy, stays: str, rows: tuple[int, int], programme: Programme
) -> None:
    given = responses(
        {"submission_id": "older", "arrived": 0, "row_number": rows[0]},
        {"submission_id": "newer", "arrived": 1, "row_number": rows[1]},
    )
    policed = programme.model_copy(update={"duplicates": policy})
    standing = standing_responses(given, NO_ROSTER, NOBODY_LEFT, policed)
    assert standing.counting["submission_id"].to_list() == [stays]


def test_rejected_rows_are_not_counted_as_superseded(programme: Programme) -> None:
    left = pl.DataFrame({"participant_id": ["v1-a"], "departed_on": [JANUARY]})
    rows = responses(
        {"submission_id": "sound", "completed_on": JANUARY},
        {"submission_id": "late", "completed_on": FEBRUARY},
    )
    standing = standing_responses(rows, NO_ROSTER, left, programme)
    assert counts(standing.superseded) == {"sound": 0}
    assert standing.findings["submission_id"].to_list() == ["late"]


def test_the_columns_of_counting_responses_are_those_that_came(programme: Programme) -> None:
    rows = responses({})
    counting = standing_responses(rows, NO_ROSTER, NOBODY_LEFT, programme).counting
    assert counting.columns == rows.columns


def test_an_empty_world_stands(programme: Programme) -> None:
    standing = standing_responses(responses(), NO_ROSTER, NOBODY_LEFT, programme)
    assert standing.counting.is_empty()
    assert standing.superseded.is_empty()


@pytest.mark.parametrize(
    ("kind", "column"),
    [(Kind.ROSTER, {}), (Kind.ATTENDANCE, SESSION), (Kind.DEPARTURES, DEPARTURE)],
)
def test_of_registers_the_newest_row_counts(kind: Kind, column: dict[str, Any]) -> None:
    rows = register(
        ("old", 0, 9, "cumbria", "v1-a"),
        ("new", 1, 2, "cumbria", "v1-a"),
        ("old", 0, 3, "cumbria", "v1-b"),
        **column,
    )
    standing = standing_registers(kind, rows, NO_ROSTER)
    kept = standing.counting.sort("participant_id").select("participant_id", "submission_id")
    assert kept.rows() == [("v1-a", "new"), ("v1-b", "old")]
    assert counts(standing.superseded) == {"old": 1, "new": 0}


def test_two_rosters_may_name_one_officer() -> None:
    rows = register(("one", 0, 2, "cumbria", "v1-a"), ("two", 1, 2, "essex-vru", "v1-a"))
    standing = standing_registers(Kind.ROSTER, rows, NO_ROSTER)
    assert standing.counting.height == 2


def test_sessions_of_one_officer_stand_side_by_side() -> None:
    rows = register(("one", 0, 2, "cumbria", "v1-a"), ("one", 0, 3, "cumbria", "v1-a"), **SESSION)
    sessions = rows.with_columns(pl.Series("session_number", [1, 2]))
    assert standing_registers(Kind.ATTENDANCE, sessions, NO_ROSTER).counting.height == 2


def test_a_roster_is_never_judged_by_itself() -> None:
    enrolment = Enrolment(NO_ROSTER.people, frozenset({"cumbria"}))
    rows = register(("one", 0, 2, "cumbria", "v1-a"), **DEPARTURE)
    assert standing_registers(Kind.ROSTER, rows, enrolment).counting.height == 1
    departed = standing_registers(Kind.DEPARTURES, rows, enrolment)
    assert departed.counting.is_empty()
    assert departed.findings.select("rule", "wave").rows() == [("participant_not_enrolled", None)]


def waived(*rows: tuple[str, int, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=WAIVERS, orient="row")


LEFT_IN_JANUARY = pl.DataFrame({"participant_id": ["v1-a"], "departed_on": [JANUARY]})
AFTER = "completed_after_departure"


def test_a_waived_standing_rule_lets_the_response_count_with_a_flag(programme: Programme) -> None:
    rows = responses({"completed_on": FEBRUARY}, {"completed_on": FEBRUARY, "wave": "session_5"})
    standing = standing_responses(
        rows, NO_ROSTER, LEFT_IN_JANUARY, programme, waivers=waived(("one", 2, AFTER))
    )
    assert standing.counting.select("wave", "flags").rows() == [("baseline", [AFTER])]
    assert standing.findings["row_number"].to_list() == [2, 3]
    assert standing.counting.columns == rows.columns


@pytest.mark.parametrize(
    "other",
    [("two", 2, AFTER), ("one", 3, AFTER), ("one", 2, "completed_before_enrolment")],
)
def test_a_waiver_of_something_else_lets_nothing_count(
    other: tuple[str, int, str], programme: Programme
) -> None:
    rows = responses({"completed_on": FEBRUARY})
    standing = standing_responses(
        rows, NO_ROSTER, LEFT_IN_JANUARY, programme, waivers=waived(other)
    )
    assert standing.counting.is_empty()


def test_who_is_enrolled_cannot_be_waived(programme: Programme) -> None:
    nobody = Enrolment(NO_ROSTER.people, frozenset({"cumbria"}))
    waivers = waived(("one", 2, "participant_not_enrolled"))
    standing = standing_responses(responses({}), nobody, NOBODY_LEFT, programme, waivers=waivers)
    assert standing.counting.is_empty()


@pytest.mark.parametrize("policy", list(DuplicatePolicy))
def test_a_row_that_counts_by_a_waiver_never_displaces_another(
    policy: DuplicatePolicy, programme: Programme
) -> None:
    policed = programme.model_copy(update={"duplicates": policy})
    ordinary = {"submission_id": "ordinary", "items": [0, 1, 2, None], "completed_on": FEBRUARY}
    let_in = responses(
        {"submission_id": "early", "completed_on": JANUARY, "arrived": 0},
        {"submission_id": "late", "completed_on": date(2026, 3, 2), "arrived": 2},
    )
    rows = responses({**ordinary, "arrived": 1})
    standing = standing_responses(rows, NO_ROSTER, NOBODY_LEFT, policed, let_in=let_in)
    assert standing.counting["submission_id"].to_list() == ["ordinary"]
    assert counts(standing.superseded) == {"ordinary": 0, "early": 1, "late": 1}
    alone = standing_responses(responses(), NO_ROSTER, NOBODY_LEFT, policed, let_in=let_in)
    assert alone.counting.height == 1


def test_a_response_exempt_by_a_waiver_gives_way_to_a_sound_one_too(programme: Programme) -> None:
    policed = programme.model_copy(update={"duplicates": DuplicatePolicy.LAST})
    rows = responses(
        {"submission_id": "sound", "completed_on": JANUARY},
        {"submission_id": "late", "completed_on": FEBRUARY},
    )
    standing = standing_responses(
        rows, NO_ROSTER, LEFT_IN_JANUARY, policed, waivers=waived(("late", 3, AFTER))
    )
    assert standing.counting["submission_id"].to_list() == ["sound"]
    assert counts(standing.superseded) == {"sound": 0, "late": 1}


def test_a_row_let_in_is_judged_across_submissions_like_any_other(programme: Programme) -> None:
    let_in = responses({"completed_on": FEBRUARY})
    standing = standing_responses(responses(), NO_ROSTER, LEFT_IN_JANUARY, programme, let_in=let_in)
    assert standing.counting.is_empty()
    assert standing.findings["rule"].to_list() == [AFTER]
