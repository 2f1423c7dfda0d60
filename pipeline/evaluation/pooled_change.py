"""The change between two waves over organisations that differ: their mean, and how far they differ.

What belongs here: which organisations enter, and the two tables. What stays out: the model
(`random_effects.py`), and whether an organisation's answers are comparable (`comparability.py`).

Source and formulas: `random_effects.py`. Not to be read as the mean change of all officers, which
is `paired_change`: here every organisation counts by how sure its own change is, and the more they
differ the more alike their weights.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
    pairs_of_waves,
)
from pipeline.evaluation.random_effects import (
    FEWEST_FOR_PREDICTION,
    Limits,
    RandomEffects,
    leave_one_out,
    random_effects,
    tau2_interval,
)
from pipeline.programme import Programme
from pipeline.vocabulary import LeftOut

FEWEST_OFFICERS: Final = 10
"""With fewer, an organisation's variance is too uncertain to weigh it by."""

FEWEST_ORGANISATIONS: Final = 5
"""With fewer, how organisations differ is hardly known."""

NOTE_TOO_FEW: Final = "fewer than two organisations: nothing to pool"
NOTE_IMPRECISE: Final = "fewer than five organisations: imprecise"
NOTE_NO_PREDICTION: Final = "fewer than three organisations: no prediction interval"
NOTE_NONE_WITHOUT: Final = "fewer than two organisations without this one: nothing to pool"
NOTE_ALIKE: Final = "organisations more alike than chance explains: tau2 and its interval are 0"

_KEY: Final = ("from_wave", "to_wave", "instrument", "subscale")

NotComparable = Collection[tuple[str, str, str, str]]
"""Organisation, wave, instrument and subscale of answers that cannot be compared with others'."""


@dataclass(frozen=True, slots=True)
class OrganisationChange:
    """Mean change of one organisation's officers, and why it does not enter the model, if so."""

    organisation: str
    n: int
    estimate: float
    variance: float | None
    left_out: LeftOut | None
    notes: tuple[str, ...]


def pooled_change(
    of_officers: Panel, programme: Programme, not_comparable: NotComparable
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of `tables.POOLED_CHANGE` and of `tables.ORGANISATION_CHANGE`.

    From the pairs of waves of `paired_change`, all arms together; the note names those that had not
    begun by the later wave where others had. An organisation enters with at
    least ten officers who answered both waves and whose answers are comparable at both. Its
    variance is the square of its standard error in `paired_change`: clustered by session group
    where there are five.
    """
    pooled, by_organisation = [], []
    values: dict[Key, Figures] = {
        (*waves, *series): moments(of_officers.change(series, *waves))
        for waves in pairs_of_waves(programme)
        for series in of_officers.scores
    }
    arms = arms_there(of_officers.officers, values, ["organisation"])
    for key, changes in _changes(of_officers, values, not_comparable).items():
        named = dict(zip(_KEY, key, strict=True))
        there = {change.organisation: arms[change.organisation, *key] for change in changes}
        pooled.append(named | _pooled(changes, _mixed(there.values(), named["to_wave"], programme)))
        by_organisation += [
            named | row | {"note": joined_notes((*notes, *mixed))}
            for row, notes in _by_organisation(changes)
            for mixed in [_mixed([there[row["organisation"]]], named["to_wave"], programme)]
        ]
    return (
        pl.DataFrame(pooled, schema=tables.POOLED_CHANGE.frame_schema),
        pl.DataFrame(by_organisation, schema=tables.ORGANISATION_CHANGE.frame_schema),
    )


def _mixed(arms: Iterable[Collection[str]], to_wave: str, programme: Programme) -> tuple[str, ...]:
    return notes_of_arms_together(set().union(*arms), to_wave, programme)


def _changes(
    of_officers: Panel, values: Mapping[Key, Figures], not_comparable: NotComparable
) -> Mapping[Key, list[OrganisationChange]]:
    """The changes of each organisation in alphabetical order, by pair of waves and subscale."""
    if not values:
        return {}
    sums = cluster_sums(of_officers.officers, values, _KEY)
    found: dict[Key, list[OrganisationChange]] = {key: [] for key in values}
    for cell in cells_of(sums, _KEY, MOMENTS, "total", each_arm=False):
        if cell["organisation"] != ALL:
            key = tuple(cell[name] for name in _KEY)
            found[key].append(_change(cell, key, not_comparable))
    return {key: changes for key, changes in found.items() if changes}


def _change(cell: Mapping[str, Any], key: Key, not_comparable: NotComparable) -> OrganisationChange:
    change = Moments(cell["n"], cell["total"], cell["squares"])
    found = cell_interval(cell, change)
    variance = found.interval.standard_error**2 if found.interval else None
    from_wave, to_wave, *series = key
    organisation: str = cell["organisation"]
    left_out = None
    if change.n < FEWEST_OFFICERS:
        left_out = LeftOut.TOO_FEW
    elif any((organisation, wave, *series) in not_comparable for wave in (from_wave, to_wave)):
        left_out = LeftOut.NOT_COMPARABLE
    elif not variance:
        left_out = LeftOut.NO_SPREAD
    return OrganisationChange(organisation, change.n, change.mean, variance, left_out, found.notes)


def _entering(changes: Sequence[OrganisationChange]) -> tuple[list[float], list[float]]:
    """Estimates and variances of those that enter the model."""
    enter = [(c.estimate, c.variance) for c in changes if c.left_out is None and c.variance]
    return [estimate for estimate, _ in enter], [variance for _, variance in enter]


def _pooled(changes: Sequence[OrganisationChange], mixed: Sequence[str]) -> dict[str, Any]:
    estimates, variances = _entering(changes)
    counted = {why: sum(c.left_out == why for c in changes) for why in LeftOut}
    notes = [f"left out, {why.replace('_', ' ')}: {n}" for why, n in counted.items() if n]
    notes += mixed
    row: dict[str, Any] = {"k": len(estimates), "k_left_out": sum(counted.values())}
    found, between = random_effects(estimates, variances), tau2_interval(estimates, variances)
    if found is None or between is None:
        return row | {"note": joined_notes([NOTE_TOO_FEW, *notes])}
    if found.k < FEWEST_ORGANISATIONS:
        notes.insert(0, NOTE_IMPRECISE)
    if found.k < FEWEST_FOR_PREDICTION:
        notes.insert(0, NOTE_NO_PREDICTION)
    if between.high == 0:
        notes.append(NOTE_ALIKE)
    return {
        **row,
        "estimate": found.estimate,
        **_limits("ci", found.confidence()),
        **_limits("ci", found.confidence(floored=False), "_unfloored"),
        **_limits("prediction", found.prediction()),
        "tau2": found.tau2,
        **_limits("tau2", between),
        "i2": found.i2,
        "q": found.q,
        "q_p": found.q_p,
        "note": joined_notes(notes),
    }


def _limits(name: str, limits: Limits | None, suffix: str = "") -> dict[str, float | None]:
    return {
        f"{name}_low{suffix}": limits.low if limits else None,
        f"{name}_high{suffix}": limits.high if limits else None,
    }


def _by_organisation(
    changes: Sequence[OrganisationChange],
) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """Each organisation's row, and what is to be said of it."""
    estimates, variances = _entering(changes)
    found = random_effects(estimates, variances)
    weights = iter(found.weights if found else [None] * len(estimates))
    without = iter(leave_one_out(estimates, variances))
    for change in changes:
        entered = change.left_out is None
        other = next(without) if entered else None
        row = {
            "organisation": change.organisation,
            "n": change.n,
            "estimate": change.estimate,
            "variance": change.variance,
            "weight": next(weights) if entered else None,
            "left_out": change.left_out,
            **_without(other),
        }
        why = [] if entered and other else [_why_nothing_without(change)]
        yield row, (*change.notes, *why)


def _why_nothing_without(change: OrganisationChange) -> str:
    return (
        f"left out: {change.left_out.replace('_', ' ')}" if change.left_out else NOTE_NONE_WITHOUT
    )


def _without(found: RandomEffects | None) -> dict[str, float | None]:
    limits = found.confidence() if found else None
    return {
        "estimate_without": found.estimate if found else None,
        "ci_low_without": limits.low if limits else None,
        "ci_high_without": limits.high if limits else None,
        "tau2_without": found.tau2 if found else None,
    }
