"""Reminders as a workbook for the one contact of an organisation, as bytes.

What belongs here: what the contact reads and may do with it. What stays out: who is on it
(`pipeline/follow_up/reminders.py`), and where it is written (`pipeline/commands/remind.py`).

Nothing is written anywhere while it is made, and the same reminders give the same bytes.
"""

import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import polars as pl
import xlsxwriter  # type: ignore[import-untyped]
from xlsxwriter.format import Format  # type: ignore[import-untyped]
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

from pipeline.privacy.rough_counts import rough_count
from pipeline.programme import Contact

_FORMULAS = ("=", "+", "-", "@")


@dataclass(frozen=True, slots=True)
class Cover:
    """What the first sheet says beside what it always says."""

    title: str
    """Of the programme."""
    organisation: str
    """Its full name."""
    contact: Contact
    as_of: date
    left_out: int
    """Officers who are not on it because a list of departures or a steward names them."""


def reminder_workbook(cover: Cover, reminders: pl.DataFrame, submissions: pl.DataFrame) -> bytes:
    """An .xlsx file with the sheets `Read first`, `Reminders` and `Files`.

    `reminders` is a frame of `follow_up.reminders.REMINDERS`; `submissions` has submission_id,
    file_name (as it is shown, masked), received_at and sha256 of every file that it refers to.
    """
    files = (
        reminders.group_by("submission_id")
        .len("rows")
        .join(submissions, on="submission_id", how="left")
        .sort("received_at", "submission_id")
        .with_row_index("file", offset=1)
    )
    rows = reminders.join(
        files.select("submission_id", "file", "file_name"),
        on="submission_id",
        maintain_order="left",
    ).sort("file", "row_number", maintain_order=True)
    buffer = io.BytesIO()
    options = {
        "in_memory": True,  # it would put its parts into the folder for temporary files
        "strings_to_formulas": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(buffer, options) as workbook:
        made_on = datetime.combine(cover.as_of, time(), UTC).replace(tzinfo=None)
        workbook.set_properties({"title": "Reminders", "author": "Muster", "created": made_on})
        day = workbook.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
        wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
        heading = workbook.add_format({"bold": True, "valign": "top"})
        _read_first(workbook.add_worksheet("Read first"), cover, rows, heading, wrapped)
        _table(
            workbook.add_worksheet("Reminders"),
            ("File", "File name", "Row", "Wave", "Due on", "State", "Last day"),
            rows.select(
                "file",
                "file_name",
                "row_number",
                "wave",
                "due_on",
                pl.when("overdue").then(pl.lit("overdue")).otherwise(pl.lit("due")),
                "window_closes_on",
            ),
            day,
        )
        _table(
            workbook.add_worksheet("Files"),
            ("File", "File name", "Received on", "Reminders", "SHA-256"),
            files.select("file", "file_name", pl.col("received_at").dt.date(), "rows", "sha256"),
            day,
        )
    return buffer.getvalue()


def plain_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula, be it saved as CSV and opened again."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    # Some spreadsheets take full-width signs for the ordinary ones.
    begins = unicodedata.normalize("NFKC", printable).lstrip()
    return f"'{printable}" if begins.startswith(_FORMULAS) else printable


def _read_first(
    sheet: Worksheet, cover: Cover, rows: pl.DataFrame, heading: Format, wrapped: Format
) -> None:
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 1, 90)
    said = [
        ("Programme", cover.title),
        ("Organisation", cover.organisation),
        ("For", f"{cover.contact.name}, {cover.contact.email}, and nobody else"),
        ("As of", f"{cover.as_of}. Whoever answered or withdrew later is still on it."),
        ("Rows", f"{rows.height} on the sheet Reminders, one for each officer and wave."),
        (
            "Left out",
            f"{rough_count(cover.left_out)} officers, because a list of departures or a steward "
            "names them, though that does not count yet or its day lies ahead.",
        ),
        (
            "What it is for",
            "Each row is an officer who has not answered the questionnaire of one wave yet. Find "
            "the person by file and row in the roster that your organisation sent, and ask them, "
            "yourself and in confidence, whether they would like to answer by the last day. Taking "
            "part is voluntary: whoever says no is not asked again.",
        ),
        (
            "What must not be done",
            "Do not pass it, or any name found with it, to line managers, supervisors or "
            "facilitators, and do not tell one officer about another. Officers were told that "
            "nobody they answer to learns who has answered. Managers may have the rounded counts "
            "of `muster status --overdue`.",
        ),
        (
            "Finding a row",
            "Row numbers are those of the file exactly as it was sent, headings included. In a "
            "file that was sorted or edited since they point to somebody else: the sheet Files "
            "has the day of receipt and the SHA-256 of each.",
        ),
        (
            "What it holds not",
            "No answers, no scores, no names, no numbers of officers and no pseudonyms.",
        ),
        ("Afterwards", "Delete it when you have asked, or when newer reminders arrive."),
    ]
    for place, (name, text) in enumerate(said):
        sheet.write_string(place, 0, name, heading)
        sheet.write_string(place, 1, plain_text(text), wrapped)


def _table(sheet: Worksheet, headings: Sequence[str], rows: pl.DataFrame, day: Format) -> None:
    """A sheet with one table of its name, its headings frozen."""
    last = len(headings) - 1
    sheet.add_table(
        0,
        0,
        rows.height,
        last,
        {"name": sheet.get_name(), "columns": [{"header": heading} for heading in headings]},
    )
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, last, 14)
    for place, row in enumerate(rows.iter_rows(), start=1):
        for column, cell in enumerate(row):
            if isinstance(cell, date):
                sheet.write_datetime(place, column, cell, day)
            elif isinstance(cell, int):
                sheet.write_number(place, column, cell)
            else:
                sheet.write_string(place, column, plain_text(cell))
