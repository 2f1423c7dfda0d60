"""A deliberately simple maker of releases, of which every protection can be switched off.

What belongs here: just enough of docs/release.md to show that the attacker succeeds where a
protection is missing. What stays out: good releases; this one leaves out far more than it need,
and of earlier ones it only knows to repeat them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Any, Final

import numpy as np
import polars as pl
from published import (
    ALL,
    BANDS,
    DENOMINATORS,
    ENROLLED,
    KEYS,
    LEVELS,
    OTHERS,
    OUTCOMES,
    STAGES,
    STATUSES,
    Cell,
    Group,
    Measure,
    World,
    cells_of,
)
from scipy import stats
from structure import Relation, relations
from truth import Mask, Truth
from unknowns import Contradiction, Facts, System

FEWEST: Final = 10
FEWEST_ENROLLED: Final = 30

Row = dict[str, Any]
Tables = dict[str, pl.DataFrame]


@dataclass(frozen=True, slots=True, kw_only=True)
class Protections:
    """Each is one rule of docs/release.md; with all of them on, nothing should be learnt."""

    rounding: bool = True
    threshold: bool = True
    areas: bool = True
    """Organisations under thirty have no rows of their own, and are pooled."""
    complementary: bool = True
    nesting: bool = True
    decimals: bool = True
    intervals_of_printed: bool = True
    retention_merged: bool = True
    history: bool = True


@dataclass(slots=True)
class _Past:
    """What was printed, and of whom."""

    figures: dict[Group, dict[str, Row]]
    members: dict[Group, Mask]


class NaiveRelease:
    """Makes releases in a row."""

    def __init__(self, protections: Protections) -> None:
        self._on = protections
        self._past: _Past | None = None

    def make(self, truth: Truth) -> Tables:
        """The tables of the next release."""
        areas = self._areas(truth)
        truth.areas = areas
        rows = {table: list(_rows(table, truth.world, tuple(areas))) for table in KEYS}
        if self._on.retention_merged:
            rows["retention"] = [*_merged_retention(truth)]
        cells = [
            (cell, row)
            for table, of_table in rows.items()
            for row in of_table
            for cell in cells_of(table, row, truth.world)
        ]
        groups = {cell.group for cell, _ in cells}
        structure = list(relations(truth.world, areas, groups))
        kept = self._kept(truth, groups, structure)
        for cell, row in cells:
            self._fill(truth, cell, row, shown=cell.group in kept)
        self._as_before(truth, cells, kept)
        for row in rows["retention"]:
            row["retained"] = None
        self._retained(truth, rows["retention"])
        tables = {
            table: pl.DataFrame(of_table, infer_schema_length=None)
            for table, of_table in rows.items()
            if of_table
        }
        return tables | {"areas": _area_table(truth.world, areas)}

    # Who has rows

    def _areas(self, truth: Truth) -> dict[str, tuple[str, ...]]:
        enrolled = truth.enrolled
        if not self._on.areas:
            return {name: (name,) for name in enrolled if enrolled[name]}
        own = sorted(
            (n for n in enrolled if enrolled[n] >= FEWEST_ENROLLED), key=enrolled.__getitem__
        )
        pooled = [name for name in enrolled if name not in own]
        while pooled and own:
            sizes = [enrolled[name] for name in pooled]
            if len(sizes) > 1 and sum(sizes) >= FEWEST_ENROLLED and max(sizes) <= 0.8 * sum(sizes):
                break
            pooled.append(own.pop(0))
        if not own or len(own) + bool(pooled) < 2:
            return {}
        areas = {name: (name,) for name in sorted(own)}
        return areas | ({OTHERS: tuple(pooled)} if pooled else {})

    def _kept(self, truth: Truth, groups: set[Group], structure: Sequence[Relation]) -> set[Group]:
        """Groups that are printed."""
        kept = {
            group for group in groups if truth.n([group]) >= (FEWEST if self._on.threshold else 1)
        }
        while True:
            given_up = set()
            if self._on.nesting:
                given_up = _with_small_rest(truth, kept, structure)
            # Several characteristics would give their whole back between them.
            given_up |= {g for g in kept if ":" in g.arm and g.at(arm=ALL) not in kept}
            if not given_up and self._on.history and self._past:
                given_up = _with_small_change(truth, kept, structure, self._past.members)
            if not given_up and self._on.complementary:
                given_up = _too_telling(truth, groups, kept, structure, self._fewest)
            if not given_up:
                return kept
            kept -= given_up

    @property
    def _fewest(self) -> int:
        return FEWEST if self._on.threshold else 0

    # What is printed of them

    def _fill(self, truth: Truth, cell: Cell, row: Row, *, shown: bool) -> None:
        columns = [*cell.figures]
        if cell.table == "paired_change":
            columns += ["sd_from", "sd_to"]
        row.update(dict.fromkeys(columns, None))
        if not shown:
            return
        members = truth.members(cell.group)
        n = int(members.sum())
        row[cell.count] = self._count(n)
        if cell.measure is None or cell.mean is None:
            return
        values = truth.values(members, cell.measure)
        mean, sd = float(values.mean()), float(values.std(ddof=1))
        row[cell.mean] = self._places(mean)
        if cell.sd:
            row[cell.sd] = self._places(sd)
        if cell.table == "paired_change":
            for column, wave in zip(("sd_from", "sd_to"), cell.measure.waves, strict=True):
                scores = truth.values(members, Measure((wave,), cell.measure.subscale))
                row[column] = self._places(float(scores.std(ddof=1)))
        if cell.interval:
            if self._on.intervals_of_printed:
                n, mean, sd = row[cell.count], row[cell.mean], row[str(cell.sd)]
            if n > 1:
                margin = float(stats.t.ppf(0.975, n - 1)) * sd / sqrt(n)
                row[cell.interval[0]] = self._places(mean - margin)
                row[cell.interval[1]] = self._places(mean + margin)

    def _count(self, n: int) -> int:
        return 5 * ((n + 2) // 5) if self._on.rounding else n

    def _places(self, value: float) -> float:
        return round(value, 1) if self._on.decimals else value

    def _retained(self, truth: Truth, rows: Sequence[Row]) -> None:
        """Shares in whole percent from the printed counts, or from exact ones if not merged."""
        curves: dict[tuple[str, str], list[Row]] = {}
        for row in rows:
            curves.setdefault((row["arm"], row["denominator"]), []).append(row)
        for curve in curves.values():
            share = 1.0
            for row in curve:
                at_risk, left = row["n_at_risk"], row["n_left"]
                if not self._on.retention_merged:
                    at_risk, left = (
                        truth.n([cell.group]) for cell in cells_of("retention", row, truth.world)
                    )
                if at_risk is None or left is None or at_risk == 0:
                    break
                share *= 1 - left / at_risk
                if row["n_at_risk"] is not None:
                    row["retained"] = float(round(100 * share))

    def _as_before(self, truth: Truth, cells: Sequence[tuple[Cell, Row]], kept: set[Group]) -> None:
        """Prints again what was printed of groups of which fewer than ten came or went."""
        past = self._past
        now = _Past({**past.figures}, {**past.members}) if past else _Past({}, {})
        for cell, row in cells:
            group, members = cell.group, truth.members(cell.group)
            if group not in kept:
                continue
            name = f"{cell.table} {cell.key}"
            columns = [*cell.figures]
            if cell.table == "paired_change":
                columns += ["sd_from", "sd_to"]
            if self._on.history and past and name in past.figures.get(group, {}):
                then = past.members[group]
                if int((then ^ members).sum()) < FEWEST:
                    row.update(past.figures[group][name])
                    members = then
            now.figures[group] = {**now.figures.get(group, {})}
            now.figures[group][name] = {column: row[column] for column in columns}
            now.members[group] = members
        self._past = now


def _with_small_rest(truth: Truth, kept: set[Group], structure: Sequence[Relation]) -> set[Group]:
    """Of a total that differs by one to nine from its printed parts, the smallest of them."""
    for relation in structure:
        shown = [part for part in relation.parts if part in kept]
        if relation.total in kept and shown:
            rest = truth.n([relation.total]) - truth.n(shown)
            if 0 < rest < FEWEST:
                return {min(shown, key=lambda part: (truth.n([part]), part))}
    return set()


def _with_small_change(
    truth: Truth, kept: set[Group], structure: Sequence[Relation], past: Mapping[Group, Mask]
) -> set[Group]:
    """Of parts whose change leaves one to nine officers of their total's change, the smallest."""

    def is_new(group: Group) -> bool:
        members = truth.members(group)
        return group in kept and group in past and int((past[group] ^ members).sum()) >= FEWEST

    for relation in structure:
        told = [part for part in relation.parts if is_new(part)]
        if told and is_new(relation.total):
            rest = truth.members(relation.total) & ~truth.union(told)
            then = past[relation.total] & ~np.logical_or.reduce([past[part] for part in told])
            if 0 < int((rest ^ then).sum()) < FEWEST:
                return {min(told, key=lambda part: (truth.n([part]), part))}
    return set()


def _too_telling(
    truth: Truth, groups: set[Group], kept: set[Group], structure: Sequence[Relation], fewest: int
) -> set[Group]:
    """A printed group beside one that is left out and can be worked out too well."""
    if not kept:
        return set()
    system = _what_follows(truth, kept, structure, fewest)
    for group in sorted(groups - kept):
        low, high = system.bounds(group)
        n = truth.n([group])
        if (n < FEWEST and low <= 1 and high >= FEWEST - 1) or (n >= FEWEST and high - low >= 9):
            continue
        beside = {
            other
            for relation in structure
            for members in [{relation.total, *relation.parts}]
            if group in members
            for other in members & kept
        }
        # Where no neighbour is printed it follows through groups that are in no table.
        beside = beside or {other for other in kept if other.of[:1] == group.of[:1]} or kept
        return {min(beside, key=lambda other: (truth.n([other]), other))}
    return set()


def _what_follows(
    truth: Truth, kept: set[Group], structure: Sequence[Relation], fewest: int
) -> System:
    facts = Facts()
    for relation in structure:
        facts.adds_up(relation.total, relation.parts)
    for group in kept:
        printed = 5 * ((truth.n([group]) + 2) // 5)
        facts.unknown(group, max(printed - 2, fewest), printed + 2)
    system = facts.system()
    try:
        system.propagate()
    except Contradiction:
        raise AssertionError("the truth contradicts the structure of groups") from None
    return system


# Rows


def _rows(table: str, world: World, areas: Sequence[str]) -> list[Row]:
    """The rows of a table, without figures; every band and every step by itself."""
    makers: Mapping[str, Callable[[World, Sequence[str]], list[Row]]] = {
        "participant_flow": _flow,
        "follow_up": lambda w, a: [
            {"organisation": area, "wave": wave} for area in (*a, ALL) for wave in w.waves
        ],
        "wave_summary": lambda w, a: [
            place | {"wave": wave, "instrument": w.instrument, "subscale": subscale}
            for place in (*_places(w), *_of_areas(a))
            for wave in w.waves
            for subscale in w.limits
        ],
        "wave_bands": lambda w, a: [
            place
            | {"wave": wave, "instrument": w.instrument, "subscale": subscale, "band": str(band)}
            for place in _places(w)
            for wave in w.waves
            for subscale in w.limits
            for band in LEVELS
        ],
        "paired_change": lambda w, a: [
            place | _pair(w, pair, subscale)
            for place in (*_places(w), *_of_areas(a))
            for pair in (w.pairs if place["organisation"] == ALL else [w.primary])
            for subscale in w.limits
        ],
        "reliable_change": lambda w, a: [
            place | _pair(w, pair, subscale) | {"outcome": outcome}
            for place in _places(w)
            for pair in w.pairs
            for subscale in w.limits
            for outcome in OUTCOMES
        ],
        "retention": lambda w, a: [
            place | {"denominator": denominator, "time": time, "to_time": time + 1}
            for place in _places(w)
            for denominator in DENOMINATORS
            for time in range(len(w.waves))
        ],
        "attrition": lambda w, a: [
            {
                "organisation": ALL,
                "denominator": ENROLLED,
                "instrument": w.instrument,
                "subscale": subscale,
            }
            for subscale in w.limits
        ],
        "dose_response": lambda w, a: [
            {
                "organisation": ALL,
                "sessions_band": str(band),
                "wave": wave,
                "instrument": w.instrument,
                "subscale": subscale,
            }
            for band in BANDS
            for wave in w.waves[1:]
            for subscale in w.limits
        ],
        "equality_breakdown": lambda w, a: [
            {
                "characteristic": characteristic,
                "value": value,
                "wave": wave,
                "instrument": w.instrument,
                "subscale": subscale,
            }
            for characteristic, values in w.values.items()
            for value in values
            for wave in w.waves
            for subscale in w.limits
        ],
    }
    return makers[table](world, areas)


def _places(world: World) -> list[Row]:
    arms = world.arms if len(world.arms) > 1 else ()
    return [{"organisation": ALL, "arm": arm} for arm in (*arms, ALL)]


def _of_areas(areas: Sequence[str]) -> list[Row]:
    return [{"organisation": area, "arm": ALL} for area in areas]


def _pair(world: World, pair: tuple[str, str], subscale: str) -> Row:
    return {
        "from_wave": pair[0],
        "to_wave": pair[1],
        "instrument": world.instrument,
        "subscale": subscale,
    }


def _flow(world: World, areas: Sequence[str]) -> list[Row]:
    rows = []
    for place in _places(world):
        for denominator in DENOMINATORS:
            stages = [("enrolled", "enrolled"), *((wave, "scored") for wave in world.waves)]
            if place["arm"] == ALL and denominator == ENROLLED:
                stages += [(wave, status) for wave in world.waves for status in STATUSES]
                stages += [("dropout", str(stage)) for stage in STAGES]
            rows += [
                place | {"denominator": denominator, "stage": stage, "status": status}
                for stage, status in stages
            ]
    return rows


def _merged_retention(truth: Truth) -> list[Row]:
    """Steps of at least ten events each; what is left over at the end has no row."""
    rows = []
    for place in _places(truth.world):
        for denominator in DENOMINATORS:
            start = 0
            for _, end in pairwise(range(len(truth.world.waves) + 1)):
                of = (denominator, str(start), str(end))
                if truth.n([Group("events", ALL, place["arm"], of)]) >= FEWEST:
                    rows.append(place | {"denominator": denominator, "time": start, "to_time": end})
                    start = end
    return rows


def _area_table(world: World, areas: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    shown = {name: area for area, members in areas.items() for name in members}
    return pl.DataFrame(
        {
            "organisation": world.organisations,
            "name": [f"Simulated {name}" for name in world.organisations],
            "shown_as": [shown.get(name, ALL) for name in world.organisations],
        }
    )


def naive_releases(truths: Sequence[Truth], protections: Protections) -> list[Tables]:
    """A release of each state in a row."""
    maker = NaiveRelease(protections)
    return [maker.make(truth) for truth in truths]
