"""The `muster lake` commands: where pseudonymised rows lie, and bringing them elsewhere.

What stays out: how they are moved (`pipeline/storage/moving.py`).
"""

from typing import Annotated

import typer

from pipeline.commands.console import DEFAULT_HOME, HomeOption, opened

lake = typer.Typer(
    name="lake",
    help="""Say where the lake lies, and move it to object storage or back.

    The lake holds the pseudonymised rows of every submission. It lies in the home folder, or on
    object storage where `lake.yaml` says so; credentials come from the environment
    (docs/object-storage.md).""",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@lake.command("where")
def where(home: HomeOption = DEFAULT_HOME) -> None:
    """Say where the lake lies and how many submissions it has."""
    from pipeline.storage.moving import buckets_beside

    here = opened(home)
    _ = here.programme
    held, settings = here.lake.count_folders(), here.lake_settings
    place = settings.place if settings else str(here.root / "lake")
    typer.echo(f"{place}: {held:,} submissions.")
    for beside in buckets_beside(here):
        # As `move` says where the lake lies; a region alone makes no other place.
        if settings is None or (beside.place, beside.endpoint) != (place, settings.endpoint):
            typer.echo(
                f"A move was killed and may have left rows at {beside.place}; the next "
                "`muster lake move`, erasure or rotation of the key removes them."
            )


@lake.command("move")
def move_lake(
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="PLACE", help="Bucket and prefix, as in s3://evaluation/lake; or home."
        ),
    ],
    home: HomeOption = DEFAULT_HOME,
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", help="A server that speaks as S3 does.")
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help="Region of the bucket.")] = None,
    allow_http: Annotated[
        bool, typer.Option("--allow-http", help="Without TLS: a server on this machine.")
    ] = False,
) -> None:
    """Copy the lake to a place with nothing in it, write lake.yaml, and remove the lake from here.

    Killed at any moment it can be called again. Nothing may be at work on the home meanwhile; it
    waits for a run.
    """
    from pipeline.storage import locks
    from pipeline.storage.moving import move
    from pipeline.storage.remote import lake_settings_of

    here = opened(home)
    _ = here.programme
    settings = None if to == "home" else lake_settings_of(to, endpoint, region, allow_http)
    with locks.held(here.lock, lambda: typer.echo("A run is at work; waiting for it.", err=True)):
        moved = move(here, settings)
    typer.echo(f"Moved {moved.files:,} files, {moved.size / 1e6:,.1f} MB, to {moved.place}.")
