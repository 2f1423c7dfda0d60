"""Who counts when it is asked whether dropout explains a change: one instrument's scores, wide.

What belongs here: the officers behind the robustness panel, which of their waves are decided, and
the clusters of any group of them. What stays out: every method that is applied to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.evaluation.cells import (
    FEWEST_ORGANISATIONS,
    FEWEST_SESSION_GROUPS,
    NOTE_FEW_ORGANISATIONS,
    NOTE_IGNORES_GROUPS,
    NOTE_ONE_ORGANISATION,
    NOTE_WITHOUT_GROUP,
    UNITS_PER_POINT,
    scored,
)
from pipeline.evaluation.taking_part import DEPARTED
from pipeline.follow_up.statuses import ANSWERED
from pipeline.programme import Programme
from pipeline.vocabulary import WaveStatus

Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]
Truths = NDArray[np.bool_]

_PLACES: Final = ("organisation", "arm", "session_group", "rank_group")
_ALONE: Final = -1
"""Code of the session group of an officer who has none."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """The cluster of each of some officers; their number is None where none could be made."""

    codes: Codes
    """From 0, one an officer; without clusters each officer has a code alone."""
    number: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Followed:
    """Officers who answered an instrument at a first wave, and their later waves.

    `units` (n, w, s): scores by officer, wave and subscale in 1/2520 of a point, NaN where there is
    none. `came` (n, w): whether the officer answered the wave at all, this instrument or another.
    `decided` (n, w): whether it is known that the officer answered the wave or did not.
    Officers stand in an order that follows from what is known of them and not from their names, so
    that figures are the same whatever the order of rows.
    """

    instrument: str
    waves: tuple[str, ...]
    subscales: tuple[str, ...]
    units: Numbers
    came: Truths
    decided: Truths
    organisation: Codes
    arm: Codes
    session_group: Codes
    rank_group: Codes

    @property
    def n(self) -> int:
        return len(self.units)

    @property
    def points(self) -> Numbers:
        return self.units / UNITS_PER_POINT

    @property
    def answered(self) -> Truths:
        """(n, w): whether the wave has a score of any of the instrument's subscales."""
        return np.asarray(~np.isnan(self.units).all(axis=2))

    def only(self, officers: Truths) -> Self:
        """The same of some of the officers."""
        return type(self)(
            self.instrument,
            self.waves,
            self.subscales,
            self.units[officers],
            self.came[officers],
            self.decided[officers],
            self.organisation[officers],
            self.arm[officers],
            self.session_group[officers],
            self.rank_group[officers],
        )

    def clusters(self, officers: Truths) -> Clusters:
        """The clusters of those officers, by the rule of `cells.cell_interval`.

        Organisations where there are several; within one the session groups where there are five,
        an officer without a group being a cluster alone; else none.
        """
        organisation, group = self.organisation[officers], self.session_group[officers]
        n_organisations = len(np.unique(organisation))
        if n_organisations > 1:
            few = n_organisations < FEWEST_ORGANISATIONS
            return _numbered(organisation, (NOTE_FEW_ORGANISATIONS,) if few else ())
        alone = group == _ALONE
        if len(np.unique(group[~alone])) < FEWEST_SESSION_GROUPS:
            notes = (NOTE_ONE_ORGANISATION, NOTE_IGNORES_GROUPS)
            return Clusters(np.arange(len(group)), None, notes)
        apart = np.where(alone, group.max() + 1 + np.arange(len(group)), group)
        without = (NOTE_WITHOUT_GROUP,) if alone.any() else ()
        return _numbered(apart, (NOTE_ONE_ORGANISATION, *without))


def _numbered(codes: Codes, notes: tuple[str, ...]) -> Clusters:
    found, numbered = np.unique(codes, return_inverse=True)
    return Clusters(numbered.astype(np.int64), len(found), notes)


def followed(
    scores: pl.DataFrame,
    participants: pl.DataFrame,
    participant_waves: pl.DataFrame,
    programme: Programme,
    *,
    instrument: str,
    as_of: date,
    since: str | None = None,
) -> Followed:
    """The officers with a score of the instrument at the first wave, from the core frames.

    The first wave is the programme's, or the one named by `since`; those before it are left out.

    They are the base of every method: without a first score there is no change to speak of, and
    nothing is observed of the officer from which a weight or an imputed score could come. Those who
    enrolled and never answered are counted in `participant_flow`.

    A wave is decided once nothing is waited for any more: answered or missed, and for a departure
    once the last day on which an answer would have counted lies before `as_of` (see
    `taking_part`). Before that day an answer says nothing of those who still may answer, so such a
    wave is not decided even where it was answered. A wave that is not yet due, open or not held by
    the organisation is not decided.

    Raises ValueError for a score of nobody enrolled, and for a wave, instrument or subscale that
    the programme does not have.
    """
    waves = programme.wave_names
    waves = waves[waves.index(since) if since else 0 :]
    subscales = tuple(programme.instrument(instrument).by_subscale)
    measured = scored(scores.filter(pl.col("instrument") == instrument), programme)
    wide = _wide(measured, waves, subscales)
    if wide.join(participants, on="participant_id", how="anti").height:
        raise ValueError("scores: of somebody who is not among the participants")
    first = _score_columns(waves[:1], subscales)
    known = (
        wide.filter(pl.any_horizontal(pl.col(first).is_not_null()))
        .join(
            participants.select("participant_id", *_PLACES),
            on="participant_id",
        )
        .join(_told(participant_waves, waves, as_of), on="participant_id", how="left")
        .drop("participant_id")
        .with_columns(
            pl.col([*_columns("came", waves), *_columns("decided", waves)]).fill_null(False)
        )
        .sort(pl.all(), nulls_last=True)
    )
    units = known.select(_score_columns(waves, subscales)).cast(pl.Float64).to_numpy()
    codes = {
        name: known[name].rank("dense").cast(pl.Int64).fill_null(_ALONE).to_numpy()
        for name in _PLACES
    }
    cube = np.ascontiguousarray(units).reshape(known.height, len(waves), len(subscales))
    came, decided = (
        known.select(_columns(what, waves)).to_numpy().astype(np.bool_)
        for what in ("came", "decided")
    )
    # Scores that the ledger knows nothing of are answers all the same.
    came = came | ~np.isnan(cube).all(axis=2)
    return Followed(instrument, waves, subscales, cube, came, decided, **codes)


def _score_columns(waves: Sequence[str], subscales: Sequence[str]) -> list[str]:
    return [f"score {wave} {subscale}" for wave in waves for subscale in subscales]


def _columns(what: str, waves: Sequence[str]) -> list[str]:
    return [f"{what} {wave}" for wave in waves]


def _wide(measured: pl.DataFrame, waves: Sequence[str], subscales: Sequence[str]) -> pl.DataFrame:
    """One row an officer, one column a wave and subscale."""
    return measured.group_by("participant_id").agg(
        pl.col("score")
        .filter((pl.col("wave") == wave) & (pl.col("subscale") == subscale))
        .first()
        .alias(f"score {wave} {subscale}")
        for wave in waves
        for subscale in subscales
    )


def _told(participant_waves: pl.DataFrame, waves: Sequence[str], as_of: date) -> pl.DataFrame:
    """One row an officer, with two truths for each wave: whether they came, and is it decided."""
    over = (pl.col("missed_after") < as_of).fill_null(value=False)
    undated = pl.col("missed_after").is_null()
    status = pl.col("status")
    is_decided = (
        pl.when(status.is_in([s.value for s in DEPARTED]))
        .then(over)
        .when(status.is_in(ANSWERED))
        .then(over | undated)
        .otherwise(status == WaveStatus.MISSED.value)
    )
    told = {"came": status.is_in(ANSWERED), "decided": is_decided}
    return participant_waves.group_by("participant_id").agg(
        truth.filter(pl.col("wave") == wave).first().alias(f"{what} {wave}")
        for what, truth in told.items()
        for wave in waves
    )
