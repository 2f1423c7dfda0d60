"""Change since the first wave by how many sessions officers attended.

What belongs here: bands of sessions. What stays out: any claim that sessions changed scores: those
who stay longer differ from those who leave, and every row says so.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import polars as pl

from pipeline import tables
from pipeline.evaluation.begun import notes_of_arms_together
from pipeline.evaluation.cells import ALL, Moments, cell_interval, cells_of, joined_notes
from pipeline.evaluation.panel import (
    MOMENTS,
    Figures,
    Key,
    Panel,
    arms_there,
    cluster_sums,
    moments,
)
from pipeline.programme import Programme
from pipeline.vocabulary import SessionsBand

NOTE_DESCRIPTIVE: Final = (
    "descriptive: those who attend more sessions differ from those who attend fewer"
)
NOTE_UNKNOWN: Final = "without officers whose sessions are not known"

_KEY: Final = ("sessions_band", "wave", "instrument", "subscale")

_FIRST_OF_BAND: Final[Mapping[SessionsBand, int]] = {
    SessionsBand.NONE: 0,
    SessionsBand.ONE: 1,
    SessionsBand.TWO_TO_FOUR: 2,
    SessionsBand.FIVE_TO_SEVEN: 5,
    SessionsBand.EIGHT_OR_MORE: 8,
}


def dose_response(
    of_officers: Panel, participants: pl.DataFrame, programme: Programme
) -> pl.DataFrame:
    """The rows of `tables.DOSE_RESPONSE`, from the participants that the panel was made of.

    Officers with a score at the first wave and at the later one, by organisation with totals; a row
    for each band, wave, instrument and subscale that occurs. Officers whose sessions are not known
    are in no row, and the rows of their organisation and of the total say so; so they do of arms
    that had not begun by the wave where others had. The 95% interval is that of
    `cells.cell_interval`.
    """
    first, *later = programme.wave_names
    figures: dict[Key, Figures] = {
        (wave, *series): moments(of_officers.change(series, first, wave))
        for wave in later
        for series in of_officers.scores
    }
    if not figures:
        return tables.DOSE_RESPONSE.empty()
    officers = of_officers.officers.with_columns(
        participants.select(sessions_band=sessions_band(pl.col("sessions_attended")))
    )
    sums = cluster_sums(officers, figures, _KEY).drop_nulls("sessions_band")
    arms = _with_total(arms_there(officers, figures, ("organisation", "sessions_band")))
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
            for cell in cells_of(sums, _KEY, MOMENTS, "total", each_arm=False)
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


def _with_total(arms: Mapping[Key, set[str]]) -> Mapping[Key, set[str]]:
    """By organisation, and by `all` of them."""
    found: dict[Key, set[str]] = {}
    for (organisation, *rest), there in arms.items():
        for everywhere in (organisation, ALL):
            found.setdefault((everywhere, *rest), set()).update(there)
    return found


def _row(cell: Mapping[str, Any], notes: Iterable[str]) -> dict[str, Any]:
    change = Moments(cell["n"], cell["total"], cell["squares"])
    interval = cell_interval(cell, change)
    return {
        **{name: cell[name] for name in tables.DOSE_RESPONSE.key},
        "n": change.n,
        "mean_change": change.mean,
        **interval.columns,
        "note": joined_notes((NOTE_DESCRIPTIVE, *notes, *interval.notes)),
    }
