"""Rows of a questionnaire export -> one row an officer, wave and instrument.

What belongs here: unfolding wide files and files with several instruments, and parsing answers.
What stays out: whether an answer is acceptable.
"""

from collections import Counter
from collections.abc import Callable

import polars as pl

from pipeline.programme import Programme
from pipeline.reading import cells, characteristics
from pipeline.reading.fields import Field, select_fields
from pipeline.reading.mapping import Mapping
from pipeline.reference import Instrument
from pipeline.vocabulary import Kind

_TYPES: dict[str, pl.DataType] = {
    "completed_on": pl.Date(),
    "duration_seconds": pl.Int32(),
    "arm": pl.String(),
    "gender": pl.String(),
}
_FACTS: dict[str, pl.DataType] = {
    "rank_group": pl.String(),
    "service_band": pl.String(),
    "ethnicity_group": pl.String(),
}
"""What is known of an officer beside a code; without a code the roster says it."""


def columns(mapping: Mapping, programme: Programme) -> list[str]:
    """Every column that a mapping of any kind names beside the participant's identity."""
    wanted = [mapping.wave.column] if mapping.wave and mapping.wave.column else []
    for suffix in mapping.suffixes:
        for name in mapping.instruments:
            wanted += _item_columns(mapping, programme.instrument(name), suffix)
        named = (*mapping.columns.values(), *mapping.comments.values())
        wanted += [column.replace("{wave}", suffix) for column in named]
    return wanted


def numeric_columns(mapping: Mapping, programme: Programme) -> set[str]:
    """The columns that hold answers in numbers and nothing else that the mapping names."""
    return _columns_of_answers(mapping, programme, "numeric")


def labelled_columns(mapping: Mapping, programme: Programme) -> set[str]:
    """The columns that hold answers in words and nothing else that the mapping names."""
    return _columns_of_answers(mapping, programme, "labels")


def _columns_of_answers(mapping: Mapping, programme: Programme, coding: str) -> set[str]:
    named = Counter(columns(mapping, programme))
    return {
        column
        for suffix in mapping.suffixes
        for name, answers in mapping.instruments.items()
        if answers.coding == coding
        for column in _item_columns(mapping, programme.instrument(name), suffix)
        if named[column] == 1
    }


def blocks(
    rows: pl.DataFrame, mapping: Mapping, programme: Programme
) -> list[tuple[Instrument, pl.DataFrame]]:
    """A frame an instrument, with `wave`, `instrument` and Int16 columns `item_1`, `item_2`, …

    A row of the file gives a row for each wave and instrument that it answers at all. A row that
    answers none stays as one row of the first, so that it is judged and counted.
    """
    found: dict[str, list[pl.DataFrame]] = {name: [] for name in mapping.instruments}
    answered_anywhere = pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True)
    first: pl.DataFrame | None = None
    for suffix in mapping.suffixes:
        for name in mapping.instruments:
            block = _block(rows, mapping, programme.instrument(name), programme, suffix)
            answered = _answered(block)
            found[name].append(block if answered.all() else block.filter(answered))
            answered_anywhere |= answered
            first = block if first is None else first
    if first is not None and not answered_anywhere.all():
        next(iter(found.values())).append(first.filter(~answered_anywhere))
    return [(programme.instrument(name), _in_order(parts)) for name, parts in found.items()]


def _answered(block: pl.DataFrame) -> pl.Series:
    """Whether each row answers any item."""
    items = [name for name in block.columns if name.startswith("item_")]
    answered = block[items[0]].is_not_null()
    # Hardly anybody leaves the first item out, so the others are looked at for those alone.
    left_out = (~answered).arg_true()
    others = block[left_out].select(pl.any_horizontal(pl.col(items).is_not_null())).to_series()
    return answered.scatter(left_out.filter(others), True)


def _in_order(parts: list[pl.DataFrame]) -> pl.DataFrame:
    if len(parts) == 1:
        return parts[0]
    return pl.concat(parts).sort("row_number", maintain_order=True)


def _item_columns(mapping: Mapping, instrument: Instrument, suffix: str) -> list[str]:
    columns = mapping.instruments[instrument.instrument].item_columns(instrument.items)
    return [column.replace("{wave}", suffix) for column in columns]


def _block(
    rows: pl.DataFrame,
    mapping: Mapping,
    instrument: Instrument,
    programme: Programme,
    suffix: str,
) -> pl.DataFrame:
    coding = mapping.instruments[instrument.instrument]
    items = rows.select(
        pl.col(column).alias(f"item_{number}")
        for number, column in enumerate(_item_columns(mapping, instrument, suffix), start=1)
    )
    return select_fields(
        rows,
        _fields(mapping, programme, suffix),
        _TYPES | (_FACTS if mapping.code else {}),
        wave_of(mapping, programme, suffix).alias("wave"),
        pl.lit(instrument.instrument).alias("instrument"),
        *cells.answers(items, coding, instrument, missing=mapping.missing_everywhere),
    )


def wave_of(mapping: Mapping, programme: Programme, suffix: str) -> pl.Expr:
    """The wave of each row of a file; in a wide one of the columns that `suffix` stands for."""
    if mapping.wave is None:
        raise ValueError(f"a mapping of kind {Kind.QUESTIONNAIRE} has a wave")
    if mapping.wave.column:
        waves = {wave.lower(): wave for wave in programme.wave_names}
        waves |= {cells.tidy(spelling): name for spelling, name in mapping.wave.values.items()}
        return cells.translated(mapping.wave.column, waves)
    if mapping.wave.windows:
        day = cells.as_day(mapping.columns["completed_on"], mapping.date_format)
        return pl.coalesce(
            pl.when(day.is_between(window.first_day, window.last_day)).then(pl.lit(wave))
            for wave, window in mapping.wave.windows.items()
        )
    return pl.lit(mapping.wave.constant or mapping.wave.suffixes[suffix])


def _fields(mapping: Mapping, programme: Programme, suffix: str) -> list[Field]:
    parsers: dict[str, Callable[[str], pl.Expr]] = {
        "completed_on": lambda column: cells.as_day(column, mapping.date_format),
        "arm": lambda column: cells.arm(column, mapping, programme),
        "gender": lambda column: characteristics.gender(column, mapping),
        "duration_seconds": cells.as_seconds,
        "rank": lambda column: characteristics.rank(column, mapping),
        "service_years": lambda column: characteristics.service_band(column, mapping),
        "ethnicity": lambda column: characteristics.ethnicity(column, mapping),
    }
    called = {
        "rank": "rank_group",
        "service_years": "service_band",
        "ethnicity": "ethnicity_group",
    }
    fields = []
    for name, pattern in mapping.columns.items():
        column = pattern.replace("{wave}", suffix)
        fields.append(Field(called.get(name, name), name, column, parsers[name](column)))
    return fields
