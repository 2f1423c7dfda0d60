"""Whether an organisation's answers to a subscale can be compared with those of the others.

What belongs here: the rule, with every threshold of it, and the table. What stays out: reliability
itself (`reliability.py`) and what becomes of who fails (`pooled_change.py`).

The rule, at each wave by itself since forms change between waves. Answers are comparable if
1. enough responses are complete (`FEWEST_RESPONSES`);
2. alpha, and omega where there is one, may be adequate: the upper limit of the 95% interval reaches
   `ADEQUATE`;
3. no item is shown to behave otherwise than in the other organisations. Of each item two
   differences are looked at, and its lower limit must not lie beyond the threshold:
   - of level, d = (mean - mean expected) / SD: the mean expected is read from the regression of the
     item on the rest of the subscale in the others, SD is the item's there. That is uniform
     differential item functioning with the standardised difference of N. J. Dorans and E. Kulick
     (1986, Journal of Educational Measurement 23), by a line instead of by strata; what is more
     than `LARGE_SHIFT` is large by the rule of R. Zwick, D. T. Thayer and J. Mazzeo (1997, Applied
     Measurement in Education 10).
   - of agreement, q = difference of Fisher's z of the item's correlation with the rest; more than
     `LARGE_CORRELATION_DIFFERENCE` is at least medium (J. Cohen 1988, Statistical Power Analysis).
     An item whose reversal was lost is found by this where its mean lies in the middle.
   Limits are those of all 2 p comparisons together (Bonferroni, 95%), so few responses rarely fail
   an organisation by chance, and what few responses cannot show passes.

The others are those that do not fail 3 themselves: the one that differs most clearly is taken out
first, until none is left that does. With fewer than two others nobody can say which one differs,
and items are not compared. Not to be used as a test that organisations measure alike: who passes
was not shown to differ. Standard errors take officers as independent of each other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import polars as pl
from scipy.special import ndtri

from pipeline import tables
from pipeline.evaluation.answers import ItemSums, Series, Whole, covariances_of
from pipeline.evaluation.cells import ALL, joined_notes
from pipeline.evaluation.one_factor import Numbers, Truths
from pipeline.evaluation.reliability import Reliability, feldt_interval
from pipeline.vocabulary import Incomparable

FEWEST_RESPONSES: Final = 10
"""As many as a pooled change asks for; with fewer an item can differ by two SDs unseen."""

ADEQUATE: Final = 0.70
"""Of a reliability, for groups of people (J. C. Nunnally 1978, Psychometric Theory)."""

LARGE_SHIFT: Final = 0.25
LARGE_CORRELATION_DIFFERENCE: Final = 0.30

FEWEST_OTHERS: Final = 2

NOTE_NOT_COMPARED: Final = "fewer than two other organisations: items not compared"


@dataclass(frozen=True, slots=True)
class ItemDifferences:
    """How items differ in c places from the others, of p items: NaN where that cannot be said.

    `shift` and `correlation` (c, p) are d and q; `clearly` (c, p) says that one of the two is shown
    to lie beyond its threshold; `evidence` (c,) by how many standard errors the clearest does.
    """

    shift: Numbers
    correlation: Numbers
    clearly: Truths
    evidence: Numbers

    def of(self, place: int, items: Sequence[int]) -> dict[str, Any]:
        """Columns of the table for one place; `items` are the numbers of the p items."""
        differing = [
            item for item, is_clear in zip(items, self.clearly[place], strict=True) if is_clear
        ]
        return {
            "largest_shift": _furthest(self.shift[place]),
            "largest_correlation_difference": _furthest(self.correlation[place]),
            "items_differing": ", ".join(map(str, differing)) or None,
        }


def _furthest(differences: Numbers) -> float | None:
    """The difference furthest from 0 on either side; None where there is none."""
    known = differences[np.isfinite(differences)]
    return float(known[np.abs(known).argmax()]) if known.size else None


def comparability(
    sums: Mapping[Series, ItemSums], found: Mapping[Series, Sequence[Reliability]]
) -> pl.DataFrame:
    """The rows of `tables.COMPARABILITY`, from sums with the reliabilities made of them."""
    rows = [
        {"instrument": instrument, "subscale": subscale, **row}
        for (instrument, subscale), of_series in sums.items()
        for row in _rows(of_series, found[instrument, subscale])
    ]
    rows.sort(key=lambda row: str(row["organisation"]))
    return pl.DataFrame(rows, schema=tables.COMPARABILITY.frame_schema)


def not_comparable(table: pl.DataFrame) -> set[tuple[str, str, str, str]]:
    """Organisation, wave, instrument and subscale of the rows that are not comparable."""
    failed = table.filter(~pl.col("comparable"))
    return set(failed.select("organisation", "wave", "instrument", "subscale").iter_rows())


def _rows(sums: ItemSums, found: Sequence[Reliability]) -> Iterator[dict[str, Any]]:
    for wave in dict.fromkeys(wave for _, wave in sums.places):
        places = [i for i, place in enumerate(sums.places) if place[1] == wave and place[0] != ALL]
        large = [i for i in places if sums.n[i] >= FEWEST_RESPONSES]
        differences = settled_differences(sums.n[large], sums.totals[large], sums.products[large])
        rank = {place: i for i, place in enumerate(large)}
        for i in places:
            yield _row(
                found[i], len(sums.items), differences.of(rank[i], sums.items) if i in rank else {}
            )


def settled_differences(n: Whole, totals: Whole, products: Whole) -> ItemDifferences:
    """Differences of c places (see `ItemSums`) from those of them that do not differ."""
    others = np.ones(len(n), dtype=bool)
    while True:
        found = item_differences(n, totals, products, others)
        differ = found.clearly.any(axis=1) & others
        if not differ.any():
            return found
        others[np.where(differ, found.evidence, -np.inf).argmax()] = False


def item_differences(n: Whole, totals: Whole, products: Whole, others: Truths) -> ItemDifferences:
    """Differences of each of c places (see `ItemSums`) from the `others`, itself left out."""
    itself = others.astype(np.int64)
    of_others = [
        each[others].sum(axis=0) - itself.reshape(-1, *[1] * (each.ndim - 1)) * each
        for each in (n, totals, products)
    ]
    enough = (others.sum() - itself >= FEWEST_OTHERS)[:, None]
    here, there = _ItemsAndRest.of(n, totals, products), _ItemsAndRest.of(*of_others)
    # A figure that does not exist comes out as NaN, and no NaN lies beyond a threshold.
    with np.errstate(divide="ignore", invalid="ignore"):
        ahead = here.rest_mean - there.rest_mean
        expected = there.mean + there.covariance / there.rest_variance * ahead
        shift = np.where(enough, (here.mean - expected) / np.sqrt(there.variance), np.nan)
        unexplained = 1 - there.correlation**2
        leverage = ahead**2 / ((there.n - 1) * there.rest_variance)
        shift_error = np.sqrt(unexplained * (1 / here.n + 1 / there.n + leverage))
        correlation = np.where(enough, np.arctanh(here.correlation), np.nan)
        correlation -= np.arctanh(there.correlation)
        correlation_error = np.sqrt(1 / (here.n - 3) + 1 / (there.n - 3))
        of_shift = (np.abs(shift) - LARGE_SHIFT) / shift_error
        of_correlation = (np.abs(correlation) - LARGE_CORRELATION_DIFFERENCE) / correlation_error
    # Each by itself: a correlation of 1 has no Fisher's z, and must not hide a shift.
    beyond = np.maximum(*(np.where(np.isfinite(z), z, -np.inf) for z in (of_shift, of_correlation)))
    clearly = beyond > ndtri(1 - 0.05 / (2 * 2 * totals.shape[1]))
    return ItemDifferences(shift, correlation, clearly, beyond.max(axis=1))


@dataclass(frozen=True, slots=True)
class _ItemsAndRest:
    """Moments of each item (c, p) and of the sum of the others; n has shape (c, 1)."""

    n: Whole
    mean: Numbers
    rest_mean: Numbers
    variance: Numbers
    rest_variance: Numbers
    covariance: Numbers
    correlation: Numbers

    @classmethod
    def of(cls, n: Whole, totals: Whole, products: Whole) -> Self:
        covariances = covariances_of(n, totals, products)
        variance = np.diagonal(covariances, axis1=1, axis2=2)
        with_all = covariances.sum(axis=2)
        covariance = with_all - variance
        rest_variance = with_all.sum(axis=1, keepdims=True) - 2 * with_all + variance
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = totals / n[:, None]
            correlation = covariance / np.sqrt(variance * rest_variance)
        rest_mean = mean.sum(axis=1, keepdims=True) - mean
        # Rounding may step over 1.
        correlation = np.clip(correlation, -1, 1)
        return cls(n[:, None], mean, rest_mean, variance, rest_variance, covariance, correlation)


def _row(found: Reliability, items: int, differences: Mapping[str, Any]) -> dict[str, Any]:
    alpha_high = found.alpha_interval.high if found.alpha_interval else None
    omega_high = None
    if found.omega is not None:
        # Feldt's limits are alpha's; for omega they are an approximation.
        omega_high = feldt_interval(found.omega, found.n, items).high
    reason = None
    if found.n < FEWEST_RESPONSES:
        reason = Incomparable.TOO_FEW
    elif items > 1 and not all(high >= ADEQUATE for high in (alpha_high or -1, omega_high or 1)):
        reason = Incomparable.UNRELIABLE
    elif differences.get("items_differing"):
        reason = Incomparable.ITEMS_DIFFER
    notes = list(found.notes)
    if items > 1 and differences and differences["largest_shift"] is None:
        notes.append(NOTE_NOT_COMPARED)
    return {
        "organisation": found.place[0],
        "wave": found.place[1],
        "n": found.n,
        "alpha": found.alpha,
        "alpha_high": alpha_high,
        "omega": found.omega,
        "omega_high": omega_high,
        **differences,
        "comparable": reason is None,
        "reason": reason,
        "note": joined_notes(notes),
    }
