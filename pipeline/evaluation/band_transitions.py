"""From which band to which officers moved between two waves.

What belongs here: counts of officers who answered both waves. What stays out: whether a move is
more than measurement error, which `paired_change` counts as reliable change: a score of 22 that
becomes 23 changes its band. Not to be read as a chain: who moved between two pairs of waves is not
the same officers.
"""

from typing import Final

import polars as pl

from pipeline import tables
from pipeline.evaluation.begun import notes_of_arms_together
from pipeline.evaluation.cells import as_total, joined_notes
from pipeline.evaluation.panel import Pair, Panel, pairs_of_waves
from pipeline.programme import Programme

FEWEST_OFFICERS: Final = 10
NOTE_FEW: Final = "fewer than ten officers in the earlier band: shares say little"

_MOVE: Final = ("organisation", "from_band", "to_band")


def band_transitions(of_officers: Panel, programme: Programme) -> pl.DataFrame:
    """The rows of `tables.BAND_TRANSITIONS`, for the pairs of waves of `paired_change`.

    A row for each move that occurs, by organisation, totals last; bands from low to high. All arms
    together; the note names those that had not begun by the later wave where others had.
    """
    moves = [
        _moves(of_officers, series, waves, programme)
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


def _moves(of_officers: Panel, series: Pair, waves: Pair, programme: Programme) -> pl.DataFrame:
    bands, (from_wave, to_wave) = of_officers.bands[series], waves
    both = of_officers.officers.select(
        "organisation", "arm", from_band=bands[from_wave], to_band=bands[to_wave]
    ).drop_nulls()
    within = both.group_by(_MOVE).agg(pl.len().alias("n"))
    mixed = _notes_of_arms(both, to_wave, programme)
    counted = (
        pl.concat([within, as_total(within, "organisation")])
        .group_by(_MOVE)
        .agg(pl.col("n").sum())
        .sort(_MOVE)
        .with_columns(n_from=pl.col("n").sum().over("organisation", "from_band"))
        .join(mixed, on="organisation", how="left", maintain_order="left")
    )
    few = pl.when(pl.col("n_from") < FEWEST_OFFICERS).then(pl.lit(NOTE_FEW))
    return counted.with_columns(
        pl.col("from_band", "to_band").cast(pl.String),
        from_wave=pl.lit(from_wave),
        to_wave=pl.lit(to_wave),
        instrument=pl.lit(series[0]),
        subscale=pl.lit(series[1]),
        note=pl.concat_list(few, "mixed").list.drop_nulls().list.join("; ").replace("", None),
    )


def _notes_of_arms(both: pl.DataFrame, to_wave: str, programme: Programme) -> pl.DataFrame:
    """What is to be said of each organisation and of the total: columns organisation and mixed."""
    organisations = both.schema["organisation"]
    there = both.select("organisation", pl.col("arm").cast(pl.String)).unique()
    arms = (
        pl.concat([there, as_total(there, "organisation")])
        .group_by("organisation")
        .agg(pl.col("arm").unique())
    )
    said = [
        joined_notes(notes_of_arms_together(of_place, to_wave, programme))
        for of_place in arms["arm"].to_list()
    ]
    return arms.select(
        pl.col("organisation").cast(organisations), pl.Series("mixed", said, pl.String)
    )
