"""How far each officer came, and what ended it: the one reading of the ledger for all of dropout.

What belongs here: last wave answered and what followed, officer by officer. What stays out: how a
status is decided (`pipeline/follow_up`) and what is estimated from it (`retention.py`, ...).
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl

from pipeline.follow_up.statuses import ANSWERED, STATUS
from pipeline.programme import Programme
from pipeline.vocabulary import Ending, WaveStatus

ENDINGS: Final[Mapping[WaveStatus, Ending]] = {
    WaveStatus.MISSED: Ending.DROPPED_OUT,
    WaveStatus.WITHDRAWN: Ending.DROPPED_OUT,
    WaveStatus.LEFT_ORGANISATION: Ending.LEFT_ORGANISATION,
    WaveStatus.OPEN: Ending.CENSORED,
    WaveStatus.NOT_YET_DUE: Ending.CENSORED,
}
"""What the first wave held after the last one answered says. Without such a wave: censored."""

DEPARTED: Final = (WaveStatus.WITHDRAWN, WaveStatus.LEFT_ORGANISATION)

NOT_CLOSED: Final = (WaveStatus.NOT_SCHEDULED, WaveStatus.NOT_YET_DUE, WaveStatus.OPEN)

_ENDING: Final = pl.Enum([ending.value for ending in Ending])


def taking_part(
    participants: pl.DataFrame,
    participant_waves: pl.DataFrame,
    programme: Programme,
    as_of: date,
) -> pl.DataFrame:
    """A `tables.PARTICIPANTS` frame with what `tables.PARTICIPANT_WAVES` says of each officer.

    Adds time, the place (from 1, in the programme's order) of the last wave answered, 0 if none
    was; ending, an enum of `Ending`; later_closed, whether any wave after the programme's first
    has closed for the officer or was answered; departing, whether the officer has departed and
    the ending is not decided.

    Only the first wave held after the last one answered decides, so an officer who missed a wave
    and came back has not dropped out. A departure decides once `missed_after` of that wave lies
    before `as_of`, and until then, or without that day, the ending is censored: it is known before
    the window closes, when nothing is known of those of the same cohort who stay away, and counted
    at once it would be an event among too few. Raises what `statuses` raises.
    """
    ledger = _ledger(participants, participant_waves, programme)
    # One row an officer, one column a place: what comes next is a matter of columns.
    codes = _by_wave(ledger["cell"], ledger["code"], programme)
    over = _by_wave(
        ledger["cell"], (ledger["missed_after"] < as_of).fill_null(value=False), programme
    )
    dated = _by_wave(ledger["cell"], ledger["missed_after"].is_not_null(), programme)
    # Whoever answers early is known to have come through, when nothing is known of those who wait:
    # until the wave is over its answers count as if they had not come.
    early = _is_one_of(ANSWERED)[codes] & dated & ~over
    codes = np.where(early, list(WaveStatus).index(WaveStatus.OPEN), codes)
    places = np.arange(1, codes.shape[1] + 1)
    time = (_is_one_of(ANSWERED)[codes] * places).max(axis=1)
    held = ~_is_one_of([WaveStatus.NOT_SCHEDULED])[codes]
    following = held & (places > time[:, None])
    endings = list(Ending)
    ending_of = np.array([endings.index(ENDINGS.get(s, Ending.CENSORED)) for s in WaveStatus])
    next_held = np.arange(len(codes)), following.argmax(axis=1)
    departed = _is_one_of(DEPARTED)[codes]
    decided = following.any(axis=1) & (~departed | over)[next_held]
    ending = np.where(decided, ending_of[codes[next_held]], endings.index(Ending.CENSORED))
    departing = (departed & following).any(axis=1) & (ending == endings.index(Ending.CENSORED))
    return participants.with_columns(
        pl.Series("time", time, pl.Int32),
        pl.Series("ending", endings, _ENDING).gather(ending),
        pl.Series("later_closed", ~_is_one_of(NOT_CLOSED)[codes[:, 1:]].all(axis=1)),
        pl.Series("departing", departing),
    )


def dropped_out_later() -> pl.Expr:
    """True for officers who dropped out after a wave they had answered, False for who stayed.

    Of a frame of `taking_part`. NULL, and so in neither group: who answered nothing, who left the
    organisation, those for whom no later wave has closed, who could not have dropped out yet, and
    those who have departed before it is decided (`departing`), who did not stay either.
    """
    ending = pl.col("ending")
    return (
        pl.when((ending == Ending.DROPPED_OUT.value) & (pl.col("time") > 0))
        .then(pl.lit(True))
        .when((ending == Ending.CENSORED.value) & pl.col("later_closed") & ~pl.col("departing"))
        .then(pl.lit(False))
    )


def statuses(
    participants: pl.DataFrame, participant_waves: pl.DataFrame, programme: Programme
) -> pl.DataFrame:
    """The ledger with one column a wave and one row an officer, in the order of `participants`.

    Columns are the programme's waves, cells an enum of `WaveStatus`. Raises ValueError unless the
    ledger has one row for every officer and wave, and no other: counts that add up only by chance
    would be worse than none.
    """
    ledger = _ledger(participants, participant_waves, programme)
    by_wave = _by_wave(ledger["cell"], ledger["code"], programme)
    words = pl.Series(STATUS.categories, dtype=STATUS)
    return pl.DataFrame(
        {wave: words.gather(by_wave[:, i]) for i, wave in enumerate(programme.wave_names)}
    )


def _ledger(
    participants: pl.DataFrame, participant_waves: pl.DataFrame, programme: Programme
) -> pl.DataFrame:
    """The columns cell (officer by officer, then wave by wave), code of status, missed_after."""
    waves = programme.wave_names
    expected = participants.height * len(waves)
    ledger = _with_officer(participant_waves, participants).select(
        cell=pl.col("officer") * len(waves)
        + pl.col("wave").cast(pl.Enum(waves), strict=False).to_physical(),
        code=pl.col("status").cast(STATUS).to_physical(),
        missed_after="missed_after",
    )
    filled = np.zeros(expected, dtype=bool)
    filled[ledger["cell"].drop_nulls().to_numpy()] = True
    # As many rows as cells and every cell filled: none can be filled twice.
    if not ledger.height == participant_waves.height == expected or not filled.all():
        raise ValueError("participant_waves: not one row for every participant and wave")
    return ledger


def _with_officer(participant_waves: pl.DataFrame, participants: pl.DataFrame) -> pl.DataFrame:
    """`participant_waves` with officer: the place among `participants`, from 0, of those in it."""
    place = pl.int_range(pl.len(), dtype=pl.Int64)
    named = participants["participant_id"]
    if named.dtype.is_integer() and named.equals(
        participants.select(place.alias(named.name)).to_series(), check_dtypes=False
    ):
        # Numbers of `cells.by_number` are the places themselves.
        return participant_waves.filter(pl.col("participant_id") < len(named)).with_columns(
            officer=pl.col("participant_id").cast(pl.Int64)
        )
    return participant_waves.join(
        participants.select("participant_id", officer=place), on="participant_id"
    )


def _by_wave(cells: pl.Series, values: pl.Series, programme: Programme) -> np.ndarray[Any, Any]:
    """Values of the ledger's cells with one row an officer and one column a wave."""
    found = values.to_numpy()
    placed = np.empty_like(found)
    placed[cells.to_numpy()] = found
    return placed.reshape(-1, len(programme.wave_names))


def _is_one_of(terms: Iterable[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Truth for each `WaveStatus` by its place in the enum."""
    wanted = set(terms)
    return np.array([status in wanted for status in WaveStatus])
