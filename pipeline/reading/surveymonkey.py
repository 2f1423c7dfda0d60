"""SurveyMonkey: question and choice in two header records, metadata in one; CSV or workbook.

A question with several columns has its text over the first of them only. How a mapping calls such
columns, and the answer to a question with a column for each option, is in `headings.py`. Exports
that somebody freed of the second header record have one column a question.
"""

import re

from pipeline.reading.headings import joined, plain_text
from pipeline.reading.records import Records, distinct
from pipeline.reading.table import Table

IDENTIFYING = frozenset(
    {
        "respondentid",
        "respondent id",
        "ip address",
        "email address",
        "first name",
        "last name",
        # Choices of the question type for contact details.
        "name",
        "company",
        "address",
        "address 2",
        "city/town",
        "zip/postal code",
        "phone number",
    }
)
_METADATA = frozenset({"CollectorID", "Collector ID", "Start Date", "End Date", "Date Modified"})
_CUSTOM = re.compile(r"custom data \d+")


def read(records: Records) -> Table:
    questions, choices = records.header(0), records.header(1)
    # Over metadata there is no choice, so the first cell of a second header record is blank.
    has_choices = not choices[0] and any(choices)
    if has_choices:
        columns, derived = joined(questions, choices)
        meanings = [_meaning(*named) for named in zip(columns, choices, strict=True)]
    else:
        columns, derived = distinct([plain_text(cell) for cell in questions]), {}
        meanings = columns
    custom = {name.lower() for name in meanings if _CUSTOM.fullmatch(name.lower())}
    return Table(
        columns=columns,
        records=records,
        header_records=2 if has_choices else 1,
        identifying=IDENTIFYING | custom,
        expected=_METADATA,
        meanings=meanings,
        derived=derived,
    )


def _meaning(column: str, choice: str) -> str:
    return choice if choice.lower() in IDENTIFYING else column
