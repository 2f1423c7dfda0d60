"""Change between two waves, of the officers who answered both: later minus earlier.

What belongs here: mean change, effect sizes, reliable change. What stays out: officers with one of
the two waves, and any claim about why scores changed: without a comparison group it is a change.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

import polars as pl

from pipeline import tables
from pipeline.evaluation.begun import notes_of_arms_together
from pipeline.evaluation.cells import (
    ALL,
    UNITS_PER_POINT,
    Moments,
    cell_interval,
    cells_of,
    joined_notes,
    scored,
)
from pipeline.evaluation.named_beforehand import is_named_beforehand
from pipeline.evaluation.panel import Figures, Key, Pair, Panel, cluster_sums, pairs_of_waves
from pipeline.programme import Contrast, Programme
from pipeline.vocabulary import Better

BaselineSds = Mapping[str, Mapping[str, float | None]]
"""Standard deviations in points by instrument and subscale; None where there is none."""

RELIABLE: Final = 1.96
"""A change of more standard errors of a difference than this is reliable."""

FEWEST_FOR_CORRELATION: Final = 3
"""Any two officers lie on a line."""

NOBODY: Final = Moments(0, 0, 0)

_SERIES: Final = ("instrument", "subscale")
_FIGURES: Final = (
    "change",
    "earlier",
    "later",
    "change_squares",
    "earlier_squares",
    "later_squares",
    "products",
    "better",
    "worse",
)


def paired_change(of_officers: Panel, programme: Programme) -> pl.DataFrame:
    """The rows of `tables.PAIRED_CHANGE`.

    From the first wave to every later one, and between the waves of the primary contrast if it
    starts elsewhere; the rows of one pair of waves together, in the programme's order. Reliable
    change uses the SDs of `baseline_sds`. See `change_between` for the rest.
    """
    first_wave = programme.wave_names[0]
    national = {
        series: _national(scores[first_wave]) for series, scores in of_officers.scores.items()
    }
    sds = _frozen_or(national, programme)
    changes = [
        change_between(of_officers, programme, from_wave=from_wave, to_wave=to_wave, sds=sds)
        for from_wave, to_wave in pairs_of_waves(programme)
    ]
    return pl.concat(changes)


def baseline_sds(scores: pl.DataFrame, programme: Programme) -> BaselineSds:
    """SD in points of each subscale at the first wave, for reliable change.

    The programme's frozen SD where it has one, else the SD (n - 1) of everybody with a score,
    whether they answered again or not. None where fewer than two scored.
    """
    first_wave = programme.wave_names[0]
    measured = scored(scores.filter(pl.col("wave") == first_wave), programme)
    national = {
        cast(Pair, series): _national(rows["score"])
        for series, rows in measured.group_by("instrument", "subscale")
    }
    return _frozen_or(national, programme)


def _national(scores: pl.Series) -> Moments:
    """Of scores in units; NULL is none."""
    return Moments(scores.count(), int(scores.sum()), int((scores**2).sum()))


def _frozen_or(national: Mapping[Pair, Moments], programme: Programme) -> BaselineSds:
    return {
        instrument: {
            subscale: programme.baseline_sd.get(instrument, {}).get(
                subscale, national.get((instrument, subscale), NOBODY).sd
            )
            for subscale in programme.instrument(instrument).by_subscale
        }
        for instrument in programme.instruments
    }


def change_between(
    of_officers: Panel, programme: Programme, *, from_wave: str, to_wave: str, sds: BaselineSds
) -> pl.DataFrame:
    """The rows of `tables.PAIRED_CHANGE` for one pair of waves.

    With D = later - earlier, s the SDs of the two waves, r their correlation:
    d_av = mean(D) / ((s1 + s2) / 2) (G. Cumming 2012);
    d_rm = mean(D) / sqrt(s1^2 + s2^2 - 2 r s1 s2) * sqrt(2 (1 - r)) (D. Lakens 2013);
    g_av = d_av (1 - 3 / (4 (n - 1) - 1)). The 95% interval is that of `cells.cell_interval`.

    A change is reliable if |D| / S_diff > 1.96 with S_diff = sqrt(2) SD sqrt(1 - alpha) (N. S.
    Jacobson and P. Truax 1991); SD is taken from `sds`, alpha from the instrument, and
    `reliable_change` is 1.96 S_diff. Better and worse follow the subscale's direction.

    A figure that cannot be had is NULL and the note says why. Of all arms together it names those
    that had not begun by the later wave where others had.
    """
    s_diffs = _standard_errors_of_difference(programme, sds)
    figures: dict[Key, Figures] = {
        series: _figures(
            scores.select(earlier=from_wave, later=to_wave), _divisor(series, s_diffs, programme)
        )
        for series, scores in of_officers.scores.items()
    }
    if not figures:
        return tables.PAIRED_CHANGE.empty()
    sums = cluster_sums(of_officers.officers, figures, _SERIES, each_arm=True)
    found = list(cells_of(sums, _SERIES, _FIGURES, "change"))
    arms = _arms(found)
    return pl.DataFrame(
        [
            {
                "from_wave": from_wave,
                "to_wave": to_wave,
                **_change(
                    cell,
                    from_wave,
                    to_wave,
                    s_diffs[cell["instrument"], cell["subscale"]],
                    notes_of_arms_together(arms[_place(cell)], to_wave, programme)
                    if cell["arm"] == ALL
                    else (),
                ),
                "named_beforehand": is_named_beforehand(
                    programme,
                    Contrast(
                        instrument=cell["instrument"],
                        subscale=cell["subscale"],
                        from_wave=from_wave,
                        to_wave=to_wave,
                    ),
                    cell["arm"],
                ),
            }
            for cell in found
        ],
        schema=tables.PAIRED_CHANGE.frame_schema,
    )


def _place(cell: Mapping[str, Any]) -> tuple[str, str, str]:
    return cell["organisation"], cell["instrument"], cell["subscale"]


def _arms(found: Iterable[Mapping[str, Any]]) -> Mapping[tuple[str, str, str], set[str]]:
    """The arms of those who answered both waves, by organisation, or `all`, and subscale."""
    arms: dict[tuple[str, str, str], set[str]] = {}
    for cell in found:
        if cell["arm"] != ALL:
            arms.setdefault(_place(cell), set()).add(cell["arm"])
    return arms


def standard_error_of_difference(sd: float, alpha: float) -> float:
    """S_diff in points: how far two scores of an unchanged officer differ by measurement error."""
    return math.sqrt(2) * sd * math.sqrt(1 - alpha)


def _standard_errors_of_difference(
    programme: Programme, sds: BaselineSds
) -> dict[tuple[str, str], float | str]:
    """S_diff by instrument and subscale, or why there is none."""
    found: dict[tuple[str, str], float | str] = {}
    for name in programme.instruments:
        for subscale in programme.instrument(name).subscales:
            key = (name, subscale.subscale)
            sd = sds.get(name, {}).get(subscale.subscale)
            if subscale.alpha is None:
                found[key] = "no reliable change: the instrument states no reliability"
            elif not sd:
                found[key] = "no reliable change: no baseline SD, or one of 0"
            else:
                found[key] = standard_error_of_difference(sd, subscale.alpha)
    return found


def _divisor(
    series: Pair, s_diffs: Mapping[Pair, float | str], programme: Programme
) -> float | None:
    """S_diff with the sign of the better direction: divided by it, a gain is positive."""
    s_diff = s_diffs[series]
    if isinstance(s_diff, str):
        return None
    instrument, subscale = series
    better = programme.instrument(instrument).by_subscale[subscale].better
    return s_diff if better is Better.HIGHER else -s_diff


def _figures(waves: pl.DataFrame, divisor: float | None) -> Figures:
    """What is summed over officers, from earlier and later in units; NULL for who has not both.

    better and worse are true where the change is reliable in that direction.
    """
    earlier, later = pl.col("earlier"), pl.col("later")
    pairs = waves.with_columns(change=later - earlier).with_columns(
        pl.when(pl.col("change").is_not_null()).then(pl.col("earlier", "later"))
    )
    gain = pl.col("change") / UNITS_PER_POINT / pl.lit(divisor, pl.Float64)
    return pairs.select(
        "change",
        earlier,
        later,
        (pl.col("change") ** 2).alias("change_squares"),
        (earlier**2).alias("earlier_squares"),
        (later**2).alias("later_squares"),
        (earlier * later).alias("products"),
        (gain > RELIABLE).alias("better"),
        (gain < -RELIABLE).alias("worse"),
    ).to_dict()


def _change(
    cell: Mapping[str, Any],
    from_wave: str,
    to_wave: str,
    s_diff: float | str,
    mixed: tuple[str, ...],
) -> dict[str, Any]:
    change = Moments(cell["n"], cell["change"], cell["change_squares"])
    interval = cell_interval(cell, change)
    effect_sizes, notes = _effect_sizes(cell, change, from_wave, to_wave)
    reliable: dict[str, float] = {}
    if isinstance(s_diff, str):
        notes.append(s_diff)
    else:
        reliable = {
            "n_reliably_better": cell["better"],
            "n_reliably_worse": cell["worse"],
            "reliable_change": RELIABLE * s_diff,
        }
    return {
        **{name: cell[name] for name in ("organisation", "arm", "instrument", "subscale")},
        "n": change.n,
        "mean_change": change.mean,
        "sd_change": change.sd,
        **interval.columns,
        **effect_sizes,
        **reliable,
        "note": joined_notes((*interval.notes, *notes, *mixed)),
    }


def _effect_sizes(
    cell: Mapping[str, Any], change: Moments, from_wave: str, to_wave: str
) -> tuple[dict[str, float], list[str]]:
    """Correlation, d_av, d_rm and g_av as far as they exist, and why the others do not."""
    n = change.n
    earlier = Moments(n, cell["earlier"], cell["earlier_squares"])
    later = Moments(n, cell["later"], cell["later_squares"])
    if n < FEWEST_FOR_CORRELATION:
        return {}, ["fewer than three officers: no correlation and no effect size"]
    found: dict[str, float] = {}
    notes = []
    mean_sd = ((earlier.sd or 0) + (later.sd or 0)) / 2
    if mean_sd:
        found["d_av"] = change.mean / mean_sd
        found["g_av"] = found["d_av"] * (1 - 3 / (4 * (n - 1) - 1))
    constant = [wave for wave, at in ((from_wave, earlier), (to_wave, later)) if at.scatter == 0]
    if constant:
        lost = "no correlation and no d_rm" if mean_sd else "no correlation and no effect size"
        notes.append(f"SD of 0 at {' and '.join(constant)}: {lost}")
        return found, notes
    r = found["correlation"] = _correlation(n, earlier, later, cell["products"])
    if change.sd:
        # s1^2 + s2^2 - 2 r s1 s2 is the variance of the change.
        found["d_rm"] = change.mean / change.sd * math.sqrt(2 * (1 - r))
    else:
        notes.append("SD of 0 of the change: no d_rm")
    return found, notes


def _correlation(n: int, earlier: Moments, later: Moments, products: int) -> float:
    """Pearson's r; the sums are exact, so only the last step rounds and may step over 1."""
    covariation = n * products - earlier.total * later.total
    r = covariation / math.sqrt(earlier.scatter * later.scatter)
    return min(1.0, max(-1.0, r))
