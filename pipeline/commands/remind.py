"""The `muster remind` command: reminders of one organisation for its one contact.

What stays out: who is reminded (`pipeline/follow_up/reminders.py`) and what the workbook says
(`pipeline/reminder_workbook.py`). It is handed on at once, so it is never kept in the home folder.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.console import (
    DEFAULT_HOME,
    HomeOption,
    StewardOption,
    opened,
    place_outside,
    steward_name,
    stop,
)

if TYPE_CHECKING:
    import polars as pl

    from pipeline.follow_up.reminders import Reminders
    from pipeline.programme import Contact, Programme
    from pipeline.storage.home import Home
    from pipeline.storage.warehouse import Build

_FOR_ONE_PERSON = 0o600


def remind(
    organisation: Annotated[str, typer.Argument(help="Whose officers are to be reminded.")],
    home: HomeOption = DEFAULT_HOME,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="FILE",
            help="The workbook to write, or a folder for it; the folder you are in.",
        ),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", help="What it is for; kept on record.")
    ] = "wrote reminders",
    steward: StewardOption = None,
) -> None:
    """Write a workbook of answers that are due, for the organisation's one contact.

    It names officers by file and row of the roster that the organisation sent, so that the contact
    of `programme.yaml` can find them and nobody else can. It is for that person alone, never for
    line managers: docs/reminders.md. That it was written is put on record.
    """
    from pipeline.entries import Act
    from pipeline.privacy.rough_counts import rough_count
    from pipeline.reminder_workbook import Cover, reminder_workbook
    from pipeline.storage import atomic, locks
    from pipeline.vocabulary import EntryKind

    here = opened(home)
    programme = here.programme
    contact = _contact(programme, organisation)
    with locks.held(here.lock, lambda: typer.echo("A run is at work; waiting for it.", err=True)):
        build = _build(here)
        path = place_outside(
            here, to, f"reminders-{organisation}-{build.as_of}.xlsx", "The workbook"
        )
        reminders = _reminders(here, organisation, build)
        submissions = here.stages.read("submissions")
    left_out = (
        "Left out because a list of departures or a steward names them: "
        f"{rough_count(reminders.left_out)} officers."
    )
    if reminders.rows.is_empty():
        typer.echo(f"Nobody of {organisation} is to be reminded; nothing was written.")
        typer.echo(left_out)
        _say_if_old(build)
        return
    name = programme.known_organisations[organisation].name
    cover = Cover(programme.title, name, contact, build.as_of, reminders.left_out)
    content = reminder_workbook(cover, reminders.rows, submissions)
    # On record first: no workbook is handed out without.
    act = Act(
        kind=EntryKind.REMINDED,
        steward=steward_name(steward),
        reason=reason,
        body={"organisation": organisation, "as_of": str(build.as_of)},
    )
    here.stewardship.enter([act], datetime.now(UTC))
    try:
        atomic.write_bytes(path, content, mode=_FOR_ONE_PERSON)
    except OSError:
        stop("The workbook cannot be written there; choose another place with --to.")
    typer.echo(f"Wrote {path}, {reminders.rows.height} rows.")
    typer.echo(left_out)
    typer.echo(f"It is for {contact.name}, {contact.email}, and nobody else.")
    _say_if_old(build)


def _contact(programme: "Programme", organisation: str) -> "Contact":
    if organisation not in programme.known_organisations:
        stop("This organisation is neither in the reference list nor declared in programme.yaml.")
    found = next((c for c in programme.contacts if c.organisation == organisation), None)
    if found is None:
        stop(
            f"{organisation} has no contact; add {{organisation: {organisation}, name: …, "
            "email: …} under `contacts` in programme.yaml."
        )
    return found


def _build(home: "Home") -> "Build":
    from pipeline.orchestration.state import WAREHOUSE
    from pipeline.storage.warehouse import must_have_build

    build = must_have_build(home.warehouse)
    if home.stages.entry(WAREHOUSE) is None or not home.stages.is_settled(WAREHOUSE):
        stop(
            "The last run did not come to its end, so who has answered is not known; `muster run`."
        )
    return build


def _say_if_old(build: "Build") -> None:
    if build.known_at or build.as_of != datetime.now(UTC).date():
        typer.echo(
            f"The last run was as of {build.as_of}: who has answered or withdrawn since is still "
            "reminded. `muster run` brings it up to date.",
            err=True,
        )


def _reminders(home: "Home", organisation: str, build: "Build") -> "Reminders":
    from pipeline.follow_up.reminders import NoRoster, last_known_as, reminders_of
    from pipeline.tables import PARTICIPANT_ALIAS

    stages = home.stages
    aliases = stages.read(PARTICIPANT_ALIAS.name)
    try:
        return reminders_of(
            organisation,
            participants=stages.read("participants", _WHO),
            participant_waves=stages.read("participant_waves", _WHAT),
            roster=stages.read("roster"),
            moved=last_known_as(aliases, stages.read("departures")),
            named=_named_in_departures(home, aliases),
            programme=home.programme,
            as_of=build.as_of,
        )
    except NoRoster:
        stop(
            f"{organisation} has sent no roster that counts, so there are no rows by which its "
            "contact could find anybody."
        )


def _named_in_departures(home: "Home", aliases: "pl.DataFrame") -> "pl.Series":
    """Whom a steward withdrew, and whom lists of departures name that no newer one replaced.

    Lists that the last run did not judge, since it was cut short or as of an earlier day, too.
    """
    from pipeline.follow_up.reminders import named_in_departures, with_those_on_record
    from pipeline.intake import ACCEPTED
    from pipeline.quality.judgement import FINDINGS
    from pipeline.vocabulary import Kind

    verdicts = home.stages.read("verdicts", ("submission_id", "replaced_by"))
    replaced = set(verdicts.drop_nulls("replaced_by")["submission_id"])
    lists = [
        record.submission_id
        for record in home.lake.records()
        if record.kind == Kind.DEPARTURES
        and record.problem is None
        and record.submission_id not in replaced
    ]
    named = named_in_departures(
        home.lake.rows("accepted", lists, ACCEPTED[Kind.DEPARTURES]),
        home.lake.rows("findings", lists, FINDINGS),
        aliases,
    )
    return with_those_on_record(named, home.withdrawals().everybody, aliases)


_WHO = ("participant_id", "organisation", "departed_on")
_WHAT = ("participant_id", "wave", "due_on", "window_closes_on", "status")
