"""Intraclass correlation of the first score and of the change, by session group and organisation.

What belongs here: whose values they are, and rows of the table. What stays out: the estimates
(`variance_components.py`) and what follows for the size of a study (`design.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from pipeline import tables
from pipeline.evaluation.cells import UNITS_PER_POINT, joined_notes, measurements
from pipeline.evaluation.variance_components import (
    Array,
    Components,
    Correlation,
    GroupSums,
    NoComponents,
    variance_components,
)
from pipeline.programme import Programme
from pipeline.vocabulary import ClusterLevel, Measure

NOTE_ONE_ORGANISATION: Final = "one organisation: how organisations differ is not known"
NOTE_NO_GROUPS: Final = "no session group with two officers: how groups differ is not known"
NOTE_ONE_GROUP_EACH: Final = (
    "no organisation has two session groups: groups and organisations cannot be told apart"
)
NOTE_WITHOUT_GROUP: Final = "an officer without a session group is a group alone"
NOTE_ARMS: Final = "values are deviations from the mean of the arm"
NOTE_FEWER_THAN_TWO: Final = "fewer than two officers"


@dataclass(frozen=True, slots=True)
class Spread:
    """How values of one subscale spread over officers, groups and organisations."""

    n: int
    sd: float | None
    """Of all values, in points, n - 1."""
    group_sizes: tuple[int, ...]
    organisation_sizes: tuple[int, ...]
    n_groups: int
    """Session groups, without officers who have none."""
    n_in_groups: int
    """Officers in them."""
    components: Components | NoComponents | None
    notes: Mapping[ClusterLevel, tuple[str, ...]]


def icc(scores: pl.DataFrame, participants: pl.DataFrame, programme: Programme) -> pl.DataFrame:
    """The rows of `tables.ICC` from `tables.SCORES` and `tables.PARTICIPANTS` frames.

    The first wave's score, and the change between the waves of the primary contrast of officers who
    answered both; of several arms each value less its arm's mean. Raises what `measurements` does.
    """
    rows = []
    for instrument, subscale, measure, spread in spreads(scores, participants, programme):
        for level in ClusterLevel:
            by_group = level is ClusterLevel.SESSION_GROUP
            found = _of_level(spread.components, level)
            rows.append(
                {
                    "measure": measure.value,
                    "level": level.value,
                    "instrument": instrument,
                    "subscale": subscale,
                    "icc": found.value if found else None,
                    "ci_low": found.low if found else None,
                    "ci_high": found.high if found else None,
                    "sd": spread.sd,
                    "n": spread.n,
                    "n_clusters": spread.n_groups if by_group else len(spread.organisation_sizes),
                    "note": joined_notes(spread.notes[level]),
                }
            )
    return pl.DataFrame(rows, schema=tables.ICC.frame_schema)


def spreads(
    scores: pl.DataFrame, participants: pl.DataFrame, programme: Programme
) -> list[tuple[str, str, Measure, Spread]]:
    """Of each instrument and subscale that has values: of the first score, and of the change."""
    measured = measurements(scores, participants, programme)
    earlier, later = (
        measured.filter(pl.col("wave") == wave)
        for wave in (programme.primary.from_wave, programme.primary.to_wave)
    )
    values = {
        Measure.BASELINE: measured.filter(pl.col("wave") == programme.wave_names[0]),
        Measure.CHANGE: earlier.join(later.select("series", later="score"), on="series")
        .with_columns(score=pl.col("later") - pl.col("score"))
        .drop("later"),
    }
    return [
        (instrument, subscale, measure, spread_of(found))
        for instrument in programme.instruments
        for subscale in programme.instrument(instrument).by_subscale
        for measure in Measure
        if (
            found := values[measure].filter(
                pl.col("instrument") == instrument, pl.col("subscale") == subscale
            )
        ).height
    ]


def spread_of(values: pl.DataFrame) -> Spread:
    """The spread of `score` (units) in a frame of `cells.measurements`, one row an officer."""
    arms = values["arm"].n_unique()
    n_arm, total = pl.len().over("arm").cast(pl.Int64), pl.col("score").sum().over("arm")
    away = (pl.col("score") - total / n_arm) if arms > 1 else pl.col("score")
    alone = ~pl.col("has_group")
    seat = pl.when(alone).then(pl.col("officer")).otherwise(pl.col("cluster"))
    groups = (
        # Sorted, since means of floating point depend on the order.
        values.with_columns(away=away / UNITS_PER_POINT, seat=seat)
        .sort("organisation", "has_group", "cluster", "away")
        .group_by("organisation", "has_group", "seat", maintain_order=True)
        .agg(n=pl.len(), mean=pl.col("away").mean(), away="away")
        .with_columns(within=pl.col("away").list.var(0).fill_null(0.0) * pl.col("n"))
        .drop("away")
        .sort("organisation", "n", "mean", "within")
    )
    n = values.height
    sd = values.select((away / UNITS_PER_POINT).sort().std()).item()
    organisation_sizes = groups.group_by("organisation", maintain_order=True).agg(pl.col("n").sum())
    notes: dict[ClusterLevel, list[str]] = {level: [] for level in ClusterLevel}
    if arms > 1:
        for level in ClusterLevel:
            notes[level].append(NOTE_ARMS)
    if not groups["has_group"].all():
        notes[ClusterLevel.SESSION_GROUP].append(NOTE_WITHOUT_GROUP)
    by_organisation = organisation_sizes.height > 1
    seated = groups.filter("has_group")
    by_group = bool((seated["n"] > 1).any())
    several_groups = groups.height > organisation_sizes.height
    if not by_organisation:
        notes[ClusterLevel.ORGANISATION].append(NOTE_ONE_ORGANISATION)
    if not by_group:
        notes[ClusterLevel.SESSION_GROUP].append(NOTE_NO_GROUPS)
    elif not several_groups:
        notes[ClusterLevel.SESSION_GROUP].append(NOTE_ONE_GROUP_EACH)
        by_group = False
    components: Components | NoComponents | None = None
    if n < 2:
        notes = {level: [NOTE_FEWER_THAN_TWO] for level in ClusterLevel}
    elif by_organisation or by_group:
        components = variance_components(
            _sums(groups, by_group=by_group), organisations=by_organisation, groups=by_group
        )
        if isinstance(components, NoComponents):
            for level in ClusterLevel:
                notes[level].append(components.value)
    return Spread(
        n=n,
        sd=sd,
        group_sizes=tuple(groups["n"].to_list()),
        organisation_sizes=tuple(organisation_sizes["n"].to_list()),
        n_groups=seated.height,
        n_in_groups=int(seated["n"].sum()),
        components=components,
        notes={level: tuple(said) for level, said in notes.items()},
    )


def _sums(groups: pl.DataFrame, *, by_group: bool) -> GroupSums:
    """Sums by group, or by organisation where groups are not to be told apart."""
    number = groups["organisation"].rle_id().to_numpy().astype(np.int64)
    n, means = groups["n"].to_numpy().astype(np.float64), groups["mean"].to_numpy()
    within = float(groups["within"].sum())
    if by_group:
        return GroupSums(number, n, means, within)
    size: Array = np.bincount(number, n).astype(np.float64)
    whole = np.bincount(number, n * means) / size
    within += float((n * (means - whole[number]) ** 2).sum())
    return GroupSums(np.arange(len(size)), size, whole, within)


def _of_level(
    components: Components | NoComponents | None, level: ClusterLevel
) -> Correlation | None:
    if not isinstance(components, Components):
        return None
    return components.group if level is ClusterLevel.SESSION_GROUP else components.organisation
