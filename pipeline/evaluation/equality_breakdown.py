"""Levels and changes by characteristics of officers: does the programme reach everybody alike?

What belongs here: one characteristic at a time, over all organisations. What stays out: several at
once, which would leave groups of a few officers, and any claim that a characteristic is the reason.

The mean is that of everybody with a score at the wave, the change that of those who also have one
at the first wave; its interval is that of `cells.cell_interval`. Not to be read as a comparison of
groups: whether two intervals overlap is no test of their difference, and groups sit in different
organisations.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from pipeline import tables
from pipeline.evaluation.begun import notes_of_arms_together
from pipeline.evaluation.cells import ALL, Moments, cell_interval, cells_of, joined_notes
from pipeline.evaluation.panel import (
    MOMENTS,
    Figures,
    Key,
    Panel,
    arms_there,
    cluster_sums,
    moments,
)
from pipeline.programme import Programme

CHARACTERISTICS: Final = ("rank_group", "service_band", "gender", "ethnicity_group")

UNKNOWN: Final = "unknown"
"""Stands for a characteristic that no export said."""

NOTE_FIRST_WAVE: Final = "first wave: no change yet"
NOTE_NO_SD: Final = "one officer at the wave: no SD"
NOTE_NO_CHANGE: Final = "nobody has a score at the first wave too"

_KEY: Final = ("value", "wave", "instrument", "subscale")
Cells = Mapping[Key, dict[str, Any]]


def equality_breakdown(
    of_officers: Panel, participants: pl.DataFrame, programme: Programme
) -> pl.DataFrame:
    """The rows of `tables.EQUALITY_BREAKDOWN`, from the participants that the panel was made of.

    A row for each value of a characteristic, wave, instrument and subscale with a score; values in
    alphabetical order, `unknown` last; all organisations and arms together. The note names arms
    that had not begun by the wave where others had, of the officers with a score at it.
    """
    first, *later = programme.wave_names
    levels: dict[Key, Figures] = {
        (wave, *series): moments(scores[wave])
        for series, scores in of_officers.scores.items()
        for wave in programme.wave_names
    }
    changes: dict[Key, Figures] = {
        (wave, *series): moments(of_officers.change(series, first, wave))
        for series in of_officers.scores
        for wave in later
    }
    rows = []
    for characteristic in CHARACTERISTICS:
        officers = of_officers.officers.with_columns(
            value=participants[characteristic].fill_null(UNKNOWN)
        )
        at_wave, since_first = (_national(officers, values) for values in (levels, changes))
        for key, arms in arms_there(officers, levels, ["value"]).items():
            at_wave[key]["mixed"] = notes_of_arms_together(arms, key[1], programme)
        values = sorted({key[0] for key in at_wave}, key=lambda value: (value == UNKNOWN, value))
        rows += [
            {"characteristic": characteristic, **row}
            for value in values
            for row in _rows(value, list(levels), at_wave, since_first, first)
        ]
    return pl.DataFrame(rows, schema=tables.EQUALITY_BREAKDOWN.frame_schema)


def _national(officers: pl.DataFrame, values: Mapping[Key, Figures]) -> Cells:
    """Cells over all organisations, by value, wave, instrument and subscale."""
    if not values:
        return {}
    found = cells_of(_sums(officers, values), _KEY, MOMENTS, "total", each_arm=False)
    return {
        tuple(cell[name] for name in _KEY): cell for cell in found if cell["organisation"] == ALL
    }


def _sums(officers: pl.DataFrame, values: Mapping[Key, Figures]) -> pl.DataFrame:
    """Sums over clusters as `cells_of` needs them, of session groups only where those matter.

    An interval over several organisations asks for sums of organisations, and a national one has
    thousands of session groups.
    """
    together = officers.with_columns(
        pl.lit(0, officers.schema["cluster"]).alias("cluster"), pl.lit(False).alias("has_group")
    )
    by_organisation = cluster_sums(together, values, _KEY)
    alone = by_organisation.filter(pl.len().over(_KEY) == 1)
    places = alone.select("organisation", "value").unique().with_columns(alone=True)
    is_alone = (
        officers.select("organisation", "value")
        .join(places, on=["organisation", "value"], how="left", maintain_order="left")["alone"]
        .fill_null(False)
    )
    there = {
        key: {name: cells.filter(is_alone) for name, cells in figures.items()}
        for key, figures in values.items()
    }
    by_group = cluster_sums(officers.filter(is_alone), there, _KEY)
    return pl.concat(
        [
            by_organisation.join(alone, on=_KEY, how="anti"),
            by_group.join(alone, on=_KEY, how="semi").select(by_organisation.columns),
        ]
    )


def _rows(
    value: str, keys: list[Key], at_wave: Cells, since_first: Cells, first: str
) -> Iterator[dict[str, Any]]:
    for key in keys:
        cell = at_wave.get((value, *key))
        if cell is None:
            continue
        level = Moments(cell["n"], cell["total"], cell["squares"])
        change, notes = _change(since_first.get((value, *key)), is_first=key[0] == first)
        notes += cell["mixed"]
        if level.sd is None:
            notes = (NOTE_NO_SD, *notes)
        yield {
            **{name: cell[name] for name in _KEY},
            "n": level.n,
            "mean": level.mean,
            "sd": level.sd,
            **change,
            "note": joined_notes(notes),
        }


def _change(
    cell: Mapping[str, Any] | None, *, is_first: bool
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Columns of the change, and what is to be said of it."""
    if cell is None:
        return {"n_change": 0}, (NOTE_FIRST_WAVE if is_first else NOTE_NO_CHANGE,)
    change = Moments(cell["n"], cell["total"], cell["squares"])
    interval = cell_interval(cell, change)
    return {
        "n_change": change.n,
        "mean_change": change.mean,
        **interval.columns,
    }, interval.notes
