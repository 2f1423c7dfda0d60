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
from scipy.linalg import block_diag

from pipeline.evaluation.mixed_model import AnswerSums, Array, MixedModel

NEXT_TO_ALL: Final = 0.95
"""Of a contrast's variance, what clusters must at least show of it."""

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
    """What a cluster's officers weigh, whatever they answered.

    `score` is A_j V_j^-1 X_j M c for every contrast c; `spread` and `taken_up` are the two parts of
    P: P_jk = [j = k] spread_j - taken_up_j' M taken_up_k.
    """

    score: Array
    spread: Array
    taken_up: Array


class _Parts:
    """The matrices of each class, cut to the waves that its officers answered."""

    def __init__(self, model: MixedModel, sums: AnswerSums, contrasts: Array) -> None:
        self._model, self._answered = model, sums.answered
        self._design = [x[seen] for x, seen in zip(sums.design, sums.answered, strict=True)]
        self._v = [model.between_waves[np.ix_(seen, seen)] for seen in sums.answered]
        self._d = [np.linalg.cholesky(v).T for v in self._v]
        towards = model.covariance @ contrasts.T
        self._weighted = [
            np.linalg.solve(v, x @ towards) for v, x in zip(self._v, self._design, strict=True)
        ]

    def leverage(self, classes: NDArray[np.int64], n: Array) -> _Leverage:
        # In coordinates of n^(1/2) times a class's mean, which keep lengths.
        sizes = np.sqrt(n)
        v, d = (block_diag(*(which[c] for c in classes)) for which in (self._v, self._d))
        x = np.vstack([s * self._design[c] for s, c in zip(sizes, classes, strict=True)])
        weighted = np.vstack([s * self._weighted[c] for s, c in zip(sizes, classes, strict=True)])
        left = d @ (v - x @ self._model.covariance @ x.T) @ d.T
        values, vectors = np.linalg.eigh((left + left.T) / 2)
        roots = np.zeros_like(values)
        kept = values > NEXT_TO_NOTHING * values[-1]
        roots[kept] = values[kept] ** -0.5
        score = d.T @ (vectors * roots) @ vectors.T @ d @ weighted
        return _Leverage(score, np.einsum("mr,mr->r", score, v @ score), x.T @ score)

    def residuals(self, classes: NDArray[np.int64], n: Array, means: Array) -> Array:
        return np.concatenate(
            [
                np.sqrt(size)
                * (mean[self._answered[c]] - self._design[c] @ self._model.coefficients)
                for c, size, mean in zip(classes, n, means, strict=True)
            ]
        )
