"""The `muster assurance` command: a page for the officers of one organisation.

What stays out: what it says (`pipeline/assurance`) and what is measured (`pipeline/privacy`).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.console import DEFAULT_HOME, HomeOption, opened, place_outside, stop

if TYPE_CHECKING:
    from pipeline.assurance.card import Cover
    from pipeline.storage.home import Home
    from pipeline.storage.warehouse import Build


def assurance(
    organisation: Annotated[str, typer.Argument(help="Whose officers the page is for.")],
    home: HomeOption = DEFAULT_HOME,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="FILE",
            help="The page to write, or a folder for it; the folder you are in.",
        ),
    ] = None,
) -> None:
    """Write a page that tells an organisation's officers who sees their answers.

    It says who sees what, what a simulated line manager could find out from each, and how to
    withdraw: one HTML file of a page or two that needs no network, to print or to send. Shares on
    it are rounded; it holds no exact number of people.
    """
    from pipeline.assurance.card import assurance_card
    from pipeline.privacy.intruder import smallest_published
    from pipeline.research import published_by, settled_build, tried_by_an_intruder
    from pipeline.storage import atomic, locks

    here = opened(home)
    programme = here.programme
    if organisation not in programme.known_organisations:
        stop("This organisation is neither in the reference list nor declared in programme.yaml.")
    with locks.held(here.lock, lambda: typer.echo("A run is at work; waiting for it.", err=True)):
        build = settled_build(here)
        path = place_outside(here, to, f"assurance-{organisation}-{build.as_of}.html", "The page")
        published = published_by(here)
        shares = tried_by_an_intruder(here, build, published)
    page = assurance_card(
        _cover(here, organisation, build), organisation, shares, smallest_published(published)
    )
    try:
        atomic.write_bytes(path, page.encode("utf-8"))
    except OSError:
        stop("The page cannot be written there; choose another place with --to.")
    typer.echo(f"Wrote {path}, as of {build.as_of}.")
    typer.echo("Read it before you hand it on: it speaks for you to those who take part.")


def _cover(home: "Home", organisation: str, build: "Build") -> "Cover":
    from pipeline.assurance.card import Cover

    programme = home.programme
    contact = next((c for c in programme.contacts if c.organisation == organisation), None)
    return Cover(
        programme=programme.title,
        organisation=programme.known_organisations[organisation].name,
        as_of=build.as_of,
        instruments=tuple(programme.instrument(name).title for name in programme.instruments),
        contact_name=contact.name if contact else None,
        contact_email=contact.email if contact else None,
        published=home.has_released(),
        simulated=home.holds_simulation(),
    )
