"""The `muster withdraw` commands: an officer leaves, collection stops, or everything is erased.

What stays out: what the acts do (`pipeline/privacy/withdrawals.py`, `pipeline/storage/erasing.py`).
The officer's number or code is asked for, never an argument: arguments are seen in lists of
processes and in histories of shells. It is in memory only, and so is the pseudonym until an act is
put on record.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    from datetime import date

    import polars as pl

    from pipeline.entries import Act
    from pipeline.privacy.withdrawals import Withdrawal, Withdrawals
    from pipeline.storage.erasing import Searched
    from pipeline.storage.home import Home
    from pipeline.tables import Table
    from pipeline.vocabulary import EntryKind

withdraw = typer.Typer(
    name="withdraw",
    help="""Put on record that an officer leaves, that collection stops, or erase them.

    Three different acts, none of which implies another; docs/withdrawal.md says what each does.
    The officer's number is asked for, or read from standard input; with --code, each element of
    their code, a line each. What is on record is never changed: write no officer's name, number or
    answers into a reason.""",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

ForceOption = Annotated[
    str, typer.Option("--force", help="The officer's force, as programme.yaml or its list has it.")
]
CodeOption = Annotated[
    str | None,
    typer.Option(
        "--code",
        metavar="ORGANISATION/SOURCE",
        help="The officer has no number but a code: what this mapping asks for is asked for.",
    ),
]
ReasonOption = Annotated[
    str, typer.Option("--reason", help="Why, for whoever asks later. No name, number or answers.")
]
StewardOption = Annotated[
    str | None,
    typer.Option(
        "--steward", envvar="MUSTER_STEWARD", help="Who does it; the name you are logged in with."
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it without asking once more.")]
AnywayOption = Annotated[
    bool,
    typer.Option("--anyway", help="Also for somebody of whom nothing has been taken in yet."),
]
_NEXT = "It waits for the next `muster run`."
_SHOWN_OF_A_PSEUDONYM = 9


@withdraw.command("leave")
def leave(
    force: ForceOption,
    reason: ReasonOption,
    on: Annotated[
        datetime,
        typer.Option("--on", formats=["%Y-%m-%d"], help="Day from which they have left."),
    ],
    home: HomeOption = DEFAULT_HOME,
    steward: StewardOption = None,
    yes: YesOption = False,
    anyway: AnywayOption = False,
    code: CodeOption = None,
) -> None:
    """The officer left the programme on a day: withdrawn from then, and all answers stay."""
    from pipeline.privacy.withdrawals import leaving
    from pipeline.vocabulary import EntryKind

    day = on.date()
    if day > datetime.now(UTC).date():
        stop("Nobody has left on a day that is to come; give today or an earlier one with --on.")
    case = _case(home, force, steward, reason, code, anyway=anyway)
    before = case.on_record(EntryKind.LEFT_PROGRAMME)
    if before and before[-1].on == day:
        typer.echo("That is on record already; nothing was changed.")
        return
    case.show()
    later = case.answers_after(day)
    typer.echo(
        f"From {day} they count as withdrawn: no wave that closes later is waited for, and nobody "
        "reminds them."
    )
    if before:
        typer.echo("Another day is on record; this one takes its place.")
    if later:
        typer.echo(
            f"Answers completed after that day would be quarantined as completed_after_departure: "
            f"{later}."
        )
    _confirmed(yes)
    with _locked(case.home):
        case.enter(lambda now: leaving(now.names, day, **now.signed))
    typer.echo(f"On record: left the programme on {day}. {_NEXT}")


@withdraw.command("stop")
def stop_collection(
    force: ForceOption,
    reason: ReasonOption,
    home: HomeOption = DEFAULT_HOME,
    steward: StewardOption = None,
    yes: YesOption = False,
    anyway: AnywayOption = False,
    code: CodeOption = None,
) -> None:
    """Nothing that arrives from now on counts; what was collected stays."""
    from pipeline.privacy.withdrawals import stopping
    from pipeline.vocabulary import EntryKind

    case = _case(home, force, steward, reason, code, anyway=anyway)
    if case.on_record(EntryKind.COLLECTION_STOPPED):
        typer.echo("Collection has been stopped already; nothing was changed.")
        return
    case.show()
    typer.echo(
        "That stays. Rows of files that arrive from now on are counted as withdrawn before "
        "anything of them is kept, and no wave that closes later is waited for."
    )
    _confirmed(yes)
    with _locked(case.home):
        # While no run is at work: what it receives must come before or after.
        case.enter(lambda now: stopping(now.names, now.last_place(), **now.signed))
    typer.echo(f"On record: nothing that arrives later counts. {_NEXT}")


@withdraw.command("erase")
def erase(
    force: ForceOption,
    reason: ReasonOption,
    home: HomeOption = DEFAULT_HOME,
    steward: StewardOption = None,
    yes: YesOption = False,
    anyway: AnywayOption = False,
    code: CodeOption = None,
) -> None:
    """Remove the officer from lake, tables and warehouse, for good, and keep them out.

    Whatever still names them outside Muster's reach is listed: files in landing, backups, releases.
    Said once more of somebody who was erased, it lists that again.
    """
    from pipeline.privacy.withdrawals import erasing
    from pipeline.storage.erasing import finish_erasures
    from pipeline.storage.warehouse import build_of
    from pipeline.vocabulary import EntryKind

    case = _case(home, force, steward, reason, code, anyway=anyway, erased_too=True)
    if case.on_record(EntryKind.ERASED):
        with _locked(case.home):
            case.home.recover()
            finish_erasures(case.home)
        typer.echo("They are erased already; nothing was changed.")
    else:
        case.show()
        typer.echo(
            "All of it is removed and cannot be brought back; the same rows in any file are "
            "counted as withdrawn from now on."
        )
        _confirmed(yes)
        with _locked(case.home):
            case.enter(
                lambda now: erasing(
                    now.names, now.enrolled_by(), rows=now.rows.height, **now.signed
                )
            )
            # From here on it is done; whatever ends this process, the next run goes on.
            case.home.recover()
            finish_erasures(case.home)
        typer.echo("On record, and removed from lake and tables.")
    failure = _warehouse_made_again(case.home)
    if failure is None and build_of(case.home.warehouse) is not None:
        typer.echo("The warehouse is without them.")
    _show_what_is_left(case)
    if failure is not None:
        stop(
            "The warehouse could not be made again and still has them; `muster run` makes it: "
            f"{failure}"
        )


@withdraw.command("list")
def show_acts(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Say what is on record: which act, when, by whom and why, and no officer's number."""
    here = opened(home)
    _ = here.programme
    acts = here.withdrawals().acts
    if as_json:
        typer.echo(json.dumps([_as_json(act) for act in acts], indent=2))
        return
    if not acts:
        typer.echo("No officer has left, stopped collection or been erased by a steward.")
    for act in acts:
        day = f" on {act.on}" if act.on else ""
        typer.echo(
            f"{act.entry:>4}  {act.entered_at.astimezone(UTC):%Y-%m-%d %H:%M}  "
            f"{act.kind.value}{day}  {_beginning(act)}  {act.steward}: {act.reason.rstrip('.')}."
        )


def _as_json(act: "Withdrawal") -> dict[str, str | int | None]:
    return {
        "entry": act.entry,
        "entered_at": act.entered_at.astimezone(UTC).isoformat(timespec="seconds"),
        "act": act.kind.value,
        "on": str(act.on) if act.on else None,
        "pseudonym_begins": _beginning(act),
        "steward": act.steward,
        "reason": act.reason,
    }


def _beginning(act: "Withdrawal") -> str:
    """As much of a pseudonym as tells acts apart, and no more."""
    return f"{act.names[0][:_SHOWN_OF_A_PSEUDONYM]}…"


@dataclass(frozen=True)
class _Case:
    """One officer of one home, and what there is of them."""

    home: "Home"
    names: frozenset[str]
    rows: "pl.DataFrame"
    """Of a `Lake.rows_of`."""
    withdrawals: "Withdrawals"
    steward: str
    reason: str

    @property
    def signed(self) -> dict[str, str]:
        return {"steward": self.steward, "reason": self.reason}

    def on_record(self, kind: "EntryKind") -> "list[Withdrawal]":
        return self.withdrawals.on(self.names, kind)

    @property
    def is_known(self) -> bool:
        """Whether anything was taken in or put on record of them."""
        return not self.rows.is_empty() or bool(self.withdrawals.everybody & self.names)

    def show(self) -> None:
        """Say in counts what has been taken in of the officer."""
        answered = self.rows.drop_nulls("wave")
        names = "" if len(self.names) == 1 else f", under {len(self.names)} pseudonyms"
        typer.echo(
            f"Taken in of this officer: {self.rows.height} rows of "
            f"{self.rows['submission_id'].n_unique()} submissions, answers to "
            f"{answered['wave'].n_unique()} waves{names}."
        )
        if links := int(self.rows["links"].sum()):
            typer.echo(
                f"Rows of lists of departures that name another number for them, which was not "
                f"taken for theirs: {links}. If it is theirs, do the same with that number."
            )

    def answers_after(self, day: "date") -> int:
        return self.rows.filter(
            (self.rows["completed_on"] > day) & self.rows["wave"].is_not_null()
        ).height

    def last_place(self) -> int:
        """Place of the newest submission that has been received."""
        return max((r.place for r in self.home.stewardship.receipts().values()), default=0)

    def enrolled_by(self) -> str | None:
        """The organisation that enrolled the officer, as the newest ledger has it."""
        from pipeline.tables import PARTICIPANTS

        people = _of_the_last_run(self.home, PARTICIPANTS, ("participant_id",))
        found = people.filter(people["participant_id"].is_in(sorted(self.names)))
        return str(found["organisation"].first()) if found.height else None

    def looked_up_again(self) -> "_Case":
        """The same officer, as a run that ended meanwhile left them."""
        return _looked_up(self.home, min(self.names), self.steward, self.reason)

    def enter(self, act: "Callable[[_Case], Act]") -> None:
        """Put an act on record; only for the one who holds the home's lock."""
        now = datetime.now(UTC)
        # Pseudonyms on record say nothing without the keys that they were made with.
        self.home.settle_keys(now)
        self.home.stewardship.enter([act(self.looked_up_again())], now)


def _case(
    home: Path,
    force: str,
    steward: str | None,
    reason: str,
    code: str | None,
    *,
    anyway: bool,
    erased_too: bool = False,
) -> _Case:
    """The officer whose number or code is asked for, or the end of the command."""
    from pipeline.review import NotPossible, signed
    from pipeline.vocabulary import EntryKind

    here = opened(home)
    if force not in here.programme.known_forces:
        stop("This force is neither in the reference list nor declared in programme.yaml.")
    try:
        who, why = signed(steward_name(steward), reason)
    except NotPossible as problem:
        stop(str(problem))
    name = _pseudonym(here, force) if code is None else _pseudonym_of_code(here, force, code)
    case = _looked_up(here, name, who, why)
    if case.on_record(EntryKind.ERASED):
        if not erased_too:
            stop("They were erased, so nothing of them is there or will be taken in.")
    elif not anyway and not case.is_known:
        stop(
            "Nothing has been taken in of an officer of this force with this "
            f"{'number' if code is None else 'code'}, so nothing was put on record. Check both, "
            "and `muster run` if a file has just come; --anyway "
            "does it for somebody who is never to be taken in."
        )
    return case


def _looked_up(here: "Home", name: str, steward: str, reason: str) -> _Case:
    """What there is of the officer who has this pseudonym among theirs."""
    from pipeline.privacy.withdrawals import same_officer
    from pipeline.tables import PARTICIPANT_ALIAS

    aliases = _of_the_last_run(here, PARTICIPANT_ALIAS, ("participant_id", "alias_id"))
    withdrawals = here.withdrawals()
    names = same_officer(name, aliases, withdrawals)
    submissions = [r.submission_id for r in here.lake.records() if r.problem is None]
    rows = here.lake.rows_of(submissions, names)
    return _Case(here, names, rows, withdrawals, steward, reason)


def _of_the_last_run(here: "Home", table: "Table", names: Sequence[str]) -> "pl.DataFrame":
    """A table that the last run made, pseudonyms in the columns `names` under the newest key.

    Rotating the key, or erasing somebody else, takes it away until the next run; the warehouse
    still has it. Without either nobody could say which numbers are one officer's: the end of the
    command, unless nothing was taken in yet.
    """
    from pipeline.storage.warehouse import build_of, read_table

    try:
        return here.stages.read(table.name)
    except LookupError:
        pass
    if build_of(here.warehouse) is not None:
        carried_on = here.pseudonymiser().carried_on
        made = read_table(here.warehouse, table)
        return made.with_columns(carried_on(made[name]).alias(name) for name in names)
    if here.lake.holds_anything():
        stop(
            "The last run's tables are not there, and they alone say whether the officer has other "
            "numbers; `muster run` makes them. Nothing was put on record."
        )
    return table.empty()


def _pseudonym(here: "Home", force: str) -> str:
    """Of the number that is asked for; the number is forgotten."""
    import polars as pl

    number = _asked_for("The officer's number")
    asked = pl.DataFrame({"home_force": [force], "identifier": [number]})
    pseudonym = here.pseudonymiser().participants(asked).item()
    if pseudonym is None:
        stop("That is no officer's number: nothing is left of it, or its digits were lost.")
    return str(pseudonym)


def _pseudonym_of_code(here: "Home", force: str, source: str) -> str:
    """Of the code whose elements are asked for, one by one; they are forgotten."""
    import polars as pl

    from pipeline.reading.mapping import Mapping

    asking = [m for m in here.mappings if isinstance(m, Mapping) and m.code]
    named = {f"{m.organisation}/{m.source}": [*m.elements] for m in asking}
    if source not in named:
        stop(
            "No mapping that works is called that and has a code; give the organisation and the "
            "source of one, as in simulated-force-01/answers."
        )
    elements = named[source]
    said = [_asked_for(f"The code's {element}") for element in elements]
    asked = pl.DataFrame({"home_force": [force], "code": [said], "occasion": [""]})
    pseudonym, hashes = here.pseudonymiser().coded(asked, elements)
    if hashes.explode().has_nulls():
        stop(
            "A code names an officer only if it is whole: give each element, in the order "
            f"{', '.join(elements)}."
        )
    return str(pseudonym.item())


def _asked_for(what: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(f"{what} (it is not shown)", hide_input=True)).strip()
    said = sys.stdin.readline().strip()
    # What is no UTF-8 comes as letters that cannot be written again.
    return said if said == said.encode("utf-8", "ignore").decode("utf-8") else ""


def _confirmed(yes: bool) -> None:
    """Go on only if somebody says so."""
    if yes:
        return
    if not sys.stdin.isatty():
        stop("Nobody can be asked here, so nothing was done; a script says --yes.")
    if not typer.confirm("Go on?"):
        typer.echo("Nothing was done.")
        raise typer.Exit


@contextmanager
def _locked(home: "Home") -> Iterator[None]:
    from pipeline.storage import locks

    with locks.held(home.lock, lambda: typer.echo("A run is at work; waiting for it.", err=True)):
        yield


def _warehouse_made_again(home: "Home") -> str | None:
    """Make the warehouse of the lake as it is, for its own dates; why it failed, or None."""
    from pipeline.storage.warehouse import build_of

    build = build_of(home.warehouse)
    if build is None:
        return None
    from pipeline.definitions import build_defs
    from pipeline.orchestration.launch import failure_of, instance_of, run_here

    typer.echo("Making the warehouse again …")
    with instance_of(home.root) as instance:
        defs = build_defs(home.root, build.as_of, build.known_at)
        result = run_here(defs, instance, home, [])
    return None if result.success else failure_of(result)


def _show_what_is_left(case: _Case) -> None:
    """Say what names the officer where Muster does not write: landing, backups, releases."""
    from pipeline.storage.erasing import search_landing

    searched = search_landing(case.home, case.names)
    _show_landing(searched)
    copies = sorted((case.home.root / "backups").glob("stewardship-*.sqlite"))
    if copies:
        typer.echo(
            f"Copies of stewardship.sqlite in backups/: {len(copies)}. None has rows of officers. "
            "If one from before today is put back, erase this officer again."
        )
    typer.echo(
        "Backups that you make of landing/, lake/ or warehouse.duckdb still have them until they "
        "expire, and so have copies of rows for research; `muster research` makes new ones."
    )
    settings = case.home.lake_settings
    if settings is not None:
        typer.echo(
            f"So have older versions of objects at {settings.place}, if the bucket keeps any "
            "(docs/object-storage.md)."
        )
    releases = [path for path in (case.home.root / "releases").glob("*") if path.is_dir()]
    if releases:
        typer.echo(f"Releases made earlier are left as they are: {len(releases)}.")


def _show_landing(searched: "Searched") -> None:
    if not searched.found:
        typer.echo("No file in landing that can be read has a row of them.")
    else:
        typer.echo("Redact or delete in landing (docs/withdrawal.md says which):")
    for file in searched.found:
        rows = ", ".join(map(str, file.rows))
        copies = "" if file.copies == 1 else f", {file.copies} files with the same content"
        typer.echo(f"  {file.submission_id}  ({file.file_name}{copies}): rows {rows}")
    if searched.not_searched:
        typer.echo(f"Files that cannot be read were not searched: {searched.not_searched}.")
