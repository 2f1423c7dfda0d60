"""Confidence interval of a weighted mean of values that come in clusters (CR2).

What belongs here: the formula, on sums over clusters. What stays out: where the weights come from
(`attrition_weights.py`), and means without weights (`intervals.py`).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.intervals import Interval, interval_around

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WeightedMean:
    """A weighted mean, and its interval unless there is one cluster only."""

    mean: float
    interval: Interval | None


def weighted_mean(
    values: Numbers, weights: Numbers, clusters: NDArray[np.int64], *, confidence: float = 0.95
) -> WeightedMean:
    """The mean of `values` under positive `weights`, with a cluster-robust interval.

    `clusters` are codes from 0, each of which occurs. The variance is CR2 for weighted least
    squares on an intercept, the weights taken as known; independent values of one variance are the
    working model, also for Satterthwaite's degrees of freedom, which are at most the number of
    clusters less one. (An inverse-variance working model, the default of some software, would say
    that a value with a large weight varies less, which sampling weights do not say.)

    With W the sum of weights, Q of their squares, H = 1 w' / W, the block of cluster j of
    (I - H)(I - H)' is B_j = I - (1 w_j' + w_j 1') / W + 1 1' Q / W^2; g_j = B_j^(-1/2) w_j lies in
    the plane of 1 and w_j, so only n_j, sums of w, w^2, d and w d are needed of a cluster.
    V = W^-2 sum_j (g_j' e_j)^2, and with M_jk = W^-2 ([j = k] g_j' g_j - g_j' w_j 1'g_k / W -
    1'g_j g_k' w_k / W + 1'g_j 1'g_k Q / W^2): df = (sum_j M_jj)^2 / sum_jk M_jk^2.

    Sources: as `intervals.clustered_interval`, of which this is the weighted case.
    Not for weights that say how often a value occurred, nor where the largest weight stands for
    much of the total: then no formula helps, and the effective number says so.
    """
    total = math.fsum(weights)
    mean = math.fsum(weights * values) / total
    k = int(clusters.max()) + 1
    if k < 2:
        return WeightedMean(mean, None)
    w = weights / total
    residuals = values - mean
    n, sw, sww, se, swe = (
        np.bincount(clusters, column, minlength=k).astype(np.float64)
        for column in (np.ones_like(w), w, w * w, residuals, w * residuals)
    )
    q = math.fsum(sww)
    on_ones, on_weights = _adjusted(n, sw, sww, q)
    scores = on_ones * se + on_weights * swe
    variance = math.fsum(scores**2)
    # g_j = on_ones 1 + on_weights w_j
    to_itself = on_ones**2 * n + 2 * on_ones * on_weights * sw + on_weights**2 * sww
    to_weights = on_ones * sw + on_weights * sww
    to_ones = on_ones * n + on_weights * sw
    coupling = to_ones * (to_ones * q - 2 * to_weights)
    xx, yy, xy = (math.fsum(a) for a in (to_weights**2, to_ones**2, to_weights * to_ones))
    # The square of the norm of -x y' - y x' + q y y'.
    all_pairs = 2 * xx * yy + 2 * xy**2 + q**2 * yy**2 - 4 * q * xy * yy
    own = to_itself + coupling
    spread = all_pairs - math.fsum(coupling**2) + math.fsum(own**2)
    freedom = min(math.fsum(own) ** 2 / spread, k - 1)
    return WeightedMean(mean, interval_around(mean, math.sqrt(variance), freedom, confidence))


def effective_number(weights: Numbers) -> float:
    """How many equal weights would be as precise: (sum w)^2 / sum w^2 (L. Kish 1965)."""
    return math.fsum(weights) ** 2 / math.fsum(weights**2)


def _adjusted(n: Numbers, sw: Numbers, sww: Numbers, q: float) -> tuple[Numbers, Numbers]:
    """g_j = B_j^(-1/2) w_j as a sum of 1 and w_j: its two coefficients, cluster by cluster.

    In the orthonormal basis of the plane, 1 / sqrt(n) and the rest of w_j, B_j is a 2 x 2 matrix.
    Weights here sum to 1.
    """
    along = sw / np.sqrt(n)
    # Rounding leaves a little of a cluster whose weights are all equal.
    across_square = sww - along**2
    flat = across_square <= 1e-12 * sww
    across = np.sqrt(np.where(flat, 1.0, across_square))
    a = 1 - 2 * sw + n * q
    b = np.where(flat, 0.0, -np.sqrt(n) * across)
    # B = [[a, b], [b, 1]]; the inverse square root of a 2 x 2 matrix by Cayley and Hamilton.
    determinant = a - b * b
    root = np.sqrt(np.maximum(determinant, 0.0))
    scale = np.sqrt(a + 1 + 2 * root)
    # sqrt(B) = (B + root I) / scale, and its inverse is the adjugate over the determinant.
    first = ((1 + root) * along - b * np.where(flat, 0.0, across)) / (scale * root)
    second = (-b * along + (a + root) * np.where(flat, 0.0, across)) / (scale * root)
    on_weights = np.where(flat, 0.0, second / across)
    on_ones = (first - on_weights * along) / np.sqrt(n)
    return on_ones, on_weights
