"""Rosters, attendance registers and lists of departures, as two kinds of clerks keep them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import polars as pl

from pipeline import reference
from pipeline.simulation.exports.writing import (
    HOME_FORCE,
    NOT_A_CHOICE,
    Export,
    broken,
    dated,
    declared,
    delimited,
    home_force,
    meanings,
    numbered,
    spelled,
    timed,
)
from pipeline.simulation.plan import PROGRAMME_ARM, WAITING_LIST_ARM
from pipeline.simulation.records import Sheet
from pipeline.vocabulary import DepartureKind, Kind, Platform


@dataclass(frozen=True, slots=True)
class _RegisterStyle:
    """How an organisation's clerks head and spell their registers; fields as in a mapping."""

    participant: str
    date_format: str
    roster: Mapping[str, str]
    attendance: Mapping[str, str]
    departures: Mapping[str, str]
    ranks: Mapping[str, tuple[str, str]]
    genders: Mapping[str, str]
    ethnicity_in_words: bool
    arms: Mapping[str, str]
    departure_kinds: Mapping[str, str]


_PLAIN: Final = _RegisterStyle(
    participant="Collar number",
    date_format="%d/%m/%Y",
    roster={
        "unit": "Unit",
        "session_group": "Session group",
        "facilitator": "Facilitator",
        "cohort": "Cohort",
        "arm": "Arm",
        "rank": "Rank",
        "service_years": "Years of service",
        "gender": "Gender",
        "ethnicity": "Ethnicity",
        "enrolled_on": "Enrolled on",
    },
    attendance={
        "session_group": "Session group",
        "session_number": "Session",
        "held_on": "Held on",
        "cancelled": "Cancelled",
        "attended": "Attended",
        "minutes": "Minutes",
        "absence_reason": "Reason for absence",
    },
    departures={"departed_on": "Date", "departure_kind": "What happened"},
    ranks={
        "constable": ("PC", "DC"),
        "sergeant": ("PS", "T/DS"),
        "inspector": ("Insp", "A/Insp"),
        "senior_officer": ("Supt", "D/Supt"),
        "staff_and_others": ("Police staff", "PCSO"),
    },
    genders={"male": "M", "female": "F", "other": "X"},
    ethnicity_in_words=False,
    arms={PROGRAMME_ARM: "Programme", WAITING_LIST_ARM: "Waiting list"},
    departure_kinds={
        DepartureKind.WITHDREW: "Withdrew from the programme",
        DepartureKind.LEFT_ORGANISATION: "Left the force",
    },
)
_FORMAL: Final = _RegisterStyle(
    participant="Officer n°",
    date_format="%Y-%m-%d",
    roster={
        "unit": "Department",
        "session_group": "Group",
        "facilitator": "Supervisor",
        "cohort": "Intake",
        "arm": "Allocation",
        "rank": "Rank or grade",
        "service_years": "Service (years)",
        "gender": "Sex",
        "ethnicity": "Ethnic group",
        "enrolled_on": "Joined programme",
    },
    attendance={
        "session_group": "Group",
        "session_number": "Session number",
        "held_on": "Date of session",
        "cancelled": "Called off",
        "attended": "Present",
        "minutes": "Length (minutes)",
        "absence_reason": "Apologies",
    },
    departures={"departed_on": "Left on", "departure_kind": "Type"},
    ranks={
        "constable": ("Police Constable", "Detective Constable"),
        "sergeant": ("Sergeant", "Detective Sergeant"),
        "inspector": ("Inspector", "Chief Inspector"),
        "senior_officer": ("Superintendent", "Chief Superintendent"),
        "staff_and_others": ("Police staff", "Analyst"),
    },
    genders={"male": "Male", "female": "Female", "other": "Prefers another term"},
    ethnicity_in_words=True,
    arms={PROGRAMME_ARM: PROGRAMME_ARM, WAITING_LIST_ARM: WAITING_LIST_ARM},
    departure_kinds={
        DepartureKind.WITHDREW: "withdrawal",
        DepartureKind.LEFT_ORGANISATION: "leaver",
    },
)
_STYLES: Final = (_PLAIN, _FORMAL)

# Headings of self-defined ethnicity groups as forms print them.
_ETHNIC_GROUPS: Final = {
    "white": "White",
    "mixed": "Mixed or Multiple ethnic groups",
    "asian": "Asian or Asian British",
    "black": "Black, Black British, Caribbean or African",
    "other": "Other ethnic group",
    "not_stated": "Not stated",
}


def _style(sheet: Sheet) -> _RegisterStyle:
    return _STYLES[sheet.organisation.place % len(_STYLES)]


def write(sheet: Sheet) -> Export:
    style = _style(sheet)
    columns, cells, values = _REGISTERS[sheet.kind](style)
    # Names and addresses stand beside the number; no mapping asks for them.
    body = {style.participant: pl.col("number"), "Full name": pl.col("name")}
    if sheet.organisation.is_unit:
        body[HOME_FORCE] = home_force()
    if sheet.kind == Kind.ROSTER:
        body["E-mail"] = pl.col("email")
    body |= {columns[name]: expression for name, expression in cells.items()}
    frame = sheet.rows.select(expression.alias(name) for name, expression in body.items())
    content = delimited([frame.columns], frame)
    if sheet.organisation.writes_windows_1252 and sheet.kind == Kind.ROSTER:
        content = content.decode().encode("cp1252")
    mapping = declared(sheet, Platform.CSV, style.participant) | {
        "columns": dict(columns),
        "values": {name: meanings for name, meanings in values.items() if meanings},
        "date_format": style.date_format,
    }
    return Export(mapping, content, numbered(sheet, 2))


_Register = tuple[Mapping[str, str], dict[str, pl.Expr], dict[str, dict[str, str]]]


def _roster(style: _RegisterStyle) -> _Register:
    first = {group: spellings[0] for group, spellings in style.ranks.items()}
    second = {group: spellings[1] for group, spellings in style.ranks.items()}
    enrolled_on = dated("enrolled_on", style.date_format, "enrolled_on_not_recognised")
    blank = broken("enrolled_on_not_recognised") & (pl.col("luck") < 0.5)
    cells = {
        "unit": pl.col("unit"),
        "session_group": pl.col("session_group"),
        "facilitator": pl.col("facilitator"),
        "cohort": pl.col("cohort"),
        "arm": spelled("arm", style.arms),
        "rank": pl.when(pl.col("luck") < 0.7)
        .then(spelled("rank", first))
        .otherwise(spelled("rank", second)),
        "service_years": pl.col("service_years"),
        "gender": spelled("gender", style.genders),
        "ethnicity": (
            spelled("ethnicity", _ethnicity_in_words())
            if style.ethnicity_in_words
            else pl.col("ethnicity")
        ),
        "enrolled_on": pl.when(~blank).then(enrolled_on),
    }
    values = {
        "arm": meanings(style.arms),
        "rank": {
            spelling: group
            for group, spellings in style.ranks.items()
            for spelling in spellings
            if spelling.lower() not in reference.rank_groups()
        },
        "gender": meanings(style.genders),
    }
    return style.roster, cells, values


def _attendance(style: _RegisterStyle) -> _Register:
    came = pl.when(pl.col("attended")).then(pl.lit("Yes")).otherwise(pl.lit("No"))
    held = ~pl.col("cancelled")
    reason = (
        pl.when(pl.col("luck") < 0.35)
        .then(pl.lit("Annual leave"))
        .when(pl.col("luck") < 0.55)
        .then(pl.lit("Sickness"))
        .when(pl.col("luck") < 0.70)
        .then(pl.lit("Court"))
        .when(pl.col("luck") < 0.75)
        .then(pl.lit("Secondment"))
    )
    cells = {
        "session_group": pl.col("session_group"),
        "session_number": pl.col("session_number"),
        "held_on": dated("held_on", style.date_format, "held_on_not_recognised"),
        "cancelled": pl.when(broken("cancelled_not_recognised"))
        .then(pl.lit(NOT_A_CHOICE))
        .when(~held)
        .then(pl.lit("Yes")),
        # Blank where the session was called off: nobody could attend.
        "attended": pl.when(broken("attended_not_recognised"))
        .then(pl.lit(NOT_A_CHOICE))
        .when(held)
        .then(came),
        "minutes": timed(
            pl.when(pl.col("attended") & held).then(pl.lit(90)), "minutes_not_recognised"
        ),
        "absence_reason": pl.when(broken("absence_reason_not_recognised"))
        .then(pl.lit(NOT_A_CHOICE))
        .when(~pl.col("attended") & held)
        .then(reason),
    }
    values = {
        "attended": {"Yes": "true", "No": "false"},
        "cancelled": {"Yes": "true"},
    }
    return style.attendance, cells, values


def _departures(style: _RegisterStyle) -> _Register:
    cells = {
        "departed_on": dated("departed_on", style.date_format, "departed_on_not_recognised"),
        "departure_kind": pl.when(broken("departure_kind_unknown"))
        .then(pl.lit(NOT_A_CHOICE))
        .otherwise(spelled("departure_kind", style.departure_kinds)),
    }
    return style.departures, cells, {"departure_kind": meanings(style.departure_kinds)}


_REGISTERS: Final = {
    Kind.ROSTER: _roster,
    Kind.ATTENDANCE: _attendance,
    Kind.DEPARTURES: _departures,
}


@cache
def _ethnicity_in_words() -> dict[str, str]:
    return {
        code.upper(): _ETHNIC_GROUPS[group]
        for code, group in reference.ethnicity_groups().items()
        if len(code) == 2
    }
