"""What an instrument is: items, answer range, reversed items, subscales, bands.

What belongs here: the model of an instrument file and its own consistency.
What stays out: applying it to answers (`pipeline/scoring`), and item wording (never shipped).
"""

from functools import cached_property
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from pipeline.vocabulary import BandLevel, Better


class _Fact(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Band(_Fact):
    """One band of a band system; limits are whole scores and included."""

    band: str
    level: BandLevel
    lowest: int
    highest: int


class Subscale(_Fact):
    subscale: str
    items: tuple[int, ...]
    better: Better
    alpha: float | None = None
    bands: tuple[Band, ...] = ()
    """Bands of its own, where the instrument's do not apply to it."""


class Instrument(_Fact):
    """A questionnaire with its scoring key. Item numbers start at 1."""

    instrument: str
    title: str
    items: int
    minimum: int
    maximum: int
    anchors: tuple[str, ...]
    reversed: tuple[int, ...]
    unanswered_allowed: int
    band_system: str
    bands: tuple[Band, ...]
    reliability_source: str | None = None
    subscales: tuple[Subscale, ...]
    licence: str
    source: str

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        numbers = set(range(1, self.items + 1))
        if len(self.anchors) != self.maximum - self.minimum + 1:
            raise ValueError("anchors: one label is expected for each possible answer")
        if not set(self.reversed) <= numbers:
            raise ValueError("reversed: names an item that the instrument does not have")
        names = [subscale.subscale for subscale in self.subscales]
        if len(set(names)) != len(names):
            raise ValueError("subscales: each name may occur once")
        for subscale in self.subscales:
            if not set(subscale.items) <= numbers or len(set(subscale.items)) != len(
                subscale.items
            ):
                raise ValueError(f"subscale {subscale.subscale}: items must be distinct and exist")
            bands = self.bands_of(subscale)
            lowest, highest = self.range_of(subscale)
            limits = [band.lowest for band in bands] + [highest + 1]
            gapless = all(
                band.highest + 1 == after for band, after in zip(bands, limits[1:], strict=True)
            )
            ordered = all(band.lowest <= band.highest for band in bands)
            if not bands or bands[0].lowest != lowest or not gapless or not ordered:
                raise ValueError(
                    f"subscale {subscale.subscale}: bands must cover {lowest} to {highest} "
                    "without gap or overlap"
                )
        return self

    def bands_of(self, subscale: Subscale) -> tuple[Band, ...]:
        return subscale.bands or self.bands

    def range_of(self, subscale: Subscale) -> tuple[int, int]:
        """Lowest and highest raw score of a subscale with every item answered."""
        return self.minimum * len(subscale.items), self.maximum * len(subscale.items)

    @cached_property
    def by_subscale(self) -> dict[str, Subscale]:
        return {subscale.subscale: subscale for subscale in self.subscales}
