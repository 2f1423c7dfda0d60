"""The mixed model for repeated measures (MMRM): a mean for each cell, any covariance of the waves.

What belongs here: the fit by restricted maximum likelihood (REML), from sums over officers. What
stays out: where the sums come from (`answer_sums.py`), uncertainty over clusters of officers
(`cluster_robust.py`), and which means are compared (`trajectory.py`, `arm_contrast.py`).

The scores y_i of officer i at the waves O_i that they answered are normal with mean X_i beta and
covariance Sigma[O_i, O_i], where Sigma (waves by waves) is the same for everybody and otherwise
free. With V the block-diagonal covariance of all N scores, X their design of q columns and
r = y - X beta, the restricted log-likelihood is

    -1/2 [ (N - q) log 2 pi + log|V| + r' V^-1 r + log|X' V^-1 X| ]

with beta at its generalised least squares estimate (H. D. Patterson and R. Thompson 1971,
Biometrika 58; R. I. Jennrich and M. D. Schluchter 1986, Biometrics 42). Officers who answered the
same waves under the same design enter through their number, mean and scatter alone, so a step
costs the same for a hundred officers and for a hundred thousand.

What it assumes: scores that are missing depend on scores that were observed and not on the missing
ones (missing at random). Not to be used where dropout depends on how officers were when they
stopped answering and nothing they had answered shows it: then no fit to the answers alone is right.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.optimize import minimize

Array = NDArray[np.float64]

MOST_STEPS: Final = 500
MOST_NEWTON_STEPS: Final = 20
CLOSE_ENOUGH: Final = 1e-9
"""The fit ends where the log-likelihood cannot rise by more (half of Newton's decrement)."""

SINGULAR: Final = 1e-7
"""Waves determine each other where the others leave less than this share of one's variance."""

COLLINEAR: Final = 1e-10
"""A column of the design of which the others leave less than this share is a sum of them."""

_DIFFERENCE: Final = 1e-4
_START_CORRELATION: Final = 0.5


@dataclass(frozen=True, slots=True)
class AnswerSums:
    """Number, mean and scatter of scores in G classes of officers, over T waves, in points.

    A class holds officers with one design who answered the same waves.
    """

    n: Array
    """Officers, (G,)."""
    answered: NDArray[np.bool_]
    """Which waves they answered, (G, T); at least one."""
    means: Array
    """Mean score at each wave, (G, T); 0 where the wave was not answered."""
    scatter: Array
    """Sums of products of deviations from the class's means, (G, T, T); 0 likewise."""
    design: Array
    """The row of the design for each wave, (G, T, q); those of waves not answered do not count."""

    @property
    def observations(self) -> int:
        return int((self.n @ self.answered).sum())


@dataclass(frozen=True, slots=True)
class MixedModel:
    """Estimates in points; q columns of the design, T waves."""

    coefficients: Array
    """(q,)"""
    covariance: Array
    """Of the coefficients if officers are independent and the covariance of waves is known."""
    between_waves: Array
    """Sigma, (T, T), in points squared."""
    log_likelihood: float
    """Restricted, at its maximum."""


class NoFit(Enum):
    """Why there are no estimates."""

    COLLINEAR = "means that the answers cannot tell apart: no estimates"
    SINGULAR = "scores at some waves determine those at others, or do not vary: no estimates"
    NOT_CONVERGED = "the likelihood has no clear maximum: no estimates"


def fit_mixed_model(sums: AnswerSums) -> MixedModel | NoFit:
    """The REML fit, or why there is none.

    Sigma = L L' with the logarithm of L's diagonal free, so that every step is a covariance. BFGS
    with the exact gradient comes near the maximum and Newton's steps, with a Hessian by differences
    of that gradient, end there: what Newton's last step would add to the log-likelihood is below
    `CLOSE_ENOUGH` and the Hessian is positive definite, or the answer is NOT_CONVERGED.
    """
    variances = _variances(sums)
    if variances is None:
        return NoFit.COLLINEAR
    scale = float(np.sqrt(variances.mean()))
    # Of scores that do not vary, rounding may leave next to nothing.
    if not (variances > SINGULAR * scale**2).all():
        return NoFit.SINGULAR
    likelihood = _Likelihood(sums, scale)
    deviations = np.sqrt(variances) / scale
    waves = len(deviations)
    alike = np.full((waves, waves), _START_CORRELATION) + (1 - _START_CORRELATION) * np.eye(waves)
    covariance: Array = alike * np.outer(deviations, deviations)
    start = _parameters(np.asarray(np.linalg.cholesky(covariance), dtype=np.float64))

    def stop_if_singular(xk: Array) -> None:
        if _is_singular(_root(xk, waves)):
            raise StopIteration

    with np.errstate(all="ignore"):
        climbed = minimize(
            likelihood.value_and_gradient,
            start,
            jac=True,
            method="BFGS",
            callback=stop_if_singular,
            options={"maxiter": MOST_STEPS, "gtol": 1e-7},
        )
        parameters = _newton(likelihood, climbed.x)
    if _is_singular(_root(climbed.x if parameters is None else parameters, waves)):
        return NoFit.SINGULAR
    if parameters is None:
        return NoFit.NOT_CONVERGED
    return likelihood.fitted(parameters)


class _Likelihood:
    """Minus the restricted log-likelihood for each officer, as a function of Sigma's root.

    Scores are divided by `scale`, so that steps are of one size whatever the instrument.
    """

    def __init__(self, sums: AnswerSums, scale: float) -> None:
        self.waves, self.columns = sums.design.shape[1:]
        self._n, self._scale = sums.n, scale
        self._officers = float(sums.n.sum())
        self._observations = sums.observations
        self._means, self._scatter = sums.means / scale, sums.scatter / scale**2
        self._design = sums.design * sums.answered[:, :, None]
        self._patterns, self._pattern = np.unique(sums.answered, axis=0, return_inverse=True)
        self._both = self._patterns[:, :, None] & self._patterns[:, None, :]
        self._of_pattern = np.zeros((len(self._patterns), len(sums.n)))
        self._of_pattern[self._pattern, np.arange(len(sums.n))] = 1.0
        self._n_of_pattern = self._of_pattern @ sums.n
        self._lower = np.tril_indices(self.waves)

    def _at(self, root: Array) -> tuple[float, Array, Array, Array]:
        """Value, its gradient by Sigma, coefficients, and the inverse of their information."""
        sigma = root @ root.T
        # A wave that was not answered gets a variance of 1 by itself, which changes nothing.
        padded = np.where(self._both, sigma, 0.0)
        padded += np.eye(self.waves) * ~self._patterns[:, :, None]
        determinants = 2 * np.log(np.einsum("ptt->pt", np.linalg.cholesky(padded))).sum(axis=1)
        weights = np.where(self._both, np.linalg.inv(padded), 0.0)
        weighted = weights[self._pattern] @ self._design
        by_n = weighted * self._n[:, None, None]
        information = np.einsum("gtq,gtr->qr", self._design, by_n)
        factor = cho_factor(information, lower=True)
        coefficients = cho_solve(factor, np.einsum("gtq,gt->q", by_n, self._means))
        inverse = cho_solve(factor, np.eye(self.columns))
        residuals = self._means - self._design @ coefficients
        residuals *= self._patterns[self._pattern]
        around = self._scatter + self._n[:, None, None] * (
            residuals[:, :, None] * residuals[:, None, :]
        )
        around_of_pattern = np.tensordot(self._of_pattern, around, axes=1)
        minus_twice = (
            self._n_of_pattern @ determinants
            + np.einsum("ptu,ptu->", weights, around_of_pattern)
            + 2 * np.log(np.diag(factor[0])).sum()
        )
        taken_up = (
            self._design @ inverse @ (self._design * self._n[:, None, None]).transpose(0, 2, 1)
        )
        pulled = around_of_pattern + np.tensordot(self._of_pattern, taken_up, axes=1)
        by_sigma = (self._n_of_pattern[:, None, None] * weights - weights @ pulled @ weights).sum(
            axis=0
        )
        return float(minus_twice), by_sigma, coefficients, inverse

    def value_and_gradient(self, parameters: Array) -> tuple[float, Array]:
        root = _root(parameters, self.waves)
        try:
            minus_twice, by_sigma, _, _ = self._at(root)
        except LinAlgError:
            return np.inf, np.zeros_like(parameters)
        by_root = by_sigma @ root
        np.fill_diagonal(by_root, np.diag(by_root) * np.diag(root))
        return minus_twice / 2 / self._officers, by_root[self._lower] / self._officers

    def rise(self, gradient: Array, step: Array) -> float:
        """What a step of Newton adds to the log-likelihood, if it is a parabola."""
        return float(gradient @ step) / 2 * self._officers

    def fitted(self, parameters: Array) -> MixedModel:
        root = _root(parameters, self.waves)
        minus_twice, _, coefficients, inverse = self._at(root)
        free = self._observations - self.columns
        constant = free * (np.log(2 * np.pi) + 2 * np.log(self._scale))
        return MixedModel(
            coefficients=coefficients * self._scale,
            covariance=inverse * self._scale**2,
            between_waves=root @ root.T * self._scale**2,
            log_likelihood=float(-(minus_twice + constant) / 2),
        )


def _variances(sums: AnswerSums) -> Array | None:
    """Of each wave's scores around least squares; None if the design has not full rank."""
    design = sums.design * sums.answered[:, :, None]
    by_n = design * sums.n[:, None, None]
    information = np.einsum("gtq,gtr->qr", design, by_n)
    size = np.sqrt(np.diag(information))
    if not size.all():
        return None
    if np.linalg.eigvalsh(information / np.outer(size, size))[0] < COLLINEAR:
        return None
    fitted = design @ np.linalg.solve(information, np.einsum("gtq,gt->q", by_n, sums.means))
    residuals = (sums.means - fitted) * sums.answered
    around = np.einsum("gtt->t", sums.scatter) + sums.n @ residuals**2
    return np.asarray(around / (sums.n @ sums.answered), dtype=np.float64)


def _newton(likelihood: _Likelihood, parameters: Array) -> Array | None:
    """The maximum that Newton's steps reach from near it; None if they do not."""
    for _ in range(MOST_NEWTON_STEPS):
        _, gradient = likelihood.value_and_gradient(parameters)
        hessian = _differences(likelihood, parameters)
        if not (np.isfinite(gradient).all() and np.isfinite(hessian).all()):
            return None
        try:
            step = cho_solve(cho_factor(hessian), gradient)
        except LinAlgError:
            return None
        if likelihood.rise(gradient, step) < CLOSE_ENOUGH:
            return np.asarray(parameters - step, dtype=np.float64)
        parameters = parameters - step
    return None


def _differences(likelihood: _Likelihood, parameters: Array) -> Array:
    """The Hessian, from central differences of the gradient."""
    rows = []
    for place in range(len(parameters)):
        step = np.zeros_like(parameters)
        step[place] = _DIFFERENCE
        _, after = likelihood.value_and_gradient(parameters + step)
        _, before = likelihood.value_and_gradient(parameters - step)
        rows.append((after - before) / (2 * _DIFFERENCE))
    hessian = np.array(rows)
    return np.asarray((hessian + hessian.T) / 2, dtype=np.float64)


def _parameters(root: Array) -> Array:
    """L's lower triangle with the logarithm of its diagonal."""
    free = root.copy()
    np.fill_diagonal(free, np.log(np.diag(root)))
    return np.asarray(free[np.tril_indices(len(root))], dtype=np.float64)


def _root(parameters: Array, waves: int) -> Array:
    root = np.zeros((waves, waves))
    root[np.tril_indices(waves)] = parameters
    np.fill_diagonal(root, np.exp(np.diag(root)))
    return root


def _is_singular(root: Array) -> bool:
    """Whether a wave has next to no variance of its own, given the waves before it."""
    own, whole = np.diag(root) ** 2, (root**2).sum(axis=1)
    return not bool((own > SINGULAR * whole).all()) or not bool(np.isfinite(whole).all())
