"""What the change would be if those who did not answer had scored lower or higher than expected.

What belongs here: a shift of the scores of absentees, and the smallest that alters what is
concluded. What stays out: the imputation itself (`imputation.py`).

Scores of officers who did not answer the later wave at all are imputed as if missing at random and
then moved by delta, in SDs of everybody's first scores (R. J. A. Little 1993, J. Am. Stat. Assoc.
88; J. R. Carpenter and M. G. Kenward 2013, Multiple Imputation and its Application, ch. 10). A
subscale left blank in an answered questionnaire stays as imputed. The mean change is linear in
delta and the clusters' sums are too, so the draws are made once and used for every delta.

Not evidence of what absentees would have said: no data tell which delta is true. Which delta is
still believable is for the reader to say, beforehand.
"""

from typing import Final

import numpy as np
from scipy.optimize import brentq

from pipeline.evaluation.imputation import ImputedChange

DELTA: Final = 0.5
"""SDs of the first scores, either way; fixed before any data were seen."""

FURTHEST: Final = 5.0
"""Deltas beyond this leave the scale of any questionnaire and are not looked at."""

_GRID: Final = 0.05
"""Limits are smooth in delta; between two points of this grid at most one crossing is expected."""


def tipping_point(change: ImputedChange, sd: float) -> float | None:
    """The delta nearest to 0, in SDs, at which the 95% interval includes 0.

    0 where it does so without any shift; None where it does not up to `FURTHEST` in either
    direction. `sd` is in points. After a search on a grid the crossing is
    found by bisection (R. P. Brent 1973), to 1e-9 SD.
    """

    def away_from_zero(delta: float) -> float:
        """How far the nearer limit is from 0, in points; at most 0 if the interval includes it."""
        interval = change.combined(delta * sd).interval
        return max(interval.low, -interval.high)

    if away_from_zero(0.0) <= 0:
        return 0.0
    if not change.absent.any():
        return None
    steps = np.arange(_GRID, FURTHEST + _GRID / 2, _GRID)
    before = 0.0
    for step in steps.tolist():
        crossed = [
            float(brentq(lambda d, s=sign: away_from_zero(s * d), before, step, xtol=1e-9)) * sign
            for sign in (-1.0, 1.0)
            if away_from_zero(sign * step) <= 0
        ]
        if crossed:
            return min(crossed, key=abs)
        before = step
    return None
