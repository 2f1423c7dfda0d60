"""Plain delimited text or a workbook with one header row: the layout of everything that has no own.

What stays out: platforms with more header records or metadata of their own.
"""

from pipeline.reading.table import Table
from pipeline.reading.tabular import Records, distinct

IDENTIFYING = frozenset(
    {
        "address",
        "date of birth",
        "email",
        "email address",
        "first name",
        "full name",
        "ip address",
        "ipaddr",
        "ipaddress",
        "last name",
        "name",
        "phone",
        "surname",
        "token",
    }
)


def read(records: Records) -> Table:
    return Table(
        columns=distinct(records.header(0)),
        records=records,
        header_records=1,
        identifying=IDENTIFYING,
    )
