"""SPSS: variables with value labels, and 99 declared as missing where an item was not answered."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipeline.simulation.exports.answers import ANCHORS
from pipeline.simulation.exports.writing import (
    Export,
    asked_of_some,
    dated,
    declared,
    numbered,
    with_times,
)
from pipeline.simulation.plan import INSTRUMENT
from pipeline.simulation.records import ITEM_COLUMNS, Sheet
from pipeline.vocabulary import Platform

_MISSING: Final = 99.0
_DATE_FORMAT: Final = "%d-%b-%Y"
_CREATED: Final = slice(92, 109)
"""Where an SPSS file says when it was made: `25 Nov 26` and `14:05:12`."""


def write(sheet: Sheet, as_of: date) -> Export:
    codes = {wave: float(place) for place, wave in enumerate(sheet.waves, start=1)}
    items = {f"pq_{place}": item for place, item in enumerate(ITEM_COLUMNS, start=1)}
    body = {
        "officer": pl.col("number").fill_null(""),
        "e_mail": pl.col("email"),
        "wave": pl.col("wave").replace_strict(codes, return_dtype=pl.Float64),
        "completed": dated("ended", _DATE_FORMAT, "completed_on_not_recognised"),
        **{name: pl.col(item).cast(pl.Float64).fill_null(_MISSING) for name, item in items.items()},
    }
    mapping = declared(sheet, Platform.SPSS, "officer", force="force")
    columns = {"completed_on": "completed"}
    body |= asked_of_some(sheet, mapping, columns, "arm")
    labels = {wave: _label(wave) for wave in sheet.waves}
    mapping |= {
        "wave": {"column": "wave", "values": {label: wave for wave, label in labels.items()}},
        "instruments": {INSTRUMENT: {"columns": "pq_{item}"}},
        "columns": columns,
        "date_format": _DATE_FORMAT,
    }
    frame = with_times(sheet).select(cell.alias(name) for name, cell in body.items())
    anchors = {float(answer): anchor for answer, anchor in enumerate(ANCHORS, start=1)}
    content = _file(
        frame,
        {
            "wave": {code: labels[wave] for wave, code in codes.items()},
            **dict.fromkeys(items, anchors),
        },
        {name: [_MISSING] for name in items},
        as_of,
    )
    return Export(mapping, content, numbered(sheet, 2))


def _label(wave: str) -> str:
    return wave.replace("_", " ").capitalize()


def _file(
    frame: pl.DataFrame,
    value_labels: dict[str, dict[float, str]],
    missing: dict[str, list[Any]],
    created: date,
) -> bytes:
    # Imported only where such a file is written: it takes a third of a second.
    import pyreadstat  # noqa: PLC0415

    # The library writes to a path and nowhere else; what it writes is invented.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.sav"
        pyreadstat.write_sav(
            frame, str(path), variable_value_labels=value_labels, missing_ranges=missing
        )
        content = bytearray(path.read_bytes())
    content[_CREATED] = f"{created:%d %b %y}00:00:00".encode("ascii")
    return bytes(content)
