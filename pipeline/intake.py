"""One submission from bytes to rows that may be written: read, pseudonymise, judge, profile.

What belongs here: the order of those steps, in memory, so that no identifier is ever handed on.
What stays out: landing, the lake and Dagster (`assets/intake.py`).
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from pipeline.privacy.free_text import redacted, text_digest
from pipeline.privacy.linkage import CODES
from pipeline.privacy.people import people_of
from pipeline.privacy.pseudonyms import Pseudonymiser, heading_digest
from pipeline.privacy.withdrawals import is_one_of, without
from pipeline.programme import Programme
from pipeline.quality.answers import as_columns, as_lists
from pipeline.quality.comments import TEXTS
from pipeline.quality.judgement import FINDINGS, ROW, Waived, split
from pipeline.quality.profile import PROFILE, profile_of
from pipeline.quality.rules import Circumstances
from pipeline.reading import registers
from pipeline.reading.canonical import Block, read
from pipeline.reading.comments import Comments
from pipeline.reading.mapping import Mapping
from pipeline.reference import instruments
from pipeline.vocabulary import Kind, Severity

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

PSEUDONYMS = ("participant_id", "new_participant_id", "session_group", "facilitator", "code")
"""Columns of whatever is kept of a submission that hold pseudonyms, or lists of them. Rotating the
key carries these on, and refuses to go on where another column holds one."""

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
    codes: pl.DataFrame | None = None
    """Officers' codes, element by element as hashes (CODES), of every row that counts or may count
    by a waiver; None where officers are known by a number."""
    waived: pl.DataFrame | None = None
    """Quarantined rows that count while waivers hold (WAIVED); None where nothing was waived. The
    profile leaves them out: what contracts say of a file does not depend on waivers."""
    texts: pl.DataFrame | None = None
    """Redacted free text (TEXTS); None where the mapping names no column of it."""
    columns_beside: tuple[str, ...] | None = None
    """Keyed digests of headings, as `submissions.Record` has them."""

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
    kept_out: Collection[str] = (),
) -> TakenIn:
    """Take in one file; raises `reading.tabular.Unreadable` with one sentence.

    `waived` has the row numbers and rules that were waived for this file at any time; `kept_out`
    the pseudonyms whose rows count as withdrawn, like those without consent.
    """
    reading = read(content, mapping, programme)
    accepted, findings, profiles = [], [FINDINGS.to_frame()], [PROFILE.to_frame()]
    let_in, codes, whose = [], [], []
    rows_read = rows_withdrawn = 0
    for block in reading.blocks:
        agreed = block.rows.filter(pl.col("consent"))
        pseudonymised = without(_pseudonymised(agreed, mapping, pseudonymiser), kept_out)
        withdrawn = block.rows.height - pseudonymised.height
        circumstances = Circumstances(
            programme, received_on, block.instrument, coded=bool(mapping.code)
        )
        whose.append(pseudonymised.select("row_number", "participant_id"))
        judged = split(pseudonymised, mapping.kind, circumstances, waived)
        accepted.append(_stored(judged.accepted, block, mapping, ACCEPTED[mapping.kind]))
        if not judged.waived.is_empty():
            let_in.append(_stored(judged.waived, block, mapping, WAIVED))
        if mapping.code:
            codes.append(
                _codes(
                    pl.concat([judged.accepted, judged.waived.select(judged.accepted.columns)]),
                    mapping,
                )
            )
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
        columns_beside=tuple(
            sorted(heading_digest(name, pseudonymiser.keys[0]) for name in reading.headings_beside)
        ),
        accepted=every_accepted,
        findings=pl.concat(findings),
        profile=pl.concat(profiles),
        codes=pl.concat(codes).unique(maintain_order=True) if codes else None,
        waived=pl.concat(let_in) if let_in else None,
        texts=(
            _texts(
                reading.comments, mapping, pseudonymiser, pl.concat(whose).unique(), every_accepted
            )
            if reading.comments is not None
            else None
        ),
    )


def _texts(
    comments: Comments,
    mapping: Mapping,
    pseudonymiser: Pseudonymiser,
    whose: pl.DataFrame,
    accepted: pl.DataFrame,
) -> pl.DataFrame:
    """Texts with everything covered that was found to identify somebody.

    `whose` has row_number and participant_id of the rows that may be kept; a text of another row,
    of somebody who did not agree or who stopped collection, is left out.
    """
    people = people_of(comments.people)
    agreed = comments.texts.join(whose, on="row_number", maintain_order="left")
    # Many write the same few words.
    of_each = {text: redacted(text, people) for text in agreed["text"].unique()}
    texts = [of_each[text] for text in agreed["text"]]
    # A text of no one wave, as wide files have, stands with its whole row.
    rows = {*accepted.select("row_number", "wave").iter_rows()}
    whole_rows = {*accepted["row_number"]}
    sound = [
        (row, wave) in rows if wave is not None else row in whole_rows
        for row, wave in agreed.select("row_number", "wave").iter_rows()
    ]
    made = agreed.with_columns(
        pl.lit(mapping.organisation).alias("organisation"),
        pl.Series("text", texts, dtype=pl.String),
        pl.Series(
            "digest", [text_digest(text, pseudonymiser.keys[0]) for text in texts], dtype=pl.String
        ),
        ~pl.Series("quarantined", sound, dtype=pl.Boolean),
    )
    return made.select(pl.col(name).cast(dtype) for name, dtype in TEXTS.items()).filter(
        pl.col("text") != ""
    )


def erased_from(taken_in: TakenIn, names: Collection[str]) -> TakenIn:
    """What the same file would have become, had the rows of these pseudonyms been kept out.

    Rows of one officer say nothing about those of another until submissions are joined, so the
    file need not be there to be read again.
    """
    gone = _rows_by_instrument(taken_in, names)
    accepted = without(taken_in.accepted, names)
    findings = without(taken_in.findings, names)
    profiles = [PROFILE.to_frame()]
    for (instrument,), before in taken_in.profile.group_by("instrument", maintain_order=True):
        read, withdrawn = (
            before.filter(measure="rows", name=name)["n"].item() for name in ("read", "withdrawn")
        )
        answered, of_block = None, accepted
        if instrument is not None:
            answered = instruments()[str(instrument)]
            of_block = as_columns(accepted.filter(instrument=instrument), answered)
            found = findings.filter(instrument=instrument)
        else:
            found = findings
        withdrawn += gone.get(instrument, 0)
        profiles.append(profile_of(answered, read, withdrawn, of_block, found))
    return replace(
        taken_in,
        rows_withdrawn=taken_in.rows_withdrawn + sum(gone.values()),
        accepted=accepted,
        findings=findings,
        profile=pl.concat(profiles),
        waived=None if taken_in.waived is None else without(taken_in.waived, names),
        codes=None if taken_in.codes is None else without(taken_in.codes, names),
        texts=None if taken_in.texts is None else without(taken_in.texts, names),
    )


def _rows_by_instrument(taken_in: TakenIn, names: Collection[str]) -> dict[object, int]:
    """How many rows of these pseudonyms were accepted or quarantined; registers have no
    instrument.
    """
    rejected = taken_in.findings.filter(
        is_one_of(names) & (pl.col("severity") == Severity.REJECT.value)
    ).unique(ROW)
    accepted = taken_in.accepted.filter(is_one_of(names))
    if "instrument" not in accepted.columns:
        accepted = accepted.with_columns(pl.lit(None, pl.String).alias("instrument"))
    both = pl.concat([rejected["instrument"], accepted["instrument"]])
    return dict(both.value_counts().iter_rows())


def rows_of(
    content: bytes,
    mapping: Mapping,
    programme: Programme,
    pseudonymiser: Pseudonymiser,
    names: Collection[str],
) -> list[int]:
    """Numbers of the rows of a file that are of these pseudonyms or mention one, consent or not.

    Raises `reading.tabular.Unreadable` with one sentence.
    """
    found: set[int] = set()
    for block in read(content, mapping, programme).blocks:
        rows = _pseudonymised(block.rows, mapping, pseudonymiser)
        concerned = [n for n in ("participant_id", "new_participant_id") if n in rows.columns]
        found.update(
            rows.filter(pl.any_horizontal(is_one_of(names, n) for n in concerned))["row_number"]
        )
    return sorted(found)


def _pseudonymised(
    rows: pl.DataFrame, mapping: Mapping, pseudonymiser: Pseudonymiser
) -> pl.DataFrame:
    named = (
        _coded(rows, mapping, pseudonymiser)
        if mapping.code
        else rows.drop("code").with_columns(
            pseudonymiser.participants(rows).alias("participant_id")
        )
    )
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


def _occasion(kind: Kind) -> pl.Expr:
    """When an officer gives their code once: two codes of one occasion are of two officers."""
    match kind:
        case Kind.QUESTIONNAIRE:
            return pl.format("{} {}", pl.col("wave").fill_null("?"), "instrument")
        case Kind.ATTENDANCE:
            return pl.format("session {}", pl.col("session_number").fill_null(0))
        case _:
            return pl.lit(kind.value)


def _coded(rows: pl.DataFrame, mapping: Mapping, pseudonymiser: Pseudonymiser) -> pl.DataFrame:
    named = rows.with_columns(_occasion(mapping.kind).alias("occasion"))
    whole, hashes = pseudonymiser.coded(named, [*mapping.elements])
    return named.with_columns(whole, hashes)


_DAY_OF = {
    Kind.QUESTIONNAIRE: "completed_on",
    Kind.ROSTER: "enrolled_on",
    Kind.ATTENDANCE: "held_on",
}


def _codes(rows: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Codes of judged rows as they are compared (CODES)."""
    known = {
        "elements": pl.lit([*mapping.elements], pl.List(pl.String)),
        "day": pl.col(_DAY_OF[mapping.kind]),
        "wave": pl.col("wave") if "wave" in rows.columns else pl.lit(None),
        "organisation": pl.lit(mapping.organisation),
    }
    return rows.select(
        (known.get(name, pl.col(name) if name in rows.columns else pl.lit(None)))
        .cast(dtype)
        .alias(name)
        for name, dtype in CODES.items()
    )


def _stored(
    judged: pl.DataFrame, block: Block, mapping: Mapping, schema: pl.Schema
) -> pl.DataFrame:
    """Rows as the lake keeps them: answers as one list, nothing only rules needed."""
    rows = judged.with_columns(pl.lit(mapping.organisation).alias("organisation"))
    if block.instrument is not None:
        rows = rows.with_columns(as_lists(rows, block.instrument))
    return rows.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
