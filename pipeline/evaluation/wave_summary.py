"""Scores at each wave: mean, spread, interval and bands of everybody who answered it.

What stays out: change, which is read from the officers who answered twice (`paired_change.py`).
"""

from typing import Any

import polars as pl

from pipeline import tables
from pipeline.evaluation.cells import (
    Moments,
    cell_interval,
    cells,
    joined_notes,
    measurements,
)
from pipeline.programme import Programme
from pipeline.vocabulary import BandLevel

_LEVELS = tuple(f"n_{level}" for level in BandLevel)


def wave_summary(
    scores: pl.DataFrame, participants: pl.DataFrame, programme: Programme
) -> pl.DataFrame:
    """The rows of `tables.WAVE_SUMMARY` from `tables.SCORES` and `tables.PARTICIPANTS` frames.

    One row for each organisation, arm, wave, instrument and subscale that occurs, with totals, in
    the programme's order. An officer counts in the organisation that enrolled them, whoever sent
    the answers. The 95% interval is that of `cells.cell_interval`. Bands of an instrument with more
    than three count by their level. Raises ValueError for a score of nobody enrolled, and for a
    wave, instrument, subscale or band that the programme does not have.
    """
    measured = _with_levels(measurements(scores, participants, programme), programme)
    found = cells(
        measured.with_columns(squares=pl.col("score") ** 2),
        by=("wave", "instrument", "subscale"),
        figures=("score", "squares", *_LEVELS),
        mean_of="score",
    )
    return pl.DataFrame([_summary(cell) for cell in found], schema=tables.WAVE_SUMMARY.frame_schema)


def _with_levels(measured: pl.DataFrame, programme: Programme) -> pl.DataFrame:
    """Adds n_low, n_moderate and n_high, one of them 1 and the others 0."""
    levels = pl.DataFrame(
        [
            (instrument, subscale.subscale, band.band, band.level)
            for instrument in programme.instruments
            for subscale in programme.instrument(instrument).subscales
            for band in programme.instrument(instrument).bands_of(subscale)
        ],
        schema={
            "instrument": measured.schema["instrument"],
            "subscale": measured.schema["subscale"],
            "band": pl.String,
            "level": pl.String,
        },
        orient="row",
    )
    together = measured.join(levels, on=["instrument", "subscale", "band"], how="left")
    if together["level"].has_nulls():
        raise ValueError("scores: a band that the instrument does not have")
    return together.select(
        pl.exclude("band", "level"),
        *((pl.col("level") == level).cast(pl.Int64).alias(f"n_{level}") for level in BandLevel),
    )


def _summary(cell: dict[str, Any]) -> dict[str, Any]:
    moments = Moments(cell["n"], cell["score"], cell["squares"])
    interval = cell_interval(cell, moments)
    key = {name: cell[name] for name in tables.WAVE_SUMMARY.key}
    return {
        **key,
        "n": moments.n,
        "mean": moments.mean,
        "sd": moments.sd,
        **interval.columns,
        **{level: cell[level] for level in _LEVELS},
        "note": joined_notes(interval.notes),
    }
