"""The `muster review` commands that only look: what the desk shows, for a terminal or a script.

What stays out: what waits and what may be decided (`pipeline/commands/review.py`), and every figure
itself: the same questions are asked of the warehouse as the desk asks.
"""

import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.commands.console import DEFAULT_HOME, HomeOption, JsonOption, opened, stop
from pipeline.commands.review import SubmissionArgument, carried_out, snapshot_of
from pipeline.vocabulary import AccountAct, DecisionAction, EntryKind, Kind, Verdict

if TYPE_CHECKING:
    from pipeline.storage.desk_queries import Row, Snapshot
    from pipeline.storage.home import Home

LimitOption = Annotated[int, typer.Option("--limit", min=1, help="How many to list at most.")]
SkipOption = Annotated[int, typer.Option("--skip", min=0, help="How many to pass over first.")]


def submissions(
    home: HomeOption = DEFAULT_HOME,
    verdict: Annotated[Verdict | None, typer.Option("--verdict")] = None,
    organisation: Annotated[str | None, typer.Option("--organisation")] = None,
    kind: Annotated[Kind | None, typer.Option("--kind")] = None,
    limit: LimitOption = 50,
    skip: SkipOption = 0,
    as_json: JsonOption = False,
) -> None:
    """List submissions, the newest first, and count them by verdict and those that wait by age."""
    from pipeline.storage.desk_queries import Sought

    here = opened(home)
    sought = Sought(verdict=verdict, organisation=organisation, kind=kind)
    now = datetime.now(UTC)
    with _newest(here) as snapshot:
        decided = _decided_since(here, snapshot)
        in_force = snapshot.verdicts()
        listed = snapshot.submissions(sought, limit=limit, offset=skip)
        found: dict[str, Any] = {
            "in_all": snapshot.count(sought),
            "by_verdict": {v.value: n for v in Verdict if (n := in_force.get(v.value))},
            "waiting_by_days": [
                {"from": age.days_from, "to": age.days_to, "submissions": age.submissions}
                for age in snapshot.ages(decided, now)
            ],
            "submissions": listed,
        }
    if as_json:
        _as_json(found)
        return
    counts = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in found["by_verdict"].items())
    typer.echo(f"In force: {counts or 'none'}")
    ages = ", ".join(
        f"{age['submissions']} for {_span(age['from'], age['to'])}"
        for age in found["waiting_by_days"]
        if age["submissions"]
    )
    typer.echo(f"Waiting for a steward: {ages or 'none'}")
    for row in listed:
        days = (now.replace(tzinfo=None) - row["received_at"]).days
        replaced = ", replaced" if row["replaced_by"] else ""
        typer.echo(
            f"{row['submission_id']}  ({row['file_name']}, {days} days old): "
            f"{row['verdict'].replace('_', ' ')}{replaced}"
        )
    _more(len(listed) + skip, found["in_all"])


def rows(
    submission: SubmissionArgument,
    home: HomeOption = DEFAULT_HOME,
    rule: Annotated[str | None, typer.Option("--rule", help="Of one rule only.")] = None,
    limit: LimitOption = 100,
    skip: SkipOption = 0,
    as_json: JsonOption = False,
) -> None:
    """List rows of one submission that broke rules, by number, with what became of each."""
    here = opened(home)
    with _newest(here) as snapshot:
        found = _one(snapshot, submission)
        listed = snapshot.broken_rows(found["submission_id"], rule, limit=limit, offset=skip)
        in_all = snapshot.count_rows(found["submission_id"], rule)
    if as_json:
        _as_json({"submission_id": found["submission_id"], "rows_in_all": in_all, "rows": listed})
        return
    for row in listed:
        session = None if row["session_number"] is None else f"session {row['session_number']}"
        said = (row["wave"], row["instrument"], session, row["column_name"])
        where = ", ".join(word for word in said if word)
        typer.echo(
            f"row {row['row_number']:>6}  {row['severity']:<6}  {row['status']:<8}  {row['rule']}"
            f"{f' ({where})' if where else ''}"
        )
    _more(len(listed) + skip, in_all)


def compare(
    submission: SubmissionArgument, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False
) -> None:
    """Set a submission beside the file of its source that came before it: counts and rules."""
    from pipeline.desk.comparison import beside

    here = opened(home)
    with _newest(here) as snapshot:
        now = _one(snapshot, submission)
        before = snapshot.last_of_the_source(now)
        if before is None:
            stop("It is the first file of its source, so there is none to compare it with.")
        lines = beside(
            now, before, snapshot.broken([now["submission_id"], before["submission_id"]])
        )
    if as_json:
        _as_json(
            {
                "submission_id": now["submission_id"],
                "before": before["submission_id"],
                "lines": [{**asdict(line), "difference": line.difference} for line in lines],
            }
        )
        return
    typer.echo(f"before: {before['submission_id']}  (received {_day(before['received_at'])})")
    typer.echo(f"now:    {now['submission_id']}  (received {_day(now['received_at'])})")
    shown = [(line.name, _count(line.before), _count(line.now), line.difference) for line in lines]
    _table([("", "before", "now", "difference"), *shown])


def decisions(
    submission: Annotated[str | None, typer.Argument(metavar="[SUBMISSION]")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Say what was decided, oldest first, of one submission or of all, and what waits for a run."""
    from pipeline import tables
    from pipeline.review import find, pending, taken_on

    snapshot = snapshot_of(home)
    unheard = pending(snapshot.table(tables.DECISIONS), snapshot.decisions)
    known = dict.fromkeys(decision.submission_id for decision in snapshot.decisions)
    if submission is not None:
        given = submission
        ids = snapshot.table(tables.SUBMISSIONS)["submission_id"]
        known = {carried_out(lambda: find(given, ids)): None}
    found = [
        {"submission_id": submission_id, **asdict(taken)}
        for submission_id in known
        for taken in taken_on(submission_id, snapshot.decisions, unheard)
    ]
    found.sort(key=lambda each: each["decided_at"])
    if as_json:
        _as_json(found)
        return
    if not found:
        typer.echo("Nothing was decided.")
    for each in found:
        what = each["action"]
        if each["row_number"] is not None:
            what += f" row {each['row_number']}, {each['rule']}, until {each['until']}"
        waits = " Waits for the next `muster run`." if each["waits_for_the_next_run"] else ""
        typer.echo(
            f"{each['decided_at']} {each['steward']}: {each['submission_id']}: {what}: "
            f"{each['reason'].rstrip('.')}.{waits}"
        )


_ACTS = [*DecisionAction, *EntryKind, *AccountAct]


def trail(
    home: HomeOption = DEFAULT_HOME,
    about: Annotated[
        str | None, typer.Option("--about", help="One kind of act, such as accept or released.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Acts of one person.")] = None,
    limit: LimitOption = 50,
    skip: SkipOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Say who did what, when and why, the newest first: everything that was put on record."""
    from pipeline.desk.pages.trail import about_of
    from pipeline.written import meant

    if about is not None and about not in {act.value for act in _ACTS}:
        # What was typed is not repeated: it could be anything.
        stop(f"--about: no act is called so; {meant(about, [act.value for act in _ACTS])}.")
    found = opened(home).stewardship.trail(about=about, by=by, limit=limit, offset=skip)
    lines = [
        {
            "at": f"{line.at.astimezone(UTC):%Y-%m-%d %H:%M}",
            "by": line.by,
            "act": line.act,
            "submission_id": line.submission_id,
            "about": about_of(line),
            "reason": line.reason,
        }
        for line in found
    ]
    if as_json:
        _as_json(lines)
        return
    if not lines:
        typer.echo("Nothing of that kind is on record.")
    for line in lines:
        said = ", ".join(part for part in (line["submission_id"], line["about"]) if part)
        why = f": {line['reason']}" if line["reason"] else ""
        typer.echo(f"{line['at']}  {line['by']}  {line['act']}{f' ({said})' if said else ''}{why}")


def overdue(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Say which waves are due and overdue, in counts that managers may see."""
    from pipeline.status import follow_up_of

    with _newest(opened(home)) as snapshot:
        found = follow_up_of(snapshot.build(), snapshot.follow_up_due())
    if as_json:
        _as_json(found.as_json())
        return
    typer.echo(f"As of {found.as_of}")
    if not found.waves:
        typer.echo("Nothing is due, now or later.")
        return
    _table(
        [
            ("organisation and wave", "due", "overdue", "closing"),
            *(
                (f"{w.organisation}, {w.wave}", str(w.due), str(w.overdue), str(w.closing))
                for w in found.waves
            ),
        ]
    )


def notices(
    home: HomeOption = DEFAULT_HOME,
    test: Annotated[
        bool, typer.Option("--test", help="Send a mail and a call that say they are a test.")
    ] = False,
) -> None:
    """Say whether stewards are told of what waits, by mail or webhook, and of how many files."""
    import os

    from pipeline.notices import NOTICES_FILE, PASSWORD, TOKEN, call, trial
    from pipeline.notifying import WEBHOOK, settings_of, told_before, webhook_of
    from pipeline.posting import NotSent, post, post_to_webhook

    here = opened(home)
    settings, webhook = settings_of(here), webhook_of(here)
    if webhook is not None:
        typer.echo(f"A webhook is called; of {len(told_before(here, WEBHOOK))} files it was told.")
        if test:
            said = {**call([]), "text": "Muster: a test."}
            try:
                post_to_webhook(webhook, said, os.environ.get(TOKEN))
            except NotSent as problem:
                stop(f"The test was not sent: {problem}.")
            typer.echo("Called it with a test.")
    if settings is None:
        if webhook is None:
            typer.echo(f"Nobody is told by mail: there is no {NOTICES_FILE} in the home folder.")
        return
    typer.echo(
        f"{len(settings.to)} recipients are told by mail; of {len(told_before(here))} files they "
        "were."
    )
    if test:
        try:
            refused = post(trial(settings), settings, os.environ.get(PASSWORD))
        except NotSent as problem:
            stop(f"The test was not sent: {problem}.")
        typer.echo(f"Sent a test; the server refused {refused} recipients.")


def add_to(review: typer.Typer) -> None:
    """Put these commands beside those that decide."""
    for command in (submissions, rows, compare, decisions, trail, overdue, notices):
        review.command(command.__name__)(command)


def _newest(home: "Home") -> "AbstractContextManager[Snapshot]":
    from pipeline.storage.desk_queries import Snapshots
    from pipeline.storage.warehouse import must_have_build

    _ = home.programme
    must_have_build(home.warehouse)
    return Snapshots(home.warehouse).newest()


def _decided_since(home: "Home", snapshot: "Snapshot") -> set[str]:
    """Submissions about which something was decided since the snapshot was made."""
    from pipeline.review import pending

    taken = home.stewardship.decisions()
    unheard = pending(snapshot.decisions(), taken)
    return {decision.submission_id for decision in taken if decision.decision in unheard}


def _one(snapshot: "Snapshot", given: str) -> "Row":
    from pipeline.review import find

    ids = snapshot.frame("SELECT submission_id FROM quality.submissions")["submission_id"]
    found = carried_out(lambda: find(given, ids))
    return snapshot.submission(found).row(0, named=True)


def _as_json(document: Any) -> None:
    typer.echo(json.dumps(document, indent=2, default=str))


def _span(first: int, last: int | None) -> str:
    return f"{first} to {last} days" if last is not None else f"{first} days or more"


def _more(shown: int, in_all: int) -> None:
    if shown < in_all:
        typer.echo(f"… and {in_all - shown:,} more (--limit, --skip)")


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _count(n: int | None) -> str:
    return "" if n is None else f"{n:,}"


def _table(lines: Sequence[Iterable[str]]) -> None:
    """Lines of cells; the first of each on the left, numbers on the right."""
    cells = [[*line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for first, *others in cells:
        numbers = "  ".join(
            cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)
        )
        typer.echo(f"{first.ljust(widths[0])}  {numbers}".rstrip())
