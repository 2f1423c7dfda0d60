"""Whether a chain of draws has settled: its two halves compared.

What belongs here: the statistic and where it is no longer small. What stays out: the draws
(`imputation.py`).

A chain that has forgotten where it began, and moves through what it draws from many times over, has
halves alike. With W the mean of the variances within the halves, each of n draws, and B n times the
variance of their means, R-hat is the root of (n - 1) / n + B / (n W): near 1 if the halves lie on
each other, and the larger the further apart they lie for their spread (A. Gelman and D. B. Rubin
1992, Statistical Science 7; halves of one chain: A. Gelman and others 2013, Bayesian Data Analysis,
3rd ed., ch. 11). Not proof that a chain has settled, since one that is caught in one place has
halves alike too; nor of use for few draws.
"""

import math
from typing import Final

import numpy as np

from pipeline.evaluation.cells import NEXT_TO_NOTHING
from pipeline.evaluation.followed import Numbers

LARGEST_R_HAT: Final = 1.1
"""Above it the halves say different things (Gelman and Rubin 1992)."""

FEWEST_DRAWS: Final = 4


def split_r_hat(draws: Numbers) -> float:
    """R-hat of the halves of a chain of draws; of an odd number the one in the middle is left out.

    Infinite for halves that differ without any spread within, 1 for draws that are all the same but
    for rounding.
    Raises ValueError for fewer than four draws.
    """
    if len(draws) < FEWEST_DRAWS:
        raise ValueError("halves of fewer than four draws cannot be compared")
    n = len(draws) // 2
    halves = np.array([draws[:n], draws[-n:]])
    within = float(halves.var(axis=1, ddof=1).mean())
    between = n * float(halves.mean(axis=1).var(ddof=1))
    if np.ptp(draws) <= NEXT_TO_NOTHING * max(1.0, float(np.abs(draws).max())):
        return 1.0
    if within == 0:
        return math.inf
    return math.sqrt((n - 1) / n + between / (n * within))
