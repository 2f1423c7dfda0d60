"""What went with dropping out, several things at once: scores, rank group and organisation.

What belongs here: the terms of the model and which groups are large enough to be one. What stays
out: the fit (`logistic.py`), and any claim that a term made officers drop out.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from scipy.sparse import coo_array, csr_array, hstack

from pipeline import tables
from pipeline.evaluation.cells import UNITS_PER_POINT, joined_notes, scored
from pipeline.evaluation.intervals import Z
from pipeline.evaluation.logistic import LogisticFit, NoFit, fit_logistic, independent_columns
from pipeline.evaluation.taking_part import dropped_out_later
from pipeline.programme import Programme

FEWEST_IN_A_GROUP: Final = 10
GROUPS: Final = ("rank_group", "organisation")
OTHER: Final = "other"
UNKNOWN: Final = "unknown"

NOTE_PLAIN: Final = "plain standard errors: officers are taken as independent"
NOTE_OTHER: Final = (
    "other: groups with fewer than ten officers, or in which all or none dropped out"
)
NOTE_LEFT_OUT: Final = (
    "officers left out: their groups, merged into other, were still too small or one-sided"
)
NOTE_OTHERS_TOGETHER: Final = "the group is others together: no estimate of its own"
NOTE_TOO_FAR: Final = "odds ratio or limits without a figure: too large or too near 0 to be written"
NOTE_NOBODY: Final = "nobody dropped out or stayed with all scores at the first wave"


def attrition_model(
    scores: pl.DataFrame,
    officers: pl.DataFrame,
    programme: Programme,
    *,
    groups: Sequence[str] = GROUPS,
) -> pl.DataFrame:
    """The rows of `tables.ATTRITION_MODEL` from `tables.SCORES` and a frame of `taking_part`.

    Logistic regression of `dropped_out_later` on the subscales of the primary instrument at the
    programme's first wave, in points, and on `groups` (columns of the officers), each against its
    largest group, the first by name if two are; officers with every one of the scores, all
    denominators and arms together. NULL in a group is the group `unknown`.

    A group with fewer than ten officers, or in which all or none dropped out, has no estimate that
    means anything. Such groups of one column are merged into `other`; if `other` is still such a
    group, its officers are left out of the model, and all groups are looked at again. Notes say so.

    A group that is others together, as an organisation without a roster whose officers alone have
    no known rank, has no estimate of its own: the first to be named keeps it, as in R's glm.

    Without estimates (nobody to count, collinear terms, separation) every term has a row with NULL
    and the note says why. An odds ratio or limit that floating point cannot write is NULL, with its
    note. Raises ValueError for an instrument or subscale that the programme does not have.
    """
    subscales = tuple(programme.instrument(programme.primary.instrument).by_subscale)
    counted = _counted(scores, officers, programme, subscales, groups)
    kept = _with_large_groups(counted, groups)
    dummies = [_Dummies(kept, group) for group in groups]
    terms = ["intercept", *subscales, *(term for d in dummies for term in d.terms)]
    fit: LogisticFit | NoFit | None = None
    estimated = list(range(len(terms)))
    if kept.height:
        scales = kept.select(pl.col(subscales).cast(pl.Float64) / UNITS_PER_POINT).to_numpy()
        columns = [csr_array(np.column_stack([np.ones(kept.height), scales]))]
        design = csr_array(hstack([*columns, *(d.columns for d in dummies)], format="csr"))
        estimated = _estimated(design, 1 + len(subscales))
        outcome = kept["left"].cast(pl.Float64).to_numpy()
        fit = fit_logistic(csr_array(design[:, estimated]), outcome)
    references = [f"reference: {d.reference}" for d in dummies if d.reference]
    left_out = [NOTE_LEFT_OUT] if kept.height < counted.height else []
    said = {term: [term] for term in terms} | {"intercept": references}
    estimates = [
        _estimate(fit, estimated.index(place)) if place in estimated else {}
        for place in range(len(terms))
    ]
    rows = [
        {
            "term": term,
            **estimates[place],
            "n": kept.height,
            "note": joined_notes(
                [
                    _why(fit, NOTE_LEFT_OUT if counted.height else NOTE_NOBODY),
                    *([NOTE_OTHERS_TOGETHER] if place not in estimated else []),
                    *([NOTE_TOO_FAR] if None in estimates[place].values() else []),
                    *([*references, *left_out] if term == "intercept" else []),
                    *([NOTE_OTHER] if any(t.endswith(f": {OTHER}") for t in said[term]) else []),
                ]
            ),
        }
        for place, term in enumerate(terms)
    ]
    return pl.DataFrame(rows, schema=tables.ATTRITION_MODEL.frame_schema)


def _counted(
    scores: pl.DataFrame,
    officers: pl.DataFrame,
    programme: Programme,
    subscales: Sequence[str],
    groups: Sequence[str],
) -> pl.DataFrame:
    """left, the groups, and a column of units for each subscale; one row an officer.

    Rows are sorted by what they hold, so that sums do not depend on pseudonyms or order of arrival.
    """
    of_first_wave = scores.filter(
        pl.col("wave") == programme.wave_names[0],
        pl.col("instrument") == programme.primary.instrument,
    )
    units = scored(of_first_wave, programme)
    found = officers.select(
        "participant_id",
        *(pl.col(group).fill_null(UNKNOWN) for group in groups),
        left=dropped_out_later(),
    ).drop_nulls("left")
    for subscale in subscales:
        of_subscale = units.filter(pl.col("subscale") == subscale)
        found = found.join(
            of_subscale.select("participant_id", pl.col("score").alias(subscale)),
            on="participant_id",
        )
    return found.drop("participant_id").sort(pl.all())


def _with_large_groups(counted: pl.DataFrame, groups: Sequence[str]) -> pl.DataFrame:
    """Small and one-sided groups as `other`, and without the officers of an `other` that is so."""
    kept = counted
    while True:
        before = kept
        for group in groups:
            merged = pl.when(_says_too_little(group)).then(pl.lit(OTHER)).otherwise(group)
            kept = kept.with_columns(merged.alias(group)).filter(
                (pl.col(group) != OTHER) | ~_says_too_little(group)
            )
        if kept.equals(before):
            return kept


def _says_too_little(group: str) -> pl.Expr:
    n, left = pl.len().over(group), pl.col("left").sum().over(group)
    return (n < FEWEST_IN_A_GROUP) | (left == 0) | (left == n)


def _estimated(design: csr_array, scores: int) -> list[int]:
    """Columns that have an estimate: the first ones, of intercept and scores, and groups of their
    own. If scores are sums of each other there is none, and all columns are left for the fit to say
    so.
    """
    kept: list[int] = independent_columns(design).tolist()
    return kept if kept[:scores] == list(range(scores)) else list(range(design.shape[1]))


class _Dummies:
    """Columns of 0 and 1 for the groups of one column but the largest."""

    def __init__(self, kept: pl.DataFrame, group: str) -> None:
        sizes = kept.group_by(group).len("n").sort(-pl.col("n").cast(pl.Int64), group)
        names = sizes[group].to_list()
        self.reference = f"{group}: {names[0]}" if names else None
        self._others = sorted(names[1:])
        self.terms = [f"{group}: {name}" for name in self._others]
        place = kept[group].cast(pl.Enum(self._others), strict=False).to_physical()
        rows = place.is_not_null().arg_true().to_numpy()
        at = (rows, place.drop_nulls().to_numpy())
        self.columns = coo_array((np.ones(len(rows)), at), shape=(kept.height, len(self._others)))


def _estimate(fit: LogisticFit | NoFit | None, place: int) -> dict[str, float | None]:
    if not isinstance(fit, LogisticFit):
        return {}
    estimate, se = float(fit.coefficients[place]), float(fit.standard_errors[place])
    return {
        "estimate": estimate,
        "se": se,
        "odds_ratio": _odds_ratio(estimate),
        "ci_low": _odds_ratio(estimate - Z * se),
        "ci_high": _odds_ratio(estimate + Z * se),
    }


def _odds_ratio(log_odds: float) -> float | None:
    """None where it is beyond the floating-point numbers, or would be rounded to 0."""
    try:
        return math.exp(log_odds) or None
    except OverflowError:
        return None


def _why(fit: LogisticFit | NoFit | None, without_officers: str) -> str:
    if fit is None:
        return without_officers
    return fit.value if isinstance(fit, NoFit) else NOTE_PLAIN
