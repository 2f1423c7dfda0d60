"""What survey platforms and registers write: one sheet -> the file's bytes and its mapping.

What belongs here: columns, headings, spellings, date formats and encodings of each layout, and
the dangerous places in which real files hold identifiers. What stays out: what the rows say.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from typing import Any, Final

import polars as pl
import xlsxwriter  # type: ignore[import-untyped]

from pipeline import reference
from pipeline.simulation import identities
from pipeline.simulation.faults import UNKNOWN_WAVE, UNREADABLE_ITEM
from pipeline.simulation.plan import INSTRUMENT, PROGRAMME_ARM, WAITING_LIST_ARM, Layout
from pipeline.simulation.records import ITEM_COLUMNS, Sheet
from pipeline.vocabulary import DepartureKind, Kind, Platform

_ANCHORS: Final = [anchor.capitalize() for anchor in reference.instruments()[INSTRUMENT].anchors]
_HOME_FORCE: Final = "Home force"
_ARM_QUESTION: Final = "Where are you in the programme"
_COMMENT: Final = "Q40"
_NOT_A_DATE: Final = "to be confirmed"
_NOT_AN_ANSWER: Final = "n/k"
_NOT_A_NUMBER: Final = "not timed"
_NOT_A_CHOICE: Final = "see comment"

_WAVE_SPELLINGS: Final = {
    "baseline": ("Baseline", "before the first session"),
    "session_5": ("Session 5", "after session 5"),
    "session_7": ("Session 7", "after session 7"),
    "session_10": ("Session 10", "last session"),
    "follow_up_3m": ("Follow-up 3 months", "3 months"),
    "follow_up_6m": ("Follow-up 6 months", "6 months later"),
    "follow_up_12m": ("Follow-up 12 months", "one year later"),
}
_WAVE_SUFFIXES: Final = {
    "baseline": "baseline",
    "session_5": "s5",
    "session_7": "s7",
    "session_10": "s10",
    "follow_up_3m": "3m",
    "follow_up_6m": "6m",
    "follow_up_12m": "12m",
}


@dataclass(frozen=True, slots=True)
class Export:
    """A file as it arrives in landing. `row_numbers` belong to the sheet's rows, in their order."""

    mapping: dict[str, Any]
    content: bytes
    row_numbers: pl.Series


def export(sheet: Sheet, as_of: date, seed: int) -> Export:
    """The file of a sheet, the mapping that reads it, and the row a spreadsheet shows for each."""
    match sheet.layout:
        case None:
            return _register(sheet)
        case Layout.MICROSOFT_FORMS:
            return _microsoft_forms(sheet, as_of)
        case Layout.WIDE_CSV:
            return _wide_csv(sheet)
        case _:
            return _qualtrics(sheet, seed)


def _delimited(headers: list[list[str]], body: pl.DataFrame) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(headers)
    rows = io.BytesIO()
    body.write_csv(rows, include_header=False)
    return text.getvalue().encode() + rows.getvalue()


def _numbered(sheet: Sheet, first: int) -> pl.Series:
    return pl.Series("row_number", range(first, first + sheet.rows.height), dtype=pl.Int64)


def _broken(rule: str) -> pl.Expr:
    return (pl.col("fault") == rule).fill_null(False)


def _spelled(column: str, spellings: Mapping[str, str]) -> pl.Expr:
    """A word in an organisation's spelling; what has none stays as it is."""
    return pl.col(column).replace(dict(spellings))


def _dated(column: str, date_format: str, rule: str | None) -> pl.Expr:
    text = pl.col(column).dt.to_string(date_format)
    if rule is None:
        return text
    return pl.when(_broken(rule)).then(pl.lit(_NOT_A_DATE)).otherwise(text)


def _timed(number: pl.Expr, rule: str) -> pl.Expr:
    return pl.when(_broken(rule)).then(pl.lit(_NOT_A_NUMBER)).otherwise(number.cast(pl.String))


def _declared(sheet: Sheet, platform: Platform, participant: str) -> dict[str, Any]:
    """The lines that every mapping begins with."""
    declared: dict[str, Any] = {
        "organisation": sheet.organisation.organisation,
        "source": sheet.source,
        "kind": sheet.kind.value,
        "platform": platform.value,
        "files": sheet.pattern,
        "participant": participant,
    }
    if sheet.organisation.is_unit:
        declared["home_force"] = {"column": _HOME_FORCE}
    return declared


def _home_force() -> pl.Expr:
    # As people write it: `Simulated Force 01`, which is the declared name.
    return pl.col("home_force").str.replace_all("-", " ").str.to_titlecase()


# ---------------------------------------------------------------- registers


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


def _register(sheet: Sheet) -> Export:
    style = _style(sheet)
    columns, cells, values = _REGISTERS[sheet.kind](style)
    # Names and addresses stand beside the number; no mapping asks for them.
    body = {style.participant: pl.col("number"), "Full name": pl.col("name")}
    if sheet.organisation.is_unit:
        body[_HOME_FORCE] = _home_force()
    if sheet.kind == Kind.ROSTER:
        body["E-mail"] = pl.col("email")
    body |= {columns[name]: expression for name, expression in cells.items()}
    frame = sheet.rows.select(expression.alias(name) for name, expression in body.items())
    content = _delimited([frame.columns], frame)
    if sheet.organisation.writes_windows_1252 and sheet.kind == Kind.ROSTER:
        content = content.decode().encode("cp1252")
    mapping = _declared(sheet, Platform.CSV, style.participant) | {
        "columns": dict(columns),
        "values": {name: meanings for name, meanings in values.items() if meanings},
        "date_format": style.date_format,
    }
    return Export(mapping, content, _numbered(sheet, 2))


_Register = tuple[Mapping[str, str], dict[str, pl.Expr], dict[str, dict[str, str]]]


def _roster(style: _RegisterStyle) -> _Register:
    first = {group: spellings[0] for group, spellings in style.ranks.items()}
    second = {group: spellings[1] for group, spellings in style.ranks.items()}
    enrolled_on = _dated("enrolled_on", style.date_format, "enrolled_on_not_recognised")
    blank = _broken("enrolled_on_not_recognised") & (pl.col("luck") < 0.5)
    cells = {
        "unit": pl.col("unit"),
        "session_group": pl.col("session_group"),
        "facilitator": pl.col("facilitator"),
        "cohort": pl.col("cohort"),
        "arm": _spelled("arm", style.arms),
        "rank": pl.when(pl.col("luck") < 0.7)
        .then(_spelled("rank", first))
        .otherwise(_spelled("rank", second)),
        "service_years": pl.col("service_years"),
        "gender": _spelled("gender", style.genders),
        "ethnicity": (
            _spelled("ethnicity", _ethnicity_in_words())
            if style.ethnicity_in_words
            else pl.col("ethnicity")
        ),
        "enrolled_on": pl.when(~blank).then(enrolled_on),
    }
    values = {
        "arm": _meanings(style.arms),
        "rank": {
            spelling: group
            for group, spellings in style.ranks.items()
            for spelling in spellings
            if spelling.lower() not in reference.rank_groups()
        },
        "gender": _meanings(style.genders),
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
        "held_on": _dated("held_on", style.date_format, "held_on_not_recognised"),
        "cancelled": pl.when(_broken("cancelled_not_recognised"))
        .then(pl.lit(_NOT_A_CHOICE))
        .when(~held)
        .then(pl.lit("Yes")),
        # Blank where the session was called off: nobody could attend.
        "attended": pl.when(_broken("attended_not_recognised"))
        .then(pl.lit(_NOT_A_CHOICE))
        .when(held)
        .then(came),
        "minutes": _timed(
            pl.when(pl.col("attended") & held).then(pl.lit(90)), "minutes_not_recognised"
        ),
        "absence_reason": pl.when(_broken("absence_reason_not_recognised"))
        .then(pl.lit(_NOT_A_CHOICE))
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
        "departed_on": _dated("departed_on", style.date_format, "departed_on_not_recognised"),
        "departure_kind": pl.when(_broken("departure_kind_unknown"))
        .then(pl.lit(_NOT_A_CHOICE))
        .otherwise(_spelled("departure_kind", style.departure_kinds)),
    }
    return style.departures, cells, {"departure_kind": _meanings(style.departure_kinds)}


_REGISTERS: Final = {
    Kind.ROSTER: _roster,
    Kind.ATTENDANCE: _attendance,
    Kind.DEPARTURES: _departures,
}


def _meanings(spellings: Mapping[str, str]) -> dict[str, str]:
    """Spelling -> meaning, where the two differ."""
    return {
        spelling: str(meaning) for meaning, spelling in spellings.items() if spelling != meaning
    }


@cache
def _ethnicity_in_words() -> dict[str, str]:
    return {
        code.upper(): _ETHNIC_GROUPS[group]
        for code, group in reference.ethnicity_groups().items()
        if len(code) == 2
    }


# ---------------------------------------------------------------- questionnaires


def _as_numbers(sheet: Sheet) -> dict[str, pl.Expr]:
    shift = 1 if sheet.organisation.counts_from_zero else 0
    cells = {item: pl.col(item) - shift for item in ITEM_COLUMNS}
    return _with_unreadable(cells, _NOT_AN_ANSWER)


def _as_labels() -> dict[str, pl.Expr]:
    labels = dict(enumerate(_ANCHORS, start=1))
    cells = {
        item: pl.col(item).replace_strict(labels, default=None, return_dtype=pl.String)
        for item in ITEM_COLUMNS
    }
    return _with_unreadable(cells, _NOT_A_CHOICE)


def _with_unreadable(cells: dict[str, pl.Expr], cell: str) -> dict[str, pl.Expr]:
    text = cells[UNREADABLE_ITEM].cast(pl.String)
    spoilt = pl.when(_broken("answer_not_recognised")).then(pl.lit(cell)).otherwise(text)
    return cells | {UNREADABLE_ITEM: spoilt}


def _wave_in_words(sheet: Sheet, *, freely: bool) -> tuple[pl.Expr, dict[str, str]]:
    """The cell that names the wave, and the values by which a mapping understands it."""
    formal = {wave: _WAVE_SPELLINGS[wave][0] for wave in sheet.waves}
    if not freely:
        spelled = _spelled("wave", formal)
        meanings = _meanings(formal)
    else:
        casual = {wave: _WAVE_SPELLINGS[wave][1] for wave in sheet.waves}
        shouted = {wave: spelling.upper() for wave, spelling in formal.items()}
        spelled = (
            pl.when(pl.col("luck") < 0.5)
            .then(_spelled("wave", formal))
            .when(pl.col("luck") < 0.9)
            .then(_spelled("wave", casual))
            .otherwise(_spelled("wave", shouted))
        )
        meanings = _meanings(formal) | _meanings(casual)
    unknown = pl.when(_broken("wave_unknown")).then(pl.lit(UNKNOWN_WAVE))
    return unknown.otherwise(spelled), meanings


def _question(number: int) -> str:
    # The instrument's wording is not ours to print.
    return f"Question {number}"


_QUALTRICS_METADATA: Final = {
    "StartDate": "Start Date",
    "EndDate": "End Date",
    "Status": "Response Type",
    "IPAddress": "IP Address",
    "Progress": "Progress",
    "Duration (in seconds)": "Duration (in seconds)",
    "Finished": "Finished",
    "RecordedDate": "Recorded Date",
    "ResponseId": "Response ID",
    "RecipientLastName": "Recipient Last Name",
    "RecipientFirstName": "Recipient First Name",
    "RecipientEmail": "Recipient Email",
    "ExternalReference": "External Data Reference",
    "LocationLatitude": "Location Latitude",
    "LocationLongitude": "Location Longitude",
    "DistributionChannel": "Distribution Channel",
    "UserLanguage": "User Language",
}


def _qualtrics(sheet: Sheet, seed: int) -> Export:
    labels = sheet.layout == Layout.QUALTRICS_LABELS
    date_format = "%d/%m/%Y %H:%M" if labels else "%Y-%m-%d %H:%M:%S"
    ended = pl.col("completed_on").cast(pl.Datetime("us")) + pl.duration(seconds="clock")
    serials = sheet.rows.select(
        pl.col("officer") * 16 + pl.col("wave_place") * 2 + (pl.col("place") % 1 > 0)
    )
    rows = sheet.rows.with_columns(
        ended.alias("ended"),
        (ended - pl.duration(seconds="duration_seconds")).alias("began"),
        identities.response_numbers(seed, serials.to_series().to_numpy()).alias("response"),
    )
    preview = pl.col("is_preview")
    ordinary, previewed = ("IP Address", "Survey Preview") if labels else ("0", "1")
    metadata = {
        "StartDate": pl.col("began").dt.to_string(date_format),
        "EndDate": pl.col("ended").dt.to_string(date_format),
        "Status": pl.when(preview).then(pl.lit(previewed)).otherwise(pl.lit(ordinary)),
        "IPAddress": pl.col("ip"),
        "Progress": pl.lit(100),
        "Duration (in seconds)": _timed(pl.col("duration_seconds"), "duration_not_recognised"),
        "Finished": pl.lit("True" if labels else "1"),
        "RecordedDate": _dated("ended", date_format, "completed_on_not_recognised"),
        "ResponseId": pl.col("response"),
        "RecipientLastName": pl.col("family"),
        "RecipientFirstName": pl.col("given"),
        "RecipientEmail": pl.col("email"),
        "ExternalReference": pl.col("number"),
        # Somewhere in the North Sea.
        "LocationLatitude": (56 + pl.col("luck")).round(4),
        "LocationLongitude": (2 + pl.col("luck")).round(4),
        "DistributionChannel": pl.when(preview).then(pl.lit("preview")).otherwise(pl.lit("email")),
        "UserLanguage": pl.lit("EN-GB"),
    }
    answers = _as_labels() if labels else _as_numbers(sheet)
    body = metadata | {
        f"Q4_{number}": answers[item] for number, item in enumerate(ITEM_COLUMNS, start=1)
    }
    # A question's text may run over lines; the record is still one row.
    texts = dict(_QUALTRICS_METADATA) | {
        f"Q4_{number}": f"Please choose one answer in each row.\n - {_question(number)}"
        for number in range(1, len(ITEM_COLUMNS) + 1)
    }
    mapping = _declared(sheet, Platform.QUALTRICS, "ExternalReference")
    columns = {
        "completed_on": "RecordedDate",
        "duration_seconds": "Duration (in seconds)",
    }
    if labels:
        # Officers thank and name one another in comments, whatever the question was.
        body[_COMMENT] = (
            pl.when(pl.col("luck") < 0.05)
            .then(pl.format("Please thank {} for the group", pl.col("facilitator")))
            .when(pl.col("luck") < 0.10)
            .then(pl.format("This is {}, ring me if anything is unclear", pl.col("name")))
        )
        texts[_COMMENT] = "Is there anything you would like to add?"
        body["Wave"], spellings = _wave_in_words(sheet, freely=False)
        mapping["wave"] = {"column": "Wave", "values": spellings}
        mapping["leave_out"] = [_COMMENT]
    else:
        mapping["wave"] = {"constant": sheet.waves[0]}
    if sheet.organisation.is_unit:
        body[_HOME_FORCE] = _home_force()
    if not sheet.organisation.has_registers:
        body["Allocation"] = pl.col("arm")
        columns["arm"] = "Allocation"
    mapping |= {
        "instruments": {
            INSTRUMENT: {"columns": "Q4_{item}", "coding": "labels" if labels else "numeric"}
            | ({"offset": 1} if sheet.organisation.counts_from_zero and not labels else {})
        },
        "columns": columns,
        "date_format": date_format,
    }
    frame = rows.select(expression.alias(name) for name, expression in body.items())
    import_ids = [f'{{"ImportId":"{_import_id(name)}"}}' for name in frame.columns]
    headers = [frame.columns, [texts.get(name, name) for name in frame.columns], import_ids]
    return Export(mapping, _delimited(headers, frame), _numbered(sheet, len(headers) + 1))


def _import_id(column: str) -> str:
    if column.startswith("Q"):
        return f"QID{column[1:]}"
    return column[:1].lower() + column[1:].replace(" (in seconds)", "").replace(" ", "_")


def _microsoft_forms(sheet: Sheet, as_of: date) -> Export:
    wave, spellings = _wave_in_words(sheet, freely=True)
    ended = pl.col("completed_on").cast(pl.Datetime("us")) + pl.duration(seconds="clock")
    body = {
        "ID": pl.int_range(1, pl.len() + 1),
        "Start time": ended - pl.duration(seconds="duration_seconds"),
        "Completion time": pl.when(~_broken("completed_on_not_recognised")).then(ended),
        "Email": pl.col("email"),
        "Name": pl.col("name"),
        "Your officer number": pl.col("number"),
        "Which survey is this?": wave,
    }
    mapping = _declared(sheet, Platform.MICROSOFT_FORMS, "Your officer number")
    columns = {"completed_on": "Completion time"}
    if sheet.organisation.is_unit:
        body[_HOME_FORCE] = _home_force()
    if not sheet.organisation.has_registers:
        body[_ARM_QUESTION] = pl.col("arm")
        columns["arm"] = _ARM_QUESTION
    answers = _as_labels()
    body |= {_question(number): answers[item] for number, item in enumerate(ITEM_COLUMNS, start=1)}
    mapping |= {
        "wave": {"column": "Which survey is this?", "values": spellings},
        "instruments": {
            INSTRUMENT: {
                "columns": "Question {item}",
                "coding": "labels",
                "labels": {label: place for place, label in enumerate(_ANCHORS, start=1)},
            }
        },
        "columns": columns,
        "date_format": "%Y-%m-%d %H:%M:%S",
    }
    frame = sheet.rows.select(expression.alias(name) for name, expression in body.items())
    return Export(mapping, _workbook(frame, as_of), _numbered(sheet, 2))


def _workbook(frame: pl.DataFrame, created: date) -> bytes:
    """A workbook as Forms writes it; a null time is written as words, which is what is broken."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(
        content, {"in_memory": True, "default_date_format": "m/d/yy h:mm:ss"}
    )
    # The one place in a workbook that carries a clock.
    book.set_properties({"created": datetime.combine(created, time())})
    sheet = book.add_worksheet("Sheet1")
    # Forms puts non-breaking spaces into headings.
    headings = [name.replace(" ", "\u00a0", 1) for name in frame.columns]
    metadata = frame.columns.index("Name") + 1
    headings[:metadata] = frame.columns[:metadata]
    sheet.add_table(
        0,
        0,
        frame.height,
        frame.width - 1,
        {"name": "Table1", "columns": [{"header": heading} for heading in headings]},
    )
    for place, column in enumerate(frame):
        if column.name == "Completion time":
            cells = [_NOT_A_DATE if cell is None else cell for cell in column]
        else:
            cells = column.to_list()
        sheet.write_column(1, place, cells)
    book.close()
    return content.getvalue()


def _wide_csv(sheet: Sheet) -> Export:
    """One row an officer; waves side by side, blank where not answered."""
    date_format = "%d/%m/%Y"
    officers = sheet.rows.unique("officer", keep="first", maintain_order=True).sort("officer")
    # An address in a column that nobody asked for, as sheets passed from hand to hand have.
    frame = officers.select(
        "officer",
        pl.col("number").alias("Officer number"),
        *([_home_force().alias(_HOME_FORCE)] if sheet.organisation.is_unit else []),
        pl.when(pl.col("luck") < 0.3).then(pl.col("email")).alias("Remarks"),
    )
    answers = _as_numbers(sheet)
    for wave in sheet.waves:
        suffix = _WAVE_SUFFIXES[wave]
        of_wave = sheet.rows.filter(wave=wave).select(
            "officer",
            _dated("completed_on", date_format, "completed_on_not_recognised").alias(
                f"Completed_{suffix}"
            ),
            *(
                answers[item].alias(f"Q{number}_{suffix}")
                for number, item in enumerate(ITEM_COLUMNS, start=1)
            ),
        )
        frame = frame.join(of_wave, on="officer", how="left", maintain_order="left")
    mapping = _declared(sheet, Platform.CSV, "Officer number") | {
        "wave": {"suffixes": {_WAVE_SUFFIXES[wave]: wave for wave in sheet.waves}},
        "instruments": {
            INSTRUMENT: {"columns": "Q{item}_{wave}"}
            | ({"offset": 1} if sheet.organisation.counts_from_zero else {})
        },
        "columns": {"completed_on": "Completed_{wave}"},
        "date_format": date_format,
    }
    row_numbers = sheet.rows["officer"].rank("dense").cast(pl.Int64) + 1
    written = frame.drop("officer")
    return Export(mapping, _delimited([written.columns], written), row_numbers.alias("row_number"))
