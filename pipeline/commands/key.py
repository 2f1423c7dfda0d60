"""The `muster key` commands: making, checking and rotating the keys of pseudonyms.

What stays out: what makes a key the right one (`pipeline/privacy/key_checks.py`) and how pseudonyms
are carried on (`pipeline/storage/rotation.py`). No command shows a key.
"""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.console import (
    DEFAULT_HOME,
    Exit,
    HomeOption,
    JsonOption,
    opened,
    steward_name,
)

if TYPE_CHECKING:
    from pipeline.privacy.key_checks import KeyFinding
    from pipeline.storage.home import Home
    from pipeline.storage.rotation import Rotated

key = typer.Typer(
    name="key",
    help="""Make, check and rotate the keys that pseudonyms are made with.

    Keys lie in the home folder's `secrets/`, readable by their owner alone, or come from the
    environment: MUSTER_KEY_1, MUSTER_KEY_2 and so on, 64 hexadecimal digits each. All of them are
    needed for ever: keep copies apart from the rest (docs/keys.md).""",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@key.command("init")
def init_key(home: HomeOption = DEFAULT_HOME) -> None:
    """Make the first key, unless there is one."""
    here = opened(home)
    _ = here.programme
    if here.create_first_key():
        typer.echo(f"Made secrets/key-1. {_BACK_UP}")
    else:
        typer.echo("The first key is there already; nothing was changed.")


_BACK_UP = "Back up secrets/ apart from the rest: without its keys no later file can be linked."


@key.command("check")
def check_keys(
    home: HomeOption = DEFAULT_HOME,
    backup: Annotated[
        Path | None,
        typer.Option("--backup", metavar="FOLDER", help="Check the copies of the keys there too."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether the keys are those that the pseudonyms of this home were made with.

    Ends with 2 where runs would be refused, and with 1 where only the backup lacks something.
    """
    from pipeline.vocabulary import KeyState

    here = opened(home)
    _ = here.programme
    in_use, refusal = _in_use(here)
    kept, problem = _kept(here, backup) if backup and in_use else ([], None)
    # A key that was not taken up yet may well be backed up already.
    needed = {KeyState.WRONG, KeyState.MISSING}
    is_kept = bool(kept) and needed.isdisjoint(finding.state for finding in kept)
    if as_json:
        found = {"keys": _as_json(in_use), "backup": _as_json(kept) if backup else None}
        said = {"sound": refusal is None, "refusal": refusal, "backed_up": is_kept}
        typer.echo(json.dumps({**found, **said}))
    else:
        for finding in [*in_use, *kept]:
            typer.echo(f"{finding.place}: {finding.state.meaning}")
        for sentence in filter(None, (refusal, problem)):
            typer.echo(sentence, err=True)
    if refusal is not None:
        raise typer.Exit(Exit.UNUSABLE)
    if backup is not None and not is_kept:
        raise typer.Exit(Exit.NEEDS_A_STEWARD)


def _in_use(here: "Home") -> "tuple[Sequence[KeyFinding], str | None]":
    """What is to be said of each key, and the sentence with which a run would be refused."""
    from pipeline.privacy.key_checks import compared
    from pipeline.programme import UnusableConfiguration
    from pipeline.storage.keys import load_keys

    found: Sequence[KeyFinding] = ()
    try:
        keys = load_keys(here.secrets, os.environ, in_force=here.lake.version)
        found = compared(keys, here.programme.programme, here.keys_known())
        here.proven_keys()
    except UnusableConfiguration as refusal:
        return found, str(refusal)
    return found, None


def _kept(here: "Home", backup: Path) -> "tuple[Sequence[KeyFinding], str | None]":
    """What is to be said of each copy, and the sentence that says why nothing is."""
    from pipeline.privacy.key_checks import compared, made_with
    from pipeline.programme import UnusableConfiguration
    from pipeline.storage.keys import load_backup, load_keys

    programme, known = here.programme.programme, here.keys_known()
    if known is None:
        # Nothing was taken in yet: the copies must be of the keys in use.
        keys = load_keys(here.secrets, os.environ, in_force=here.lake.version)
        known = made_with(keys, programme)
    try:
        kept = load_backup(backup)
    except UnusableConfiguration as problem:
        return (), str(problem)
    return compared(kept, programme, known, missing="backup/key-{}"), None


def _as_json(findings: "Sequence[KeyFinding]") -> "list[dict[str, str | int]]":
    return [
        {"version": f.version, "place": f.place, "state": f.state.value, "meaning": f.state.meaning}
        for f in findings
    ]


@key.command("rotate")
def rotate_key(
    reason: Annotated[
        str, typer.Option("--reason", help="Why, for whoever asks later.")
    ] = "regular rotation",
    home: HomeOption = DEFAULT_HOME,
    steward: Annotated[
        str | None,
        typer.Option(
            "--steward",
            envvar="MUSTER_STEWARD",
            help="Who decides; the name you are logged in with.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make the next key and carry every pseudonym on to it; the keys before stay needed.

    No landing file is read. Nothing changes unless officers, rows and links between waves are in
    number what they were; killed at any moment, the old or the new pseudonyms are in force.
    """
    from pipeline.storage import locks
    from pipeline.storage.rotation import RotationFailed, rotate

    here = opened(home)
    _ = here.programme
    with locks.held(here.lock, lambda: typer.echo("A run is at work; waiting for it.", err=True)):
        here.recover()
        try:
            rotated = rotate(here, steward_name(steward) or "unknown", reason, datetime.now(UTC))
        except RotationFailed as failure:
            typer.echo(
                f"The key was not rotated and nothing was changed: {failure}; a defect of Muster, "
                "or of the disk.",
                err=True,
            )
            raise SystemExit(Exit.DEFECT) from None
    _report(rotated, as_json=as_json)


def _report(rotated: "Rotated", *, as_json: bool) -> None:
    counts = rotated.counts
    if as_json:
        links = [
            {"from_wave": one, "to_wave": other, "officers": n}
            for (one, other), n in rotated.tally.links.items()
            if one != other
        ]
        found = {"version": rotated.version, "place": rotated.place, **counts, "links": links}
        typer.echo(json.dumps({**found, "incomplete": rotated.incomplete}))
        return
    typer.echo(
        f"Carried on to {rotated.place}: {counts['officers']:,} officers in {counts['rows']:,} "
        f"accepted rows of {counts['submissions']:,} submissions; officers, rows and links between "
        "waves are as many as before."
    )
    if rotated.incomplete:
        typer.echo(
            f"Left behind: {rotated.incomplete} submissions that a power cut had left incomplete; "
            "the next run reads those that are still in landing."
        )
    typer.echo(
        f"Back up {rotated.place} apart from the rest, and keep the copies of the keys before it: "
        "all of them stay needed. `muster run` brings the tables up to date."
    )
