"""How many officers were linked between two waves by their codes, by what, and how many were not.

What belongs here: counting, and laying side by side what the estimates of `link_errors.py` need.
What stays out: deciding which codes are one officer's (`linkage.py`).

Counted are rows as files brought them: a response that was linked to no roster is in quarantine
and in no other table, and it is just the one that must not be forgotten here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.privacy.linkage import Code, Linked, codes_of, elements_of, facts_agree
from pipeline.vocabulary import LinkTier

Whole = npt.NDArray[np.int64]

MISSING = -1
"""Stands for an element that a code lacks."""


@dataclass(frozen=True, slots=True)
class Officer:
    """One officer as linked: the code given at each wave, and all occasions of any code."""

    code_at: Mapping[str, str]
    occasions: frozenset[str]


@dataclass(frozen=True)
class Codes:
    """The codes of one organisation's officers within one home force."""

    elements: tuple[str, ...]
    values: Mapping[str, tuple[int, ...]]
    """Code -> number of each element's value, MISSING where the code lacks it."""
    record: Mapping[str, str]
    """Code -> the same for codes that a steward joined."""
    known: Mapping[str, Code]
    officers: tuple[Officer, ...]

    def differing(self, one: str, other: str) -> list[int]:
        """Places of the elements in which two codes do not agree."""
        return [
            place
            for place, (a, b) in enumerate(zip(self.values[one], self.values[other], strict=True))
            if a != b or a == MISSING
        ]

    def tier(self, one: str, other: str) -> LinkTier:
        if one == other:
            return LinkTier.EXACT
        return LinkTier.JUDGED if self.record[one] == self.record[other] else LinkTier.ONE_ELEMENT

    @cached_property
    def chance(self) -> tuple[float, ...]:
        """For each element, the chance that two officers who both give it have the same value.

        Estimated without bias from how often values occur, an officer counted once.
        """
        codes = [next(iter(officer.code_at.values())) for officer in self.officers]
        found = []
        for place in range(len(self.elements)):
            counts = Counter(
                value for code in codes if (value := self.values[code][place]) != MISSING
            )
            n = counts.total()
            same = sum(count * (count - 1) for count in counts.values())
            found.append(same / (n * (n - 1)) if n > 1 else 0.0)
        return tuple(found)

    def facts_agree(self, one: str, other: str) -> bool:
        return facts_agree(self.known[one].facts, self.known[other].facts)

    def at(self, wave: str) -> list[Officer]:
        return [officer for officer in self.officers if wave in officer.code_at]

    def linked(self, from_wave: str, to_wave: str) -> list[tuple[str, str]]:
        """The codes that each officer who is known at both waves gave there."""
        return [
            (officer.code_at[from_wave], officer.code_at[to_wave])
            for officer in self.officers
            if from_wave in officer.code_at and to_wave in officer.code_at
        ]


@dataclass(frozen=True, slots=True)
class Compared:
    """The codes of one organisation, home force by home force, and the waves that it asked."""

    organisation: str
    waves: tuple[str, ...]
    blocks: tuple[Codes, ...]

    @property
    def pairs(self) -> Iterator[tuple[str, str]]:
        """Pairs of waves that somebody answered, in the programme's order."""
        return combinations(self.waves, 2)

    def consecutive(self) -> Iterator[tuple[Codes, list[tuple[str, str]]]]:
        """For each officer the codes given at one wave and at the next that they answered."""
        for block in self.blocks:
            for officer in block.officers:
                codes = [officer.code_at[w] for w in self.waves if w in officer.code_at]
                yield block, [*pairwise(codes)]


def compared(given: pl.DataFrame, linked: Linked, waves: Sequence[str]) -> list[Compared]:
    """What was given (CODES) and how it was linked, by organisation in alphabetical order.

    A code that answered one wave on two days is left out there: two officers may share it.
    """
    officer_of = dict(linked.members.select("code_id", "participant_id").iter_rows())
    record = dict(linked.members.select("code_id", "record").iter_rows())
    by_force = codes_of(given)
    numbered = {force: _numbered(codes) for force, codes in by_force.items()}
    known = {force: {code.name: code for code in codes} for force, codes in by_force.items()}
    occasions: dict[str, set[str]] = defaultdict(set)
    for force_codes in by_force.values():
        for code in force_codes:
            # Whoever is on a register is asked there too, so its sessions tell no more.
            told = {o for o in code.occasions if not o.startswith("session ")}
            occasions[officer_of[code.name]] |= told
    found = []
    for organisation, own in _grouped(_answers(given), "organisation"):
        blocks = []
        for force, rows in _grouped(own, "home_force"):
            elements, values = numbered[force]
            officers = _officers(rows.select("wave", "participant_id"), officer_of, occasions)
            blocks.append(Codes(elements, values, record, known[force], tuple(officers)))
        asked = {wave for block in blocks for officer in block.officers for wave in officer.code_at}
        found.append(Compared(organisation, tuple(w for w in waves if w in asked), tuple(blocks)))
    return found


def link_rates(compared: Iterable[Compared]) -> pl.DataFrame:
    """The rows of `tables.LINK_RATES`; a tier that nobody is of has a row with 0."""
    rows: list[dict[str, Any]] = []
    for own in compared:
        for from_wave, to_wave in own.pairs:
            counts: Counter[LinkTier] = Counter()
            for block in own.blocks:
                both = block.linked(from_wave, to_wave)
                counts.update(block.tier(*codes) for codes in both)
                counts[LinkTier.EARLIER_ONLY] += len(block.at(from_wave)) - len(both)
                counts[LinkTier.LATER_ONLY] += len(block.at(to_wave)) - len(both)
            of = {"organisation": own.organisation, "from_wave": from_wave, "to_wave": to_wave}
            rows += [{**of, "tier": tier.value, "n": counts[tier]} for tier in LinkTier]
    names = ("organisation", "from_wave", "to_wave", "tier")
    return pl.DataFrame(rows, schema={**dict.fromkeys(names, pl.String), "n": pl.Int32})


def _answers(given: pl.DataFrame) -> pl.DataFrame:
    """Code, wave, organisation and force of questionnaires, without codes that are shared there."""
    shared = pl.col("day").drop_nulls().n_unique().over("participant_id", "occasion") > 1
    return (
        given.filter(pl.col("wave").is_not_null() & ~shared)
        .select("organisation", "home_force", "wave", "participant_id")
        .unique()
        .sort("organisation", "home_force", "wave", "participant_id")
    )


def _grouped(rows: pl.DataFrame, by: str) -> Iterator[tuple[str, pl.DataFrame]]:
    for (name,), own in rows.group_by(by, maintain_order=True):
        yield str(name), own


def _numbered(codes: Sequence[Code]) -> tuple[tuple[str, ...], dict[str, tuple[int, ...]]]:
    elements = tuple(elements_of(codes))
    numbers: dict[tuple[str, str], int] = {}
    return elements, {
        code.name: tuple(
            numbers.setdefault((element, code.elements[element]), len(numbers))
            if element in code.elements
            else MISSING
            for element in elements
        )
        for code in codes
    }


def _officers(
    rows: pl.DataFrame, officer_of: Mapping[str, str], occasions: Mapping[str, set[str]]
) -> list[Officer]:
    codes: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for wave, code in rows.iter_rows():
        codes[officer_of[code]][wave].append(code)
    made = []
    for officer in sorted(codes):
        # Two questionnaires of one wave may have come under two codes: what both waves have counts.
        often = Counter(code for at_wave in codes[officer].values() for code in at_wave)
        code_at = {
            wave: min(given, key=lambda code: (-often[code], code))
            for wave, given in codes[officer].items()
        }
        made.append(Officer(code_at, frozenset(occasions[officer])))
    return made
