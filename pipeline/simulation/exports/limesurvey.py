"""LimeSurvey: question codes for headings, answer codes for answers, semicolons between cells."""

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

_DATE_FORMAT: Final = "%Y-%m-%d %H:%M:%S"


def write(sheet: Sheet) -> Export:
    wave, spellings = wave_in_words(sheet, freely=False)
    answers = {item: _code(cell) for item, cell in as_numbers(sheet).items()}
    body = {
        "id": 1 + pl.int_range(pl.len()),
        "submitdate": dated("ended", _DATE_FORMAT, "completed_on_not_recognised"),
        "lastpage": pl.lit(3),
        "startlanguage": pl.lit("en"),
        "seed": (pl.col("luck") * 2_000_000_000).cast(pl.Int64),
        "startdate": pl.col("began").dt.to_string(_DATE_FORMAT),
        "datestamp": pl.col("ended").dt.to_string(_DATE_FORMAT),
        "ipaddr": pl.col("ip"),
        "token": pl.format("{}{}", "given", "officer"),
        "officer": pl.col("number"),
        "wave": wave,
    }
    mapping = declared(sheet, Platform.LIMESURVEY, "officer", force="force")
    columns = {"completed_on": "submitdate"}
    body |= asked_of_some(sheet, mapping, columns, "arm")
    body |= {f"PQ[SQ{place:03}]": answers[item] for place, item in enumerate(ITEM_COLUMNS, start=1)}
    mapping |= {
        "wave": {"column": "wave", "values": spellings},
        "instruments": {
            INSTRUMENT: {
                "columns": "PQ[#{item}]",
                "coding": "labels",
                "labels": {f"A{answer}": answer for answer in range(1, 6)},
            }
        },
        "columns": columns,
        "date_format": _DATE_FORMAT,
    }
    frame = with_times(sheet).select(cell.alias(name) for name, cell in body.items())
    return Export(mapping, delimited([frame.columns], frame, separator=";"), numbered(sheet, 2))


def _code(answer: pl.Expr) -> pl.Expr:
    """`A3` for 3; what is no number stays as it is."""
    return answer.cast(pl.String).str.replace(r"^(\d+)$", "A$1")
