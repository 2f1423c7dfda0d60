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

from pipeline.evaluation.cells import ALL, placed, scored
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

    Raises ValueError for a score of nobody enrolled, and for a wave, instrument, subscale or band
    that the programme does not have.
    """
    everybody = placed(participants.select("participant_id"), participants)
    measured = (
        scored(scores, programme)
        .join(everybody.select("participant_id", "officer"), on="participant_id", how="left")
        .drop("participant_id")
    )
    if measured["officer"].has_nulls():
        raise ValueError("scores: of somebody who is not among the participants")
    key = ["instrument", "subscale", "wave"]
    found = measured.partition_by(key, as_dict=True, include_key=False)
    answered = {found_key[:2] for found_key in found}
    scored_by, bands_by = {}, {}
    for name in programme.instruments:
        instrument = programme.instrument(name)
        for subscale in instrument.subscales:
            series = name, subscale.subscale
            if series not in answered:
                continue
            of_waves = {wave: found.get((*series, wave)) for wave in programme.wave_names}
            bands = pl.Enum([band.band for band in instrument.bands_of(subscale)])
            scored_by[series] = _side_by_side(of_waves, "score", pl.Int64(), len(everybody))
            bands_by[series] = _side_by_side(of_waves, "band", bands, len(everybody))
    return Panel(everybody.select(_PLACE), scored_by, bands_by)


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


def arms_there(
    officers: pl.DataFrame, values: Mapping[Key, pl.Series], by: str
) -> Mapping[Key, set[str]]:
    """The arms of the officers who have a value, by their cell of the column `by` and the key."""
    frame = officers.select(by, "arm").with_columns(
        values_of.is_not_null().alias(str(i)) for i, values_of in enumerate(values.values())
    )
    places = frame.group_by(by, "arm").agg(pl.exclude(by, "arm").any())
    found: dict[Key, set[str]] = {}
    for place, arm, *there in places.cast({by: pl.String, "arm": pl.String}).iter_rows():
        for key, is_there in zip(values, there, strict=True):
            if is_there:
                found.setdefault((place, *key), set()).add(arm)
    return found


def _side_by_side(
    of_waves: Mapping[str, pl.DataFrame | None], what: str, dtype: pl.DataType, officers: int
) -> pl.DataFrame:
    """A column a wave, of as many rows as there are officers."""
    columns = {}
    for wave, rows in of_waves.items():
        column = pl.repeat(None, officers, dtype=dtype, eager=True)
        if rows is not None:
            column = column.scatter(rows["officer"], _cast(rows[what], dtype))
        columns[wave] = column
    return pl.DataFrame(columns)


def _cast(cells: pl.Series, dtype: pl.DataType) -> pl.Series:
    found = cells.cast(dtype, strict=False)
    if found.null_count() > 0:
        raise ValueError("scores: a band that the instrument does not have")
    return found
