"""The pilot's printed means: whether they are possible, and the national figures beside them.

What belongs here: GRIM, which asks of a printed mean whether whole scores can give it.
What stays out: the printed figures, which are facts (`pipeline/reference/pilot.json`).
"""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

import polars as pl

from pipeline import reference, tables
from pipeline.evaluation.cells import ALL
from pipeline.reference import PilotMean
from pipeline.scoring.bands import band


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
    instrument's limits as `pipeline.scoring.bands` says.
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
            note=pl.when(pl.col("national_mean").is_null())
            .then(pl.lit("no national score at this wave"))
            .otherwise("national_note")
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
            }
            for mean in means
        ]
    )


def _band_of(mean: PilotMean) -> str:
    instrument = reference.instruments()[mean.instrument]
    bands = instrument.bands_of(instrument.by_subscale[mean.subscale])
    label: str = pl.select(band(pl.lit(float(mean.mean)), bands)).item()
    return label
