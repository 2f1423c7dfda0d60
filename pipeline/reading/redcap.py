"""REDCap: one row a record, event and repeat, raw or with labels; the first column is the record.

What describes the officer (who it is, home force, consent, the fields of a roster) stands once for
a record, on the row of its own event. It is carried to the record's other rows: downwards from
where it was last said, and upwards from where it first was. Answers, waves and dates never are.

A row that holds nothing of what the mapping names (another event, another repeating instrument, a
form nobody opened) is not a response and counts among the blank ones. A form that somebody began or
completed (`_complete` 1 or 2) is one, blank or not, and so is any with an answer in it.
"""

import re
from collections.abc import Collection

import polars as pl

from pipeline.reading.fields import ours
from pipeline.reading.headings import plain_text
from pipeline.reading.records import Records, distinct
from pipeline.reading.table import Table, Use, is_blank

_METADATA = re.compile(
    r"redcap_\w+|event name|repeat instrument|repeat instance|data access group|survey timestamp"
    r"|\w+_timestamp"
)
_STATUS = re.compile(r"\w+_complete|complete\?")
_SURVEY_IDENTIFIER = frozenset({"redcap_survey_identifier", "survey identifier"})
_NAMING = frozenset(
    {
        "address",
        "birth",
        "dob",
        "email",
        "firstname",
        "lastname",
        "mobile",
        "name",
        "phone",
        "postcode",
        "surname",
        "telephone",
        "zip",
    }
)
"""Words of field names, or of their labels, that identify; the file does not say which do."""
_NOT_SUBMITTED = "[not completed]"
_BEGUN = ("1", "2", "unverified", "complete")


def read(records: Records) -> Table:
    columns = distinct([plain_text(cell) for cell in records.header(0)])
    plain = [name.partition("#")[0].lower() for name in columns]
    metadata = {
        column
        for column, name in zip(columns, plain, strict=True)
        if _METADATA.fullmatch(name) or _STATUS.fullmatch(name)
    }
    naming = {
        name
        for column, name in zip(columns, plain, strict=True)
        if column not in metadata and _NAMING & {*re.split(r"[^a-z]+", name)}
    }
    return Table(
        columns=columns,
        records=records,
        header_records=1,
        identifying=_SURVEY_IDENTIFIER | naming | {plain[0]},
        expected=frozenset(metadata),
        cell=_cell,
        gathered=lambda rows, wanted, use: _gathered(rows, wanted, use, columns, metadata),
    )


def _cell(column: str) -> pl.Expr:
    return pl.when(pl.col(column) != _NOT_SUBMITTED).then(pl.col(column))


def _gathered(
    rows: pl.DataFrame, wanted: list[str], use: Use, columns: list[str], metadata: Collection[str]
) -> pl.DataFrame:
    record = columns[0]
    # A roster is about the officer, and its fields are the ones that say so.
    of_the_row = [
        name
        for name in dict.fromkeys(wanted)
        if name != record and (use.enrols or name not in use.personal)
    ]
    answers = [name for name in of_the_row if name not in metadata]
    holding = [~is_blank(name, rows) for name in answers]
    holding += [
        pl.col(status).str.to_lowercase().is_in(_BEGUN).fill_null(False)
        for status in _statuses(answers, columns)
    ]
    marked = rows.with_columns(pl.any_horizontal(holding or [pl.lit(False)]).alias(_HOLDS))
    if use.enrols:
        # Somebody of whom nothing but the record is known is enrolled all the same.
        first = pl.int_range(pl.len()).over(record) == 0
        marked = marked.with_columns(pl.col(_HOLDS) | (first & ~pl.col(_HOLDS).any().over(record)))
    carried = [name for name in dict.fromkeys(wanted) if name in use.personal and name != record]
    return marked.with_columns(
        pl.when(~is_blank(name, rows)).then(name).forward_fill().backward_fill().over(record)
        for name in carried
    ).filter(_HOLDS)


_HOLDS = ours("holds")


def _statuses(answers: list[str], columns: list[str]) -> list[str]:
    """The columns that say how far the forms of these fields are: each form's is its last."""
    places = [columns.index(name) for name in answers]
    statuses = [
        place
        for place, name in enumerate(columns)
        if _STATUS.fullmatch(name.partition("#")[0].lower())
    ]
    ends = {next((end for end in statuses if end > place), None) for place in places}
    return [columns[end] for end in sorted(end for end in ends if end is not None)]
