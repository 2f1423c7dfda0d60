"""Unknown numbers of people and points, and what linear facts about them leave possible.

What belongs here: bounds by propagation, and exact bounds and feasibility by integer programmes.
What stays out: what the unknowns mean, and where the facts come from.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import block_array, coo_array, csr_array, vstack
from scipy.sparse.csgraph import connected_components

UNBOUNDED: Final = 1e7
"""Stands for no limit: finite, so that sums of limits stay numbers."""

_SLACK: Final = 1e-6
_ROUNDS: Final = 100
_IMPOSSIBLE, _TROUBLE = 2, 4
"""What `milp` says where there is no solution, and where it failed."""

Floats = np.ndarray[tuple[int], np.dtype[np.float64]]
Indices = np.ndarray[tuple[int], np.dtype[np.intp]]


class Contradiction(Exception):
    """The facts cannot all be true."""


@dataclass(slots=True)
class Facts:
    """Linear facts about named unknowns, as they are collected."""

    names: dict[Hashable, int] = field(default_factory=dict)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    _coefficients: list[float] = field(default_factory=list)
    _columns: list[int] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)
    _row_low: list[float] = field(default_factory=list)
    _row_high: list[float] = field(default_factory=list)

    def unknown(
        self,
        name: Hashable,
        low: float = 0,
        high: float = UNBOUNDED,
        *,
        whole: bool = True,
    ) -> int:
        """The place of an unknown, which is made when it is first named; limits only tighten."""
        if name not in self.names:
            self.names[name] = len(self.low)
            self.low.append(low)
            self.high.append(high)
            self.whole.append(whole)
            return self.names[name]
        place = self.names[name]
        self.low[place] = max(self.low[place], low)
        self.high[place] = min(self.high[place], high)
        return place

    def between(self, low: float, terms: Iterable[tuple[float, Hashable]], high: float) -> None:
        """Low <= the sum of coefficient times unknown <= high."""
        self._starts.append(len(self._columns))
        for coefficient, name in terms:
            self._coefficients.append(coefficient)
            self._columns.append(self.unknown(name))
        self._row_low.append(low)
        self._row_high.append(high)

    def adds_up(self, total: Hashable, parts: Iterable[Hashable]) -> None:
        """The total is the sum of its parts."""
        self.between(0, [(-1, total), *((1, part) for part in parts)], 0)

    def system(self) -> "System":
        starts = np.array([*self._starts, len(self._columns)], dtype=np.intp)
        return System(
            names=self.names,
            low=np.array(self.low, dtype=np.float64),
            high=np.array(self.high, dtype=np.float64),
            whole=np.array(self.whole, dtype=bool),
            coefficients=np.array(self._coefficients, dtype=np.float64),
            columns=np.array(self._columns, dtype=np.intp),
            rows=np.repeat(np.arange(len(self._starts)), np.diff(starts)),
            row_low=np.array(self._row_low, dtype=np.float64),
            row_high=np.array(self._row_high, dtype=np.float64),
        )


@dataclass(slots=True)
class System:
    """Facts as sparse rows; `low` and `high` are tightened in place by `propagate`."""

    names: Mapping[Hashable, int]
    low: Floats
    high: Floats
    whole: np.ndarray[tuple[int], np.dtype[np.bool_]]
    coefficients: Floats
    columns: Indices
    rows: Indices
    row_low: Floats
    row_high: Floats

    def propagate(self) -> None:
        """Tightens the limits of every unknown by every fact until nothing more follows.

        Raises Contradiction where an unknown is left without a possible value.
        """
        for _ in range(_ROUNDS):
            least, most = self._terms()
            row_least, row_most = self._sums(least), self._sums(most)
            # What the other terms of its row leave for each term.
            at_most = self.row_high[self.rows] - (row_least[self.rows] - least)
            at_least = self.row_low[self.rows] - (row_most[self.rows] - most)
            up = self.coefficients > 0
            above = np.where(up, at_most, at_least) / self.coefficients
            below = np.where(up, at_least, at_most) / self.coefficients
            whole = self.whole[self.columns]
            above = np.where(whole, np.floor(above + _SLACK), above)
            below = np.where(whole, np.ceil(below - _SLACK), below)
            low, high = self.low.copy(), self.high.copy()
            np.maximum.at(low, self.columns, below)
            np.minimum.at(high, self.columns, above)
            if (low > high + _SLACK).any():
                raise Contradiction
            gained = max((low - self.low).max(initial=0), (self.high - high).max(initial=0))
            self.low, self.high = low, np.maximum(low, high)
            if gained < _SLACK * 10:
                return

    def bounds(self, name: Hashable) -> tuple[float, float]:
        place = self.names[name]
        return float(self.low[place]), float(self.high[place])

    def parts(self) -> Iterator["Part"]:
        """The unknowns that still hang together, each part a problem of its own.

        A fact that the limits imply already ties nothing, and neither does an unknown with one
        possible value: after `propagate`, most systems fall apart.
        """
        least, most = self._terms()
        ties = (self._sums(least) < self.row_low - _SLACK) | (
            self._sums(most) > self.row_high + _SLACK
        )
        open_ = self.high - self.low > _SLACK
        kept = ties[self.rows] & open_[self.columns]
        label = _components(len(self.low), len(self.row_low), self.rows[kept], self.columns[kept])
        for tag in np.unique(label[open_]):
            columns = np.flatnonzero(open_ & (label == tag))
            yield self._part(columns, kept)

    def whole_part(self) -> "Part":
        """All unknowns as one programme, those with one possible value too."""
        return self._part(np.arange(len(self.low)), np.ones(len(self.rows), dtype=bool))

    def _part(self, columns: Indices, kept: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> "Part":
        place = np.full(len(self.low), -1)
        place[columns] = np.arange(len(columns))
        inside = kept & (place[self.columns] >= 0)
        rows, row_place = np.unique(self.rows[inside], return_inverse=True)
        matrix = csr_array(
            (self.coefficients[inside], (row_place, place[self.columns[inside]])),
            shape=(len(rows), len(columns)),
        )
        # Unknowns with one possible value move to the other side.
        closed = ~kept
        known = np.bincount(
            self.rows[closed],
            (self.coefficients * self.low[self.columns])[closed],
            len(self.row_low),
        )
        return Part(
            columns,
            self.low[columns],
            self.high[columns],
            self.whole[columns],
            matrix,
            (self.row_low - known)[rows],
            (self.row_high - known)[rows],
        )

    def _terms(self) -> tuple[Floats, Floats]:
        one = self.coefficients * self.low[self.columns]
        other = self.coefficients * self.high[self.columns]
        return np.minimum(one, other), np.maximum(one, other)

    def _sums(self, terms: Floats) -> Floats:
        return np.bincount(self.rows, terms, len(self.row_low))


@dataclass(slots=True)
class Part:
    """Unknowns that hang together, as an integer programme."""

    columns: Indices
    low: Floats
    high: Floats
    whole: np.ndarray[tuple[int], np.dtype[np.bool_]]
    matrix: csr_array
    row_low: Floats
    row_high: Floats

    @property
    def is_free(self) -> bool:
        """Whether nothing ties the unknowns: every value within the limits is possible."""
        return self.matrix.shape[0] == 0

    def with_sum(self, places: Sequence[int], total: float) -> "Part":
        """The same, and the unknowns at these places sum to the total."""
        row = csr_array(
            (np.ones(len(places)), (np.zeros(len(places), dtype=int), list(places))),
            shape=(1, len(self.columns)),
        )
        return replace(
            self,
            matrix=csr_array(vstack([self.matrix, row])),
            row_low=np.append(self.row_low, total),
            row_high=np.append(self.row_high, total),
        )

    def nearest(self, wanted: Mapping[int, float]) -> Floats | None:
        """Some whole solution near the wanted values of unknowns, by their place in the part."""
        size, asked = len(self.columns), list(wanted)
        # One more unknown for each: how far it is from what is wanted.
        ones = np.ones(len(asked))
        rows = np.arange(len(asked))
        pick = csr_array((ones, (rows, asked)), shape=(len(asked), size))
        far = csr_array((ones, (rows, rows)), shape=(len(asked), len(asked)))
        values = np.array([wanted[place] for place in asked])
        free = np.full(len(asked), np.inf)
        zero = csr_array((self.matrix.shape[0], len(asked)))
        wider = Part(
            np.arange(size + len(asked)),
            np.append(self.low, np.zeros(len(asked))),
            np.append(self.high, np.full(len(asked), UNBOUNDED)),
            np.append(self.whole, np.zeros(len(asked), dtype=bool)),
            csr_array(block_array([[self.matrix, zero], [pick, far], [pick, -far]])),
            np.concatenate([self.row_low, values, -free]),
            np.concatenate([self.row_high, free, values]),
        )
        solution = wider.solve(np.append(np.zeros(size), ones), any_near=True)
        return None if solution is None else solution[:size]

    def solve(
        self,
        objective: Sequence[float] | Floats,
        fixed: Mapping[int, tuple[float, float]] | None = None,
        *,
        relaxed: bool = False,
        any_near: bool = False,
    ) -> Floats | None:
        """The values that make the objective least, or None if the facts have no solution.

        `fixed` narrows the limits of unknowns by their place in the part. `relaxed` drops that
        people are whole: what it finds impossible is, what it finds possible may not be.
        `any_near` takes the first solution that is not far from the least.
        """
        low, high = self.low.copy(), self.high.copy()
        for place, (least, most) in (fixed or {}).items():
            low[place], high[place] = max(low[place], least), min(high[place], most)
        if (low > high + _SLACK).any():
            return None
        constraints = (
            [] if self.is_free else [LinearConstraint(self.matrix, self.row_low, self.row_high)]
        )
        for presolve in (True, False):
            found = milp(
                np.asarray(objective, dtype=np.float64),
                integrality=np.zeros(len(low)) if relaxed else self.whole.astype(np.float64),
                bounds=Bounds(low, np.maximum(low, high)),
                constraints=constraints,
                options={"mip_rel_gap": 0.5 if any_near else 0.0, "presolve": presolve},
            )
            # What presolve takes away is sometimes put back wrongly, and HiGHS says so.
            if found.status != _TROUBLE:
                break
        if found.x is None:
            if found.status != _IMPOSSIBLE:
                raise RuntimeError(f"the integer programme ended with status {found.status}")
            return None
        solution: Floats = found.x
        return np.where(self.whole, np.round(solution), solution) if not relaxed else solution


def _components(unknowns: int, facts: int, rows: Indices, columns: Indices) -> Indices:
    """A label for each unknown, the same where facts tie them."""
    size = unknowns + facts
    ties = coo_array((np.ones(len(rows)), (columns, unknowns + rows)), shape=(size, size))
    return connected_components(ties, directed=False)[1][:unknowns].astype(np.intp)  # type: ignore[no-any-return]
