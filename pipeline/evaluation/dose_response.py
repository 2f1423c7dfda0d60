"""Change since the first wave by how many sessions officers attended.

What belongs here: bands of sessions. What stays out: any claim that sessions changed scores: those
who stay longer differ from those who leave, and every row says so.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import polars as pl

from pipeline import tables
from pipeline.evaluation.begun import notes_of_arms_together
from pipeline.evaluation.cells import ALL, Moments, cell_interval, cells, joined_notes, measurements
from pipeline.programme import Programme
from pipeline.vocabulary import SessionsBand

NOTE_DESCRIPTIVE: Final = (
    "descriptive: those who attend more sessions differ from those who attend fewer"
)
NOTE_UNKNOWN: Final = "without officers whose sessions are not known"

_FIRST_OF_BAND: Final[Mapping[SessionsBand, int]] = {
    SessionsBand.NONE: 0,
    SessionsBand.ONE: 1,
    SessionsBand.TWO_TO_FOUR: 2,
    SessionsBand.FIVE_TO_SEVEN: 5,
    SessionsBand.EIGHT_OR_MORE: 8,
}


def dose_response(
    scores: pl.DataFrame, participants: pl.DataFrame, programme: Programme
) -> pl.DataFrame:
    """The rows of `tables.DOSE_RESPONSE` from `tables.SCORES` and `tables.PARTICIPANTS` frames.

    Officers with a score at the first wave and at the later one, by organisation with totals; a row
    for each band, wave, instrument and subscale that occurs. Officers whose sessions are not known
    are in no row, and the rows of their organisation and of the total say so; so they do of arms
    that had not begun by the wave where others had. The 95% interval is
    that of `cells.cell_interval`. Raises ValueError for a score of nobody enrolled, and for a wave,
    instrument or subscale that the programme does not have.
    """
    bands = participants.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("officer"),
        sessions_band=sessions_band(pl.col("sessions_attended")),
    ).drop_nulls()
    measured = measurements(scores, participants, programme).join(bands, on="officer")
    is_first = pl.col("wave") == programme.wave_names[0]
    first = measured.filter(is_first).select("series", first="score")
    changes = (
        measured.filter(~is_first)
        .join(first, on="series")
        .with_columns(change=pl.col("score") - pl.col("first"))
        .with_columns(squares=pl.col("change") ** 2)
    )
    found = cells(
        changes,
        by=("sessions_band", "wave", "instrument", "subscale"),
        figures=("change", "squares"),
        mean_of="change",
        each_arm=False,
    )
    arms = _arms(changes)
    unknown = set(participants.filter(pl.col("sessions_attended").is_null())["organisation"])
    if unknown:
        unknown.add(ALL)
    return pl.DataFrame(
        [
            _row(
                cell,
                [
                    *([NOTE_UNKNOWN] if cell["organisation"] in unknown else []),
                    *notes_of_arms_together(arms[_key(cell)], cell["wave"], programme),
                ],
            )
            for cell in found
        ],
        schema=tables.DOSE_RESPONSE.frame_schema,
    )


def sessions_band(sessions: pl.Expr) -> pl.Expr:
    """The band of a number of sessions as an enum in order; NULL where the number is."""
    named = pl.Enum([band.value for band in SessionsBand])
    band = pl.lit(None, named)
    for term, fewest in _FIRST_OF_BAND.items():
        band = pl.when(sessions >= fewest).then(pl.lit(term.value, named)).otherwise(band)
    return band


def _key(cell: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(cell[name] for name in tables.DOSE_RESPONSE.key)


def _arms(changes: pl.DataFrame) -> Mapping[tuple[str, ...], set[str]]:
    """The arms of the officers of each row of the table."""
    found: dict[tuple[str, ...], set[str]] = {}
    places = changes.select(*tables.DOSE_RESPONSE.key, "arm").unique()
    for organisation, *rest, arm in places.iter_rows():
        for everywhere in (organisation, ALL):
            found.setdefault((everywhere, *rest), set()).add(arm)
    return found


def _row(cell: Mapping[str, Any], notes: Iterable[str]) -> dict[str, Any]:
    change = Moments(cell["n"], cell["change"], cell["squares"])
    interval = cell_interval(cell, change)
    return {
        **{name: cell[name] for name in tables.DOSE_RESPONSE.key},
        "n": change.n,
        "mean_change": change.mean,
        **interval.columns,
        "note": joined_notes((NOTE_DESCRIPTIVE, *notes, *interval.notes)),
    }
