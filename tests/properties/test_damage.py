"""Whatever becomes of a file on its way: no error but Unreadable, and no row that vanishes."""

import csv
import io
import string
import zipfile
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from odd_files import archive, book

from pipeline import reference
from pipeline.programme import Limits, parse_programme
from pipeline.reading.canonical import Reading, read
from pipeline.reading.mapping import parse_mapping
from pipeline.reading.tabular import Unreadable, read_records

PROGRAMME = parse_programme(reference.example_programme().replace("[proqol5]", "[proqol5, phq4]"))
MAPPING = parse_mapping(
    """
    organisation: kent
    source: phq
    kind: questionnaire
    files: "*"
    participant: id
    wave: {constant: baseline}
    instruments: {phq4: {columns: "Q{item}"}}
    columns: {completed_on: day}
    date_format: auto
    """,
    "phq.yaml",
    PROGRAMME,
)


def contents_of(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as held:
        return {name: held.read(name) for name in held.namelist()}


HEADINGS = ["id", "Q1", "Q2", "Q3", "Q4", "day"]
SMALL = PROGRAMME.model_copy(update={"limits": Limits(rows=50, columns=20, unpacked_megabytes=1)})
ROWS = [[f"PC{n}", *"0123", f"{n:02d}/01/2026"] for n in range(10, 16)]
TEXT = "\n".join(map(",".join, [HEADINGS, *ROWS, ""])).encode()
BOOK = book([HEADINGS, *ROWS])
SOUND = {
    "text": TEXT,
    "utf-16": TEXT.decode().encode("utf-16"),
    "quoted": b'"' + TEXT.replace(b",", b'","').replace(b"\n", b'"\r\n"')[:-1],
    "workbook": BOOK,
    "workbook, not packed": archive(contents_of(BOOK), method=0),
    "archive": archive({"x.csv": TEXT}),
    "archive, not packed": archive({"x.csv": TEXT}, method=0),
    "archive of a workbook": archive({"x.xlsx": BOOK}, method=0),
}
drawn = settings(deadline=None, max_examples=150)


def read_or_refused(content: bytes) -> Reading | None:
    """What was read, each of its rows accounted for; any error but Unreadable fails the test."""
    try:
        found = read(content, MAPPING, SMALL)
    except Unreadable as refused:
        assert "\n" not in str(refused)
        return None
    assert found.rows_in_file == found.rows_blank + sum(b.rows.height for b in found.blocks)
    return found


@drawn
@given(st.binary(max_size=60), st.sampled_from([b"", b"PK\x03\x04", b"\xff\xfe", b"\0\0\xfe\xff"]))
def test_any_bytes(content: bytes, start: bytes) -> None:
    read_or_refused(start + content)


@drawn
@given(
    st.text('id,Q1234day;\t|"\r\n \u00a0é/.-&<p>0', max_size=120),
    st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "utf-8-sig"]),
    st.booleans(),
)
def test_any_text_in_any_encoding(text: str, encoding: str, headed: bool) -> None:
    read_or_refused(((",".join(HEADINGS) + "\n" if headed else "") + text).encode(encoding))


@pytest.mark.parametrize("kind", SOUND)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_sound_bytes_with_some_changed_or_missing(kind: str, data: st.DataObject) -> None:
    content = bytearray(SOUND[kind])
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, len(content) - 1))
        end = start + data.draw(st.integers(0, 3))
        content[start:end] = data.draw(st.binary(max_size=3))
        assume(content)
    cut = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    read_or_refused(bytes(content[:cut]))


# No quote, delimiter or line end is kept out of a cell; what no text holds is.
cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), max_size=12)
awkward = st.text("\",;\t|\r\n 'a1é", max_size=8)


@drawn
@given(
    st.lists(st.lists(cells | awkward, min_size=3, max_size=3), max_size=8),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.booleans(),
)
def test_a_well_formed_file_comes_back_cell_by_cell(
    rows: list[list[str]], delimiter: str, end: str, encoding: str, quote_all: bool
) -> None:
    def written(cell: str) -> str:
        if quote_all or set(cell) & {*'",;\t|\r\n'}:
            return '"' + cell.replace('"', '""') + '"'
        return cell

    lines = [delimiter.join(map(written, row)) for row in [["id", "Q1", "Q2"], *rows]]
    found = read_records((end.join(lines) + end).encode(encoding)).frame
    assert [[cell or "" for cell in row] for row in found.rows()[1:]] == rows


@settings(deadline=None, max_examples=500)
@given(st.text('a1,"\n', max_size=30))
@example('"a""\n1,1\n')
@example('a,1"a,\n')
def test_text_that_can_be_read_is_read_as_it_stands(text: str) -> None:
    """Against Python's own reader, whose strict way refuses what is not well-formed."""
    whole = "id,Q1\n" + text
    try:
        rows = list(csv.reader(io.StringIO(whole, newline=""), strict=True))
    except csv.Error:
        rows = None
    try:
        found = read_records(whole.encode()).frame.rows()
    except Unreadable:
        assert rows is None or any("".join(row[2:]).strip() for row in rows)
        return
    if rows is not None:
        filled = [[*row[:2], "", ""][:2] for row in rows]
        assert [[cell or "" for cell in row] for row in found] == filled


@drawn
@given(
    st.lists(st.dates(date(2020, 1, 1), date(2030, 12, 31)), min_size=1, max_size=6),
    st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%m-%d-%Y"]),
)
def test_days_are_right_or_the_file_is_held(days: list[date], written: str) -> None:
    lines = [f"PC{n},0,1,2,3,{day.strftime(written)}" for n, day in enumerate(days)]
    content = "\n".join([",".join(HEADINGS), *lines]).encode()
    tells = any(day.day > 12 for day in days)
    matters = any(day.day != day.month for day in days)
    try:
        (block,) = read(content, MAPPING, PROGRAMME).blocks
    except Unreadable as refused:
        assert "cannot be told apart" in str(refused)
        assert not tells
        assert matters
    else:
        assert block.rows["completed_on"].to_list() == days


@drawn
@given(
    st.lists(st.dates(date(2020, 1, 1), date(2030, 12, 31)), min_size=1, max_size=6),
    st.sampled_from(["%d/%m/%Y", "%m/%d/%Y"]),
    st.sampled_from(["%d/%m/%Y", "%m/%d/%Y"]),
)
def test_a_format_that_is_wrong_is_found_where_it_can_be(
    days: list[date], written: str, said: str
) -> None:
    mapping = MAPPING.model_copy(update={"date_format": said})
    lines = [f"PC{n},0,1,2,3,{day.strftime(written)}" for n, day in enumerate(days)]
    content = "\n".join([",".join(HEADINGS), *lines]).encode()
    shows = written != said and any(day.day > 12 for day in days)
    try:
        (block,) = read(content, mapping, PROGRAMME).blocks
    except Unreadable as refused:
        assert shows
        assert "the other way round" in str(refused)
    else:
        assert not shows
        assert written != said or block.rows["completed_on"].to_list() == days


@drawn
@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_numbers_that_count_days(day: date) -> None:
    serial = (day - date(1899, 12, 30)).days
    assert date(1899, 12, 30) + timedelta(days=serial) == day
    content = f"{','.join(HEADINGS)}\nPC,0,1,2,3,{serial}\n".encode()
    (block,) = read(content, MAPPING, PROGRAMME).blocks
    assert block.rows["completed_on"].to_list() == [day]


@drawn
@given(
    st.lists(
        st.lists(
            st.text(string.ascii_letters + "é \u00a0", max_size=6) | st.integers(0, 9_999_999),
            min_size=2,
            max_size=4,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_a_workbook_comes_back_row_by_row(rows: list[list[str | int]]) -> None:
    named = [[f"x{n}", *row] for n, row in enumerate(rows)]
    found = read_records(book(named)).frame
    said = [[str(cell) for cell in row] for row in named]
    width = max(map(len, said))
    full = [[*row, *[""] * (width - len(row))] for row in said]
    assert found.height == len(rows)
    shown = [[cell or "" for cell in row] for row in found.rows()]
    assert [row + [""] * (width - len(row)) for row in shown] == full
    assert set(found.dtypes) == {pl.String()}
