"""Free texts and what stewards judged of them: which wait, which are approved, what is published.

What belongs here: judgements as values, which text each is about, and the tables made of both. What
stays out: covering what identifies (`pipeline/privacy/free_text.py`), and what a steward may do and
how it is asked (`pipeline/review_comments.py`).

A judgement is about one text of one officer, wave and question, and knows it by its digest. The
same text in the newer file of a cumulative source is the same text. One that reads otherwise, be it
because the officer wrote on or because more of it is covered now, waits again.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import polars as pl

from pipeline import tables
from pipeline.entries import Entry
from pipeline.privacy.free_text import with_covered
from pipeline.privacy.people import Span
from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.quality.transfers import under_one_name
from pipeline.vocabulary import CommentState, Covered, EntryKind, Severity

TEXTS: Final = pl.Schema(
    {
        "row_number": pl.Int32(),
        "organisation": pl.String(),
        "participant_id": pl.String(),
        "wave": pl.String(),
        "completed_on": pl.Date(),
        "question": pl.String(),
        "text": pl.String(),
        "digest": pl.String(),
        "quarantined": pl.Boolean(),
    }
)
"""Redacted free text of one submission. `digest` knows the redacted text again. `quarantined`:
nothing that the row says of the wave was accepted."""

STANDING_TEXTS: Final = pl.Schema(
    {"comment_id": pl.String(), "submission_id": pl.String(), **TEXTS, "known_as": pl.String()}
)
"""Texts of all submissions that count, each once. `known_as` is the pseudonym by the file's own
number, `participant_id` the one that a transferred officer keeps."""

JUDGED: Final = (EntryKind.TEXT_JUDGED,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a steward judged of one text, under the newest key."""

    comment_id: str
    judged_at: datetime
    steward: str
    reason: str
    approved: bool
    themes: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    """What the steward covered: letters of the redacted text, from one up to another."""

    @property
    def state(self) -> CommentState:
        return CommentState.APPROVED if self.approved else CommentState.REJECTED


def comment_id(
    known_as: str | None,
    wave: str | None,
    question: str,
    digest: str,
    *,
    submission_id: str,
    row_number: int,
) -> str:
    """The same for the same text of the same officer, whichever file it comes with.

    Where a row names nobody, its place stands for the officer.
    """
    whose = known_as or f"{submission_id} row {row_number}"
    key = "\n".join([whose, wave or "", question, digest])
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def standing_texts(
    texts: pl.DataFrame, standing_findings: pl.DataFrame, aliases: pl.DataFrame
) -> pl.DataFrame:
    """Texts of all submissions that count, each once (STANDING_TEXTS).

    Args:
        texts: TEXTS with submission_id, in the order of arrival; of one text in two files the
            newer is kept.
        standing_findings: what rules across submissions found: they mark texts, too.
        aliases: `tables.PARTICIPANT_ALIAS`.

    """
    rejected = standing_findings.filter(pl.col("severity") == Severity.REJECT)
    place = ["submission_id", "row_number"]
    of_waves = {*rejected.select(*place, "wave").iter_rows()}
    of_rows = {*rejected.select(place).iter_rows()}
    marked, ids = [], []
    for row in texts.iter_rows(named=True):
        where = (row["submission_id"], row["row_number"])
        wave = row["wave"]
        found = where in of_rows if wave is None else (*where, wave) in of_waves
        marked.append(row["quarantined"] or found)
        ids.append(
            comment_id(
                row["participant_id"],
                wave,
                row["question"],
                row["digest"],
                submission_id=where[0],
                row_number=where[1],
            )
        )
    every = texts.with_columns(
        pl.Series("quarantined", marked, dtype=pl.Boolean),
        pl.Series("comment_id", ids, dtype=pl.String),
        known_as="participant_id",
    )
    once = every.unique("comment_id", keep="last", maintain_order=True)
    return under_one_name(once, aliases).select(
        pl.col(name).cast(dtype) for name, dtype in STANDING_TEXTS.items()
    )


def judgements_of(entries: Iterable[Entry], pseudonymiser: Pseudonymiser) -> dict[str, Judgement]:
    """The newest judgement on each text, by comment_id; other entries are left aside."""
    judged = [entry for entry in entries if entry.kind in JUDGED]
    whose = pl.Series([entry.body["participant_id"] for entry in judged], dtype=pl.String)
    newest: dict[str, Judgement] = {}
    for entry, known_as in zip(judged, pseudonymiser.carried_on(whose), strict=True):
        body = entry.body
        about = comment_id(
            known_as,
            body["wave"],
            body["question"],
            body["digest"],
            submission_id=body["submission_id"],
            row_number=body["row_number"],
        )
        newest[about] = Judgement(
            comment_id=about,
            judged_at=entry.entered_at,
            steward=entry.steward,
            reason=entry.reason,
            approved=body["approved"],
            themes=tuple(body["themes"]),
            spans=tuple((start, end) for start, end in body["spans"]),
        )
    return newest


def with_states(texts: pl.DataFrame, judgements: Mapping[str, Judgement]) -> pl.DataFrame:
    """Texts with `state` (CommentState)."""
    states = [
        judgements[text].state.value if text in judgements else CommentState.WAITING.value
        for text in texts["comment_id"]
    ]
    return texts.with_columns(pl.Series("state", states, dtype=pl.String))


def written_by(texts: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Texts that exist on a day; those of rows without a day of completion always do."""
    return texts.filter((pl.col("completed_on") <= as_of).fill_null(True))


def comments(texts: pl.DataFrame, judgements: Mapping[str, Judgement]) -> pl.DataFrame:
    """`core.comments`: approved texts, with everything covered that stewards marked."""
    rows = []
    for row in texts.iter_rows(named=True):
        judged = judgements.get(row["comment_id"])
        if judged is not None and judged.approved:
            rows.append(
                {
                    **{name: row[name] for name in _PUBLISHED},
                    "text": covered(row["text"], judged.spans),
                    "themes": list(judged.themes),
                    "approved_by": judged.steward,
                    "approved_on": judged.judged_at.date(),
                }
            )
    return tables.COMMENTS.conform(pl.DataFrame(rows, schema=tables.COMMENTS.frame_schema))


_PUBLISHED = ("comment_id", "participant_id", "organisation", "wave", "question")


def covered(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """A text with what a steward marked replaced."""
    return with_covered(text, (Span(start, end, Covered.STEWARD) for start, end in spans))


def comment_counts(texts: pl.DataFrame, judgements: Mapping[str, Judgement]) -> pl.DataFrame:
    """`quality.comment_counts`: texts by organisation and state."""
    counted = (
        with_states(texts, judgements)
        .group_by("organisation", "state")
        .agg(pl.len().alias("texts"), pl.col("quarantined").sum())
    )
    return tables.COMMENT_COUNTS.conform(counted)
