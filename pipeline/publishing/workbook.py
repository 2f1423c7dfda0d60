"""Release tables as one accessible workbook, as UK official statistics write them.

What belongs here: what stands on which sheet. What stays out: figures, which are the tables' own,
and styles, which are the library's. That is imported when a workbook is made: pandas comes with it.
"""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.publishing.release_tables import RELEASE_TABLES, Field, Kind, Note, ReleaseTable
from pipeline.publishing.report.context import About
from pipeline.publishing.report.words import readable

if TYPE_CHECKING:
    from gptables import GPTable
    from gptables.core.wrappers import GPWorkbook

WORKBOOK: Final = "tables.xlsx"

_DECIMALS: Final[Mapping[Kind, str]] = {
    Kind.COUNT: "#,##0",
    Kind.PERCENT: "0",
    Kind.MEAN: "0.0",
    Kind.SD: "0.0",
    Kind.INTERVAL: "0.0",
    Kind.EFFECT: "0.0",
    Kind.POOLED: "0.0",
    Kind.ESTIMATE: "0.0",
    Kind.AGREEMENT: "0.0",
    Kind.ROWS: "#,##0",
    Kind.STEPS: "0",
}
_NOTES: Final[Mapping[Kind, str]] = {
    Kind.COUNT: "Rounded to the nearest 5. No count is of fewer than ten officers.",
    Kind.INTERVAL: "Limit of a 95% interval. In tables of means and changes it is worked out from "
    "the printed mean, spread and rounded count, and ignores that officers of one organisation are "
    "alike.",
    Kind.EFFECT: "To one decimal, from printed means and spreads.",
    Kind.PERCENT: "Whole percent, from rounded counts.",
    Kind.MODEL: "From a model of all officers, to two significant figures.",
    Kind.POOLED: "From a model of the printed changes of organisations, to one decimal.",
    Kind.ESTIMATE: "From a model of all officers, to one decimal. Intervals of such estimates "
    "allow for officers of one organisation being alike.",
    Kind.ROWS: "Rounded to the nearest hundred.",
    Kind.STEPS: "Percent in steps of 5, where there are 200 rows.",
    Kind.SHARE: "A share: weights in steps of 0.05, I2 in steps of 0.1.",
}
_COVER_WIDTH: Final = 120
_A4: Final = 9
_READABLE: Final = re.compile(r"[A-Za-z0-9]")


def workbook(tables: Mapping[str, pl.DataFrame], title: str, about: About) -> bytes:
    """The tables of a release as an .xlsx file: cover, contents, notes, a sheet a table.

    A figure that is left out is its sign in square brackets; all others are numbers. A table
    without rows has no sheet, and the cover says so. The same tables give the same bytes.
    """
    with _as_the_library_is():
        return _written(tables, title, about)


@contextmanager
def _as_the_library_is() -> Iterator[None]:
    """Without its own warnings: it leaves a file open, uses what pandas will take away,
    and warns of a workbook without notes, which one without tables is.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", ResourceWarning)
        warnings.filterwarnings("ignore", "No note text provided", UserWarning)
        yield


def _written(tables: Mapping[str, pl.DataFrame], title: str, about: About) -> bytes:
    import pandas as pd
    from gptables import Cover, produce_workbook

    made = [table for table in RELEASE_TABLES if table.name in tables]
    filled = [table for table in made if tables[table.name].height]
    sheets = {readable(table.name): _sheet(table, tables[table.name]) for table in filled}
    used = [kind for kind in _NOTES if any(_first(table, kind) is not None for table in filled)]
    notes = pd.DataFrame(
        {"reference": [kind.name for kind in used], "Note text": [_NOTES[kind] for kind in used]}
    )
    # What can be written to is as good as a name for the library below.
    file = BytesIO()
    # Text stays text: a name that begins with `=` is no formula, and none is an address.
    book = produce_workbook(
        filename=file,
        sheets=sheets,
        cover=Cover(
            title=_text(title),
            intro=_introduction(about),
            about=[*_signs(), *_without_rows(made, filled)],
            contact=["The evaluators who handed on this release."],
            # No sentence there is longer: one that went on to a second line would, in LibreOffice,
            # lie over the one above.
            width=_COVER_WIDTH,
        ),
        contentsheet_label="Contents" if sheets else None,
        notes_table=notes if sheets else None,
        workbook_options={
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    _finish(book, title, about)
    book.close()
    return file.getvalue()


def _introduction(about: About) -> list[str]:
    simulated = ["Simulated: the officers and answers behind these tables are invented."]
    return [
        *(simulated if about.simulated else []),
        f"Tables of release {about.release}, as of {about.as_of}, by Muster {about.version}.",
        "Figures are of groups of officers and have been rounded; small groups are left out, so "
        "that nobody can be traced.",
        "A change is not an effect: see the report for what the figures can and cannot say.",
    ]


def _signs() -> list[str]:
    return [f"[{note.value}] means: {note.meaning[:1].lower()}{note.meaning[1:]}" for note in Note]


def _without_rows(made: Sequence[ReleaseTable], filled: Sequence[ReleaseTable]) -> list[str]:
    empty = [readable(table.name) for table in made if table not in filled]
    return [f"Tables without any row in this release: {', '.join(empty)}."] if empty else []


# ------------------------------------------------------------------ one sheet


@dataclass(frozen=True, slots=True)
class _Column:
    field: Field
    place: int


def _sheet(table: ReleaseTable, frame: pl.DataFrame) -> "GPTable":
    import pandas as pd
    from gptables import GPTable

    columns = [_Column(field, place) for place, field in enumerate(table.fields)]
    cells = {
        _heading(c.field.name): pd.Series(_cells(frame, c.field), dtype=object) for c in columns
    }
    signs = sorted({note for c in columns for note in _signs_in(frame, c.field)})
    return GPTable(
        table=pd.DataFrame(cells),
        table_name=table.name,
        title=_title(table),
        subtitles=[f"Rows by {table.grain.removeprefix('one ')}."],
        instructions="This worksheet contains one table. Some headings refer to notes, which can "
        "be found on the notes worksheet." + (" Some cells hold shorthand." if signs else ""),
        source="Muster",
        legend=[f"[{sign}]: {Note(sign).meaning}" for sign in signs],
        index_columns={2: 0},
        table_notes={
            place: f"$${kind.name}$$"
            for kind in _NOTES
            if (place := _first(table, kind)) is not None
        },
        additional_formatting=[
            {"column": {"columns": [c.place], "format": {"num_format": _DECIMALS[c.field.kind]}}}
            for c in columns
            if c.field.kind in _DECIMALS
        ],
    )


def _heading(name: str) -> str:
    """A column's name in words; `n` is how many."""
    return readable("number" if name == "n" else re.sub(r"^n_", "number_", name))


def _title(table: ReleaseTable) -> str:
    """Name and, after a colon, the first sentence of what the table is."""
    first = table.description.partition(".")[0]
    return f"{readable(table.name)}: {first[:1].lower()}{first[1:]}"


def _first(table: ReleaseTable, kind: Kind) -> int | None:
    """Place of the first column of a kind: the note stands there, once a sheet."""
    return next((at for at, field in enumerate(table.fields) if field.kind is kind), None)


def _signs_in(frame: pl.DataFrame, field: Field) -> Iterator[str]:
    if field.is_figure:
        yield from frame[f"{field.name}_note"].drop_nulls().unique()
    elif frame[field.name].null_count():
        yield Note.NOT_APPLICABLE.value


def _cells(frame: pl.DataFrame, field: Field) -> list[Any]:
    """Numbers as numbers; a sign where there is none; no cell is empty."""
    values = frame[field.name].to_list()
    if field.is_figure:
        notes = frame[f"{field.name}_note"].to_list()
        return [
            f"[{note or Note.NOT_AVAILABLE.value}]" if value is None else _text(value)
            for value, note in zip(values, notes, strict=True)
        ]
    return [f"[{Note.NOT_APPLICABLE.value}]" if value is None else _text(value) for value in values]


def _text(value: Any) -> Any:
    """A value as the library takes it: words for truth, and text that it reads as nothing else.

    It would take `[a](b)` for a link and `$$a$$` for a note, and refuses text without a Latin
    letter or a digit.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, str):
        return value
    plain = value.replace("](", "] (").replace("$$", "$ $")
    return plain if _READABLE.search(plain) else f"Name: {plain}"


# ------------------------------------------------------------------ the whole file


def _finish(book: "GPWorkbook", title: str, about: About) -> None:
    """Headings that stay in view and on every page, sheets that fit on paper across.

    And properties that do not depend on when it is made.
    """
    for sheet in book.worksheets():
        sheet.set_paper(_A4)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        for table in sheet.tables:
            first_row = int(re.sub(r"\D", "", table["range"].partition(":")[0]))
            sheet.freeze_panes(first_row, 1)
            sheet.repeat_rows(first_row - 1)
    book.set_properties(
        {
            "title": title,
            "subject": f"Release {about.release}",
            "author": "",
            "comments": "",
            "created": datetime.combine(about.as_of, time()),
        }
    )
