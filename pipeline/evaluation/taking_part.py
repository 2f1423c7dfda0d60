"""How far each officer came, and what ended it: the one reading of the ledger for all of dropout.

What belongs here: last wave answered and what followed, officer by officer. What stays out: how a
status is decided (`pipeline/follow_up`) and what is estimated from it (`retention.py`, ...).
"""

from collections.abc import Iterable, Mapping
from typing import Final

import polars as pl

from pipeline.programme import Programme
from pipeline.vocabulary import Ending, WaveStatus

ANSWERED: Final = (WaveStatus.COMPLETED, WaveStatus.COMPLETED_OUT_OF_WINDOW, WaveStatus.PARTIAL)

ENDINGS: Final[Mapping[WaveStatus, Ending]] = {
    WaveStatus.MISSED: Ending.DROPPED_OUT,
    WaveStatus.WITHDRAWN: Ending.DROPPED_OUT,
    WaveStatus.LEFT_ORGANISATION: Ending.LEFT_ORGANISATION,
    WaveStatus.OPEN: Ending.CENSORED,
    WaveStatus.NOT_YET_DUE: Ending.CENSORED,
}
"""What the first wave held after the last one answered says. Without such a wave: censored."""

NOT_CLOSED: Final = (WaveStatus.NOT_SCHEDULED, WaveStatus.NOT_YET_DUE, WaveStatus.OPEN)

_CODES: Final = {status.value: code for code, status in enumerate(WaveStatus)}
_STEP: Final = len(_CODES)


def taking_part(
    participants: pl.DataFrame, participant_waves: pl.DataFrame, programme: Programme
) -> pl.DataFrame:
    """One row for each officer, in the order of `participants` (a `tables.PARTICIPANTS` frame).

    Columns: participant_id; time, the place (from 1, in the programme's order) of the last wave
    answered, 0 if none was; ending, an enum of `Ending`; later_closed, whether any wave after the
    programme's first has closed for the officer or was answered.

    Only the first wave held after the last one answered decides, so an officer who missed a wave
    and came back has not dropped out. Raises what `require_whole_ledger` raises.
    """
    require_whole_ledger(participants, participant_waves, programme)
    officers = participants.select("participant_id", officer=pl.int_range(pl.len(), dtype=pl.Int64))
    status = pl.col("status")
    ledger = participant_waves.join(officers, on="participant_id").select(
        "officer",
        place=_coded("wave", {name: i for i, name in enumerate(programme.wave_names, 1)}),
        code=_coded("status", _CODES),
        answered=status.is_in(_words(ANSWERED)),
        held=status != WaveStatus.NOT_SCHEDULED.value,
        closed=~status.is_in(_words(NOT_CLOSED)),
    )
    place = pl.col("place")
    came = ledger.group_by("officer").agg(
        time=(place * pl.col("answered")).max(),
        later_closed=(pl.col("closed") & (place > 1)).any(),
    )
    # Place and status in one number: the smallest is that of the first wave, with its status.
    following = (
        ledger.join(came, on="officer")
        .filter("held", place > pl.col("time"))
        .group_by("officer")
        .agg(first=(place * _STEP + pl.col("code")).min())
    )
    endings = {_CODES[status.value]: ending.value for status, ending in ENDINGS.items()}
    return (
        officers.join(came, on="officer", how="left", maintain_order="left")
        .join(following, on="officer", how="left", maintain_order="left")
        .select(
            "participant_id",
            "time",
            (pl.col("first") % _STEP)
            .replace_strict(endings, return_dtype=pl.String)
            .fill_null(Ending.CENSORED.value)
            .cast(pl.Enum(_words(Ending)))
            .alias("ending"),
            "later_closed",
        )
    )


def require_whole_ledger(
    participants: pl.DataFrame, participant_waves: pl.DataFrame, programme: Programme
) -> None:
    """Raises ValueError unless the ledger has one row for every officer and wave, and no other.

    Counts that add up only by chance would be worse than none.
    """
    known = participant_waves["wave"].is_in(list(programme.wave_names)).all()
    expected = participants.height * len(programme.wave_names)
    twice = participant_waves.select("participant_id", "wave").is_duplicated().any()
    of_officers = participant_waves.join(participants, on="participant_id", how="semi").height
    if not known or twice or not expected == of_officers == participant_waves.height:
        raise ValueError("participant_waves: not one row for every participant and wave")


def _coded(column: str, codes: Mapping[str, int]) -> pl.Expr:
    return pl.col(column).replace_strict(codes, return_dtype=pl.Int64)


def _words(terms: Iterable[str]) -> list[str]:
    return [str(term) for term in terms]
