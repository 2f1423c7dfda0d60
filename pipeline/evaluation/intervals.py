"""Confidence intervals of a mean: Student's t, and cluster-robust (CR2).

What belongs here: formulas on counts and sums. What stays out: which of the two a table uses, and
what the clusters are (`pipeline/evaluation/cells.py`).

Sums over clusters are `math.fsum`, which rounds once, so the order of the clusters cannot matter.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtri, stdtrit

Z: Final = float(ndtri(0.975))
"""So many standard errors to either side of a normal estimate are its 95% interval."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided interval of a mean, in the units of the mean."""

    low: float
    high: float
    standard_error: float
    degrees_of_freedom: float


def t_interval(n: int, mean: float, sd: float, *, confidence: float = 0.95) -> Interval | None:
    """Student's t interval of a mean of independent values; None for fewer than two values."""
    if n < 2:
        return None
    return interval_around(mean, sd / math.sqrt(n), n - 1, confidence)


def clustered_interval(
    sizes: Sequence[int], sums: Sequence[float], *, confidence: float = 0.95
) -> Interval | None:
    """Interval of the mean of values that come in clusters; None for a single cluster.

    `sizes` and `sums` hold the number of values and their sum in each cluster. The variance is CR2
    for a model with an intercept only; the degrees of freedom are Satterthwaite's, with
    independence as the working model, and at most the number of clusters less one.

    With N values in all, n_j and E_j the size and the sum of residuals of cluster j:
    V = N^-2 sum_j E_j^2 / (1 - n_j/N). The variance is a quadratic form whose matrix has
    M_jk = c_j c_k ([j = k] n_j - n_j n_k / N) with c_j = 1 / (N sqrt(1 - n_j/N)), and
    df = (sum_j M_jj)^2 / sum_jk M_jk^2. The double sum splits into sums over j, so the cost grows
    with the number of clusters, not with its square.

    Sources: R. M. Bell and D. F. McCaffrey (2002), Survey Methodology 28(2);
    J. E. Pustejovsky and E. Tipton (2018), Journal of Business & Economic Statistics 36(4).
    """
    k = len(sizes)
    if k < 2:
        return None
    counts, totals = np.array(sizes, dtype=np.float64), np.array(sums, dtype=np.float64)
    n = sum(sizes)
    mean = math.fsum(sums) / n
    shares = counts / n
    residual_sums = totals - counts * mean
    variance = _sum(residual_sums**2 / (1 - shares)) / (n * n)
    # With s_j = n_j / N and b_j = s_j^2 / (1 - s_j): M_jj = s_j / N, whose sum is 1 / N, and
    # M_jk^2 = b_j b_k / N^2 off the diagonal. N cancels.
    coupling = shares**2 / (1 - shares)
    spread = _sum(shares**2)
    cross = _sum(coupling) ** 2 - _sum(coupling**2)
    degrees_of_freedom = min(1 / (spread + cross), k - 1)
    return interval_around(mean, math.sqrt(variance), degrees_of_freedom, confidence)


def _sum(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    # A list of them is summed in a third of the time that an array takes.
    return math.fsum(values.tolist())


def interval_around(
    mean: float, standard_error: float, degrees_of_freedom: float, confidence: float = 0.95
) -> Interval:
    """The t interval of an estimate whose standard error has so many degrees of freedom."""
    reach = float(stdtrit(degrees_of_freedom, (1 + confidence) / 2)) * standard_error
    return Interval(mean - reach, mean + reach, standard_error, degrees_of_freedom)
