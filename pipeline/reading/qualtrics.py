"""Qualtrics: column ids, question texts and ImportIds in three header records, or two if legacy.

Preview, test and spam rows are marked by `DistributionChannel` or `Status`; the mark is kept so
that such rows are quarantined and counted, not dropped.
"""

import re

import polars as pl

from pipeline.reading.records import Records, distinct
from pipeline.reading.table import Table

IDENTIFYING = frozenset(
    {
        "externalreference",
        "ipaddress",
        "locationlatitude",
        "locationlongitude",
        "recipientemail",
        "recipientfirstname",
        "recipientlastname",
        "responseid",
        "emailaddress",
        "externaldatareference",
        "name",
    }
)
_METADATA = frozenset(
    {
        "StartDate",
        "EndDate",
        "Status",
        "Progress",
        "Duration (in seconds)",
        "Finished",
        "RecordedDate",
        "DistributionChannel",
        "UserLanguage",
        # Legacy exports only.
        "ResponseSet",
        "LocationAccuracy",
    }
)
_IMPORT_ID = re.compile(r"""\{\W*ImportId\W""")
# Numeric codes as Qualtrics documents them: 1 preview, 2 test, 8 spam, 9 spam of a preview.
_NOT_REAL = ("survey preview", "survey test", "spam", "1", "2", "8", "9")


def read(records: Records) -> Table:
    columns = distinct(records.header(0))
    second = records.header(1)
    is_legacy = columns[0] == "V1"
    # Legacy exports call metadata V1, V2, … and say what they are in the second record.
    meanings = (
        [
            told if named.startswith("V") else named
            for named, told in zip(columns, second, strict=True)
        ]
        if is_legacy
        else columns
    )
    return Table(
        columns=columns,
        records=records,
        header_records=_header_records(records, columns, is_legacy=is_legacy),
        identifying=IDENTIFYING,
        expected=_METADATA,
        meanings=meanings,
        test_row=_test_row(dict(zip(meanings, columns, strict=True))),
    )


def _header_records(records: Records, columns: list[str], *, is_legacy: bool) -> int:
    """Three with ImportIds, two without; one where people deleted the others."""
    if any(_IMPORT_ID.match(cell) for cell in records.header(2)):
        return 3
    if is_legacy:
        return 2
    second = records.header(1)
    dates = [second[columns.index(name)] for name in ("StartDate", "EndDate") if name in columns]
    if dates:
        return 1 if any(cell[:1].isdigit() for cell in dates) else 2
    # Without dates to go by: question texts rarely begin with a digit, answers often do.
    filled = [cell for cell in second if cell]
    return 1 if 2 * sum(cell[:1].isdigit() for cell in filled) > len(filled) else 2


def _test_row(columns: dict[str, str]) -> pl.Expr:
    marks = []
    if "DistributionChannel" in columns:
        channel = pl.col(columns["DistributionChannel"])
        marks.append(channel.str.to_lowercase() == "preview")
    if "Status" in columns:
        marks.append(pl.col(columns["Status"]).str.to_lowercase().is_in(_NOT_REAL))
    return pl.any_horizontal(mark.fill_null(False) for mark in marks) if marks else pl.lit(False)
