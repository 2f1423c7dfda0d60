"""Names and numbers of people that a file's identifying columns hold, found again in its texts.

What belongs here: making them ready to be looked up, and the rule for names that are words. What
stays out: which columns identify (`pipeline/reading/comments.py`), and what is told by its form
alone (`free_text.py`). Nothing here is ever shown or kept.

The rule. Names are compared without case, accents, apostrophes and hyphens, and a genitive s.

- A whole name (`Jane Doe`, `Doe, Jane`, `J. Doe`), number or address is covered wherever it stands.
- A part of a name is covered wherever it stands by itself.
- But a part that is an ordinary word too (`Will`, `May`, `Mark`; words_that_are_names.txt), or has
  under three letters, is covered only where it must be meant as a name: beside another part of a
  name, or with a capital letter where no sentence begins and not everything is in capitals.
"""

import re
import string
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

from pipeline.vocabulary import Covered

_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_GAP: Final = re.compile(r"[\s\-_./,]{0,3}")
_SENTENCE_BEGINS_AFTER: Final = frozenset(".!?:;\"'(*-\u2022")
_LONGEST_CELL: Final = 60
_MOST_NAMES: Final = 5
"""Words of a cell: with more it says something and names nobody."""

_RANKS: Final = frozenset(
    {"pc", "wpc", "pcso", "dc", "tdc", "ps", "wps", "sgt", "ds", "di", "dci", "ci", "insp", "supt"}
    | {"constable", "sergeant", "inspector", "superintendent", "detective", "chief", "acting"}
)
"""Words beside a number that are no part of a name."""

_SHORTEST_PART: Final = 3
_SHORTEST_NUMBER: Final = 3
_MOST_WORDS: Final = 5
_NAMES_PEOPLE: Final = re.compile(
    r"name|user|mail|manager|supervisor|facilitator|leader|contact|sergeant|inspector|mentor|"
    r"signed|completed by"
)


class Span(NamedTuple):
    """A piece of a text, from one letter up to another, and what it is."""

    start: int
    end: int
    what: str

    @property
    def length(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class People:
    """What a file says of whom; never shown, since it holds identifiers."""

    whole: Mapping[str, Covered] = field(default_factory=dict, repr=False)
    """Names, numbers and addresses as a whole, without what stands between their words."""
    parts: frozenset[str] = field(default_factory=frozenset, repr=False)
    """Parts of names that are nothing else."""
    words_too: frozenset[str] = field(default_factory=frozenset, repr=False)
    """Parts of names that are ordinary words too, or very short."""

    def found_in(self, text: str) -> Iterator[Span]:
        """Where any of them stands in a text that was tidied."""
        if not (self.whole or self.parts or self.words_too):
            return
        words = [_Word.of(match) for match in _WORD.finditer(text)]
        yield from self._whole_names(text, words)
        shouted = text.isupper()
        for place, word in enumerate(words):
            if word.plain in self.parts or (
                word.plain in self.words_too
                and (
                    self._is_beside_a_name(text, words, place)
                    or (word.has_capital and not shouted and not word.begins_a_sentence(text))
                )
            ):
                yield Span(word.start, word.end, Covered.NAME)

    def _whole_names(self, text: str, words: Sequence["_Word"]) -> Iterator[Span]:
        for first, word in enumerate(words):
            joined = ""
            for last in range(first, min(first + _MOST_WORDS, len(words))):
                if last > first and not _GAP.fullmatch(
                    text, words[last - 1].end, words[last].start
                ):
                    break
                joined += words[last].plain
                if joined in self.whole:
                    yield Span(word.start, words[last].end, self.whole[joined])

    def _is_beside_a_name(self, text: str, words: Sequence["_Word"], place: int) -> bool:
        for left, right, other in ((place - 1, place, place - 1), (place, place + 1, place + 1)):
            if left >= 0 and right < len(words) and words[other].plain in self.parts:
                between = text[words[left].end : words[right].start]
                if between.strip(" -'") == "" and len(between) <= 2:
                    return True
        return False


NOBODY: Final = People()


class _Word(NamedTuple):
    start: int
    end: int
    plain: str
    has_capital: bool

    @classmethod
    def of(cls, match: re.Match[str]) -> "_Word":
        text = match[0]
        end = match.end()
        if text[-2:].lower() == "'s":
            text, end = text[:-2], end - 2
        return cls(match.start(), end, _plain(text), text[:1].isupper())

    def begins_a_sentence(self, text: str) -> bool:
        before = text[: self.start].rstrip()
        return not before or before[-1] in _SENTENCE_BEGINS_AFTER


def people_of(columns: Iterable[tuple[str, Iterable[str | None]]]) -> People:
    """Everybody whom identifying columns name: each has its heading and its cells."""
    whole: dict[str, Covered] = {}
    parts: set[str] = set()
    # A cell is often in several columns: the officer's number in one, in two, and in a link.
    different: dict[bool, set[str]] = {True: set(), False: set()}
    for heading, cells in columns:
        names_people = bool(_NAMES_PEOPLE.search(heading.casefold()))
        different[names_people].update(cell for cell in cells if cell)
    for names_people, every in different.items():
        # In order, since what is noted first stays where two are written alike.
        for cell in sorted(every):
            _note(cell, names_people, whole, parts)
    words_too = {part for part in parts if len(part) < _SHORTEST_PART or part in ordinary_words()}
    return People(whole, frozenset(parts - words_too), frozenset(words_too))


def _note(cell: str, names_people: bool, whole: dict[str, Covered], parts: set[str]) -> None:
    text = unicodedata.normalize("NFKC", cell).replace("\u2019", "'").strip()
    if len(text) > _LONGEST_CELL:
        return
    words = [_plain(match[0]) for match in _WORD.finditer(text)]
    if "@" in text:
        _put(whole, "".join(words), Covered.EMAIL)
        local = [_plain(m[0]) for m in re.finditer(r"[^\W\d_]+", text.partition("@")[0])]
        if len(local) > 1:
            _put(whole, "".join(local), Covered.NAME)
        account = _WORD.findall(text.partition("@")[0])
        _put(whole, "".join(map(_plain, account)), Covered.NAME)
        parts.update(part for part in local if len(part) >= _SHORTEST_PART)
    elif any(sign.isdigit() for sign in text):
        _note_number(words, whole)
        if names_people:
            # `PC 4711 Jane Doe`
            named = [word for word in words if word.isalpha() and word not in _RANKS]
            _note_names(named, names_people, whole, parts)
    else:
        _note_names(words, names_people, whole, parts)
        for word in text.split():
            # `Lloyd-Jones` is written as one word, too.
            together = [_plain(match[0]) for match in _WORD.finditer(word)]
            if names_people and len(together) > 1:
                _put(whole, "".join(together), Covered.NAME)


def _note_names(
    words: Sequence[str], names_people: bool, whole: dict[str, Covered], parts: set[str]
) -> None:
    if 0 < len(words) <= _MOST_NAMES:
        if len(words) > 1 or not names_people:
            for named in _ways_to_write(words):
                _put(whole, named, Covered.NAME)
        if names_people:
            parts.update(words)


def _note_number(words: Sequence[str], whole: dict[str, Covered]) -> None:
    """A number as it stands, without zeros in front, and without what is before it (`PC 4711`)."""
    number = "".join(words)
    bare = "".join(word for word in words if any(sign.isdigit() for sign in word))
    figures = bare.lstrip(string.ascii_lowercase)
    for way in (number, number.lstrip("0"), bare, bare.lstrip("0"), figures, figures.lstrip("0")):
        if len(way) >= _SHORTEST_NUMBER:
            whole.setdefault(way, Covered.COLLAR_NUMBER)


def _ways_to_write(words: Sequence[str]) -> Iterator[str]:
    """`Jane Mary Doe`, `Jane Doe`, `Doe, Jane`, `J. Doe` and `Doe J`; one word alone as it is."""
    yield "".join(words)
    if len(words) > 1:
        first, last = words[0], words[-1]
        yield first + last
        yield last + first
        if len(last) >= _SHORTEST_PART:
            yield first[:1] + last
            yield last + first[:1]


def _put(whole: dict[str, Covered], named: str, what: Covered) -> None:
    if len(named) >= _SHORTEST_NUMBER and named not in ordinary_words():
        whole.setdefault(named, what)


def _plain(word: str) -> str:
    """A word without case, accents and apostrophes."""
    if word.isascii():
        return word.casefold().replace("'", "")
    split = unicodedata.normalize("NFKD", word.casefold())
    return "".join(sign for sign in split if not unicodedata.combining(sign) and sign != "'")


@cache
def ordinary_words() -> frozenset[str]:
    """Words that are names somewhere and mostly mean something else."""
    text = (files("pipeline.reference") / "words_that_are_names.txt").read_text("utf-8")
    return frozenset(
        word for line in text.splitlines() if not line.startswith("#") for word in line.split()
    )
