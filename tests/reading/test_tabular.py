"""Bytes -> records: encodings, delimiters, damaged files, and the rows a spreadsheet shows."""

from collections.abc import Callable
from datetime import datetime

import pytest

from pipeline.reading.tabular import Unreadable, distinct, read_records

CANARY = "Zebedee"


def cells(content: bytes) -> list[tuple[str | None, ...]]:
    return read_records(content).frame.rows()


def refusal(content: bytes) -> str:
    with pytest.raises(Unreadable) as refused:
        read_records(content)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    return str(refused.value)


@pytest.mark.parametrize("content", [b"", b" \n\t \r\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_file_says_so(content: bytes) -> None:
    assert "the file is empty" in refusal(content)


@pytest.mark.parametrize(
    "encoded",
    [
        "name,Q1\nZoë,4\n".encode(),
        b"\xef\xbb\xbf" + "name,Q1\nZoë,4\n".encode(),
        "name,Q1\nZoë,4\n".encode("utf-16"),
        b"\xff\xfe" + "name,Q1\nZoë,4\n".encode("utf-16-le"),
        b"\xfe\xff" + "name,Q1\nZoë,4\n".encode("utf-16-be"),
        "name,Q1\nZoë,4\n".encode("cp1252"),
    ],
    ids=["utf-8", "bom", "utf-16", "utf-16-le", "utf-16-be", "windows-1252"],
)
def test_the_same_file_in_every_encoding(encoded: bytes) -> None:
    assert cells(encoded) == [("name", "Q1"), ("Zoë", "4")]


def test_quotation_marks_of_windows() -> None:
    text = "\u2018fine\u2019 \u2013 really\u2026"
    assert cells(f"text,Q1\n{text},4\n".encode("cp1252"))[1][0] == text


@pytest.mark.parametrize("content", ["a,b\n1,é\n".encode("utf-16")[:-1], b"a,b\n\x81\x8d,\xff\n"])
def test_bytes_that_are_no_text_are_refused(content: bytes) -> None:
    sentence = refusal(content)
    assert "neither UTF-8, UTF-16 nor windows-1252" in sentence
    assert "export it again" in sentence


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (bytes(range(256)), "neither text nor a workbook"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "neither text nor a workbook"),
        (b"%PDF-1.4\n1 0 obj\n", "neither text nor a workbook"),
        (bytes.fromhex("D0CF11E0A1B11AE1") + bytes(500), "old workbook"),
    ],
    ids=["bytes", "png", "pdf", "xls"],
)
def test_other_kinds_of_file_are_called_what_they_are(content: bytes, sentence: str) -> None:
    assert sentence in refusal(content)


def test_line_ends_of_an_old_mac() -> None:
    assert cells(b"id,Q1\r1,4\r2,5\r") == [("id", "Q1"), ("1", "4"), ("2", "5")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_each_delimiter_and_what_quotes_protect(delimiter: str) -> None:
    text = f'id{delimiter}"Q{delimiter}1"\r\n7{delimiter}"a{delimiter}b\r\n""c"""\r\n'
    assert cells(text.encode()) == [
        ("id", f"Q{delimiter}1"),
        ("7", f'a{delimiter}b\r\n"c"'),
    ]


def test_delimiters_inside_a_quoted_heading_do_not_mislead() -> None:
    text = 'id;"Since when, how, why, where, and with whom?"\n7;yes\n'
    assert cells(text.encode())[1] == ("7", "yes")


def test_a_line_break_in_a_quoted_cell_is_no_row() -> None:
    records = cells(b'id,text\n1,"one\ntwo\n\nthree"\n2,x\n')
    assert [row[0] for row in records] == ["id", "1", "2"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blank_lines_keep_their_rows(end: str) -> None:
    text = end.join(["id,Q1", "1,4", "", "", "2,5", ""])
    records = cells(text.encode())
    assert records.index(("2", "5")) + 1 == 5


def test_blank_lines_keep_their_rows_in_a_file_of_one_column() -> None:
    assert cells(b"id\n1\n\n3\n")[3] == ("3",)


@pytest.mark.parametrize("top", ["\n\n", "\r\n\r\n", ",\n,\n"])
def test_blank_lines_on_top_keep_their_rows(top: str) -> None:
    records = read_records((top + "id,Q1\n1,4\n").encode())
    assert records.first == 2
    assert records.header(0) == ["id", "Q1"]
    assert records.frame.row(3) == ("1", "4")


def test_a_row_that_is_too_long_is_counted_from_the_top() -> None:
    assert refusal(b"\n\na,b\n1,2,3\n").startswith("row 4 has 3 cells")


def test_blank_rows_on_top_of_a_workbook_keep_their_rows(workbook: Callable[..., bytes]) -> None:
    records = read_records(workbook([[], [], ["id", "Q1"], ["a", 4]]))
    assert records.first == 2
    assert records.header(0) == ["id", "Q1"]
    assert records.frame.height == 4


def test_short_rows_are_filled_up() -> None:
    assert cells(b"a,b,c\n1\n2,3\n4,5,6\n") == [
        ("a", "b", "c"),
        ("1", None, None),
        ("2", "3", None),
        ("4", "5", "6"),
    ]


@pytest.mark.parametrize("row", [2, 3, 700])
def test_too_many_cells_name_the_row_and_the_remedy(row: int) -> None:
    lines = ["a,b"] + ["1,2"] * 800
    lines[row - 1] = f"1,2,{CANARY}"
    sentence = refusal("\n".join(lines).encode())
    assert sentence.startswith(f"row {row} has 3 cells where the first row has 2")
    assert "quotes" in sentence
    assert CANARY not in sentence


def test_a_row_counts_as_a_spreadsheet_counts_it() -> None:
    sentence = refusal(b'a,b\n1,"x\ny\nz"\n\n1,2,3\n')
    assert sentence.startswith("row 4 has 3 cells")


@pytest.mark.parametrize(
    "rest", [b'3,"Zebedee', b'3,"Zebedee\n5,6\n', b'3,"Zebedee\n' + b"5,6\n" * 20_000]
)
def test_an_unclosed_quote_names_where_it_opens(rest: bytes) -> None:
    sentence = refusal(b"a,b\n1,2\n" + rest)
    assert "after row 2" in sentence
    assert CANARY not in sentence


def test_header_only_is_a_file_with_a_header() -> None:
    assert cells(b"id,Q1\n") == [("id", "Q1")]


def test_a_hash_is_no_comment_and_a_number_no_number() -> None:
    assert cells(b"#id,Q1\n007,1e3\n#8,true\n") == [("#id", "Q1"), ("007", "1e3"), ("#8", "true")]


def test_a_workbook_as_text(workbook: Callable[..., bytes]) -> None:
    content = workbook(
        [
            ["id", "Q1", "when"],
            [4711, "Very often", datetime(2026, 1, 5)],
            [None, None, None],
            [4712.5, 12345678901234.0, datetime(2026, 1, 5, 9, 30)],
        ]
    )
    assert cells(content) == [
        ("id", "Q1", "when"),
        ("4711", "Very often", "2026-01-05 00:00:00"),
        (None, None, None),
        ("4712.5", "12345678901234", "2026-01-05 09:30:00"),
    ]


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.995])
def test_a_workbook_cut_short_is_refused(share: float, workbook: Callable[..., bytes]) -> None:
    content = workbook([["id", "Q1"], [CANARY, 4]])
    sentence = refusal(content[: int(len(content) * share)])
    assert "damaged or cut short" in sentence
    assert CANARY not in sentence


def test_an_empty_workbook_says_so(workbook: Callable[..., bytes]) -> None:
    assert "the workbook is empty" in refusal(workbook([]))


def test_headings_are_tidied_and_missing_records_are_blank() -> None:
    records = read_records('"  Your\u00a0 number\n(collar) ",\n7,8\n'.encode())
    assert records.header(0) == ["Your number (collar)", ""]
    assert records.header(5) == ["", ""]


def test_headings_are_made_distinct() -> None:
    assert distinct(["Email", "", "Q3_1", "Email", "", "Q3_1", "Email"]) == [
        "Email",
        "#2",
        "Q3_1",
        "Email#2",
        "#5",
        "Q3_1#2",
        "Email#3",
    ]
