"""Scores of every officer side by side: what a change, or a move between bands, is read from.

What belongs here: the pairs of waves that are compared, and exact sums of changes over clusters.
What stays out: figures made of them.

A row an officer and a column a wave take a fraction of the time of one row a score: no join is
needed, and a quarter of a million officers are grouped instead of millions of scores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipeline.evaluation.cells import ALL, measurements, placed
from pipeline.programme import Programme

Pair = tuple[str, str]
"""An earlier and a later wave, or an instrument and its subscale."""

Key = tuple[str, ...]

MOMENTS: Final = ("total", "squares")
"""What `cluster_sums` sums: the figures that `cells_of` is asked for."""


_PLACE: Final = ("organisation", "arm", "has_group", "cluster")


def pairs_of_waves(programme: Programme) -> list[Pair]:
    """The first wave with every later one, and the primary contrast's if it starts elsewhere."""
    first, *later = programme.wave_names
    pairs = [(first, wave) for wave in later]
    primary = (programme.primary.from_wave, programme.primary.to_wave)
    return pairs if primary in pairs else [*pairs, primary]


@dataclass(frozen=True, slots=True)
class Panel:
    """Scores and bands of n officers.

    `officers` has a row each with organisation, arm, has_group and cluster (see `cells.placed`).
    `scores` holds by instrument and subscale, in the programme's order, a frame of n rows with a
    column a wave: units of `cells.UNITS_PER_POINT`, NULL where there is no score. `bands` likewise.
    """

    officers: pl.DataFrame
    scores: Mapping[Pair, pl.DataFrame]
    bands: Mapping[Pair, pl.DataFrame]

    def change(self, series: Pair, from_wave: str, to_wave: str) -> pl.Series:
        """Later minus earlier of each officer, NULL where either is missing."""
        scores = self.scores[series]
        return scores[to_wave] - scores[from_wave]


def panel(scores: pl.DataFrame, participants: pl.DataFrame, programme: Programme) -> Panel:
    """The panel of `tables.SCORES` and `tables.PARTICIPANTS` frames; row i is participant i.

    Raises ValueError for a score of nobody enrolled, and for a wave, instrument or subscale that
    the programme does not have.
    """
    measured = measurements(scores, participants, programme)
    of_series = measured.partition_by("instrument", "subscale", as_dict=True)
    everybody = placed(participants.select("participant_id"), participants)
    scored, banded = {}, {}
    for name in programme.instruments:
        instrument = programme.instrument(name)
        for subscale in instrument.subscales:
            rows = of_series.get((name, subscale.subscale))
            if rows is not None:
                bands = pl.Enum([band.band for band in instrument.bands_of(subscale)])
                rows = rows.with_columns(_as_band(rows["band"], bands))
                place = name, subscale.subscale
                scored[place], banded[place] = (
                    _side_by_side(rows, what, programme.wave_names, len(everybody))
                    for what in ("score", "band")
                )
    return Panel(everybody.select(_PLACE), scored, banded)


def cluster_sums(
    officers: pl.DataFrame, values: Mapping[Key, pl.Series], key: Sequence[str]
) -> pl.DataFrame:
    """Sums over the officers of each cluster, as `cells.cells_of` takes them; of all arms together.

    `officers` are rows of `Panel.officers`, with columns of `key` perhaps; `values` hold for the
    rest of `key` a number for each of them, NULL for those who do not count. The figures are those
    of `MOMENTS`.
    """
    given = [name for name in key if name in officers.columns]
    place = ["organisation", "cluster", "has_group", *given]
    frame = officers.select(place).with_columns(
        values_of.alias(str(i)) for i, values_of in enumerate(values.values())
    )
    numbered = pl.col([str(i) for i in range(len(values))])
    sums = frame.group_by(place).agg(
        numbered.count().cast(pl.Int64).name.suffix(" n"),
        numbered.sum().name.suffix(" total"),
        (numbered**2).sum().name.suffix(" squares"),
    )
    arm = pl.lit(ALL, officers.schema["arm"]).alias("arm")
    others = [name for name in key if name not in given]
    return pl.concat(
        sums.select(
            *place,
            arm,
            *(pl.lit(part).alias(name) for name, part in zip(others, parts, strict=True)),
            *(pl.col(f"{i} {figure}").alias(figure) for figure in ("n", *MOMENTS)),
        ).filter(pl.col("n") > 0)
        for i, parts in enumerate(values)
    )


def _as_band(bands: pl.Series, known: pl.Enum) -> pl.Series:
    if not bands.is_in(known.categories.to_list()).all():
        raise ValueError("scores: a band that the instrument does not have")
    return bands.cast(known)


def _side_by_side(
    rows: pl.DataFrame, what: str, waves: Sequence[str], officers: int
) -> pl.DataFrame:
    """A column a wave, of as many rows as there are officers."""
    found = {}
    for wave in waves:
        of_wave = rows.filter(pl.col("wave") == wave)
        nobody = pl.repeat(None, officers, dtype=rows.schema[what], eager=True)
        found[wave] = nobody.scatter(of_wave["officer"], of_wave[what])
    return pl.DataFrame(found)
