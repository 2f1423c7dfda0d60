"""Answers read fast against answers read one by one in plain Python."""

import math
import re
from fractions import Fraction

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline import reference
from pipeline.reading.cells import UNRECOGNISED, answers
from pipeline.reading.mapping import Answers

PROQOL = reference.instruments()["proqol5"]
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
ABSURD = 1000

spaces = st.sampled_from(["", " ", "\u00a0", "  "])
numbers = st.one_of(
    st.integers(-30_000, 30_000).map(str),
    st.integers().map(str),
    st.integers(-9, 9).map(lambda n: f"{n}.0"),
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    st.decimals(-9, 9, places=1).map(str),
)
words = st.sampled_from(
    ["NaN", "inf", "-inf", "4,5", "1e2", "often", "Very Often (5)", "0x4", "--1"]
)
cells = st.one_of(
    st.none(),
    words,
    st.tuples(spaces, numbers, spaces).map("".join),
    st.text(alphabet="0123456789.,-+eE ()abc", min_size=1, max_size=8),
)


def read_one(cells: list[str | None], coding: Answers) -> pl.Series:
    return answers(pl.DataFrame({"item": pl.Series(cells, dtype=pl.String)}), coding, PROQOL)[
        "item"
    ]


def one_by_one(cell: str | None, offset: int) -> int | None:
    """What one cell says: None is unanswered; what lies far out is only known to lie far out."""
    if cell is None:
        return None
    text = cell.strip()
    if not NUMBER.fullmatch(text):
        return UNRECOGNISED
    # Numbers so long or so small that no float tells them from a whole one are not asked about.
    number = Fraction(float(text)) if math.isfinite(float(text)) else None
    if number is None or number.denominator != 1:
        return UNRECOGNISED
    return int(number) + offset


def agree(read: int | None, expected: int | None) -> bool:
    if read is None or expected is None or UNRECOGNISED in {read, expected}:
        return read == expected
    if abs(expected) >= ABSURD - 10:
        return abs(read) >= ABSURD - 10 and (read > 0) == (expected > 0)
    return read == expected


@settings(deadline=None, max_examples=200)
@given(st.lists(cells, min_size=1, max_size=12), st.integers(-5, 5))
@example(["4", " 4", "4.0", "4,5", "Very Often (5)", "99999999999", "-1", "NaN", "inf", None], 0)
@example(["4", "-1"], -1)
def test_numbers_are_read_as_one_would_read_them(given: list[str | None], offset: int) -> None:
    coding = Answers(columns="Q{item}", offset=offset)
    read = read_one(given, coding)
    assert read.dtype == pl.Int16
    for cell, answer in zip(given, read.to_list(), strict=True):
        assert agree(answer, one_by_one(cell, offset)), cell


labelled = st.one_of(
    st.none(),
    st.tuples(
        spaces,
        st.sampled_from([*PROQOL.anchors, "seldom", "very", "5"]).flatmap(
            lambda word: st.sampled_from([word, word.upper(), word.title()])
        ),
        st.sampled_from(["", " (5)", "(1)", " (12) ", " ()", " (a)"]),
        spaces,
    ).map("".join),
)


def label_one_by_one(cell: str | None) -> int | None:
    if cell is None:
        return None
    word = re.sub(r"\s*\([0-9]+\)\s*$", "", cell.lower()).strip()
    places = {anchor: PROQOL.minimum + n for n, anchor in enumerate(PROQOL.anchors)}
    return places.get(word, UNRECOGNISED)


@settings(deadline=None)
@given(st.lists(labelled, min_size=1, max_size=12))
def test_labels_are_read_as_one_would_read_them(given: list[str | None]) -> None:
    coding = Answers(columns="Q{item}", coding="labels")
    assert read_one(given, coding).to_list() == [label_one_by_one(cell) for cell in given]


@settings(deadline=None)
@given(st.lists(st.lists(labelled, min_size=3, max_size=3), min_size=1, max_size=6))
@example([["NA", " often", " NA "]])
def test_items_together_are_read_as_each_by_itself(rows: list[list[str | None]]) -> None:
    coding = Answers(columns="Q{item}", coding="labels")
    together = pl.DataFrame(rows, schema=dict.fromkeys("abc", pl.String()), orient="row")
    read = answers(together, coding, PROQOL, missing={"NA"})
    for column in together:
        alone = [None if (cell or "").strip() in {"", "NA"} else cell for cell in column]
        assert read[column.name].to_list() == read_one(alone, coding).to_list()
