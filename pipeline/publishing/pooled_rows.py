"""Rows of the pooled change and of what each organisation brings to it, from printed changes.

What belongs here: a random-effects model of printed means, SDs and counts. What stays out: exact
figures, so neither table says anything that `paired_change` of the same release does not.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from pipeline.evaluation.cells import ALL
from pipeline.evaluation.random_effects import Limits, RandomEffects, random_effects
from pipeline.privacy.disclosure.areas import OTHERS
from pipeline.privacy.disclosure.rounding import steps, tenths
from pipeline.publishing.release_tables import Note, NotPooled, Row, Value

_KEY: Final = ("from_wave", "to_wave", "instrument", "subscale")
_WEIGHTS_TO: Final = 5
"""Percent; a weight gives the variance of an organisation, and that gives its count."""
_HETEROGENEITY_TO: Final = 10


@dataclass(frozen=True, slots=True)
class _Change:
    """The printed change of one area, and why it does not enter the model, if so."""

    row: Row
    left_out: NotPooled | None

    @property
    def variance(self) -> float:
        """Of the mean, as if officers were independent: nothing else is printed."""
        return float(_number(self.row["sd_change"]) ** 2 / _number(self.row["n"]))


def pooled_change(paired: Iterable[Row]) -> Iterator[Row]:
    """Rows of `POOLED_CHANGE` from rows of `PAIRED_CHANGE`, for pairs of waves with areas."""
    for of_areas in _by_contrast(paired):
        found = _model(of_areas)
        entered = sum(change.left_out is None for change in of_areas)
        yield {
            **_named(of_areas[0].row),
            "named_beforehand": of_areas[0].row["named_beforehand"],
            "k": entered,
            "k_left_out": len(of_areas) - entered,
            **_figures(found),
        }


def organisation_change(paired: Iterable[Row]) -> Iterator[Row]:
    """Rows of `ORGANISATION_CHANGE`, likewise; weights are of the same model."""
    for of_areas in _by_contrast(paired):
        found = _model(of_areas)
        weights = iter(found.weights if found else ())
        for change in of_areas:
            weight: Value = _nothing(change.left_out)
            if change.left_out is None:
                share = next(weights, None)
                weight = Note.NOT_AVAILABLE if share is None else _share(share, _WEIGHTS_TO)
            yield {
                **_named(change.row),
                "organisation": change.row["organisation"],
                "left_out": change.left_out,
                "n": change.row["n"],
                "estimate": change.row["mean_change"],
                "weight": weight,
            }


def _by_contrast(paired: Iterable[Row]) -> Iterator[list[_Change]]:
    """The changes of areas, in the order in which they are printed."""

    def named(row: Row) -> list[Value]:
        return [row[name] for name in _KEY]

    order: dict[tuple[Value, ...], int] = {}
    of_areas = [row for row in paired if row["organisation"] != ALL]
    for row in of_areas:
        order.setdefault(tuple(named(row)), len(order))
    of_areas.sort(key=lambda row: order[tuple(named(row))])
    for _, rows in groupby(of_areas, key=named):
        yield [_Change(row, _why_left_out(row)) for row in rows]


def _why_left_out(row: Row) -> NotPooled | None:
    if row["organisation"] == OTHERS:
        return NotPooled.SEVERAL
    if any(isinstance(row[name], Note) for name in ("n", "mean_change", "sd_change")):
        return NotPooled.NOT_PRINTED
    return None if _number(row["sd_change"]) > 0 else NotPooled.NO_SPREAD


def _model(changes: Sequence[_Change]) -> RandomEffects | None:
    entering = [change for change in changes if change.left_out is None]
    return random_effects(
        [_number(change.row["mean_change"]) for change in entering],
        [change.variance for change in entering],
    )


def _figures(found: RandomEffects | None) -> Mapping[str, Value]:
    if found is None:
        return dict.fromkeys(
            ("estimate", *_limits("ci", None), *_limits("prediction", None), "tau2", "i2"),
            Note.NOT_AVAILABLE,
        )
    return {
        "estimate": tenths(found.estimate) / 10,
        **_limits("ci", found.confidence()),
        **_limits("prediction", found.prediction()),
        "tau2": tenths(found.tau2) / 10,
        "i2": _share(found.i2, _HETEROGENEITY_TO),
    }


def _limits(name: str, limits: Limits | None) -> dict[str, Value]:
    return {
        f"{name}_low": tenths(limits.low) / 10 if limits else Note.NOT_AVAILABLE,
        f"{name}_high": tenths(limits.high) / 10 if limits else Note.NOT_AVAILABLE,
    }


def _share(share: float, to: int) -> float:
    return steps(100 * share, to) / 100


def _nothing(why: NotPooled | None) -> Note:
    return Note.CONFIDENTIAL if why is NotPooled.NOT_PRINTED else Note.NOT_APPLICABLE


def _named(row: Row) -> Row:
    return {name: row[name] for name in _KEY}


def _number(value: Value) -> float:
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    raise TypeError("a printed figure is expected here")
