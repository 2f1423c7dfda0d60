"""No word of a file name that is not known to be harmless survives."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.privacy.file_names import _HARMLESS, masked_file_name

KNOWN = ("cumbria", "session_10", "greater-manchester")
ALLOWED = _HARMLESS | {"cumbria", "session", "greater", "manchester"}

parts = st.one_of(
    st.sampled_from(["Jane", "O'Brien", "4711", "2026", "12", "export", "Cumbria", "MÜLLER", "_"]),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=6),
)
names = st.lists(parts, max_size=8).map("".join)
drawn = settings(deadline=None, max_examples=250)


@drawn
@given(names)
def test_every_word_that_survives_is_allowed(name: str) -> None:
    masked = masked_file_name(name, KNOWN)
    assert masked.isascii() or not re.search(r"[^\W\d_]", masked)
    for word in re.findall(r"[^\W\d_]+", masked):
        assert word.lower() in ALLOWED


@drawn
@given(names)
def test_every_number_that_survives_is_short_or_a_year(name: str) -> None:
    for number in re.findall(r"\d+", masked_file_name(name, KNOWN)):
        assert len(number) <= 2 or re.fullmatch(r"20\d\d", number)


@drawn
@given(st.lists(st.sampled_from(["export", "Cumbria", "session", " ", "_", "-", "2026"])))
def test_a_harmless_name_stays_as_it_is(words: list[str]) -> None:
    name = "-".join(words)
    assert masked_file_name(name, KNOWN) == name
