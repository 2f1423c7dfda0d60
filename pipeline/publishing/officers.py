"""Officers as arrays: who was enrolled where, scored when, and what became of them.

What belongs here: reading the core frames once, one place an officer. What stays out: which groups
are printed (`populations.py`), and every figure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.evaluation.cells import UNITS_PER_POINT, came_twice, scored
from pipeline.evaluation.dose_response import sessions_band
from pipeline.evaluation.paired_change import (
    RELIABLE,
    baseline_sds,
    standard_error_of_difference,
)
from pipeline.evaluation.taking_part import dropped_out_later, statuses, taking_part
from pipeline.programme import Programme
from pipeline.vocabulary import Better, Ending

Mask = npt.NDArray[np.bool_]
Units = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int64]

NOBODY: Final = -1
"""Code of an officer in none of the groups of a column."""


@dataclass(frozen=True)
class Officers:
    """The officers of a release in the order of `participants`; see `core` for the three frames."""

    participants: pl.DataFrame
    participant_waves: pl.DataFrame
    scores: pl.DataFrame
    programme: Programme
    as_of: date

    @property
    def n(self) -> int:
        return self.participants.height

    @cached_property
    def everybody(self) -> Mask:
        return np.ones(self.n, dtype=bool)

    @cached_property
    def came_twice(self) -> Mask:
        return self.participants.select(came_twice()).to_series().to_numpy()

    @cached_property
    def statuses(self) -> pl.DataFrame:
        """One column a wave; raises what `taking_part.statuses` raises."""
        return statuses(self.participants, self.participant_waves, self.programme)

    @cached_property
    def followed(self) -> pl.DataFrame:
        return taking_part(self.participants, self.participant_waves, self.programme, self.as_of)

    @cached_property
    def time(self) -> Codes:
        """Place of the last wave answered, from 1; 0 for none."""
        return self.followed["time"].to_numpy().astype(np.int64)

    @cached_property
    def decided(self) -> Mask:
        """Whether what came after the last wave answered is known: they left or dropped out."""
        return (self.followed["ending"] != Ending.CENSORED.value).to_numpy()

    @cached_property
    def left_or_stayed(self) -> tuple[Mask, Mask]:
        left = self.followed.select(dropped_out_later()).to_series()
        decided = left.is_not_null().to_numpy()
        dropped = left.fill_null(value=False).to_numpy()
        return dropped, decided & ~dropped

    @cached_property
    def sessions_bands(self) -> Codes:
        """Place of the band of sessions in `SessionsBand`, NOBODY where sessions are not known."""
        bands = self.participants.select(sessions_band(pl.col("sessions_attended"))).to_series()
        return bands.to_physical().cast(pl.Int64).fill_null(NOBODY).to_numpy()

    def named(self, column: str, unknown: str | None = None) -> tuple[list[str], Codes]:
        """Names in a column, in alphabetical order, and each officer's place there.

        `unknown` stands for NULL; without it there may be none.
        """
        cells = self.participants[column]
        if unknown is not None:
            cells = cells.fill_null(unknown)
        names = cells.unique().sort().to_list()
        codes = cells.cast(pl.Enum(names)).to_physical().cast(pl.Int64)
        return names, codes.to_numpy()

    # ---------------------------------------------------------------- scores

    @cached_property
    def _scored(self) -> dict[tuple[str, str, str], tuple[Codes, pl.DataFrame]]:
        places = self.participants.select(
            "participant_id", officer=pl.int_range(pl.len(), dtype=pl.Int64)
        )
        found = scored(self.scores, self.programme).join(places, on="participant_id", how="left")
        if found["officer"].has_nulls():
            raise ValueError("scores: of somebody who is not among the participants")
        return {
            (str(wave), str(instrument), str(subscale)): (rows["officer"].to_numpy(), rows)
            for (wave, instrument, subscale), rows in found.group_by(
                "wave", "instrument", "subscale"
            )
        }

    def score(self, wave: str, instrument: str, subscale: str) -> Units:
        """Scores in units of 1/2520 point; 0 for officers without one (see `scored`)."""
        scores = np.zeros(self.n, dtype=np.int64)
        if (wave, instrument, subscale) in self._scored:
            officers, rows = self._scored[wave, instrument, subscale]
            scores[officers] = rows["score"].to_numpy()
        return scores

    def scored(self, wave: str, instrument: str) -> Mask:
        """Officers with a score on every subscale of the instrument at the wave."""
        key = (wave, instrument)
        if key not in self._masks:
            mask = self.everybody.copy()
            for subscale in self.programme.instrument(instrument).by_subscale:
                has = np.zeros(self.n, dtype=bool)
                if (wave, instrument, subscale) in self._scored:
                    has[self._scored[wave, instrument, subscale][0]] = True
                mask &= has
            self._masks[key] = mask
        return self._masks[key]

    def any_score(self, wave: str, instrument: str) -> Mask:
        """Officers with a score on any subscale of the instrument at the wave."""
        mask = np.zeros(self.n, dtype=bool)
        for subscale in self.programme.instrument(instrument).by_subscale:
            if (wave, instrument, subscale) in self._scored:
                mask[self._scored[wave, instrument, subscale][0]] = True
        return mask

    @cached_property
    def _masks(self) -> dict[tuple[str, str], Mask]:
        return {}

    def levels(self, wave: str, instrument: str, subscale: str) -> list[tuple[str, Mask]]:
        """Levels of bands, lowest first, and the officers whose score lies there."""
        known = self.programme.instrument(instrument)
        bands = known.bands_of(known.by_subscale[subscale])
        level_of = {band.band: str(band.level) for band in bands}
        masks = {level: np.zeros(self.n, dtype=bool) for level in dict.fromkeys(level_of.values())}
        if (wave, instrument, subscale) in self._scored:
            officers, rows = self._scored[wave, instrument, subscale]
            if not rows["band"].is_in(list(level_of)).all():
                raise ValueError("scores: a band that the instrument does not have")
            levels = rows["band"].replace_strict(level_of).to_numpy()
            for level, mask in masks.items():
                mask[officers[levels == level]] = True
        return list(masks.items())

    @cached_property
    def _reliable(self) -> Mapping[tuple[str, str], tuple[float, Better]]:
        """The smallest reliable change in points, and the better direction, by subscale."""
        sds = baseline_sds(self.scores, self.programme)
        found: dict[tuple[str, str], Any] = {}
        for name in self.programme.instruments:
            for subscale in self.programme.instrument(name).subscales:
                sd = sds[name][subscale.subscale]
                if sd and subscale.alpha is not None:
                    s_diff = standard_error_of_difference(sd, subscale.alpha)
                    found[name, subscale.subscale] = (RELIABLE * s_diff, subscale.better)
        return found

    def outcomes(
        self, from_wave: str, to_wave: str, instrument: str, subscale: str
    ) -> list[tuple[str, Mask]]:
        """Worse, unchanged and better by reliable change, of those scored at both waves."""
        if (instrument, subscale) not in self._reliable:
            return []
        least, better = self._reliable[instrument, subscale]
        change = self.score(to_wave, instrument, subscale) - self.score(
            from_wave, instrument, subscale
        )
        gain = change / UNITS_PER_POINT * (1 if better is Better.HIGHER else -1)
        return [
            ("worse", gain < -least),
            ("unchanged", np.abs(gain) <= least),
            ("better", gain > least),
        ]
