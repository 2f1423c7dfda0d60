"""What an organisation is told about a file that has to be put right: a workbook and a web page.

What belongs here: which rows are named, and in which words. What stays out: what is wrong with a
row (`pipeline/quality/`), what a steward sees of it (`pipeline/review.py`), and where it is written
or offered (`pipeline/commands/review_pack.py`, `pipeline/desk/`).

It names file, sheet, row number, column and rule, and holds no cell of any row. A heading is shown
only where no word of it could be a person's name; the field it is mapped to always is.
"""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final

import xlsxwriter  # type: ignore[import-untyped]

from pipeline import reference, static_page
from pipeline.entries import Act
from pipeline.privacy.headings import may_be_shown, without_headings
from pipeline.quality.asked import ASKED, ASKED_OF_THE_FILE
from pipeline.quality.rules import ROW_DISAPPEARED, RULES
from pipeline.reading.mapping import Mapping
from pipeline.reminder_workbook import plain_text
from pipeline.review import BrokenRow, Case, signed
from pipeline.vocabulary import DecisionAction, EntryKind, QuarantineStatus, Severity

ROWS_ON_THE_PAGE: Final = 500
"""A page of a hundred thousand rows helps nobody; the workbook has all of them."""

MOST_ROWS: Final = 500_000
"""Fewer than a sheet can hold."""


@dataclass(frozen=True, slots=True)
class Pack:
    """The same twice: an .xlsx file, and an .html file that needs nothing beside it."""

    workbook: bytes
    page: bytes
    rows: int
    """How many lines there are, one for each rule that a row broke."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule that one row broke, as the organisation reads it."""

    row_number: int
    sheet: str
    field: str
    heading: str
    rule: str
    counts: bool
    """Whether the row counts all the same."""
    ask: str


@dataclass(frozen=True, slots=True)
class _Cover:
    title: str
    facts: list[tuple[str, str]]
    asks: list[str]
    """What is asked of the file as a whole."""


def return_pack(case: Case, mapping: Mapping | None, *, programme: str, made_on: date) -> Pack:
    """The pack for one submission; the same arguments give the same bytes.

    Args:
        case: what is known of the submission.
        mapping: of its source; without it no heading is shown.
        programme: the title of the evaluation.
        made_on: the day that it bears.

    """
    faults = faults_of(case, mapping)
    cover = _cover(case, faults, programme, made_on)
    return Pack(_workbook(cover, faults, made_on), _page(cover, faults), len(faults))


def file_name(case: Case, ending: str) -> str:
    """What the pack is called: of the submission's name, which holds no name of a person."""
    return f"return-{case.submission['submission_id']}.{ending}"


def pack_written(case: Case, steward: str, reason: str) -> Act:
    """What is put on record when a pack is handed out; NotPossible without a name or a reason."""
    who, why = signed(steward, reason)
    body = {"submission_id": case.submission["submission_id"]}
    return Act(kind=EntryKind.PACK_WRITTEN, steward=who, reason=why, body=body)


def faults_of(case: Case, mapping: Mapping | None) -> list[Fault]:
    """What the organisation can put right, in the order of its rows.

    What is settled already, and what it could do nothing about or must not be told, is left out.
    """
    sheet = _sheet(mapping, case.submission["file_name"] or "")
    found = dict.fromkeys(
        Fault(
            row_number=row.row_number,
            sheet=sheet,
            field=_field(row),
            heading=_heading(row, mapping),
            rule=_meaning(row.rule),
            counts=row.severity == Severity.WARN,
            ask=ASKED[row.rule],
        )
        for row in case.rows
        if row.rule in ASKED and row.status not in _SETTLED
    )
    return sorted(found, key=lambda fault: (fault.row_number, fault.field, fault.rule))[:MOST_ROWS]


_SETTLED = (QuarantineStatus.RESOLVED.value, QuarantineStatus.WAIVED.value)


def _meaning(rule: str) -> str:
    known = ROW_DISAPPEARED if rule == ROW_DISAPPEARED.name else RULES[rule]
    return _in_their_words(known.meaning)


def _in_their_words(sentence: str) -> str:
    """A sentence for stewards in words of whoever sends files, who knows of no mapping."""
    said = _ABOUT_MAPPINGS.sub("", sentence)
    return said.replace("the mapping's", "the agreed").replace("the mapping", "the agreed layout")


_ABOUT_MAPPINGS: Final = re.compile(r",? or correct the mapping of source [\w-]+")


_FIELDS: Final = {
    "participant": "officer's number",
    "code": "officer's code",
    "wave": "wave",
    "completed_on": "day of completion",
    "duration_seconds": "time taken",
    "arm": "group compared",
    "enrolled_on": "day of enrolment",
    "rank": "rank",
    "gender": "gender",
    "ethnicity": "ethnicity",
    "service_years": "years of service",
    "session_number": "number of the session",
    "attended": "whether the officer came",
    "cancelled": "whether the session was cancelled",
    "absence_reason": "reason of absence",
    "held_on": "day of the session",
    "minutes": "minutes",
    "departed_on": "day of departure",
    "departure_kind": "kind of departure",
    "new_force": "new force",
    "new_number": "new number",
}
"""Canonical column -> what it is, for somebody who knows no mapping."""

_ITEM: Final = re.compile(r"item_(\d+)")


def _field(row: BrokenRow) -> str:
    item = _ITEM.fullmatch(row.column_name or "")
    if item and row.instrument:
        what = f"item {item[1]} of {reference.instruments()[row.instrument].title}"
    else:
        what = _FIELDS.get(row.column_name or "", "the whole row")
    where = row.wave if row.wave and row.column_name != "wave" else None
    session = f"session {row.session_number}" if row.session_number is not None else None
    return ", ".join(part for part in (what, where, session) if part)


def _heading(row: BrokenRow, mapping: Mapping | None) -> str:
    """The column's heading where it may be shown, else nothing: the field says which it is."""
    if mapping is None or row.column_name is None:
        return ""
    found = " + ".join(_headings(row, mapping))
    return found if may_be_shown(found) else ""


def _headings(row: BrokenRow, mapping: Mapping) -> Sequence[str]:
    column = row.column_name or ""
    item = _ITEM.fullmatch(column)
    if item and row.instrument and row.instrument in mapping.instruments:
        items = reference.instruments()[row.instrument].items
        found = [mapping.instruments[row.instrument].item_columns(items)[int(item[1]) - 1]]
    elif column == "participant":
        found = list(mapping.participants)
    elif column == "code":
        found = [*mapping.elements.values()]
    elif column == "wave":
        found = [mapping.wave.column] if mapping.wave and mapping.wave.column else []
    elif mapping.sessions and column in {"session_number", "attended", "cancelled"}:
        of_session = mapping.sessions.column(row.session_number or 0)
        found = [of_session] if of_session else []
    else:
        found = [mapping.columns[column]] if column in mapping.columns else []
    suffixes = mapping.wave.suffixes if mapping.wave else {}
    suffix = next((said for said, wave in suffixes.items() if wave == row.wave), "{wave}")
    session = "{session}" if row.session_number is None else str(row.session_number)
    return [name.replace("{wave}", suffix).replace("{session}", session) for name in found]


def _sheet(mapping: Mapping | None, name: str) -> str:
    if not name.lower().endswith(_WITH_SHEETS):
        return "the file has none"
    if mapping is None or mapping.sheet is None:
        return "the only one with content"
    return mapping.sheet if may_be_shown(mapping.sheet) else "the one that is always taken in"


_WITH_SHEETS: Final = (".xlsx", ".xlsm", ".xls", ".ods")


def _cover(case: Case, faults: Sequence[Fault], programme: str, made_on: date) -> _Cover:
    submission = case.submission
    asks = [
        ASKED_OF_THE_FILE[f.expectation] for f in case.failed if f.expectation in ASKED_OF_THE_FILE
    ]
    reason = submission["reason"]
    if submission["rows_read"] is None and reason:
        asks.append(f"The file could not be read: {_in_their_words(without_headings(reason))}.")
    if submission["replaced_by"]:
        asks.append("A newer file has replaced this one; correct the newest.")
    returned = [d for d in case.decisions if d.action == DecisionAction.RETURN]
    if case.newest_action == DecisionAction.RETURN:
        asks.append(f"It was returned on {returned[-1].decided_at[:10]}: {returned[-1].reason}")
    rows = len({fault.row_number for fault in faults if not fault.counts})
    facts = [
        ("Evaluation", programme),
        ("Submission", submission["submission_id"]),
        ("File", submission["file_name"] or ""),
        ("Received on", str(submission["received_at"])[:10]),
        ("SHA-256 of the file", submission["sha256"]),
        ("Rows to correct", f"{rows:,}, on {len(faults):,} lines below" if faults else "none"),
        ("As of", str(made_on)),
    ]
    return _Cover(
        f"File to put right: {submission['organisation']}", facts, list(dict.fromkeys(asks))
    )


_HOW = (
    "Row numbers are those of the file exactly as it was sent, headings included. A file that was "
    "sorted or edited since has other rows there: compare the SHA-256.",
    "Correct the file where it is kept, export it again whole, and send that; do not send single "
    "rows, and do not send this list back.",
    "This list holds no answers, names or numbers of officers. Do not add any when you reply.",
)
_LINES = (
    "Row",
    "Sheet",
    "What the column holds",
    "Heading",
    "What is wrong",
    "What to do",
    "Counts",
)


def _line(fault: Fault) -> tuple[str | int, ...]:
    return (
        fault.row_number,
        fault.sheet,
        fault.field,
        fault.heading,
        fault.rule,
        fault.ask,
        "yes" if fault.counts else "no",
    )


def _page(cover: _Cover, faults: Sequence[Fault]) -> bytes:
    def body() -> Iterator[static_page.Html]:
        yield static_page.facts(cover.facts)
        if cover.asks:
            yield static_page.heading("The file as a whole")
            yield static_page.bullets(cover.asks)
        yield static_page.heading("Rows")
        if not faults:
            yield static_page.paragraph("No single row has to be corrected.")
        else:
            shown = faults[:ROWS_ON_THE_PAGE]
            if len(shown) < len(faults):
                yield static_page.paragraph(
                    f"The first {len(shown):,} of {len(faults):,} lines; the workbook has all."
                )
            yield static_page.table("Rows to correct", _LINES, map(_line, shown))
        yield static_page.heading("How to go about it")
        yield static_page.bullets(_HOW)

    return static_page.page(cover.title, body(), "Written by Muster. It holds no cell of the file.")


def _workbook(cover: _Cover, faults: Sequence[Fault], made_on: date) -> bytes:
    buffer = io.BytesIO()
    options = {
        "in_memory": True,  # it would put its parts into the folder for temporary files
        "strings_to_formulas": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(buffer, options) as workbook:
        made = datetime.combine(made_on, time(), UTC).replace(tzinfo=None)
        workbook.set_properties({"title": "File to put right", "author": "Muster", "created": made})
        formats = {
            "bold": workbook.add_format({"bold": True, "valign": "top"}),
            "wrapped": workbook.add_format({"text_wrap": True, "valign": "top"}),
        }
        _read_first(workbook.add_worksheet("Read first"), cover, formats)
        _rows(workbook.add_worksheet("Rows"), faults, formats)
    return buffer.getvalue()


def _read_first(sheet: Any, cover: _Cover, formats: dict[str, Any]) -> None:
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 96)
    said: Iterable[tuple[str, str]] = (
        *cover.facts,
        *(("The file as a whole", ask) for ask in cover.asks),
        *(("How to go about it", how) for how in _HOW),
    )
    for place, (name, text) in enumerate(said):
        sheet.write_string(place, 0, name, formats["bold"])
        sheet.write_string(place, 1, plain_text(text), formats["wrapped"])


def _rows(sheet: Any, faults: Sequence[Fault], formats: dict[str, Any]) -> None:
    last = len(_LINES) - 1
    sheet.add_table(
        0,
        0,
        max(len(faults), 1),
        last,
        {"name": "Rows", "columns": [{"header": name} for name in _LINES]},
    )
    sheet.freeze_panes(1, 0)
    sheet.fit_to_pages(1, 0)
    sheet.set_landscape()
    sheet.repeat_rows(0)
    for column, width in enumerate((8, 22, 34, 24, 52, 52, 8)):
        sheet.set_column(column, column, width)
    for place, fault in enumerate(faults, start=1):
        for column, cell in enumerate(_line(fault)):
            if isinstance(cell, int):
                sheet.write_number(place, column, cell)
            else:
                sheet.write_string(place, column, plain_text(cell), formats["wrapped"])
