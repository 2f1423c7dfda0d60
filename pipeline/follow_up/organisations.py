"""Which organisations take part: those that sent something, enrolled somebody or are home forces.

What stays out: what is known about each (`pipeline/reference`, the programme file).
"""

import polars as pl

from pipeline import tables
from pipeline.programme import Programme


def organisations_seen(
    programme: Programme, participants: pl.DataFrame, submissions: pl.DataFrame
) -> pl.DataFrame:
    """`core.organisations`: a row for each known organisation that the data mention."""
    mentioned = set(submissions["organisation"].unique())
    for column in ("organisation", "home_force"):
        mentioned |= set(participants[column].unique())
    known = programme.known_organisations
    rows = [
        {
            "organisation": organisation.organisation,
            "name": organisation.name,
            "kind": organisation.kind.value,
            "country": organisation.country,
            "police_force_area_code": organisation.police_force_area_code,
        }
        for name, organisation in known.items()
        if name in mentioned
    ]
    return tables.ORGANISATIONS.conform(
        pl.DataFrame(rows, schema=tables.ORGANISATIONS.frame_schema)
    )
