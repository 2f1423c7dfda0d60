"""How far the items of a subscale measure one thing: Cronbach's alpha and McDonald's omega.

What belongs here: reliability by organisation and wave. What stays out: the factor behind omega
(`one_factor.py`), and whether a reliability is high enough (`comparability.py`).

alpha = p / (p - 1) (1 - sum of the items' variances / variance of their sum) (L. J. Cronbach 1951,
Psychometrika 16). Interval: 1 - (1 - alpha) F, F the quantiles of F with n - 1 and (n - 1)(p - 1)
degrees of freedom (L. S. Feldt 1965, Psychometrika 30). alpha is omega only where all items load
alike, and less where they do not; Feldt's interval supposes that, normal answers, and officers who
are independent of each other. Neither figure says that the items measure one thing: a high alpha of
items of two kinds is possible. Not to be compared between instruments of different lengths.

Items are taken after reversal, of responses with every item of the subscale answered. Answers that
were filled in by proration would count as agreeing with the rest, and covariances each from whoever
answered both items need not belong to any set of answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from scipy.special import fdtri

from pipeline import tables
from pipeline.evaluation.answers import ItemSums, Place, Series, Whole
from pipeline.evaluation.cells import ALL, joined_notes
from pipeline.evaluation.one_factor import FEWEST_ITEMS, Numbers, one_factor
from pipeline.evaluation.random_effects import Limits

FEWEST_RESPONSES_AN_ITEM: Final = 2
"""With hardly more responses than items the likelihood has several summits, far apart."""

NOTE_ONE_ITEM: Final = "one item: no reliability"
NOTE_ONE_RESPONSE: Final = "fewer than two complete responses: no reliability"
NOTE_NO_SPREAD: Final = "everybody has the same score: no reliability"
NOTE_BELOW_ZERO: Final = "items go against each other"
NOTE_TWO_ITEMS: Final = "fewer than three items: no omega"
NOTE_FEW_RESPONSES: Final = "fewer than two complete responses an item: no omega"
NOTE_CONSTANT_ITEM: Final = "an item with one and the same answer: no omega"
NOTE_NO_FIT: Final = "no factor fits: no omega"
NOTE_AT_LIMIT: Final = "omega: an item has hardly any variance of its own"
NOTE_CLUSTERS: Final = "interval ignores organisations"


@dataclass(frozen=True, slots=True)
class Reliability:
    """alpha with its 95% interval and omega of one subscale in one place, as far as they exist."""

    place: Place
    n: int
    alpha: float | None
    alpha_interval: Limits | None
    omega: float | None
    notes: tuple[str, ...]


def reliability(found: Mapping[Series, Sequence[Reliability]]) -> pl.DataFrame:
    """The rows of `tables.RELIABILITY` from those of `reliabilities`, totals last."""
    rows = [
        {
            "organisation": each.place[0],
            "wave": each.place[1],
            "instrument": instrument,
            "subscale": subscale,
            "n": each.n,
            "alpha": each.alpha,
            "alpha_low": each.alpha_interval.low if each.alpha_interval else None,
            "alpha_high": each.alpha_interval.high if each.alpha_interval else None,
            "omega": each.omega,
            "note": joined_notes(each.notes),
        }
        for (instrument, subscale), of_series in found.items()
        for each in of_series
    ]
    # Sorting keeps waves, instruments and subscales in the order that they come in.
    rows.sort(key=lambda row: (row["organisation"] == ALL, row["organisation"]))
    return pl.DataFrame(rows, schema=tables.RELIABILITY.frame_schema)


def reliabilities(sums: ItemSums) -> list[Reliability]:
    """Reliability of one subscale in every place of `sums`, in their order."""
    covariances = sums.covariances
    omegas, at_limit = _omegas(covariances, sums.n)
    return [
        _reliability(place, n, covariance, omega, items_at_limit=at_limit_of)
        for place, n, covariance, omega, at_limit_of in zip(
            sums.places, sums.n.tolist(), covariances, omegas, at_limit, strict=True
        )
    ]


def cronbach_alpha(covariances: Numbers) -> float | None:
    """Cronbach's alpha of items with these covariances (p, p); None without spread or for one."""
    items, total = len(covariances), float(covariances.sum())
    if items < 2 or total <= 0:
        return None
    return items / (items - 1) * (1 - float(np.trace(covariances)) / total)


def feldt_interval(coefficient: float, n: int, items: int) -> Limits:
    """Feldt's 95% interval of an alpha of n >= 2 responses to two items or more."""
    freedom = n - 1, (n - 1) * (items - 1)
    low, high = (1 - (1 - coefficient) * float(fdtri(*freedom, p)) for p in (0.975, 0.025))
    return Limits(low, high)


def _omegas(covariances: Numbers, n: Whole) -> tuple[list[float | None], list[bool]]:
    """Omega of each matrix where it exists, and whether its fit lies at a limit."""
    count, items = covariances.shape[:2]
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    sound = (n >= FEWEST_RESPONSES_AN_ITEM * items) & (variances > 0).all(axis=1)
    omegas: list[float | None] = [None] * count
    at_limit = [False] * count
    if items >= FEWEST_ITEMS and sound.any():
        sds = np.sqrt(variances[sound])
        fit = one_factor(covariances[sound] / (sds[:, :, None] * sds[:, None, :]))
        found = zip(np.flatnonzero(sound), fit.omega(sds).tolist(), fit.at_limit, strict=True)
        for place, omega, limit in found:
            if np.isfinite(omega):
                omegas[place], at_limit[place] = omega, bool(limit)
    return omegas, at_limit


def _reliability(
    place: Place, n: int, covariances: Numbers, omega: float | None, *, items_at_limit: bool
) -> Reliability:
    items = len(covariances)
    if items < 2:
        return Reliability(place, n, None, None, None, (NOTE_ONE_ITEM,))
    if n < 2:
        return Reliability(place, n, None, None, None, (NOTE_ONE_RESPONSE,))
    alpha = cronbach_alpha(covariances)
    if alpha is None:
        return Reliability(place, n, None, None, None, (NOTE_NO_SPREAD,))
    notes = [NOTE_BELOW_ZERO] if alpha < 0 else []
    if place[0] == ALL:
        notes.append(NOTE_CLUSTERS)
    if omega is None:
        notes.append(_why_no_omega(n, covariances))
    elif items_at_limit:
        notes.append(NOTE_AT_LIMIT)
    return Reliability(place, n, alpha, feldt_interval(alpha, n, items), omega, tuple(notes))


def _why_no_omega(n: int, covariances: Numbers) -> str:
    items = len(covariances)
    if items < FEWEST_ITEMS:
        return NOTE_TWO_ITEMS
    if n < FEWEST_RESPONSES_AN_ITEM * items:
        return NOTE_FEW_RESPONSES
    return NOTE_NO_FIT if (np.diagonal(covariances) > 0).all() else NOTE_CONSTANT_ITEM
