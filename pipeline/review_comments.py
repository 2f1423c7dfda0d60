"""What a steward may do with free texts, and the sentences for what may not be done.

What belongs here: finding a text, numbering its words, and turning what a steward says into an
entry of the audit trail, which never holds a word of the text. What stays out: what a judgement
does (`pipeline/quality/comments.py`), and how texts are shown (`pipeline/commands/`).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import polars as pl

from pipeline.entries import Act
from pipeline.quality.comments import covered
from pipeline.review import NotPossible, one_line
from pipeline.vocabulary import CommentState, EntryKind
from pipeline.written import meant

_SHORTEST_NAME: Final = 4
_WORD: Final = re.compile(r"\S+")
_PLACES: Final = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Counted:
    """Texts of one organisation in one state."""

    organisation: str
    state: str
    texts: int
    quarantined: int


class NumberedWord(NamedTuple):
    number: int
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One free text as a steward sees it. `row` is what an entry says of it."""

    comment_id: str
    organisation: str
    question: str
    wave: str | None
    quarantined: bool
    state: str
    text: str
    row: dict[str, Any]

    @property
    def words(self) -> list[NumberedWord]:
        found = _WORD.findall(self.text)
        return [NumberedWord(number, word) for number, word in enumerate(found, start=1)]

    def covering(self, spans: Iterable[tuple[int, int]]) -> str:
        return covered(self.text, spans)


def counted(texts: pl.DataFrame) -> list[Counted]:
    """Texts by organisation and state; `texts` has STANDING_TEXTS and `state`."""
    rows = texts.group_by("organisation", "state").agg(
        pl.len().alias("texts"), pl.col("quarantined").sum()
    )
    return [Counted(*row) for row in rows.sort("organisation", "state").iter_rows()]


def find_text(given: str, texts: pl.DataFrame) -> Text:
    """The one text whose comment_id begins as given; else NotPossible."""
    found = texts.filter(pl.col("comment_id").str.starts_with(given))
    if len(given) < _SHORTEST_NAME or found.is_empty():
        raise NotPossible(
            "No text is called that; `muster review comments next` shows one that waits, with its "
            "name. A text that was read again since may have another."
        )
    if found.height > 1:
        raise NotPossible(f"{found.height} texts begin like that; give more of the name.")
    return _text(found.row(0, named=True))


def next_waiting(texts: pl.DataFrame, organisation: str | None) -> Text | None:
    """The text that has waited longest, of one organisation if one is given; None if none waits."""
    waiting = texts.filter(pl.col("state") == CommentState.WAITING)
    if organisation is not None:
        known = sorted(texts["organisation"].unique())
        if organisation not in known:
            raise NotPossible(
                f"No organisation of that name sent texts; {meant(organisation, known)}."
            )
        waiting = waiting.filter(pl.col("organisation") == organisation)
    return None if waiting.is_empty() else _text(waiting.row(0, named=True))


def _text(row: dict[str, Any]) -> Text:
    shown = {name: row[name] for name in _SHOWN}
    about = {name: row[name] for name in _ABOUT}
    return Text(**shown, row={**about, "participant_id": row["known_as"]})


_SHOWN = ("comment_id", "organisation", "question", "wave", "quarantined", "state", "text")
_ABOUT = ("submission_id", "row_number", "wave", "question", "digest")


def themes_of(said: str | None, known: Sequence[str]) -> tuple[str, ...]:
    """The themes of a list such as `workload,groups`; else NotPossible."""
    themes = tuple(
        dict.fromkeys(theme.strip() for theme in (said or "").split(",") if theme.strip())
    )
    for theme in themes:
        if not known:
            raise NotPossible(
                "The programme has no themes; list them under `themes` in programme.yaml, or leave "
                "--themes out."
            )
        if theme not in known:
            raise NotPossible(f"That is no theme of the programme; {meant(theme, known)}.")
    return themes


def spans_of(said: str, text: Text) -> tuple[tuple[int, int], ...]:
    """Where the words with these numbers stand (`3,7-9`), those in a row as one; else NotPossible.

    Numbers, since words typed into a command would stay in the shell's history.
    """
    chosen: set[int] = set()
    for part in said.split(","):
        places = _PLACES.fullmatch(part.strip())
        if places is None:
            raise NotPossible("Give the numbers of words as they are shown, as in 3,7-9.")
        first, last = int(places[1]), int(places[2] or places[1])
        if not 1 <= first <= last <= len(text.words):
            raise NotPossible(f"The text has the words 1 to {len(text.words)}.")
        chosen |= {*range(first, last + 1)}
    spans: list[tuple[int, int]] = []
    before = 0
    for number, match in enumerate(_WORD.finditer(text.text), start=1):
        if number in chosen:
            start = spans.pop()[0] if spans and before == number - 1 else match.start()
            spans.append((start, match.end()))
            before = number
    return tuple(spans)


def judgement(
    text: Text,
    *,
    approved: bool,
    steward: str,
    reason: str = "",
    themes: Sequence[str] = (),
    spans: Sequence[tuple[int, int]] = (),
) -> Act:
    """What is put on record when a steward judges a text; else NotPossible."""
    who, why = one_line(steward), one_line(reason)
    if not who:
        raise NotPossible("Say who decides with --steward or in MUSTER_STEWARD.")
    if not approved and not why:
        raise NotPossible("Say why with --reason, without a word of the text.")
    body = {
        **text.row,
        "approved": approved,
        "themes": list(themes),
        "spans": [list(span) for span in spans],
    }
    return Act(kind=EntryKind.TEXT_JUDGED, steward=who, reason=why, body=body)
