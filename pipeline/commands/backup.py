"""The `muster backup` commands: copies of a home folder elsewhere, and homes made of them again.

What stays out: what a copy holds and how it is written (`pipeline/storage/backups.py`).
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.commands.console import DEFAULT_HOME, Exit, HomeOption, JsonOption, opened

if TYPE_CHECKING:
    from pipeline.storage.backups import Backup

backup = typer.Typer(
    name="backup",
    help="""Copy a home folder to another disk, and make a home folder of such a copy again.

    A copy holds what cannot be made again (decisions, settings, releases and what the next one
    needs) and the lake, so that it needs no landing files. It holds no keys: whoever has keys and
    identifiers can trace everybody, so `secrets/` is copied to another place, by other hands
    (docs/keys.md). docs/operations.md has a restore to rehearse.""",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

_Folder = Annotated[Path, typer.Argument(metavar="BACKUP", help="Folder of one copy.")]


@backup.command("make")
def make_backup(
    to: Annotated[
        Path, typer.Option("--to", metavar="FOLDER", help="Folder that holds the copies.")
    ],
    home: HomeOption = DEFAULT_HOME,
    keep: Annotated[
        int | None,
        typer.Option(min=1, help="Copies to keep there, the new one too; all of them."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the home folder, while nothing else is at work on it, into a new folder.

    Files that did not change are shared with the copy before, where the disk can do that.
    """
    from pipeline.storage import locks
    from pipeline.storage.backups import back_up, thin_out

    here = opened(home)
    _ = here.programme
    with locks.held(here.lock, lambda: typer.echo("A run is at work; waiting for it.", err=True)):
        here.recover()
        made = back_up(here, to, datetime.now(UTC))
    removed = thin_out(to, keep) if keep else []
    if as_json:
        typer.echo(json.dumps({**_as_json(made), "removed": removed}))
        return
    typer.echo(f"Copied {len(made.hashes):,} files, {made.size / 1e6:,.0f} MB, to {made.folder}.")
    if removed:
        typer.echo(f"Removed {len(removed)} older copies.")
    typer.echo("Its keys are not in it: secrets/ has to be copied apart, and once is enough.")


@backup.command("list")
def list_backups(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder that holds the copies.")],
    as_json: JsonOption = False,
) -> None:
    """List the copies in a folder, the newest first."""
    from pipeline.storage.backups import listed

    found = listed(folder)
    if as_json:
        typer.echo(json.dumps([_as_json(made) for made in found]))
        return
    for made in found:
        typer.echo(
            f"{made.folder.name}  {made.programme}, {len(made.hashes):,} files, "
            f"{made.size / 1e6:,.0f} MB"
        )
    if not found:
        typer.echo("There is no backup in this folder.")


@backup.command("verify")
def verify_backup(folder: _Folder) -> None:
    """Say whether a copy is as it was written. Ends with 1 where it is not."""
    from pipeline.storage.backups import problems, read

    found = problems(read(folder))
    for problem in found:
        typer.echo(problem, err=True)
    if found:
        raise typer.Exit(Exit.NEEDS_A_STEWARD)
    typer.echo("Every file is as it was written.")


@backup.command("restore")
def restore_backup(
    folder: _Folder,
    home: Annotated[
        Path, typer.Option("--home", metavar="FOLDER", help="New or empty folder to restore into.")
    ],
    keys: Annotated[
        Path | None,
        typer.Option("--keys", metavar="FOLDER", help="Where the copies of secrets/ are."),
    ] = None,
) -> None:
    """Make a home folder of a copy; nothing that is there already is touched.

    `muster run` makes warehouse and history again. What was decided, withdrawn or erased since the
    copy was made is not in it: do it again before anybody uses the figures.
    """
    from pipeline.storage.backups import read, restore

    made = read(folder)
    restore(made, home, keys)
    typer.echo(f"Restored {made.programme} as it was on {made.made_at:%Y-%m-%d %H:%M} UTC.")
    if keys is None:
        typer.echo(
            f"Put the keys into {home / 'secrets'}, and ask `muster key check --home {home}` "
            "whether they are the right ones."
        )
    typer.echo(
        f"Put the exports back into {home / 'landing'}, then `muster run --home {home}`.\n"
        "Decisions, withdrawals and erasures since then are not in it: `muster withdraw` has to "
        "hear of every erasure again before anything else."
    )


def _as_json(made: "Backup") -> dict[str, Any]:
    return {
        "backup": made.folder.name,
        "made_at": made.made_at.isoformat(),
        "programme": made.programme,
        "files": len(made.hashes),
        "bytes": made.size,
    }
