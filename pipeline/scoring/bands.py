"""Which band a score falls into, whole or not.

What belongs here: the one rule by which scores and printed means are labelled.
What stays out: the limits themselves, which are facts of the instrument.
"""

from collections.abc import Sequence
from itertools import pairwise

import polars as pl

from pipeline.reference import Band


def band(score: pl.Expr, bands: Sequence[Band]) -> pl.Expr:
    """Name of the band that a score falls into; NULL for a NULL score.

    `bands` cover the subscale from low to high, without gap, with whole limits. A prorated score
    or a mean can lie between two bands. It is then in the lowest band only up to that band's
    highest score, and in any higher band only from that band's lowest score; what lies between
    the lowest band and the next belongs to the next. So for limits 22 and 42: low if <= 22, high
    if >= 42, moderate between. Where there are two bands only (a screen with a cut point), the
    cut point must be reached.
    """
    label: pl.Expr = pl.lit(bands[-1].band)
    for position, (this, following) in reversed(list(enumerate(pairwise(bands)))):
        lowest_of_several = position == 0 and len(bands) > 2
        falls_into = score <= this.highest if lowest_of_several else score < following.lowest
        label = pl.when(falls_into).then(pl.lit(this.band)).otherwise(label)
    return pl.when(score.is_not_null()).then(label)
