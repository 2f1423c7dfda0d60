"""The workbook for a contact: what it says, and that no cell of it is ever carried out."""

import io
import re
from dataclasses import replace
from datetime import date, datetime
from zipfile import ZipFile

import fastexcel
import polars as pl
import pytest

from pipeline.follow_up.reminders import REMINDERS
from pipeline.programme import Contact
from pipeline.reminder_workbook import Cover, plain_text, reminder_workbook

COVER = Cover(
    "Reflective supervision",
    "Kent Police",
    Contact(organisation="kent", name="A. Contact", email="contact@university.example"),
    date(2026, 6, 30),
    left_out=12,
)
DUE, CLOSES = date(2026, 6, 29), date(2026, 7, 20)
FILES = pl.DataFrame(
    {
        "submission_id": ["kent--roster--new", "kent--roster--old", "kent--other--file"],
        "file_name": ["roster ***.csv", '=HYPERLINK("x") roster.csv', "attendance.csv"],
        "received_at": [datetime(2026, 5, day, 12) for day in (3, 1, 2)],
        "sha256": ["a" * 64, "b" * 64, "c" * 64],
    }
)


def reminders(*rows: tuple[str, int, str, bool]) -> pl.DataFrame:
    return pl.DataFrame(
        [(file, row, wave, DUE, CLOSES, overdue) for file, row, wave, overdue in rows],
        REMINDERS,
        orient="row",
    )


WANTED = reminders(
    ("kent--roster--new", 12, "session_5", False),
    ("kent--roster--old", 4, "baseline", True),
    ("kent--roster--old", 4, "session_5", False),
)


def sheet(content: bytes, name: str, *, headings: bool = True) -> pl.DataFrame:
    loaded = fastexcel.read_excel(content).load_sheet(name, header_row=0 if headings else None)
    return pl.DataFrame(loaded).with_columns(pl.col(pl.Datetime).cast(pl.Date))


@pytest.fixture(scope="module")
def made() -> bytes:
    return reminder_workbook(COVER, WANTED, FILES)


def test_the_first_sheet_says_whom_it_is_for_and_what_must_not_be_done(made: bytes) -> None:
    assert fastexcel.read_excel(made).sheet_names == ["Read first", "Reminders", "Files"]
    said = dict(sheet(made, "Read first", headings=False).rows())
    assert said["For"] == "A. Contact, contact@university.example, and nobody else"
    assert said["Organisation"] == "Kent Police"
    assert said["As of"].startswith("2026-06-30")
    assert said["Rows"].startswith("3 on the sheet Reminders")
    assert "Do not pass it" in said["What must not be done"]
    assert "line managers" in said["What must not be done"]
    assert "in confidence" in said["What it is for"]


@pytest.mark.parametrize(("n", "shown"), [(0, "0"), (1, "under 10"), (9, "under 10"), (12, "10")])
def test_the_first_sheet_says_roughly_how_many_were_left_out(n: int, shown: str) -> None:
    content = reminder_workbook(replace(COVER, left_out=n), WANTED, FILES)
    said = dict(sheet(content, "Read first", headings=False).rows())
    assert said["Left out"].startswith(
        f"{shown} officers, because a list of departures or a steward"
    )


def test_each_row_refers_to_a_file_of_the_organisation(made: bytes) -> None:
    # The file that came first is file 1.
    name = '\'=HYPERLINK("x") roster.csv'
    assert sheet(made, "Reminders").rows() == [
        (1.0, name, 4.0, "baseline", DUE, "overdue", CLOSES),
        (1.0, name, 4.0, "session_5", DUE, "due", CLOSES),
        (2.0, "roster ***.csv", 12.0, "session_5", DUE, "due", CLOSES),
    ]
    assert sheet(made, "Files").rows() == [
        (1.0, name, date(2026, 5, 1), 2.0, "b" * 64),
        (2.0, "roster ***.csv", date(2026, 5, 3), 1.0, "a" * 64),
    ]


def test_headings_stay_in_sight_and_tables_have_names(made: bytes) -> None:
    with ZipFile(io.BytesIO(made)) as parts:
        for number, name in ((2, "Reminders"), (3, "Files")):
            assert b'state="frozen"' in parts.read(f"xl/worksheets/sheet{number}.xml")
            assert f'name="{name}"'.encode() in parts.read(f"xl/tables/table{number - 1}.xml")


def test_nothing_in_it_is_a_formula_or_a_link(made: bytes) -> None:
    with ZipFile(io.BytesIO(made)) as parts:
        names = parts.namelist()
        for name in names:
            assert b"<f>" not in parts.read(name)
            assert b"<hyperlink " not in parts.read(name)
    assert not [name for name in names if "external" in name or "vba" in name]


def test_the_same_reminders_give_the_same_bytes_on_any_day(made: bytes) -> None:
    assert reminder_workbook(COVER, WANTED, FILES) == made
    with ZipFile(io.BytesIO(made)) as parts:
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        moments = re.findall(rb"\d{4}-\d\d-\d\dT[\d:]+Z", parts.read("docProps/core.xml"))
    assert set(moments) == {b"2026-06-30T00:00:00Z"}


def test_it_writes_nothing_beside_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    assert reminder_workbook(COVER, WANTED, FILES)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("roster ***.csv", "roster ***.csv"),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\t=1", "' =1"),
        ("\r\n=1", "'  =1"),
        ("\N{FULLWIDTH EQUALS SIGN}1", "'\N{FULLWIDTH EQUALS SIGN}1"),
        ("a\x00=1", "a =1"),
        ("", ""),
    ],
)
def test_text_from_a_file_is_text(text: str, shown: str) -> None:
    assert plain_text(text) == shown
