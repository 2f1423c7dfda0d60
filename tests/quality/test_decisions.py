"""What holds of decisions on a day."""

from datetime import UTC, date, datetime
from typing import Any

from pipeline import tables
from pipeline.quality.decisions import (
    WAIVERS,
    Decision,
    decisions_table,
    ever_waived,
    known_decisions,
    newest_on_submissions,
    waivers_in_force,
    waivers_of,
)
from pipeline.vocabulary import DecisionAction

LAST_DAY = date(2026, 6, 30)
RULE = "preview_or_test_row"


def taken(*given: dict[str, Any]) -> list[Decision]:
    """Decisions in order, one a day from 1 March 2026 on, waivers of row 2 unless said."""
    ordinary: dict[str, Any] = {
        "submission_id": "a",
        "action": DecisionAction.WAIVE,
        "steward": "data.steward",
        "reason": "the answers were real",
    }
    waiving = {"row_number": 2, "rule": RULE, "until": LAST_DAY}
    return [
        Decision(
            decision=place,
            decided_at=datetime(2026, 3, place, 23, 59, tzinfo=UTC),
            **{**ordinary, **(waiving if "action" not in said else {}), **said},
        )
        for place, said in enumerate(given, start=1)
    ]


def in_force(decisions: list[Decision], as_of: date) -> list[tuple[Any, ...]]:
    return waivers_in_force(decisions, as_of).rows()


def test_what_was_known_at_the_end_of_a_day() -> None:
    first, second = decisions = taken({}, {})
    assert known_decisions(decisions, date(2026, 3, 1)) == [first]
    assert known_decisions(decisions, date(2026, 3, 2)) == [first, second]
    assert known_decisions(decisions) == [first, second]


def test_the_newest_decision_on_a_submission_leaves_waivers_out() -> None:
    accepted, returned, waived, other = taken(
        {"action": DecisionAction.ACCEPT},
        {"action": DecisionAction.RETURN},
        {},
        {"action": DecisionAction.ACCEPT, "submission_id": "b"},
    )
    newest = newest_on_submissions([accepted, returned, waived, other])
    assert newest == {"a": returned, "b": other}


def test_a_waiver_holds_through_its_last_day() -> None:
    decisions = taken({})
    assert in_force(decisions, LAST_DAY) == [("a", 2, RULE)]
    assert in_force(decisions, date(2026, 7, 1)) == []
    assert waivers_in_force(decisions, LAST_DAY).schema == WAIVERS


def test_a_report_of_a_day_before_the_decision_hears_it_too() -> None:
    # What was known on a day is asked with known_at; as_of is the state of the world.
    assert in_force(taken({}), date(2026, 1, 1)) == [("a", 2, RULE)]


def test_the_newest_waiver_of_a_row_and_rule_decides_when_it_ends() -> None:
    shortened = taken({}, {"until": date(2026, 4, 1)})
    assert in_force(shortened, LAST_DAY) == []
    prolonged = taken({}, {"until": date(2026, 12, 31)})
    assert in_force(prolonged, date(2026, 12, 1)) == [("a", 2, RULE)]


def test_every_row_and_rule_is_waived_by_itself() -> None:
    decisions = taken({}, {"row_number": 3}, {"rule": "too_many_unanswered"})
    assert in_force(decisions, LAST_DAY) == [
        ("a", 2, RULE),
        ("a", 2, "too_many_unanswered"),
        ("a", 3, RULE),
    ]


def test_what_was_ever_waived_does_not_end() -> None:
    decisions = taken(
        {}, {"row_number": 3, "submission_id": "b"}, {}, {"action": DecisionAction.ACCEPT}
    )
    assert ever_waived(decisions) == {"a": frozenset({(2, RULE)}), "b": frozenset({(3, RULE)})}
    assert waivers_of(decisions).rows() == [("a", 2, RULE), ("b", 3, RULE)]
    assert waivers_of([]).schema == WAIVERS


def test_the_published_table_is_a_copy_in_order() -> None:
    published = decisions_table(taken({}, {"action": DecisionAction.ACCEPT, "submission_id": "b"}))
    assert published.schema == tables.DECISIONS.frame_schema
    assert published.drop("steward", "reason").rows() == [
        (1, datetime(2026, 3, 1, 23, 59), "a", 2, RULE, "waive", LAST_DAY),
        (2, datetime(2026, 3, 2, 23, 59), "b", None, None, "accept", None),
    ]
    assert decisions_table([]).is_empty()


def test_a_rule_that_cannot_be_waived_is_not() -> None:
    decisions = taken({"rule": "wave_unknown"}, {"rule": "a_rule_of_long_ago"}, {})
    assert ever_waived(decisions) == {"a": frozenset({(2, RULE)})}
    assert in_force(decisions, LAST_DAY) == [("a", 2, RULE)]
