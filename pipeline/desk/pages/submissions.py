"""Submissions: the list of them, one with all that is known of it, and deciding about it.

What stays out: what may be decided, and its sentences (`pipeline/review.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from urllib.parse import quote

from pipeline.desk.answers import Answer, Download, Elsewhere, NotFound, Page, Refused, Stale, Visit
from pipeline.desk.charts import Bar, bars
from pipeline.desk.comparison import beside
from pipeline.desk.paging import PER_PAGE, Pager, page_asked
from pipeline.desk.versions import Version, changes_since, version_of
from pipeline.quality.decisions import Decision, Ruling
from pipeline.quality.rules import ROW_DISAPPEARED, RULES, is_waivable
from pipeline.return_pack import file_name, pack_written, return_pack
from pipeline.review import (
    FILE_IS_GONE,
    Case,
    NotPossible,
    accept,
    needs_the_file,
    send_back,
    still_broken,
    waive,
)
from pipeline.storage.desk_queries import Row, Sought
from pipeline.vocabulary import Kind, Severity, Verdict

_ROWS = 20
_PARTS = ("accepted", "quarantined", "superseded", "held", "withdrawn")
_LONGEST_REASON = 500
_USUAL_WAIVER = timedelta(days=90)
_MEDIA = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html; charset=utf-8",
}
_DONE = {
    "accepted": "Accepted. It counts from the next run on.",
    "returned": "Returned. Tell the organisation what to put right; Muster sends nothing.",
    "waived": "Waived. The row counts from the next run on, unless it broke another rule too.",
}


def show_list(visit: Visit) -> Answer:
    wanted = visit.asked("show") or "waiting"
    page = page_asked(visit.query)
    with visit.desk.snapshot() as snapshot:
        decided = visit.desk.decided(snapshot)
        sought = Sought(
            verdict=_one_of(Verdict, visit.asked("verdict")),
            organisation=visit.asked("organisation"),
            kind=_one_of(Kind, visit.asked("kind")),
            waiting=wanted == "waiting",
            among=decided.unheard_of if wanted == "decided" else None,
        )
        whole = decided.on_the_whole
        pager = Pager(page, snapshot.count(sought, whole), visit.query)
        found = snapshot.submissions(sought, whole, limit=PER_PAGE, offset=pager.offset)
        organisations = snapshot.organisations()
        verdicts = snapshot.verdicts()
    listed = [
        {**row, "days": _days(visit, row), "is_decided": row["submission_id"] in decided.unheard_of}
        for row in found
    ]
    return Page(
        "submissions.html",
        {
            "listed": listed,
            "pager": pager,
            "show": wanted,
            "sought": sought,
            "organisations": organisations,
            "verdicts": [*Verdict],
            "kinds": [*Kind],
            "chart_bars": bars([Bar(v.value, verdicts.get(v.value, 0)) for v in Verdict]),
        },
    )


def show_one(visit: Visit) -> Answer:
    submission_id, rule = visit.path["submission"], visit.asked("rule")
    with visit.desk.snapshot() as snapshot:
        checks = snapshot.checks(submission_id)
        case = visit.desk.case(snapshot, submission_id, checks=checks)
        before = snapshot.last_of_the_source(case.submission)
        ids = [submission_id, *([before["submission_id"]] if before else [])]
        broken = snapshot.broken(ids)
        lines = sum(
            row["lines"]
            for row in broken
            if row["submission_id"] == submission_id and rule in {None, row["rule"]}
        )
        pager = Pager(page_asked(visit.query), lines, visit.query, per_page=_ROWS, anchor="#rows")
        rows = snapshot.broken_rows(submission_id, rule, limit=_ROWS, offset=pager.offset)
    own = [_with_remedy(row) for row in broken if row["submission_id"] == submission_id]
    parts = [Bar(part, case.submission[f"rows_{part}"] or 0) for part in _PARTS]
    limits = visit.desk.limits
    return Page(
        "submission.html",
        {
            "submission": case.submission,
            "days": _days(visit, case.submission),
            "case": case,
            "expected": [
                {**row, "limits": limits.get((row["contract"], row["expectation"]), (None, None))}
                for row in sorted(checks.iter_rows(named=True), key=_failed_first)
            ],
            "broken": own,
            "chart_bars": bars([Bar(row["rule"], row["rows"]) for row in own[:8]]),
            "parts": bars(parts) if case.submission["rows_read"] else None,
            "rows": [{**row, "may_be_waived": _may_be_waived(row, case)} for row in rows],
            "rule": rule,
            "pager": pager,
            "before": before,
            "beside": beside(case.submission, before, broken) if before else None,
            "can": _can(case),
            "done": _DONE.get(visit.query.get("done", "")),
        },
    )


def ask_to_accept(visit: Visit) -> Answer:
    return _asked(visit, "accept", accept)


def ask_to_return(visit: Visit) -> Answer:
    return _asked(visit, "return", send_back)


def accept_it(visit: Visit) -> Answer:
    return _decided(visit, "accepted", lambda case, why: [accept(case, visit.account.name, why)])


def return_it(visit: Visit) -> Answer:
    return _decided(visit, "returned", lambda case, why: [send_back(case, visit.account.name, why)])


def ask_to_waive(visit: Visit) -> Answer:
    submission_id, row = visit.path["submission"], int(visit.path["row"])
    with visit.desk.snapshot() as snapshot:
        case = visit.desk.case(snapshot, submission_id, row)
        decided = visit.desk.decided(snapshot)
    usual = visit.desk.today + _USUAL_WAIVER
    rulings = _waived(visit, case, row, usual, "not said yet")
    return Page(
        "waive.html",
        {
            "submission": case.submission,
            "row": row,
            "rows": case.rows,
            "rules": [RULES[ruling.rule] for ruling in rulings if ruling.rule],
            "beside": still_broken(case, rulings),
            "first_day": visit.desk.today + timedelta(days=1),
            "usual": usual,
            "version": version_of(case.submission, decided.decisions),
            "back": _address(submission_id),
            "longest": _LONGEST_REASON,
        },
    )


def waive_it(visit: Visit) -> Answer:
    row = int(visit.path["row"])
    until = _day(visit.said("until"))

    def rulings(case: Case, why: str) -> list[Ruling]:
        made = _waived(visit, case, row, until, why)
        if needs_the_file(made) and not visit.desk.file_is_there(made[0].submission_id):
            raise NotPossible(FILE_IS_GONE)
        return made

    return _decided(visit, "waived", rulings, row)


def hand_out_a_pack(visit: Visit) -> Answer:
    """What the organisation is sent so that it can mend its file; on record before it is given."""
    ending = visit.said("file")
    if ending not in _MEDIA:
        raise Refused("Say whether the workbook or the web page is wanted.")
    with visit.desk.snapshot() as snapshot:
        case = visit.desk.whole_case(snapshot, visit.path["submission"])
    made = return_pack(
        case,
        visit.desk.mapping_of(case),
        programme=visit.desk.programme.title,
        made_on=visit.desk.today,
    )
    visit.desk.enter(pack_written(case, visit.account.name, "took it from the desk"))
    content = made.workbook if ending == "xlsx" else made.page
    return Download(content, file_name(case, ending), _MEDIA[ending])


def _asked(visit: Visit, act: str, rule: Callable[[Case, str, str], Ruling]) -> Answer:
    """The page on which a decision is confirmed; NotPossible where it cannot be taken at all."""
    submission_id = visit.path["submission"]
    with visit.desk.snapshot() as snapshot:
        case = visit.desk.case(snapshot, submission_id)
        decided = visit.desk.decided(snapshot)
    rule(case, visit.account.name, "not said yet")
    return Page(
        "decide.html",
        {
            "submission": case.submission,
            "act": act,
            "newest_action": case.newest_action,
            "version": version_of(case.submission, decided.decisions),
            "back": _address(submission_id),
            "longest": _LONGEST_REASON,
        },
    )


def _decided(
    visit: Visit,
    done: str,
    rule: Callable[[Case, str], Sequence[Ruling]],
    row: int | None = None,
) -> Answer:
    """Put on record what a rule makes of a submission, if it is as its page showed it.

    Looked at twice: once to say what cannot be, and once within the transaction that writes, since
    somebody may decide, or a run end, in between.
    """
    submission_id = visit.path["submission"]
    why = _reason(visit)
    shown = Version.read(visit.said("version"))
    back = _address(submission_id)

    def must_be_as_shown(decisions: Sequence[Decision]) -> None:
        with visit.desk.snapshot() as snapshot:
            rows = snapshot.submission(submission_id).to_dicts()
        if not rows:
            raise NotFound
        changes = changes_since(shown, rows[0], decisions)
        if changes:
            raise Stale(changes, back)

    with visit.desk.snapshot() as snapshot:
        case = visit.desk.case(snapshot, submission_id, row)
        decisions = visit.desk.decided(snapshot).decisions
    must_be_as_shown(decisions)
    visit.desk.record(rule(case, why), must_be_as_shown)
    return Elsewhere(f"{back}?done={done}")


def _waived(visit: Visit, case: Case, row: int, until: date, why: str) -> list[Ruling]:
    return waive(
        case,
        row,
        None,
        until,
        steward=visit.account.name,
        reason=why,
        today=visit.desk.today,
    )


def _can(case: Case) -> Mapping[str, str | None]:
    """Why each decision about the whole file cannot be taken; None where it can."""
    why: dict[str, str | None] = {}
    for act, rule in (("accept", accept), ("return", send_back)):
        try:
            rule(case, "somebody", "some reason")
            why[act] = None
        except NotPossible as problem:
            why[act] = str(problem)
    return why


def _may_be_waived(row: Row, case: Case) -> bool:
    return (
        row["severity"] == Severity.REJECT
        and is_waivable(row["rule"])
        and row["status"] in {"open", "expired", "waived"}
        and case.submission["replaced_by"] is None
    )


def _failed_first(check: Row) -> tuple[bool, int, str, str]:
    """By what did not hold, the gravest verdict first."""
    grave = [verdict.value for verdict in reversed(Verdict)].index(check["severity"])
    return check["passed"] is True, grave, check["contract"], check["expectation"]


def _with_remedy(row: Row) -> Row:
    rule = RULES.get(row["rule"]) or (
        ROW_DISAPPEARED if row["rule"] == ROW_DISAPPEARED.name else None
    )
    return {
        **row,
        "meaning": rule.meaning if rule else "The contract did not hold for the file.",
        "remedy": rule.remedy if rule else "The whole file has it; see its verdict.",
        "may_be_waived": is_waivable(row["rule"]),
    }


def _reason(visit: Visit) -> str:
    why = " ".join(visit.said("reason").split())
    if not why:
        raise Refused("Say why; whoever reads the figures later will ask.")
    if len(why) > _LONGEST_REASON:
        raise Refused(f"Say why in {_LONGEST_REASON} characters or fewer.")
    return why


def _day(said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise Refused("Give the last day as a date, as in 2026-09-30.") from None


def _days(visit: Visit, row: Row) -> int:
    """Whole days since a submission was received."""
    days: int = (visit.desk.today - row["received_at"].date()).days
    return max(days, 0)


def _address(submission_id: str) -> str:
    return f"/submissions/{quote(submission_id, safe='')}"


def _one_of(enum: type[Verdict] | type[Kind], said: str | None) -> str | None:
    """A word of the vocabulary; None, which asks for all, for any other."""
    return said if said in {term.value for term in enum} else None
