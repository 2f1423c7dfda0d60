"""Qualtrics: column ids, question texts and ImportIds in three header records, or two if legacy.

Preview, test and spam rows are marked by `DistributionChannel` or `Status`; the mark is kept so
that such rows are quarantined and counted, not dropped.
"""

import re
from collections.abc import Collection
from functools import partial

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
_PREVIEW = ("preview",)
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
    marks = [
        pl.col(columns[name]).map_batches(partial(_says_any, words), return_dtype=pl.Boolean())
        for name, words in (("DistributionChannel", _PREVIEW), ("Status", _NOT_REAL))
        if name in columns
    ]
    return pl.any_horizontal(marks) if marks else pl.lit(False)


def _says_any(words: Collection[str], cells: pl.Series) -> pl.Series:
    """Whether each cell is one of the words, in any case."""
    # A column of these holds two or three texts, and hardly ever one that is meant.
    said = [text for text in cells.unique() if text is not None and text.lower() in words]
    if not said:
        return pl.repeat(False, len(cells), eager=True)
    return cells.is_in(said).fill_null(value=False)
