"""How many links by codes are wrong, and how many were missed: two estimates behind one interface.

What belongs here: figures for whole pairs of waves. What stays out: which link is wrong, which
nobody can tell, and the links themselves (`linkage.py`).

`ChanceAndErrors` needs few officers. Wrong links: two officers agree by chance as often as the
frequencies of values say, elements taken as independent. Missed links: from how often linked codes
differ in one element follows how often they differ in two or more, elements failing independently.

`FellegiSunter` fits a mixture of pairs of one officer and pairs of two (I. Fellegi and A. Sunter
1969) by expectation and maximisation, chance agreement held at what the frequencies say, and asks
how likely each linked and each unlinked pair is one officer's. It is for more officers.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

# scipy.stats would say the same and takes a second and a half to import.
from scipy.special import gammaincinv, pdtr, pdtrik

from pipeline import tables
from pipeline.privacy.link_rates import MISSING, Codes, Compared, Officer
from pipeline.vocabulary import LinkErrorMethod

Number = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

_TAILS: Final = (0.025, 0.975)
FEWEST_FOR_A_MIXTURE: Final = 50
"""Linked officers; with fewer the mixture's share of true pairs hangs on a handful."""
MOST_FOR_A_MIXTURE: Final = 1_000_000
"""Pairs of codes that are laid side by side for one pair of waves."""


@dataclass(frozen=True, slots=True)
class Figure:
    """An expected count with its 95% interval."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """Links between two waves that are of two officers, and officers who were not linked."""

    wrong: Figure | None
    missed: Figure | None
    note: str | None = None


class LinkErrors(Protocol):
    """A way of estimating how good the links of one organisation are."""

    @property
    def method(self) -> LinkErrorMethod: ...

    def estimate(self, compared: Compared, from_wave: str, to_wave: str) -> Estimate:
        """Wrong and missed links between two waves."""
        ...


def link_errors(compared: Iterable[Compared]) -> pl.DataFrame:
    """The rows of `tables.LINK_ERRORS`, one for each pair of waves and method."""
    rows: list[dict[str, Any]] = []
    methods: tuple[LinkErrors, ...] = (ChanceAndErrors(), FellegiSunter())
    for own in compared:
        for from_wave, to_wave in own.pairs:
            linked = sum(len(block.linked(from_wave, to_wave)) for block in own.blocks)
            for method in methods:
                made = method.estimate(own, from_wave, to_wave)
                rows.append(
                    {
                        "organisation": own.organisation,
                        "from_wave": from_wave,
                        "to_wave": to_wave,
                        "method": method.method.value,
                        "linked": linked,
                        **_columns("wrong", made.wrong),
                        **_columns("missed", made.missed),
                        "note": made.note,
                    }
                )
    return pl.DataFrame(rows, schema=tables.LINK_ERRORS.frame_schema)


def _columns(name: str, figure: Figure | None) -> dict[str, float | None]:
    return {
        name: figure.expected if figure else None,
        f"{name}_low": figure.low if figure else None,
        f"{name}_high": figure.high if figure else None,
    }


def _counted(expected: float, low: float | None = None, high: float | None = None) -> Figure:
    """The interval of a count that is Poisson about a mean, itself known within limits."""
    least, most = (expected if limit is None else limit for limit in (low, high))
    return Figure(expected, _poisson_quantile(_TAILS[0], least), _poisson_quantile(_TAILS[1], most))


def _poisson_quantile(probability: float, mean: float) -> float:
    """The smallest count that is not exceeded with this probability."""
    if mean <= 0:
        return 0.0
    count = max(0.0, float(np.ceil(pdtrik(probability, mean))))
    # The inverse is continuous and may come out a little above a whole number.
    return count - 1 if count and pdtr(count - 1, mean) >= probability else count


# ------------------------------------------------------------------ chance and errors


@dataclass(frozen=True, slots=True)
class Slips:
    """How often an element that should agree does not, as odds against agreeing, by element."""

    expected: tuple[float, ...]
    low: tuple[float, ...]
    """As the lower limit of the 95% interval of their sum has them."""
    high: tuple[float, ...]


def _one_and_more(odds: Sequence[float]) -> tuple[float, float]:
    """Share of one officer's pairs of codes that differ in one element, and in two or more."""
    none = 1 / math.prod(1 + each for each in odds)
    one = none * sum(odds)
    return one, max(1 - none - one, 0.0)


class ChanceAndErrors:
    """Wrong links by chance agreement, missed links by the rate at which one element differs."""

    method = LinkErrorMethod.CHANCE_AND_ERRORS

    def estimate(self, compared: Compared, from_wave: str, to_wave: str) -> Estimate:
        wrong = taken = through = both = 0.0
        for block in compared.blocks:
            exact, one = _expected_wrong(block, from_wave, to_wave)
            wrong += exact + one
            for codes in block.linked(from_wave, to_wave):
                apart = len(block.differing(*codes))
                taken += apart <= 1
                through += apart > 1
            both += _near_by_chance(block, from_wave, to_wave)
        true = max(taken - wrong, 0.0)
        slips = slips_of(compared)
        if slips is None:
            return Estimate(_counted(wrong), None, "nobody gave the same code at two waves")

        def missed(odds: Sequence[float]) -> float:
            one, two = _one_and_more(odds)
            found = 1 - two - one + one * math.exp(-both)
            # Those that two links by way of a third wave have brought together are not missed.
            return max(true / found * (1 - found) - through, 0.0)

        limits = (missed(slips.expected), missed(slips.low), missed(slips.high))
        return Estimate(_counted(wrong), _counted(*limits))


def slips_of(compared: Compared) -> Slips | None:
    """How often elements slip, over all waves; None where nobody gave the same code at two.

    Each officer's code at one wave is compared with that at the next one answered. The interval is
    that of a weighted sum of Poisson counts (M. Fay and E. Feuer 1997), officers being what is
    sampled: one bad response spoils two comparisons.
    """
    slipped: list[Number] = []
    agreed: list[int] = []
    width = max((len(block.elements) for block in compared.blocks), default=0)
    for block, pairs in compared.consecutive():
        own, exact = np.zeros(width), 0
        for one, other in pairs:
            places = block.differing(one, other)
            exact += not places
            if len(places) == 1:
                own[places[0]] += 1
        if pairs:
            slipped.append(own)
            agreed.append(exact)
    n = sum(agreed)
    if not n:
        return None
    by_officer = np.array([own.sum() for own in slipped])
    by_element = np.sum(slipped, axis=0)
    chance = sum(
        _expected_wrong(block, *pair)[1]
        for block in compared.blocks
        for pair in zip(compared.waves, compared.waves[1:], strict=False)
    )
    total = float(by_element.sum())
    if total == 0:
        # Nobody slipped: nobody is expected to, and at most as many as that would be seen with.
        highest = float(gammaincinv(1, _TAILS[1])) / n
        return Slips((0.0,) * width, tuple([0.0] * width), tuple([highest / width] * width))
    odds = by_element * max(total - chance, 0.0) / total / n
    ratio = total / n
    spread = float(((by_officer - ratio * np.array(agreed)) ** 2).sum())
    # No less than that of a plain count: a few officers may happen to slip equally often.
    variance = max(spread, total) / n**2
    counts = ratio**2 / variance
    low = gammaincinv(counts, _TAILS[0]) / counts
    high = gammaincinv(counts + 1, _TAILS[1]) / counts
    # That of a few slips none fell on an element does not say that none could.
    spread_out = float(odds.sum()) * (by_element + 0.5) / (total + width / 2)
    limits = (odds, odds * low, spread_out * high)
    return Slips(*(tuple(float(each) for each in limit) for limit in limits))


def _expected_wrong(block: Codes, from_wave: str, to_wave: str) -> tuple[float, float]:
    """Pairs of two officers that are expected to be linked: with the same code, and by one element.

    Officers who were ever asked on one occasion under two codes are known to be two.
    """
    pairs, agreeing = _pairs_at_risk(block, from_wave, to_wave)
    same = math.prod(block.chance)
    return pairs * same, agreeing * _near_chance(block.chance)


def _near_chance(chance: Sequence[float]) -> float:
    """The chance that two officers' codes differ in just one element."""
    return sum(
        (1 - chance[place]) * math.prod(chance[:place]) * math.prod(chance[place + 1 :])
        for place in range(len(chance))
    )


def _pairs_at_risk(block: Codes, from_wave: str, to_wave: str) -> tuple[float, float]:
    """Pairs of officers that could be taken for one; and of them, those whose facts agree."""
    earlier = _by_occasions(o for o in block.at(from_wave) if to_wave not in o.code_at)
    later = _by_occasions(o for o in block.at(to_wave) if from_wave not in o.code_at)
    pairs = agreeing = 0.0
    for here, mine in earlier.items():
        for there, theirs in later.items():
            if here.isdisjoint(there):
                n = len(mine) * len(theirs)
                pairs += n
                agreeing += n * _share_agreeing(
                    block,
                    [o.code_at[from_wave] for o in mine],
                    [o.code_at[to_wave] for o in theirs],
                )
    return pairs, agreeing


def _by_occasions(officers: Iterable[Officer]) -> dict[frozenset[str], list[Officer]]:
    found: dict[frozenset[str], list[Officer]] = {}
    for officer in officers:
        found.setdefault(officer.occasions, []).append(officer)
    return found


_ENOUGH_TO_KNOW_A_SHARE: Final = 40


def _share_agreeing(block: Codes, mine: Sequence[str], theirs: Sequence[str]) -> float:
    """Share of pairs whose facts agree, by officers spread evenly over both lists."""
    few, more = (
        codes[:: max(len(codes) // _ENOUGH_TO_KNOW_A_SHARE, 1)] for codes in (mine, theirs)
    )
    agree = sum(block.facts_agree(one, other) for one in few for other in more)
    return agree / (len(few) * len(more))


def _near_by_chance(block: Codes, from_wave: str, to_wave: str) -> float:
    """How many other codes could be meant, for one that is an officer's own with a slip."""
    pairs, _ = _pairs_at_risk(block, from_wave, to_wave)
    n = len(block.at(from_wave)), len(block.at(to_wave))
    return _near_chance(block.chance) * sum(pairs / count for count in n if count)


# ------------------------------------------------------------------ Fellegi and Sunter


class FellegiSunter:
    """A mixture of pairs of one officer and of two, fitted to which elements agree.

    The interval is that of a count with the fitted probabilities; it leaves out that they are
    estimates.
    """

    method = LinkErrorMethod.FELLEGI_SUNTER

    def estimate(self, compared: Compared, from_wave: str, to_wave: str) -> Estimate:
        officers = sum(len(block.linked(from_wave, to_wave)) for block in compared.blocks)
        size = sum(len(b.at(from_wave)) * len(b.at(to_wave)) for b in compared.blocks)
        if officers < FEWEST_FOR_A_MIXTURE:
            return Estimate(None, None, f"fewer than {FEWEST_FOR_A_MIXTURE} officers are linked")
        if size > MOST_FOR_A_MIXTURE:
            return Estimate(None, None, f"more than {MOST_FOR_A_MIXTURE:,} pairs of codes")
        wrong = missed = 0.0
        for block in compared.blocks:
            pairs = _SideBySide.of(block, from_wave, to_wave)
            if pairs is not None:
                chance = np.array(block.chance)
                agreement = agreement_of_one(*pairs.patterns(), chance)
                linked = pairs.patterns(pairs.are_linked)
                wrong += float(linked[1].sum()) - of_one_officer(*linked, agreement, chance)
                near = pairs.patterns(pairs.could_be & ~pairs.are_far)
                far = pairs.patterns(pairs.could_be & pairs.are_far)
                missed += of_one_officer(*near, agreement, chance)
                missed += of_one_officer(*far, agreement, chance, seen=pairs.share_far(agreement))
        return Estimate(_counted(wrong), _counted(missed))


_NOT_TO_SAY = 2


@dataclass(frozen=True, slots=True)
class _SideBySide:
    """Every officer of one wave beside every officer of another."""

    pattern: Whole
    """(pairs,): which elements agree, as a number of base 3: 0 differs, 1 agrees, 2 is missing."""
    width: int
    are_linked: npt.NDArray[np.bool_]
    could_be: npt.NDArray[np.bool_]
    """Pairs of officers that are not linked at either wave, and were never asked together."""

    @classmethod
    def of(cls, block: Codes, from_wave: str, to_wave: str) -> "_SideBySide | None":
        earlier, later = block.at(from_wave), block.at(to_wave)
        if not earlier or not later:
            return None
        mine = np.array([block.values[officer.code_at[from_wave]] for officer in earlier])
        theirs = np.array([block.values[officer.code_at[to_wave]] for officer in later])
        pattern = np.zeros((len(earlier), len(later)), dtype=np.int64)
        for place in range(len(block.elements)):
            a, b = mine[:, place, None], theirs[None, :, place]
            unknown = (a == MISSING) | (b == MISSING)
            pattern = pattern * 3 + np.where(unknown, _NOT_TO_SAY, a == b)
        here = [place for place, o in enumerate(block.officers) if from_wave in o.code_at]
        there = [place for place, o in enumerate(block.officers) if to_wave in o.code_at]
        linked = np.equal.outer(here, there)
        unlinked = np.isin(here, there, invert=True)[:, None] & np.isin(there, here, invert=True)
        return cls(
            pattern.ravel(),
            len(block.elements),
            linked.ravel(),
            (unlinked & _never_together(earlier, later)).ravel(),
        )

    @property
    def are_far(self) -> npt.NDArray[np.bool_]:
        """Pairs that do not agree in two elements or more."""
        digits = self.pattern[:, None] // self._powers % 3
        return np.asarray((digits != 1).sum(axis=1) > 1)

    @property
    def _powers(self) -> Whole:
        return 3 ** np.arange(self.width - 1, -1, -1)

    def share_far(self, agreement: Number) -> float:
        """How many of all pairs that are one officer's do not agree in two elements or more."""
        digits = self.pattern[:, None] // self._powers % 3
        rate = agreement * (digits != _NOT_TO_SAY).mean(axis=0)
        # Not by odds: those of an element that is missing in every pair have no limit.
        apart = np.ones(1)
        for agrees in rate:
            apart = np.convolve(apart, [agrees, 1 - agrees])
        return max(float(1 - apart[:2].sum()), 0.0)

    def patterns(self, among: npt.NDArray[np.bool_] | None = None) -> tuple[Whole, Number]:
        """(patterns, elements) of 0, 1 and 2, and how many of the pairs have each."""
        chosen = self.pattern if among is None else self.pattern[among]
        patterns, counts = np.unique(chosen, return_counts=True)
        return patterns[:, None] // self._powers % 3, counts.astype(np.float64)


def _never_together(earlier: Sequence[Officer], later: Sequence[Officer]) -> npt.NDArray[np.bool_]:
    """(earlier, later): whether two officers were asked on no occasion both."""
    patterns = list({officer.occasions for officer in (*earlier, *later)})
    place = {pattern: i for i, pattern in enumerate(patterns)}
    apart = np.array([[one.isdisjoint(other) for other in patterns] for one in patterns])
    rows, columns = ([place[o.occasions] for o in officers] for officers in (earlier, later))
    made: npt.NDArray[np.bool_] = apart[np.ix_(rows, columns)]
    return made


def agreement_of_one(
    patterns: Whole, counts: Number, chance: Number, *, rounds: int = 500, close: float = 1e-9
) -> Number:
    """(elements,): how often one officer's two codes agree in each element.

    Fitted to all pairs by expectation and maximisation, together with the share of pairs that are
    one officer's.

    Args:
        patterns: (patterns, elements): 0 differs, 1 agrees, 2 one of them is missing, which says
            nothing.
        counts: (patterns,): how many pairs have each.
        chance: (elements,): the chance that two officers agree; it is not fitted.
        rounds: at most.
        close: stop when the share moves by less than this part of itself.

    """
    known, agree = patterns != _NOT_TO_SAY, patterns == 1
    by_chance = _likelihood(patterns, chance)
    agreement = np.full(patterns.shape[1], 0.95)
    # To begin with, a pair that agrees in all that is known is one officer's.
    share = max(float(counts[(agree | ~known).all(axis=1)].sum()), 1.0) / float(counts.sum())
    for _ in range(rounds):
        of_one = share * _likelihood(patterns, agreement)
        weight = counts * of_one / (of_one + (1 - share) * by_chance)
        seen = (weight[:, None] * known).sum(axis=0)
        agreement = (weight[:, None] * agree).sum(axis=0) / np.maximum(seen, 1e-12)
        # Never below what two officers have in common, so that the two parts do not change places.
        agreement = np.maximum(agreement, np.maximum(chance, 0.5))
        before, share = share, float(weight.sum() / counts.sum())
        if abs(share - before) <= close * before:
            break
    return agreement


def of_one_officer(
    patterns: Whole,
    counts: Number,
    agreement: Number,
    chance: Number,
    *,
    seen: float = 1.0,
    rounds: int = 500,
) -> float:
    """How many of some pairs are one officer's, by their own share of such pairs.

    Linked pairs, and those that are left, have other shares than all pairs together. `seen` is the
    chance that a pair of one officer is among such pairs at all; of two, nearly every pair is.
    """
    if not counts.size:
        return 0.0
    ratio = _likelihood(patterns, agreement) / _likelihood(patterns, chance) / seen
    share = 0.5
    for _ in range(rounds):
        odds = share * ratio
        share = float((counts * odds / (odds + 1 - share)).sum() / counts.sum())
    return share * float(counts.sum())


def _likelihood(patterns: Whole, rate: Number) -> Number:
    """(patterns,): how likely each is, if elements agree as often as `rate` says."""
    rate = np.clip(rate, 1e-6, 1 - 1e-4)
    each = np.where(patterns == _NOT_TO_SAY, 1.0, np.where(patterns == 1, rate, 1 - rate))
    made: Number = each.prod(axis=1)
    return made
