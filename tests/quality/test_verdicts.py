"""What becomes of each submission: contracts into verdicts, and what replaces what."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from pipeline.quality.decisions import Decision
from pipeline.quality.verdicts import (
    CHECK_RESULTS,
    counting,
    known_records,
    rejected_rows,
    verdicts_of,
)
from pipeline.submissions import UNMAPPED, Record
from pipeline.vocabulary import DecisionAction, Verdict

Make = Callable[..., Record]
CONTRACT = "questionnaire_phq4"


def checked(*results: tuple[str, str, bool | None]) -> pl.DataFrame:
    """CHECK_RESULTS from submission, severity and whether it passed."""
    rows = [
        {
            "submission_id": submission,
            "contract": CONTRACT,
            "expectation": f"expectation_{place}",
            "column_name": "share_quarantined",
            "severity": severity,
            "passed": passed,
            "observed": 0.5,
            "sentence": f"sentence {place}",
        }
        for place, (submission, severity, passed) in enumerate(results)
    ]
    return pl.DataFrame(rows, schema=CHECK_RESULTS)


def awaited(*submissions: str) -> pl.DataFrame:
    rows = [(submission, CONTRACT) for submission in submissions]
    return pl.DataFrame(
        rows, schema={"submission_id": pl.String, "contract": pl.String}, orient="row"
    )


NOTHING_AWAITED = awaited()


def verdict_of(record: Record, checks: pl.DataFrame) -> dict[str, Any]:
    return verdicts_of([record], checks, awaited(record.submission_id)).row(0, named=True)


@pytest.mark.parametrize(
    ("results", "verdict", "reason"),
    [
        ([("rejected", True), ("held", True)], Verdict.ACCEPTED, None),
        (
            [("accepted_with_warnings", False), ("held", True)],
            Verdict.ACCEPTED_WITH_WARNINGS,
            "sentence 0",
        ),
        ([("accepted_with_warnings", False), ("held", False)], Verdict.HELD, "sentence 1"),
        ([("held", False), ("rejected", False)], Verdict.REJECTED, "sentence 1"),
        ([("rejected", False), ("rejected", False)], Verdict.REJECTED, "sentence 0"),
    ],
)
def test_the_worst_finding_decides(
    results: list[tuple[str, bool]], verdict: Verdict, reason: str | None, record: Make
) -> None:
    found = verdict_of(record("a"), checked(*(("a", s, passed) for s, passed in results)))
    assert (found["verdict"], found["reason"]) == (verdict, reason)
    assert found["decided_by"] == "contract"


@pytest.mark.parametrize("severity", ["rejected", "held", "accepted_with_warnings"])
def test_a_check_that_broke_holds_and_says_that_it_is_not_the_data(
    severity: str, record: Make
) -> None:
    found = verdict_of(record("a"), checked(("a", severity, None)))
    assert found["verdict"] == Verdict.HELD
    assert "could not be carried out" in found["reason"]
    assert "nothing about the data" in found["reason"]
    assert "sentence 0" not in found["reason"]


def test_bad_data_weigh_more_than_a_broken_check(record: Make) -> None:
    found = verdict_of(record("a"), checked(("a", "held", None), ("a", "rejected", False)))
    assert (found["verdict"], found["reason"]) == (Verdict.REJECTED, "sentence 1")


def test_a_contract_that_was_not_judged_holds(record: Make) -> None:
    found = verdict_of(record("a"), checked(("b", "held", True)))
    assert found["verdict"] == Verdict.HELD
    assert CONTRACT in found["reason"]
    assert "not been judged" in found["reason"]


def test_one_of_two_contracts_missing_holds(record: Make) -> None:
    both = pl.concat([awaited("a"), awaited("a").with_columns(pl.lit("other").alias("contract"))])
    found = verdicts_of([record("a")], checked(("a", "held", True)), both)
    assert found["verdict"].to_list() == [Verdict.HELD]


def test_an_unreadable_file_is_held_with_its_sentence(record: Make) -> None:
    unreadable = record("a", problem="the file is empty; ask for the export again", rows_read=None)
    found = verdicts_of([unreadable], checked(), awaited())
    assert found.select("verdict", "reason").row(0) == (
        Verdict.HELD,
        "the file is empty; ask for the export again",
    )


def test_the_findings_of_one_submission_say_nothing_of_another(record: Make) -> None:
    found = verdicts_of(
        [record("a", source="x"), record("b", source="y")],
        checked(("a", "rejected", False), ("b", "rejected", True)),
        awaited("a", "b"),
    )
    assert found["verdict"].to_list() == [Verdict.REJECTED, Verdict.ACCEPTED]


def in_two_places(record: Make) -> list[Record]:
    """One file that two organisations sent, and another of the second one."""
    return [
        record("a", organisation="force-01", sha256="1"),
        record("b", organisation="force-02", sha256="1"),
        record("c", organisation="force-02", source="y", sha256="2"),
    ]


def test_a_file_that_counts_for_another_organisation_is_held(record: Make) -> None:
    found = verdicts_of(in_two_places(record), checked(), NOTHING_AWAITED)
    assert found["verdict"].to_list() == [Verdict.ACCEPTED, Verdict.HELD, Verdict.ACCEPTED]
    assert found["reason"][1].startswith("the same file counts for force-01 already, as a; ")


def test_a_steward_may_let_the_same_file_count_twice(record: Make) -> None:
    found = verdicts_of(in_two_places(record), checked(), NOTHING_AWAITED, ruled(("b", "accept")))
    assert found["verdict"].to_list() == [Verdict.ACCEPTED] * 3


def test_returning_the_first_of_two_lets_the_other_count(record: Make) -> None:
    found = verdicts_of(in_two_places(record), checked(), NOTHING_AWAITED, ruled(("a", "return")))
    assert found["verdict"].to_list() == [Verdict.REJECTED, Verdict.ACCEPTED, Verdict.ACCEPTED]


def test_the_same_file_under_two_sources_of_one_organisation_is_not_held(record: Make) -> None:
    twice = [record("a", source="x", sha256="1"), record("b", source="y", sha256="1")]
    found = verdicts_of(twice, checked(), NOTHING_AWAITED)
    assert found["verdict"].to_list() == [Verdict.ACCEPTED] * 2


def test_what_contracts_say_of_a_file_weighs_more_than_where_else_it_counts(record: Make) -> None:
    found = verdicts_of(in_two_places(record), checked(("b", "rejected", False)), awaited("b"))
    assert found["verdict"].to_list() == [Verdict.ACCEPTED, Verdict.REJECTED, Verdict.ACCEPTED]


def test_a_contract_and_another_organisation_hold_a_file_together(record: Make) -> None:
    found = verdicts_of(in_two_places(record), checked(("b", "held", False)), awaited("b"))
    assert found["verdict"][1] == Verdict.HELD
    assert "; and the same file counts for force-01 already, as a; " in found["reason"][1]
    assert found["failed_contract"][1] is not None


def test_what_cannot_be_accepted_yet_is_not_called_a_copy(record: Make) -> None:
    first, second, _ = in_two_places(record)
    unreadable = second.model_copy(update={"problem": "it has no rows"})
    for records, expected in (
        ([first, second], awaited("b")),
        ([first, unreadable], NOTHING_AWAITED),
    ):
        found = verdicts_of(records, checked(), expected)
        assert "the same file" not in found["reason"][1]


def judged(records: list[Record], *bad: str) -> pl.DataFrame:
    """Verdicts where the submissions named were rejected and the others accepted."""
    results = [(r.submission_id, "rejected", r.submission_id not in bad) for r in records]
    return verdicts_of(records, checked(*results), awaited(*(r.submission_id for r in records)))


def test_the_newest_good_file_of_a_cumulative_source_replaces_all_before(record: Make) -> None:
    verdicts = judged([record("a"), record("b"), record("c")])
    assert verdicts["replaced_by"].to_list() == ["c", "c", None]
    assert counting(verdicts) == ["c"]


def test_a_rejected_newer_file_never_displaces_a_good_one(record: Make) -> None:
    verdicts = judged([record("a"), record("b"), record("c")], "c")
    assert verdicts["replaced_by"].to_list() == ["b", None, None]
    assert counting(verdicts) == ["b"]


def test_a_held_newer_file_never_displaces_a_good_one(record: Make) -> None:
    unreadable = record("b", problem="the file is empty", rows_read=None)
    verdicts = verdicts_of(
        [record("a"), unreadable], checked(("a", "held", True)), awaited("a", "b")
    )
    assert verdicts["replaced_by"].to_list() == [None, None]
    assert counting(verdicts) == ["a"]


def test_a_good_newer_file_settles_a_rejected_older_one(record: Make) -> None:
    verdicts = judged([record("a"), record("b")], "a")
    assert verdicts["replaced_by"].to_list() == ["b", None]


def test_incremental_files_add_up(record: Make) -> None:
    verdicts = judged([record(name, delivery="incremental") for name in ("a", "b")])
    assert verdicts["replaced_by"].to_list() == [None, None]
    assert counting(verdicts) == ["a", "b"]


@pytest.mark.parametrize("differs", [{"source": "other"}, {"organisation": "kent"}])
def test_a_file_replaces_only_those_of_its_own_source(
    differs: dict[str, Any], record: Make
) -> None:
    assert counting(judged([record("a"), record("b", **differs)])) == ["a", "b"]


def test_a_file_accepted_with_warnings_counts_and_replaces(record: Make) -> None:
    results = checked(("a", "held", True), ("b", "accepted_with_warnings", False))
    verdicts = verdicts_of([record("a"), record("b")], results, awaited("a", "b"))
    assert counting(verdicts) == ["b"]


def test_what_had_been_received_by_a_day(record: Make) -> None:
    early = record("a", received_at=datetime(2026, 6, 30, 23, 59, tzinfo=UTC))
    late = record("b", received_at=datetime(2026, 7, 1, tzinfo=UTC))
    assert known_records([early, late], date(2026, 6, 30)) == [early]
    assert known_records([early, late]) == [early, late]


def test_a_file_that_waited_for_its_mapping_is_one_submission(record: Make) -> None:
    waiting = record("a", source=UNMAPPED, sha256="x")
    mapped = record("b", sha256="x")
    other = record("c", source=UNMAPPED, sha256="y")
    assert known_records([waiting, mapped, other]) == [mapped, other]


def test_before_its_mapping_came_the_file_was_waiting(record: Make) -> None:
    waiting = record("a", source=UNMAPPED, sha256="x")
    mapped = record("b", sha256="x", received_at=datetime(2026, 7, 2, tzinfo=UTC))
    assert known_records([waiting, mapped], date(2026, 7, 1)) == [waiting]


def test_sound_rows_of_a_rejected_file_are_found_under_its_contract(record: Make) -> None:
    verdicts = judged([record("a")], "a")
    rows = pl.DataFrame(
        {
            "submission_id": ["a"],
            "row_number": [2],
            "participant_id": ["v1-a"],
            "wave": ["baseline"],
            "instrument": ["phq4"],
        }
    )
    found = rejected_rows(verdicts, rows)
    assert found.row(0, named=True) == {
        "submission_id": "a",
        "row_number": 2,
        "rule": f"{CONTRACT}.expectation_0",
        "column_name": None,
        "severity": "reject",
        "participant_id": "v1-a",
        "wave": "baseline",
        "instrument": "phq4",
        "session_number": None,
    }
    of_register = rejected_rows(verdicts, rows.drop("wave", "instrument"))
    assert of_register.select("wave", "instrument").row(0) == (None, None)


def ruled(*given: tuple[str, str]) -> list[Decision]:
    """Decisions from submission and action, in the order taken."""
    return [
        Decision(
            decision=place,
            decided_at=datetime(2026, 7, place, tzinfo=UTC),
            submission_id=submission_id,
            action=DecisionAction(action),
            steward="data.steward",
            reason=f"reason {place}",
        )
        for place, (submission_id, action) in enumerate(given, start=1)
    ]


def settled(record: Record, severity: str, *actions: str) -> dict[str, Any]:
    """The verdict on a submission that failed a contract with a severity, after decisions."""
    decisions = ruled(*(("a", action) for action in actions))
    checks = checked(("a", severity, False))
    return verdicts_of([record], checks, awaited("a"), decisions).row(0, named=True)


def test_a_held_file_that_a_steward_accepts_counts(record: Make) -> None:
    found = settled(record("a"), "held", "accept")
    assert (found["verdict"], found["reason"], found["decided_by"], found["failed_contract"]) == (
        Verdict.ACCEPTED,
        "reason 1",
        "data.steward",
        None,
    )


@pytest.mark.parametrize("severity", ["held", "rejected", "accepted_with_warnings"])
def test_a_file_that_a_steward_returns_counts_as_rejected(severity: str, record: Make) -> None:
    found = settled(record("a"), severity, "return")
    assert (found["verdict"], found["reason"], found["decided_by"], found["failed_contract"]) == (
        Verdict.REJECTED,
        "reason 1",
        "data.steward",
        "returned",
    )


def test_of_several_decisions_the_newest_holds(record: Make) -> None:
    assert settled(record("a"), "held", "accept", "return")["verdict"] == Verdict.REJECTED
    again = settled(record("a"), "held", "return", "accept")
    assert (again["verdict"], again["reason"]) == (Verdict.ACCEPTED, "reason 2")


def test_accepting_what_was_returned_gives_it_back_to_its_contracts(record: Make) -> None:
    found = settled(record("a"), "accepted_with_warnings", "return", "accept")
    assert (found["verdict"], found["decided_by"]) == (Verdict.ACCEPTED_WITH_WARNINGS, "contract")


def test_accepting_cannot_make_a_rejected_file_count(record: Make) -> None:
    found = settled(record("a"), "rejected", "accept")
    assert (found["verdict"], found["decided_by"]) == (Verdict.REJECTED, "contract")


def test_accepting_cannot_make_an_unreadable_file_count(record: Make) -> None:
    unreadable = record("a", problem="the file is empty", rows_read=None)
    found = verdicts_of([unreadable], checked(), awaited(), ruled(("a", "accept")))
    assert found.select("verdict", "reason").row(0) == (Verdict.HELD, "the file is empty")


def test_accepting_waits_until_every_contract_was_judged(record: Make) -> None:
    found = verdicts_of([record("a")], checked(), awaited("a"), ruled(("a", "accept")))
    assert found.select("verdict", "decided_by").row(0) == (Verdict.HELD, "contract")


def test_accepting_settles_a_check_that_broke(record: Make) -> None:
    checks = checked(("a", "held", None))
    found = verdicts_of([record("a")], checks, awaited("a"), ruled(("a", "accept")))
    assert found["verdict"].to_list() == [Verdict.ACCEPTED]


def test_an_unreadable_file_can_be_returned(record: Make) -> None:
    unreadable = record("a", problem="the file is empty", rows_read=None)
    found = verdicts_of([unreadable], checked(), awaited(), ruled(("a", "return")))
    assert found.select("verdict", "decided_by").row(0) == (Verdict.REJECTED, "data.steward")


def test_a_decision_says_nothing_of_another_file(record: Make) -> None:
    checks = checked(("a", "held", False), ("b", "held", False))
    found = verdicts_of(
        [record("a", source="x"), record("b", source="y")],
        checks,
        awaited("a", "b"),
        ruled(("b", "accept"), ("unknown", "return")),
    )
    assert found["verdict"].to_list() == [Verdict.HELD, Verdict.ACCEPTED]


def test_when_the_newest_file_is_returned_the_older_good_one_is_in_force(record: Make) -> None:
    records = [record("a"), record("b"), record("c")]
    checks = checked(*((r.submission_id, "held", True) for r in records))
    found = verdicts_of(records, checks, awaited("a", "b", "c"), ruled(("c", "return")))
    assert found["replaced_by"].to_list() == ["b", None, None]
    assert counting(found) == ["b"]


def test_an_accepted_held_file_replaces_the_older_one(record: Make) -> None:
    checks = checked(("a", "held", True), ("b", "held", False))
    found = verdicts_of(
        [record("a"), record("b")], checks, awaited("a", "b"), ruled(("b", "accept"))
    )
    assert found["replaced_by"].to_list() == ["b", None]
    assert counting(found) == ["b"]
