"""Qualtrics: column ids, question texts and ImportIds in three header records, or two if legacy.

Preview, test and spam rows are marked by `DistributionChannel` or `Status`; the mark is kept so
that such rows are quarantined and counted, not dropped.
"""

import polars as pl

from pipeline.reading.table import Table
from pipeline.reading.tabular import Records, distinct

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
    }
)
# Numeric codes as Qualtrics documents them: 1 preview, 2 test, 8 spam, 9 spam of a preview.
_NOT_REAL = ("survey preview", "survey test", "spam", "1", "2", "8", "9")


def read(records: Records) -> Table:
    columns = distinct(records.header(0))
    has_import_ids = any(cell.startswith('{"ImportId"') for cell in records.header(2))
    return Table(
        columns=columns,
        records=records,
        header_records=3 if has_import_ids else 2,
        identifying=IDENTIFYING,
        expected=_METADATA,
        test_row=_test_row(columns),
    )


def _test_row(columns: list[str]) -> pl.Expr:
    marks = []
    if "DistributionChannel" in columns:
        marks.append(pl.col("DistributionChannel").str.to_lowercase() == "preview")
    if "Status" in columns:
        marks.append(pl.col("Status").str.to_lowercase().is_in(_NOT_REAL))
    return pl.any_horizontal(mark.fill_null(False) for mark in marks) if marks else pl.lit(False)
