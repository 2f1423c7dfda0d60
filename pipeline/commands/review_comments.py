"""The `muster review comments` commands: reading free texts, one at a time, and judging them.

What stays out: what may be judged (`pipeline/review_comments.py`) and what it does
(`pipeline/quality/comments.py`). They change nothing but stewardship.sqlite.
"""

import json
import sys
from dataclasses import asdict, dataclass
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
from pipeline.commands.review import StewardOption, carried_out

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from pipeline.entries import Act
    from pipeline.review_comments import Text
    from pipeline.storage.home import Home

comments = typer.Typer(
    name="comments",
    help="""Read free texts and approve them, one at a time.

    Only columns that a mapping names under `comments` are taken in, with names and numbers covered.
    A text is in core.comments once a steward has approved it, with the next `muster run`. What is
    not covered is for you to see: docs/comments.md.""",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

TextArgument = Annotated[
    str,
    typer.Argument(metavar="TEXT", help="Its name, or as much of the beginning as is its own."),
]
ThemesOption = Annotated[
    str | None,
    typer.Option("--themes", help="Themes of programme.yaml, with commas between."),
]
_NEXT = "It waits for the next `muster run`."


@comments.command("list")
def list_comments(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Count the texts of each organisation that wait, are approved or are rejected."""
    from pipeline.review_comments import counted

    found = counted(_desk(home).texts)
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found], indent=2))
        return
    if not found:
        typer.echo("There are no free texts: no mapping names any, or none was written.")
    for each in found:
        marked = f", {each.quarantined:,} of rows in quarantine" if each.quarantined else ""
        typer.echo(f"{each.organisation}: {each.texts:,} {each.state}{marked}")


@comments.command("next")
def show_next(
    home: HomeOption = DEFAULT_HOME,
    organisation: Annotated[
        str | None, typer.Option("--organisation", help="Texts of one organisation only.")
    ] = None,
) -> None:
    """Show the text that has waited longest."""
    from pipeline.review_comments import next_waiting

    _must_be_a_terminal()
    desk = _desk(home)
    text = carried_out(lambda: next_waiting(desk.texts, organisation))
    if text is None:
        typer.echo("No text waits to be read.")
        return
    _show(text)


@comments.command("show")
def show_text(text: TextArgument, home: HomeOption = DEFAULT_HOME) -> None:
    """Show one text, whatever was judged of it."""
    _must_be_a_terminal()
    _show(_desk(home).text(text))


@comments.command("approve")
def approve_text(
    text: TextArgument,
    home: HomeOption = DEFAULT_HOME,
    themes: ThemesOption = None,
    steward: StewardOption = None,
) -> None:
    """Let a text into core.comments as it is shown."""
    _judged(home, text, lambda desk, found: desk.approval(found, themes, None, steward))
    typer.echo(f"Approved. {_NEXT}")


@comments.command("redact")
def redact_text(
    text: TextArgument,
    words: Annotated[
        str, typer.Option("--words", help="Numbers of words to cover, as shown: 3,7-9.")
    ],
    home: HomeOption = DEFAULT_HOME,
    themes: ThemesOption = None,
    steward: StewardOption = None,
) -> None:
    """Let a text into core.comments with more of its words covered."""
    _judged(home, text, lambda desk, found: desk.approval(found, themes, words, steward))
    typer.echo(f"Approved with these words covered. {_NEXT}")


@comments.command("reject")
def reject_text(
    text: TextArgument,
    reason: Annotated[
        str, typer.Option("--reason", help="Why, without any word of the text or a name.")
    ],
    home: HomeOption = DEFAULT_HOME,
    steward: StewardOption = None,
) -> None:
    """Keep a text out of core.comments for good, unless it is approved later."""
    from pipeline.review_comments import judgement

    _judged(
        home,
        text,
        lambda _, found: judgement(
            found, approved=False, steward=steward_name(steward), reason=reason
        ),
    )
    typer.echo(f"Rejected. {_NEXT}")


@dataclass(frozen=True)
class _Desk:
    """A home and the texts that its last run left, with what was judged of them by now."""

    home: "Home"
    texts: "pl.DataFrame"

    def text(self, given: str) -> "Text":
        from pipeline.review_comments import find_text

        return carried_out(lambda: find_text(given, self.texts))

    def approval(
        self, text: "Text", themes: str | None, words: str | None, steward: str | None
    ) -> "Act":
        from pipeline.review_comments import judgement, spans_of, themes_of

        return judgement(
            text,
            approved=True,
            steward=steward_name(steward),
            themes=themes_of(themes, self.home.programme.themes),
            spans=spans_of(words, text) if words is not None else (),
        )


def _desk(home: Path) -> _Desk:
    from pipeline.quality.comments import JUDGED, judgements_of, with_states

    here = opened(home)
    _ = here.programme
    try:
        texts = here.stages.read("texts")
    except LookupError:
        stop("No run has looked for free texts yet; `muster run` does.")
    # Of one who was erased, from that moment on, though the table may not have been removed yet.
    acts = here.withdrawals()
    texts = texts.filter(~acts.is_erased(), ~acts.is_erased("known_as"))
    judgements = judgements_of(here.stewardship.entries(*JUDGED), here.pseudonymiser())
    return _Desk(here, with_states(texts, judgements))


def _judged(home: Path, given: str, judge: "Callable[[_Desk, Text], Act]") -> None:
    """Put on record what is judged of a text, or end in the sentence that says why not."""
    desk = _desk(home)
    found = desk.text(given)
    act = carried_out(lambda: judge(desk, found))
    desk.home.stewardship.enter([act], datetime.now(UTC))


def _must_be_a_terminal() -> None:
    if not sys.stdout.isatty():
        stop("Texts are shown on a terminal only, so that none of them is left in a file.")


def _show(text: "Text") -> None:
    where = ", ".join(word for word in (text.organisation, text.wave, text.question) if word)
    typer.echo(f"{text.comment_id}  ({where}; {text.state})")
    if text.quarantined:
        typer.echo("Its row is in quarantine.")
    typer.echo(f"\n{text.text}\n")
    typer.echo(" ".join(f"{number}:{word}" for number, word in text.words))
    name = text.comment_id[:8]
    typer.echo(
        f"\nmuster review comments approve {name}\n"
        f"muster review comments redact {name} --words 3,7-9\n"
        f'muster review comments reject {name} --reason "…"'
    )
