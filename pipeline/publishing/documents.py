"""Everything of a release that people open: CSV, workbook, reports.

What stays out: what each holds (`csv_files.py`, `workbook.py`, `report/`), and writing them down
(`pipeline/storage/releases.py`).
"""

from collections.abc import Mapping

import polars as pl

from pipeline.programme import Programme
from pipeline.publishing.csv_files import csv_files
from pipeline.publishing.report.context import About
from pipeline.publishing.report.page import reports
from pipeline.publishing.workbook import WORKBOOK, workbook


def documents_of(
    tables: Mapping[str, pl.DataFrame], programme: Programme, about: About
) -> dict[str, bytes]:
    """File name -> content, made from the tables of a release and what the programme says.

    No more can be read in them than in the tables. The same tables give the same bytes, with the
    same versions of the libraries that draw charts and write workbooks.
    """
    return {
        **dict(csv_files(tables)),
        WORKBOOK: workbook(tables, programme.title, about),
        **dict(reports(tables, programme, about)),
    }
