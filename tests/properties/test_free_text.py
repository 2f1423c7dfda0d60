"""Whatever stands around it and however it is written, what is on file does not come through."""

import re
import string

from hypothesis import given
from hypothesis import strategies as st

from pipeline.privacy.free_text import covered_in, redacted, tidied
from pipeline.privacy.people import ordinary_words, people_of

WORDS = st.text(string.ascii_lowercase, min_size=1, max_size=9)
NAMES = st.text(string.ascii_lowercase, min_size=5, max_size=9).filter(
    lambda name: name not in ordinary_words()
)
AROUND = st.lists(WORDS, max_size=6).map(" ".join)
WAYS = (str, str.upper, str.title)
BETWEEN = st.sampled_from([" ", ", ", "-", "  ", ". "])


@given(
    st.tuples(AROUND, AROUND),
    st.tuples(NAMES, NAMES),
    st.sampled_from(WAYS),
    BETWEEN,
    st.booleans(),
)
def test_a_name_on_file_is_covered(around, names, way, between, turned) -> None:
    (before, after), (given_name, family) = around, names
    people = people_of([("Name", [f"{given_name.title()} {family.title()}"])])
    parts = (family, given_name) if turned else (given_name, family)
    text = f"{before} {way(between.join(parts))} {after}"
    left = {word.casefold() for word in re.findall(r"[^\W\d_]+", redacted(text, people))}
    assert not {given_name, family} & left


@given(
    AROUND, AROUND, st.from_regex(r"[A-Z]{0,3}[0-9]{3,7}", fullmatch=True), st.sampled_from(WAYS)
)
def test_a_number_on_file_is_covered(before, after, number, way) -> None:
    text = f"{before} {way(number)} {after}"
    assert number.casefold() not in redacted(text, people_of([("id", [number])])).casefold().split()


@given(AROUND, AROUND, st.from_regex(r"07[0-9]{3} ?[0-9]{3} ?[0-9]{3}", fullmatch=True))
def test_a_mobile_number_is_covered(before, after, number) -> None:
    assert not any(sign.isdigit() for sign in redacted(f"{before} {number} {after}"))


@given(st.text(max_size=200))
def test_any_text_is_taken_and_pieces_are_apart_and_in_order(text) -> None:
    plain = tidied(text)
    assert tidied(plain) == plain
    spans = covered_in(plain, people_of([("Name", [text[:9]])]))
    edges = [edge for span in spans for edge in (span.start, span.end)]
    assert edges == sorted(edges)
    assert all(0 <= span.start < span.end <= len(plain) for span in spans)
