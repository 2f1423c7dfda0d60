"""Whether a release may be handed on: what is left out must stay as good as unknown.

What belongs here: the three questions of the audit and their limits. What stays out: the equations
(`attack.py`), and what to do about a failure (`control.py`).
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from pipeline.privacy.disclosure.attack import Attack, Total, Unknown
from pipeline.privacy.disclosure.groups import Group, Key, Population, Print, Scale
from pipeline.privacy.disclosure.rules import Rules

_NEARBY = ((3, False), (2, True), (4, True))
"""How far from the group in question exact figures may differ from what they are, and whether those
behind printed figures may as well. What is possible so is possible for an attacker; what is not is
taken for impossible, so the audit errs on the safe side."""

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
) -> Audit:
    """Ask of every group that is not printed what an attacker has to take for possible.

    `safe` are groups that passed when more was printed, and so need not be asked about: with less
    in print more is possible. Raises ValueError if the exact figures are not among the attacker's
    solutions.
    """
    attack = Attack(population, prints, rules)
    if attack.breaks():
        raise ValueError("printed figures contradict the exact ones")
    inquiry = _Inquiry(attack, population.scales, rules)
    unprinted = [g for key, g in population.groups.items() if key not in prints]
    asked = [g for g in unprinted if g.visible or (0 < g.n < rules.fewest and g.sums)]
    failures: list[Failure] = []
    passed = set(safe)
    for done, group in enumerate(asked):
        if group.key not in passed:
            found = list(inquiry.of(group))
            failures += found
            if not found:
                passed.add(group.key)
        if progress is not None:
            progress(done + 1, len(asked))
    return Audit(len(asked), tuple(failures), frozenset(passed))


class _Inquiry:
    """Asks about one group after the other and remembers every count that was seen possible."""

    def __init__(self, attack: Attack, scales: Mapping[str, Scale], rules: Rules) -> None:
        self._attack = attack
        self._scales = scales
        self._rules = rules
        self._seen: dict[Key, set[int]] = {}

    def of(self, group: Group) -> Iterator[Failure]:
        if group.visible and group.n < self._rules.fewest:
            missing = self._impossible_counts(group)
            if missing:
                few = self._rules.fewest - 1
                yield Failure(group.key, f"not every count from 1 to {few} is possible")
        elif group.visible and not self._is_wide(group):
            yield Failure(
                group.key, f"its possible counts are less than {self._rules.narrowest} apart"
            )
        if 0 < group.n < self._rules.fewest:
            for quantity in group.sums:
                if not self._mean_is_uncertain(group, quantity):
                    least = self._least_points(quantity)
                    yield Failure(
                        group.key, f"the mean of {quantity} is known to less than {least:g} points"
                    )

    def _least_points(self, quantity: str) -> float:
        """What the rules say, or a tenth of a scale too short for it to mean anything."""
        lowest, highest = self._scales[quantity]
        return min(self._rules.least_points, (highest - lowest) / 10)

    def _impossible_counts(self, group: Group) -> list[int]:
        seen = self._seen.setdefault(group.key, {group.n})
        wanted = range(1, self._rules.fewest)
        for within in self._neighbourhoods(group.key):
            for n in wanted:
                if n not in seen:
                    self._note(self._attack.possible({group.key: n}, within=within))
            if seen.issuperset(wanted):
                return []
        return [n for n in wanted if n not in seen]

    def _is_wide(self, group: Group) -> bool:
        seen = self._seen.setdefault(group.key, {group.n})
        for within in self._neighbourhoods(group.key):
            for sign in (1, -1):
                if max(seen) - min(seen) >= self._rules.narrowest:
                    return True
                found = self._attack.possible({}, extreme=group.key, sign=sign, within=within)
                if found is not None and math.isinf(found[group.key]):
                    return True
                self._note(found)
        return max(seen) - min(seen) >= self._rules.narrowest

    def _mean_is_uncertain(self, group: Group, quantity: str) -> bool:
        total = Total(group.key, quantity)
        means: list[float] = [self._attack.truth_of(total) / group.n]
        for within in self._neighbourhoods(total):
            # Of its exact number of people first: that alone is nearly always uncertain enough.
            for n in (group.n, 1, self._rules.fewest - 1):
                for sign in (1, -1):
                    found = self._attack.possible(
                        {group.key: n}, extreme=total, sign=sign, within=within
                    )
                    if found is not None:
                        means.append(found[total] / n)
                if max(means) - min(means) >= self._least_points(quantity) - 1e-6:
                    return True
        return False

    def _neighbourhoods(self, unknown: Unknown) -> Iterator[frozenset[int]]:
        for steps, rounded in _NEARBY:
            near = self._attack.near(unknown, steps, rounded=rounded)
            if isinstance(unknown, Total):
                near |= self._attack.near(unknown.key, steps, rounded=rounded)
            yield near

    def _note(self, solution: Mapping[Unknown, float] | None) -> None:
        for name, value in (solution or {}).items():
            if isinstance(name, Key) and not math.isinf(value):
                self._seen.setdefault(name, set()).add(round(value))
