"""`muster review links`: codes that may be one officer's, and recording what a steward says.

What stays out: what may be said and what it does (`pipeline/review_links.py`, `pipeline/privacy/`).
These commands change nothing but stewardship.sqlite; the next run works out what follows.
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.console import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    opened,
    steward_name,
    stop,
)
from pipeline.commands.review import ReasonOption, StewardOption
from pipeline.vocabulary import LinkJudgement, LinkStatus

if TYPE_CHECKING:
    import polars as pl

    from pipeline.storage.home import Home

links = typer.Typer(
    name="links",
    help="""See which self-generated codes may be one officer's, and decide.

    Codes that differ in one element are linked where nothing speaks against it; all others wait
    for you, and count as two officers until you link them. Nobody sees the codes themselves.""",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

PairArgument = Annotated[
    str,
    typer.Argument(
        metavar="PAIR", help="Its name in the list, or as much as tells it from others."
    ),
]


@links.command("list")
def list_links(
    home: HomeOption = DEFAULT_HOME,
    every: Annotated[
        bool, typer.Option("--all", help="Those too that are linked or judged already.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say which pairs of codes wait for a decision, and why they are not linked."""
    from pipeline.review_links import code_pairs, unheard_of
    from pipeline.vocabulary import EntryKind

    here = opened(home)
    waiting = {LinkStatus.OPEN, LinkStatus.CONTRADICTED}
    found = code_pairs(_review(here), {*LinkStatus} if every else waiting)
    unheard = unheard_of(here.stewardship.entries(EntryKind.LINK_JUDGED), _heard(here))
    if as_json:
        document = {
            "pairs": [asdict(pair) for pair in found],
            "judgements_for_the_next_run": len(unheard),
        }
        typer.echo(json.dumps(document, indent=2))
        return
    if not found:
        typer.echo("No pair of codes waits for a steward.")
    for pair in found:
        typer.echo(f"{pair.pair}  ({pair.home_force}) {pair.sentence}")
    if unheard:
        typer.echo(f"{len(unheard)} decisions on links wait for the next `muster run`.")


@links.command("link")
def link_codes(
    pair: PairArgument,
    reason: ReasonOption,
    home: HomeOption = DEFAULT_HOME,
    steward: StewardOption = None,
) -> None:
    """Take two codes for one officer's, from the next run on."""
    _judge(home, pair, LinkJudgement.LINK, reason, steward)


@links.command("part")
def part_codes(
    pair: PairArgument,
    reason: ReasonOption,
    home: HomeOption = DEFAULT_HOME,
    steward: StewardOption = None,
) -> None:
    """Take two codes for two officers', from the next run on."""
    _judge(home, pair, LinkJudgement.PART, reason, steward)


def _judge(home: Path, given: str, says: LinkJudgement, reason: str, steward: str | None) -> None:
    from pipeline.privacy.linkage import judgements
    from pipeline.review import NotPossible
    from pipeline.review_links import find_pair, judge
    from pipeline.vocabulary import EntryKind

    here = opened(home)
    entries = here.stewardship.entries(EntryKind.LINK_JUDGED)
    try:
        found = find_pair(given, _review(here))
        act = judge(
            found,
            says,
            steward=steward_name(steward),
            reason=reason,
            before=judgements(entries, here.pseudonymiser().carried_on),
        )
    except NotPossible as problem:
        stop(str(problem))
    here.stewardship.enter([act], datetime.now(UTC))
    done = {LinkJudgement.LINK: "Linked", LinkJudgement.PART: "Parted"}[says]
    typer.echo(f"{done}: {found.pair}. It waits for the next `muster run`.")


def _heard(home: "Home") -> set[int]:
    """Entries that the last run's tables were made with; none where there are no such tables."""
    try:
        return {*home.stages.read("link_judgements")["entry"]}
    except LookupError:
        return set()


def _review(home: "Home") -> "pl.DataFrame":
    from pipeline import tables
    from pipeline.storage.warehouse import must_have_build, read_table

    _ = home.programme
    must_have_build(home.warehouse)
    return read_table(home.warehouse, tables.LINK_REVIEW)
