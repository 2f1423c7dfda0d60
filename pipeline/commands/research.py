"""The `muster research` command: rows for researchers in a file of their own.

What stays out: how they are made (`pipeline/research.py`).
"""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.console import (
    DEFAULT_HOME,
    Exit,
    HomeOption,
    JsonOption,
    StewardOption,
    opened,
    steward_name,
)

if TYPE_CHECKING:
    from pipeline.research import Extract


def research(
    home: HomeOption = DEFAULT_HOME,
    reason: Annotated[
        str, typer.Option("--reason", help="What it is for, and for whom; kept on record.")
    ] = "made rows for research",
    steward: StewardOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write research_view.duckdb: one row an officer for researchers, in which nobody stands alone.

    Made from the last run. Whatever a colleague can see of an officer is the same in at least five
    rows, and their last burnout bands differ; what had to be made coarser for that is written down
    in research.generalised. Access stays controlled: docs/research.md. That it was made is put on
    record.
    """
    from pipeline.privacy.research_view import NotProtected
    from pipeline.research import make_extract

    here = opened(home)
    try:
        made = make_extract(
            here,
            lambda: typer.echo("A run is at work; waiting for it.", err=True),
            steward_name(steward),
            reason,
            datetime.now(UTC),
        )
    except NotProtected as defect:
        typer.echo(f"Muster failed, which is a defect of its own: {defect}.", err=True)
        raise SystemExit(Exit.DEFECT) from None
    if as_json:
        typer.echo(json.dumps(_as_json(made), indent=2))
        return
    build = made.build.row(0, named=True)
    typer.echo(f"Wrote {here.research}, as of {build['as_of']}.")
    typer.echo(
        f"{build['rows_given']:,} of {build['officers']:,} officers enrolled; "
        f"{build['detail_kept']:.0%} of the detail kept."
    )
    coarser = made.generalised.filter(made.generalised["reason"] != "always")
    for row in coarser.sort("share", descending=True).iter_rows(named=True):
        typer.echo(f"  {row['share']:4.0%}  {row['attribute']}: {row['level']} ({row['reason']})")
    typer.echo("It is row-level data about health: for named researchers under agreement only.")


def _as_json(made: "Extract") -> dict[str, object]:
    build = made.build.row(0, named=True)
    days = {name: str(build[name]) if build[name] else None for name in ("as_of", "known_at")}
    return {**build, **days, "generalised": made.generalised.to_dicts()}
