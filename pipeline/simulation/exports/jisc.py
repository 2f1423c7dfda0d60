"""Jisc Online Surveys: question numbers for headings, codes for answers, a URN a response."""

from typing import Final

import polars as pl

from pipeline.simulation.exports.answers import as_numbers, wave_in_words
from pipeline.simulation.exports.writing import (
    Export,
    asked_of_some,
    dated,
    declared,
    delimited,
    numbered,
    with_times,
)
from pipeline.simulation.plan import INSTRUMENT
from pipeline.simulation.records import ITEM_COLUMNS, Sheet
from pipeline.vocabulary import Platform

_DATE_FORMAT: Final = "%d/%m/%Y %H:%M:%S"


def write(sheet: Sheet) -> Export:
    wave, spellings = wave_in_words(sheet, freely=False)
    place = pl.int_range(pl.len())
    body = {
        "Unique Response Number": pl.format("881204-{}-{}", 881_195 + place, 90_210_400 + place),
        "StartDate": pl.col("began").dt.to_string(_DATE_FORMAT),
        "CompletionDate": dated("ended", _DATE_FORMAT, "completed_on_not_recognised"),
        "Q1": pl.col("number"),
        "Q2": wave,
    }
    mapping = declared(sheet, Platform.JISC, "Q1", force="Q3")
    columns = {"completed_on": "CompletionDate"}
    body |= asked_of_some(sheet, mapping, columns, "Q4")
    answers = as_numbers(sheet)
    body |= {f"Q5_{number}_a": answers[item] for number, item in enumerate(ITEM_COLUMNS, start=1)}
    mapping |= {
        "wave": {"column": "Q2", "values": spellings},
        "instruments": {INSTRUMENT: {"columns": "Q5_{item}_a"}},
        "columns": columns,
        "date_format": _DATE_FORMAT,
    }
    frame = with_times(sheet).select(cell.alias(name) for name, cell in body.items())
    return Export(mapping, delimited([frame.columns], frame), numbered(sheet, 2))
