"""Plain delimited text or a workbook with one header row: the layout of everything that has no own.

Google Forms and SmartSurvey write it too, with metadata that is known by name.
What stays out: platforms whose headings or rows need more than names.
"""

from pipeline.reading.records import Records, distinct
from pipeline.reading.table import Table

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


_OF_SMARTSURVEY = frozenset({"userid", "userno", "user id", "unique id", "tracking link id"})
_OF_GOOGLE = frozenset({"username"})


def read(records: Records) -> Table:
    return _read(records, IDENTIFYING)


def read_google_forms(records: Records) -> Table:
    """One question a column; `Timestamp` first, `Email Address` or `Username` if collected."""
    return _read(records, IDENTIFYING | _OF_GOOGLE, frozenset({"Timestamp", "Score"}))


def read_smartsurvey(records: Records) -> Table:
    metadata = frozenset({"Started", "Ended", "Completed", "Device", "Language"})
    return _read(records, IDENTIFYING | _OF_SMARTSURVEY, metadata)


def _read(
    records: Records, identifying: frozenset[str], expected: frozenset[str] = frozenset()
) -> Table:
    return Table(
        columns=distinct(records.header(0)),
        records=records,
        header_records=1,
        identifying=identifying,
        expected=expected,
    )
