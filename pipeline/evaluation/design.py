"""How many officers, groups and organisations another evaluation needs to see a stated change.

What belongs here: the size of a study from what this one shows. What stays out: power after the
fact, which says nothing that an interval does not; `power_now` is of a study planned anew.

Of N officers with both scores in organisations like those observed, the variance of the mean change
is sigma^2 D / N with

    D = 1 + (m - 1) rho_group + (M - m) rho_organisation,

where m and M are the mean sizes of an officer's group and organisation (sum of squared sizes over
N, which allows for sizes that differ), rho_group the correlation of two officers of one group and
rho_organisation that of two of one organisation in different groups. The change delta is seen with
the power of a two-sided t test at 5% with k - 1 degrees of freedom, k organisations, and
noncentrality delta / sqrt(sigma^2 D / N). N is k times the officers with both scores in an
organisation here; officers to enrol are N over the share of enrolled officers who gave both.

Sources: S. Teerenstra, M. Moerbeek, T. van Achterberg, B. J. Pelzer and G. F. Borm (2008), Clinical
Trials 5; S. M. Eldridge, D. Ashby and S. Kerry (2006), International Journal of Epidemiology 35,
for unequal sizes. Not to be used for a comparison of arms, which needs several times as many, nor
where organisations will be of another kind or size than these.
"""

import math
from collections.abc import Iterable
from typing import Any, Final

import polars as pl
from scipy.special import nctdtr, stdtrit

from pipeline import tables
from pipeline.evaluation.cells import joined_notes
from pipeline.evaluation.icc import Spread, SpreadOf
from pipeline.evaluation.taking_part import NOT_CLOSED
from pipeline.evaluation.variance_components import Components, NoComponents
from pipeline.programme import Programme
from pipeline.vocabulary import Measure, WaveStatus

CHANGES: Final = (1.0, 2.0, 3.0)
"""Points of change to be seen."""

POWERS: Final = (0.8, 0.9)

MOST_ORGANISATIONS: Final = 10_000
LEVEL: Final = 0.05

NOTE_NO_SPREAD: Final = "how officers of one organisation are alike is not known: no numbers"
NOTE_GROUPS_UNKNOWN: Final = "groups not told apart: taken to be alike as organisations are"
NOTE_NOT_ALIKE: Final = "no likeness within clusters was seen; icc says how much there may be"
NOTE_NOBODY_TO_COUNT: Final = "no enrolled officer for whom both waves are over: no numbers"
NOTE_TOO_MANY: Final = "more than 10,000 organisations"


def design(
    found: Iterable[SpreadOf],
    scores: pl.DataFrame,
    participant_waves: pl.DataFrame,
    programme: Programme,
) -> pl.DataFrame:
    """The rows of `tables.DESIGN`, for the change between the waves of the primary contrast.

    From `icc.spreads`, and `tables.SCORES` and `tables.PARTICIPANT_WAVES` frames.
    """
    enrolled = _with_both_waves_over(participant_waves, programme)
    rows = []
    for instrument, subscale, measure, spread in found:
        if measure is Measure.CHANGE:
            share = _share_with_both(scores, enrolled, programme, instrument, subscale)
            rows += _needed(instrument, subscale, spread, share, programme)
    return pl.DataFrame(rows, schema=tables.DESIGN.frame_schema)


def power(change: float, *, variance: float, organisations: int) -> float:
    """Of a two-sided t test at 5% with as many clusters as organisations.

    `variance` is that of the mean change, in squared points; at least two organisations.
    """
    freedom = organisations - 1
    critical = float(stdtrit(freedom, 1 - LEVEL / 2))
    away = abs(change) / math.sqrt(variance)
    below = float(nctdtr(freedom, away, critical))
    # Further out the other tail is below 1e-9, and not always to be had.
    wrong_side = float(nctdtr(freedom, away, -critical)) if away < 5 else 0.0
    return 1 - below + wrong_side


def design_effect(spread: Spread, components: Components) -> float:
    """D of the module's docstring."""
    group, organisation = (
        sum(size**2 for size in sizes) / spread.n
        for sizes in (spread.group_sizes, spread.organisation_sizes)
    )
    alike = components.organisation.value if components.organisation else 0.0
    in_group = components.group.value if components.group else alike
    return 1 + (group - 1) * in_group + (organisation - group) * alike


def organisations_needed(
    change: float, wanted: float, *, variance_of_one: float, most: int = MOST_ORGANISATIONS
) -> int | None:
    """The fewest organisations with that power; None if more than `most`.

    `variance_of_one` is the variance of the mean change of a single organisation.
    """

    def suffice(count: int) -> bool:
        return power(change, variance=variance_of_one / count, organisations=count) >= wanted

    low, high = 1, 2
    while not suffice(high):
        if high >= most:
            return None
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffice(middle) else (middle, high)
    return high


def _needed(
    instrument: str, subscale: str, spread: Spread, share: float | None, programme: Programme
) -> list[dict[str, Any]]:
    components = spread.components
    known = components if isinstance(components, Components) else None
    if known and known.organisation is None:
        known = None
    organisations = len(spread.organisation_sizes)
    per_organisation = spread.n / organisations
    said: dict[str, Any] = {
        "instrument": instrument,
        "subscale": subscale,
        "from_wave": programme.primary.from_wave,
        "to_wave": programme.primary.to_wave,
        "sd_change": spread.sd,
        "icc_group": known.group.value if known and known.group else None,
        "icc_organisation": known.organisation.value if known and known.organisation else None,
        "share_with_both": share,
    }
    notes = list(spread.mixed)
    if known is None:
        why = components.value if isinstance(components, NoComponents) else NOTE_NO_SPREAD
        notes.append(why)
    else:
        if known.group is None:
            notes.append(NOTE_GROUPS_UNKNOWN)
        if design_effect(spread, known) == 1:
            notes.append(NOTE_NOT_ALIKE)
    if not share:
        notes.append(NOTE_NOBODY_TO_COUNT)
    rows = []
    for change in CHANGES:
        for wanted in POWERS:
            row = {**said, "change": change, "power": wanted}
            also = []
            if known is not None and share:
                effect = design_effect(spread, known)
                of_one = known.variance * effect / per_organisation
                count = organisations_needed(change, wanted, variance_of_one=of_one)
                row["design_effect"] = effect
                row["power_now"] = power(
                    change, variance=of_one / organisations, organisations=organisations
                )
                if count is None:
                    also.append(NOTE_TOO_MANY)
                else:
                    row["n_organisations"] = count
                    row["n_groups"] = _groups(count * per_organisation, spread)
                    row["n_officers"] = math.ceil(count * per_organisation / share)
            rows.append({**row, "note": joined_notes((*notes, *also))})
    return rows


def _groups(officers: float, spread: Spread) -> int | None:
    """Session groups of so many officers with both scores, of the size of those observed."""
    if not spread.n_groups:
        return None
    return math.ceil(officers / (spread.n_in_groups / spread.n_groups))


def _with_both_waves_over(participant_waves: pl.DataFrame, programme: Programme) -> pl.Series:
    """Officers for whom the time to answer either wave of the primary contrast is over.

    From the first day on to which an answer is still waited for, those who answered are not counted
    either: of the others of their cohort nothing is known yet.
    """
    ends = [programme.primary.from_wave, programme.primary.to_wave]
    waiting = pl.col("status").is_in([WaveStatus.OPEN.value, WaveStatus.NOT_YET_DUE.value])
    first_day = participant_waves.filter(waiting)["missed_after"].min()
    closed = ~pl.col("status").is_in([status.value for status in NOT_CLOSED])
    over = participant_waves.filter(pl.col("wave").is_in(ends), closed)
    if first_day is not None:
        over = over.filter((pl.col("missed_after") < first_day).fill_null(value=True))
    return over.group_by("participant_id").len().filter(pl.col("len") == 2)["participant_id"]


def _share_with_both(
    scores: pl.DataFrame,
    enrolled: pl.Series,
    programme: Programme,
    instrument: str,
    subscale: str,
) -> float | None:
    """Of those officers, the share with a score at both waves; None if there are none."""
    if not enrolled.len():
        return None
    ends = [programme.primary.from_wave, programme.primary.to_wave]
    both = (
        scores.filter(
            pl.col("wave").is_in(ends),
            pl.col("raw_score").is_not_null(),
            pl.col("instrument") == instrument,
            pl.col("subscale") == subscale,
        )
        .join(enrolled.to_frame(), on="participant_id", how="semi")
        .group_by("participant_id")
        .len()
        .filter(pl.col("len") == 2)
    )
    return both.height / enrolled.len()
