"""What screens and scripts say of a snapshot, from the tables of the same names."""

import json
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from pipeline import tables
from pipeline.quality.rules import RULES
from pipeline.status import FollowUp, Status, follow_up_of, status_of

RECEIVED = datetime(2026, 6, 30, tzinfo=UTC).replace(tzinfo=None)


def submission(submission_id: str, verdict: str, **said: Any) -> dict[str, Any]:
    return {
        "submission_id": submission_id,
        "organisation": "kent",
        "source": "phq",
        "file_name": "phq ***.csv",
        "sha256": submission_id,
        "received_at": RECEIVED,
        "verdict": verdict,
        "decided_by": "contract",
        "reason": None if verdict == "accepted" else f"why {submission_id}",
        **said,
    }


def quarantined(row_number: int, rule: str, **said: Any) -> dict[str, Any]:
    return {
        "submission_id": "a",
        "row_number": row_number,
        "rule": rule,
        "severity": RULES[rule].severity.value if rule in RULES else "reject",
        "status": "open",
        **said,
    }


def flowed(
    stage: str, status: str, n: int, organisation: str = "all", denominator: str = "enrolled"
) -> dict[str, Any]:
    return {
        "organisation": organisation,
        "arm": "all",
        "denominator": denominator,
        "stage": stage,
        "status": status,
        "n": n,
    }


def status(
    submissions: list[dict[str, Any]],
    quarantine: list[dict[str, Any]] | None = None,
    flow: list[dict[str, Any]] | None = None,
    changed_since: str | None = None,
    comment_counts: pl.DataFrame | None = None,
) -> Status:
    build = pl.DataFrame({"as_of": [date(2026, 6, 30)], "changed_since": [changed_since]})
    made = [
        table.conform(pl.DataFrame(rows)) if rows else table.empty()
        for table, rows in (
            (tables.SUBMISSIONS, submissions),
            (tables.QUARANTINE, quarantine),
            (tables.PARTICIPANT_FLOW, flow),
        )
    ]
    waves = ["baseline", "session_10"]
    return status_of(build, *made, wave_names=waves, comment_counts=comment_counts)


def test_nothing_at_all_needs_nobody() -> None:
    found = status([])
    assert not found.needs_a_steward
    assert (found.enrolled, found.organisations, found.submissions) == (0, 0, {})
    assert set(found.rows.values()) == {0}
    assert found.waves == {"baseline": {}, "session_10": {}}


@pytest.mark.parametrize(
    ("verdict", "waits"),
    [
        ("accepted", False),
        ("accepted_with_warnings", False),
        ("held", True),
        ("rejected", True),
    ],
)
def test_what_a_steward_has_to_look_at(verdict: str, waits: bool) -> None:
    found = status([submission("a", verdict)])
    assert found.needs_a_steward is waits
    assert [(w.submission_id, w.reason) for w in found.waiting] == ([("a", "why a")] * waits)


def test_what_a_newer_file_settled_waits_no_more() -> None:
    found = status([submission("a", "rejected", replaced_by="b"), submission("b", "accepted")])
    assert not found.needs_a_steward
    assert found.submissions == {"accepted": 1, "rejected": 1}


def test_rows_are_summed_over_submissions_and_unreadable_ones_have_none() -> None:
    found = status(
        [
            submission("a", "accepted", rows_read=10, rows_accepted=8, rows_quarantined=2),
            submission("b", "held", rows_read=5, rows_held=4, rows_withdrawn=1),
            submission("c", "held"),
        ]
    )
    assert found.rows == {
        "read": 15,
        "accepted": 8,
        "quarantined": 2,
        "superseded": 0,
        "held": 4,
        "withdrawn": 1,
    }


def test_waves_stand_in_order_with_their_statuses_in_order_of_precedence() -> None:
    found = status(
        [],
        flow=[
            flowed("enrolled", "roster", 2),
            flowed("enrolled", "first_response", 1),
            flowed("session_10", "missed", 1),
            flowed("baseline", "missed", 1),
            flowed("baseline", "completed", 2),
            flowed("dropout", "none", 3),
            flowed("baseline", "completed", 2, organisation="kent"),
            flowed("enrolled", "roster", 1, denominator="two_sessions"),
            flowed("baseline", "completed", 1, denominator="two_sessions"),
        ],
    )
    assert json.dumps(found.waves) == json.dumps(
        {"baseline": {"completed": 2, "missed": 1}, "session_10": {"missed": 1}}
    )
    assert found.enrolled == 3
    assert found.organisations == 1


def test_broken_rules_come_worst_first_with_their_remedy() -> None:
    found = status(
        [],
        [
            quarantined(2, "straight_lining"),
            quarantined(3, "straight_lining"),
            quarantined(4, "wave_unknown"),
            quarantined(5, "questionnaire_phq4.share_quarantined"),
            quarantined(6, "questionnaire_phq4.share_quarantined"),
            quarantined(7, "answer_out_of_range", status="resolved"),
        ],
    )
    assert [(b.rule, b.severity, b.rows) for b in found.broken_rules] == [
        ("questionnaire_phq4.share_quarantined", "reject", 2),
        ("wave_unknown", "reject", 1),
        ("straight_lining", "warn", 2),
    ]
    assert found.broken_rules[0].remedy == "See the submission."
    assert found.broken_rules[1].remedy == RULES["wave_unknown"].remedy


def test_a_script_can_read_it() -> None:
    text = json.dumps(status([submission("a", "held")]).as_json())
    assert json.loads(text)["waiting"][0]["file_name"] == "phq ***.csv"
    assert json.loads(text)["as_of"] == "2026-06-30"


def test_what_a_steward_returned_waits_for_nobody_here() -> None:
    found = status(
        [
            submission("a", "rejected", decided_by="data.steward"),
            submission("b", "rejected"),
            submission("c", "held"),
        ]
    )
    assert [waiting.submission_id for waiting in found.waiting] == ["b", "c"]
    assert not status([submission("a", "rejected", decided_by="data.steward")]).needs_a_steward


def test_rows_that_disappeared_are_said_of_the_newest_file() -> None:
    found = status(
        [
            submission("a", "accepted", rows_disappeared=2, replaced_by="b"),
            submission("b", "accepted", rows_disappeared=1),
            submission("c", "accepted", rows_disappeared=0),
        ]
    )
    assert found.disappeared == {"b": 1}
    assert not found.needs_a_steward


def test_rows_that_are_settled_are_no_broken_rules_any_more() -> None:
    found = status(
        [submission("a", "accepted")],
        [
            quarantined(number, "too_many_unanswered", status=said)
            for number, said in enumerate(
                ("open", "expired", "resolved", "returned", "waived"), start=2
            )
        ],
    )
    assert [(broken.rule, broken.rows) for broken in found.broken_rules] == [
        ("too_many_unanswered", 2)
    ]


def due(organisation: str, wave: str, **said: Any) -> dict[str, Any]:
    counts = dict.fromkeys(("due", "overdue", "closing"), 0)
    return {"organisation": organisation, "wave": wave, **counts, "next_due_on": None, **said}


def follow_up(*rows: dict[str, Any]) -> FollowUp:
    build = pl.DataFrame({"as_of": [date(2026, 6, 30)]})
    made = pl.DataFrame(rows, schema_overrides={"next_due_on": pl.Date}) if rows else None
    table = tables.FOLLOW_UP_DUE
    return follow_up_of(build, table.empty() if made is None else table.conform(made))


def test_managers_see_rough_counts_of_what_is_due() -> None:
    found = follow_up(
        due("kent", "baseline", due=3, overdue=12, closing=0),
        due("all", "baseline", due=13, overdue=112, closing=9, next_due_on=date(2026, 9, 1)),
    )
    assert json.loads(json.dumps(found.as_json())) == {
        "as_of": "2026-06-30",
        "closing_within_days": 14,
        "waves": [
            {
                "organisation": "kent",
                "wave": "baseline",
                "due": "under 10",
                "overdue": 10,
                "closing": 0,
                "next_due_on": None,
            },
            {
                "organisation": "all",
                "wave": "baseline",
                "due": 15,
                "overdue": 110,
                "closing": "under 10",
                "next_due_on": "2026-09-01",
            },
        ],
    }


def test_a_wave_that_is_over_is_not_listed() -> None:
    found = follow_up(
        due("kent", "baseline", missed=4),
        due("kent", "session_10", next_due_on=date(2026, 9, 1)),
        due("surrey", "baseline", overdue=1),
    )
    assert [(each.organisation, each.wave) for each in found.waves] == [
        ("kent", "session_10"),
        ("surrey", "baseline"),
    ]
    assert follow_up().waves == []


def test_a_past_state_that_is_not_what_it_was_says_so() -> None:
    assert status([]).changed_since is None
    assert status([], changed_since="withdrawals").as_json()["changed_since"] == "withdrawals"


def test_an_organisation_all_of_whose_officers_were_erased_has_nobody_enrolled() -> None:
    flow = [
        flowed("erased", "erased", 1, organisation="kent"),
        flowed("erased", "erased", 1),
        flowed("enrolled", "roster", 2, organisation="cumbria"),
        flowed("enrolled", "roster", 2),
    ]
    found = status([], flow=flow)
    assert (found.organisations, found.enrolled) == (1, 2)


def test_texts_that_wait_are_counted_by_organisation_and_hold_nothing_up() -> None:
    counts = pl.DataFrame(
        [
            ("simulated-force-02", "waiting", 3, 1),
            ("simulated-force-01", "waiting", 2, 0),
            ("simulated-force-01", "approved", 9, 0),
        ],
        tables.COMMENT_COUNTS.frame_schema,
        orient="row",
    )
    found = status([], comment_counts=counts)
    assert found.comments_waiting == {"simulated-force-01": 2, "simulated-force-02": 3}
    assert not found.needs_a_steward
    assert status([]).comments_waiting == {}
