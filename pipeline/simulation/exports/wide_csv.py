"""Plain CSV with one row an officer and a set of columns a wave."""

from typing import Final

import polars as pl

from pipeline.simulation.exports.answers import as_numbers
from pipeline.simulation.exports.writing import (
    HOME_FORCE,
    Export,
    dated,
    declared,
    delimited,
    home_force,
)
from pipeline.simulation.plan import INSTRUMENT
from pipeline.simulation.records import ITEM_COLUMNS, Sheet
from pipeline.vocabulary import Platform

_WAVE_SUFFIXES: Final = {
    "baseline": "baseline",
    "session_5": "s5",
    "session_7": "s7",
    "session_10": "s10",
    "follow_up_3m": "3m",
    "follow_up_6m": "6m",
    "follow_up_12m": "12m",
}


def write(sheet: Sheet) -> Export:
    """One row an officer; waves side by side, blank where not answered."""
    date_format = "%d/%m/%Y"
    officers = sheet.rows.unique("officer", keep="first", maintain_order=True).sort("officer")
    # An address in a column that nobody asked for, as sheets passed from hand to hand have.
    frame = officers.select(
        "officer",
        pl.col("number").alias("Officer number"),
        *([home_force().alias(HOME_FORCE)] if sheet.organisation.is_unit else []),
        pl.when(pl.col("luck") < 0.3).then(pl.col("email")).alias("Remarks"),
    )
    answers = as_numbers(sheet)
    for wave in sheet.waves:
        suffix = _WAVE_SUFFIXES[wave]
        of_wave = sheet.rows.filter(wave=wave).select(
            "officer",
            dated("completed_on", date_format, "completed_on_not_recognised").alias(
                f"Completed_{suffix}"
            ),
            *(
                answers[item].alias(f"Q{number}_{suffix}")
                for number, item in enumerate(ITEM_COLUMNS, start=1)
            ),
        )
        frame = frame.join(of_wave, on="officer", how="left", maintain_order="left")
    mapping = declared(sheet, Platform.CSV, "Officer number") | {
        "wave": {"suffixes": {_WAVE_SUFFIXES[wave]: wave for wave in sheet.waves}},
        "instruments": {
            INSTRUMENT: {"columns": "Q{item}_{wave}"}
            | ({"offset": 1} if sheet.organisation.counts_from_zero else {})
        },
        "columns": {"completed_on": "Completed_{wave}"},
        "date_format": date_format,
    }
    row_numbers = sheet.rows["officer"].rank("dense").cast(pl.Int64) + 1
    written = frame.drop("officer")
    return Export(mapping, delimited([written.columns], written), row_numbers.alias("row_number"))
