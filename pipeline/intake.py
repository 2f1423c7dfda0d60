"""One submission from bytes to rows that may be written: read, pseudonymise, judge, profile.

What belongs here: the order of those steps, in memory, so that no identifier is ever handed on.
What stays out: landing, the lake and Dagster (`assets/intake.py`).
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from pipeline.privacy.free_text import redacted, text_digest
from pipeline.privacy.people import people_of
from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.programme import Programme
from pipeline.quality.answers import as_lists
from pipeline.quality.comments import TEXTS
from pipeline.quality.judgement import FINDINGS, Waived, split
from pipeline.quality.profile import PROFILE, profile_of
from pipeline.quality.rules import Circumstances
from pipeline.reading import registers
from pipeline.reading.canonical import Block, read
from pipeline.reading.comments import Comments
from pipeline.reading.mapping import Mapping
from pipeline.vocabulary import Kind

_SHARED = {
    "row_number": pl.Int32(),
    "organisation": pl.String(),
    "home_force": pl.String(),
    "participant_id": pl.String(),
    "flags": pl.List(pl.String()),
}
ACCEPTED: dict[Kind, pl.Schema] = {
    Kind.QUESTIONNAIRE: pl.Schema(
        {
            **_SHARED,
            "wave": pl.String(),
            "instrument": pl.String(),
            "completed_on": pl.Date(),
            "duration_seconds": pl.Int32(),
            "arm": pl.String(),
            "gender": pl.String(),
            "items": pl.List(pl.UInt8()),
            "items_answered": pl.Int32(),
        }
    ),
    **{kind: pl.Schema({**_SHARED, **fields}) for kind, fields in registers.TYPES.items()},
}
"""Columns of accepted rows of each kind. None of them can hold an identifier."""

WAIVED = pl.Schema({**ACCEPTED[Kind.QUESTIONNAIRE], "needs_waiver": pl.List(pl.String())})
"""Columns of rows that count while waivers hold; only answers break rules that can be waived."""

WHOSE = pl.Schema({name: _SHARED[name] for name in ("participant_id", "organisation")})
"""The columns that say whose a row of any kind is, and who sent it."""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What one readable file became. No frame here holds an identifier."""

    rows_in_file: int
    rows_blank: int
    rows_read: int
    rows_withdrawn: int
    columns_left_out: tuple[str, ...]
    columns_unknown: int
    accepted: pl.DataFrame
    findings: pl.DataFrame
    profile: pl.DataFrame
    waived: pl.DataFrame | None = None
    """Quarantined rows that count while waivers hold (WAIVED); None where nothing was waived. The
    profile leaves them out: what contracts say of a file does not depend on waivers."""
    texts: pl.DataFrame | None = None
    """Redacted free text (TEXTS); None where the mapping names no column of it."""

    @property
    def rows_quarantined(self) -> int:
        return self.rows_read - self.rows_withdrawn - self.accepted.height


def take_in(
    content: bytes,
    mapping: Mapping,
    programme: Programme,
    pseudonymiser: Pseudonymiser,
    received_on: date,
    *,
    waived: Waived = (),
) -> TakenIn:
    """Take in one file; raises `reading.tabular.Unreadable` with one sentence.

    `waived` has the row numbers and rules that were waived for this file at any time.
    """
    reading = read(content, mapping, programme)
    accepted, findings, profiles = [], [FINDINGS.to_frame()], [PROFILE.to_frame()]
    let_in = []
    rows_read = rows_withdrawn = 0
    for block in reading.blocks:
        agreed = block.rows.filter(pl.col("consent"))
        withdrawn = block.rows.height - agreed.height
        pseudonymised = _pseudonymised(agreed, mapping, pseudonymiser)
        circumstances = Circumstances(programme, received_on, block.instrument)
        judged = split(pseudonymised, mapping.kind, circumstances, waived)
        accepted.append(_stored(judged.accepted, block, mapping, ACCEPTED[mapping.kind]))
        if not judged.waived.is_empty():
            let_in.append(_stored(judged.waived, block, mapping, WAIVED))
        findings.append(judged.findings)
        profiles.append(
            profile_of(
                block.instrument, block.rows.height, withdrawn, judged.accepted, judged.findings
            )
        )
        rows_read += block.rows.height
        rows_withdrawn += withdrawn
    every_accepted = pl.concat(accepted)
    return TakenIn(
        rows_in_file=reading.rows_in_file,
        rows_blank=reading.rows_blank,
        rows_read=rows_read,
        rows_withdrawn=rows_withdrawn,
        columns_left_out=reading.columns_left_out,
        columns_unknown=reading.columns_unknown,
        accepted=every_accepted,
        findings=pl.concat(findings),
        profile=pl.concat(profiles),
        waived=pl.concat(let_in) if let_in else None,
        texts=(
            _texts(reading.comments, mapping, pseudonymiser, every_accepted)
            if reading.comments is not None
            else None
        ),
    )


def _texts(
    comments: Comments, mapping: Mapping, pseudonymiser: Pseudonymiser, accepted: pl.DataFrame
) -> pl.DataFrame:
    """Texts of those who agreed, with everything covered that was found to identify somebody."""
    people = people_of(comments.people)
    agreed = comments.texts.filter("consent")
    texts = [redacted(text, people) for text in agreed["text"]]
    # A text of no one wave, as wide files have, stands with its whole row.
    rows = {*accepted.select("row_number", "wave").iter_rows()}
    whole_rows = {*accepted["row_number"]}
    sound = [
        (row, wave) in rows if wave is not None else row in whole_rows
        for row, wave in agreed.select("row_number", "wave").iter_rows()
    ]
    made = agreed.with_columns(
        pl.lit(mapping.organisation).alias("organisation"),
        pseudonymiser.participants(agreed).alias("participant_id"),
        pl.Series("text", texts, dtype=pl.String),
        pl.Series(
            "digest", [text_digest(text, pseudonymiser.keys[0]) for text in texts], dtype=pl.String
        ),
        ~pl.Series("quarantined", sound, dtype=pl.Boolean),
    )
    return made.select(pl.col(name).cast(dtype) for name, dtype in TEXTS.items()).filter(
        pl.col("text") != ""
    )


def _pseudonymised(
    rows: pl.DataFrame, mapping: Mapping, pseudonymiser: Pseudonymiser
) -> pl.DataFrame:
    named = rows.with_columns(pseudonymiser.participants(rows).alias("participant_id"))
    for label in ("session_group", "facilitator"):
        if label in rows.columns:
            named = named.with_columns(
                pseudonymiser.labels(rows, label, mapping.organisation).alias(label)
            )
    if mapping.kind == Kind.DEPARTURES:
        elsewhere = rows.select(
            pl.col("new_force").alias("home_force"), pl.col("new_number").alias("identifier")
        )
        named = named.with_columns(
            pseudonymiser.participants(elsewhere).alias("new_participant_id")
        ).drop("new_number")
    return named.drop("identifier", "consent")


def _stored(
    judged: pl.DataFrame, block: Block, mapping: Mapping, schema: pl.Schema
) -> pl.DataFrame:
    """Rows as the lake keeps them: answers as one list, nothing only rules needed."""
    rows = judged.with_columns(pl.lit(mapping.organisation).alias("organisation"))
    if block.instrument is not None:
        rows = rows.with_columns(as_lists(rows, block.instrument))
    return rows.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
