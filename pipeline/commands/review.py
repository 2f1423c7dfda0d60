"""The `muster review` commands: what waits for a steward, and putting decisions on record.

What stays out: what may be decided and what it does (`pipeline/review.py`, `pipeline/quality/`).
These commands change nothing but stewardship.sqlite; the next run works out what follows.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from pipeline.commands.console import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    opened,
    steward_name,
    stop,
)

if TYPE_CHECKING:
    import polars as pl

    from pipeline.quality.decisions import Decision, Ruling
    from pipeline.reading.mapping import Mapping
    from pipeline.review import Case, Taken
    from pipeline.storage.home import Home
    from pipeline.tables import Table

T = TypeVar("T")

review = typer.Typer(
    name="review",
    help="""See what waits for a data steward, and decide.

    Decisions are kept in the home folder's stewardship.sqlite, where nothing is ever changed, and
    take effect with the next `muster run`. They are published in quality.decisions: write no
    officer's name, number or answers into a reason.""",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

SubmissionArgument = Annotated[
    str,
    typer.Argument(
        metavar="SUBMISSION",
        help="Its name, or as much of the name's beginning or of the characters at its end as "
        "tells it from others.",
    ),
]
ReasonOption = Annotated[
    str,
    typer.Option(
        "--reason", help="Why, for whoever asks later. Published: no officer's name or answers."
    ),
]
StewardOption = Annotated[
    str | None,
    typer.Option(
        "--steward", envvar="MUSTER_STEWARD", help="Who decides; the name you are logged in with."
    ),
]
_NEXT = "It waits for the next `muster run`."


@review.command("list")
def show_waiting(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Say what waits for a decision, since when and why, and what waits for the next run."""
    from pipeline import tables
    from pipeline.review import ended_waivers, pending, waiting

    snapshot = snapshot_of(home)
    unheard = pending(snapshot.table(tables.DECISIONS), snapshot.decisions)
    found = waiting(
        snapshot.table(tables.SUBMISSIONS), snapshot.decisions, unheard, datetime.now(UTC)
    )
    ended = ended_waivers(snapshot.table(tables.QUARANTINE))
    if as_json:
        document = {
            "waiting": [asdict(each) for each in found],
            "rows_whose_waiver_ended": ended,
        }
        typer.echo(json.dumps(document, indent=2))
        return
    if not found:
        typer.echo("Nothing waits for a steward.")
    for each in found:
        typer.echo(f"{each.submission_id}  ({each.file_name}, received {_ago(each.days)})")
        typer.echo(f"  {each.verdict}: {each.reason or 'no remark'}.")
        for taken in each.decisions:
            _show_decision(taken)
    for submission_id, rows in ended.items():
        typer.echo(f"{submission_id}: {rows} rows count no more because their waiver has ended.")


@review.command("show")
def show_one(
    submission: SubmissionArgument,
    home: HomeOption = DEFAULT_HOME,
    rows: Annotated[int, typer.Option("--rows", min=0, help="How many rows to list.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Say of one submission which contracts and rules it broke, where, and what was decided."""
    case = carried_out(lambda: snapshot_of(home).case(submission))
    if as_json:
        typer.echo(json.dumps(case.as_json(rows), indent=2))
        return
    _show_case(case, rows)


@review.command("accept")
def accept_submission(
    submission: SubmissionArgument,
    reason: ReasonOption,
    home: HomeOption = DEFAULT_HOME,
    steward: StewardOption = None,
) -> None:
    """Let a submission count that is held, or undo that it was returned."""
    from pipeline.review import accept

    taken = _recorded(
        home, lambda snapshot: [accept(snapshot.case(submission), steward_name(steward), reason)]
    )
    typer.echo(f"Accepted: {taken[0].submission_id}. {_NEXT}")


@review.command("return")
def return_submission(
    submission: SubmissionArgument,
    reason: ReasonOption,
    home: HomeOption = DEFAULT_HOME,
    steward: StewardOption = None,
) -> None:
    """Let nothing of a submission count: the organisation must send it again."""
    from pipeline.review import send_back

    taken = _recorded(
        home, lambda snapshot: [send_back(snapshot.case(submission), steward_name(steward), reason)]
    )
    typer.echo(
        f"Returned: {taken[0].submission_id}. {_NEXT} Tell the organisation; Muster sends nothing."
    )


@review.command("waive")
def waive_row(
    submission: SubmissionArgument,
    row: Annotated[int, typer.Option("--row", min=1, help="Row as a spreadsheet counts it.")],
    until: Annotated[
        datetime,
        typer.Option("--until", formats=["%Y-%m-%d"], help="Last day on which the row counts."),
    ],
    reason: ReasonOption,
    rule: Annotated[
        str | None, typer.Option("--rule", help="One rule; everything the row broke.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    steward: StewardOption = None,
) -> None:
    """Let one row count until a day although it broke a rule."""
    beside: list[str] = []

    def rulings(snapshot: Snapshot) -> "list[Ruling]":
        from pipeline.review import FILE_IS_GONE, NotPossible, needs_the_file, still_broken, waive

        case = snapshot.case(submission)
        made = waive(
            case,
            row,
            rule,
            until.date(),
            steward=steward_name(steward),
            reason=reason,
            today=datetime.now(UTC).date(),
        )
        submission_id = made[0].submission_id
        if needs_the_file(made) and all(
            arrival.submission_id != submission_id for arrival in snapshot.home.arrivals()
        ):
            raise NotPossible(FILE_IS_GONE)
        beside.extend(still_broken(case, made))
        return made

    taken = _recorded(home, rulings)
    rules = " and ".join(str(decision.rule) for decision in taken)
    typer.echo(
        f"Waived until {until.date()}: {rules}, row {row} of {taken[0].submission_id}. {_NEXT}"
    )
    if beside:
        typer.echo(f"The row counts only if this is settled too: {' and '.join(beside)}.")


@dataclass(frozen=True)
class Snapshot:
    """A home's snapshot, and everything that was decided."""

    home: "Home"
    decisions: "list[Decision]"

    def table(self, table: "Table") -> "pl.DataFrame":
        from pipeline.storage.warehouse import read_table

        return read_table(self.home.warehouse, table)

    def mapping_of(self, case: "Case") -> "Mapping | None":
        """The mapping of a submission's source as it is now; None where none works."""
        from pipeline.storage.home import UnusableMapping

        source = (case.submission["organisation"], case.submission["source"])
        usable = (m for m in self.home.mappings if not isinstance(m, UnusableMapping))
        return next((m for m in usable if (m.organisation, m.source) == source), None)

    def case(self, given: str) -> "Case":
        from pipeline import tables
        from pipeline.review import case_of, find, pending

        submissions = self.table(tables.SUBMISSIONS)
        return case_of(
            find(given, submissions["submission_id"]),
            submissions,
            self.table(tables.CHECKS),
            self.table(tables.QUARANTINE),
            self.decisions,
            unheard=pending(self.table(tables.DECISIONS), self.decisions),
        )


def snapshot_of(home: Path) -> Snapshot:
    from pipeline.storage.warehouse import must_have_build

    here = opened(home)
    _ = here.programme
    must_have_build(here.warehouse)
    return Snapshot(here, here.stewardship.decisions())


def _recorded(home: Path, rule: "Callable[[Snapshot], list[Ruling]]") -> "Sequence[Decision]":
    """Put on record what a rule makes of a home, or end in the sentence that says why not."""
    while True:
        taken = _recorded_unless_a_run_ended(home, rule)
        if taken is not None:
            return taken


class _RunEnded(Exception):
    """The warehouse is another one than a decision was taken by."""


def _recorded_unless_a_run_ended(
    home: Path, rule: "Callable[[Snapshot], list[Ruling]]"
) -> "Sequence[Decision] | None":
    """What was recorded; None where a run replaced what the decision was about, as by a newer file.

    Where somebody else decided about the same meanwhile both decisions are on record, and the one
    who came later is told.
    """
    from pipeline import tables
    from pipeline.review import overruled, pending
    from pipeline.storage.warehouse import build_of

    build = build_of(opened(home).warehouse)
    snapshot = snapshot_of(home)
    rulings = carried_out(lambda: rule(snapshot))
    before: list[Decision] = []

    def must_hold(decisions: "Sequence[Decision]") -> None:
        # Within the transaction that writes, so that nobody decides in between.
        if build_of(snapshot.home.warehouse) != build:
            raise _RunEnded
        before.extend(decisions)

    try:
        taken = snapshot.home.stewardship.record(rulings, datetime.now(UTC), must_hold=must_hold)
    except _RunEnded:
        return None
    for sentence in overruled(rulings, before, pending(snapshot.table(tables.DECISIONS), before)):
        typer.echo(sentence, err=True)
    return taken


def carried_out(act: Callable[[], T]) -> T:
    """What an act gives, or the end of the command in the sentence that says why it cannot be."""
    from pipeline.review import NotPossible

    try:
        return act()
    except NotPossible as problem:
        stop(str(problem))


def _ago(days: int) -> str:
    return {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")


def _show_case(case: "Case", rows: int) -> None:
    from pipeline.quality.verdicts import CONTRACT

    submission = case.submission
    typer.echo(f"{submission['submission_id']}  ({submission['file_name']})")
    decider = "" if submission["decided_by"] == CONTRACT else f" by {submission['decided_by']}"
    reason = f": {submission['reason'].rstrip('.')}" if submission["reason"] else ""
    typer.echo(f"{submission['verdict'].replace('_', ' ').capitalize()}{decider}{reason}.")
    if submission["replaced_by"]:
        typer.echo(f"Replaced by {submission['replaced_by']}.")
    if submission["rows_read"] is not None:
        names = ("accepted", "quarantined", "superseded", "held", "withdrawn")
        parts = ", ".join(f"{submission[f'rows_{name}']:,} {name}" for name in names)
        typer.echo(f"Rows: {submission['rows_read']:,} read = {parts}")
    if submission["rows_disappeared"]:
        typer.echo(f"Rows of earlier files that it lacks: {submission['rows_disappeared']:,}")
    if case.failed:
        typer.echo("Contracts that did not hold:")
    for failed in case.failed:
        if not failed.could_be_judged:
            typer.echo(f"  {failed.contract}.{failed.expectation} could not be carried out")
            continue
        observed = "nothing" if failed.observed is None else f"{failed.observed:.3g}"
        typer.echo(
            f"  {failed.contract}.{failed.expectation} ({failed.otherwise}, measured {observed}): "
            f"{failed.sentence}."
        )
    if case.broken:
        typer.echo("Rules broken:")
    for broken in case.broken:
        waivable = ", may be waived" if broken.may_be_waived else ""
        typer.echo(
            f"  {broken.rows:>6,}  {broken.rule} ({broken.severity}, {broken.status}{waivable}): "
            f"{broken.remedy}"
        )
    for row in case.rows[:rows]:
        session = None if row.session_number is None else f"session {row.session_number}"
        said = (row.wave, row.instrument, session, row.column_name)
        where = ", ".join(word for word in said if word)
        typer.echo(f"  row {row.row_number:>6}: {row.rule}{f' ({where})' if where else ''}")
    if len(case.rows) > rows:
        typer.echo(f"  … and {len(case.rows) - rows:,} more (--rows lists them)")
    if case.decisions:
        typer.echo("Decisions:")
    for taken in case.decisions:
        _show_decision(taken)


def _show_decision(taken: "Taken") -> None:
    what = taken.action
    if taken.row_number is not None:
        what += f" row {taken.row_number}, {taken.rule}, until {taken.until}"
    waits = " Waits for the next `muster run`." if taken.waits_for_the_next_run else ""
    typer.echo(f"  {taken.decided_at} {taken.steward}: {what}: {taken.reason.rstrip('.')}.{waits}")
