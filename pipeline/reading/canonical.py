"""A file's bytes and its mapping -> canonical rows, still with identifiers, in memory only.

What belongs here: which columns the mapping allows, whose row it is, whether it counts as consent.
What stays out: the fields of each kind (`questionnaires.py`, `registers.py`) and judging rows
(`pipeline/quality`): a cell that cannot be parsed is marked, and the rule that names it decides.

Canonical rows of every kind have `row_number`, `identifier`, `home_force`, `consent`, `is_test`
and `unrecognised` (the fields whose cell held something that could not be understood, `participant`
for a number that lost its digits, and NOBODYS_ROW).
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

import polars as pl
import polars.selectors as cs

from pipeline.programme import Programme
from pipeline.reading import (
    days,
    jisc,
    limesurvey,
    microsoft_forms,
    plain,
    qualtrics,
    questionnaires,
    redcap,
    registers,
    spss,
    surveymonkey,
)
from pipeline.reading.cells import LOST_DIGITS, NOBODYS_ROW, folded, tidy, translated
from pipeline.reading.fields import ours
from pipeline.reading.mapping import ROSTER_FIELDS, ColumnValues, Mapping
from pipeline.reading.table import Use
from pipeline.reading.tabular import Unreadable, read_records
from pipeline.reference import Instrument
from pipeline.vocabulary import Kind, OrganisationKind, Platform

READERS = {
    Platform.CSV: plain.read,
    Platform.QUALTRICS: qualtrics.read,
    Platform.MICROSOFT_FORMS: microsoft_forms.read,
    Platform.GOOGLE_FORMS: plain.read_google_forms,
    Platform.SMARTSURVEY: plain.read_smartsurvey,
    Platform.SURVEYMONKEY: surveymonkey.read,
    Platform.JISC: jisc.read,
    Platform.REDCAP: redcap.read,
    Platform.LIMESURVEY: limesurvey.read,
    Platform.SPSS: spss.read,
}


_SUMS = (
    *("total", "totals", "sum", "grand total", "subtotal", "sub-total", "sub total"),
    *("average", "mean", "count"),
)
"""What spreadsheets and clerks call a row that sums up others, where a number would stand."""

_DAYS = frozenset({"completed_on", "enrolled_on", "held_on", "departed_on"})


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that share their columns: the answers to one instrument, or the rows of a register."""

    instrument: Instrument | None
    rows: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file holds."""

    rows_in_file: int
    rows_blank: int
    """Rows that hold nothing; of a file with several rows a record, nothing that the mapping names.
    """
    blocks: tuple[Block, ...]
    columns_left_out: tuple[str, ...]
    """Identifying columns that the platform is known to write and the mapping does not name."""
    columns_unknown: int


def read(content: bytes, mapping: Mapping, programme: Programme) -> Reading:
    """Canonical rows of an export; raises Unreadable with one sentence."""
    records = read_records(content, programme.limits, mapping.sheet)
    table = READERS[mapping.platform](records)
    wanted = _wanted_columns(mapping, programme)
    present = table.names
    absent = [column for column in wanted if column not in present]
    if absent:
        # The file's own headings are not listed: a file without headings has people there.
        more = f" and {len(absent) - 1} more that the mapping names" if len(absent) > 1 else ""
        raise Unreadable(
            f"the file has no column `{absent[0]}`{more}; send the usual export, or correct "
            f"the mapping of source {mapping.source}"
        )
    body = table.body(_plain_numbers(mapping, programme))
    found = table.rows(wanted, body, _use(mapping, programme))
    rows = _with_identity(_blank_as_null(found, mapping, programme), mapping, programme)
    if rows.is_empty() and table.gathered and not body.is_empty():
        raise Unreadable(
            "no row of the file holds anything that the mapping names; ask for an export with the "
            f"questionnaire in it, or correct the mapping of source {mapping.source}"
        )
    if rows.is_empty():
        raise Unreadable("the file has headings but no rows; ask for the export again")
    rows = days.settled(rows, _day_columns(mapping), mapping.date_format)
    blocks = (
        questionnaires.blocks(rows, mapping, programme)
        if mapping.kind == Kind.QUESTIONNAIRE
        else [(None, registers.rows_of(rows, mapping, programme))]
    )
    unknown = [
        column
        for column in table.unknown(set(wanted))
        if not any(fnmatchcase(column, pattern) for pattern in mapping.leave_out)
        and not table.is_empty(column, body)
    ]
    return Reading(
        rows_in_file=body.height,
        rows_blank=body.height - rows.height,
        blocks=tuple(Block(instrument, frame) for instrument, frame in blocks),
        columns_left_out=tuple(table.left_out(set(wanted))),
        columns_unknown=len(unknown),
    )


def _wanted_columns(mapping: Mapping, programme: Programme) -> list[str]:
    wanted = [*_identity_columns(mapping), *questionnaires.columns(mapping, programme)]
    return list(dict.fromkeys(wanted))


def _identity_columns(mapping: Mapping) -> list[str]:
    named = [mapping.participant]
    if isinstance(mapping.home_force, ColumnValues):
        named.append(mapping.home_force.column)
    if mapping.consent:
        named.append(mapping.consent.column)
    return named


def _use(mapping: Mapping, programme: Programme) -> Use:
    personal = [column for name, column in mapping.columns.items() if name in ROSTER_FIELDS]
    return Use(
        personal=frozenset([*_identity_columns(mapping), *personal]),
        coded=frozenset(questionnaires.numeric_columns(mapping, programme)),
        enrols=mapping.kind == Kind.ROSTER,
    )


def _day_columns(mapping: Mapping) -> list[str]:
    suffixes = mapping.wave.suffixes if mapping.wave and mapping.wave.suffixes else ("",)
    patterns = [column for name, column in mapping.columns.items() if name in _DAYS]
    return [pattern.replace("{wave}", suffix) for suffix in suffixes for pattern in patterns]


def _plain_numbers(mapping: Mapping, programme: Programme) -> set[str]:
    """Columns that may be parsed to numbers at once: nothing but answers in numbers.

    A code for missing answers that is a number itself is told from them as text.
    """
    if any(code.strip().lstrip("+-").isdigit() for code in mapping.missing):
        return set()
    return questionnaires.numeric_columns(mapping, programme) - {*_identity_columns(mapping)}


def _blank_as_null(rows: pl.DataFrame, mapping: Mapping, programme: Programme) -> pl.DataFrame:
    # Answers in words are looked at as texts once each, and not cell by cell (`cells.answers`).
    labelled = questionnaires.labelled_columns(mapping, programme) - {*_identity_columns(mapping)}
    text = cs.string() - cs.by_name(labelled, require_all=False)
    stripped = text.as_expr().str.strip_chars()
    return rows.with_columns(pl.when(~stripped.is_in(sorted(mapping.missing_codes))).then(stripped))


def _with_identity(rows: pl.DataFrame, mapping: Mapping, programme: Programme) -> pl.DataFrame:
    consent = pl.lit(True)
    if mapping.consent:
        agreed = [tidy(spelling) for spelling in mapping.consent.agreed]
        consent = folded(mapping.consent.column).is_in(agreed).fill_null(False)
    identifier, mark = pl.col(mapping.participant), pl.lit(None, pl.String)
    nobody = "|".join(re.escape(word) for word in (*_SUMS, mapping.participant))
    # Hardly a file has such a row, so one look at the column comes first.
    lost, sums = f"(?i){LOST_DIGITS}", rf"(?i)^(?:{nobody})\s*:?$"
    if rows[mapping.participant].str.contains(f"{lost}|{sums}").any():
        mark = (
            pl.when(identifier.str.contains(lost))
            .then(pl.lit("participant"))
            .when(identifier.str.contains(sums))
            .then(pl.lit(NOBODYS_ROW))
        )
    if mapping.consent:
        # Sums never agreed to anything; they are told apart from people who did not.
        consent |= (mark == NOBODYS_ROW).fill_null(False)
    # Neither is anybody's number, so neither may be hashed as one.
    return rows.with_columns(
        pl.when(mark.is_null()).then(identifier).alias(ours("identifier")),
        mark.alias(ours("unrecognised")),
        _home_force(mapping, programme).alias(ours("home_force")),
        consent.alias(ours("consent")),
    )


def _home_force(mapping: Mapping, programme: Programme) -> pl.Expr:
    if not isinstance(mapping.home_force, ColumnValues):
        return pl.lit(mapping.home_force or mapping.organisation)
    spellings = {
        tidy(spelling): name
        for name, organisation in programme.known_organisations.items()
        if organisation.kind != OrganisationKind.VIOLENCE_REDUCTION_UNIT
        for spelling in (name, organisation.name)
    }
    given = mapping.home_force.values
    spellings |= {tidy(spelling): name for spelling, name in given.items()}
    return translated(mapping.home_force.column, spellings)
