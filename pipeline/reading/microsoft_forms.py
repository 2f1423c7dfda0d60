"""Microsoft Forms: one header row, metadata first, questions after it; a workbook or a CSV copy.

Metadata is known by its place: only columns that stand before every question are the platform's. A
form's own question called Email is therefore `Email#2`, also where the platform's Email is missing,
and its question called Name is `Name2`, as Forms itself writes, or `Name#2`.
"""

import re
from itertools import takewhile

import polars as pl

from pipeline.reading.records import Records, distinct
from pipeline.reading.table import Table

_METADATA = (
    "Start time",
    "Completion time",
    "Email",
    "Name",
    "Last modified time",
    "Total points",
    "Quiz feedback",
)
_IDENTIFYING = ("Email", "Name")
_NUMBERED = re.compile(r"(?:email|name)\d*")
_SCORING = ("Points - ", "Feedback - ")


def read(records: Records) -> Table:
    headings = records.header(0)
    ours = _metadata(headings)
    # The platform's two are counted first, so a question never goes by the name of one of them.
    absent = [name for name in _IDENTIFYING if name not in ours]
    columns = distinct([*absent, *headings])[len(absent) :]
    asked = {name.lower() for name in columns if _NUMBERED.fullmatch(name.lower())}
    return Table(
        columns=columns,
        records=records,
        header_records=1,
        identifying=frozenset([*asked, *(name.lower() for name in _IDENTIFYING)]),
        expected=frozenset(
            [
                *(name for name in ours if name not in _IDENTIFYING),
                *(name for name in columns if name.startswith(_SCORING)),
            ]
        ),
        cell=_cell,
    )


def _metadata(headings: list[str]) -> list[str]:
    """The leading columns that are the platform's: its `ID`, then its others in their order."""
    numbers = list(takewhile(lambda heading: heading in {"ID", "Id"}, headings[:1]))
    order = iter(_METADATA)
    others = takewhile(lambda heading: heading in order, headings[len(numbers) :])
    found = [*numbers, *others]
    # Email or Name alone on the left may be a question of a file that was cut to its questions.
    return [] if found and found[0] in _IDENTIFYING else found


def _cell(column: str) -> pl.Expr:
    cell = pl.col(column)
    if column == "Email":
        # Nobody is called that, and all who did not sign in would be one officer.
        return pl.when(cell.str.strip_chars().str.to_lowercase() != "anonymous").then(cell)
    # An answer to a question that allows several ends so.
    return cell.str.strip_chars_end().str.strip_suffix(";")
