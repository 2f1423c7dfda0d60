"""The `muster review docs` command: contracts and what they found, as web pages.

What stays out: what the pages say (`checks/pages.py`). Made on demand, so that no run waits for it.
"""

import typer

from pipeline.commands.console import DEFAULT_HOME, HomeOption
from pipeline.commands.review import snapshot_of


def docs(home: HomeOption = DEFAULT_HOME) -> None:
    """Write the contracts, your limits and the latest results as web pages into contracts/.

    They hold counts and shares of whole files, load nothing from anywhere, and replace those that
    were written before.
    """
    from checks.pages import pages
    from pipeline import tables
    from pipeline.storage.contract_pages import write_pages

    snapshot = snapshot_of(home)
    folder = snapshot.home.contract_pages
    made = pages(
        snapshot.home.programme.thresholds,
        snapshot.table(tables.CHECKS),
        snapshot.table(tables.SUBMISSIONS),
    )
    write_pages(folder, made)
    typer.echo(f"Wrote {len(made)} pages; open {folder / 'index.html'}.")
