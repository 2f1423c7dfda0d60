"""The frames that the ledger is made from: columns and types of each, and one row of several.

What belongs here: the shape of pseudonymised, accepted rows of every kind as they come in, and of
people while the ledger is being made. What stays out: published tables (`pipeline/tables/`).
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from pipeline import tables
from pipeline.reading import registers
from pipeline.vocabulary import Kind

_ORIGIN = {
    "submission_id": pl.String(),
    "organisation": pl.String(),
    "row_number": pl.Int32(),
    "participant_id": pl.String(),
}

ROSTER_SCHEMA: Final = pl.Schema(
    {
        **_ORIGIN,
        "known_as": pl.String(),
        "home_force": pl.String(),
        **registers.TYPES[Kind.ROSTER],
    }
)
"""One row for each officer that a roster names; an officer may be on several rosters. `known_as` is
the pseudonym they are listed under: another than their own after a transfer."""

ATTENDANCE_SCHEMA: Final = pl.Schema({**_ORIGIN, **registers.TYPES[Kind.ATTENDANCE]})
"""One row for each officer and session that a register names."""

DEPARTURES_SCHEMA: Final = pl.Schema(
    {**_ORIGIN, **registers.TYPES[Kind.DEPARTURES], "taken_up": pl.Boolean()}
)
"""One row for each officer whom a list of departures names. `taken_up` is true of a transfer to
another force where the officer goes on taking part; null is no such transfer."""

RESPONSES_SCHEMA: Final = pl.Schema(
    {
        **tables.RESPONSES.frame_schema,
        "home_force": pl.String(),
        "arm": pl.String(),
        "gender": pl.String(),
    }
)
"""One row for each officer, wave and instrument answered."""

PEOPLE_SCHEMA: Final = pl.Schema(
    {
        "participant_id": pl.String(),
        "organisation": pl.String(),
        "home_force": pl.String(),
        "unit": pl.String(),
        "session_group": pl.String(),
        "facilitator": pl.String(),
        "cohort": pl.String(),
        "cohort_organisation": pl.String(),
        "arm": pl.String(),
        "rank_group": pl.String(),
        "service_band": pl.String(),
        "gender": pl.String(),
        "ethnicity_group": pl.String(),
        "enrolled_on": pl.Date(),
        "enrolment_source": pl.String(),
    }
)
"""One row for each enrolled officer. `cohort_organisation` is whose cohort `cohort` is: not always
the organisation that enrolled them, since a unit may run the programme for officers of a force."""


def last_of_each(
    rows: pl.DataFrame, key: Sequence[str], order: Sequence[str | pl.Expr]
) -> pl.DataFrame:
    """One row for each `key`: the last by `order`, nulls before everything else.

    Rows are returned in no particular order. `order` must settle every tie.
    """
    # Hardly a row has a second one; sorting only those that do takes a tenth of the time. Of two
    # rows with one hash by chance nothing is lost: they are sorted for nothing.
    repeated = rows.select(pl.struct(key).hash().is_duplicated()).to_series()
    settled = rows.filter(repeated).sort(*order, nulls_last=False).unique(key, keep="last")
    return pl.concat([rows.filter(~repeated), settled])
