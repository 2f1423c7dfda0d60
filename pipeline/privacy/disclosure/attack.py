"""What somebody can work out who knows every printed number: equations in whole numbers.

What belongs here: unknowns, their limits, how they add up, and solving for them (HiGHS). What stays
out: what is safe enough (`audit.py`).

Counts are whole numbers and are solved as such: a linear relaxation has more solutions, so it would
take for possible what is not. Totals of scores need not be: a score may be prorated, and the total
behind a printed mean of at least ten officers may lie anywhere on at least one point.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp
from scipy.sparse import coo_array, csr_array

from pipeline.privacy.disclosure.groups import Key, Population, Print, Scale, mean_of
from pipeline.privacy.disclosure.rounding import possible_counts
from pipeline.privacy.disclosure.rules import Rules

_DONE, _IMPOSSIBLE, _UNLIMITED, _TROUBLE = 0, 2, 3, 4
"""What HiGHS says of a problem, by way of scipy."""

_MOST_NODES = 100_000
"""Where the solver gives up. A limit of time would make a release depend on what else is at work
on the machine."""


class Total(NamedTuple):
    """The sum of scores of a group in one quantity: an unknown beside the count of the group."""

    key: Key
    quantity: str


Unknown = Key | Total
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Row:
    """low <= sum of coefficient times unknown <= high."""

    terms: tuple[tuple[int, float], ...]
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class _Part:
    """Some unknowns with their limits, and the equations they are in (`matrix` as CSR holds it)."""

    moving: list[int]
    place: Mapping[int, int]
    low: Floats
    high: Floats
    matrix: tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]]
    rows_low: Floats
    rows_high: Floats


class _Problem:
    """One question to the solver."""

    def __init__(self, part: _Part, low: Floats, high: Floats) -> None:
        self._part = part
        self._low, self._high = low, high
        self.cost: Floats = np.zeros(len(part.moving))
        self._wishes: list[tuple[int, int]] = []

    def wish(self, counts: Mapping[int, int]) -> None:
        """Ask for counts as near as may be, by the places of their unknowns."""
        self._wishes = list(counts.items())

    def solved(self, whole: npt.NDArray[np.uint8]) -> OptimizeResult:
        n, k = len(self.cost), len(self._wishes)
        matrix: csr_array[np.float64] = csr_array(
            self._part.matrix, shape=(len(self._part.rows_low), n + k)
        )
        constraints = [LinearConstraint(matrix, self._part.rows_low, self._part.rows_high)]
        if k:
            # Another unknown each, at least the distance: x - d <= wish and x + d >= wish.
            at = np.array([place for place, _ in self._wishes])
            wishes = np.array([count for _, count in self._wishes], dtype=float)
            rows, ones = np.arange(k), np.ones(k)
            cells = (np.concatenate([rows, rows]), np.concatenate([at, n + rows]))
            below = coo_array((np.concatenate([ones, -ones]), cells), shape=(k, n + k))
            above = coo_array((np.concatenate([ones, ones]), cells), shape=(k, n + k))
            constraints += [
                LinearConstraint(below.tocsr(), -np.inf, wishes),
                LinearConstraint(above.tocsr(), wishes, np.inf),
            ]

        def answer(*, presolve: bool) -> OptimizeResult:
            return milp(
                np.concatenate([self.cost, np.ones(k)]),
                integrality=np.concatenate([whole, np.zeros(k, dtype=np.uint8)]),
                bounds=Bounds(
                    np.concatenate([self._low, np.zeros(k)]),
                    np.concatenate([self._high, np.full(k, np.inf)]),
                ),
                constraints=constraints,
                options={"presolve": presolve, "node_limit": _MOST_NODES},
            )

        found = answer(presolve=True)
        if found.status != _TROUBLE:
            return found
        # A solution of the simplified problem is sometimes lost on the way back; HiGHS says so.
        again = answer(presolve=False)
        return found if again.status == _TROUBLE else again


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
        self._last: tuple[frozenset[int], _Part] | None = None
        self._touching: list[list[int]] = [[] for _ in self._names]
        for place, row in enumerate(self._rows):
            for unknown, _ in row.terms:
                self._touching[unknown].append(place)
        self._whole = np.array([isinstance(name, Key) for name in self._names], dtype=np.uint8)

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

    def counts_among(self, numbers: Collection[int]) -> list[Key]:
        """Groups whose counts are among some unknowns."""
        return [name for i in numbers if isinstance(name := self._names[i], Key)]

    def possible(
        self,
        fixed: Mapping[Unknown, int],
        *,
        within: frozenset[int],
        extremes: Mapping[Unknown, int] | None = None,
        wishes: Mapping[Key, int] | None = None,
    ) -> dict[Unknown, float] | None:
        """A solution with some unknowns fixed; None if there is none.

        `within` are the unknowns that may differ from the exact figures. The solution has the
        largest sum of `extremes`, each times its sign; one without a limit is infinite in the
        answer. Without extremes it comes as near as may be to counts in `wishes`, so that one
        solution shows as many counts as possible to be possible. Raises Undecided if the solver
        does not come to an end.
        """
        part = self._part(within)
        low, high = part.low.copy(), part.high.copy()
        for unknown, value in fixed.items():
            at = part.place[self._number[unknown]]
            if not low[at] <= value <= high[at]:
                return None
            low[at] = high[at] = value
        problem = _Problem(part, low, high)
        for unknown, sign in (extremes or {}).items():
            problem.cost[part.place[self._number[unknown]]] = -sign
        problem.wish({part.place[self._number[k]]: n for k, n in (wishes or {}).items()})
        answer = problem.solved(self._whole[part.moving])
        if answer.status == _IMPOSSIBLE:
            return None
        if answer.status in {_UNLIMITED, _TROUBLE} and extremes:
            # Without a limit, or without a solution: which of the two, says a search for any.
            found = self.possible(fixed, within=within)
            unlimited = {unknown: math.inf * sign for unknown, sign in extremes.items()}
            return None if found is None else found | unlimited
        if answer.x is None or answer.status != _DONE:
            raise Undecided("the solver gave up on a group")
        return {self._names[i]: float(x) for i, x in zip(part.moving, answer.x, strict=False)}

    def truth_of(self, unknown: Unknown) -> float:
        return self._truth[self._number[unknown]]

    def _part(self, within: frozenset[int]) -> "_Part":
        """The equations of some unknowns, everything else being what it is; the last are kept."""
        if self._last is None or self._last[0] != within:
            self._last = (within, self._made_part(within))
        return self._last[1]

    def _made_part(self, within: frozenset[int]) -> "_Part":
        moving = sorted(within)
        place = {number: i for i, number in enumerate(moving)}
        wanted = sorted({row for number in moving for row in self._touching[number]})
        data: list[float] = []
        columns: list[int] = []
        starts = [0]
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
        return _Part(
            moving,
            place,
            np.array([self._low[i] for i in moving]),
            np.array([self._high[i] for i in moving]),
            (np.array(data), np.array(columns, dtype=np.int64), np.array(starts)),
            np.array(low),
            np.array(high),
        )

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
