"""What every command of the command line shares: exit codes, options, and how one ends.

What stays out: the commands themselves (`pipeline/cli.py` and the modules it mounts).
"""

from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from pipeline.storage.home import Home


class Exit(IntEnum):
    DONE = 0
    NEEDS_A_STEWARD = 1
    UNUSABLE = 2
    DEFECT = 3


HomeOption = Annotated[
    Path,
    typer.Option("--home", envvar="MUSTER_HOME", help="The home folder of the evaluation."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
DEFAULT_HOME = Path("muster-home")


def opened(home: Path) -> "Home":
    from pipeline.storage.home import Home

    return Home(home.resolve())


def stop(sentence: str) -> NoReturn:
    """End the command in one sentence: wrong use, or a configuration that cannot be used."""
    typer.echo(sentence, err=True)
    raise SystemExit(Exit.UNUSABLE)
