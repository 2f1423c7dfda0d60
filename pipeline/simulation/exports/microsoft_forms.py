"""Microsoft Forms: a workbook; officers name the wave in their own words."""

import io
from datetime import date, datetime, time

import polars as pl
import xlsxwriter  # type: ignore[import-untyped]

from pipeline.simulation.exports.answers import (
    ANCHORS,
    ARM_QUESTION,
    NUMBER_QUESTION,
    WAVE_QUESTION,
    as_labels,
    question,
    wave_in_words,
)
from pipeline.simulation.exports.comments import COMMENT_QUESTION, commented
from pipeline.simulation.exports.writing import (
    NOT_A_DATE,
    Export,
    asked_of_some,
    broken,
    declared,
    numbered,
    with_times,
)
from pipeline.simulation.plan import INSTRUMENT
from pipeline.simulation.records import ITEM_COLUMNS, Sheet
from pipeline.vocabulary import Platform


def write(sheet: Sheet, as_of: date) -> Export:
    wave, spellings = wave_in_words(sheet, freely=True)
    body = {
        "ID": pl.int_range(1, pl.len() + 1),
        "Start time": pl.col("began"),
        "Completion time": pl.when(~broken("completed_on_not_recognised")).then("ended"),
        "Email": pl.col("email"),
        "Name": pl.col("name"),
        NUMBER_QUESTION: pl.col("number"),
        WAVE_QUESTION: wave,
    }
    mapping = declared(sheet, Platform.MICROSOFT_FORMS, NUMBER_QUESTION)
    columns = {"completed_on": "Completion time"}
    body |= asked_of_some(sheet, mapping, columns, ARM_QUESTION)
    answers = as_labels()
    body |= {question(number): answers[item] for number, item in enumerate(ITEM_COLUMNS, start=1)}
    body |= commented(mapping, COMMENT_QUESTION)
    mapping |= {
        "wave": {"column": WAVE_QUESTION, "values": spellings},
        "instruments": {
            INSTRUMENT: {
                "columns": "Question {item}",
                "coding": "labels",
                "labels": {label: place for place, label in enumerate(ANCHORS, start=1)},
            }
        },
        "columns": columns,
        "date_format": "%Y-%m-%d %H:%M:%S",
    }
    frame = with_times(sheet).select(expression.alias(name) for name, expression in body.items())
    return Export(mapping, _workbook(frame, as_of), numbered(sheet, 2))


def _workbook(frame: pl.DataFrame, created: date) -> bytes:
    """A workbook as Forms writes it; a null time is written as words, which is what is broken."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(
        content, {"in_memory": True, "default_date_format": "m/d/yy h:mm:ss"}
    )
    # The one place in a workbook that carries a clock.
    book.set_properties({"created": datetime.combine(created, time())})
    sheet = book.add_worksheet("Sheet1")
    # Forms puts non-breaking spaces into headings.
    headings = [name.replace(" ", "\u00a0", 1) for name in frame.columns]
    metadata = frame.columns.index("Name") + 1
    headings[:metadata] = frame.columns[:metadata]
    sheet.add_table(
        0,
        0,
        frame.height,
        frame.width - 1,
        {"name": "Table1", "columns": [{"header": heading} for heading in headings]},
    )
    for place, column in enumerate(frame):
        if column.name == "Completion time":
            cells = [NOT_A_DATE if cell is None else cell for cell in column]
        else:
            cells = column.to_list()
        sheet.write_column(1, place, cells)
    book.close()
    return content.getvalue()
