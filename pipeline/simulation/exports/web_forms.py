"""Google Forms and SmartSurvey: one header record, one column a question."""

from typing import Any, Final

import polars as pl

from pipeline.simulation.codes import ELEMENTS
from pipeline.simulation.exports.answers import (
    ARM_QUESTION,
    GRID,
    NUMBER_QUESTION,
    WAVE_QUESTION,
    as_labels,
    as_numbers,
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

_GOOGLE_DATE_FORMAT: Final = "%d/%m/%Y %H:%M:%S"
_SMARTSURVEY_DATE_FORMAT: Final = "%d/%m/%Y %H:%M"


def write_google_forms(sheet: Sheet) -> Export:
    answers = as_labels()
    metadata = {
        "Timestamp": dated("ended", _GOOGLE_DATE_FORMAT, "completed_on_not_recognised"),
        "Email Address": pl.col("email"),
    }
    grid = {
        f"{GRID} [{question(place)}]": answers[item]
        for place, item in enumerate(ITEM_COLUMNS, start=1)
    }
    mapping = declared(sheet, Platform.GOOGLE_FORMS, NUMBER_QUESTION) | {
        "instruments": {INSTRUMENT: {"columns": f"{GRID} [Question {{item}}]", "coding": "labels"}},
        "columns": {"completed_on": "Timestamp"},
        "date_format": _GOOGLE_DATE_FORMAT,
    }
    grid |= commented(mapping, COMMENT_QUESTION)
    return _written(sheet, metadata, grid, mapping)


def write_smartsurvey(sheet: Sheet) -> Export:
    answers = as_numbers(sheet)
    metadata = {
        "UserID": 70_000_000 + pl.int_range(pl.len()),
        "UserNo": 1 + pl.int_range(pl.len()),
        "Name": pl.col("name"),
        "Email": pl.col("email"),
        "IP Address": pl.col("ip"),
        "Unique ID": pl.format("{}-{}", "family", "officer"),
        "Started": pl.col("began").dt.to_string(_SMARTSURVEY_DATE_FORMAT),
        "Ended": dated("ended", _SMARTSURVEY_DATE_FORMAT, "completed_on_not_recognised"),
    }
    grid = {
        f"Q3.{place}. {question(place)}": answers[item]
        for place, item in enumerate(ITEM_COLUMNS, start=1)
    }
    mapping = declared(sheet, Platform.SMARTSURVEY, NUMBER_QUESTION) | {
        "instruments": {INSTRUMENT: {"columns": "Q3.{item}. Question {item}"}},
        "columns": {"completed_on": "Ended"},
        "date_format": _SMARTSURVEY_DATE_FORMAT,
    }
    return _written(sheet, metadata, grid, mapping)


def _written(
    sheet: Sheet,
    metadata: dict[str, pl.Expr],
    grid: dict[str, pl.Expr],
    mapping: dict[str, Any],
) -> Export:
    wave, spellings = wave_in_words(sheet, freely=True)
    mapping["wave"] = {"column": WAVE_QUESTION, "values": spellings}
    body = metadata | {NUMBER_QUESTION: pl.col("number"), WAVE_QUESTION: wave}
    if sheet.organisation.gives_codes:
        # Whoever asks for a code asks for neither number nor address.
        code = {element.question: pl.col(element.name) for element in ELEMENTS}
        body = metadata | {"Email Address": pl.lit(None, pl.String)} | code | {WAVE_QUESTION: wave}
        del mapping["participant"]
        mapping["code"] = {element.name: element.question for element in ELEMENTS}
    body |= asked_of_some(sheet, mapping, mapping["columns"], ARM_QUESTION)
    frame = with_times(sheet).select(cell.alias(name) for name, cell in (body | grid).items())
    return Export(mapping, delimited([frame.columns], frame), numbered(sheet, 2))
