"""Qualtrics: three header records, every metadata column, numbers or choice text."""

from typing import Final

import polars as pl

from pipeline.simulation import identities
from pipeline.simulation.exports.answers import as_labels, as_numbers, question, wave_in_words
from pipeline.simulation.exports.comments import COMMENT_QUESTION, commented
from pipeline.simulation.exports.writing import (
    Export,
    asked_of_some,
    dated,
    declared,
    delimited,
    numbered,
    timed,
    with_times,
)
from pipeline.simulation.plan import INSTRUMENT, Layout
from pipeline.simulation.records import ITEM_COLUMNS, Sheet
from pipeline.vocabulary import Platform

_COMMENT: Final = "Q40"

_QUALTRICS_METADATA: Final = {
    "StartDate": "Start Date",
    "EndDate": "End Date",
    "Status": "Response Type",
    "IPAddress": "IP Address",
    "Progress": "Progress",
    "Duration (in seconds)": "Duration (in seconds)",
    "Finished": "Finished",
    "RecordedDate": "Recorded Date",
    "ResponseId": "Response ID",
    "RecipientLastName": "Recipient Last Name",
    "RecipientFirstName": "Recipient First Name",
    "RecipientEmail": "Recipient Email",
    "ExternalReference": "External Data Reference",
    "LocationLatitude": "Location Latitude",
    "LocationLongitude": "Location Longitude",
    "DistributionChannel": "Distribution Channel",
    "UserLanguage": "User Language",
}


def write(sheet: Sheet, seed: int) -> Export:
    labels = sheet.layout == Layout.QUALTRICS_LABELS
    date_format = "%d/%m/%Y %H:%M" if labels else "%Y-%m-%d %H:%M:%S"
    serials = sheet.rows.select(
        pl.col("officer") * 16 + pl.col("wave_place") * 2 + (pl.col("place") % 1 > 0)
    )
    rows = with_times(sheet).with_columns(
        identities.response_numbers(seed, serials.to_series().to_numpy()).alias("response")
    )
    preview = pl.col("is_preview")
    ordinary, previewed = ("IP Address", "Survey Preview") if labels else ("0", "1")
    metadata = {
        "StartDate": pl.col("began").dt.to_string(date_format),
        "EndDate": pl.col("ended").dt.to_string(date_format),
        "Status": pl.when(preview).then(pl.lit(previewed)).otherwise(pl.lit(ordinary)),
        "IPAddress": pl.col("ip"),
        "Progress": pl.lit(100),
        "Duration (in seconds)": timed(pl.col("duration_seconds"), "duration_not_recognised"),
        "Finished": pl.lit("True" if labels else "1"),
        "RecordedDate": dated("ended", date_format, "completed_on_not_recognised"),
        "ResponseId": pl.col("response"),
        "RecipientLastName": pl.col("family"),
        "RecipientFirstName": pl.col("given"),
        "RecipientEmail": pl.col("email"),
        "ExternalReference": pl.col("number"),
        # Somewhere in the North Sea.
        "LocationLatitude": (56 + pl.col("luck")).round(4),
        "LocationLongitude": (2 + pl.col("luck")).round(4),
        "DistributionChannel": pl.when(preview).then(pl.lit("preview")).otherwise(pl.lit("email")),
        "UserLanguage": pl.lit("EN-GB"),
    }
    answers = as_labels() if labels else as_numbers(sheet)
    body = metadata | {
        f"Q4_{number}": answers[item] for number, item in enumerate(ITEM_COLUMNS, start=1)
    }
    # A question's text may run over lines; the record is still one row.
    texts = dict(_QUALTRICS_METADATA) | {
        f"Q4_{number}": f"Please choose one answer in each row.\n - {question(number)}"
        for number in range(1, len(ITEM_COLUMNS) + 1)
    }
    mapping = declared(sheet, Platform.QUALTRICS, "ExternalReference")
    columns = {
        "completed_on": "RecordedDate",
        "duration_seconds": "Duration (in seconds)",
    }
    if labels:
        body |= commented(mapping, _COMMENT)
        texts[_COMMENT] = COMMENT_QUESTION
        body["Wave"], spellings = wave_in_words(sheet, freely=False)
        mapping["wave"] = {"column": "Wave", "values": spellings}
    else:
        mapping["wave"] = {"constant": sheet.waves[0]}
    body |= asked_of_some(sheet, mapping, columns, "Allocation")
    mapping |= {
        "instruments": {
            INSTRUMENT: {"columns": "Q4_{item}", "coding": "labels" if labels else "numeric"}
            | ({"offset": 1} if sheet.organisation.counts_from_zero and not labels else {})
        },
        "columns": columns,
        "date_format": date_format,
    }
    frame = rows.select(expression.alias(name) for name, expression in body.items())
    import_ids = [f'{{"ImportId":"{_import_id(name)}"}}' for name in frame.columns]
    headers = [frame.columns, [texts.get(name, name) for name in frame.columns], import_ids]
    return Export(mapping, delimited(headers, frame), numbered(sheet, len(headers) + 1))


def _import_id(column: str) -> str:
    if column.startswith("Q"):
        return f"QID{column[1:]}"
    return column[:1].lower() + column[1:].replace(" (in seconds)", "").replace(" ", "_")
