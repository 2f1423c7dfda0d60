"""What waits for a data steward, and what a steward may decide, with the sentences for both.

What belongs here: looking at one submission or all of them, and turning what a steward says into
rulings. What stays out: where tables and decisions come from and go to, what decisions do
(`pipeline/quality/`), and how all of it is shown (`pipeline/commands/review.py`).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from pipeline.quality.decisions import Decision, Ruling
from pipeline.quality.rules import ROW_DISAPPEARED, RULES, STANDING_RULES, is_waivable
from pipeline.quality.verdicts import CONTRACT, NOT_JUDGED
from pipeline.status import waiting_for_a_steward
from pipeline.vocabulary import DecisionAction, QuarantineStatus, Severity, Verdict

_STANDING = frozenset(rule.name for rule in STANDING_RULES)
_COUNTS = (Verdict.ACCEPTED.value, Verdict.ACCEPTED_WITH_WARNINGS.value)


class NotPossible(Exception):
    """Something that cannot be decided, or would change nothing; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A decision as it is shown, and whether the snapshot was made without it."""

    decided_at: str
    action: str
    row_number: int | None
    rule: str | None
    steward: str
    reason: str
    until: str | None
    waits_for_the_next_run: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A submission that waits for a steward, or whose decision waits for the next run."""

    submission_id: str
    organisation: str
    source: str
    file_name: str
    verdict: str
    reason: str | None
    received_at: str
    days: int
    """Whole days since it was received."""
    decisions: list[Taken]

    @property
    def is_decided(self) -> bool:
        return any(taken.waits_for_the_next_run for taken in self.decisions)


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule or contract that rows of a submission broke."""

    rule: str
    severity: str
    status: str
    rows: int
    remedy: str
    may_be_waived: bool


_ROW = ("row_number", "wave", "instrument", "session_number")


@dataclass(frozen=True, slots=True)
class BrokenRow:
    row_number: int
    rule: str
    column_name: str | None
    severity: str
    wave: str | None
    instrument: str | None
    session_number: int | None
    status: str


@dataclass(frozen=True, slots=True)
class Failed:
    """An expectation of a contract that did not hold; `passed` None if it could not be judged."""

    contract: str
    expectation: str
    otherwise: str
    observed: float | None
    sentence: str | None
    could_be_judged: bool


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that is known about one submission and matters for a decision."""

    submission: dict[str, Any]
    failed: list[Failed]
    broken: list[Broken]
    rows: list[BrokenRow]
    decisions: list[Taken]

    @property
    def newest_action(self) -> str | None:
        """What was decided last about the submission as a whole, heard by a run or not."""
        on_the_whole = [d.action for d in self.decisions if d.action != DecisionAction.WAIVE]
        return on_the_whole[-1] if on_the_whole else None

    def as_json(self, rows: int) -> dict[str, Any]:
        made = asdict(self)
        made["submission"]["received_at"] = str(self.submission["received_at"])
        made["rows_in_all"] = len(self.rows)
        made["rows"] = made["rows"][:rows]
        return made


def find(given: str, submission_ids: Iterable[str]) -> str:
    """The one submission whose id, or the hash at its end, begins as given; else NotPossible."""
    every = list(submission_ids)
    if given in every:
        return given
    found = [i for i in every if i.startswith(given) or i.rpartition("--")[2].startswith(given)]
    if not found or not given:
        raise NotPossible(
            "No submission is called that; `muster review list` names those that wait, and "
            "quality.submissions all of them."
        )
    if len(found) > 1:
        raise NotPossible(
            f"{len(found)} submissions begin like that; give more of the name, or the twelve "
            "characters at its end."
        )
    return found[0]


def pending(published: pl.DataFrame, decisions: Iterable[Decision]) -> frozenset[int]:
    """Numbers of the decisions that `published` (`quality.decisions`) does not have."""
    known = set(published.select("decision", "decided_at").iter_rows())
    return frozenset(
        d.decision for d in decisions if (d.decision, _without_zone(d.decided_at)) not in known
    )


def waiting(
    submissions: pl.DataFrame,
    decisions: Sequence[Decision],
    unheard: Collection[int],
    now: datetime,
) -> list[Waiting]:
    """What waits for a steward, and what was decided and waits for the next run; oldest first.

    Args:
        submissions: `quality.submissions`.
        decisions: every decision there is.
        unheard: those among them that the snapshot was made without (`pending`).
        now: for the days that each has waited.

    """
    undecided = set(waiting_for_a_steward(submissions)["submission_id"])
    decided = {d.submission_id for d in decisions if d.decision in unheard}
    rows = submissions.filter(pl.col("submission_id").is_in(sorted(undecided | decided)))
    return [
        Waiting(
            **{name: row[name] for name in _SHOWN},
            received_at=str(row["received_at"]),
            days=(_without_zone(now) - row["received_at"]).days,
            decisions=taken_on(row["submission_id"], decisions, unheard),
        )
        for row in rows.sort("received_at", "submission_id").iter_rows(named=True)
    ]


_SHOWN = ("submission_id", "organisation", "source", "file_name", "verdict", "reason")


def ended_waivers(quarantine: pl.DataFrame) -> dict[str, int]:
    """Rows of each submission that count no more because their waiver has ended."""
    ended = quarantine.filter(pl.col("status") == QuarantineStatus.EXPIRED)
    by_submission = ended.group_by("submission_id").agg(pl.col("row_number").n_unique())
    return dict(by_submission.sort("submission_id").iter_rows())


def taken_on(
    submission_id: str, decisions: Iterable[Decision], unheard: Collection[int]
) -> list[Taken]:
    """The decisions on a submission and its rows, oldest first."""
    return [
        Taken(
            decided_at=f"{d.decided_at.astimezone(UTC):%Y-%m-%d %H:%M}",
            action=d.action.value,
            row_number=d.row_number,
            rule=d.rule,
            steward=d.steward,
            reason=d.reason,
            until=str(d.until) if d.until else None,
            waits_for_the_next_run=d.decision in unheard,
        )
        for d in decisions
        if d.submission_id == submission_id
    ]


def case_of(
    submission_id: str,
    submissions: pl.DataFrame,
    checks: pl.DataFrame,
    quarantine: pl.DataFrame,
    decisions: Sequence[Decision],
    *,
    unheard: Collection[int] = (),
) -> Case:
    """One submission, from the `quality` tables of the same names and every decision there is."""
    own = quarantine.filter(pl.col("submission_id") == submission_id)
    failed = checks.filter(
        (pl.col("submission_id") == submission_id) & ~pl.col("passed").fill_null(False)
    )
    counted = (
        own.group_by("rule", "severity", "status")
        .agg(pl.struct(_ROW).n_unique().alias("rows"))
        .sort(pl.col("severity") != Severity.REJECT, -pl.col("rows").cast(pl.Int64), "rule")
    )
    return Case(
        submission=submissions.filter(pl.col("submission_id") == submission_id).row(0, named=True),
        failed=[
            Failed(
                contract=row["contract"],
                expectation=row["expectation"],
                otherwise=row["severity"],
                observed=row["observed"],
                sentence=row["sentence"],
                could_be_judged=row["passed"] is not None,
            )
            for row in failed.iter_rows(named=True)
        ],
        broken=[
            Broken(**row, remedy=_remedy(row["rule"]), may_be_waived=is_waivable(row["rule"]))
            for row in counted.iter_rows(named=True)
        ],
        rows=[
            BrokenRow(**row)
            for row in own.sort(*_ROW, "rule", nulls_last=True)
            .select(list(BrokenRow.__dataclass_fields__))
            .iter_rows(named=True)
        ],
        decisions=taken_on(submission_id, decisions, unheard),
    )


def _remedy(rule: str) -> str:
    if rule == ROW_DISAPPEARED.name:
        return ROW_DISAPPEARED.remedy
    return RULES[rule].remedy if rule in RULES else "The whole file has it; see its verdict."


def accept(case: Case, steward: str, reason: str) -> Ruling:
    """The ruling that a submission counts although it is held; else NotPossible."""
    submission, newest = case.submission, case.newest_action
    _must_be_newest(case)
    if submission["rows_read"] is None:
        raise NotPossible(f"It has no rows to accept: {submission['reason']}.")
    _must_not_be_rejected(case)
    if newest == DecisionAction.ACCEPT:
        raise NotPossible("It is accepted already; the decisions on it say by whom and why.")
    if newest is None and submission["verdict"] in _COUNTS:
        raise NotPossible("It counts already, so there is nothing to accept.")
    # Not all that is held failed a contract: a file may count for another organisation.
    if newest is None and NOT_JUDGED in (submission["reason"] or ""):
        raise NotPossible("Its contracts have not been judged yet; `muster run` does that first.")
    return _ruling(case, DecisionAction.ACCEPT, steward, reason)


def send_back(case: Case, steward: str, reason: str) -> Ruling:
    """The ruling that nothing of a submission counts; else NotPossible."""
    _must_be_newest(case)
    if case.newest_action == DecisionAction.RETURN:
        raise NotPossible("It is returned already; the decisions on it say by whom and why.")
    return _ruling(case, DecisionAction.RETURN, steward, reason)


def waive(
    case: Case,
    row_number: int,
    rule: str | None,
    until: date,
    *,
    steward: str,
    reason: str,
    today: date,
) -> list[Ruling]:
    """The rulings that let one row count until a day, one for each rule; else NotPossible.

    Without a rule, everything that the row broke is waived.
    """
    _must_be_newest(case)
    _must_not_be_rejected(case)
    if case.newest_action == DecisionAction.RETURN:
        raise NotPossible("It was returned, so no row of it counts; accept it first.")
    if until <= today:
        raise NotPossible("A waiver ends on a day after today; give a later one.")
    broke = [
        row
        for row in case.rows
        if row.row_number == row_number and row.severity == Severity.REJECT and row.rule in RULES
    ]
    if not broke:
        raise NotPossible(
            f"Row {row_number} broke no rule that keeps it from counting; those that did are "
            "listed with the submission."
        )
    if rule is not None and rule not in {row.rule for row in broke}:
        raise NotPossible(
            f"Row {row_number} did not break that rule; it broke "
            f"{' and '.join(sorted({row.rule for row in broke}))}."
        )
    open_rows = [row for row in broke if row.status != QuarantineStatus.RESOLVED]
    if not open_rows:
        raise NotPossible(
            f"A later file brought a sound row for what row {row_number} measured, so there is "
            "nothing to waive."
        )
    rules = _waivable_rules(open_rows)
    if rule is not None:
        if not is_waivable(rule):
            raise NotPossible(_not_waivable(rule))
        rules = [rule]
    return [
        _ruling(
            case,
            DecisionAction.WAIVE,
            steward,
            reason,
            row_number=row_number,
            rule=name,
            until=until,
        )
        for name in rules
    ]


def _waivable_rules(broke: list[BrokenRow]) -> list[str]:
    """What has to be waived for a row; a wide file's row holds several measurements.

    A measurement that broke anything else would not count, so nothing is waived for it.
    """
    by_measurement: dict[tuple[str | None, str | None], set[str]] = {}
    for row in broke:
        by_measurement.setdefault((row.wave, row.instrument), set()).add(row.rule)
    can = [rules for rules in by_measurement.values() if all(is_waivable(r) for r in rules)]
    if not can:
        stopping = sorted({row.rule for row in broke if not is_waivable(row.rule)})
        raise NotPossible(_not_waivable(stopping[0]))
    return sorted(set().union(*can))


def _not_waivable(rule: str) -> str:
    remedy = RULES[rule].remedy
    return f"The rule {rule} cannot be waived: {remedy[0].lower()}{remedy[1:]}"


def overruled(
    rulings: Sequence[Ruling], decisions: Iterable[Decision], unheard: Collection[int]
) -> list[str]:
    """What is told to a steward whose rulings come after others that no run has heard yet.

    All of them stay on record. `decisions` are those before the rulings.
    """
    about = {(ruling.submission_id, ruling.row_number, ruling.rule) for ruling in rulings}
    whole = {(ruling.submission_id, None, None) for ruling in rulings}
    told = []
    for d in decisions:
        if d.decision not in unheard:
            continue
        who = (
            f"{d.steward} decided about it on {d.decided_at.astimezone(UTC):%Y-%m-%d at %H:%M} "
            f"(UTC), which no run has heard yet: {d.action}: {d.reason.rstrip('.')}."
        )
        if (d.submission_id, d.row_number, d.rule) in about:
            told.append(f"{who} Both are on record; yours came later and counts.")
        elif (d.submission_id, d.row_number, d.rule) in whole:
            told.append(f"{who} It is about the whole file, and yours about a row of it.")
    return told


def still_broken(case: Case, rulings: Sequence[Ruling]) -> list[str]:
    """Rules that the row of these waivers broke beside them, and that nobody has waived."""
    waived = {ruling.rule for ruling in rulings}
    return sorted(
        {
            row.rule
            for row in case.rows
            if row.row_number == rulings[0].row_number
            and row.severity == Severity.REJECT
            and row.rule in RULES
            and row.rule not in waived
            and row.status != QuarantineStatus.WAIVED
        }
    )


def needs_the_file(rulings: Iterable[Ruling]) -> bool:
    """Whether the landing file is read again: quarantine keeps no cell of a row.

    Rows that broke a rule across submissions alone are in the lake.
    """
    return any(ruling.rule not in _STANDING for ruling in rulings)


FILE_IS_GONE = (
    "Its file is not in landing any more, or has changed, and a waived row is read from it again; "
    "put the file back, or ask for a corrected one."
)


def _must_be_newest(case: Case) -> None:
    if case.submission["replaced_by"] is not None:
        raise NotPossible(
            f"The newer file {case.submission['replaced_by']} has replaced it, so nothing of it "
            "counts; decide about that one."
        )


def _must_not_be_rejected(case: Case) -> None:
    for failed in case.failed:
        if failed.otherwise == Verdict.REJECTED and failed.could_be_judged:
            raise NotPossible(
                f"The contract {failed.contract} rejects it, which no decision can change: "
                f"{failed.sentence}."
            )


def _ruling(
    case: Case,
    action: DecisionAction,
    steward: str,
    reason: str,
    *,
    row_number: int | None = None,
    rule: str | None = None,
    until: date | None = None,
) -> Ruling:
    who, why = signed(steward, reason)
    if who.casefold() == CONTRACT:
        raise NotPossible(
            "`contract` is what tables call a verdict that nobody decided; give a steward's name."
        )
    return Ruling(
        submission_id=case.submission["submission_id"],
        action=action,
        steward=who,
        reason=why,
        row_number=row_number,
        rule=rule,
        until=until,
    )


def signed(steward: str, reason: str) -> tuple[str, str]:
    """Who does something and why, each in one line; NotPossible where either is missing."""
    why, who = one_line(reason), one_line(steward)
    if not why:
        raise NotPossible("Say why with --reason; whoever reads the figures later will ask.")
    if not who:
        raise NotPossible("Say who decides with --steward or in MUSTER_STEWARD.")
    return who, why


def one_line(text: str) -> str:
    """Text without line breaks and without what a terminal would obey instead of showing."""
    words = " ".join(text.split())
    return "".join(letter for letter in words if letter.isprintable())


def _without_zone(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
