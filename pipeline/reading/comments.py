"""Free text that a mapping names, and the columns of its file that say who people are.

What belongs here: taking both out of the rows of a questionnaire, in memory. What stays out:
covering what identifies (`pipeline/privacy/free_text.py`); no text is written before that.
"""

import re
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from pipeline.programme import Programme
from pipeline.reading import cells
from pipeline.reading.fields import ours
from pipeline.reading.mapping import Mapping
from pipeline.reading.questionnaires import wave_of
from pipeline.reading.table import Table

TEXTS: Final = pl.Schema(
    {
        "row_number": pl.Int32(),
        "wave": pl.String(),
        "completed_on": pl.Date(),
        "question": pl.String(),
        "text": pl.String(),
    }
)
"""One row for each text that somebody wrote, as they wrote it. A text on the whole row of a wide
file has no wave."""

_OF_PEOPLE: Final = re.compile(
    r"\b(?:name|surname|forename|e-?mail|phone|mobile|address|postcode|birth|dob|user ?name|"
    r"collar|warrant|shoulder|(?:officer|staff|employee|payroll|personnel) ?(?:number|no|id)|"
    r"(?:line )?manager|supervisor|facilitator)\b"
)
_OF_PLACES: Final = re.compile(
    r"\b(?:force|organi[sz]ation|company|unit|team|department|station|group|session|course)\b"
)
_OF_MACHINES: Final = re.compile(
    r"^(?:user ?no|i\.?p\.? ?address|.*latitude|.*longitude|(?:response|respondent) ?id)$"
)
"""Columns that the platform fills: nobody writes of themselves in such words, numbers that count
responses are met in every text, and an IP address is known by its form."""


@dataclass(frozen=True, slots=True)
class Comments:
    """Texts as they were written (TEXTS), and what the file's columns say of people."""

    texts: pl.DataFrame = field(repr=False)
    people: tuple[tuple[str, tuple[str, ...]], ...] = field(repr=False)
    """Heading and different cells, in any order, of each column that identifies somebody."""


def comments_in(
    rows: pl.DataFrame, body: pl.DataFrame, table: Table, mapping: Mapping, programme: Programme
) -> Comments:
    """What the mapping's `comments` hold.

    `rows` has the columns that the mapping names and whose each row is; `body` is the table's.
    """
    day = mapping.columns.get("completed_on")
    parts = []
    for place, suffix in enumerate(mapping.suffixes):
        for question, pattern in mapping.comments.items():
            of_a_wave = "{wave}" in pattern or not (mapping.wave and mapping.wave.suffixes)
            if not of_a_wave and place:
                continue
            wave = wave_of(mapping, programme, suffix) if of_a_wave else pl.lit(None, pl.String)
            day_column = day.replace("{wave}", suffix) if day and of_a_wave else None
            parts.append(
                rows.select(
                    pl.col(ours("row_number")).alias("row_number"),
                    wave.alias("wave"),
                    (
                        cells.as_day(day_column, mapping.date_format)
                        if day_column
                        else pl.lit(None, pl.Date)
                    ).alias("completed_on"),
                    pl.lit(question).alias("question"),
                    pl.col(pattern.replace("{wave}", suffix)).cast(pl.String).alias("text"),
                ).drop_nulls("text")
            )
    texts = pl.concat([TEXTS.to_frame(), *(part.cast(TEXTS) for part in parts)])
    if texts.is_empty():
        return Comments(texts, ())
    # Joined, since a number may stand in several columns.
    numbers = rows[ours("identifier")].drop_nulls().unique()
    return Comments(
        texts.sort("row_number", maintain_order=True),
        (("participant", tuple(numbers.to_list())), *_people(body, table, mapping)),
    )


def _people(
    body: pl.DataFrame, table: Table, mapping: Mapping
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Every column that the platform or its heading says identifies somebody, named or left out."""
    texts = {
        pattern.replace("{wave}", suffix)
        for pattern in mapping.comments.values()
        for suffix in mapping.suffixes
    }
    named = {*table.left_out(set()), *table.columns_behind(mapping.participants)}
    fields = dict(zip(table.columns, table.records.fields, strict=True))
    found = []
    for place, (column, stands_in) in enumerate(fields.items(), start=1):
        heading = column.casefold()
        if _OF_MACHINES.search(heading) or {column, f"#{place}"} & texts:
            continue
        by_place = f"#{place}" in mapping.participants
        if (
            column in named
            or by_place
            or (_OF_PEOPLE.search(heading) and not _OF_PLACES.search(heading))
        ):
            every = body[stands_in].cast(pl.String).str.strip_chars().drop_nulls().unique()
            found.append((column, tuple(every.to_list())))
    return tuple(found)
