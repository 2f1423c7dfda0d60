"""From which band to which officers moved between two waves.

What belongs here: counts of officers who answered both waves. What stays out: whether a move is
more than measurement error, which `paired_change` counts as reliable change: a score of 22 that
becomes 23 changes its band. Not to be read as a chain: who moved between two pairs of waves is not
the same officers.
"""

from typing import Final

import polars as pl

from pipeline import tables
from pipeline.evaluation.cells import as_total
from pipeline.evaluation.panel import Pair, Panel, pairs_of_waves
from pipeline.programme import Programme

FEWEST_OFFICERS: Final = 10
NOTE_FEW: Final = "fewer than ten officers in the earlier band: shares say little"

_MOVE: Final = ("organisation", "from_band", "to_band")


def band_transitions(of_officers: Panel, programme: Programme) -> pl.DataFrame:
    """The rows of `tables.BAND_TRANSITIONS`, for the pairs of waves of `paired_change`.

    A row for each move that occurs, by organisation, totals last; bands from low to high. All arms
    together.
    """
    moves = [
        _moves(of_officers, series, waves)
        for waves in pairs_of_waves(programme)
        for series in of_officers.bands
    ]
    if not moves:
        return tables.BAND_TRANSITIONS.empty()
    return (
        pl.concat(moves)
        .sort("organisation", maintain_order=True)
        .select(tables.BAND_TRANSITIONS.frame_schema.names())
    )


def _moves(of_officers: Panel, series: Pair, waves: Pair) -> pl.DataFrame:
    bands, (from_wave, to_wave) = of_officers.bands[series], waves
    both = of_officers.officers.select(
        "organisation", from_band=bands[from_wave], to_band=bands[to_wave]
    ).drop_nulls()
    within = both.group_by(_MOVE).agg(pl.len().alias("n"))
    counted = (
        pl.concat([within, as_total(within, "organisation")])
        .group_by(_MOVE)
        .agg(pl.col("n").sum())
        .sort(_MOVE)
        .with_columns(n_from=pl.col("n").sum().over("organisation", "from_band"))
    )
    few = pl.when(pl.col("n_from") < FEWEST_OFFICERS).then(pl.lit(NOTE_FEW))
    return counted.with_columns(
        pl.col("from_band", "to_band").cast(pl.String),
        from_wave=pl.lit(from_wave),
        to_wave=pl.lit(to_wave),
        instrument=pl.lit(series[0]),
        subscale=pl.lit(series[1]),
        note=few,
    )
