"""How far officers of one session group, and of one organisation, are alike: variances by REML.

What belongs here: the nested model y = mu + organisation + group + officer, from sums by group, and
intraclass correlations with profile intervals. What stays out: what y is (`icc.py`).

With n_g and m_g the size and mean of group g, a and b the variances of organisations and of groups
over that of officers, v_g = 1/n_g + b, S_o = sum of 1/v_g over the groups of organisation o and
mu at its generalised least squares estimate, minus twice the restricted log-likelihood is, but for
a constant,

    (N - 1) log Q + sum_g log(1 + n_g b) + sum_o log(1 + a S_o) + log sum_o S_o / (1 + a S_o),
    Q = within-group squares + sum_o [ sum_g (m_g - mu)^2 / v_g
                                       - a (sum_g (m_g - mu) / v_g)^2 / (1 + a S_o) ].

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
    if sums.within_squares <= 0:
        return NoComponents.CONSTANT
    deviance = _Deviance(sums)
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

    Groups of one organisation and size count through their number, mean and scatter.
    """

    def __init__(self, sums: GroupSums) -> None:
        alike = np.column_stack([sums.organisation.astype(np.float64), sums.n])
        kinds, of = np.unique(alike, axis=0, return_inverse=True)
        self._organisation = kinds[:, 0].astype(np.int64)
        self._size = kinds[:, 1]
        self._groups = np.bincount(of).astype(np.float64)
        self._mean = np.bincount(of, sums.means) / self._groups
        self._scatter = np.bincount(of, (sums.means - self._mean[of]) ** 2)
        self._within_squares = sums.within_squares
        self._free = float(sums.n.sum()) - 1

    def __call__(self, a: float, b: float) -> float:
        at = self._at(a, b)
        return float(
            self._free * np.log(at.squares)
            + self._groups @ np.log1p(self._size * b)
            + np.log(at.shrunk).sum()
            + np.log(at.information)
        )

    def officer_variance(self, a: float, b: float) -> float:
        return self._at(a, b).squares / self._free

    def gradient(self, a: float, b: float) -> Array:
        """Its derivatives by a and by b."""
        at = self._at(a, b)
        squared = self._groups * at.weights**2
        s_by_b = -self._by_organisation(squared)
        r_by_b = -self._by_organisation(squared * at.away)
        squares_by_a = -((at.r / at.shrunk) ** 2).sum()
        squares_by_b = (
            -(at.weights**2 @ (self._scatter + self._groups * at.away**2))
            - (2 * a * at.r * r_by_b / at.shrunk).sum()
            + (a**2 * at.r**2 * s_by_b / at.shrunk**2).sum()
        )
        by_a = (
            self._free / at.squares * squares_by_a
            + (at.s / at.shrunk).sum()
            - ((at.s / at.shrunk) ** 2).sum() / at.information
        )
        by_b = (
            self._free / at.squares * squares_by_b
            + self._groups @ at.weights
            + (a * s_by_b / at.shrunk).sum()
            + (s_by_b / at.shrunk**2).sum() / at.information
        )
        return np.array([by_a, by_b])

    def _by_organisation(self, values: Array) -> Array:
        return np.bincount(self._organisation, values).astype(np.float64)

    def _at(self, a: float, b: float) -> "_Point":
        weights: Array = np.asarray(1 / (1 / self._size + b), dtype=np.float64)
        s = self._by_organisation(self._groups * weights)
        t = self._by_organisation(self._groups * weights * self._mean)
        shrunk: Array = np.asarray(1 + a * s, dtype=np.float64)
        information = float((s / shrunk).sum())
        away = self._mean - float((t / shrunk).sum()) / information
        r = self._by_organisation(self._groups * weights * away)
        squares = (
            self._within_squares
            + float(weights @ (self._scatter + self._groups * away**2))
            - float((a * r**2 / shrunk).sum())
        )
        return _Point(weights, s, shrunk, information, away, r, squares)

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

    weights: Array
    """1 / v of each kind of group."""
    s: Array
    """S of each organisation."""
    shrunk: Array
    """1 + a S of each organisation."""
    information: float
    """On mu."""
    away: Array
    """The mean of each kind of group less mu."""
    r: Array
    """Of each organisation, the sum of (m - mu) / v."""
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
