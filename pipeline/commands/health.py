"""The `muster health` command, for cron and monitors.

What stays out: what is well (`pipeline/health.py`), and the same over HTTP (`pipeline/desk/`).
"""

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from pipeline.commands.console import DEFAULT_HOME, HomeOption, JsonOption, opened


def health(
    home: HomeOption = DEFAULT_HOME,
    hours: Annotated[
        int | None,
        typer.Option("--hours", min=1, help="From how many hours on the warehouse is late; 26."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say in one line whether all is well, for cron and monitors.

    Exit code 0 if it is, 1 if the warehouse is late, 2
    if anything is worse, as monitors of the Nagios kind expect.
    """
    from pipeline.health import Limits
    from pipeline.storage.condition import health as health_of
    from pipeline.storage.condition import limits_of

    limits = limits_of(os.environ)
    if hours is not None:
        limits = Limits(timedelta(hours=hours), limits.least_free_bytes)
    here = opened(home)
    _ = here.programme
    found = health_of(here, datetime.now(UTC), limits)
    if as_json:
        typer.echo(json.dumps(found.as_json()))
    else:
        age = found.as_json()["warehouse_age_hours"]
        typer.echo(f"{found.wellbeing}: {found.sentence} Age in hours: {age}.")
    raise SystemExit(found.exit_code)
