"""What data stewards decide about submissions and rows, and what of it holds on a day.

What belongs here: decisions as values, in the order in which they were taken, and questions about
them. What stays out: keeping them (`pipeline/storage/stewardship.py`), and what may be decided
(`pipeline/review.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from pipeline import tables
from pipeline.quality.rules import is_waivable
from pipeline.vocabulary import DecisionAction

WAIVERS = pl.Schema({"submission_id": pl.String(), "row_number": pl.Int32(), "rule": pl.String()})
"""One row for each rule of each row of a file that is waived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What a steward says: on a whole submission, or on one rule that one row of it broke."""

    submission_id: str
    action: DecisionAction
    steward: str
    reason: str
    row_number: int | None = None
    rule: str | None = None
    until: date | None = None
    """Last day on which a waiver holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Ruling):
    """A ruling as it was put on record; `decision` numbers them in the order they were taken."""

    decision: int
    decided_at: datetime


def known_decisions(decisions: Iterable[Decision], known_at: date | None = None) -> list[Decision]:
    """Decisions taken up to the end of a day, in order; all of them if no day is given."""
    return [d for d in decisions if known_at is None or d.decided_at.date() <= known_at]


def newest_on_submissions(decisions: Iterable[Decision]) -> dict[str, Decision]:
    """The newest decision on each whole submission. Waivers concern rows and are left out."""
    newest: dict[str, Decision] = {}
    for decision in decisions:
        if decision.action != DecisionAction.WAIVE:
            newest[decision.submission_id] = decision
    return newest


def ruled_on(decisions: Iterable[Decision]) -> dict[str, bool]:
    """Whether the newest decision on each whole submission accepted it or returned it."""
    newest = newest_on_submissions(decisions)
    return {i: decision.action == DecisionAction.ACCEPT for i, decision in newest.items()}


def ever_waived(decisions: Iterable[Decision]) -> dict[str, frozenset[tuple[int, str]]]:
    """Row numbers and rules that were waived at any time, by submission.

    Intake lets such rows in whatever the day, so that a waiver can begin and end without a file
    being read again.
    """
    waived: dict[str, set[tuple[int, str]]] = {}
    for submission_id, row_number, rule in _waived(decisions):
        waived.setdefault(submission_id, set()).add((row_number, rule))
    return {submission_id: frozenset(rows) for submission_id, rows in waived.items()}


def waivers_of(decisions: Iterable[Decision]) -> pl.DataFrame:
    """Everything that was waived at any time (WAIVERS)."""
    return _frame(_waived(decisions))


def waivers_in_force(decisions: Iterable[Decision], as_of: date) -> pl.DataFrame:
    """What is waived on a day (WAIVERS): its end date has not passed.

    Of several waivers of the same row and rule the newest decides, so that one can be shortened.
    """
    newest: dict[tuple[str, int, str], Decision] = {}
    for decision in decisions:
        for waived in _waived([decision]):
            newest[waived] = decision
    return _frame(
        waived
        for waived, decision in newest.items()
        if decision.until is not None and as_of <= decision.until
    )


def let_in_by(waivers: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Those of the rows that have all they need waived.

    `waivers` is WAIVERS in force; `rows` has submission_id, row_number and needs_waiver.
    """
    place = ["submission_id", "row_number"]
    by_row = waivers.group_by(place).agg(pl.col("rule").alias("waived_rules"))
    return (
        rows.join(by_row, on=place, maintain_order="left")
        .filter(pl.col("needs_waiver").list.set_difference("waived_rules").list.len() == 0)
        .select(rows.columns)
    )


def decisions_table(decisions: Iterable[Decision]) -> pl.DataFrame:
    """`quality.decisions`."""
    rows = [
        {
            "decision": d.decision,
            "decided_at": d.decided_at.astimezone(UTC).replace(tzinfo=None),
            "submission_id": d.submission_id,
            "row_number": d.row_number,
            "rule": d.rule,
            "action": d.action.value,
            "steward": d.steward,
            "reason": d.reason,
            "until": d.until,
        }
        for d in decisions
    ]
    return tables.DECISIONS.conform(pl.DataFrame(rows, schema=tables.DECISIONS.frame_schema))


def _waived(decisions: Iterable[Decision]) -> Iterable[tuple[str, int, str]]:
    """What waivers name; of a rule that cannot be waived, or not any more, they name nothing."""
    for decision in decisions:
        if (
            decision.action == DecisionAction.WAIVE
            and decision.row_number is not None
            and decision.rule is not None
            and is_waivable(decision.rule)
        ):
            yield decision.submission_id, decision.row_number, decision.rule


def _frame(waived: Iterable[tuple[str, int, str]]) -> pl.DataFrame:
    return pl.DataFrame(sorted(set(waived)), schema=WAIVERS, orient="row")
