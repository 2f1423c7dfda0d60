"""Cluster-robust standard errors of a mixed model: CR2 with Satterthwaite's degrees of freedom.

What belongs here: the sandwich from sums over the officers of each cluster. What stays out: the fit
(`mixed_model.py`), and what the clusters are (`trajectory.py`).

With M = (X' V^-1 X)^-1 and e_j the residuals of cluster j, the covariance of the coefficients is

    M [ sum_j X_j' V_j^-1 A_j e_j e_j' A_j V_j^-1 X_j ] M,    A_j = D_j' B_j^(-1/2) D_j,
    B_j = D_j (V_j - X_j M X_j') D_j',    V_j = D_j' D_j (Cholesky),

which is unbiased if V is right, and consistent over many clusters if it is not. Of a contrast c,
with g_j = (I - H)_j' A_j V_j^-1 X_j M c and P_jk = g_j' V g_k, the degrees of freedom are
(sum_j P_jj)^2 / sum_jk P_jk^2.

Sources: R. M. Bell and D. F. McCaffrey (2002), Survey Methodology 28(2); J. E. Pustejovsky and
E. Tipton (2018), Journal of Business & Economic Statistics 36(4). Not to be used with one cluster,
and with few of them the degrees of freedom are few and the interval wide, as it should be.

Officers of one class (one design, the same waves answered) are alike to the model: the matrices
act on the mean of a class and on deviations from it separately, and deviations do not enter. So a
cluster of ten thousand officers costs no more than one with an officer of each class.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ellipj, ellipkm1

from pipeline.evaluation.mixed_model import AnswerSums, Array, MixedModel

NEXT_TO_ALL: Final = 0.95
"""Of a contrast's variance, what clusters must at least show of it."""

DIGITS: Final = 14
NEXT_TO_NOTHING: Final = 1e-10
"""A direction that a cluster determines alone, as a share of its widest one, has no residual."""


@dataclass(frozen=True, slots=True)
class ClusterSums:
    """Number and mean of scores of the officers of one cluster and class; R rows."""

    cluster: NDArray[np.int64]
    """A number for the cluster, (R,), ascending."""
    of_class: NDArray[np.int64]
    """The place of the class in `AnswerSums`, (R,), ascending within a cluster."""
    n: Array
    """Officers, (R,)."""
    means: Array
    """Mean score at each wave in points, (R, T); what stands at waves not answered is not read."""


@dataclass(frozen=True, slots=True)
class ClusterRobust:
    """Of each contrast: standard error in points, degrees of freedom, and whether they hold."""

    standard_errors: Array
    degrees_of_freedom: Array
    """0 where there are no residuals at all."""
    are_sound: NDArray[np.bool_]
    """False where a mean rests on one cluster alone: how such clusters differ is not seen there,
    and the standard error would leave out more than a twentieth of the variance."""


def cluster_robust(
    model: MixedModel, sums: AnswerSums, clusters: ClusterSums, contrasts: Array
) -> ClusterRobust:
    """CR2 standard errors and degrees of freedom of contrasts (r, q) of the coefficients.

    Clusters that bear on no contrast may be left out. The order in which clusters are numbered does
    not matter.
    """
    parts = _Parts(model, sums, contrasts)
    known: dict[tuple[tuple[int, float], ...], _Leverage] = {}
    rows = []
    for classes, n, means in _each_cluster(clusters):
        alike = tuple(zip(classes.tolist(), n.tolist(), strict=True))
        leverage = known.get(alike)
        if leverage is None:
            leverage = known[alike] = parts.leverage(classes, n)
        pulled = leverage.score.T @ parts.residuals(classes, n, means)
        rows.append(np.concatenate([pulled**2, leverage.spread, leverage.taken_up.ravel()]))
    # In an order of their own, since sums of floating point depend on it.
    stacked = np.array(rows)
    stacked = stacked[np.lexsort(stacked.T)]
    count, columns = contrasts.shape
    variances = stacked[:, :count].sum(axis=0)
    spread = stacked[:, count : 2 * count]
    taken_up = stacked[:, 2 * count :].reshape(-1, columns, count)
    own = np.einsum("jqr,qs,jsr->jr", taken_up, model.covariance, taken_up)
    together = np.einsum("jqr,jsr->rqs", taken_up, taken_up)
    coupled = model.covariance @ together
    trace = (spread - own).sum(axis=0)
    squares = ((spread - own) ** 2 - own**2).sum(axis=0) + np.einsum("rqs,rsq->r", coupled, coupled)
    freedom = np.divide(trace**2, squares, out=np.zeros(count), where=squares > 0)
    # If V is right the sandwich's expectation is the trace, and M's variance where nothing is lost.
    expected = np.einsum("rq,qs,rs->r", contrasts, model.covariance, contrasts)
    sound = np.asarray(trace > NEXT_TO_ALL * expected, dtype=np.bool_)
    return ClusterRobust(np.sqrt(variances), np.asarray(freedom, dtype=np.float64), sound)


def _each_cluster(
    clusters: ClusterSums,
) -> Iterator[tuple[NDArray[np.int64], Array, Array]]:
    starts = np.flatnonzero(np.diff(clusters.cluster, prepend=-1))
    for first, end in zip(starts, [*starts[1:], len(clusters.n)], strict=True):
        yield clusters.of_class[first:end], clusters.n[first:end], clusters.means[first:end]


@dataclass(frozen=True, slots=True)
class _Leverage:
    """What a cluster's officers weigh, whatever they answered, in the coordinates of `_Parts`.

    `score` is B_j^(-1/2) D_j V_j^-1 X_j M c for every contrast c; `spread` and `taken_up` are the
    two parts of P: P_jk = [j = k] spread_j - taken_up_j' M taken_up_k.
    """

    score: Array
    spread: Array
    taken_up: Array


class _Parts:
    """What each class puts into its clusters' matrices.

    In coordinates in which D V D' = (D D')^2 is diagonal, B is that diagonal less a matrix of the
    rank of M. A class of n officers counts through n^(1/2) times its mean, which keeps lengths.
    """

    def __init__(self, model: MixedModel, sums: AnswerSums, contrasts: Array) -> None:
        self._model, self._answered, self._design = model, sums.answered, sums.design
        root = np.linalg.cholesky(model.covariance)
        towards = model.covariance @ contrasts.T
        self._diagonal, self._into, self._x, self._z, self._y = [], [], [], [], []
        for x, seen in zip(sums.design, sums.answered, strict=True):
            v = model.between_waves[np.ix_(seen, seen)]
            d = np.linalg.cholesky(v).T
            values, vectors = np.linalg.eigh(d @ d.T)
            into = vectors.T @ d
            self._diagonal.append(values**2)
            self._into.append(into)
            self._x.append(into @ x[seen])
            self._z.append(into @ x[seen] @ root)
            self._y.append(into @ np.linalg.solve(v, x[seen] @ towards))

    def leverage(self, classes: NDArray[np.int64], n: Array) -> _Leverage:
        diagonal = np.concatenate([self._diagonal[c] for c in classes])
        x, z, y = (
            np.vstack([size * which[c] for size, c in zip(np.sqrt(n), classes, strict=True)])
            for which in (self._x, self._z, self._y)
        )
        score = _inverse_root_times(diagonal, z, y)
        return _Leverage(score, diagonal @ score**2, x.T @ score)

    def residuals(self, classes: NDArray[np.int64], n: Array, means: Array) -> Array:
        beta = self._model.coefficients
        return np.concatenate(
            [
                np.sqrt(size) * self._into[c] @ (mean - self._design[c] @ beta)[self._answered[c]]
                for c, size, mean in zip(classes, n, means, strict=True)
            ]
        )


def _inverse_root_times(diagonal: Array, z: Array, y: Array) -> Array:
    """(diag(diagonal) - z z')^(-1/2) y, for z and y of few columns.

    The root is an integral of inverses, of which each is a small system to solve; the quadrature of
    N. Hale, N. J. Higham and L. N. Trefethen (2008, SIAM Journal on Numerical Analysis 46) reaches
    twelve digits and more with some twenty of them. Where z leaves a direction nothing, and there
    is no inverse, the generalised one is taken, from eigenvectors.
    """
    left = 1 - float(np.linalg.eigvalsh(z.T @ (z / diagonal[:, None]))[-1])
    if left < NEXT_TO_NOTHING:
        values, vectors = np.linalg.eigh(np.diag(diagonal) - z @ z.T)
        roots = np.zeros_like(values)
        kept = values > NEXT_TO_NOTHING * values[-1]
        roots[kept] = values[kept] ** -0.5
        return np.asarray((vectors * roots) @ (vectors.T @ y), dtype=np.float64)
    smallest, largest = float(diagonal.min()) * left, float(diagonal.max())
    nodes, weights = _quadrature(smallest, largest)
    inverses = 1 / (diagonal + nodes[:, None])
    weighted = inverses[:, :, None] * z
    small = np.eye(z.shape[1]) - z.T @ weighted
    solved = np.linalg.solve(small, weighted.transpose(0, 2, 1) @ y)
    terms = inverses[:, :, None] * (y + z @ solved)
    return np.asarray(np.einsum("s,smr->mr", weights, terms), dtype=np.float64)


def _quadrature(smallest: float, largest: float) -> tuple[Array, Array]:
    """Nodes s and weights w with sum of w / (x + s) = x^(-1/2), for x between the two."""
    ratio = smallest / largest
    count = int(DIGITS * np.log(10) * (3 - np.log(ratio)) / (2 * np.pi**2)) + 2
    whole = float(ellipkm1(ratio))
    sn, cn, dn, _ = ellipj((np.arange(count) + 0.5) * whole / count, 1 - ratio)
    nodes: Array = np.asarray(smallest * (sn / cn) ** 2, dtype=np.float64)
    weights = 2 * whole * np.sqrt(smallest) / (np.pi * count) * dn / cn**2
    return nodes, np.asarray(weights, dtype=np.float64)
