"""How long people stay, from counts: Kaplan-Meier, Aalen-Johansen and the log-rank test.

What belongs here: formulas on whole numbers by time, with the papers they come from. What stays
out: who is counted, and what time and an event are (`taking_part.py`, `retention.py`).

At risk at a time are those who could have had the event then and of whom it would be known: whoever
is censored before its events is not among them.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from pipeline.evaluation.intervals import Z


@dataclass(frozen=True, slots=True)
class Share:
    """An estimated share and its standard error; None where there is none."""

    share: float
    standard_error: float | None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95% limits made on the scale of log(-log(share)); None for a share of 0 or 1.

        J. D. Kalbfleisch and R. L. Prentice (1980), The Statistical Analysis of Failure Time Data;
        the same as `conf.type = "log-log"` of R's survfit.
        """
        if self.standard_error is None or not 0 < self.share < 1:
            return None
        log = math.log(self.share)
        reach = Z * self.standard_error / (self.share * abs(log))
        return self.share ** math.exp(reach), self.share ** math.exp(-reach)


@dataclass(frozen=True, slots=True)
class LogRank:
    """A comparison of groups; its p value is the upper tail of the chi-square distribution."""

    chi_square: float
    degrees_of_freedom: int

    @property
    def p_value(self) -> float:
        return float(chdtrc(self.degrees_of_freedom, self.chi_square))


def kaplan_meier(at_risk: Sequence[int], events: Sequence[int]) -> Iterator[Share]:
    """The share without an event after each time, from n at risk and d events at each.

    S(t) = prod (1 - d / n) over times up to t (E. L. Kaplan and P. Meier 1958, J. Am. Stat. Assoc.
    53). Var S(t) = S(t)^2 sum d / (n (n - d)) (M. Greenwood 1926). Once S is 0 there is no standard
    error. Ends before the first time with nobody at risk, where nothing can be said.
    """
    share, scaled_variance = 1.0, 0.0
    for n, d in _while_somebody_is_at_risk(at_risk, events):
        share *= (n - d) / n
        if d == n:
            scaled_variance = math.inf
        else:
            scaled_variance += d / (n * (n - d))
        yield Share(share, share * math.sqrt(scaled_variance) if share else None)


def aalen_johansen(
    at_risk: Sequence[int], events: Sequence[int], competing: Sequence[int]
) -> Iterator[Share]:
    """The share with the event by each time, where another kind of event competes with it.

    F(t) = sum S(s-) d / n over times s up to t, S being Kaplan-Meier with either event (O. O. Aalen
    and S. Johansen 1978, Scand. J. Stat. 5). The variance is of Greenwood's kind (P. K. Andersen,
    O. Borgan, R. D. Gill and N. Keiding 1993, Statistical Models Based on Counting Processes,
    4.4.2): the delta method with the events at s multinomial given n at risk. With h = d / n, h'
    the share of competing events, and g the share of those left after s who have the event by t,
    Var F(t) = sum S(s-)^2 / n (h (1 - g)^2 + h' g^2 - (h (1 - g) - h' g)^2).
    R's survfit takes the infinitesimal jackknife instead; from one state, without weights and with
    each person once, the two are the same number.

    Ends before the first time with nobody at risk.
    """
    before = 1.0
    steps: list[tuple[float, int, float, float, float, float]] = []
    had_it, rivals = 0.0, 0
    for n, d, other in _while_somebody_is_at_risk(at_risk, events, competing):
        hazard, rival = d / n, other / n
        had_it += before * hazard
        after = before * ((n - d - other) / n)
        rivals += other
        if not after and not rivals:
            # All of them had it; a sum of shares may fall short of 1 by rounding.
            had_it = 1.0
        steps.append((before, n, hazard, rival, after, had_it))
        yield Share(had_it, math.sqrt(max(0.0, _incidence_variance(steps))))
        before = after


def _incidence_variance(steps: Sequence[tuple[float, int, float, float, float, float]]) -> float:
    by_now = steps[-1][-1]
    terms = []
    for before, n, hazard, rival, after, had_it in steps:
        # With nobody left after s, hazard and rival add up to 1, and g cancels.
        later = (by_now - had_it) / after if after else 0.0
        mean = hazard * (1 - later) - rival * later
        spread = hazard * (1 - later) ** 2 + rival * later**2 - mean**2
        terms.append(before**2 / n * spread)
    return math.fsum(terms)


def _while_somebody_is_at_risk(*counts: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for at_once in zip(*counts, strict=True):
        if not at_once[0]:
            return
        yield at_once


def log_rank(at_risk: Sequence[Sequence[int]], events: Sequence[Sequence[int]]) -> LogRank | None:
    """Whether groups differ in their events; `at_risk[t][j]` and `events[t][j]` of group j at t.

    The k-group test (N. Mantel 1966, Cancer Chemother. Rep. 50; R. Peto and J. Peto 1972, J. R.
    Stat. Soc. A 135), as in R's survdiff: observed less expected events of each group, with their
    hypergeometric covariance V, give (O - E)' V^- (O - E) with a generalised inverse. The degrees
    of freedom are the rank of V: groups less one, and fewer where a group was never at risk
    together with another at the time of an event. None where that leaves none.
    """
    risk = np.asarray(at_risk, dtype=float)
    observed = np.asarray(events, dtype=float)
    n, d = risk.sum(axis=1), observed.sum(axis=1)
    counts = (d > 0) & (n > 1)
    n, d = n[counts], d[counts]
    shares = risk[counts] / n[:, None]
    difference = observed[counts].sum(axis=0) - d @ shares
    spread = d * (n - d) / (n - 1)
    covariance = np.diag(spread @ shares) - (shares * spread[:, None]).T @ shares
    roots, vectors = np.linalg.eigh(covariance)
    # Rounding leaves the roots that are 0 at about 1e-16 of the largest.
    present = roots > 1e-10 * max(float(roots.max(initial=0.0)), 1e-300)
    rank = int(present.sum())
    if not rank:
        return None
    along = vectors[:, present].T @ difference
    return LogRank(float(np.sum(along**2 / roots[present])), rank)
