"""What every command of the command line shares: exit codes, options, and how one ends.

What stays out: the commands themselves (`pipeline/cli.py` and the modules it mounts).
"""

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from pipeline.storage.home import Home


_STDOUT, _STDERR = 1, 2


class Exit(IntEnum):
    DONE = 0
    NEEDS_A_STEWARD = 1
    UNUSABLE = 2
    DEFECT = 3


HomeOption = Annotated[
    Path,
    typer.Option("--home", envvar="MUSTER_HOME", help="The home folder of the evaluation."),
]
StewardOption = Annotated[
    str | None,
    typer.Option(
        "--steward", envvar="MUSTER_STEWARD", help="Who does it; the name you are logged in with."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
DEFAULT_HOME = Path("muster-home")


def opened(home: Path) -> "Home":
    from pipeline.storage.access import keep_from_others
    from pipeline.storage.home import Home

    root = home.resolve()
    keep_from_others(root)
    return Home(root)


def stop(sentence: str) -> NoReturn:
    """End the command in one sentence: wrong use, or a configuration that cannot be used."""
    typer.echo(sentence, err=True)
    raise SystemExit(Exit.UNUSABLE)


@contextmanager
def answers_alone() -> Iterator[None]:
    """Keep from standard output what libraries write there by themselves; it goes to stderr.

    The solver of the audit tells of its difficulties past Python, in the midst of what a script
    takes for JSON.
    """
    sys.stdout.flush()
    kept = os.dup(_STDOUT)
    try:
        os.dup2(_STDERR, _STDOUT)
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, _STDOUT)
        os.close(kept)


def steward_name(steward: str | None) -> str:
    """Who acts: the name given, or the one logged in with; empty where nobody is logged in."""
    if steward is not None:
        return steward
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def place_outside(home: "Home", to: Path | None, name: str, what: str) -> Path:
    """Where a file for others goes: not into the home folder, nor in the place of another kind.

    `name` is what it is called in a folder, and its ending the only one allowed; `what` begins the
    sentences that refuse a place.
    """
    path = (to or Path.cwd()).resolve()
    if path.is_dir():
        path /= name
    if path.is_relative_to(home.root):
        stop(f"{what} is not kept in the home folder; choose a place outside it with --to.")
    ending = Path(name).suffix
    if path.suffix.lower() != ending:
        stop(f"--to: {what[0].lower()}{what[1:]} must have a name that ends in {ending}.")
    if not path.parent.is_dir():
        stop("--to: there is no such folder.")
    return path
