"""Whether a release may be handed on: what is left out must stay as good as unknown.

What belongs here: the three questions of the audit and their limits. What stays out: the equations
(`attack.py`), and what to do about a failure (`control.py`).
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.privacy.disclosure.attack import Attack, Total, Undecided, Unknown
from pipeline.privacy.disclosure.groups import Group, Key, Population, Print, Scale
from pipeline.privacy.disclosure.rules import Rules

_NEARBY = ((3, False), (9, False), (3, True))
"""How far from the group in question exact figures may differ from what they are, and whether those
behind printed figures may as well. What is possible so is possible for an attacker; what is not is
taken for impossible, so the audit errs on the safe side."""

_EVERYWHERE = (10**6, True)
"""Everything that hangs together with the group, however far away: slow, and the last word."""

_TOLERANCE = 1e-6

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Failure:
    """One group of which too much can be worked out, and what; no exact figure is in it."""

    key: Key
    reason: str


@dataclass(frozen=True, slots=True)
class Audit:
    looked_at: int
    """Groups that are left out or hidden, and were asked about."""
    failures: tuple[Failure, ...]
    safe: frozenset[Key] = frozenset()

    @property
    def passed(self) -> bool:
        return not self.failures


def audit(
    population: Population,
    prints: Mapping[Key, Print],
    rules: Rules,
    progress: Progress | None = None,
    *,
    safe: Collection[Key] = (),
    everywhere: bool = False,
) -> Audit:
    """Ask of every group that is not printed what an attacker has to take for possible.

    `safe` are groups that passed when more was printed, and so need not be asked about: with less
    in print more is possible. `everywhere` looks as far as it takes where what lies near a group
    does not show enough. Raises ValueError if the exact figures are not among the attacker's
    solutions.
    """
    attack = Attack(population, prints, rules)
    if attack.breaks():
        raise ValueError("printed figures contradict the exact ones")
    unprinted = [g for key, g in population.groups.items() if key not in prints]
    asked = [g for g in unprinted if g.visible or (0 < g.n < rules.fewest and g.sums)]
    nearby = (*_NEARBY, _EVERYWHERE) if everywhere else _NEARBY
    inquiry = _Inquiry(attack, asked, population.scales, rules, nearby)
    failures: list[Failure] = []
    passed = set(safe)
    for done, group in enumerate(asked):
        if group.key not in passed:
            try:
                found = list(inquiry.of(group))
            except Undecided:
                found = [Failure(group.key, "the solver came to no end")]
            failures += found
            if not found:
                passed.add(group.key)
        if progress is not None:
            progress(done + 1, len(asked))
    return Audit(len(asked), tuple(failures), frozenset(passed))


class _Inquiry:
    """Asks about one group after the other and remembers whatever was seen to be possible."""

    def __init__(
        self,
        attack: Attack,
        asked: Iterable[Group],
        scales: Mapping[str, Scale],
        rules: Rules,
        nearby: Sequence[tuple[int, bool]],
    ) -> None:
        self._attack = attack
        self._scales = scales
        self._rules = rules
        self._nearby = nearby
        self._small = {g.key for g in asked if g.visible and g.n < rules.fewest}
        self._counts: dict[Key, set[int]] = {}
        self._means: dict[Total, tuple[float, float]] = {}

    def of(self, group: Group) -> Iterator[Failure]:
        self._counts.setdefault(group.key, set()).add(group.n)
        if group.key in self._small:
            if not self._may_be_any_small_number(group):
                few = self._rules.fewest - 1
                yield Failure(group.key, f"not every count from 1 to {few} is possible")
        elif group.visible and not self._is_wide(group):
            yield Failure(
                group.key, f"its possible counts are less than {self._rules.narrowest} apart"
            )
        if 0 < group.n < self._rules.fewest:
            for quantity in self._known_means(group):
                least = self._least_points(quantity)
                yield Failure(
                    group.key, f"the mean of {quantity} is known to less than {least:g} points"
                )

    def _missing(self, key: Key) -> list[int]:
        seen = self._counts.get(key, set())
        return [n for n in range(1, self._rules.fewest) if n not in seen]

    def _may_be_any_small_number(self, group: Group) -> bool:
        for within in self._neighbourhoods(group.key):
            others = [
                key
                for key in self._attack.counts_among(within)
                if key in self._small and key != group.key
            ]
            while missing := self._missing(group.key):
                wishes = {key: first[0] for key in others if (first := self._missing(key))}
                found = self._attack.possible({group.key: missing[0]}, within=within, wishes=wishes)
                if found is None:
                    break
                self._note(found)
            else:
                return True
        return False

    def _is_wide(self, group: Group) -> bool:
        seen = self._counts[group.key]
        for within in self._neighbourhoods(group.key):
            for sign in (1, -1):
                if max(seen) - min(seen) >= self._rules.narrowest:
                    return True
                extremes: dict[Unknown, int] = {group.key: sign}
                found = self._attack.possible({}, within=within, extremes=extremes)
                if found is not None and math.isinf(found[group.key]):
                    return True
                self._note(found)
        return max(seen) - min(seen) >= self._rules.narrowest

    def _known_means(self, group: Group) -> list[str]:
        """Quantities of which the mean is known too well."""
        known = self._still_known(group, list(group.sums))
        for within in self._neighbourhoods(group.key):
            # Of its exact number of people first: that alone is nearly always uncertain enough.
            for n in (group.n, 1, self._rules.fewest - 1):
                for sign in (1, -1):
                    if not known:
                        return []
                    extremes: dict[Unknown, int] = {
                        Total(group.key, quantity): sign for quantity in known
                    }
                    self._note(
                        self._attack.possible({group.key: n}, within=within, extremes=extremes)
                    )
                    # All at once may be less far apart than each by itself.
                    if sign < 0:
                        known = self._still_known(group, known)
        return known

    def _still_known(self, group: Group, quantities: Sequence[str]) -> list[str]:
        found = []
        for quantity in quantities:
            low, high = self._means.get(Total(group.key, quantity), (0.0, 0.0))
            if high - low < self._least_points(quantity) - _TOLERANCE:
                found.append(quantity)
        return found

    def _least_points(self, quantity: str) -> float:
        """What the rules say, or a tenth of a scale too short for it to mean anything."""
        lowest, highest = self._scales[quantity]
        return min(self._rules.least_points, (highest - lowest) / 10)

    def _neighbourhoods(self, key: Key) -> Iterator[frozenset[int]]:
        for steps, rounded in self._nearby:
            yield self._attack.near(key, steps, rounded=rounded)

    def _note(self, solution: Mapping[Unknown, float] | None) -> None:
        if solution is None:
            return
        for name, value in solution.items():
            if isinstance(name, Key):
                if not math.isinf(value):
                    self._counts.setdefault(name, set()).add(round(value))
            elif 1 <= (n := round(solution.get(name.key, 0))) < self._rules.fewest:
                mean = value / n
                low, high = self._means.get(name, (mean, mean))
                self._means[name] = (min(low, mean), max(high, mean))
