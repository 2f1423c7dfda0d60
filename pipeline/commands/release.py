"""The `muster release` commands: make a release, list what was made, check what lies in a folder.

What stays out: how a release is made (`pipeline/releasing.py`).
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from pipeline.commands.console import (
    DEFAULT_HOME,
    Exit,
    HomeOption,
    JsonOption,
    answers_alone,
    opened,
    steward_name,
    stop,
)

if TYPE_CHECKING:
    from pipeline.privacy.disclosure.audit import Failure
    from pipeline.reproducing import Compared
    from pipeline.storage.home import Home
    from pipeline.storage.releases import Made

release = typer.Typer(
    name="release",
    help="""Make tables for handing on, which do not give anybody away.

    Small groups are left out, counts are rounded, and what could be worked out from the rest is
    left out too; an audit looks for what an attacker could still find. A release that does not pass
    is not written. docs/release.md says what is in a release and by which rules.""",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

_SHOWN = 20
"""Cells that are listed of a refused release; all of them with --json."""


@release.command("make")
def make(
    name: Annotated[
        str, typer.Option("--name", help="What the release is called, as in 2026-autumn.")
    ],
    home: HomeOption = DEFAULT_HOME,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of",
            formats=["%Y-%m-%d"],
            help="Day of the warehouse that is released, if it is not today's.",
        ),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", help="What it is for; kept on record.")
    ] = "made a release",
    steward: Annotated[
        str | None,
        typer.Option(
            "--steward", envvar="MUSTER_STEWARD", help="Who makes it; the name you log in with."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a release of the warehouse as it is, audit it, and write it to releases/.

    It ends with 1, and nothing is written, if the audit finds what could give somebody away.
    """
    from pipeline.privacy.disclosure.control import Unsafe
    from pipeline.releasing import Order, make_release, names_of_releases

    here = opened(home)
    day = as_of.date() if as_of else datetime.now(UTC).date()
    try:
        with answers_alone():
            written = make_release(
                here,
                Order(name=name, as_of=day, steward=steward_name(steward), reason=reason),
                lambda: datetime.now(UTC),
                lambda: typer.echo("A run is at work; waiting for it.", err=True),
                None if as_json else _progress(),
            )
    except Unsafe as refusal:
        _refuse(refusal.failures, after=names_of_releases(here), as_json=as_json)
    _report(here, written, as_json=as_json)


@release.command("list")
def show(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """List the releases that were made, oldest first."""
    made = opened(home).releases.made()
    if as_json:
        typer.echo(json.dumps([_summary(each) for each in made], indent=2))
        return
    if not made:
        typer.echo("No release was made yet; `muster release make --name …` makes one.")
    for each in made:
        about = each.manifest
        typer.echo(f"{each.name}  as of {about['as_of']}, made {about['made_at'][:10]}")


@release.command("verify")
def verify(
    releases: Annotated[
        list[str],
        typer.Argument(
            metavar="RELEASE...", help="One or two: the name of a release here, or a folder."
        ),
    ],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Check files against the manifest, and what can be seen of the rules in the tables.

    Of two releases it says which figures are printed in one only. This is an outsider's check: it
    cannot know who is in a group, as the audit does that `make` carries out.
    """
    from pipeline.publishing.outsider import appeared_and_vanished, breaches
    from pipeline.storage.releases import changed_files, read_tables

    if len(releases) > 2:
        stop("Name one release, or two to compare.")
    folders = [_folder(home, each) for each in releases]
    problems: list[str] = []
    tables = []
    for folder in folders:
        changed = changed_files(folder)
        problems += [f"{folder.name}/{file}: not as the manifest says" for file in changed]
        tables.append({} if changed else read_tables(folder))
        if not changed:
            problems += [f"{folder.name}: {found}" for found in breaches(tables[-1])]
    differing = appeared_and_vanished(*tables) if len(tables) == 2 else []
    if as_json:
        document = {"problems": problems, "printed_in_one_only": differing}
        typer.echo(json.dumps(document, indent=2))
    else:
        for sentence in (*problems, *differing):
            typer.echo(f"{sentence}.")
        if not problems:
            typer.echo(
                "Files are as the manifest says, and no rule that can be seen in them is broken. "
                "This is an outsider's check: only the audit, which knows the warehouse, can say "
                "that nobody is given away."
            )
    if problems:
        raise typer.Exit(Exit.NEEDS_A_STEWARD)


@release.command("reproduce")
def reproduce(
    manifest: Annotated[
        str,
        typer.Argument(
            metavar="MANIFEST", help="A manifest.json, its folder, or the name of a release here."
        ),
    ],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Make a release again from the lake and compare every table with its manifest.

    It works the state of that day out beside the home and changes nothing in it. It ends with 0 if
    every table is the same, with 1 if not, and says what has changed since.
    """
    from pipeline.reproducing import reproduce as made_again

    here = opened(home)
    path = Path(manifest)
    folder = path.parent if path.is_file() else _folder(home, manifest)
    with answers_alone():
        compared = made_again(
            here,
            (path if path.is_file() else folder / "manifest.json").resolve(),
            lambda: typer.echo("A run is at work; waiting for it.", err=True),
            None if as_json else _progress(),
        )
    if as_json:
        typer.echo(json.dumps({**asdict(compared), "identical": compared.identical}, indent=2))
    else:
        _say(compared)
    if not compared.identical:
        raise typer.Exit(Exit.NEEDS_A_STEWARD)


def _say(compared: "Compared") -> None:
    if compared.identical:
        typer.echo(f"{compared.release}: every table is the same, cell by cell.")
    elif compared.refused:
        typer.echo(f"{compared.release}: made again it does not pass the audit.")
    else:
        typer.echo(f"{compared.release}: other contents in {', '.join(compared.differing)}.")
    for sentence in compared.changed:
        typer.echo(f"  {sentence}.")
    if not (compared.identical or compared.changed):
        typer.echo("Nothing that is known to matter has changed since: a defect of Muster.")


def _folder(home: Path, release_: str) -> Path:
    from pipeline.storage.releases import MANIFEST

    places = (opened(home).releases.folder / release_, Path(release_))
    found = next((path for path in places if (path / MANIFEST).is_file()), None)
    if found is None:
        stop(f"{release_}: there is no such release here, and no such folder with a manifest.json.")
    return found.resolve()


def _progress() -> Callable[[int, int], None] | None:
    """Says on a terminal how far the audit has come; nothing elsewhere."""
    if not sys.stderr.isatty():
        return None

    def told(done: int, of: int) -> None:
        typer.echo(f"\rAuditing {done} of {of} groups", nl=done == of, err=True)

    return told


def _refuse(
    failures: "tuple[Failure, ...]", *, after: Sequence[str] = (), as_json: bool
) -> NoReturn:
    if after:
        remedy = (
            f"Figures that releases up to {after[-1]} printed are known, so leaving out more would "
            f"hide nothing. Hand on {after[-1]} once more, or try again after a `muster run` in "
            "which ten or more officers have come or answered."
        )
    else:
        remedy = "Try again after a `muster run` in which more officers have come or answered."
    if as_json:
        cells = [
            {"group": f.key.measure, "place": f.key.place, "reason": f.reason} for f in failures
        ]
        typer.echo(json.dumps({"refused": cells, "remedy": remedy}, indent=2))
    else:
        typer.echo(
            "Refused; nothing was written. An attacker could work out too much of:", err=True
        )
        for failure in failures[:_SHOWN]:
            where = f"{failure.key.measure} ({failure.key.place})"
            typer.echo(f"  {where}: {failure.reason}.", err=True)
        if len(failures) > _SHOWN:
            typer.echo(f"  and {len(failures) - _SHOWN} more; --json lists them.", err=True)
        typer.echo(remedy, err=True)
    raise typer.Exit(Exit.NEEDS_A_STEWARD)


def _report(home: "Home", made: "Made", *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_summary(made), indent=2))
        return
    folder = home.releases.folder / made.name
    typer.echo(f"Wrote {folder}, as of {made.manifest['as_of']}.")
    typer.echo(f"Read {folder / 'report.html'} first; tables.xlsx has its tables.")
    for name, share in made.manifest["tables"].items():
        if share["cells"]:
            typer.echo(f"  {name}: {share['published']:.0%} of {share['cells']} figures printed")
    typer.echo("Back up memberships/ with stewardship.sqlite: the next release needs both.")


def _summary(made: "Made") -> dict[str, Any]:
    return {**made.manifest, "manifest_sha256": made.manifest_hash}
