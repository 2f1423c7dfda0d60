"""Questionnaire exports -> one row an officer, wave and instrument, answers as numbers."""

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
import pytest
import yaml

from pipeline.programme import Programme
from pipeline.reading.canonical import Reading, read
from pipeline.reading.cells import UNRECOGNISED
from pipeline.reading.mapping import Mapping
from pipeline.reading.tabular import Unreadable

Read = Callable[..., Reading]
ITEMS = ("Q1", "Q2", "Q3", "Q4")


@pytest.fixture
def reading(
    programme: Programme,
    mapped: Callable[[str], Mapping],
    delimited: Callable[..., bytes],
) -> Read:
    """Reads rows under a mapping that names the column `id` and says what else it is told."""

    def make(header: tuple[str, ...], *rows: tuple[str, ...], **said: Any) -> Reading:
        mapping = mapped(
            yaml.safe_dump(
                {
                    "organisation": "cumbria",
                    "source": "phq",
                    "kind": "questionnaire",
                    "files": "*",
                    "participant": "id",
                    "wave": {"constant": "baseline"},
                    "instruments": {"phq4": {"columns": "Q{item}"}},
                    **said,
                },
                sort_keys=False,
            )
        )
        return read(delimited([header, *rows]), mapping, programme)

    return make


def answers(found: Reading, row: int = 0) -> list[int | None]:
    return list(found.blocks[0].rows.select("^item_.*$").row(row))


@pytest.mark.parametrize(
    ("cell", "answer"),
    [
        ("3", 3),
        (" 3 ", 3),
        ("\u00a03", 3),
        ("3.0", 3),
        ("+3", 3),
        ("03", 3),
        ("-1", -1),
        ("", None),
        (" ", None),
        ("\u00a0", None),
        ("NA", None),
        ("NA ", None),
        ("2.5", UNRECOGNISED),
        ("2,5", UNRECOGNISED),
        ("NaN", UNRECOGNISED),
        ("inf", UNRECOGNISED),
        ("-inf", UNRECOGNISED),
        ("0x3", UNRECOGNISED),
        ("three", UNRECOGNISED),
        ("3 - often", UNRECOGNISED),
        ("N/A", UNRECOGNISED),
    ],
)
@pytest.mark.parametrize("beside", ["1", "1.0", "x"], ids=["whole", "decimal", "word"])
def test_an_answer_in_every_spelling(
    cell: str, answer: int | None, beside: str, reading: Read
) -> None:
    found = reading(("id", *ITEMS), ("a", cell, "0", "1", "2"), ("b", beside, "0", "1", "2"))
    assert answers(found)[0] == answer


@pytest.mark.parametrize("cell", ["99999999999", "1e300", "-99999999999", "40000"])
def test_an_absurd_answer_stays_absurd(cell: str, reading: Read) -> None:
    answer = answers(reading(("id", *ITEMS), ("a", cell, "0", "1", "2")))[0]
    assert answer is not None
    assert answer != UNRECOGNISED
    assert abs(answer) > 100
    assert (answer > 0) == (not cell.startswith("-"))


@pytest.mark.parametrize(("offset", "expected"), [(0, 1), (-1, 0), (1, 2)])
def test_an_offset_moves_numbers_and_nothing_else(
    offset: int, expected: int, reading: Read
) -> None:
    found = reading(
        ("id", *ITEMS),
        ("a", "1", "", "x", "1.0"),
        instruments={"phq4": {"columns": "Q{item}", "offset": offset}},
    )
    assert answers(found) == [expected, None, UNRECOGNISED, expected]


@pytest.mark.parametrize(
    ("cell", "answer"),
    [
        ("Not at all", 0),
        ("SEVERAL DAYS", 1),
        (" more than half the days ", 2),
        ("Nearly every day (3)", 3),
        ("nearly every day(4)", 3),
        ("\u00a0not at all\u00a0", 0),
        ("not\u00a0at  all", 0),
        ("sometimes", UNRECOGNISED),
        ("3", UNRECOGNISED),
        ("(3)", UNRECOGNISED),
        ("", None),
    ],
)
def test_anchors_of_the_instrument_as_labels(cell: str, answer: int | None, reading: Read) -> None:
    found = reading(
        ("id", *ITEMS),
        ("a", cell, "not at all", "not at all", "not at all"),
        instruments={"phq4": {"columns": "Q{item}", "coding": "labels"}},
    )
    assert answers(found)[0] == answer


def test_labels_of_the_mapping_take_the_place_of_the_anchors(reading: Read) -> None:
    found = reading(
        ("id", *ITEMS),
        ("a", "Hardly", "OFTEN (2)", "not at all", "Überhaupt nicht"),
        ("b", "Never (0)", "never", "Weiß nicht", "WEISS NICHT"),
        instruments={
            "phq4": {
                "columns": "Q{item}",
                "coding": "labels",
                "labels": {
                    "hardly": 1,
                    "often": 2,
                    "überhaupt nicht": 0,
                    "Never (0)": 0,
                    "Weiß nicht": 3,
                },
            }
        },
    )
    assert answers(found) == [1, 2, UNRECOGNISED, 0]
    assert answers(found, 1) == [0, 0, 3, UNRECOGNISED]


def test_missing_codes_are_blanks_in_every_column(reading: Read) -> None:
    found = reading(
        ("id", *ITEMS, "day"),
        ("-99", "-99", "NA", "1", "2", "-99"),
        missing=["-99"],
        columns={"completed_on": "day"},
    )
    row = found.blocks[0].rows.row(0, named=True)
    assert row["identifier"] is None
    assert answers(found) == [None, UNRECOGNISED, 1, 2]
    assert row["completed_on"] is None
    assert row["unrecognised"] == []


@pytest.mark.parametrize(
    ("pattern", "cell", "day"),
    [
        ("%Y-%m-%d", "2026-01-05", date(2026, 1, 5)),
        ("%Y-%m-%d", " 2026-01-05 ", date(2026, 1, 5)),
        ("%d/%m/%Y", "5/1/2026", date(2026, 1, 5)),
        ("%d/%m/%y", "05/01/26", date(2026, 1, 5)),
        ("%Y-%m-%d %H:%M:%S", "2026-01-05 23:59:59", date(2026, 1, 5)),
        ("%m/%d/%Y %I:%M %p", "01/05/2026 11:59 PM", date(2026, 1, 5)),
        ("%Y-%m-%d", "2026-02-29", None),
        ("%d/%m/%Y", "2026-01-05", date(2026, 1, 5)),
        ("%Y-%m-%d", "Monday", None),
    ],
)
def test_days_with_and_without_a_time(
    pattern: str, cell: str, day: date | None, reading: Read
) -> None:
    found = reading(
        ("id", *ITEMS, "day"),
        ("a", "0", "1", "2", "3", cell),
        columns={"completed_on": "day"},
        date_format=pattern,
    )
    row = found.blocks[0].rows.row(0, named=True)
    assert row["completed_on"] == day
    assert row["unrecognised"] == ([] if day else ["completed_on"])


def test_a_duration_is_rounded_to_seconds(reading: Read) -> None:
    found = reading(
        ("id", *ITEMS, "time"),
        ("a", "0", "1", "2", "3", "61.6"),
        ("b", "0", "1", "2", "3", ""),
        columns={"duration_seconds": "time"},
    )
    rows = found.blocks[0].rows
    assert rows["duration_seconds"].to_list() == [62, None]
    assert rows["unrecognised"].to_list() == [[], []]


@pytest.mark.parametrize("cell", ["a minute", "-5", "99999999999", "1e400", "NaN", "inf"])
def test_a_duration_that_is_none_is_unknown(cell: str, reading: Read) -> None:
    found = reading(
        ("id", *ITEMS, "time"),
        ("a", "0", "1", "2", "3", cell),
        columns={"duration_seconds": "time"},
    )
    row = found.blocks[0].rows.row(0, named=True)
    assert row["duration_seconds"] is None
    assert row["unrecognised"] == ["duration_seconds"]


@pytest.mark.parametrize(
    ("cell", "wave"),
    [
        ("Start", "baseline"),
        ("Session_10", "session_10"),
        (" start ", "baseline"),
        ("Later", None),
        ("", None),
    ],
)
def test_a_wave_in_a_column(cell: str, wave: str | None, reading: Read) -> None:
    found = reading(
        ("id", *ITEMS, "when"),
        ("a", "0", "1", "2", "3", cell),
        wave={"column": "when", "values": {"Start": "baseline"}},
    )
    assert found.blocks[0].rows["wave"].to_list() == [wave]


def test_arm_and_gender_of_a_questionnaire(reading: Read) -> None:
    found = reading(
        ("id", *ITEMS, "arm", "sex"),
        ("a", "0", "1", "2", "3", "WAITING-LIST", " F "),
        ("b", "0", "1", "2", "3", "later", "Other"),
        ("c", "0", "1", "2", "3", "control", ""),
        columns={"arm": "arm", "gender": "sex"},
        values={"arm": {"Later": "waiting-list"}, "gender": {"f": "female"}},
    )
    rows = found.blocks[0].rows
    assert rows["arm"].to_list() == ["Waiting-List", "Waiting-List", None]
    assert rows["gender"].to_list() == ["female", "other", None]
    assert rows["unrecognised"].to_list() == [[], [], ["arm"]]


WIDE = {
    "wave": {"suffixes": {"pre": "baseline", "post": "session_10"}},
    "instruments": {"phq4": {"columns": "Q{item}_{wave}"}},
    "columns": {"completed_on": "day_{wave}"},
}
WIDE_HEADER = (
    "id",
    *(f"Q{item}_pre" for item in range(1, 5)),
    "day_pre",
    *(f"Q{item}_post" for item in range(1, 5)),
    "day_post",
)


def test_a_wide_file_is_unfolded(reading: Read) -> None:
    found = reading(
        WIDE_HEADER,
        ("a", "0", "1", "2", "3", "2026-01-05", "3", "2", "1", "0", "2026-05-25"),
        ("b", "", "", "", "", "", "1", "", "", "", "2026-05-26"),
        ("c", "1", "1", "1", "1", "", "", "", "", "", "2026-05-27"),
        **WIDE,
    )
    rows = found.blocks[0].rows
    assert rows.select("row_number", "identifier", "wave", "completed_on", "item_1").rows() == [
        (2, "a", "baseline", date(2026, 1, 5), 0),
        (2, "a", "session_10", date(2026, 5, 25), 3),
        (3, "b", "session_10", date(2026, 5, 26), 1),
        (4, "c", "baseline", None, 1),
    ]
    assert found.rows_in_file == 3


def test_a_row_that_answers_nothing_stays_one_row(reading: Read) -> None:
    blank = ("a", *[""] * 10)
    wide = reading(WIDE_HEADER, blank, **WIDE).blocks[0].rows
    assert wide.select("row_number", "wave").rows() == [(2, "baseline")]
    several = reading(
        ("id", *ITEMS, *(f"P{item}" for item in range(1, 31))),
        ("a", *[""] * 34),
        instruments={"phq4": {"columns": "Q{item}"}, "proqol5": {"columns": "P{item}"}},
    )
    assert [block.rows.height for block in several.blocks] == [1, 0]


def test_an_answer_that_is_none_counts_as_answered(reading: Read) -> None:
    found = reading(WIDE_HEADER, ("a", *[""] * 5, "x", "", "", "", ""), **WIDE)
    assert found.blocks[0].rows.select("wave", "item_1").rows() == [("session_10", UNRECOGNISED)]


def test_several_instruments_in_one_file(reading: Read) -> None:
    proqol = tuple(f"P{item}" for item in range(1, 31))
    found = reading(
        ("id", *ITEMS, *proqol),
        ("a", "0", "1", "2", "3", *["5"] * 30),
        ("b", "", "", "", "", *["4"] * 30),
        ("c", "3", "3", "3", "3", *[""] * 30),
        instruments={"phq4": {"columns": "Q{item}"}, "proqol5": {"columns": "P{item}"}},
    )
    by_instrument = {
        block.instrument.instrument: block.rows["identifier"].to_list()
        for block in found.blocks
        if block.instrument
    }
    assert by_instrument == {"phq4": ["a", "c"], "proqol5": ["a", "b"]}
    assert "item_30" in found.blocks[1].rows.columns
    assert "item_5" not in found.blocks[0].rows.columns


def test_items_are_found_by_number_not_by_place(reading: Read) -> None:
    found = reading(("Q4", "Q2", "id", "Q1", "Q3"), ("3", "1", "a", "0", "2"))
    assert answers(found) == [0, 1, 2, 3]
    assert found.blocks[0].rows.schema["item_1"] == pl.Int16


def test_consent_is_yes_only_where_it_is_said(reading: Read) -> None:
    cells = ["I agree", " i AGREE ", "No", "", "I agree not"]
    found = reading(
        ("id", *ITEMS, "ok"),
        *((str(place), "0", "1", "2", "3", cell) for place, cell in enumerate(cells)),
        consent={"column": "ok", "agreed": ["I agree"]},
    )
    assert found.blocks[0].rows["consent"].to_list() == [True, True, False, False, False]


def test_where_no_consent_is_asked_all_rows_count(reading: Read) -> None:
    found = reading(("id", *ITEMS), ("a", "0", "1", "2", "3"))
    assert found.blocks[0].rows["consent"].to_list() == [True]
    assert found.blocks[0].rows["home_force"].to_list() == ["cumbria"]


def test_columns_that_the_mapping_does_not_name_are_not_carried(reading: Read) -> None:
    found = reading(("id", "diary", *ITEMS), ("a", "Zebedee", "0", "1", "2", "3"))
    assert "Zebedee" not in str(found.blocks[0].rows.rows())
    assert "diary" not in found.blocks[0].rows.columns


WITHOUT_HEADINGS = ("", "", "", "", "", "day")


def test_columns_by_their_place(reading: Read) -> None:
    found = reading(
        WITHOUT_HEADINGS,
        ("a", "0", "1", "2", "3", "2026-01-05"),
        ("b", "", "3", "x", "0", ""),
        participant="#1",
        instruments={"phq4": {"columns": "#{item}", "first": 2}},
        columns={"completed_on": "#6"},
    )
    assert [answers(found, row) for row in (0, 1)] == [[0, 1, 2, 3], [None, 3, UNRECOGNISED, 0]]
    rows = found.blocks[0].rows
    assert rows["identifier"].to_list() == ["a", "b"]
    assert rows["completed_on"].to_list() == [date(2026, 1, 5), None]
    assert (found.columns_unknown, found.columns_left_out) == (0, ())


def test_a_place_is_that_of_a_column_with_a_heading_too(reading: Read) -> None:
    found = reading(
        ("Name", "id", *ITEMS, "Name", "#2"),
        ("Zebedee", "a", "0", "1", "2", "3", "x", "b"),
        participant="#2",
        instruments={"phq4": {"columns": "#{item}", "first": 3}},
    )
    # A column that is called so goes first.
    assert found.blocks[0].rows["identifier"].to_list() == ["b"]
    assert answers(found) == [0, 1, 2, 3]
    assert found.columns_left_out == ("Name", "Name#2")
    assert found.columns_unknown == 1


@pytest.mark.parametrize("place", ["#7", "#0007", "#99999", "#x", "#"])
def test_a_place_that_the_file_does_not_have(place: str, reading: Read) -> None:
    with pytest.raises(Unreadable, match=rf"the file has no column `{place}`; send the usual"):
        reading(("id", *ITEMS, "day"), ("a", *"0123", ""), columns={"completed_on": place})


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (("Q11", "Q12", "Q13", "Q14"), {"columns": "Q{item}", "first": 11}),
        (("Q0", "Q1", "Q2", "Q3"), {"columns": "Q{item}", "first": 0}),
        (("Q1_1_a", "Q1_1_b", "Q1_1_c", "Q1_1_d"), {"columns": "Q1_1_{letter}"}),
        (("Q7", "Q9", "mood", "Q8"), {"columns": ["Q7", "Q9", "mood", "Q8"]}),
    ],
)
def test_items_that_are_not_numbered_from_one(
    header: tuple[str, ...], said: dict[str, Any], reading: Read
) -> None:
    found = reading(("id", *header), ("a", *"0123"), instruments={"phq4": said})
    assert answers(found) == [0, 1, 2, 3]


def test_lists_of_columns_in_a_wide_file(reading: Read) -> None:
    found = reading(
        WIDE_HEADER,
        ("a", "0", "1", "2", "3", "", "3", "2", "1", "0", ""),
        wave=WIDE["wave"],
        instruments={"phq4": {"columns": [f"Q{item}_{{wave}}" for item in (4, 3, 2, 1)]}},
    )
    assert [answers(found, row) for row in (0, 1)] == [[3, 2, 1, 0], [0, 1, 2, 3]]


@pytest.mark.parametrize("form", ["{}", "{}.0", " {}"])
@pytest.mark.parametrize(
    ("offset", "cells"), [(0, "3210"), (-1, "4321"), (2, ["1", "0", "-1", "-2"])]
)
def test_an_export_that_counts_backwards(
    form: str, offset: int, cells: str | list[str], reading: Read
) -> None:
    found = reading(
        ("id", *ITEMS),
        ("a", *(form.format(cell) for cell in cells)),
        ("b", "", "x", form.format(cells[0]), "99999999999"),
        instruments={"phq4": {"columns": "Q{item}", "offset": offset, "reversed": True}},
    )
    assert answers(found) == [0, 1, 2, 3]
    *others, absurd = answers(found, 1)
    assert others == [None, UNRECOGNISED, 0]
    assert absurd is not None
    assert absurd not in {UNRECOGNISED, *range(-100, 100)}


WINDOWS = {
    "baseline": {"from": date(2026, 1, 5), "to": date(2026, 2, 1)},
    "session_5": {"from": date(2026, 2, 2), "to": date(2026, 3, 31)},
}


@pytest.mark.parametrize(
    ("day", "wave"),
    [
        ("2026-01-04", None),
        ("2026-01-05", "baseline"),
        ("2026-02-01", "baseline"),
        ("2026-02-02", "session_5"),
        ("2026-03-31", "session_5"),
        ("2026-04-01", None),
        ("Monday", None),
        ("", None),
    ],
)
def test_the_wave_within_whose_days_it_was_answered(
    day: str, wave: str | None, reading: Read
) -> None:
    found = reading(
        ("id", *ITEMS, "day"),
        ("a", *"0123", day),
        wave={"windows": WINDOWS},
        columns={"completed_on": "day"},
    )
    assert found.blocks[0].rows["wave"].to_list() == [wave]


def test_a_number_in_several_columns(reading: Read) -> None:
    found = reading(
        ("force", "no", *ITEMS),
        ("43", "0711", *"0123"),
        ("43", "", *"0123"),
        ("", "711", *"0123"),
        ("Total", "", *"0123"),
        ("43", "1.2E+06", *"0123"),
        participant=["force", "no"],
    )
    rows = found.blocks[0].rows
    assert rows["identifier"].to_list() == ["430711", None, None, None, None]
    assert rows["unrecognised"].to_list() == [[], [], [], ["row"], ["participant"]]


@pytest.mark.parametrize("coding", ["numeric", "labels"])
def test_codes_for_nothing_said_of_some_columns(coding: str, reading: Read) -> None:
    found = reading(
        ("id", *ITEMS),
        ("a", "999", "999.0", "-99", "n/a"),
        ("b", "999", " -99 ", "999,00", "-99.5"),
        missing=[-99],
        missing_in={"Q[12]": [999], "Q4": ["n/a"]},
        instruments={"phq4": {"columns": "Q{item}", "coding": coding}},
    )
    assert answers(found) == [None, None, None, None]
    first, second, third, fourth = answers(found, 1)
    assert (first, second, fourth) == (None, None, UNRECOGNISED)
    # 999 means something in the columns that the mapping names, and elsewhere is no answer.
    assert third == (999 if coding == "numeric" else UNRECOGNISED)


def test_spellings_are_what_was_written_not_what_yaml_makes_of_them(
    mapped: Callable[[str], Mapping],
) -> None:
    mapping = mapped(
        """
organisation: cumbria
source: register
kind: attendance
files: "*"
participant: 0123
columns: {session_number: 2, attended: Yes}
values: {attended: {Y: Yes, N: No, On: true, 0x1: 0}}
missing: [-99, 1e3, 2026-01-05]
"""
    )
    assert mapping.participant == "0123"
    assert mapping.columns == {"session_number": "2", "attended": "Yes"}
    assert mapping.values == {"attended": {"Y": "Yes", "N": "No", "On": "true", "0x1": "0"}}
    assert mapping.missing == ("-99", "1e3", "2026-01-05")
