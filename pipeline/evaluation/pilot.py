"""The pilot's printed means: whether they are possible, and the national figures beside them.

What belongs here: GRIM, which asks of a printed mean whether whole scores can give it, and how far
a mean can move if nobody changes and some leave.
What stays out: the printed figures, which are facts (`pipeline/reference/pilot.json`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, Self

import polars as pl

from pipeline import reference, tables
from pipeline.evaluation.cells import ALL
from pipeline.reference import PilotMean
from pipeline.scoring.bands import band

NOTE_ROUNDED: Final = "dropout alone: from the whole totals nearest the impossible mean before it"


def grim_possible(mean: str, n: int) -> bool:
    """Whether whole scores of `n` officers can have a mean that prints as `mean`.

    GRIM (N. J. L. Brown and J. A. J. Heathers 2017): some whole total T must have T / n round to
    the mean at the digits printed; where T / n lies exactly between, either rounding will do.
    `mean` is kept as text because its trailing zeros count. In whole numbers, with d digits and M
    the mean times 10^d: |T / n - M / 10^d| <= 1 / (2 * 10^d), or |2 T 10^d - 2 M n| <= n.

    Raises ValueError if `mean` is not a plain decimal number or `n` is below 1.
    """
    printed, digits = _printed(mean)
    if n < 1:
        raise ValueError("a mean of no scores")
    step = 2 * int(10**digits)
    highest_total = (2 * printed * n + n) // step
    return step * highest_total >= 2 * printed * n - n


def smallest_consistent_n(means: Iterable[str]) -> int:
    """The smallest number of officers at which every one of the printed means is possible.

    There always is one: at 10^d officers any mean of d digits is possible. Raises ValueError for
    a mean that is not a plain decimal number, and for no mean at all.
    """
    printed = tuple(means)
    if not printed:
        raise ValueError("no means")
    n = 1
    while not all(grim_possible(mean, n) for mean in printed):
        n += 1
    return n


@dataclass(frozen=True, slots=True)
class Totals:
    """Whole totals from `low` to `high`, both included."""

    low: int
    high: int

    def meets(self, other: Self) -> bool:
        return self.low <= other.high and other.low <= self.high


def totals_of(mean: str, n: int) -> Totals:
    """The whole totals of `n` scores whose mean prints as `mean`.

    Where there is none (see `grim_possible`), the whole totals on either side of it. Raises what
    that raises.
    """
    printed, digits = _printed(mean)
    if n < 1:
        raise ValueError("a mean of no scores")
    step = 2 * int(10**digits)
    least, most = 2 * printed * n - n, 2 * printed * n + n
    inside = Totals(-(-least // step), most // step)
    return inside if inside.low <= inside.high else Totals(least // step, -(-most // step))


def totals_after_leaving(all_of: Totals, n: int, n_stayed: int, scale: tuple[int, int]) -> Totals:
    """Totals that `n_stayed` of `n` officers can have if nobody's score changed.

    `all_of` are the possible totals of all n, `scale` the lowest and highest score. Those who left
    took with them at most the highest score each and at least the lowest, and so have those who
    stayed: with T the total of all, max(n_stayed lowest, T - n_left highest) is the least and
    min(n_stayed highest, T - n_left lowest) the most, and every whole number between occurs. That
    supposes nothing of why officers leave, so no selection can do more; it says nothing of how
    likely any of it is. Raises ValueError unless 1 <= n_stayed <= n.
    """
    if not 1 <= n_stayed <= n:
        raise ValueError("at least one officer must stay, and no more than there were")
    lowest, highest = scale
    n_left = n - n_stayed
    return Totals(
        max(n_stayed * lowest, all_of.low - n_left * highest),
        min(n_stayed * highest, all_of.high - n_left * lowest),
    )


def _printed(mean: str) -> tuple[int, int]:
    """A printed mean as a whole number of its last digit, and the number of decimals."""
    try:
        number = Decimal(mean)
        exponent = number.as_tuple().exponent
    except InvalidOperation:
        raise ValueError("a printed mean must be a decimal number") from None
    if not isinstance(exponent, int) or exponent > 0:
        raise ValueError("a printed mean must be a plain decimal number")
    return int(number.scaleb(-exponent)), -exponent


def pilot_reconciliation(wave_summary: pl.DataFrame) -> pl.DataFrame:
    """The rows of `tables.PILOT_RECONCILIATION`, in the pilot's order.

    National figures are those of `wave_summary` (a `tables.WAVE_SUMMARY` frame) for all
    organisations and arms at the wave of the same name. The pilot's means are labelled by the
    instrument's limits as `pipeline.scoring.bands` says. What leaving alone can do is said of every
    later wave with no more officers than the first, by `totals_after_leaving`.
    """
    national = wave_summary.filter(organisation=ALL, arm=ALL).select(
        "wave",
        "instrument",
        "subscale",
        national_mean="mean",
        national_ci_low="ci_low",
        national_ci_high="ci_high",
        national_note=pl.lit("national: ") + pl.col("note"),
    )
    return (
        _pilot()
        .join(national, on=["wave", "instrument", "subscale"], how="left", maintain_order="left")
        .with_columns(
            national_note=pl.when(pl.col("national_mean").is_null())
            .then(pl.lit("no national score at this wave"))
            .otherwise("national_note")
        )
        .with_columns(
            note=pl.concat_str(
                "dropout_note", "national_note", separator="; ", ignore_nulls=True
            ).replace("", None)
        )
        .select(
            pl.col(name).cast(dtype)
            for name, dtype in tables.PILOT_RECONCILIATION.frame_schema.items()
        )
    )


def _pilot() -> pl.DataFrame:
    """The pilot's means with all that follows from themselves."""
    means = reference.pilot_means()
    consistent = {
        wave: smallest_consistent_n(mean.mean for mean in means if mean.wave == wave)
        for wave in dict.fromkeys(mean.wave for mean in means)
    }
    first = {mean.subscale: mean for mean in reversed(means)}
    return pl.DataFrame(
        [
            {
                "wave": mean.wave,
                "instrument": mean.instrument,
                "subscale": mean.subscale,
                "n_reported": mean.n_reported,
                "mean_reported": mean.mean,
                "grim_possible": grim_possible(mean.mean, mean.n_reported),
                "smallest_consistent_n": consistent[mean.wave],
                "band_reported": mean.band_reported,
                "band_computed": _band_of(mean),
                **_dropout_alone(first[mean.subscale], mean),
            }
            for mean in means
        ],
        infer_schema_length=None,
    )


def _dropout_alone(first: PilotMean, later: PilotMean) -> dict[str, float | bool | str | None]:
    """Bounds of the later mean if nobody changed, and whether the printed one lies within them."""
    if later == first or later.n_reported > first.n_reported:
        return {"dropout_note": None}
    instrument = reference.instruments()[first.instrument]
    stayed = totals_after_leaving(
        totals_of(first.mean, first.n_reported),
        first.n_reported,
        later.n_reported,
        instrument.range_of(instrument.by_subscale[first.subscale]),
    )
    possible = grim_possible(first.mean, first.n_reported)
    return {
        "dropout_alone_low": stayed.low / later.n_reported,
        "dropout_alone_high": stayed.high / later.n_reported,
        "dropout_alone_possible": stayed.meets(totals_of(later.mean, later.n_reported)),
        "dropout_note": None if possible else NOTE_ROUNDED,
    }


def _band_of(mean: PilotMean) -> str:
    instrument = reference.instruments()[mean.instrument]
    bands = instrument.bands_of(instrument.by_subscale[mean.subscale])
    label: str = pl.select(band(pl.lit(float(mean.mean)), bands)).item()
    return label
