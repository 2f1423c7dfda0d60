"""Self-generated codes: which of them are one officer's, and which pairs a steward has to judge.

What belongs here: comparing codes element by element, as hashes, within one police force. What
stays out: hashing them (`pseudonyms.py`), counting links (`link_rates.py`), and how many of them
are wrong (`link_errors.py`).

Codes that agree in every element have one pseudonym and need no link. Of the others two are linked
if they differ in one element, no other code could be meant, and the facts that are known of both
agree. To take two officers for one is worse than to count one twice: whatever is in doubt goes to
the steward, and codes that differ in two elements always do.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import combinations
from typing import Final

import polars as pl

from pipeline import tables
from pipeline.entries import Entry
from pipeline.reference import SERVICE_BANDS
from pipeline.vocabulary import Kind, LinkDoubt, LinkJudgement, LinkStatus

CODES: Final = pl.Schema(
    {
        "participant_id": pl.String(),
        "home_force": pl.String(),
        "organisation": pl.String(),
        "elements": pl.List(pl.String()),
        "code": pl.List(pl.String()),
        "occasion": pl.String(),
        "wave": pl.String(),
        "day": pl.Date(),
        "gender": pl.String(),
        "rank_group": pl.String(),
        "service_band": pl.String(),
        "ethnicity_group": pl.String(),
    }
)
"""A row for each time a code was given: names of its elements, hashes of those that are there, and
what the row says of the officer. One officer gives one code on an occasion, such as a wave."""

FEWEST_ALIKE: Final = 3
"""Codes that agree in fewer elements are not even shown: they do so by chance."""

_FIXED: Final = ("gender", "ethnicity_group")
_SAYS_NOTHING: Final = frozenset({"not_stated"})
_RISING: Final[Mapping[str, tuple[str, ...]]] = {
    "rank_group": ("constable", "sergeant", "inspector", "senior_officer"),
    "service_band": tuple(SERVICE_BANDS),
}
FACTS: Final = (*_FIXED, *_RISING)
"""What an officer keeps, or what only rises."""

Pair = tuple[str, str]
"""Names of two codes, the first in the alphabet first."""


def pair_of(one: str, other: str) -> Pair:
    return (one, other) if one <= other else (other, one)


def name_of_pair(pair: Pair) -> str:
    """What stewards call two codes; the same in every run under one key."""
    return hashlib.sha256(" ".join(pair).encode("ascii")).hexdigest()[:8]


# ------------------------------------------------------------------ what stewards said


@dataclass(frozen=True, slots=True)
class Judged:
    """What a steward said last about two codes."""

    pair: Pair
    says: LinkJudgement


def judgements(
    entries: Iterable[Entry], carried_on: Callable[[pl.Series], pl.Series]
) -> list[Judged]:
    """What entries of kind `link_judged` say, in order; of several on one pair the newest counts.

    `carried_on` brings pseudonyms on record to the newest key (`Pseudonymiser.carried_on`).
    """
    told = list(entries)
    names = carried_on(pl.Series([n for e in told for n in e.body["codes"]], dtype=pl.String))
    newest: dict[Pair, LinkJudgement] = {}
    for place, entry in enumerate(told):
        pair = pair_of(names[2 * place], names[2 * place + 1])
        newest.pop(pair, None)
        newest[pair] = LinkJudgement(entry.body["judgement"])
    return [Judged(pair, says) for pair, says in newest.items()]


# ------------------------------------------------------------------ one code, and several as one


@dataclass(frozen=True, slots=True)
class Code:
    """One code, wherever it was given."""

    name: str
    organisation: str
    asked: frozenset[str]
    """Every element that the code was to have."""
    elements: Mapping[str, str]
    """Element -> hash, of those that are there."""
    occasions: frozenset[str]
    facts: frozenset[tuple[str, date | None, str]]
    """Fact, the day on which it was said, what was said."""
    first_day: date | None

    @property
    def is_listed(self) -> bool:
        return Kind.ROSTER.value in self.occasions


@dataclass(frozen=True)
class _Record:
    """Codes that are one officer's because a steward says so; mostly one."""

    codes: tuple[Code, ...]

    @cached_property
    def occasions(self) -> frozenset[str]:
        return frozenset[str]().union(*(code.occasions for code in self.codes))

    @cached_property
    def facts(self) -> frozenset[tuple[str, date | None, str]]:
        return frozenset[tuple[str, date | None, str]]().union(*(c.facts for c in self.codes))

    def shares_an_occasion_with(self, other: "_Record") -> bool:
        return not self.occasions.isdisjoint(other.occasions)


def codes_of(given: pl.DataFrame) -> dict[str, list[Code]]:
    """Codes by home force, from CODES rows in any order."""
    facts = [
        pl.struct(pl.lit(name).alias("fact"), "day", pl.col(name).alias("said")) for name in FACTS
    ]
    grouped = (
        given.sort("participant_id", "organisation", "occasion", "day", nulls_last=True)
        .group_by("home_force", "participant_id", maintain_order=True)
        .agg(
            pl.col("organisation", "elements", "code").first(),
            pl.col("occasion").unique(),
            pl.concat_list(facts).explode().unique().alias("facts"),
            pl.col("day").min().alias("first_day"),
        )
        .sort("home_force", "participant_id")
    )
    found: dict[str, list[Code]] = {}
    for row in grouped.iter_rows(named=True):
        hashes = zip(row["elements"], row["code"], strict=True)
        found.setdefault(row["home_force"], []).append(
            Code(
                name=row["participant_id"],
                organisation=row["organisation"],
                asked=frozenset(row["elements"]),
                elements={element: said for element, said in hashes if said is not None},
                occasions=frozenset(row["occasion"]),
                facts=frozenset(
                    (fact["fact"], fact["day"], fact["said"])
                    for fact in row["facts"]
                    if fact["said"] is not None and fact["said"] not in _SAYS_NOTHING
                ),
                first_day=row["first_day"],
            )
        )
    return found


def elements_of(codes: Iterable[Code]) -> list[str]:
    """Every element that any of the codes was to have, in alphabetical order."""
    return sorted({element for code in codes for element in code.asked})


def facts_agree(
    one: Iterable[tuple[str, date | None, str]], other: Iterable[tuple[str, date | None, str]]
) -> bool:
    """Whether nothing that is known of both says that they are two officers.

    Gender and ethnicity stay; rank and service never come down. A fact that is known of one only
    says nothing.
    """
    mine, theirs = list(one), list(other)
    for fact in _FIXED:
        said, also = (
            {value for name, _, value in facts if name == fact} for facts in (mine, theirs)
        )
        if said and also and said.isdisjoint(also):
            return False
    for fact, order in _RISING.items():
        steps = sorted(
            (day, order.index(value), of_other)
            for of_other, facts in ((False, mine), (True, theirs))
            for name, day, value in facts
            if name == fact and day is not None and value in order
        )
        for before, after in combinations(steps, 2):
            if before[2] != after[2] and before[0] < after[0] and before[1] > after[1]:
                return False
    return True


def differing(one: Code, other: Code, elements: Collection[str]) -> list[str]:
    """The elements in which two codes differ, or that one of them lacks."""
    return [
        element
        for element in elements
        if element not in one.elements or one.elements[element] != other.elements.get(element)
    ]


def near_pairs(codes: Sequence[Code], elements: Sequence[str], apart: int) -> Iterator[Pair]:
    """Pairs of codes that agree in all but `apart` elements or fewer; each pair once or more."""
    for left_out in combinations(elements, apart):
        kept = [element for element in elements if element not in left_out]
        alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for code in codes:
            if all(element in code.elements for element in kept):
                alike[tuple(code.elements[element] for element in kept)].append(code.name)
        for names in alike.values():
            yield from combinations(sorted(names), 2)


# ------------------------------------------------------------------ linking


@dataclass(frozen=True, slots=True)
class Linked:
    """Which codes are one officer's, and the pairs that somebody may want to judge."""

    members: pl.DataFrame
    """A row a code: code_id, participant_id that the officer keeps, and `record`, the same for
    codes that a steward joined."""
    aliases: pl.DataFrame
    """`tables.PARTICIPANT_ALIAS` rows."""
    review: pl.DataFrame
    """`tables.LINK_REVIEW` rows."""


def link(given: pl.DataFrame, judged: Sequence[Judged] = ()) -> Linked:
    """Link the codes of CODES rows, force by force; the order of the rows does not matter.

    An officer keeps the code that a roster names, else the one that was given first.
    """
    members, aliases, review = [], [], []
    for force, codes in codes_of(given).items():
        made = _Force(force, codes, judged)
        members += made.members()
        aliases += made.aliases()
        review += made.review()
    return Linked(
        members=pl.DataFrame(
            members,
            {"code_id": pl.String, "participant_id": pl.String, "record": pl.String},
            orient="row",
        ),
        aliases=tables.PARTICIPANT_ALIAS.conform(
            pl.DataFrame(aliases, tables.PARTICIPANT_ALIAS.frame_schema, orient="row")
        ),
        review=tables.LINK_REVIEW.conform(
            pl.DataFrame(review, tables.LINK_REVIEW.frame_schema, orient="row")
        ),
    )


class _Force:
    """The codes of one police force: worked out once, then told."""

    def __init__(self, force: str, codes: Sequence[Code], judged: Sequence[Judged]) -> None:
        self._force = force
        self._codes = {code.name: code for code in codes}
        self._elements = elements_of(codes)
        said = [each for each in judged if {*each.pair} <= self._codes.keys()]
        self._said = {each.pair: each.says for each in said}
        self._records, self._refused = self._joined_by_stewards(said)
        self._record_of = {
            code.name: place for place, record in enumerate(self._records) for code in record.codes
        }
        self._parted = {
            self._places(pair) for pair, says in self._said.items() if says == LinkJudgement.PART
        }
        self._near = {
            pair
            for pair in near_pairs(codes, self._elements, 1)
            if self._may_be_one(self._places(pair))
        }
        self._neighbours: dict[int, set[int]] = defaultdict(set)
        for one, other in map(self._places, self._near):
            self._neighbours[one].add(other)
            self._neighbours[other].add(one)
        self._doubts = {
            places: self._doubt(*places) for places in sorted({*map(self._places, self._near)})
        }
        self._groups = self._settled_groups()

    # -- what is compared

    def _places(self, pair: Pair) -> tuple[int, int]:
        one, other = sorted(self._record_of[name] for name in pair)
        return one, other

    def _joined_by_stewards(self, said: Sequence[Judged]) -> tuple[list[_Record], set[Pair]]:
        """Codes as stewards joined them, in the order they said it, and the links refused."""
        together: dict[str, tuple[str, ...]] = {name: (name,) for name in self._codes}
        parted = {pair for pair, says in self._said.items() if says == LinkJudgement.PART}
        refused = set()
        for each in said:
            one, other = (together[name] for name in each.pair)
            if each.says != LinkJudgement.LINK or one == other:
                continue
            crossing = {pair_of(a, b) for a in one for b in other}
            if self._record(one).shares_an_occasion_with(self._record(other)) or crossing & parted:
                refused.add(each.pair)
                continue
            merged = tuple(sorted((*one, *other)))
            together |= dict.fromkeys(merged, merged)
        return [self._record(names) for names in sorted({*together.values()})], refused

    def _record(self, names: Iterable[str]) -> _Record:
        return _Record(tuple(self._codes[name] for name in names))

    def _may_be_one(self, places: tuple[int, int]) -> bool:
        """Two records on one occasion are two officers, and so are those whom a steward parted."""
        one, other = places
        return (
            one != other
            and places not in self._parted
            and not self._records[one].shares_an_occasion_with(self._records[other])
        )

    def _doubt(self, one: int, other: int) -> LinkDoubt | None:
        """Why two near records are not linked, whatever else is linked."""
        if self._has_rival(one, other) or self._has_rival(other, one):
            return LinkDoubt.SEVERAL_CODES
        if not facts_agree(self._records[one].facts, self._records[other].facts):
            return LinkDoubt.FACTS_DIFFER
        return None

    def _has_rival(self, one: int, other: int) -> bool:
        """Whether another record could be meant on an occasion of `other`."""
        return any(
            self._records[rival].shares_an_occasion_with(self._records[other])
            for rival in self._neighbours[one] - {other}
        )

    def _settled_groups(self) -> dict[int, tuple[int, ...]]:
        """Records that are one officer's, by each of them; a group in doubt is taken apart."""
        linked: dict[int, set[int]] = defaultdict(set)
        for (one, other), doubt in self._doubts.items():
            if doubt is None:
                linked[one].add(other)
                linked[other].add(one)
        groups: dict[int, tuple[int, ...]] = {}
        for place in range(len(self._records)):
            if place in groups:
                continue
            group = _reached(place, linked)
            doubt = self._doubt_about(group, linked)
            for member in group:
                groups[member] = (member,) if doubt else tuple(sorted(group))
                for other in linked[member] if doubt else ():
                    self._doubts[min(member, other), max(member, other)] = doubt
        return groups

    def _doubt_about(
        self, group: Collection[int], linked: Mapping[int, set[int]]
    ) -> LinkDoubt | None:
        if not any(linked[centre] | {centre} >= {*group} for centre in group):
            return LinkDoubt.NO_CENTRE
        if not all(self._may_be_one(pair) for pair in combinations(sorted(group), 2)):
            return LinkDoubt.SEVERAL_CODES
        return None

    # -- what is told

    def _officers(self) -> Iterator[tuple[Code, list[_Record]]]:
        """The code that each officer keeps, and their records."""
        for group in sorted({*self._groups.values()}):
            records = [self._records[place] for place in group]
            codes = [code for record in records for code in record.codes]
            yield min(codes, key=_first_of_an_officer), records

    def members(self) -> list[tuple[str, str, str]]:
        return [
            (code.name, kept.name, record.codes[0].name)
            for kept, records in self._officers()
            for record in records
            for code in record.codes
        ]

    def aliases(self) -> list[tuple[str, str, str, None, bool]]:
        return [
            (kept.name, code.name, code.organisation, None, True)
            for kept, records in self._officers()
            for record in records
            for code in record.codes
            if code is not kept
        ]

    def review(self) -> list[tuple[object, ...]]:
        pairs = {pair: self._status(pair) for pair in sorted(self._near | self._said.keys())}
        far = self._two_apart() - pairs.keys()
        pairs |= dict.fromkeys(far, (LinkStatus.OPEN, LinkDoubt.TWO_ELEMENTS))
        return [
            (
                name_of_pair(pair),
                self._force,
                one.name,
                other.name,
                status.value,
                doubt.value if doubt else None,
                differing(one, other, self._elements),
                len(self._elements),
                sorted(one.occasions),
                sorted(other.occasions),
            )
            for pair, (status, doubt) in pairs.items()
            for one, other in [(self._codes[pair[0]], self._codes[pair[1]])]
        ]

    def _status(self, pair: Pair) -> tuple[LinkStatus, LinkDoubt | None]:
        match self._said.get(pair):
            case LinkJudgement.PART:
                return LinkStatus.PARTED, None
            case LinkJudgement.LINK if pair in self._refused:
                return LinkStatus.CONTRADICTED, None
            case LinkJudgement.LINK:
                return LinkStatus.JOINED, None
        doubt = self._doubts[self._places(pair)]
        return (LinkStatus.OPEN, doubt) if doubt else (LinkStatus.LINKED, None)

    def _two_apart(self) -> set[Pair]:
        """Pairs that differ in two elements, where neither has a nearer one to be."""
        if len(self._elements) - 2 < FEWEST_ALIKE:
            return set()
        codes = list(self._codes.values())
        found = set()
        for pair in {*near_pairs(codes, self._elements, 2)} - self._near:
            one, other = places = self._places(pair)
            if (
                self._may_be_one(places)
                and self._groups[one] != self._groups[other]
                and not self._share_through_groups(one, other)
                and not self._has_rival(one, other)
                and not self._has_rival(other, one)
                and facts_agree(self._records[one].facts, self._records[other].facts)
            ):
                found.add(pair)
        return found

    def _share_through_groups(self, one: int, other: int) -> bool:
        return any(
            self._records[a].shares_an_occasion_with(self._records[b])
            for a in self._groups[one]
            for b in self._groups[other]
        )


def _first_of_an_officer(code: Code) -> tuple[bool, date, str]:
    return not code.is_listed, code.first_day or date.max, code.name


def _reached(place: int, linked: Mapping[int, set[int]]) -> set[int]:
    found, left = {place}, [place]
    while left:
        for other in linked.get(left.pop(), set()) - found:
            found.add(other)
            left.append(other)
    return found
