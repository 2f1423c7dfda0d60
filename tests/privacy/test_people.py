"""Names and numbers that a file's columns hold, and the rule for names that are words."""

import re

import pytest

from pipeline.privacy.free_text import redacted
from pipeline.privacy.people import ordinary_words, people_of

COLUMNS = [
    ("Full name", ["Jane Doe", "Will Mark", "May Hunter", "Jo Li", "Zoë O'Brien", None, ""]),
    ("Collar number", ["0471", "PC 2309", "7", "Total"]),
    ("Email", ["bob.ngata99@kent.police.uk", "info@kent.police.uk"]),
    ("Company", ["Kent Constabulary"]),
    ("Line manager", ["None of them has ever asked me how I am, and I would not tell them either"]),
]


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in people_of(COLUMNS).found_in(text)]


@pytest.mark.parametrize(
    "named",
    [
        *("Jane Doe", "JANE DOE", "jane doe", "Doe, Jane", "doe jane", "J. Doe", "Jane-Doe"),
        *("Zoe O'Brien", "ZOË OBRIEN", "Will Mark", "will mark", "Li, Jo", "jo li"),
        *("471", "0471", "PC 2309", "2309", "pc-2309", "bob ngata", "Kent Constabulary"),
    ],
)
def test_a_whole_name_or_number_is_found_however_it_is_written(named: str) -> None:
    assert named in found(f"then {named} said it")


@pytest.mark.parametrize("part", ["jane", "DOE", "Doe's", "zoe", "O'Brien", "ngata", "Bob"])
def test_a_part_that_is_nothing_else_is_found_in_any_case(part: str) -> None:
    assert found(f"{part} then") == [part.removesuffix("'s")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("will you mark it in may", []),
        ("Will you? Mark it. May I hunt?", []),
        ("WILL YOU MARK IT", []),
        ("- Will you", []),
        ('he said "Will you"', []),
        ("I asked Will about it", ["Will"]),
        ("it was May who asked", ["May"]),
        ("with Jo in the room", ["Jo"]),
        ("so jo did it", []),
        ("jane will do it", ["jane", "will"]),
        ("ask will doe", ["will", "doe"]),
    ],
)
def test_a_part_that_is_a_word_too_counts_where_it_must_be_a_name(
    text: str, expected: list[str]
) -> None:
    assert sorted(found(text)) == sorted(expected)


@pytest.mark.parametrize(
    "text", ["7 of us", "kent has it", "the info desk", "Total", "nobody asked"]
)
def test_short_numbers_places_and_sentences_in_columns_cover_nothing(text: str) -> None:
    assert found(text) == []


def test_the_list_of_words_is_read_without_its_remarks() -> None:
    words = ordinary_words()
    assert {"will", "may", "mark", "grace", "police", "simulated"} <= words
    assert not {"#", "months,", "jane", "mohammed"} & words
    assert all(word == word.casefold() and word.isalpha() for word in words)
    assert len(words) > 900


@pytest.mark.parametrize(
    ("heading", "cell", "text", "expected"),
    [
        ("participant", "PC4711", "4711's mate, #4711, 4 7 1 1", 3),
        ("Officer name", "PC 4711 Jane Dough", "jane, a PC, and dough of 4711", 3),
        ("Line manager", "Sgt 882 Jane Dough", "ask Dough, sgt", 1),
        ("Name", "Anne Lloyd-Dough", "lloyddough and Lloyd Dough", 2),
        ("E-mail", "tsim42@example.org", "tsim42 wrote", 1),
    ],
)
def test_what_is_on_file_together_is_found_apart(
    heading: str, cell: str, text: str, expected: int
) -> None:
    people = people_of([(heading, [cell])])
    assert len({(span.start, span.end) for span in people.found_in(text)}) >= expected
    assert not {"4711", "dough", "tsim42"} & {*re.findall(r"\w+", redacted(text, people).lower())}
