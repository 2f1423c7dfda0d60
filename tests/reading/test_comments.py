"""Free text that a mapping names, with its row, wave and day, and whom the file is about."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import yaml

from pipeline.programme import Programme
from pipeline.reading.canonical import read
from pipeline.reading.comments import TEXTS, Comments
from pipeline.reading.mapping import Mapping
from pipeline.reading.tabular import Unreadable

HEADER = ("id", "Q1", "Q2", "Q3", "Q4", "More", "Done", "Full name")
Found = Callable[..., Comments]


@pytest.fixture
def found(
    programme: Programme, mapped: Callable[[str], Mapping], delimited: Callable[..., bytes]
) -> Found:
    def make(header: tuple[str, ...], *rows: tuple[str, ...], **said: Any) -> Comments:
        mapping = {
            "organisation": "cumbria",
            "source": "phq",
            "kind": "questionnaire",
            "files": "*",
            "participant": "id",
            "wave": {"constant": "baseline"},
            "instruments": {"phq4": {"columns": "Q{item}"}},
            "comments": {"anything_else": "More"},
            **said,
        }
        text = yaml.safe_dump(mapping, sort_keys=False)
        reading = read(delimited([header, *rows]), mapped(text), programme)
        assert reading.comments is not None
        assert reading.comments.texts.schema == TEXTS
        return reading.comments

    return make


def test_a_text_has_its_row_wave_and_day(found: Found) -> None:
    comments = found(
        HEADER,
        ("4711", "0", "1", "2", "3", " it helped ", "2026-02-01", "Jane Doe"),
        ("4712", "0", "1", "2", "3", "", "2026-02-02", ""),
        ("", "0", "1", "2", "3", "NA", "", ""),
        ("", "", "", "", "", "no answers, and no number", "", ""),
        columns={"completed_on": "Done"},
    )
    assert comments.texts.rows() == [
        (2, "baseline", date(2026, 2, 1), "anything_else", "it helped"),
        (5, "baseline", None, "anything_else", "no answers, and no number"),
    ]


def test_a_wide_file_has_texts_of_waves_and_of_the_whole_row(found: Found) -> None:
    comments = found(
        ("id", *(f"Q{i}_{w}" for w in ("a", "b") for i in range(1, 5)), "T_a", "T_b", "All"),
        ("4711", *("0123" * 2), "first", "second", "of both"),
        wave={"suffixes": {"a": "baseline", "b": "session_10"}},
        instruments={"phq4": {"columns": "Q{item}_{wave}"}},
        comments={"then": "T_{wave}", "overall": "All"},
    )
    assert comments.texts.select("wave", "question", "text").rows() == [
        ("baseline", "then", "first"),
        (None, "overall", "of both"),
        ("session_10", "then", "second"),
    ]


def test_columns_that_identify_are_found_by_platform_and_by_heading(found: Found) -> None:
    headings = ("id", "Q1", "Q2", "Q3", "Q4", "More", "Email", "Line manager", "Name of your force")
    row = ("4711", "0", "1", "2", "3", "fine", "j@x.example", "Sgt Doe", "Cumbria")
    headings, row = (*headings, "Mood"), (*row, "low")
    comments = found(headings, row)
    assert dict(comments.people) == {
        "participant": ("4711",),
        "id": ("4711",),
        "Email": ("j@x.example",),
        "Line manager": ("Sgt Doe",),
    }


def test_a_question_for_names_that_is_a_comment_names_nobody(found: Found) -> None:
    comments = found(
        ("id", "Q1", "Q2", "Q3", "Q4", "Name one thing to change"),
        ("4711", "0", "1", "2", "3", "the room"),
        comments={"change": "Name one thing to change"},
    )
    assert [heading for heading, _ in comments.people] == ["participant", "id"]


def test_columns_by_place_are_known_as_well(found: Found) -> None:
    comments = found(
        HEADER,
        ("4711", "0", "1", "2", "3", "it helped", "", "Jane Doe"),
        participant="#1",
        comments={"anything_else": "#6"},
    )
    assert comments.texts["text"].to_list() == ["it helped"]
    assert dict(comments.people) == {
        "participant": ("4711",),
        "id": ("4711",),
        "Full name": ("Jane Doe",),
    }


def test_a_number_in_two_columns_is_known_as_a_whole(found: Found) -> None:
    comments = found(
        ("id", "Suffix", *HEADER[1:]),
        ("4711", "B", "0", "1", "2", "3", "4711B was there", "", ""),
        participant=["id", "Suffix"],
    )
    assert dict(comments.people)["participant"] == ("4711B",)


def test_counters_of_responses_name_nobody(found: Found) -> None:
    comments = found(
        ("id", "UserNo", "Q1", "Q2", "Q3", "Q4", "More"),
        ("4711", "100", "0", "1", "2", "3", "100 of us"),
        platform="smartsurvey",
    )
    assert [heading for heading, _ in comments.people] == ["participant", "id"]


def test_a_file_without_the_column_is_refused_as_for_any_other(found: Found) -> None:
    with pytest.raises(Unreadable, match="no column `More`"):
        found(("id", "Q1", "Q2", "Q3", "Q4"), ("4711", "0", "1", "2", "3"))


def test_a_mapping_that_names_none_takes_none_in(
    programme: Programme, mapped: Callable[[str], Mapping], delimited: Callable[..., bytes]
) -> None:
    mapping = mapped(
        "{organisation: cumbria, source: phq, kind: questionnaire, files: '*', participant: id, "
        "wave: {constant: baseline}, instruments: {phq4: {columns: 'Q{item}'}}}"
    )
    content = delimited([HEADER, ("1", "0", "1", "2", "3", "text", "", "")])
    assert read(content, mapping, programme).comments is None


def test_nothing_of_it_is_shown(found: Found) -> None:
    comments = found(HEADER, ("4711", "0", "1", "2", "3", "it helped", "", "Jane Doe"))
    assert repr(comments) == "Comments()"
