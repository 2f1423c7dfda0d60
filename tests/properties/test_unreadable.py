"""Whatever a file holds: it is read, or refused in one sentence that quotes none of its cells."""

import csv
import io

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline import reference
from pipeline.programme import parse_programme
from pipeline.reading.canonical import read
from pipeline.reading.mapping import parse_mapping
from pipeline.reading.tabular import Unreadable, read_records

CANARY = "Zebedee"
PROGRAMME = parse_programme(reference.example_programme().replace("[proqol5]", "[proqol5, phq4]"))


def mapping_of(platform: str) -> str:
    return yaml.safe_dump(
        {
            "organisation": "kent",
            "source": "phq",
            "kind": "questionnaire",
            "platform": platform,
            "files": "*",
            "participant": "id",
            "wave": {"constant": "baseline"},
            "instruments": {"phq4": {"columns": "Q{item}"}},
        }
    )


MAPPINGS = {
    platform: parse_mapping(mapping_of(platform), "phq.yaml", PROGRAMME)
    for platform in ("csv", "qualtrics")
}
cells = st.sampled_from(
    [CANARY, f"{CANARY}\n{CANARY}", f'"{CANARY}"', f"{CANARY},{CANARY}", "", " ", "4", "id", "Q1"]
)
tables = st.lists(st.lists(cells, min_size=1, max_size=6), min_size=1, max_size=6)
endings = st.sampled_from(["\n", "\r\n"])
drawn = settings(deadline=None, max_examples=100)


def sentence_of(content: bytes, platform: str = "csv") -> str | None:
    """Why the file is refused; None where it is read. Any other error fails the test."""
    try:
        read(content, MAPPINGS[platform], PROGRAMME)
    except Unreadable as refused:
        return str(refused)
    return None


def quotes_nothing(sentence: str | None) -> bool:
    return sentence is None or (CANARY not in sentence and "\n" not in sentence)


@drawn
@given(tables, endings, st.sampled_from(list(MAPPINGS)))
def test_a_sentence_about_a_ragged_file_quotes_no_cell(
    rows: list[list[str]], ending: str, platform: str
) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=ending).writerows(rows)
    assert quotes_nothing(sentence_of(text.getvalue().encode(), platform))


@drawn
@given(tables, endings, st.sampled_from([",", ";", "\t", "|"]))
@example([["id", "Q1"], ['"' + CANARY, "4"]], "\n", ",")
@example([["id", CANARY], [CANARY, CANARY, CANARY]], "\n", ",")
def test_a_sentence_about_unquoted_text_quotes_no_cell(
    rows: list[list[str]], ending: str, delimiter: str
) -> None:
    text = ending.join(delimiter.join(row) for row in rows)
    assert quotes_nothing(sentence_of(text.encode()))


@drawn
@given(st.binary(max_size=80), st.sampled_from([b"", b"PK\x03\x04", b"\xff\xfe", b"\xef\xbb\xbf"]))
def test_any_bytes_are_read_or_refused(content: bytes, start: bytes) -> None:
    whole = start + CANARY.encode() + content
    assert quotes_nothing(sentence_of(whole))


@drawn
@given(data=st.data())
def test_a_workbook_with_bytes_missing_or_changed_is_read_or_refused(
    data: st.DataObject, sound_workbook: bytes
) -> None:
    content = bytearray(sound_workbook)
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(5, len(content)))
    assert quotes_nothing(sentence_of(bytes(content[:cut])))


@pytest.fixture(scope="module")
def sound_workbook() -> bytes:
    import xlsxwriter

    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for place, row in enumerate([["id", "Q1"], [CANARY, 4]]):
            sheet.write_row(place, 0, row)
    return content.getvalue()


@drawn
@given(tables)
def test_a_sound_csv_comes_back_cell_by_cell(rows: list[list[str]]) -> None:
    width = max(map(len, rows))
    padded = [["x", *row, *[""] * (width - len(row))] for row in rows]
    text = io.StringIO()
    csv.writer(text).writerows(padded)
    # The delimiter is told from the first row, so that one is kept free of others.
    header = ",".join(f"c{place}" for place in range(width + 1)) + "\r\n"
    found = read_records((header + text.getvalue()).encode()).frame.rows()[1:]
    assert [[cell or "" for cell in row] for row in found] == padded
