"""What somebody can work out who knows every printed number: equations in whole numbers.

What belongs here: unknowns, their limits, how they add up, and solving for them (HiGHS). What stays
out: what is safe enough (`audit.py`).

Counts are whole numbers and are solved as such: a linear relaxation has more solutions, so it would
take for possible what is not.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from pipeline.privacy.disclosure.groups import Key, Population, Print, Scale, mean_of
from pipeline.privacy.disclosure.rounding import possible_counts
from pipeline.privacy.disclosure.rules import Rules


class Total(NamedTuple):
    """The sum of scores of a group in one quantity: an unknown beside the count of the group."""

    key: Key
    quantity: str


Unknown = Key | Total


@dataclass(frozen=True, slots=True)
class _Row:
    """low <= sum of coefficient times unknown <= high."""

    terms: tuple[tuple[int, float], ...]
    low: float
    high: float


class Undecided(Exception):
    """The solver gave up; the release cannot be passed on its word."""


class Attack:
    """The equations behind one release, and the exact figures as one of their solutions.

    The exact figures serve as an anchor: whatever else solves the equations while most unknowns
    stay where they truly are is possible for an attacker as well, and is found in a fraction of
    the time. What is not found so close to the truth is looked for everywhere.
    """

    def __init__(self, population: Population, prints: Mapping[Key, Print], rules: Rules) -> None:
        self._rules = rules
        self._names: list[Unknown] = []
        self._number: dict[Unknown, int] = {}
        self._low: list[float] = []
        self._high: list[float] = []
        self._truth: list[float] = []
        self._open: list[bool] = []
        self._rows: list[_Row] = []
        self._units = population.units
        for key, group in population.groups.items():
            self._add_count(key, group.n, prints.get(key))
            for quantity, sums in group.sums.items():
                seen = prints.get(key) if sums.mean else None
                scale = population.scales[quantity]
                self._add_total(Total(key, quantity), sums.total, scale, seen)
        self._add_partitions(population)
        for difference in population.differences:
            signs = ((difference.change, 1), (difference.later, -1), (difference.earlier, 1))
            self._add_sum({Total(difference.group, name): sign for name, sign in signs})
        self._touching: list[list[int]] = [[] for _ in self._names]
        for place, row in enumerate(self._rows):
            for unknown, _ in row.terms:
                self._touching[unknown].append(place)
        whole_points = all(
            sums.total % self._units == 0
            for group in population.groups.values()
            for sums in group.sums.values()
        )
        self._whole = [isinstance(name, Key) or whole_points for name in self._names]

    def breaks(self) -> bool:
        """Whether the exact figures contradict the printed ones, which would be a defect."""
        truth = np.array(self._truth)
        if (truth < np.array(self._low)).any() or (truth > np.array(self._high)).any():
            return True
        return any(
            not row.low - 1e-6
            <= math.fsum(c * self._truth[i] for i, c in row.terms)
            <= row.high + 1e-6
            for row in self._rows
        )

    def near(self, unknown: Unknown, steps: int, *, rounded: bool = False) -> frozenset[int]:
        """Unknowns that hang together with one over so many equations.

        Those that are not printed; with `rounded` also exact figures behind printed ones.
        """
        reached = frontier = {self._number[unknown]}
        for _ in range(steps):
            rows = {row for number in frontier for row in self._touching[number]}
            found = {
                i for row in rows for i, _ in self._rows[row].terms if rounded or self._open[i]
            }
            frontier = found - reached
            if not frontier:
                break
            reached = reached | frontier
        return frozenset(reached)

    def possible(
        self,
        fixed: Mapping[Unknown, int],
        *,
        extreme: Unknown | None = None,
        sign: int = 1,
        within: Collection[int] | None = None,
    ) -> dict[Unknown, float] | None:
        """A solution with some unknowns fixed, the one with the largest `sign` times `extreme`.

        `within` are the unknowns that may differ from the exact figures; all if not given. None if
        there is no solution; an extreme without a limit is infinite in the answer. Raises Undecided
        if the solver does not come to an end.
        """
        moving = sorted(range(len(self._names)) if within is None else within)
        place = {number: i for i, number in enumerate(moving)}
        rows = self._rows_of(moving, place)
        low = np.array([self._low[i] for i in moving])
        high = np.array([self._high[i] for i in moving])
        for unknown, value in fixed.items():
            at = place[self._number[unknown]]
            if not low[at] <= value <= high[at]:
                return None
            low[at] = high[at] = value
        cost = np.zeros(len(moving))
        if extreme is not None:
            cost[place[self._number[extreme]]] = -sign
        answer = milp(
            cost,
            integrality=np.array([self._whole[i] for i in moving], dtype=np.uint8),
            bounds=Bounds(low, high),
            constraints=rows,
        )
        if answer.status == 2:
            return None
        if answer.status in {3, 4} and extreme is not None:
            # Without a limit, or without a solution: which of the two, says a search for any.
            found = self.possible(fixed, within=within)
            return None if found is None else found | {extreme: math.inf * sign}
        if answer.x is None or answer.status != 0:
            raise Undecided("the solver gave up on a group")
        found = {self._names[i]: float(answer.x[at]) for at, i in enumerate(moving)}
        return {
            name: round(value) if isinstance(name, Key) else value for name, value in found.items()
        }

    def truth_of(self, unknown: Unknown) -> float:
        return self._truth[self._number[unknown]]

    def _rows_of(self, moving: list[int], place: Mapping[int, int]) -> list[LinearConstraint]:
        wanted = sorted({row for number in moving for row in self._touching[number]})
        if not wanted:
            return []
        data, columns, starts = [], [], [0]
        low, high = [], []
        for number in wanted:
            row = self._rows[number]
            constant = 0.0
            for unknown, coefficient in row.terms:
                if unknown in place:
                    columns.append(place[unknown])
                    data.append(coefficient)
                else:
                    constant += coefficient * self._truth[unknown]
            starts.append(len(data))
            low.append(row.low - constant)
            high.append(row.high - constant)
        matrix = csr_array(
            (np.array(data), np.array(columns), np.array(starts)),
            shape=(len(wanted), len(moving)),
        )
        return [LinearConstraint(matrix, np.array(low), np.array(high))]

    # ---------------------------------------------------------------- equations

    def _add(self, name: Unknown, low: float, high: float, truth: float, *, is_open: bool) -> None:
        self._number[name] = len(self._names)
        self._names.append(name)
        self._low.append(low)
        self._high.append(high)
        self._truth.append(truth)
        self._open.append(is_open)

    def _add_count(self, key: Key, n: int, seen: Print | None) -> None:
        low, high = 0.0, math.inf
        if seen is not None:
            low, high = possible_counts(seen.count, self._rules, changed=seen.changed)
        self._add(key, low, high, n, is_open=seen is None)

    def _add_total(self, name: Total, total: int, scale: Scale, seen: Print | None) -> None:
        self._add(name, -math.inf, math.inf, total / self._units, is_open=seen is None)
        self._add_row({name: 1, name.key: -scale.lowest}, 0, math.inf)
        self._add_row({name: 1, name.key: -scale.highest}, -math.inf, 0)
        if seen is None:
            return
        # (m - 0.05) x <= T <= (m + 0.05) x, in twentieths. Whoever came or went since
        # shifts T - m x by no more than their own distance from m.
        mean = seen.tenths[mean_of(name.quantity)]
        farthest = max(abs(10 * scale.highest - mean), abs(mean - 10 * scale.lowest))
        slack = seen.changed * (2 * farthest + 1)
        self._add_row({name: 20, name.key: -(2 * mean - 1)}, -slack, math.inf)
        self._add_row({name: 20, name.key: -(2 * mean + 1)}, -math.inf, slack)

    def _add_partitions(self, population: Population) -> None:
        for partition in population.partitions:
            if partition.follows:
                continue
            members = (partition.whole, *partition.parts)
            self._add_sum({key: -1 if i else 1 for i, key in enumerate(members)})
            shared = set.intersection(*(set(population.groups[key].sums) for key in members))
            for quantity in sorted(shared):
                self._add_sum(
                    {Total(key, quantity): -1 if i else 1 for i, key in enumerate(members)}
                )

    def _add_sum(self, terms: Mapping[Unknown, int]) -> None:
        self._add_row(terms, 0, 0)

    def _add_row(self, terms: Mapping[Unknown, float], low: float, high: float) -> None:
        numbered: Iterable[tuple[int, float]] = (
            (self._number[name], coefficient) for name, coefficient in terms.items() if coefficient
        )
        self._rows.append(_Row(tuple(numbered), low, high))
