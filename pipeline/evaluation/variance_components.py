"""How far officers of one session group, and of one organisation, are alike: variances by REML.

What belongs here: the nested model y = mu + organisation + group + officer, from sums by group, and
intraclass correlations with profile intervals. What stays out: what y is (`icc.py`).

mu is a mean, or one of each of several arms. With a and b the variances of organisations and of
groups over that of officers, V the covariance over that of officers, X a column of 0 and 1 for each
of p means, and y and N the values and their number, minus twice the restricted log-likelihood is,
but for a constant,

    (N - p) log Q + log det V + log det X'V^-1 X,    Q = y'V^-1 y - y'V^-1 X (X'V^-1 X)^-1 X'V^-1 y.

In an organisation V^-1 = D - a D11'D / (1 + a 1'D1), and D = I - b / (1 + n b) 11' in a group of n,
so that numbers and sums of groups by arm are all that is needed.

Two officers of one organisation in different groups correlate by a / (1 + a + b), two of one group
by (a + b) / (1 + a + b). Intervals hold the values whose profile lies within chi-square's 95% of
the maximum (S. R. Searle, G. Casella and C. E. McCulloch 1992, Variance Components). Not to be
read where there are few clusters: the interval then says that little is known, which is true.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize, minimize_scalar
from scipy.special import chdtri

from pipeline.evaluation.cells import NEXT_TO_NOTHING

Array = NDArray[np.float64]

CUTOFF: Final = float(chdtri(1, 0.05))
MOST: Final = 0.999
"""Correlations are looked for up to here."""

LARGEST_RATIO: Final = 1_000.0
"""Variances of organisations and groups are looked for up to so many times that of officers."""

_STARTS: Final = ((0.1, 0.1), (0.01, 0.3), (0.3, 0.01))


@dataclass(frozen=True, slots=True)
class GroupSums:
    """Number and mean of each group's values; groups of one organisation share its number."""

    organisation: NDArray[np.int64]
    n: Array
    means: Array
    within_squares: float
    """Squared deviations of values from their group's mean, summed over all groups."""
    n_by_arm: Array | None = None
    """(groups, arms) where arms have means of their own: `n` by arm. The values are then deviations
    from the plain mean of their arm."""

    @property
    def n_means(self) -> int:
        return 1 if self.n_by_arm is None else self.n_by_arm.shape[1]


@dataclass(frozen=True, slots=True)
class Correlation:
    """An intraclass correlation with its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Components:
    """Correlations within an organisation and a group; None where the level is not estimated."""

    variance: float
    """Of an officer's value: all levels together."""
    organisation: Correlation | None
    group: Correlation | None


class NoComponents(Enum):
    """Why there are none."""

    CONSTANT = "values do not vary within groups: no correlation"
    ALONE = "no two officers are in one group or organisation: no correlation"


def variance_components(
    sums: GroupSums, *, organisations: bool = True, groups: bool = True
) -> Components | NoComponents:
    """Estimates for the levels asked for; the variance of the other is then taken to be 0.

    Without `groups` the groups given must be whole organisations.
    """
    if sums.n.sum() <= len(sums.n):
        return NoComponents.ALONE
    deviance = _Deviance(sums)
    if deviance.is_constant_within_groups:
        return NoComponents.CONSTANT
    free = np.array([organisations, groups])

    def at(ratios: Array) -> tuple[float, Array]:
        both = np.zeros(2)
        both[free] = ratios
        return deviance(*both), deviance.gradient(*both)[free]

    best = min(
        (
            minimize(
                at,
                np.array(start)[free],
                jac=True,
                method="L-BFGS-B",
                bounds=[(0, LARGEST_RATIO)] * int(free.sum()),
                options={"ftol": 1e-15, "gtol": 1e-7},
            )
            for start in _STARTS
        ),
        key=lambda found: float(found.fun),
    )
    ratios = np.zeros(2)
    ratios[free] = best.x
    a, b = ratios
    lowest = float(best.fun)
    total = 1 + a + b
    return Components(
        variance=float(deviance.officer_variance(a, b) * total),
        organisation=_profiled(deviance.of_organisation(groups=groups), a / total, lowest)
        if organisations
        else None,
        group=_profiled(deviance.of_group(organisations=organisations), (a + b) / total, lowest)
        if groups
        else None,
    )


class _Deviance:
    """Minus twice the restricted log-likelihood as a function of the two ratios of variances.

    Groups of one organisation with the same numbers by arm count through their number, the mean of
    their sums and the scatter of those.
    """

    def __init__(self, sums: GroupSums) -> None:
        by_arm = sums.n[:, None] if sums.n_by_arm is None else sums.n_by_arm
        kinds, of = np.unique(
            np.column_stack([sums.organisation.astype(np.float64), by_arm]),
            axis=0,
            return_inverse=True,
        )
        of = of.ravel()
        self._organisation = kinds[:, 0].astype(np.int64)
        self._by_arm = kinds[:, 1:]
        self._size = self._by_arm.sum(axis=1)
        self._groups = np.bincount(of).astype(np.float64)
        # Of values less their plain mean, whose sums over each arm are then 0.
        totals = sums.n * (sums.means - sums.n @ sums.means / sums.n.sum())
        self._total = np.bincount(of, totals) / self._groups
        self._scatter = np.bincount(of, (totals - self._total[of]) ** 2)
        self._squares = sums.within_squares + float((totals**2 / sums.n).sum())
        self._arms = (self._groups[:, None] * self._by_arm).sum(axis=0)
        self._free = float(sums.n.sum()) - sums.n_means

    @property
    def is_constant_within_groups(self) -> bool:
        """Whether nothing is left of values once their groups and arms are known."""
        share = 1 / self._size
        left = self._squares - float((share * self._summed_squares(np.zeros(len(share)))).sum())
        pull = -(share * self._groups * self._total) @ self._by_arm
        products = np.diag(self._arms) - (self._by_arm.T * (self._groups * share)) @ self._by_arm
        left -= float(pull @ np.linalg.pinv(products, rcond=NEXT_TO_NOTHING, hermitian=True) @ pull)
        return left <= NEXT_TO_NOTHING * self._squares

    def __call__(self, a: float, b: float) -> float:
        at = self._at(a, b)
        return float(
            self._free * np.log(at.squares)
            + self._groups @ np.log1p(self._size * b)
            + np.log(at.shrunk).sum()
            + np.linalg.slogdet(at.information)[1]
        )

    def officer_variance(self, a: float, b: float) -> float:
        return self._at(a, b).squares / self._free

    def gradient(self, a: float, b: float) -> Array:
        """Its derivatives by a and by b."""
        at = self._at(a, b)
        inverse = np.linalg.inv(at.information)
        squares_by_a = -((at.r / at.shrunk) ** 2).sum()
        of_group = (a * at.r / at.shrunk)[self._organisation] * at.weights
        squares_by_b = -float((at.damping**2 * self._summed_squares(at.expected)).sum())
        mean = at.damping * (self._total - at.expected)
        squares_by_b -= float((self._groups * (of_group**2 - 2 * of_group * mean)).sum())
        of_arms = at.u / at.shrunk[:, None]
        own = (
            at.damping[:, None] * self._by_arm
            - a * at.weights[:, None] * of_arms[self._organisation]
        )
        shared = (self._groups * at.weights) @ (1 - a * at.weights / at.shrunk[self._organisation])
        by_a = (
            self._free / at.squares * squares_by_a
            + (at.s / at.shrunk).sum()
            - np.trace(inverse @ (of_arms.T @ of_arms))
        )
        by_b = (
            self._free / at.squares * squares_by_b
            + shared
            - np.trace(inverse @ ((own.T * self._groups) @ own))
        )
        return np.array([by_a, by_b])

    def _summed_squares(self, expected: Array) -> Array:
        """Of each kind of group, the squares of its groups' sums less what is expected of one."""
        return np.asarray(self._scatter + self._groups * (self._total - expected) ** 2)

    def _by_organisation(self, values: Array) -> Array:
        return np.bincount(self._organisation, values).astype(np.float64)

    def _at(self, a: float, b: float) -> "_Point":
        damping = 1 / (1 + self._size * b)
        weights, shared = self._size * damping, b * damping
        s = self._by_organisation(self._groups * weights)
        shrunk = 1 + a * s
        u = np.column_stack(
            [self._by_organisation(self._groups * damping * arm) for arm in self._by_arm.T]
        )
        by_arm, times = self._by_arm, self._groups * shared
        information = np.diag(self._arms) - (by_arm.T * times) @ by_arm - (u.T * (a / shrunk)) @ u
        y = self._by_organisation(self._groups * damping * self._total)
        pull = -(times * self._total) @ by_arm - (a * y / shrunk) @ u
        means = np.linalg.solve(information, pull)
        squares = (
            self._squares
            - float((shared * self._summed_squares(np.zeros(len(shared)))).sum())
            - float((a * y**2 / shrunk).sum())
            - float(pull @ means)
        )
        return _Point(
            damping, weights, s, shrunk, u, information, by_arm @ means, y - u @ means, squares
        )

    def of_organisation(self, *, groups: bool) -> Callable[[float], float]:
        """The profile of the correlation within an organisation."""

        def profile(correlation: float) -> float:
            def at(b: float) -> float:
                return self(correlation * (1 + b) / (1 - correlation), b)

            return _lowest(at, LARGEST_RATIO) if groups else at(0.0)

        return profile

    def of_group(self, *, organisations: bool) -> Callable[[float], float]:
        """The profile of the correlation within a group."""

        def profile(correlation: float) -> float:
            both = correlation / (1 - correlation)

            def at(a: float) -> float:
                return self(a, both - a)

            return _lowest(at, both) if organisations else at(0.0)

        return profile


@dataclass(frozen=True, slots=True)
class _Point:
    """The quantities of the module's docstring at two ratios."""

    damping: Array
    """1 / (1 + n b) of each kind of group."""
    weights: Array
    """1'D1 of each kind of group."""
    s: Array
    """1'D1 of each organisation."""
    shrunk: Array
    """1 + a 1'D1 of each organisation."""
    u: Array
    """X'D1 of each organisation, one row each."""
    information: Array
    """X'V^-1 X."""
    expected: Array
    """The sum of a group's values, of each kind, as the means have it."""
    r: Array
    """1'D(y - X means) of each organisation."""
    squares: float
    """Q."""


def _lowest(function: Callable[[float], float], largest: float) -> float:
    """The minimum between 0 and `largest`; roots, since the small ones are those that matter."""
    if largest <= 0:
        return function(0.0)
    found = minimize_scalar(
        lambda root: function(float(root) ** 2),
        bounds=(0, largest**0.5),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return min(float(found.fun), function(0.0), function(largest))


def _profiled(profile: Callable[[float], float], value: float, lowest: float) -> Correlation:
    def above(correlation: float) -> float:
        return profile(correlation) - lowest - CUTOFF

    low = 0.0 if value == 0 or above(0.0) <= 0 else float(brentq(above, 0.0, value, xtol=1e-8))
    high = MOST if above(MOST) <= 0 else float(brentq(above, value, MOST, xtol=1e-8))
    return Correlation(float(value), low, high)
