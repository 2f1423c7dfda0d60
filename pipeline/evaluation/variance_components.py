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

_STARTS: Final = ((0.3, 0.3), (0.05, 0.5), (0.5, 0.05))
_LARGEST_ROOT: Final = 40.0


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

    def at(roots: Array) -> float:
        ratios = np.zeros(2)
        ratios[free] = roots**2
        return deviance(*ratios)

    best = min(
        (
            minimize(
                at,
                np.array(start)[free],
                method="L-BFGS-B",
                bounds=[(0, _LARGEST_ROOT)] * int(free.sum()),
                options={"ftol": 1e-14, "gtol": 1e-9},
            )
            for start in _STARTS
        ),
        key=lambda found: float(found.fun),
    )
    ratios = np.zeros(2)
    ratios[free] = best.x**2
    a, b = ratios
    lowest = float(best.fun)
    total = 1 + a + b
    return Components(
        variance=deviance.officer_variance(a, b) * total,
        organisation=_profiled(deviance.of_organisation(groups=groups), a / total, lowest)
        if organisations
        else None,
        group=_profiled(deviance.of_group(organisations=organisations), (a + b) / total, lowest)
        if groups
        else None,
    )


class _Deviance:
    """Minus twice the restricted log-likelihood as a function of the two ratios of variances."""

    def __init__(self, sums: GroupSums) -> None:
        self._sums, self._count = sums, int(sums.organisation.max()) + 1
        self._free = float(sums.n.sum()) - 1

    def __call__(self, a: float, b: float) -> float:
        squares, shrunk, weight = self._solved(a, b)
        return float(
            self._free * np.log(squares)
            + np.log1p(self._sums.n * b).sum()
            + np.log(shrunk).sum()
            + np.log(weight)
        )

    def officer_variance(self, a: float, b: float) -> float:
        return float(self._solved(a, b)[0] / self._free)

    def _solved(self, a: float, b: float) -> tuple[float, Array, float]:
        """Q, 1 + a S of each organisation, and the information on mu."""
        weights = 1 / (1 / self._sums.n + b)
        of = self._sums.organisation
        s = np.bincount(of, weights, self._count)
        t = np.bincount(of, weights * self._sums.means, self._count)
        shrunk: Array = np.asarray(1 + a * s, dtype=np.float64)
        weight = float((s / shrunk).sum())
        mu = float((t / shrunk).sum()) / weight
        away = self._sums.means - mu
        squares = (
            self._sums.within_squares
            + float(weights @ away**2)
            - float((a * (t - s * mu) ** 2 / shrunk).sum())
        )
        return squares, shrunk, weight

    def of_organisation(self, *, groups: bool) -> Callable[[float], float]:
        """The profile of the correlation within an organisation."""

        def profile(correlation: float) -> float:
            def at(b: float) -> float:
                return self(correlation * (1 + b) / (1 - correlation), b)

            return _lowest(at, _LARGEST_ROOT) if groups else at(0.0)

        return profile

    def of_group(self, *, organisations: bool) -> Callable[[float], float]:
        """The profile of the correlation within a group."""

        def profile(correlation: float) -> float:
            both = correlation / (1 - correlation)

            def at(a: float) -> float:
                return self(a, both - a)

            return _lowest(at, both) if organisations else at(0.0)

        return profile


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
