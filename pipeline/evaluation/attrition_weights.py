"""Inverse probability of attrition weights: those who stayed stand for those like them who left.

What belongs here: who could have answered again, the models of doing so, and the weights. What
stays out: the fit of a model (`logistic.py`), and the weighted mean (`weighted_interval.py`).

Method. After every wave that an officer answered they either answer again, at any later wave up to
the one asked about, or are gone. For each answered wave a and asked-about wave t a logit of
answering again is fitted on the last observed score of every subscale of the instrument, with
terms for rank group, arm and organisation where they can be estimated. The weight of one who
answered t is the share who did over the product of the fitted probabilities after each wave they
answered before t, truncated at the 1st and 99th percentile. (J. M. Robins, A. Rotnitzky and L. P.
Zhao 1995, J. Am. Stat. Assoc. 90; S. R. Cole and M. A. Hernan 2008, Am. J. Epidemiol. 168.)

To answer a wave is to answer anything at it: who answered another questionnaire only, or left this
one's items blank, has not gone, and counts as blank at random among those who came.

A gap is no loss: who misses a wave and answers a later one went from the one wave to the other, and
between the two there is nothing to model. The weighted mean is right if, given the scores observed
at a wave, whether an officer answers any further wave does not depend on the score asked about.

Not to be used where hardly anybody like those who left has stayed: the effective number of officers
is then small, and whatever the interval says it rests on few. Weights are taken as known, which
makes intervals too wide rather than too narrow (Robins, Rotnitzky and Zhao 1995).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import coo_array, csr_array, hstack

from pipeline.evaluation.followed import Codes, Followed, Numbers, Truths
from pipeline.evaluation.logistic import LogisticFit, NoFit, fit_logistic, independent_columns

TRUNCATED_AT: Final = (0.01, 0.99)
"""Weights below and above these quantiles of them are set to the quantile."""

FEWEST_OF_EACH: Final = 5
"""A group has a term of its own if so many answered again and as many did not."""

NOTE_KNOWN: Final = "weights taken as known"
NOTE_WITHOUT_RANK: Final = "weights without terms for rank group (separation)"
NOTE_WITHOUT_GROUPS: Final = "weights from scores alone, without terms for groups (separation)"
NOTE_NOBODY_ANSWERED: Final = "nobody whose wave is due answered it"
NOTE_BLANK: Final = "scores left blank in an answered questionnaire are taken as blank at random"


@dataclass(frozen=True, slots=True)
class AttritionWeights:
    """Weights of the officers of a `Followed` at one later wave, 0 for who did not come to it."""

    weights: Numbers
    truncated: int
    """How many weights were moved by truncation."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Chance:
    probability: Numbers
    notes: tuple[str, ...]


def attrition_weights(base: Followed, wave: int) -> AttritionWeights | str:
    """Weights at a later wave, a place in `base.waves`, or why there are none.

    Officers for whom the wave is not decided get 0. Means with these weights are meant to be
    divided by their sum; their mean is about 1 over those who answered.
    """
    counted = base.decided[:, wave]
    answered = base.came
    came = answered[:, wave] & counted
    if not came.any():
        return NOTE_NOBODY_ANSWERED
    probability = np.ones(base.n)
    last = np.full((base.n, len(base.subscales)), np.nan)
    notes: tuple[str, ...] = (NOTE_KNOWN,)
    for earlier in range(wave):
        seen = base.units[:, earlier]
        last = np.where(np.isnan(seen), last, seen)
        at_risk = counted & answered[:, earlier]
        again = np.asarray(answered[at_risk, earlier + 1 : wave + 1].any(axis=1))
        fitted = _chance_to_answer_again(base.only(at_risk), last[at_risk], again)
        if isinstance(fitted, NoFit):
            return f"weights for attrition after {base.waves[earlier]}: {fitted.value}"
        probability[at_risk] *= fitted.probability
        notes += fitted.notes
    raw = came.sum() / counted.sum() / probability[came]
    low, high = np.quantile(raw, TRUNCATED_AT)
    weights = np.zeros(base.n)
    weights[came] = np.clip(raw, low, high)
    return AttritionWeights(weights, int(((raw < low) | (raw > high)).sum()), notes)


def _chance_to_answer_again(at_risk: Followed, last: Numbers, again: Truths) -> _Chance | NoFit:
    """The fitted probability of each; 1 for all where all of them did.

    Groups that cross may tell the outcomes apart where neither does alone. Terms for rank group are
    then left out, and next those for arm and organisation; scores alone have to do.
    """
    if again.all() or not again.any():
        # Where none did, none of them is among those who are weighted.
        return _Chance(np.ones(len(again)), ())
    scores = csr_array(np.column_stack([np.ones(len(again)), _standardised(last)]))
    rank, arm, organisation = (
        _terms(codes, again) for codes in (at_risk.rank_group, at_risk.arm, at_risk.organisation)
    )
    failed = NoFit.SEPARATED
    for groups, note in (
        ((rank, arm, organisation), ()),
        ((arm, organisation), (NOTE_WITHOUT_RANK,)),
        ((), (NOTE_WITHOUT_GROUPS,)),
    ):
        whole = csr_array(hstack([scores, *groups], format="csr"))
        design = csr_array(whole[:, independent_columns(whole)])
        fit = fit_logistic(design, again.astype(np.float64))
        if isinstance(fit, LogisticFit):
            return _Chance(fit.probabilities(design), note)
        failed = fit
    return failed


def _standardised(last: Numbers) -> Numbers:
    """Scores in SDs from their mean; a subscale never scored so far counts as the mean."""
    seen = ~np.isnan(last)
    n = np.maximum(seen.sum(axis=0), 1)
    filled = np.where(seen, last, 0.0)
    centred = np.where(seen, last - filled.sum(axis=0) / n, 0.0)
    sd = np.sqrt((centred**2).sum(axis=0) / n)
    return np.asarray(centred / np.where(sd > 0, sd, 1.0))


def _terms(codes: Codes, again: Truths) -> coo_array:
    """A column of 0 and 1 for each group that is large enough; all others share the intercept.

    Unless those others together are large enough, the largest group joins them, the first if two
    are: an intercept of officers who all answered again would have no estimate.
    """
    _, place = np.unique(codes, return_inverse=True)
    came, gone = np.bincount(place, again), np.bincount(place, ~again)
    large = (came >= FEWEST_OF_EACH) & (gone >= FEWEST_OF_EACH)
    if large.any() and min(came[~large].sum(), gone[~large].sum()) < FEWEST_OF_EACH:
        large[np.argmax(np.where(large, came + gone, 0))] = False
    column = np.cumsum(large) - 1
    rows = np.flatnonzero(large[place])
    at = (rows, column[place[rows]])
    return coo_array((np.ones(len(rows)), at), shape=(len(place), int(large.sum())))
