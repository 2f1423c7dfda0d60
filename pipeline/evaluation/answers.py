"""Answers to one instrument, with the organisation and wave they count for, and sums over them.

What belongs here: exact sums of items and of their products in every cell. What stays out: what is
made of them: reliability (`reliability.py`), comparability, signs of carelessness (`careless.py`).

Matrices have a row an item and a column a response, so that what is asked of every response runs
along the memory; responses of one organisation and wave stand together.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.evaluation.cells import ALL, as_part
from pipeline.programme import Programme
from pipeline.reference import Instrument, Subscale
from pipeline.scoring.scores import Answers, Truths, answer_matrix

UNANSWERED: Final = 255
"""Stands in a matrix for an unanswered item; no instrument has so many answers to choose from."""

Whole = npt.NDArray[np.int64]
Place = tuple[str, str]
"""An organisation, or `all`, and a wave."""
Series = tuple[str, str]
"""An instrument and its subscale."""


@dataclass(frozen=True, slots=True)
class InstrumentAnswers:
    """Responses to one instrument, ordered by organisation, then by the programme's waves.

    `about` has a row a response with the columns asked for, organisation and wave as enums;
    `places` and `ends` say whose they are and where the responses of each end. `given` (items,
    responses) are answers as given, or `UNANSWERED`.
    """

    instrument: Instrument
    about: pl.DataFrame
    places: tuple[Place, ...]
    ends: tuple[int, ...]
    given: Answers

    def complete(self, items: Sequence[int]) -> Truths:
        """Whether every one of these items (numbers from 1) is answered, for each response."""
        complete: Truths = np.ones(self.given.shape[1], dtype=bool)
        for item in items:
            complete &= self.given[item - 1] != UNANSWERED
        return complete

    def keyed(self, item: int) -> Answers:
        """Answers to an item after reversal; of no meaning where it is unanswered."""
        given: Answers = self.given[item - 1]
        if item not in self.instrument.reversed:
            return given
        return np.uint8(self.instrument.minimum + self.instrument.maximum) - given


@dataclass(frozen=True, slots=True)
class ItemSums:
    """Sums over the responses of c places with every one of the p items of a subscale answered.

    `n` (c,), `totals` (c, p) of the items after reversal, `products` (c, p, p); whole and exact.
    `items` are their numbers in the instrument.
    """

    items: tuple[int, ...]
    places: tuple[Place, ...]
    n: Whole
    totals: Whole
    products: Whole

    @property
    def covariances(self) -> npt.NDArray[np.float64]:
        return covariances_of(self.n, self.totals, self.products)

    def with_totals(self) -> Self:
        """The same with the places of `all` organisations, a wave each, at the end."""
        waves = tuple(dict.fromkeys(wave for _, wave in self.places))
        of_wave = [[place[1] == wave for place in self.places] for wave in waves]
        sums = (
            np.concatenate([each, [each[chosen].sum(axis=0) for chosen in of_wave]])
            if waves
            else each
            for each in (self.n, self.totals, self.products)
        )
        return type(self)(self.items, (*self.places, *((ALL, wave) for wave in waves)), *sums)


def covariances_of(n: Whole, totals: Whole, products: Whole) -> npt.NDArray[np.float64]:
    """Covariances (c, p, p), n - 1, from sums as `ItemSums` has them; 0 for fewer than two.

    Numerators are whole numbers, so nothing cancels.
    """
    counts = n[:, None, None]
    scatter = counts * products - totals[:, :, None] * totals[:, None, :]
    covariances: npt.NDArray[np.float64] = scatter / np.maximum(counts * (counts - 1), 1)
    return covariances


def answers_by_instrument(
    responses: pl.DataFrame, enrolled_where: pl.DataFrame, programme: Programme
) -> Iterator[InstrumentAnswers]:
    """The answers to each of the programme's instruments that anybody answered.

    `responses` are rows of `tables.RESPONSES` with participant_id, wave, instrument, items and
    whatever else is wanted in `about`; `enrolled_where` has participant_id and organisation, which
    is where the answers count, whoever sent them. Raises ValueError for a response of nobody
    enrolled, of a wave that the programme does not have, or that does not fit its instrument.
    """
    if not responses["wave"].is_in(programme.wave_names).all():
        raise ValueError("responses: a wave that the programme does not have")
    places = enrolled_where.select("participant_id", as_part(enrolled_where, "organisation"))
    waves = pl.Enum(programme.wave_names)
    for name in programme.instruments:
        of_instrument = responses.filter(pl.col("instrument") == name)
        rows = (
            of_instrument.drop("items", "organisation", strict=False)
            .join(places, on="participant_id", how="left", maintain_order="left")
            .with_columns(pl.col("wave").cast(waves))
            .drop("participant_id", "instrument")
        )
        if rows["organisation"].has_nulls():
            raise ValueError("responses: of somebody who is not among the participants")
        if not rows.is_empty():
            yield _in_order(rows, of_instrument["items"], programme.instrument(name))


def _in_order(rows: pl.DataFrame, items: pl.Series, instrument: Instrument) -> InstrumentAnswers:
    answers, answered = answer_matrix(items, instrument)
    answers[~answered] = UNANSWERED
    organisations, waves = (
        cast(pl.Enum, rows.schema[name]).categories.to_list() for name in ("organisation", "wave")
    )
    # In one number, as small as it can be, since sorting takes ten times as long otherwise.
    place = pl.col("organisation").to_physical().cast(pl.UInt32) * len(waves)
    number = rows.select(place + pl.col("wave").to_physical()).to_series().to_numpy()
    number = number.astype(np.min_scalar_type(len(organisations) * len(waves)))
    order = np.argsort(number, kind="stable")
    sizes = np.bincount(number)
    found = np.flatnonzero(sizes)
    return InstrumentAnswers(
        instrument,
        rows[order],
        tuple((organisations[i // len(waves)], waves[i % len(waves)]) for i in found),
        tuple(np.cumsum(sizes[found]).tolist()),
        np.ascontiguousarray(np.take(answers, order, axis=0).T),
    )


def sums_by_subscale(every: Iterable[InstrumentAnswers]) -> dict[Series, ItemSums]:
    """Sums of every instrument and subscale, with totals over organisations."""
    return {
        (answers.instrument.instrument, subscale.subscale): item_sums(
            answers, subscale
        ).with_totals()
        for answers in every
        for subscale in answers.instrument.subscales
    }


def item_sums(answers: InstrumentAnswers, subscale: Subscale) -> ItemSums:
    """Sums for every organisation and wave with a response, complete or not, in their order."""
    complete = answers.complete(subscale.items)
    # An incomplete response adds nothing.
    keyed = np.stack([answers.keyed(item) for item in subscale.items]) * complete
    blocks = [slice(start, end) for start, end in pairwise((0, *answers.ends))]
    return ItemSums(
        subscale.items,
        answers.places,
        np.array([np.count_nonzero(complete[block]) for block in blocks], dtype=np.int64),
        np.array([keyed[:, block].sum(axis=1, dtype=np.int64) for block in blocks]),
        np.array([_products(keyed[:, block]) for block in blocks]),
    )


def _products(block: Answers) -> Whole:
    # Floats of 64 bits hold every sum exactly, in whatever order it is taken, and multiply in a
    # tenth of the time of whole numbers.
    exact = block.astype(np.float64)
    return (exact @ exact.T).astype(np.int64)
