"""How much of what identifies is found in a labelled corpus of invented comments.

`comments/with_identifiers.txt` has a text a line with `{kind:what identifies}`, `harmless.txt`
texts in which nothing does, and `people.csv` what the file's own columns would say of whom. A piece
counts as found if no letter or figure of it is left.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.privacy.free_text import covered_in, redacted, tidied
from pipeline.privacy.people import People, people_of

FOLDER = Path(__file__).parent / "comments"
PLANTED = re.compile(r"\{(\w+):([^{}]+)\}")
NEVER_FOUND = "name_elsewhere"
"""Names that no column of the file holds and no rank or title stands before."""


@dataclass(frozen=True)
class Labelled:
    text: str
    pieces: tuple[tuple[str, int, int], ...]
    """Kind and place of each piece that identifies."""


def labelled(line: str) -> Labelled:
    text, pieces, end = "", [], 0
    for planted in PLANTED.finditer(line):
        text += line[end : planted.start()]
        pieces.append((planted[1], len(text), len(text) + len(planted[2])))
        text += planted[2]
        end = planted.end()
    return Labelled(text + line[end:], tuple(pieces))


def lines(name: str) -> list[str]:
    return (FOLDER / name).read_text("utf-8").splitlines()


@pytest.fixture(scope="module")
def people() -> People:
    with (FOLDER / "people.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return people_of((heading, [row[heading] for row in rows]) for heading in rows[0])


PLANTED_TEXTS = [labelled(line) for line in lines("with_identifiers.txt")]
HARMLESS = lines("harmless.txt")


def left_of(text: Labelled, people: People) -> Iterator[tuple[str, str]]:
    """Kind and text of each piece of which a letter or figure is left."""
    plain = tidied(text.text)
    assert len(plain) == len(text.text), "places would be others"
    spans = covered_in(plain, people)
    for kind, start, end in text.pieces:
        left = [
            place
            for place in range(start, end)
            if text.text[place].isalnum() and not any(s.start <= place < s.end for s in spans)
        ]
        if left:
            yield kind, text.text[start:end]


def test_the_corpus_is_large_enough() -> None:
    assert len(PLANTED_TEXTS) >= 200
    assert all(text.pieces for text in PLANTED_TEXTS)
    assert len(set(HARMLESS)) == len(HARMLESS) >= 200


@pytest.fixture(scope="module")
def left(people: People) -> list[tuple[str, str]]:
    return [piece for text in PLANTED_TEXTS for piece in left_of(text, people)]


def test_nearly_all_that_identifies_is_found(left: list[tuple[str, str]]) -> None:
    """docs/comments.md says these figures."""
    planted = Counter(kind for text in PLANTED_TEXTS for kind, _, _ in text.pieces)
    assert planted.total() - planted[NEVER_FOUND] == 230
    # A name that is a word where a sentence begins: the stated rule.
    assert [piece for piece in left if piece[0] != NEVER_FOUND] == [("name_on_file", "Grace")]


def test_names_that_nothing_gives_away_are_left_to_the_steward(
    left: list[tuple[str, str]],
) -> None:
    assert len([kind for kind, _ in left if kind == NEVER_FOUND]) == 6


def test_hardly_anything_else_is_covered(people: People) -> None:
    every = [*PLANTED_TEXTS, *(Labelled(text, ()) for text in HARMLESS)]
    covered = [(text, span) for text in every for span in covered_in(tidied(text.text), people)]
    wrong = [
        text.text[span.start : span.end]
        for text, span in covered
        if not any(span.start < end and start < span.end for _, start, end in text.pieces)
    ]
    assert len(covered) == 231
    assert wrong == ["May"]


def test_harmless_texts_stay_as_they_are(people: People) -> None:
    changed = [text for text in HARMLESS if redacted(text, people) != text]
    assert changed == ["I may come again in May"]


def test_the_measure_sees_what_is_left() -> None:
    text = labelled("ask {name_on_file:Jane Doe} or ring {phone:07700 900123}")
    assert text.text == "ask Jane Doe or ring 07700 900123"
    assert [*left_of(text, People())] == [("name_on_file", "Jane Doe")]
    half = people_of([("name", ["Jane Dough"])])
    assert [*left_of(text, half)] == [("name_on_file", "Jane Doe")], "half a name is not enough"
