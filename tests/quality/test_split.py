"""Judging the rows of one file: a partition, the policies on duplicates, the flags."""

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
import pytest

from pipeline.programme import Programme
from pipeline.quality.judgement import split
from pipeline.quality.rules import FILE_RULES, ROW_RULES, RULES, STANDING_RULES, Circumstances
from pipeline.reference import Instrument
from pipeline.vocabulary import DuplicatePolicy, Kind, Severity

Rows = Callable[..., pl.DataFrame]
RECEIVED = date(2026, 6, 30)
JANUARY, FEBRUARY, MARCH = date(2026, 1, 5), date(2026, 2, 2), date(2026, 3, 2)


def staying(
    rows: pl.DataFrame, programme: Programme, instrument: Instrument, policy: DuplicatePolicy
) -> list[int]:
    policed = programme.model_copy(update={"duplicates": policy})
    judged = split(rows, Kind.QUESTIONNAIRE, Circumstances(policed, RECEIVED, instrument))
    return judged.accepted["row_number"].to_list()


def test_a_rule_has_one_name_and_says_what_it_means_and_what_to_do() -> None:
    every = (*ROW_RULES, *FILE_RULES, *STANDING_RULES)
    assert len(RULES) == len(every)
    for rule in every:
        assert rule.kinds
        assert rule.meaning.endswith(".")
        assert rule.remedy.endswith(".")


def test_rules_beside_those_of_single_rows_leave_the_judging_to_others() -> None:
    assert all(rule.breaks is not None for rule in ROW_RULES)
    assert all(rule.breaks is None for rule in (*FILE_RULES, *STANDING_RULES))


@pytest.mark.parametrize(
    ("policy", "stays"),
    [
        (DuplicatePolicy.FIRST_COMPLETE, 3),
        (DuplicatePolicy.LAST, 5),
        (DuplicatePolicy.MOST_COMPLETE, 3),
    ],
)
def test_each_policy_keeps_another_response(
    policy: DuplicatePolicy, stays: int, answered: Rows, programme: Programme, phq4: Instrument
) -> None:
    rows = answered(
        {"items": (0, 1, 2, None), "completed_on": JANUARY},
        {"items": (0, 1, 2, 3), "completed_on": FEBRUARY},
        {"items": (3, 2, 1, 0), "completed_on": MARCH},
        {"items": (0, 1, None, None), "completed_on": date(2026, 4, 6)},
    )
    assert staying(rows, programme, phq4, policy) == [stays]


def test_where_none_is_complete_the_policies_differ(
    answered: Rows, programme: Programme, phq4: Instrument
) -> None:
    rows = answered(
        {"items": (0, 1, None, None), "completed_on": JANUARY},
        {"items": (0, 1, 2, None), "completed_on": FEBRUARY},
    )
    assert staying(rows, programme, phq4, DuplicatePolicy.FIRST_COMPLETE) == [2]
    assert staying(rows, programme, phq4, DuplicatePolicy.MOST_COMPLETE) == [3]


@pytest.mark.parametrize("policy", DuplicatePolicy)
def test_a_response_without_a_day_gives_way_to_one_with(
    policy: DuplicatePolicy, answered: Rows, programme: Programme, phq4: Instrument
) -> None:
    rows = answered({"completed_on": None}, {"completed_on": MARCH}, {"completed_on": None})
    assert staying(rows, programme, phq4, policy) == [3]


@pytest.mark.parametrize(
    ("policy", "stays"),
    [
        (DuplicatePolicy.FIRST_COMPLETE, 2),
        (DuplicatePolicy.LAST, 4),
        (DuplicatePolicy.MOST_COMPLETE, 2),
    ],
)
def test_without_days_the_place_in_the_file_decides(
    policy: DuplicatePolicy, stays: int, answered: Rows, programme: Programme, phq4: Instrument
) -> None:
    assert staying(answered({}, {}, {}), programme, phq4, policy) == [stays]


def test_accepted_rows_keep_the_order_of_the_file(
    answered: Rows, programme: Programme, phq4: Instrument
) -> None:
    rows = answered(
        {"participant_id": "v1-c", "completed_on": MARCH},
        {"participant_id": "v1-a", "completed_on": JANUARY},
        {"participant_id": "v1-b", "completed_on": FEBRUARY},
    )
    assert staying(rows, programme, phq4, DuplicatePolicy.LAST) == [2, 3, 4]


@pytest.mark.parametrize("differs", [{"wave": "session_5"}, {"participant_id": "v1-b"}])
def test_another_wave_or_officer_is_no_duplicate(
    differs: dict[str, Any], answered: Rows, programme: Programme, phq4: Instrument
) -> None:
    rows = answered({}, differs)
    assert staying(rows, programme, phq4, DuplicatePolicy.LAST) == [2, 3]


def test_flags_name_every_warning_and_no_rejection(
    answered: Rows, programme: Programme, phq4: Instrument
) -> None:
    rows = answered(
        {"duration_seconds": 1, "unrecognised": ["completed_on"]},
        {"participant_id": "v1-b"},
    )
    judged = split(rows, Kind.QUESTIONNAIRE, Circumstances(programme, RECEIVED, phq4))
    assert judged.accepted["flags"].to_list() == [
        ["completed_on_not_recognised", "answered_too_fast"],
        [],
    ]
    assert set(judged.findings["severity"]) == {Severity.WARN.value}


def test_no_rows_at_all_are_judged_without_complaint(
    answered: Rows, programme: Programme, phq4: Instrument
) -> None:
    judged = split(answered(), Kind.QUESTIONNAIRE, Circumstances(programme, RECEIVED, phq4))
    assert judged.accepted.is_empty()
    assert judged.findings.is_empty()
    assert "flags" in judged.accepted.columns


def test_a_rule_on_answers_cannot_be_asked_of_a_register(programme: Programme) -> None:
    with pytest.raises(LookupError, match="rows that hold none"):
        _ = Circumstances(programme, RECEIVED).item_columns


def waiving(
    rows: pl.DataFrame, programme: Programme, instrument: Instrument, *waived: tuple[int, str]
) -> dict[int, tuple[list[str], list[str]]]:
    """Rows let in by waivers: what they need, and their flags."""
    asked = Circumstances(programme, RECEIVED, instrument)
    judged = split(rows, Kind.QUESTIONNAIRE, asked, waived)
    without = split(rows, Kind.QUESTIONNAIRE, asked)
    assert judged.accepted.equals(without.accepted)
    assert judged.findings.equals(without.findings)
    assert without.waived.is_empty()
    return {
        row["row_number"]: (row["needs_waiver"], row["flags"])
        for row in judged.waived.iter_rows(named=True)
    }


TEST, BLANK = "preview_or_test_row", "too_many_unanswered"
BLANKS = (None, None, None, None)


def test_a_row_counts_under_a_waiver_only_if_everything_wrong_with_it_is_waived(
    answered: Rows, programme: Programme, phq4: Instrument
) -> None:
    rows = answered({"is_test": True, "items": BLANKS}, {"is_test": True}, {})
    assert waiving(rows, programme, phq4, (2, TEST)) == {}
    assert waiving(rows, programme, phq4, (2, TEST), (2, BLANK), (3, TEST)) == {
        2: ([TEST, BLANK], [TEST, BLANK]),
        3: ([TEST], [TEST]),
    }


def test_a_waiver_of_a_sound_row_or_of_none_does_nothing(
    answered: Rows, programme: Programme, phq4: Instrument
) -> None:
    rows = answered({}, {"is_test": True})
    assert waiving(rows, programme, phq4, (2, TEST), (99, TEST)) == {}


def test_what_leaves_nothing_to_count_cannot_be_waived(
    answered: Rows, programme: Programme, phq4: Instrument
) -> None:
    rows = answered({"wave": None}, {"participant_id": None, "is_test": True})
    every = [(row, rule) for row in (2, 3) for rule in RULES]
    assert waiving(rows, programme, phq4, *every, (2, "a_rule_of_long_ago")) == {}


def test_a_waived_row_is_handed_on_even_where_a_sound_one_counts(
    answered: Rows, programme: Programme, phq4: Instrument
) -> None:
    rows = answered({"is_test": True}, {})
    assert waiving(rows, programme, phq4, (2, TEST)) == {2: ([TEST], [TEST])}


def test_only_rejecting_rules_on_answers_are_waivable() -> None:
    waivable = [rule for rule in RULES.values() if rule.waivable]
    assert {rule.name for rule in waivable} == {
        TEST,
        BLANK,
        "completed_in_future",
        "completed_after_departure",
        "completed_before_enrolment",
        "code_shared",
    }
    for rule in waivable:
        assert rule.kinds == {Kind.QUESTIONNAIRE}
        assert rule.severity == Severity.REJECT
