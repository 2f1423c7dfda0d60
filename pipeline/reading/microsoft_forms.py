"""Microsoft Forms: a workbook with one header row, metadata first, questions after it.

A form may hold a question of its own called Email or Name; the metadata columns come first, so
the platform's keep their name and the question's becomes `Email#2`.
"""

from pipeline.reading.table import Table
from pipeline.reading.tabular import Records, distinct

IDENTIFYING = frozenset({"email", "name"})
_SCORING = ("Total points", "Quiz feedback", "Points - ", "Feedback - ")


def read(records: Records) -> Table:
    columns = distinct(records.header(0))
    return Table(
        columns=columns,
        records=records,
        header_records=1,
        identifying=IDENTIFYING,
        expected=frozenset(
            column
            for column in columns
            if column in {"ID", "Id", "Start time", "Completion time", "Last modified time"}
            or column.startswith(_SCORING)
        ),
    )
