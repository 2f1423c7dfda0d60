"""Qualtrics, Microsoft Forms and plain exports, real ones where this machine has them."""

from collections.abc import Callable
from datetime import date, datetime

import polars as pl
import pytest

from pipeline.programme import Programme
from pipeline.reading import microsoft_forms, plain, qualtrics
from pipeline.reading.canonical import Reading, read
from pipeline.reading.mapping import Mapping
from pipeline.reading.tabular import Unreadable, read_records

Read = Callable[[str, bytes | str], Reading]

QUALTRICS = """
organisation: cumbria
source: phq
kind: questionnaire
platform: qualtrics
files: "phq*"
participant: ExternalReference
wave: {constant: baseline}
instruments:
  phq4: {columns: "Q1_{item}"}
"""
FORMS = """
organisation: cumbria
source: phq
kind: questionnaire
platform: microsoft_forms
files: "phq*"
participant: Your collar number
wave: {constant: baseline}
instruments:
  phq4: {columns: "In the last two weeks: {item}", coding: labels}
columns: {completed_on: Completion time}
date_format: "%Y-%m-%d %H:%M:%S"
"""
PLAIN = QUALTRICS.replace("platform: qualtrics\n", "").replace("ExternalReference", "number")
IMPORT_IDS = '{""ImportId"":""QID%d""}'


@pytest.fixture
def reading(programme: Programme, mapped: Callable[[str], Mapping]) -> Read:
    def make(mapping: str, content: bytes | str) -> Reading:
        raw = content.encode() if isinstance(content, str) else content
        return read(raw, mapped(mapping), programme)

    return make


def only(found: Reading) -> pl.DataFrame:
    assert len(found.blocks) == 1
    return found.blocks[0].rows


def qualtrics_file(*rows: str, headers: int = 3) -> str:
    names = "StartDate,Status,DistributionChannel,IPAddress,ExternalReference,Q1_1,Q1_2,Q1_3,Q1_4"
    texts = 'Start Date,Response Type,Channel,IP,Ref,"Little\ninterest",Down,Nervous,Worry'
    ids = ",".join(f'"{IMPORT_IDS % place}"' for place in range(9))
    days = [f"2026-01-05 09:00:00,{row}" if row else row for row in rows]
    return "\n".join([*(names, texts, ids)[:headers], *days, ""])


@pytest.mark.parametrize("headers", [3, 2, 1])
def test_qualtrics_with_three_header_records_and_where_people_deleted_some(
    headers: int, reading: Read
) -> None:
    found = reading(
        QUALTRICS,
        qualtrics_file("0,anonymous,1.2.3.4,PC1,0,1,2,3", "", "0,,,PC2,3,,1,0", headers=headers),
    )
    rows = only(found)
    assert rows["identifier"].to_list() == ["PC1", "PC2"]
    assert rows["row_number"].to_list() == [headers + 1, headers + 3]
    assert rows.select("^item_.*$").row(1) == (3, None, 1, 0)
    assert (found.rows_in_file, found.rows_blank) == (3, 1)


@pytest.mark.parametrize(
    ("status", "channel", "is_test"),
    [
        ("IP Address", "anonymous", False),
        ("0", "email", False),
        ("4", "", False),
        ("", "", False),
        ("Survey Preview", "anonymous", True),
        ("SURVEY PREVIEW", "", True),
        ("Survey Test", "", True),
        ("Spam", "", True),
        ("1", "", True),
        ("2", "", True),
        ("8", "", True),
        ("0", "preview", True),
        ("IP Address", "Preview", True),
    ],
)
def test_qualtrics_marks_rows_that_are_no_answers(
    status: str, channel: str, is_test: bool, reading: Read
) -> None:
    rows = only(reading(QUALTRICS, qualtrics_file(f"{status},{channel},,PC1,0,1,2,3")))
    assert rows["is_test"].to_list() == [is_test]


def test_qualtrics_without_its_metadata_has_no_test_rows(reading: Read) -> None:
    file = (
        'ExternalReference,Q1_1,Q1_2,Q1_3,Q1_4\na,b,c,d,e\n"{""ImportId"":""x""}",,,,\nP,0,1,2,3\n'
    )
    assert only(reading(QUALTRICS, file))["is_test"].to_list() == [False]


def test_qualtrics_reports_what_identifies_and_is_left_out(reading: Read) -> None:
    found = reading(QUALTRICS, qualtrics_file("0,,1.2.3.4,PC1,0,1,2,3"))
    assert found.columns_left_out == ("IPAddress",)
    assert found.columns_unknown == 0


def test_a_column_that_nobody_accounts_for_is_counted_unless_the_mapping_leaves_it_out(
    reading: Read,
) -> None:
    file = qualtrics_file("0,,,PC1,0,1,2,3").replace("IPAddress", "Q9_secret")
    assert reading(QUALTRICS, file).columns_unknown == 1
    assert reading(QUALTRICS + 'leave_out: ["Q9_*"]\n', file).columns_unknown == 0
    assert reading(QUALTRICS + 'leave_out: ["q9_*"]\n', file).columns_unknown == 1


LEGACY = """V1,V4,V5,V6,V7,Q1,
ResponseID,ExternalDataReference,EmailAddress,IPAddress,Status,How are you?,
R_1,PC1,z@example.org,1.2.3.4,1,2,
R_2,PC2,z@example.org,1.2.3.4,0,3,
"""


def test_legacy_qualtrics_says_in_its_second_record_what_columns_are() -> None:
    table = qualtrics.read(read_records(LEGACY.encode()))
    assert table.rows(["V4", "Q1"], table.body()).rows() == [
        (3, True, "PC1", "2"),
        (4, False, "PC2", "3"),
    ]
    assert table.left_out({"V4", "Q1"}) == ["V1", "V5", "V6"]
    assert table.unknown({"V4", "Q1"}) == ["#7"]


def test_the_real_qualtrics_export(real_export: Callable[[str], bytes]) -> None:
    records = read_records(real_export("qualtrics/sample.csv"))
    table = qualtrics.read(records)
    rows = table.rows(["Q1", "Q2", "ResponseId", "EndDate"], table.body())
    assert table.header_records == 3
    assert rows.row(0) == (
        4,
        False,
        "2",
        "Hello World!",
        "R_2YPOQ602ER1jkf1",
        "2017-07-18 08:28:48",
    )
    assert rows.height == table.body().height == 1
    assert "RecipientLastName" in table.left_out({"Q1"})
    assert table.unknown({"Q1"}) == ["Q2", "Q2 - Topics"]


def test_the_real_legacy_qualtrics_export(real_export: Callable[[str], bytes]) -> None:
    table = qualtrics.read(read_records(real_export("qualtrics/sample_legacy.csv")))
    assert table.header_records == 2
    assert table.columns[0] == "V1"
    assert table.columns[-1] == "#16"
    assert table.rows(["V1", "Q1"], table.body()).row(0) == (3, False, "R_2YPOQ602ER1jkf1", "2")


def forms_file(workbook: Callable[..., bytes]) -> bytes:
    when = datetime(2026, 1, 5, 23, 59, 59)
    metadata = ("ID", "Start time", "Completion time", "Email", "Name", "Total points")
    questions = tuple(f"In the last\u00a0two weeks: {item}" for item in range(1, 5))
    first = ("Not at all", "several days ", "Nearly every day (3)", None)
    second = ("More than half the days", "sometimes", None, "not at all")
    return workbook(
        [
            (*metadata, "Your collar\u00a0number", "Email", *questions),
            (1, when, when, "anonymous", None, 3, 4711, "z@example.org", *first),
            (),
            (2, when, None, "anonymous", None, None, "PC 12", None, *second),
        ],
        day_format="m/d/yy h:mm:ss",
    )


def test_microsoft_forms(reading: Read, workbook: Callable[..., bytes]) -> None:
    found = reading(FORMS, forms_file(workbook))
    rows = only(found)
    assert rows["identifier"].to_list() == ["4711", "PC 12"]
    assert rows["row_number"].to_list() == [2, 4]
    assert rows["completed_on"].to_list() == [date(2026, 1, 5), None]
    assert rows.select("item_1", "item_3", "item_4").rows() == [(0, 3, None), (2, None, 0)]
    assert rows["item_2"].to_list()[0] == 1
    assert found.columns_left_out == ("Email", "Email#2", "Name")
    assert found.columns_unknown == 0


def test_the_second_email_of_a_form_is_its_own_question(workbook: Callable[..., bytes]) -> None:
    table = microsoft_forms.read(read_records(forms_file(workbook)))
    assert table.rows(["Email", "Email#2"], table.body()).row(0)[2:] == (
        None,
        "z@example.org",
    )


@pytest.mark.parametrize("column", ["E-mail", "Email", "EMAIL ADDRESS", "Surname", "Token"])
def test_plain_exports_report_what_usually_identifies(column: str) -> None:
    table = plain.read(read_records(f"number,{column},Q1\n1,x,2\n".encode()))
    expected = [] if column == "E-mail" else [column]
    assert table.left_out({"number", "Q1"}) == expected
    assert len(table.unknown({"number", "Q1"})) == 1 - len(expected)


def test_a_column_that_the_mapping_names_is_not_left_out() -> None:
    table = plain.read(read_records(b"Email,Q1\nx,2\n"))
    assert table.left_out({"Email", "Q1"}) == []
    assert table.unknown({"Email", "Q1"}) == []


def test_a_plain_file(reading: Read) -> None:
    found = reading(PLAIN, "number;Q1_1;Q1_2;Q1_3;Q1_4\n\nA;0;1;2;3\n;;;;\nB;3;2;1;0\n")
    assert only(found)["row_number"].to_list() == [3, 5]
    assert (found.rows_in_file, found.rows_blank) == (4, 2)


def test_an_unnamed_column_is_counted_only_if_it_holds_something(reading: Read) -> None:
    found = reading(PLAIN, "number,Q1_1,Q1_2,Q1_3,Q1_4,,\nA,0,1,2,3,,\nB,3,2,1,0, ,x\n")
    assert found.columns_unknown == 1


def test_sums_are_counted_and_not_taken_for_people_who_did_not_agree(reading: Read) -> None:
    text = PLAIN + "consent: {column: ok, agreed: [y]}\n"
    found = reading(
        text, "number,ok,Q1_1,Q1_2,Q1_3,Q1_4\nA,y,0,1,2,3\nB,,0,1,2,3\nTotal,,0,2,4,6\n"
    )
    assert only(found)["consent"].to_list() == [True, False, True]


def test_every_day_of_a_wide_file_is_of_one_order(reading: Read) -> None:
    text = """
organisation: cumbria
source: phq
kind: questionnaire
files: "*"
participant: id
wave: {suffixes: {a: baseline, b: session_10}}
instruments: {phq4: {columns: "Q{item}_{wave}"}}
columns: {completed_on: "day_{wave}"}
date_format: auto
"""
    items = ",".join(f"Q{n}_{wave}" for wave in "ab" for n in range(1, 5))
    file = f"id,{items},day_a,day_b\nA,0,1,2,3,0,1,2,3,05/01/2026,25/05/2026\n"
    assert only(reading(text, file))["completed_on"].to_list() == [
        date(2026, 1, 5),
        date(2026, 5, 25),
    ]


def test_a_row_of_spaces_is_blank(reading: Read) -> None:
    found = reading(PLAIN, "number,Q1_1,Q1_2,Q1_3,Q1_4\n , ,\u00a0,,\nA,0,1,2,3\n")
    assert only(found)["row_number"].to_list() == [3]
    assert found.rows_blank == 1


@pytest.mark.parametrize(
    "column", ["row_number", "is_test", "identifier", "home_force", "consent", "field_1", "wave"]
)
def test_a_column_may_be_called_as_muster_calls_its_own(column: str, reading: Read) -> None:
    file = f"{column},number,Q1_1,Q1_2,Q1_3,Q1_4\n9,A,0,1,2,3\n"
    rows = only(reading(PLAIN, file))
    assert rows.select("row_number", "identifier", "home_force", "consent").rows() == [
        (2, "A", "cumbria", True)
    ]
    asked = PLAIN.replace("participant: number", f"participant: {column}")
    assert only(reading(asked, file))["identifier"].to_list() == ["9"]


def test_header_only_says_so(reading: Read) -> None:
    with pytest.raises(Unreadable, match="headings but no rows"):
        reading(PLAIN, "number,Q1_1,Q1_2,Q1_3,Q1_4\n")


def test_a_missing_column_is_named_as_the_mapping_names_it(reading: Read) -> None:
    with pytest.raises(Unreadable) as refused:
        reading(PLAIN, "number,Zebedee,Q1_2,Q1_3\n1,2,3,4\n")
    assert "no column `Q1_1` and 1 more" in str(refused.value)
    assert "Zebedee" not in str(refused.value)
    assert "source phq" in str(refused.value)
