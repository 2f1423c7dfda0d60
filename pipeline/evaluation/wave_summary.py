"""Scores at each wave: mean, spread, interval and bands of everybody who answered it.

What stays out: change, which is read from the officers who answered twice (`paired_change.py`).
"""

from typing import Any, Final

import polars as pl

from pipeline import tables
from pipeline.evaluation.cells import Moments, cell_interval, cells_of, joined_notes
from pipeline.evaluation.panel import MOMENTS, Figures, Key, Pair, Panel, cluster_sums, moments
from pipeline.programme import Programme
from pipeline.vocabulary import BandLevel

_LEVELS: Final = tuple(f"n_{level}" for level in BandLevel)
_KEY: Final = ("wave", "instrument", "subscale")


def wave_summary(of_officers: Panel, programme: Programme) -> pl.DataFrame:
    """The rows of `tables.WAVE_SUMMARY`.

    One row for each organisation, arm, wave, instrument and subscale that occurs, with totals, in
    the programme's order. An officer counts in the organisation that enrolled them, whoever sent
    the answers. The 95% interval is that of `cells.cell_interval`. Bands of an instrument with more
    than three count by their level.
    """
    figures: dict[Key, Figures] = {
        (wave, *series): {
            **moments(scores[wave]),
            **_levels(of_officers.bands[series][wave], series, programme),
        }
        for wave in programme.wave_names
        for series, scores in of_officers.scores.items()
    }
    if not figures:
        return tables.WAVE_SUMMARY.empty()
    sums = cluster_sums(of_officers.officers, figures, _KEY, each_arm=True)
    found = cells_of(sums, _KEY, (*MOMENTS, *_LEVELS), "total")
    return pl.DataFrame([_summary(cell) for cell in found], schema=tables.WAVE_SUMMARY.frame_schema)


def _levels(bands: pl.Series, series: Pair, programme: Programme) -> Figures:
    """Of each level, whether an officer's band is of it."""
    name, subscale = series
    instrument = programme.instrument(name)
    levels = {
        band.band: band.level for band in instrument.bands_of(instrument.by_subscale[subscale])
    }
    return {
        f"n_{level}": bands.is_in([band for band, of_band in levels.items() if of_band == level])
        for level in BandLevel
    }


def _summary(cell: dict[str, Any]) -> dict[str, Any]:
    level = Moments(cell["n"], cell["total"], cell["squares"])
    interval = cell_interval(cell, level)
    key = {name: cell[name] for name in tables.WAVE_SUMMARY.key}
    return {
        **key,
        "n": level.n,
        "mean": level.mean,
        "sd": level.sd,
        **interval.columns,
        **{name: cell[name] for name in _LEVELS},
        "note": joined_notes(interval.notes),
    }
