"""How much of what identifies is found in a labelled corpus of invented comments.

`comments/with_identifiers.txt` has a text a line with `{kind:what identifies}`, `harmless.txt` texts
in which nothing does, and `people.csv` what the file's own columns would say of whom. A piece counts
as found if no letter or figure of it is left.
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


if __name__ == "__main__":
    with (FOLDER / "people.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    everybody = people_of((h, [row[h] for row in rows]) for h in rows[0])
    planted = Counter(kind for text in PLANTED_TEXTS for kind, _, _ in text.pieces)
    left = [(kind, piece, text.text) for text in PLANTED_TEXTS for kind, piece in left_of(text, everybody)]
    missed = Counter(kind for kind, _, _ in left)
    for kind, n in planted.items():
        print(f"{kind:20} {n - missed[kind]:4} of {n}")
    spans = [
        (any(s.start < e and b < s.end for _, b, e in t.pieces), t.text, s)
        for t in [*PLANTED_TEXTS, *(Labelled(text, ()) for text in HARMLESS)]
        for s in covered_in(t.text, everybody)
    ]
    wrong = [(text, text[s.start:s.end], s.what) for right, text, s in spans if not right]
    known = sum(n for k, n in planted.items() if k != NEVER_FOUND)
    print("recall", known - sum(n for k, n in missed.items() if k != NEVER_FOUND), "of", known)
    print("precision", len(spans) - len(wrong), "of", len(spans))
    print("harmless unchanged", sum(redacted(t, everybody) == t for t in HARMLESS), "of", len(HARMLESS))
    for each in left: print("LEFT", each)
    for each in wrong: print("WRONG", each)
