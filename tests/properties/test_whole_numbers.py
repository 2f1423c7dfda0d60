"""Delimited text parsed straight to numbers, against the same text parsed as text."""

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline import reference
from pipeline.reading.cells import answers
from pipeline.reading.mapping import Answers
from pipeline.reading.tabular import Unreadable, read_records

PHQ4 = reference.instruments()["phq4"]
CODING = Answers(columns="{item}")

cells = st.sampled_from(
    [
        *("", " ", "1", "4", " 4", "4 ", "+4", "-0", "04", "4.0", '"4"', '""', '" "', '"a,b"'),
        *("32767", "32768", "-32768", "-99", "x", "NA", "\u00a04", '"1\n2"', '"', "4,4"),
    ]
)
plain = st.sampled_from(["", "0", "1", "2", "3", "4", "-1", "12"])
rows = st.one_of(
    st.lists(plain, min_size=3, max_size=3),
    st.lists(cells, min_size=1, max_size=4),
)


@settings(deadline=None, max_examples=400)
@given(st.lists(rows, max_size=6), st.sampled_from(["\n", "\r\n"]), st.booleans())
@example([["1", "2", "3"], ["1", "2", "3", "4"]], "\n", True)
@example([["1", "2", "3"], [""], ["1", "2", "3"]], "\n", False)
def test_numbers_say_what_text_says(lines: list[list[str]], end: str, last: bool) -> None:
    text = end.join(["id,Q1,Q2", *map(",".join, lines)]) + (end if last else "")
    asked = ["field_1", "field_2"]
    try:
        whole = read_records(text.encode()).body(1)
    except Unreadable as unreadable:
        try:
            read_records(text.encode()).body(1, asked)
        except Unreadable as again:
            assert str(again) == str(unreadable)
        else:
            raise AssertionError("only text was found unreadable") from None
        return
    found = read_records(text.encode()).body(1, asked)
    assert found.height == whole.height
    assert found["field_0"].to_list() == whole["field_0"].to_list()
    for field in asked:
        stripped = whole[field].str.strip_chars()
        blank_as_null = stripped.set(stripped == "", None)
        if found[field].dtype == pl.String:
            assert found[field].to_list() == whole[field].to_list()
        else:
            assert (
                answers(found.select(field), CODING, PHQ4).rows()
                == answers(blank_as_null.to_frame(), CODING, PHQ4).rows()
            )


def test_numbers_are_parsed_at_once_where_every_cell_is_one() -> None:
    records = read_records(b"id,Q1,Q2\na,1,\nb,,x\n")
    assert records.body(1, ["field_1"]).schema["field_1"] == pl.Int16
    assert records.body(1, ["field_1", "field_2"]).schema["field_1"] == pl.String
