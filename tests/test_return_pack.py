"""The return pack: which rows it names and how, and that nothing of a file gets into it."""

import io
import re
import shutil
import subprocess
from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path
from zipfile import ZipFile

import fastexcel
import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import opened
from small_programme import PROGRAMME

from pipeline.programme import parse_programme
from pipeline.quality.asked import ASKED
from pipeline.reading.mapping import Mapping, parse_mapping
from pipeline.return_pack import (
    MOST_ROWS,
    ROWS_ON_THE_PAGE,
    Pack,
    faults_of,
    file_name,
    may_be_shown,
    return_pack,
)
from pipeline.review import BrokenRow, Case, Failed, Taken

NAMED = "Simheading Simsson"
MAPPING = """
organisation: simulated-force-01
source: answers
kind: questionnaire
files: "answers*"
platform: microsoft_forms
participant: Collar number
wave: {{column: {wave}, values: {{Start: baseline}}}}
instruments: {{phq4: {{columns: "{items}"}}}}
columns: {{completed_on: {done}}}
sheet: "{sheet}"
"""
MADE_ON = date(2026, 6, 30)
FORMULA = '=HYPERLINK("https://x.example","click")'


def mapping(*, wave="Wave", items="Q{item}", done="Done", sheet="Sheet1") -> Mapping:
    programme = parse_programme(PROGRAMME, "programme.yaml")
    text = MAPPING.format(wave=wave, items=items, done=done, sheet=sheet)
    return parse_mapping(text, "sources/simulated-force-01/answers.yaml", programme)


def broken(row: int, rule: str, column: str | None = None, **more) -> BrokenRow:
    told = {"severity": "reject", "wave": "baseline", "instrument": "phq4", "status": "open"}
    told |= {"session_number": None, **more}
    return BrokenRow(row_number=row, rule=rule, column_name=column, **told)


def case(*rows: BrokenRow, failed=(), decisions=(), **submission) -> Case:
    told = {
        "submission_id": "simulated-force-01--answers--0123456789ab",
        "organisation": "simulated-force-01",
        "source": "answers",
        "file_name": "answers *** 2026.xlsx",
        "received_at": datetime(2026, 6, 1, 12),
        "sha256": "a" * 64,
        "rows_read": 20,
        "reason": None,
        "replaced_by": None,
        **submission,
    }
    return Case(told, list(failed), [], list(rows), list(decisions))


ROWS = (
    broken(7, "answer_out_of_range", "item_3"),
    broken(5, "wave_unknown", "wave", wave=None),
    broken(6, "participant_key_missing", "participant"),
    broken(9, "completed_on_not_recognised", "completed_on", severity="warn"),
)
TOO_MANY = Failed(
    "questionnaire_phq4",
    "not_too_many_rows_quarantined",
    "held",
    0.4,
    "a large share of rows broke rules",
    could_be_judged=True,
)


def packed(of: Case, by: Mapping | None) -> Pack:
    return return_pack(of, by, programme="Simulated evaluation", made_on=MADE_ON)


def sheet(content: bytes, name: str) -> pl.DataFrame:
    header = 0 if name == "Rows" else None
    return pl.DataFrame(fastexcel.read_excel(content).load_sheet(name, header_row=header))


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []

    def handle_data(self, data: str) -> None:
        self.cells.append(data)


def text_of(page: bytes) -> str:
    parser = _Text()
    parser.feed(page.decode())
    return "\n".join(parser.cells)


def test_each_row_is_named_with_its_place_its_rule_and_what_to_do() -> None:
    made = packed(case(*ROWS), mapping())
    rows = sheet(made.workbook, "Rows")
    assert rows["Row"].to_list() == [5, 6, 7, 9]
    assert rows["Sheet"].unique().to_list() == ["Sheet1"]
    assert rows["Heading"].to_list() == ["Wave", "Collar number", "Q3", "Done"]
    assert rows["What the column holds"].to_list() == [
        "wave",
        "officer's number, baseline",
        "item 3 of Patient Health Questionnaire-4 (PHQ-4), baseline",
        "day of completion, baseline",
    ]
    assert rows["Counts"].to_list() == ["no", "no", "no", "yes"]
    assert rows["What to do"][1] == "Write the officer's number into the row."
    shown = text_of(made.page)
    for cell in rows.select(pl.col(pl.String)).row(2):
        assert cell in shown
    assert made.rows == 4


def test_the_file_is_named_so_that_it_can_be_found() -> None:
    made = packed(case(*ROWS, failed=[TOO_MANY]), mapping())
    said = dict(sheet(made.workbook, "Read first").rows())
    assert said["Submission"] == "simulated-force-01--answers--0123456789ab"
    assert said["File"] == "answers *** 2026.xlsx"
    assert said["SHA-256 of the file"] == "a" * 64
    assert said["Rows to correct"].startswith("3, on 4 lines")
    assert "Many rows broke rules" in said["The file as a whole"]
    assert file_name(case(), "xlsx").startswith("return-simulated-force-01--answers--")


def test_what_is_settled_or_not_the_organisations_is_left_out() -> None:
    rows = (
        broken(5, "wave_unknown", "wave", status="resolved"),
        broken(6, "too_many_unanswered", status="waived"),
        broken(7, "straight_lining", severity="warn"),
        broken(8, "answered_too_fast", "duration_seconds", severity="warn"),
        broken(9, "returned"),
        broken(10, "completed_in_future", "completed_on", status="expired"),
        broken(11, "answer_out_of_range", "item_1", status="returned"),
    )
    assert [fault.row_number for fault in faults_of(case(*rows), mapping())] == [10, 11]


def test_nothing_is_said_of_mappings_which_the_organisation_does_not_know() -> None:
    rows = [broken(n, rule) for n, rule in enumerate(sorted(ASKED), start=2)]
    made = packed(case(*rows, failed=[TOO_MANY]), mapping())
    assert made.rows == len(ASKED)
    assert "mapping" not in text_of(made.page)


def test_a_file_without_rows_to_correct_says_so() -> None:
    made = packed(case(), mapping())
    assert "No single row has to be corrected" in text_of(made.page)
    assert made.rows == 0


def test_an_unreadable_file_says_why_without_a_heading_that_may_name() -> None:
    reason = (
        f"the file has no column `{NAMED}`; send the usual export, or correct the mapping of "
        "source answers-2"
    )
    made = packed(case(rows_read=None, reason=reason), None)
    for said in (text_of(made.page), str(sheet(made.workbook, "Read first").rows())):
        assert "The file could not be read: the file has no column" in said
        assert "send the usual export." in said
        assert "Sims" not in said
    usual = packed(case(rows_read=None, reason="the file has no column `Wave`"), None)
    assert "`Wave`" in text_of(usual.page)


@pytest.mark.parametrize(
    "heading",
    [NAMED, "Q3 Simsson", "PC 4711", "JS", "Wave\u200b Ó Siadhail", "simsson@force", "Q4711"],
)
def test_a_heading_that_may_name_a_person_is_not_shown(heading: str) -> None:
    assert not may_be_shown(heading)
    made = packed(
        case(*ROWS), mapping(wave=f'"{heading}"', done=f'"{heading} done"', sheet=heading)
    )
    told = text_of(made.page) + str(sheet(made.workbook, "Rows").rows())
    assert heading not in told
    assert sheet(made.workbook, "Rows")["Heading"][0] == ""
    assert sheet(made.workbook, "Rows")["What the column holds"][0] == "wave"
    assert "the one that is always taken in" in told


@pytest.mark.parametrize("heading", ["Wave", "Q3", "Q4_01", "Collar number", "QID5_12", "#3"])
def test_usual_headings_are_shown(heading: str) -> None:
    assert may_be_shown(heading)


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", "\uff1d"])
def test_what_came_from_a_file_is_no_formula(sign: str) -> None:
    done = f"{sign}Date"
    by = mapping(done=f'"{done}"'.replace("\t", " "), sheet=f"{sign}Sheet1".replace("\t", " "))
    why = Taken("2026-06-02 10:00", "return", None, None, "s", f"{sign}1+1", None, False)
    made = packed(case(*ROWS, decisions=[why], file_name=f"{sign}x.xlsx"), by)
    with ZipFile(io.BytesIO(made.workbook)) as parts:
        for name in parts.namelist():
            assert b"<f>" not in parts.read(name)
            assert b"<hyperlink " not in parts.read(name)
        strings = re.findall(r"<t[^>]*>([^<]*)</t>", parts.read("xl/sharedStrings.xml").decode())
    assert strings
    assert not [
        text for text in strings if text.lstrip().startswith(("=", "+", "-", "@", "\uff1d"))
    ]


def test_markup_in_a_reason_is_shown_as_it_was_written() -> None:
    why = Taken(
        "2026-06-02 10:00", "return", None, None, "s", "<script>alert(1)</script>", None, False
    )
    made = packed(case(*ROWS, decisions=[why]), mapping())
    assert b"<script" not in made.page
    assert "It was returned on 2026-06-02: <script>alert(1)</script>" in text_of(made.page)


def test_the_page_needs_nothing_beside_it() -> None:
    page = packed(case(*ROWS), mapping()).page.decode()
    assert not re.search(r"\b(src|href)=|@import|url\(", page)
    assert "default-src 'none'" in page
    assert "<script" not in page


def test_of_very_many_rows_the_page_shows_the_first_and_says_so() -> None:
    many = case(*(broken(n, "wave_unknown", "wave", wave=None) for n in range(2, 1_202)))
    made = packed(many, mapping())
    assert made.page.count(b"<tr>") == ROWS_ON_THE_PAGE + 1
    assert "The first 500 of 1,200 lines; the workbook has all." in text_of(made.page)
    assert sheet(made.workbook, "Rows").height == 1_200
    assert MOST_ROWS < 1_048_576


def test_the_same_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    assert packed(case(*ROWS), mapping()) == packed(case(*ROWS), mapping())


def test_the_page_is_accessible_and_can_be_printed(tmp_path: Path) -> None:
    path = tmp_path / "pack.html"
    path.write_bytes(packed(case(*ROWS, failed=[TOO_MANY]), mapping()).page)
    with opened(path.as_uri()) as page:
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        printed = page.pdf(format="A4")
        assert printed.startswith(b"%PDF")
        page.set_viewport_size({"width": 360, "height": 800})
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, "a narrow screen scrolls the table, not the page"


def test_a_spreadsheet_program_opens_the_workbook(tmp_path: Path) -> None:
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not installed, so it cannot be asked to open the workbook")
    path = tmp_path / "pack.xlsx"
    path.write_bytes(packed(case(*ROWS), mapping()).workbook)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    convert = [office, profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path)]
    subprocess.run([*convert, str(path)], check=True, capture_output=True, timeout=120)
    assert (tmp_path / "pack.pdf").read_bytes().startswith(b"%PDF")
