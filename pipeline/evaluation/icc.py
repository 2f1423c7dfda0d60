"""Intraclass correlation of the first score and of the change, by session group and organisation.

What belongs here: whose values they are, and rows of the table. What stays out: the estimates
(`variance_components.py`) and what follows for the size of a study (`design.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from pipeline import tables
from pipeline.evaluation.begun import notes_of_arms_together
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
NOTE_ONE_AN_ARM: Final = "one officer in each arm: nothing away from the arm's mean"

UNTOLD: Final = frozenset(
    {
        NOTE_ONE_ORGANISATION,
        NOTE_NO_GROUPS,
        NOTE_ONE_GROUP_EACH,
        NOTE_FEWER_THAN_TWO,
        NOTE_ONE_AN_ARM,
    }
)
"""With one of these said of a level there is nothing to estimate."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How values of one subscale spread over officers, groups and organisations."""

    n: int
    sd: float | None
    """Of all values, in points: n less the number of means taken off."""
    group_sizes: tuple[int, ...]
    organisation_sizes: tuple[int, ...]
    n_groups: int
    """Session groups, without officers who have none."""
    n_in_groups: int
    """Officers in them."""
    components: Components | NoComponents | None
    notes: Mapping[ClusterLevel, tuple[str, ...]]
    mixed: tuple[str, ...] = ()
    """Of several arms, what is to be said of them together."""


SpreadOf = tuple[str, str, Measure, Spread]
"""Instrument, subscale, what is spread, and how."""


def icc(found: Iterable[SpreadOf]) -> pl.DataFrame:
    """The rows of `tables.ICC`, from `spreads`."""
    rows = []
    for instrument, subscale, measure, spread in found:
        for level in ClusterLevel:
            by_group = level is ClusterLevel.SESSION_GROUP
            likeness = _of_level(spread.components, level)
            rows.append(
                {
                    "measure": measure.value,
                    "level": level.value,
                    "instrument": instrument,
                    "subscale": subscale,
                    "icc": likeness.value if likeness else None,
                    "ci_low": likeness.low if likeness else None,
                    "ci_high": likeness.high if likeness else None,
                    "sd": spread.sd,
                    "n": spread.n,
                    "n_clusters": spread.n_groups if by_group else len(spread.organisation_sizes),
                    "note": joined_notes(spread.notes[level]),
                }
            )
    return pl.DataFrame(rows, schema=tables.ICC.frame_schema)


def spreads(
    scores: pl.DataFrame, participants: pl.DataFrame, programme: Programme
) -> list[SpreadOf]:
    """Of each instrument and subscale that has values: of the first score, and of the change.

    From `tables.SCORES` and `tables.PARTICIPANTS` frames. The first wave's score, and the change
    between the waves of the primary contrast of officers who answered both; of several arms each
    value less its arm's mean, for which the degrees of freedom are one less each. Of changes the
    note names arms that had not begun by the later wave where others had. Raises what
    `cells.measurements` does.
    """
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
    ends = {
        Measure.BASELINE: programme.wave_names[0],
        Measure.CHANGE: programme.primary.to_wave,
    }
    return [
        (instrument, subscale, measure, spread_of(found, _mixed(found, ends[measure], programme)))
        for instrument in programme.instruments
        for subscale in programme.instrument(instrument).by_subscale
        for measure in Measure
        if (
            found := values[measure].filter(
                pl.col("instrument") == instrument, pl.col("subscale") == subscale
            )
        ).height
    ]


def _mixed(values: pl.DataFrame, wave: str, programme: Programme) -> tuple[str, ...]:
    return notes_of_arms_together(values["arm"].unique().to_list(), wave, programme)


def spread_of(values: pl.DataFrame, mixed: Sequence[str] = ()) -> Spread:
    """The spread of `score` (units) in a frame of `cells.measurements`, one row an officer.

    `mixed` is what is to be said of its arms together.
    """
    away, arms = _away(values), _arms(values)
    groups = _groups(values.with_columns(away=away))
    organisations = groups.group_by("organisation", maintain_order=True).agg(pl.col("n").sum())
    seated = groups.filter("has_group")
    notes = _notes(values, groups, seated, mixed)
    told = {level: not UNTOLD & set(said) for level, said in notes.items()}
    by_organisation, by_group = told[ClusterLevel.ORGANISATION], told[ClusterLevel.SESSION_GROUP]
    components: Components | NoComponents | None = None
    if by_organisation or by_group:
        components = variance_components(
            _sums(groups, arms, by_group=by_group), organisations=by_organisation, groups=by_group
        )
    if isinstance(components, NoComponents):
        notes = {level: [*said, components.value] for level, said in notes.items()}
    return Spread(
        n=values.height,
        sd=away.sort().std(ddof=len(arms)),  # type: ignore[arg-type]
        group_sizes=tuple(groups["n"].to_list()),
        organisation_sizes=tuple(organisations["n"].to_list()),
        n_groups=seated.height,
        n_in_groups=int(seated["n"].sum()),
        components=components,
        notes={level: tuple(said) for level, said in notes.items()},
        mixed=tuple(mixed),
    )


def _away(values: pl.DataFrame) -> pl.Series:
    """Scores in points; of several arms less the mean of the officer's arm."""
    score = pl.col("score")
    if values["arm"].n_unique() > 1:
        # A whole number over a whole number: the same in whatever order officers come.
        score -= score.sum().over("arm") / pl.len().over("arm")
    return values.select(score / UNITS_PER_POINT).to_series()


def _groups(values: pl.DataFrame) -> pl.DataFrame:
    """Number, mean and squared deviations of `away` by session group; an officer without is one."""
    seat = pl.when("has_group").then("cluster").otherwise("officer")
    return (
        # Sorted, since sums of floating point depend on the order, before and after.
        values.sort("organisation", "has_group", "cluster", "away")
        .group_by("organisation", "has_group", seat.alias("seat"), maintain_order=True)
        .agg(
            *(pl.col("arm").eq(arm).sum().alias(f"arm {arm}") for arm in _arms(values)),
            n=pl.len(),
            mean=pl.col("away").mean(),
            within=((pl.col("away") - pl.col("away").mean()) ** 2).sum(),
        )
        .sort("organisation", "n", "mean", "within")
    )


def _arms(values: pl.DataFrame) -> list[str]:
    return values["arm"].unique().sort().to_list()


def _notes(
    values: pl.DataFrame, groups: pl.DataFrame, seated: pl.DataFrame, mixed: Sequence[str]
) -> dict[ClusterLevel, list[str]]:
    """What is to be said of each level; one of `UNTOLD` where there can be no correlation."""
    if values.height < 2:
        return {level: [NOTE_FEWER_THAN_TWO] for level in ClusterLevel}
    arms = len(_arms(values))
    if values.height == arms:
        return {level: [NOTE_ONE_AN_ARM] for level in ClusterLevel}
    about_arms = [NOTE_ARMS, *mixed] if arms > 1 else []
    of_organisations, of_groups = list(about_arms), list(about_arms)
    organisations = groups["organisation"].n_unique()
    if organisations == 1:
        of_organisations.append(NOTE_ONE_ORGANISATION)
    if seated.height < groups.height:
        of_groups.append(NOTE_WITHOUT_GROUP)
    if not (seated["n"] > 1).any():
        of_groups.append(NOTE_NO_GROUPS)
    elif groups.height == organisations:
        of_groups.append(NOTE_ONE_GROUP_EACH)
    return {ClusterLevel.ORGANISATION: of_organisations, ClusterLevel.SESSION_GROUP: of_groups}


def _sums(groups: pl.DataFrame, arms: Sequence[str], *, by_group: bool) -> GroupSums:
    """Sums by group, or by organisation where groups are not to be told apart."""
    number = groups["organisation"].rle_id().to_numpy().astype(np.int64)
    n, means = groups["n"].to_numpy().astype(np.float64), groups["mean"].to_numpy()
    within = float(groups["within"].sum())
    by_arm: Array | None = None
    if len(arms) > 1:
        by_arm = groups.select(f"arm {arm}" for arm in arms).to_numpy().astype(np.float64)
    if by_group:
        return GroupSums(number, n, means, within, by_arm)
    size: Array = np.bincount(number, n).astype(np.float64)
    whole = np.bincount(number, n * means) / size
    within += float((n * (means - whole[number]) ** 2).sum())
    if by_arm is not None:
        by_arm = np.column_stack([np.bincount(number, of_arm) for of_arm in by_arm.T])
    return GroupSums(np.arange(len(size)), size, whole, within, by_arm)


def _of_level(
    components: Components | NoComponents | None, level: ClusterLevel
) -> Correlation | None:
    if not isinstance(components, Components):
        return None
    return components.group if level is ClusterLevel.SESSION_GROUP else components.organisation
