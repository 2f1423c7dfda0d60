"""One mean over several organisations that differ: a random-effects model by REML.

What belongs here: formulas on estimates and their variances. What stays out: which organisations
enter (`pooled_change.py`).

With y_i the estimate of organisation i, v_i its variance, w_i = 1 / (v_i + tau2) and
mu = sum w_i y_i / sum w_i, REML chooses the tau2 >= 0 that maximises
-1/2 [sum log(v_i + tau2) + log sum w_i + sum w_i (y_i - mu)^2]
(W. Viechtbauer 2005, Journal of Educational and Behavioral Statistics 30(3)).
Not to be used where the y_i are not of independent organisations, or the v_i rest on so few
officers that they are no variances to speak of.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, chdtri, stdtrit

Numbers = npt.NDArray[np.float64]

FEWEST_FOR_PREDICTION: Final = 3
"""With two organisations nothing is known of how a third differs."""

_GRID: Final = np.concatenate([[0.0], np.geomspace(1e-5, 1.0, 41)])
"""Where REML is looked at first, as shares of a tau2 that is certainly too large."""
_HALVINGS: Final = 60
_CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Limits:
    """Lower and upper limit of a 95% interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RandomEffects:
    """What `random_effects` finds from k >= 2 organisations, in the units of the estimates."""

    k: int
    estimate: float
    tau2: float
    i2: float
    """Share of the spread that lies between organisations, 0 to 1 (J. P. T. Higgins and S. G.
    Thompson 2002)."""
    q: float
    q_p: float
    weights: tuple[float, ...]
    """Share of each organisation in the estimate; they add up to 1."""
    standard_error: float
    """Of the estimate, as if tau2 were known: 1 / sqrt(sum of weights)."""
    multiplier: float
    """Hartung and Knapp's: sum w_i (y_i - mu)^2 / (k - 1)."""

    def confidence(self, *, floored: bool = True) -> Limits:
        """95% interval of the mean over organisations, t with k - 1 degrees of freedom.

        The variance is Hartung and Knapp's (2001, Statistics in Medicine 20): the one as if tau2
        were known, times the multiplier; `floored`, at least that variance (C. Roever, G. Knapp and
        T. Friede 2015, BMC Medical Research Methodology 15:99), since organisations that agree by
        chance would else give an interval that is too short.
        """
        return self._around(self._variance(floored=floored))

    def prediction(self, *, floored: bool = True) -> Limits | None:
        """95% interval for the true change of another organisation; None for fewer than three.

        t with k - 1 degrees of freedom, variance tau2 and that of the estimate (J. P. T. Higgins,
        S. G. Thompson and D. J. Spiegelhalter 2009, JRSS A 172, with k - 1 in place of k - 2).
        """
        if self.k < FEWEST_FOR_PREDICTION:
            return None
        return self._around(self.tau2 + self._variance(floored=floored))

    def _variance(self, *, floored: bool) -> float:
        multiplier = max(1.0, self.multiplier) if floored else self.multiplier
        return multiplier * self.standard_error**2

    def _around(self, variance: float) -> Limits:
        reach = float(stdtrit(self.k - 1, (1 + _CONFIDENCE) / 2)) * math.sqrt(variance)
        return Limits(self.estimate - reach, self.estimate + reach)


def random_effects(estimates: Sequence[float], variances: Sequence[float]) -> RandomEffects | None:
    """The model of estimates with their variances; None for fewer than two.

    Raises ValueError for an estimate that is not finite or a variance that is not above 0.
    """
    y, v = _checked(estimates, variances)
    return _fitted(y, v, float(_reml(y, v, np.ones((1, len(y)), bool))[0])) if len(y) > 1 else None


def leave_one_out(
    estimates: Sequence[float], variances: Sequence[float]
) -> list[RandomEffects | None]:
    """The model without each organisation in turn; None where fewer than two are left.

    Raises what `random_effects` raises.
    """
    y, v = _checked(estimates, variances)
    k = len(y)
    if k < 3:
        return [None] * k
    others = ~np.eye(k, dtype=bool)
    tau2 = _reml(y, v, others)
    return [_fitted(y[kept], v[kept], float(t)) for t, kept in zip(tau2, others, strict=True)]


def tau2_interval(estimates: Sequence[float], variances: Sequence[float]) -> Limits | None:
    """95% interval of tau2 by the Q profile (W. Viechtbauer 2007, Statistics in Medicine 26).

    The tau2 at which sum w_i (y_i - mu)^2 equals the outer quantiles of chi-square with k - 1; 0
    where the estimates lie too close together for that. None for fewer than two. Raises what
    `random_effects` raises.
    """
    y, v = _checked(estimates, variances)
    freedom, tail = len(y) - 1, (1 - _CONFIDENCE) / 2
    if freedom < 1:
        return None
    low, high = (_tau2_of_spread(float(chdtri(freedom, upper)), y, v) for upper in (tail, 1 - tail))
    return Limits(low, high)


def _checked(estimates: Sequence[float], variances: Sequence[float]) -> tuple[Numbers, Numbers]:
    y, v = np.array(estimates, dtype=np.float64), np.array(variances, dtype=np.float64)
    if not (np.isfinite(y).all() and np.isfinite(v).all() and (v > 0).all()):
        raise ValueError("finite estimates and variances above 0 are expected")
    return y, v


def _fitted(y: Numbers, v: Numbers, tau2: float) -> RandomEffects:
    k = len(y)
    weights = 1 / (v + tau2)
    total = float(weights.sum())
    mean = float((weights * y).sum()) / total
    q = _spread(0.0, y, v)
    fixed = 1 / v
    # The variance of an organisation of typical size.
    within = (k - 1) * fixed.sum() / (fixed.sum() ** 2 - (fixed**2).sum())
    return RandomEffects(
        k=k,
        estimate=mean,
        tau2=tau2,
        i2=tau2 / (tau2 + float(within)),
        q=q,
        q_p=float(chdtrc(k - 1, q)),
        weights=tuple((weights / total).tolist()),
        standard_error=1 / math.sqrt(total),
        multiplier=float((weights * (y - mean) ** 2).sum()) / (k - 1),
    )


def _spread(tau2: float, y: Numbers, v: Numbers) -> float:
    """What lies around the mean, sum w_i (y_i - mu)^2; it falls as tau2 rises."""
    weights = 1 / (v + tau2)
    mean = (weights * y).sum() / weights.sum()
    return float((weights * (y - mean) ** 2).sum())


def _tau2_of_spread(wanted: float, y: Numbers, v: Numbers) -> float:
    if _spread(0.0, y, v) <= wanted:
        return 0.0
    high = float(v.max())
    while _spread(high, y, v) > wanted:
        high *= 2
    found = _where_sign_changes(
        lambda tau2: np.array([_spread(float(tau2[0]), y, v) - wanted]),
        np.zeros(1),
        np.full(1, high),
    )
    return float(found[0])


def _where_sign_changes(
    function: Callable[[Numbers], Numbers], low: Numbers, high: Numbers
) -> Numbers:
    """Where a function of many places at once, above 0 at `low` and not at `high`, comes to 0."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = function(middle) > 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return (low + high) / 2


def _reml(y: Numbers, v: Numbers, included: npt.NDArray[np.bool_]) -> Numbers:
    """tau2 of each row of `included` (fits by organisations), which says who enters that fit.

    The likelihood may have more than one summit, so it is looked at on a grid before the highest
    one is closed in on by halving where its slope changes sign.
    """
    spread = float(((y - y.mean()) ** 2).sum())
    scale = 10 * (spread + float(v.max()))
    grid = _GRID * scale
    heights = np.stack([_likelihood(np.full(len(included), t), y, v, included) for t in grid])
    best = heights.argmax(axis=0)
    low, high = grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, len(grid) - 1)]
    falls_from_zero = (best == 0) & (_slope(np.zeros(len(included)), y, v, included) <= 0)
    summit = _where_sign_changes(lambda tau2: _slope(tau2, y, v, included), low, high)
    return np.where(falls_from_zero, 0.0, summit)


def _likelihood(tau2: Numbers, y: Numbers, v: Numbers, included: npt.NDArray[np.bool_]) -> Numbers:
    """The restricted log-likelihood of each fit at its tau2, up to a constant."""
    total = v + tau2[:, None]
    weights = included / total
    mean = (weights * y).sum(axis=1) / weights.sum(axis=1)
    residuals = y - mean[:, None]
    likelihood: Numbers = -0.5 * (
        np.where(included, np.log(total), 0).sum(axis=1)
        + np.log(weights.sum(axis=1))
        + (weights * residuals**2).sum(axis=1)
    )
    return likelihood


def _slope(tau2: Numbers, y: Numbers, v: Numbers, included: npt.NDArray[np.bool_]) -> Numbers:
    """Twice the derivative of `_likelihood` by tau2."""
    weights = included / (v + tau2[:, None])
    sums = weights.sum(axis=1)
    residuals = y - ((weights * y).sum(axis=1) / sums)[:, None]
    squares = weights**2
    slope: Numbers = (squares * residuals**2).sum(axis=1) - sums + squares.sum(axis=1) / sums
    return slope
