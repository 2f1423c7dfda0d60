"""A file's bytes and its mapping -> canonical rows, still with identifiers, in memory only.

What belongs here: which columns the mapping allows, whose row it is, whether it counts as consent.
What stays out: the fields of each kind (`questionnaires.py`, `registers.py`) and judging rows
(`pipeline/quality`): a cell that cannot be parsed is marked, and the rule that names it decides.

Canonical rows of every kind have `row_number`, `identifier` or `code`, `home_force`, `consent`,
`is_test` and `unrecognised` (the fields whose cell held something that could not be understood,
`participant` for a number that lost its digits, NOBODYS_ROW, CODE_INCOMPLETE and CODE_UNUSABLE).
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

import polars as pl

from pipeline.programme import Programme
from pipeline.reading import (
    attendance,
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
from pipeline.reading.cells import (
    CODE_INCOMPLETE,
    CODE_UNUSABLE,
    LOST_DIGITS,
    NOBODYS_ROW,
    folded,
    forces,
    tidy,
    translated,
)
from pipeline.reading.comments import Comments, comments_in
from pipeline.reading.fields import ours
from pipeline.reading.mapping import ROSTER_FIELDS, ColumnValues, Mapping
from pipeline.reading.table import Table, Use
from pipeline.reading.tabular import Unreadable, read_records
from pipeline.reference import Instrument
from pipeline.vocabulary import Kind, Platform

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

_WHOLE = re.compile(r"[+-]?\d+")

_DAYS = frozenset({"completed_on", "enrolled_on", "joined_on", "held_on", "departed_on"})


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
    headings_beside: tuple[str, ...] = ()
    """The headings of those columns. In memory only: a heading can name a person."""
    comments: Comments | None = None
    """Free text that the mapping names; None where it names none."""


def read(content: bytes, mapping: Mapping, programme: Programme) -> Reading:
    """Canonical rows of an export; raises Unreadable with one sentence."""
    records = read_records(content, programme.limits, mapping.sheet)
    table = READERS[mapping.platform](records)
    present = table.names
    by_place = {f"#{place}" for place, _ in enumerate(table.columns, start=1)}
    sessions = attendance.sessions_in(mapping, programme, present | by_place)
    wanted = _wanted_columns(mapping, programme, sessions)
    placed = _placed(wanted, table)
    absent = [column for column in wanted if column not in present and column not in placed]
    if absent:
        # The file's own headings are not listed: a file without headings has people there.
        more = f" and {len(absent) - 1} more that the mapping names" if len(absent) > 1 else ""
        raise Unreadable(
            f"the file has no column `{absent[0]}`{more}; send the usual export, or correct "
            f"the mapping of source {mapping.source}"
        )
    headed = list(dict.fromkeys(placed.get(column, column) for column in wanted))
    body = table.body(_plain_numbers(mapping, programme, wanted, placed))
    found = table.rows(headed, body, _use(mapping, programme, placed)).with_columns(
        pl.col(heading).alias(column) for column, heading in placed.items()
    )
    rows = _with_identity(_blank_as_null(found, mapping, programme), mapping, programme)
    if rows.is_empty() and table.gathered and not body.is_empty():
        raise Unreadable(
            "no row of the file holds anything that the mapping names; ask for an export with the "
            f"questionnaire in it, or correct the mapping of source {mapping.source}"
        )
    if rows.is_empty():
        raise Unreadable("the file has headings but no rows; ask for the export again")
    rows = days.settled(rows, _day_columns(mapping, sessions), mapping.date_format)
    blocks = (
        questionnaires.blocks(rows, mapping, programme)
        if mapping.kind == Kind.QUESTIONNAIRE
        else [(None, registers.rows_of(rows, mapping, programme))]
    )
    unknown = [
        column
        for column in table.unknown(set(headed))
        if not any(fnmatchcase(column, pattern) for pattern in mapping.leave_out)
        and not table.is_empty(column, body)
    ]
    return Reading(
        rows_in_file=body.height,
        rows_blank=body.height - rows.height,
        blocks=tuple(Block(instrument, frame) for instrument, frame in blocks),
        columns_left_out=tuple(table.left_out(set(headed))),
        columns_unknown=len(unknown),
        headings_beside=tuple(unknown),
        comments=(comments_in(rows, body, table, mapping, programme) if mapping.comments else None),
    )


def _wanted_columns(mapping: Mapping, programme: Programme, sessions: list[int]) -> list[str]:
    named = (
        attendance.session_columns(mapping, sessions)
        if mapping.sessions
        else questionnaires.columns(mapping, programme)
    )
    return list(dict.fromkeys([*_identity_columns(mapping), *named]))


def _placed(wanted: list[str], table: Table) -> dict[str, str]:
    """What the third column is called, where a mapping says `#3` and no column is called that."""
    placed: dict[str, str] = {}
    for column in wanted:
        place = column.removeprefix("#")
        if column != place and place.isdecimal() and column not in table.names:
            headings = dict(enumerate(table.columns, start=1))
            if int(place) in headings:
                placed[column] = headings[int(place)]
    return placed


def _identity_columns(mapping: Mapping) -> list[str]:
    named = [*mapping.participants, *mapping.elements.values()]
    if isinstance(mapping.home_force, ColumnValues):
        named.append(mapping.home_force.column)
    if mapping.consent:
        named.append(mapping.consent.column)
    return named


def _use(mapping: Mapping, programme: Programme, placed: dict[str, str]) -> Use:
    personal = [column for name, column in mapping.columns.items() if name in ROSTER_FIELDS]
    personal += _identity_columns(mapping)
    coded = questionnaires.numeric_columns(mapping, programme)
    return Use(
        personal=frozenset(placed.get(column, column) for column in personal),
        coded=frozenset(placed.get(column, column) for column in coded),
        enrols=mapping.kind == Kind.ROSTER,
    )


def _day_columns(mapping: Mapping, sessions: list[int]) -> list[str]:
    patterns = [column for name, column in mapping.columns.items() if name in _DAYS]
    if mapping.sessions:
        return [p.replace("{session}", str(number)) for number in sessions for p in patterns]
    return [p.replace("{wave}", suffix) for suffix in mapping.suffixes for p in patterns]


def _plain_numbers(
    mapping: Mapping, programme: Programme, wanted: list[str], placed: dict[str, str]
) -> set[str]:
    """Columns that may be parsed to numbers at once: nothing but answers in numbers.

    A code for missing answers that is a number itself is told from them as text.
    """
    answers = questionnaires.numeric_columns(mapping, programme) - {*_identity_columns(mapping)}
    numbers = {
        column
        for column in answers
        if not any(_WHOLE.fullmatch(code) for code in mapping.missing_codes(column))
    }
    as_text = {placed.get(column, column) for column in wanted if column not in numbers}
    return {placed.get(column, column) for column in numbers} - as_text


def _blank_as_null(rows: pl.DataFrame, mapping: Mapping, programme: Programme) -> pl.DataFrame:
    """Cells without spaces around them, null where they hold a code for nothing said.

    A code that is a whole number is meant in every way that spreadsheets write it.
    """
    labelled = questionnaires.labelled_columns(mapping, programme) - {*_identity_columns(mapping)}
    columns: dict[frozenset[str], list[str]] = {}
    for column in rows.select(pl.col(pl.String)).columns:
        columns.setdefault(mapping.missing_codes(column), []).append(column)
    said = []
    for codes, names in columns.items():
        text = compared = pl.col(names).str.strip_chars()
        if any(_WHOLE.fullmatch(code) for code in codes):
            compared = text.str.replace(r"^([+-]?\d+)[.,]0+$", "${1}")
        elif codes == mapping.missing_everywhere:
            # Answers in words are looked at as texts once each, not cell by cell (`cells.answers`).
            text = compared = pl.col([n for n in names if n not in labelled]).str.strip_chars()
        said.append(pl.when(~compared.is_in(sorted(codes))).then(text))
    return rows.with_columns(said)


def _with_identity(rows: pl.DataFrame, mapping: Mapping, programme: Programme) -> pl.DataFrame:
    consent = pl.lit(True)
    if mapping.consent:
        agreed = [tidy(spelling) for spelling in mapping.consent.agreed]
        consent = folded(mapping.consent.column).is_in(agreed).fill_null(False)
    identifier, code, mark = _code(mapping) if mapping.code else _number(rows, mapping)
    if mapping.consent:
        # Sums never agreed to anything; they are told apart from people who did not.
        consent |= (mark == NOBODYS_ROW).fill_null(False)
    return rows.with_columns(
        identifier.alias(ours("identifier")),
        code.alias(ours("code")),
        mark.alias(ours("unrecognised")),
        _home_force(mapping, programme).alias(ours("home_force")),
        consent.alias(ours("consent")),
    )


_NO_MARK = pl.lit(None, pl.String)

_Whose = tuple[pl.Expr, pl.Expr, pl.Expr]
"""The officer's number, the elements of their code, and the mark of a row that names nobody."""


def _number(rows: pl.DataFrame, mapping: Mapping) -> _Whose:
    """Of a number in several columns every part is needed: without one it could be another's."""
    parts, mark = mapping.participants, _NO_MARK
    nobody = "|".join(re.escape(word) for word in (*_SUMS, *parts))
    # Hardly a file has such a row, so one look at the columns comes first.
    lost, sums = f"(?i){LOST_DIGITS}", rf"(?i)^(?:{nobody})\s*:?$"
    if any(rows[part].str.contains(f"{lost}|{sums}").any() for part in parts):
        mark = (
            pl.when(pl.any_horizontal(pl.col(parts).str.contains(lost)))
            .then(pl.lit("participant"))
            .when(pl.any_horizontal(pl.col(parts).str.contains(sums)))
            .then(pl.lit(NOBODYS_ROW))
        )
    # Neither is anybody's number, so neither may be hashed as one.
    number = pl.when(mark.is_null()).then(pl.concat_str(parts))
    return number, pl.lit(None, pl.List(pl.String)), mark


def _code(mapping: Mapping) -> _Whose:
    """A code of which all elements are there, or all but one.

    Of a row that sums up others or repeats the headings, every cell that is filled says so: `Sum`
    alone may be the beginning of a name.
    """
    columns = [*mapping.elements.values()]
    nobody = "|".join(re.escape(word) for word in (*_SUMS, *columns))
    lost, sums = f"(?i){LOST_DIGITS}", rf"(?i)^(?:{nobody})\s*:?$"
    says = [pl.col(name).str.contains(r"[\p{L}\p{N}]") for name in columns]
    elements = [
        pl.when(said & ~pl.col(name).str.contains(lost)).then(pl.col(name))
        for name, said in zip(columns, says, strict=True)
    ]
    missing = pl.sum_horizontal(element.is_null() for element in elements)
    says_so = pl.all_horizontal(pl.col(columns).str.contains(sums).fill_null(True))
    mark = (
        pl.when(says_so & (missing < len(columns)))
        .then(pl.lit(NOBODYS_ROW))
        .when((missing > 1) & (missing < len(columns)))
        .then(pl.lit(CODE_UNUSABLE))
        .when(missing == 1)
        .then(pl.lit(CODE_INCOMPLETE))
    )
    tells = (mark.is_null() | (mark == CODE_INCOMPLETE)) & (missing < len(columns))
    return pl.lit(None, pl.String), pl.when(tells).then(pl.concat_list(elements)), mark


def _home_force(mapping: Mapping, programme: Programme) -> pl.Expr:
    if not isinstance(mapping.home_force, ColumnValues):
        return pl.lit(mapping.home_force or mapping.organisation)
    given = mapping.home_force.values
    spellings = {tidy(spelling): name for spelling, name in given.items()}
    return translated(mapping.home_force.column, forces(programme) | spellings)
