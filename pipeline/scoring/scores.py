"""Answers to one instrument -> one raw score and band a subscale.

What belongs here: reversal, sums, the rule for unanswered items. What stays out: the key itself
(`pipeline/reference/instruments`) and the judgement whether a response counts.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline import tables
from pipeline.reference import Instrument, Subscale
from pipeline.scoring.bands import band

Answers = npt.NDArray[np.uint8]
Truths = npt.NDArray[np.bool_]


def score(
    responses: pl.DataFrame, instrument: Instrument, *, prorate: bool = False
) -> pl.DataFrame:
    """Scores of responses to one instrument, in the columns of `tables.SCORES`.

    `responses` has response_id, participant_id, organisation, wave, instrument and items
    (List(UInt8), item 1 first, NULL where unanswered). Every response gives one row a subscale, in
    the order of the responses and, within one, of the subscales' names: as the table is sorted.

    A subscale needs all of its items. With `prorate`, one with at least half of them answered gets
    the mean of the answered items times the number of items, and `prorated` says so; that score
    need not be whole (`pipeline.scoring.bands` says which band it falls into). Otherwise raw score
    and band are NULL. The key is the instrument file's, with its source.

    Raises ValueError, naming no value, for answers to another instrument, a list of another
    length, or an answer outside the range: the row rules come before scoring.
    """
    if not (responses["instrument"] == instrument.instrument).all():
        raise ValueError(f"{instrument.instrument}: responses to another instrument are among them")
    answers, answered = answer_matrix(responses["items"], instrument)
    keyed = _keyed(answers, answered, instrument)
    about = responses.select("response_id", "participant_id", "organisation", "wave", "instrument")
    by_subscale = [
        _subscale_scores(keyed, answered, instrument, subscale, prorate=prorate)
        for subscale in sorted(instrument.subscales, key=lambda each: each.subscale)
    ]
    # In order without sorting: row i * k + j is response i, subscale j of k.
    places = pl.int_range(len(about) * len(by_subscale), dtype=pl.UInt32, eager=True)
    response, subscale = places // len(by_subscale), places % len(by_subscale)
    scores = pl.concat(by_subscale)[subscale * len(about) + response]
    return (
        about[response]
        .hstack(scores)
        .with_columns(pl.lit(instrument.band_system).alias("band_system"))
        .select(pl.col(name).cast(dtype) for name, dtype in tables.SCORES.frame_schema.items())
    )


def answer_matrix(items: pl.Series, instrument: Instrument) -> tuple[Answers, Truths]:
    """Answers (responses by items), with 0 where `answered` is false."""
    if not (items.list.len() == instrument.items).fill_null(False).all():
        raise ValueError(f"{instrument.instrument}: a response has not {instrument.items} items")
    shape = (len(items), instrument.items)
    # Exploding an empty column would give one NULL for no response.
    flat = items.explode() if len(items) else pl.Series([], dtype=pl.UInt8())
    if not flat.is_between(instrument.minimum, instrument.maximum).all():
        raise ValueError(f"{instrument.instrument}: an answer lies outside the range")
    return (
        flat.fill_null(0).to_numpy().astype(np.uint8).reshape(shape),
        flat.is_not_null().to_numpy().reshape(shape),
    )


def _keyed(answers: Answers, answered: Truths, instrument: Instrument) -> Answers:
    """Answers after reversal, still 0 where unanswered, so that plain sums leave those out."""
    keyed = answers.copy()
    columns = [item - 1 for item in instrument.reversed]
    keyed[:, columns] = np.where(
        answered[:, columns], instrument.minimum + instrument.maximum - answers[:, columns], 0
    )
    return keyed


def _subscale_scores(
    keyed: Answers,
    answered: Truths,
    instrument: Instrument,
    subscale: Subscale,
    *,
    prorate: bool,
) -> pl.DataFrame:
    columns = [item - 1 for item in subscale.items]
    size = len(columns)
    total, items_answered = pl.col("total"), pl.col("items_answered")
    complete = items_answered == size
    enough = (2 * items_answered >= size) if prorate else complete
    sums = pl.DataFrame(
        [_row_sums("total", keyed[:, columns]), _row_sums("items_answered", answered[:, columns])]
    )
    return sums.select(
        pl.lit(subscale.subscale).alias("subscale"),
        # Multiplied before it is divided, so that a whole result comes out whole.
        pl.when(enough).then(total * size / items_answered).alias("raw_score"),
        "items_answered",
        (enough & ~complete).alias("prorated"),
    ).with_columns(band(pl.col("raw_score"), instrument.bands_of(subscale)).alias("band"))


def _row_sums(name: str, matrix: npt.NDArray[Any]) -> pl.Series:
    return pl.Series(name, matrix.sum(axis=1, dtype=np.int32))
