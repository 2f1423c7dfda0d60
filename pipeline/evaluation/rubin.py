"""Rubin's rules: one estimate and its interval from the same analysis of several imputed data sets.

What belongs here: the rules. What stays out: the imputations (`imputation.py`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.evaluation.intervals import Interval, interval_around


@dataclass(frozen=True, slots=True)
class Combined:
    """The mean of the estimates, its interval, and the share of its variance due to imputation."""

    estimate: float
    interval: Interval
    share_missing: float


def combined(
    estimates: Sequence[float],
    within: float,
    complete_df: float,
    *,
    confidence: float = 0.95,
) -> Combined:
    """Two or more estimates as one, `within` being the mean of their complete-data variances.

    With B the variance of m estimates and U the variance within: T = U + (1 + 1/m) B and
    lambda = (1 + 1/m) B / T (D. B. Rubin 1987). The degrees of freedom are those of J. Barnard and
    D. B. Rubin (1999), Biometrika 86: 1 / df = lambda^2 / (m - 1) + 1 / df_obs with
    df_obs = complete_df (complete_df + 1) / (complete_df + 3) (1 - lambda), so they never exceed
    `complete_df`. Not for estimates whose errors are far from normal.
    """
    m = len(estimates)
    estimate = math.fsum(estimates) / m
    between = math.fsum((e - estimate) ** 2 for e in estimates) / (m - 1)
    total = within + (1 + 1 / m) * between
    if total <= 0:
        return Combined(estimate, Interval(estimate, estimate, 0.0, complete_df), 0.0)
    share = (1 + 1 / m) * between / total
    observed = complete_df * (complete_df + 1) / (complete_df + 3) * (1 - share)
    # Without any variance within there is nothing for the complete-data freedom to limit.
    inverse = share**2 / (m - 1) + (1 / observed if observed else 0.0)
    interval = interval_around(estimate, math.sqrt(total), 1 / inverse, confidence)
    return Combined(estimate, interval, share)
