"""REDCap: a row for each record and event, raw codes; the officer stands on a record's first row.

Rows that are wrong are records of their own: what a record says once would mend them otherwise.
"""

import polars as pl

from pipeline.simulation.exports.answers import as_numbers
from pipeline.simulation.exports.writing import (
    Export,
    asked_of_some,
    dated,
    declared,
    delimited,
    with_times,
)
from pipeline.simulation.plan import INSTRUMENT
from pipeline.simulation.records import ITEM_COLUMNS, Sheet
from pipeline.vocabulary import Platform

_DATE_FORMAT = "%Y-%m-%d %H:%M:%S"


def write(sheet: Sheet) -> Export:
    sound = pl.col("fault").is_null()
    record = pl.when(sound).then(pl.format("R{}", "officer")).otherwise(pl.format("S{}", "written"))
    rows = (
        with_times(sheet)
        .with_row_index("written")
        .with_columns(record.alias("record"))
        # As REDCap writes it: a record's events one below the other.
        .sort(pl.col("written").min().over("record"), "wave_place", "written")
        .with_columns((pl.int_range(pl.len()).over("record") == 0).alias("first"))
    )

    def once(cell: pl.Expr) -> pl.Expr:
        return pl.when("first").then(cell)

    events = {wave: f"{wave}_arm_1" for wave in sheet.waves}
    body = {
        "record_id": pl.col("record"),
        "redcap_event_name": pl.col("wave").replace(events),
        "redcap_survey_identifier": once(pl.col("email")),
        "officer_number": once(pl.col("number")),
        "full_name": once(pl.col("name")),
    }
    mapping = declared(sheet, Platform.REDCAP, "officer_number", force="home_force")
    columns = {"completed_on": f"{INSTRUMENT}_timestamp"}
    asked = asked_of_some(sheet, mapping, columns, "arm")
    body |= {name: once(cell) if name == "home_force" else cell for name, cell in asked.items()}
    answers = as_numbers(sheet)
    ended = dated("ended", _DATE_FORMAT, "completed_on_not_recognised")
    body |= {
        f"{INSTRUMENT}_timestamp": ended,
        **{f"pq_{place}": answers[item] for place, item in enumerate(ITEM_COLUMNS, start=1)},
        f"{INSTRUMENT}_complete": pl.lit(2),
    }
    mapping |= {
        "wave": {"column": "redcap_event_name", "values": {e: wave for wave, e in events.items()}},
        "instruments": {INSTRUMENT: {"columns": "pq_{item}"}},
        "columns": columns,
        "date_format": _DATE_FORMAT,
    }
    frame = rows.select(cell.alias(name) for name, cell in body.items())
    places = rows.with_row_index("row_number", offset=2).sort("written")["row_number"]
    return Export(mapping, delimited([frame.columns], frame), places.cast(pl.Int64))
