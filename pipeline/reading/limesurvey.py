"""LimeSurvey: headings as codes, as texts or as both (`Q1[SQ001]. How often …`), CSV or workbook.

Where code and text stand together a column is called by its code. `Q1[#3]` is the third column of
an array, however its subquestions are called. Some exports have question and subquestion in two
header records, without metadata; those are named as `headings.py` says.
"""

import re

import polars as pl

from pipeline.reading.headings import arrays, joined, plain_text
from pipeline.reading.records import Records, distinct
from pipeline.reading.table import Table

IDENTIFYING = frozenset(
    {
        "ipaddr",
        "refurl",
        "token",
        "firstname",
        "lastname",
        "email",
        "ip address",
        "referrer url",
        "access code",
        "first name",
        "last name",
        "email address",
    }
)
_METADATA = frozenset(
    {
        "id",
        "submitdate",
        "lastpage",
        "startlanguage",
        "seed",
        "startdate",
        "datestamp",
        "interviewtime",
        "Response ID",
        "Date submitted",
        "Last page",
        "Start language",
        "Seed",
        "Date started",
        "Date last action",
        "Total time",
    }
)
_CODE_AND_TEXT = re.compile(r"([A-Za-z]\w*(?:\[[^\]]*\])*)(?:\. |\._\.).*")
_NO_DATE = "1980-01-01 00:00:00"
"""What a survey without date stamps says of every response that was submitted."""


def read(records: Records) -> Table:
    headings, below = records.header(0), records.header(1)
    # No LimeSurvey question is without a heading; blank ones continue the question on their left.
    continued = [place for place, cell in enumerate(headings) if not cell and below[place]]
    in_two = len(continued) > 1 and all(
        cell or not heading for heading, cell in zip(headings, below, strict=True)
    )
    if in_two:
        columns, derived = joined(headings, below)
    else:
        columns = distinct(_by_code([plain_text(cell) for cell in headings]))
        derived = arrays(columns)
    return Table(
        columns=columns,
        records=records,
        header_records=2 if in_two else 1,
        identifying=IDENTIFYING,
        expected=_METADATA,
        derived=derived,
        cell=_cell,
    )


def _by_code(headings: list[str]) -> list[str]:
    both = [_CODE_AND_TEXT.fullmatch(heading) for heading in headings]
    codes = [found[1] for found in both if found]
    return codes if len(codes) == sum(map(bool, headings)) == len(headings) else headings


def _cell(column: str) -> pl.Expr:
    # Points of a scale that have no label come as `(6)`, and as `6)` where one was cut.
    cell = pl.col(column).str.replace(r"^\s*\(?(\d+)\)\s*$", "$1")
    return pl.when(cell != _NO_DATE).then(cell)
