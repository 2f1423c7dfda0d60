"""What waits for a steward, and what a steward may decide, from the tables alone."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from pipeline import tables
from pipeline.quality.decisions import Decision, Ruling, decisions_table
from pipeline.quality.verdicts import NOT_JUDGED
from pipeline.review import (
    Case,
    NotPossible,
    accept,
    case_of,
    ended_waivers,
    find,
    needs_the_file,
    pending,
    send_back,
    still_broken,
    waiting,
    waive,
)
from pipeline.vocabulary import DecisionAction

NAME = "kent--phq--0c1f2ab93d57"
OTHER = "kent--phq--7e9d04c1aa20"
NOW = datetime(2026, 7, 3, 8, tzinfo=UTC)
TODAY, LATER = date(2026, 7, 3), date(2026, 12, 31)
BLANK, TEST, AFTER = "too_many_unanswered", "preview_or_test_row", "completed_after_departure"


def listed(*submissions: dict[str, Any]) -> pl.DataFrame:
    """`quality.submissions` of held files, unless said."""
    ordinary = {
        "submission_id": NAME,
        "organisation": "kent",
        "source": "phq",
        "file_name": "phq ***.csv",
        "sha256": "0",
        "received_at": datetime(2026, 7, 1, 12),
        "rows_read": 10,
        "verdict": "held",
        "reason": "odd",
        "decided_by": "contract",
    }
    return tables.SUBMISSIONS.conform(pl.DataFrame([{**ordinary, **said} for said in submissions]))


def checked(severity: str, passed: bool | None = False) -> pl.DataFrame:
    row = {
        "submission_id": NAME,
        "contract": "questionnaire_phq4",
        "expectation": "e",
        "column_name": "m",
        "severity": severity,
        "passed": passed,
        "sentence": "look at it",
    }
    return tables.CHECKS.conform(pl.DataFrame([row]))


def broken(*rows: tuple[int, str], **said: Any) -> pl.DataFrame:
    ordinary = {
        "submission_id": NAME,
        "severity": "reject",
        "status": "open",
        "wave": "baseline",
        "instrument": "phq4",
    }
    made = [{**ordinary, "row_number": number, "rule": rule, **said} for number, rule in rows]
    return pl.DataFrame(made)


def taken(*actions: str, submission_id: str = NAME) -> list[Decision]:
    return [
        Decision(
            decision=number,
            decided_at=datetime(2026, 7, 2, number, tzinfo=UTC),
            submission_id=submission_id,
            action=DecisionAction(action),
            steward="data.steward",
            reason="explained",
        )
        for number, action in enumerate(actions, start=1)
    ]


def case(
    *findings: pl.DataFrame,
    checks: pl.DataFrame | None = None,
    decisions: list[Decision] | None = None,
    **said: Any,
) -> Case:
    quarantine = [tables.QUARANTINE.conform(frame) for frame in findings]
    return case_of(
        NAME,
        listed(said),
        checked("held") if checks is None else checks,
        pl.concat([tables.QUARANTINE.empty(), *quarantine]),
        decisions or [],
    )


def waived(of: Case, row: int = 5, rule: str | None = None, until: date = LATER) -> list[Ruling]:
    return waive(of, row, rule, until, steward="s", reason="r", today=TODAY)


def refusal(of: Case, row: int = 5, rule: str | None = None) -> str:
    with pytest.raises(NotPossible) as refused:
        waived(of, row, rule)
    return str(refused.value)


def test_a_submission_is_found_by_either_end() -> None:
    every = [NAME, OTHER, f"{NAME}00"]
    assert find(NAME, every) == NAME
    assert find("7e9", every) == OTHER
    assert find(OTHER[:12], [OTHER]) == OTHER
    for unknown in ("", "essex", "phq"):
        with pytest.raises(NotPossible, match="No submission"):
            find(unknown, every)
    with pytest.raises(NotPossible, match="2 submissions begin like that"):
        find("0c1f", every)


def test_decisions_that_the_snapshot_was_made_without_are_pending() -> None:
    first, second = taken("accept", "return")
    assert pending(decisions_table([first]), [first, second]) == {2}
    # The store may have been put back from a backup, and go on with the same numbers.
    other = taken("return")[0]
    restored = Decision(
        **{**{f: getattr(other, f) for f in other.__dataclass_fields__}, "decided_at": NOW}
    )
    assert pending(decisions_table([first]), [restored]) == {1}


def test_what_waits_is_undecided_or_waits_for_the_next_run() -> None:
    submissions = listed(
        {},
        {"submission_id": "later", "received_at": datetime(2026, 7, 3, 7)},
        {"submission_id": "replaced", "replaced_by": NAME},
        {"submission_id": "good", "verdict": "accepted"},
        {"submission_id": "returned", "verdict": "rejected", "decided_by": "data.steward"},
        {"submission_id": "just returned", "verdict": "accepted"},
    )
    decisions = taken("return", submission_id="just returned")
    found = waiting(submissions, decisions, {1}, NOW)
    assert [(each.submission_id, each.days, each.is_decided) for each in found] == [
        ("just returned", 1, True),
        (NAME, 1, False),
        ("later", 0, False),
    ]


def test_a_waiver_that_ended_is_said_once_a_row() -> None:
    ended = broken((2, BLANK), (2, TEST), (3, BLANK), status="expired")
    every = tables.QUARANTINE.conform(pl.concat([ended, broken((4, BLANK))]))
    assert ended_waivers(every) == {NAME: 2}


def test_accepting_what_was_returned_needs_no_failed_contract() -> None:
    nothing = tables.CHECKS.empty()
    returned = case(
        checks=nothing, decisions=taken("return"), verdict="rejected", decided_by="data.steward"
    )
    assert accept(returned, "s", "r").action == DecisionAction.ACCEPT


def test_what_was_not_judged_is_not_accepted() -> None:
    unjudged = f"the contract roster {NOT_JUDGED}; run `muster run` again"
    for checks in (tables.CHECKS.empty(), checked("accepted_with_warnings")):
        with pytest.raises(NotPossible, match="not been judged"):
            accept(case(checks=checks, reason=unjudged), "s", "r")


def test_what_no_contract_holds_may_be_accepted() -> None:
    copy = case(checks=tables.CHECKS.empty(), reason="the same file counts for essex already")
    assert accept(copy, "s", "r").action == DecisionAction.ACCEPT


def test_a_check_that_broke_may_be_overruled() -> None:
    assert accept(case(checks=checked("rejected", None)), "s", "r").submission_id == NAME


@pytest.mark.parametrize("decide", [accept, send_back])
def test_nothing_is_decided_about_a_file_that_a_newer_one_replaced(decide: Any) -> None:
    with pytest.raises(NotPossible, match=f"The newer file {OTHER} has replaced it"):
        decide(case(replaced_by=OTHER), "s", "r")


@pytest.mark.parametrize("name", ["contract", " Contract "])
def test_nobody_decides_in_the_name_of_the_contracts(name: str) -> None:
    """Tables say by that name that nobody has decided, so the file would go on waiting."""
    with pytest.raises(NotPossible, match="give a steward's name"):
        send_back(case(), name, "r")


def test_everything_that_a_row_broke_is_waived() -> None:
    made = waived(case(broken((5, BLANK), (5, TEST), (6, AFTER))))
    assert [(ruling.row_number, ruling.rule, ruling.until) for ruling in made] == [
        (5, TEST, LATER),
        (5, BLANK, LATER),
    ]


def test_one_rule_of_two_is_waived_and_the_other_named() -> None:
    of = case(broken((5, BLANK), (5, TEST)))
    made = waived(of, rule=BLANK)
    assert [ruling.rule for ruling in made] == [BLANK]
    assert still_broken(of, made) == [TEST]
    assert still_broken(of, waived(of)) == []


def test_a_row_that_broke_more_than_can_be_waived_says_what_to_do() -> None:
    of = case(broken((5, BLANK), (5, "answer_out_of_range")))
    assert refusal(of).startswith("The rule answer_out_of_range cannot be waived: correct the cell")
    assert refusal(of, rule=BLANK).startswith("The rule answer_out_of_range cannot be waived")


def test_of_a_wide_row_the_measurement_that_can_count_is_waived() -> None:
    other = broken((5, "answer_out_of_range"), wave="session_5")
    made = waived(case(broken((5, BLANK)), other))
    assert [ruling.rule for ruling in made] == [BLANK]


def test_what_the_whole_file_broke_is_no_rule_of_a_row() -> None:
    assert "broke no rule" in refusal(case(broken((5, "questionnaire_phq4.e"))))
    assert "broke no rule" in refusal(case(broken((5, "straight_lining"), severity="warn")))


def test_a_row_that_was_resolved_needs_no_waiver() -> None:
    assert "nothing to waive" in refusal(case(broken((5, BLANK), status="resolved")))


@pytest.mark.parametrize("status", ["waived", "expired"])
def test_a_waiver_may_be_prolonged(status: str) -> None:
    assert len(waived(case(broken((5, BLANK), status=status)))) == 1


def test_the_file_is_needed_only_where_the_lake_lacks_the_row() -> None:
    assert needs_the_file(waived(case(broken((5, BLANK), (5, TEST)))))
    assert not needs_the_file(waived(case(broken((5, AFTER)))))
