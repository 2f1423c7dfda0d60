"""Rows of rosters, attendance registers and departure lists -> canonical rows of those kinds.

What belongs here: which fields each kind has and how their cells are parsed.
What stays out: what the rows mean together (`pipeline/follow_up`).
"""

import polars as pl

from pipeline.programme import Programme
from pipeline.reading import attendance, cells, characteristics
from pipeline.reading.fields import Field, ours, select_fields
from pipeline.reading.mapping import Mapping
from pipeline.vocabulary import DepartureKind, Kind

TYPES: dict[Kind, dict[str, pl.DataType]] = {
    Kind.ROSTER: {
        "unit": pl.String(),
        "session_group": pl.String(),
        "facilitator": pl.String(),
        "cohort": pl.String(),
        "arm": pl.String(),
        "rank_group": pl.String(),
        "service_band": pl.String(),
        "gender": pl.String(),
        "ethnicity_group": pl.String(),
        "enrolled_on": pl.Date(),
    },
    Kind.ATTENDANCE: {
        "session_group": pl.String(),
        "session_number": pl.Int32(),
        "held_on": pl.Date(),
        "cancelled": pl.Boolean(),
        "attended": pl.Boolean(),
        "minutes": pl.Int32(),
        "absence_reason": pl.String(),
    },
    Kind.DEPARTURES: {
        "departed_on": pl.Date(),
        "departure_kind": pl.String(),
        "new_participant_id": pl.String(),
    },
}
"""The fields of each kind as they are kept. Of a transfer, rows hold `new_force` and `new_number`
until they are pseudonymised; only then is there a `new_participant_id`."""

_WITH_IDENTITIES: dict[Kind, dict[str, pl.DataType]] = {
    Kind.DEPARTURES: {
        "departed_on": pl.Date(),
        "departure_kind": pl.String(),
        "new_force": pl.String(),
        "new_number": pl.String(),
    }
}
"""The fields as they are read, where they are not kept so."""


def rows_of(rows: pl.DataFrame, mapping: Mapping, programme: Programme) -> pl.DataFrame:
    """Canonical rows of a register: one for each row of the file, or each session in a wide one."""
    if mapping.sessions is not None:
        sessions = attendance.sessions_in(mapping, programme, rows.columns)
        rows, mapping = attendance.unfolded(rows, mapping, sessions)
    if "joined_on" in mapping.columns:
        rows = _with_service(rows, mapping)
    fields = {
        Kind.ROSTER: _roster_fields,
        Kind.ATTENDANCE: attendance.fields,
        Kind.DEPARTURES: _departure_fields,
    }[mapping.kind](mapping, programme)
    frame = select_fields(rows, fields, _WITH_IDENTITIES.get(mapping.kind, TYPES[mapping.kind]))
    if mapping.kind == Kind.ATTENDANCE:
        # Nobody attends a session that was not held, whatever the register says.
        return frame.with_columns(pl.col("cancelled").fill_null(False)).with_columns(
            pl.when(~pl.col("cancelled")).then(pl.col("attended")).alias("attended")
        )
    return frame


_SERVICE = ours("years of service")


def _with_service(rows: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Years of service, worked out from the day of joining to the day of enrolment.

    That day does not change with the day on which the file is read. Where the file does not say
    either, the cell says that nothing is known, and is reported.
    """
    joined, enrolled = (mapping.columns[name] for name in ("joined_on", "enrolled_on"))
    days = rows.select(
        cells.as_day(joined, mapping.date_format).alias("joined"),
        cells.as_day(enrolled, mapping.date_format).alias("enrolled"),
    )
    years = days.select(characteristics.years_between("joined", "enrolled")).to_series()
    return rows.with_columns(
        pl.when(pl.col(joined).is_not_null()).then(years.fill_null("unknown")).alias(_SERVICE)
    )


def _roster_fields(mapping: Mapping, programme: Programme) -> list[Field]:
    fields = []
    for said_as, column in mapping.columns.items():
        match said_as:
            case "arm":
                # A roster with a column for the arm says everybody's.
                parsed = cells.arm(column, mapping, programme)
                fields.append(Field("arm", said_as, column, parsed, True))
            case "rank":
                parsed = characteristics.rank(column, mapping)
                fields.append(Field("rank_group", said_as, column, parsed))
            case "ethnicity":
                parsed = characteristics.ethnicity(column, mapping)
                fields.append(Field("ethnicity_group", said_as, column, parsed))
            case "service_years":
                parsed = characteristics.service_band(column, mapping)
                fields.append(Field("service_band", said_as, column, parsed))
            case "joined_on":
                # Rules call it what it stands for.
                parsed = characteristics.service_band(_SERVICE, mapping)
                fields.append(Field("service_band", "service_years", _SERVICE, parsed))
            case "gender":
                parsed = characteristics.gender(column, mapping)
                fields.append(Field("gender", said_as, column, parsed))
            case "enrolled_on":
                parsed = cells.as_day(column, mapping.date_format)
                fields.append(Field("enrolled_on", said_as, column, parsed, True))
            case _:
                fields.append(Field(said_as, said_as, column, cells.as_it_stands(column)))
    return fields


def _departure_fields(mapping: Mapping, programme: Programme) -> list[Field]:
    fields = []
    for name, column in mapping.columns.items():
        match name:
            case "departed_on":
                fields.append(Field(name, name, column, cells.as_day(column, mapping.date_format)))
            case "departure_kind":
                kinds = {kind.value: kind.value for kind in DepartureKind}
                words = cells.spellings(name, mapping, kinds)
                fields.append(Field(name, name, column, cells.translated(column, words)))
            case "new_force":
                given = {cells.tidy(s): force for s, force in mapping.values.get(name, {}).items()}
                words = cells.forces(programme) | given
                fields.append(Field(name, name, column, cells.translated(column, words)))
            case _:
                # What lost its digits would make one officer of many.
                lost = pl.col(column).str.contains(f"(?i){cells.LOST_DIGITS}")
                number = pl.when(~lost).then(cells.as_it_stands(column))
                fields.append(Field(name, name, column, number))
    return fields
