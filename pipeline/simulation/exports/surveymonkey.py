"""SurveyMonkey: question and choice in two header records, metadata first, choice text."""

from typing import Final

import polars as pl

from pipeline.simulation.exports.answers import (
    ARM_QUESTION,
    GRID,
    NUMBER_QUESTION,
    WAVE_QUESTION,
    as_labels,
    question,
    wave_in_words,
)
from pipeline.simulation.exports.comments import COMMENT_QUESTION, commented
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

_DATE_FORMAT: Final = "%m/%d/%Y %I:%M:%S %p"


def write(sheet: Sheet) -> Export:
    wave, spellings = wave_in_words(sheet, freely=False)
    metadata = {
        "Respondent ID": 118_000_000_000 + pl.int_range(pl.len()),
        "Collector ID": pl.lit(430_000_001),
        "Start Date": pl.col("began").dt.to_string(_DATE_FORMAT),
        "End Date": dated("ended", _DATE_FORMAT, "completed_on_not_recognised"),
        "IP Address": pl.col("ip"),
        "Email Address": pl.col("email"),
        "First Name": pl.col("given"),
        "Last Name": pl.col("family"),
        "Custom Data 1": pl.col("number"),
    }
    asked = {NUMBER_QUESTION: pl.col("number"), WAVE_QUESTION: wave}
    mapping = declared(sheet, Platform.SURVEYMONKEY, NUMBER_QUESTION)
    columns = {"completed_on": "End Date"}
    asked |= asked_of_some(sheet, mapping, columns, ARM_QUESTION)
    asked |= commented(mapping, COMMENT_QUESTION)
    mapping |= {
        "wave": {"column": WAVE_QUESTION, "values": spellings},
        "instruments": {INSTRUMENT: {"columns": f"{GRID} | #{{item}}", "coding": "labels"}},
        "columns": columns,
        "date_format": _DATE_FORMAT,
    }
    answers = as_labels()
    grid = {question(place): answers[item] for place, item in enumerate(ITEM_COLUMNS, start=1)}
    body = metadata | asked | grid
    frame = with_times(sheet).select(cell.alias(name) for name, cell in body.items())
    # A grid has its question over the first of its columns only.
    questions = [*metadata, *asked, GRID, *[""] * (len(grid) - 1)]
    chosen = ["Open-Ended Response", *["Response"] * (len(asked) - 1)]
    choices = [*[""] * len(metadata), *chosen, *grid]
    return Export(mapping, delimited([questions, choices], frame), numbered(sheet, 3))
