"""The `muster review pack` command: what an organisation is sent so that it can mend its file.

What stays out: which rows the pack names and how (`pipeline/return_pack.py`). It is handed on at
once, so it is never kept in the home folder.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.console import DEFAULT_HOME, HomeOption, place_outside, steward_name, stop
from pipeline.commands.review import (
    StewardOption,
    SubmissionArgument,
    carried_out,
    snapshot_of,
)


def pack(
    submission: SubmissionArgument,
    home: HomeOption = DEFAULT_HOME,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FOLDER", help="Where to write; the folder you are in."),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", help="What it is for; kept on record.")
    ] = "wrote a return pack",
    steward: StewardOption = None,
) -> None:
    """Write a workbook and a web page that tell an organisation what to put right, and how.

    They name file, sheet, row, column and rule, and hold no cell of the file. Nothing is sent, and
    nothing is decided: `muster review return` does that. That they were written is put on record.
    """
    from pipeline.return_pack import file_name, pack_written, return_pack
    from pipeline.storage import atomic

    if to is not None and not to.is_dir():
        stop("--to: give a folder that is there.")
    now = datetime.now(UTC)
    snapshot = snapshot_of(home)
    case = carried_out(lambda: snapshot.case(submission))
    made = return_pack(
        case,
        snapshot.mapping_of(case),
        programme=snapshot.home.programme.title,
        made_on=now.date(),
    )
    act = carried_out(lambda: pack_written(case, steward_name(steward), reason))
    contents = {"xlsx": made.workbook, "html": made.page}
    places = {
        ending: place_outside(snapshot.home, to, file_name(case, ending), "The return pack")
        for ending in contents
    }
    # On record first: no pack is handed out without.
    snapshot.home.stewardship.enter([act], now)
    try:
        for ending, content in contents.items():
            atomic.write_bytes(places[ending], content)
    except OSError:
        stop("The return pack cannot be written there; choose another folder with --to.")
    for path in places.values():
        typer.echo(f"Wrote {path}.")
    typer.echo(f"{made.rows:,} lines to put right. Send both yourself: Muster sends nothing.")
