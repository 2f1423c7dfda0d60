"""One common factor behind items, by maximum likelihood, for many covariance matrices at once.

What belongs here: the fit, and McDonald's omega made of it. What stays out: whose answers they are
(`reliability.py`).

Model: correlations R = l l' + diag(u). With theta_1 >= ... >= theta_p the eigenvalues of
u^-1/2 R u^-1/2, maximum likelihood minimises sum over m > 1 of theta_m - log theta_m - 1 over u;
the loadings then are l = u^1/2 v sqrt(theta_1 - 1) with v the first eigenvector (K. G. Joereskog
1967, Psychometrika 32). In x = log u the gradient is (l l' + u - R)_ii / u_i, and
((I - v v')_ij)^2 stands for the second derivatives (M. R. B. Clarke 1970, British Journal of
Mathematical and Statistical Psychology 23). As R's factanal does, u is held at 0.005 or above.

omega = (sum of l_i s_i)^2 / [(sum of l_i s_i)^2 + sum of u_i s_i^2], s the items' SDs (R. P.
McDonald 1999, Test Theory): the part of a score's variance that the common factor makes.
Not to be used where items fall into several factors: it then calls what they share less than it is.
"""

from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]

FEWEST_ITEMS: Final = 3
"""Two items have one correlation, and two loadings cannot be told from it."""

LOWEST_UNIQUENESS: Final = 0.005
_LOWEST, _HIGHEST = float(np.log(LOWEST_UNIQUENESS)), 0.0
_MOST_STEPS: Final = 200
_FLAT: Final = 1e-8
"""The largest slope at which a fit has arrived."""
_SMALLEST_EIGENVALUE: Final = 1e-8
_SHORTEST_STEP: Final = 2.0**-20


@dataclass(frozen=True, slots=True)
class OneFactor:
    """Fits of c matrices of p items; rows that did not arrive, or could not be fitted, hold NaN.

    `loadings` and `uniquenesses` (c, p) are those of correlations; `at_limit` (c,) says that an
    item's uniqueness lies at its lower limit, which few answers or too few items bring about.
    """

    loadings: Numbers
    uniquenesses: Numbers
    at_limit: Truths

    def omega(self, standard_deviations: Numbers) -> Numbers:
        """McDonald's omega (c,) of sums of items with these SDs (c, p); NaN without a fit."""
        common = (self.loadings * standard_deviations).sum(axis=1) ** 2
        own = (self.uniquenesses * standard_deviations**2).sum(axis=1)
        omega: Numbers = common / (common + own)
        return omega


def one_factor(correlations: Numbers) -> OneFactor:
    """Fits one factor to each of c correlation matrices (c, p, p), p >= 3.

    A matrix that is not positive definite has no fit. Every matrix is fitted by itself, so that
    others beside it change nothing. Raises ValueError for fewer than three items.
    """
    count, items = correlations.shape[:2]
    if items < FEWEST_ITEMS:
        raise ValueError("fewer than three items have no factor of their own")
    loadings, logs = np.full((2, count, items), np.nan)
    sound = np.array(np.isfinite(correlations).all(axis=(1, 2)))
    sound[sound] = np.linalg.eigvalsh(correlations[sound])[:, 0] > _SMALLEST_EIGENVALUE
    left = np.flatnonzero(sound)
    if left.size:
        fit = _Fits.at(correlations[left], _start(correlations[left]))
        for _ in range(_MOST_STEPS):
            arrived = fit.slope() < _FLAT
            loadings[left[arrived]] = fit.loadings[arrived]
            logs[left[arrived]] = fit.logs[arrived]
            left = left[~arrived]
            if not left.size:
                break
            fit = fit.chosen(~arrived).after_a_step()
    return OneFactor(loadings, np.exp(logs), np.array((logs <= _LOWEST).any(axis=1)))


def _start(correlations: Numbers) -> Numbers:
    items = correlations.shape[1]
    of_inverse = np.diagonal(np.linalg.inv(correlations), axis1=1, axis2=2)
    guessed: Numbers = np.clip(np.log((1 - 0.5 / items) / of_inverse), _LOWEST, _HIGHEST)
    return guessed


@dataclass(frozen=True, slots=True)
class _Fits:
    """Where the fits of several matrices stand; the first axis of everything is the matrix."""

    correlations: Numbers
    logs: Numbers
    """Of uniquenesses."""
    first: Numbers
    """Eigenvector of the largest eigenvalue."""
    loss: Numbers
    loadings: Numbers
    gradient: Numbers

    @classmethod
    def at(cls, correlations: Numbers, logs: Numbers) -> Self:
        root = np.exp(logs / 2)
        values, vectors = np.linalg.eigh(correlations / (root[:, :, None] * root[:, None, :]))
        others, first = values[:, :-1], vectors[:, :, -1]
        loss = (others - np.log(others) - 1).sum(axis=1)
        loadings = root * first * np.sqrt(np.maximum(values[:, -1:] - 1, 0))
        gradient = (loadings**2 + root**2 - 1) / root**2
        return cls(correlations, logs, first, loss, loadings, gradient)

    def chosen(self, rows: Truths) -> Self:
        return type(self)(*(getattr(self, each.name)[rows] for each in fields(self)))

    def held(self) -> Truths:
        """Which uniquenesses lie at a limit that the slope presses them against."""
        held: Truths = ((self.logs <= _LOWEST) & (self.gradient > 0)) | (
            (self.logs >= _HIGHEST) & (self.gradient < 0)
        )
        return held

    def slope(self) -> Numbers:
        """The steepest slope of each fit in what may still move."""
        steepest: Numbers = np.abs(np.where(self.held(), 0, self.gradient)).max(axis=1)
        return steepest

    def after_a_step(self) -> Self:
        """After a Newton step, halved as often as it takes for the loss not to rise."""
        direction, length = self._direction(), np.ones(len(self.logs), np.float64)
        while True:
            logs = np.clip(self.logs + length[:, None] * direction, _LOWEST, _HIGHEST)
            after = self.at(self.correlations, logs)
            rose = (after.loss > self.loss + 1e-12) & (length > _SHORTEST_STEP)
            if not rose.any():
                return after
            length[rose] /= 2

    def _direction(self) -> Numbers:
        items = self.logs.shape[1]
        free = ~self.held()
        both = free[:, :, None] & free[:, None, :]
        projector: Numbers = np.eye(items) - self.first[:, :, None] * self.first[:, None, :]
        # A little on the diagonal, since it is nearly singular where one item makes the factor.
        ridge = np.eye(items) * np.where(free, 1e-6, 1.0)[:, :, None]
        bend = np.where(both, projector**2, 0.0) + ridge
        slope = np.where(free, self.gradient, 0.0)[:, :, None]
        direction: Numbers = np.clip(-np.linalg.solve(bend, slope)[:, :, 0], -2.0, 2.0).astype(
            np.float64
        )
        return direction
