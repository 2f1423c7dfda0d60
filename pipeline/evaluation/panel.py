"""Scores of every officer side by side: what levels, changes and moves between bands come from.

What belongs here: the pairs of waves that are compared, and exact sums of figures over clusters.
What stays out: what is said of them.

A row an officer and a column a wave take a fraction of the time of one row a score: no join is
needed, and a quarter of a million officers are grouped instead of millions of scores.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.evaluation.cells import ALL, placed, scored
from pipeline.programme import Programme

Pair = tuple[str, str]
"""An earlier and a later wave, or an instrument and its subscale."""

Key = tuple[str, ...]

Figures = Mapping[str, pl.Series]
"""Whole numbers of n officers, to be summed; the first is NULL for those who do not count."""

MOMENTS: Final = ("total", "squares")
"""The figures of `moments`: what `cells_of` is asked for where a mean is wanted."""

_PLACE: Final = ("organisation", "arm", "has_group", "cluster")

_NO_SCORE: Final = np.iinfo(np.int64).min


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
    measured = scored(scores, programme).join(
        everybody.select("participant_id", "officer"), on="participant_id", how="left"
    )
    if measured["officer"].has_nulls():
        raise ValueError("scores: of somebody who is not among the participants")
    if measured["band"].has_nulls():
        raise ValueError("scores: a score without a band")
    bands = _bands(programme)
    any_band = pl.Enum(list(dict.fromkeys(band for own in bands.values() for band in own)))
    columns = _Columns.of(measured, len(everybody))
    score_of = columns.filled(measured["score"])
    band_of = columns.filled(_named(measured["band"], any_band).to_physical())
    answered = {key[:2] for key in score_of}
    nobody = pl.repeat(None, len(everybody), dtype=pl.Int64, eager=True)

    def of_waves(found: Mapping[Key, pl.Series], series: Pair) -> dict[str, pl.Series]:
        return {wave: found.get((*series, wave), nobody) for wave in programme.wave_names}

    scored_by, bands_by = {}, {}
    for series, own in bands.items():
        if series not in answered:
            continue
        scored_by[series] = pl.DataFrame(of_waves(score_of, series))
        words = any_band.categories
        bands_by[series] = pl.DataFrame(
            {
                wave: _named(words.gather(numbers), pl.Enum(own))
                for wave, numbers in of_waves(band_of, series).items()
            }
        )
    return Panel(everybody.select(_PLACE), scored_by, bands_by)


def moments(values: pl.Series) -> Figures:
    """What `cells.Moments` needs beside n."""
    return dict(zip(MOMENTS, (values, values**2), strict=True))


def cluster_sums(
    officers: pl.DataFrame,
    figures: Mapping[Key, Figures],
    key: Sequence[str],
    *,
    each_arm: bool = False,
) -> pl.DataFrame:
    """Sums over the officers of each cluster, as `cells.cells_of` takes them.

    `officers` are rows of `Panel.officers`, with columns of `key` perhaps; `figures` hold for the
    rest of `key` a number for each of them. All arms are together unless `each_arm`. Cells of the
    sums come in the order of `figures`.
    """
    if not figures:
        raise ValueError("nothing to sum")
    given = [name for name in key if name in officers.columns]
    others = [name for name in key if name not in given]
    place = ["organisation", *(["arm"] if each_arm else []), "cluster", "has_group", *given]
    frame = officers.select(place).with_columns(
        cells.alias(f"{i} {name}")
        for i, summed in enumerate(figures.values())
        for name, cells in summed.items()
    )
    sums = frame.group_by(place).agg(
        *(
            pl.col(f"{i} {next(iter(summed))}").count().cast(pl.Int64).alias(f"{i} n")
            for i, summed in enumerate(figures.values())
        ),
        pl.exclude(place).sum().cast(pl.Int64),
    )
    orders = [pl.Enum(list(dict.fromkeys(parts))) for parts in zip(*figures, strict=True)]
    arm = pl.col("arm") if each_arm else pl.lit(ALL, officers.schema["arm"]).alias("arm")
    return pl.concat(
        sums.filter(pl.col(f"{i} n") > 0).select(
            "organisation",
            arm,
            "cluster",
            "has_group",
            *given,
            *(
                pl.lit(part, order).alias(name)
                for name, part, order in zip(others, parts, orders, strict=True)
            ),
            *(pl.col(f"{i} {name}").alias(name) for name in ("n", *summed)),
        )
        for i, (parts, summed) in enumerate(figures.items())
    )


def arms_there(
    officers: pl.DataFrame, figures: Mapping[Key, Figures], by: Sequence[str]
) -> Mapping[Key, set[str]]:
    """The arms of the officers who have a figure, by their cell of the columns `by` and the key."""
    frame = officers.select(*by, "arm").with_columns(
        next(iter(summed.values())).is_not_null().alias(str(i))
        for i, summed in enumerate(figures.values())
    )
    places = frame.group_by(*by, "arm").agg(pl.exclude(*by, "arm").any())
    found: dict[Key, set[str]] = {}
    for row in places.with_columns(pl.col(*by, "arm").cast(pl.String)).iter_rows():
        place, arm, there = row[: len(by)], row[len(by)], row[len(by) + 1 :]
        for key, is_there in zip(figures, there, strict=True):
            if is_there:
                found.setdefault((*place, *key), set()).add(arm)
    return found


def _bands(programme: Programme) -> dict[Pair, list[str]]:
    """The bands of every instrument and subscale, in the programme's order."""
    return {
        (name, subscale.subscale): [band.band for band in instrument.bands_of(subscale)]
        for name in programme.instruments
        for instrument in [programme.instrument(name)]
        for subscale in instrument.subscales
    }


def _named(bands: pl.Series, known: pl.Enum) -> pl.Series:
    named = bands.cast(known, strict=False)
    if named.null_count() > bands.null_count():
        raise ValueError("scores: a band that the instrument does not have")
    return named


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where each of m scores goes: a column for each series and wave that occurs, a row an officer.

    `places` (m) counts cells column by column; `keys` are instrument, subscale and wave of each.
    """

    keys: Sequence[Key]
    places: npt.NDArray[np.int64]
    officers: int

    @classmethod
    def of(cls, measured: pl.DataFrame, officers: int) -> "_Columns":
        """For scores with instrument, subscale and wave as enums, and the officer's number."""
        names = ("instrument", "subscale", "wave")
        categories = [cast(pl.Enum, measured.schema[name]).categories for name in names]
        codes = pl.lit(0, pl.Int64)
        for name, known in zip(names, categories, strict=True):
            codes = codes * len(known) + pl.col(name).to_physical()
        code = measured.select(codes.alias("code")).to_series()
        shape = [len(known) for known in categories]
        occurring = code.unique().sort().to_numpy()
        column_of = np.zeros(math.prod(shape), dtype=np.int64)
        column_of[occurring] = np.arange(len(occurring))
        found = np.unravel_index(occurring, shape)
        keys = [
            tuple(known[int(i)] for known, i in zip(categories, at, strict=True))
            for at in zip(*found, strict=True)
        ]
        places = column_of[code.to_numpy()] * officers + measured["officer"].to_numpy()
        return cls(keys, places, officers)

    def filled(self, numbers: pl.Series) -> dict[Key, pl.Series]:
        """By key, the number of every officer, NULL where there is none; `numbers` has m."""
        cells = np.full(len(self.keys) * self.officers, _NO_SCORE)
        cells[self.places] = numbers.cast(pl.Int64).fill_null(_NO_SCORE).to_numpy()
        every = pl.Series(cells)
        every = every.set(every == _NO_SCORE, None)
        return {
            key: every.slice(i * self.officers, self.officers) for i, key in enumerate(self.keys)
        }
