"""Points of small groups: what printed means and SDs of larger ones leave for their own mean.

What belongs here: sums of scores at two waves on one subscale, in one release. What stays out:
counts by themselves (`attacker.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import inversions
import numpy as np
from claims import Claim, Kind
from published import Group, Measure, World
from reading_release import Print, Shown
from structure import Relation
from unknowns import UNBOUNDED, Facts, Part, System

SMALL: Final = range(1, 10)
"""Numbers of officers that are not to be told from one another."""

STALE_BY: Final = 9
"""A group that differs by so few from its last publication may be printed as it was."""

WIDE_ENOUGH: Final = 4.0
"""Points by which the mean of a small group must stay uncertain."""

_FAR: Final = UNBOUNDED * 100

Target = tuple[Group, ...]
Said = tuple[Print, Shown, int]
"""What some release prints of a group, and how many officers came or went since at most."""

_CHANGES: Final = frozenset({"paired", "dose", "sessions_unknown", "paired_twice"})


@dataclass(frozen=True)
class Known:
    """What is known of a release before any points are looked at."""

    print: Print
    said: Mapping[Group, Sequence[Said]]
    world: World
    relations: Sequence[Relation]
    people: Mapping[Group, tuple[float, float]]
    """Limits of the number of officers in each group."""


class Sums:
    """Everything that a release says about points at two waves on one subscale."""

    def __init__(self, known: Known, subscale: str, waves: tuple[str, str]) -> None:
        self.number = known.print.number
        self.print = known.print
        self.said = known.said
        self.world = known.world
        self.people = known.people
        self.subscale = subscale
        self.waves = waves
        self._relations = [
            relation
            for relation in known.relations
            if all(map(self._waves_of, (relation.total, *relation.parts)))
        ]

    def targets(self) -> Iterator[tuple[Target, Measure]]:
        """Groups without a count in print, and what is left of a printed one without its parts."""
        seen = set()
        for relation in self._relations:
            hidden = self._hidden(relation)
            candidates = [(part,) for part in hidden]
            if (
                len(hidden) > 1
                and self.print.is_printed(relation.total)
                and self._measure(hidden).waves
            ):
                candidates.append(hidden)
            for target in candidates:
                if target not in seen:
                    seen.add(target)
                    yield target, self._measure(target)

    def claim(self, target: Target, measure: Measure) -> Claim | None:
        """Between which values the mean of the group lies if it has one to nine officers.

        None if it cannot have so few.
        """
        places = [self._names[group] for group in target]
        low, high = np.inf, -np.inf
        possible = set()
        by_sd = False
        for n in SMALL:
            found = self._mean_limits(target, measure, places, n)
            if found is None:
                continue
            spread = self._by_spread(target, measure, n)
            if spread is not None:
                by_sd = True
                found = max(found[0], spread[0]), min(found[1], spread[1])
                if found[0] > found[1] + 1e-6:
                    continue
            possible.add(n)
            low, high = min(low, found[0]), max(high, found[1])
            if high - low >= WIDE_ENOUGH:
                break
        if not possible:
            return None
        return Claim(
            Kind.MEAN,
            self.number,
            "",
            (),
            f"mean of {self.subscale}",
            target,
            f"means {'and SDs ' if by_sd else ''}of what it is a part of",
            low,
            high,
            frozenset(possible),
            measure,
        )

    def wide(self, targets: Sequence[tuple[Target, Measure]]) -> set[Target]:
        """Groups that two solutions show to have means far enough apart; others may be so too.

        One solution with low means and one with high ones speak about all groups at once.
        """
        part = self._part
        can_be_small = [
            (target, measure, places)
            for target, measure in targets
            for places in [[self._names[group] for group in target]]
            if part.low[places].sum() <= SMALL[-1] and part.high[places].sum() >= SMALL[0]
        ]
        means: dict[Target, list[float]] = {}
        for sign in (1.0, -1.0):
            objective = np.zeros(len(part.columns))
            for target, measure, places in can_be_small:
                points = self._points(target, measure)
                objective += sign * points
                # Kept to a few officers, so that points stand for means.
                objective[places] -= sign * self._usual(measure)
            few = {
                place: (part.low[place], float(SMALL[-1]))
                for target, _, places in can_be_small
                if len(target) == 1
                for place in places
            }
            solution = part.solve(objective, few, any_near=True)
            solution = part.solve(objective, any_near=True) if solution is None else solution
            if solution is None:
                return set()
            for target, measure, places in can_be_small:
                n = round(solution[places].sum())
                if n in SMALL:
                    mean = float(self._points(target, measure) @ solution) / n
                    means.setdefault(target, []).append(mean)
        return {target for target, of in means.items() if max(of) - min(of) >= WIDE_ENOUGH}

    def _usual(self, measure: Measure) -> float:
        return 0.0 if len(measure.waves) == 2 else sum(self.world.limits[self.subscale]) / 2

    def _points(self, target: Target, measure: Measure) -> Any:
        """The coefficients of the group's points, or of their change."""
        points = np.zeros(len(self._part.columns))
        for group in target:
            points[self._names[group, measure.waves[-1]]] += 1
            if len(measure.waves) == 2:
                points[self._names[group, measure.waves[0]]] -= 1
        return points

    def _hidden(self, relation: Relation) -> Target:
        return tuple(part for part in relation.parts if not self.print.is_printed(part))

    def _measure(self, target: Target) -> Measure:
        if all(group.kind in _CHANGES for group in target):
            return Measure(self.waves, self.subscale)
        shared = set.intersection(*(set(self._waves_of(group)) for group in target))
        return Measure(tuple(wave for wave in self.waves if wave in shared)[:1], self.subscale)

    def _waves_of(self, group: Group) -> tuple[str, ...]:
        """At which of the two waves every officer of the group has a score; () if at none."""
        before, after = self.waves
        of = group.of
        from_first = before == self.world.waves[0]
        found: tuple[str, ...] = ()
        match group.kind:
            case "scored" | "once_scored" if of[-1] in self.waves:
                found = of[-1:]
            case "paired" if of == self.waves:
                found = self.waves
            case "only_from" if of == self.waves:
                found = (before,)
            case "only_to" if of == self.waves:
                found = (after,)
            case "band" if of[0] in self.waves and of[1] == self.subscale:
                found = of[:1]
            case "left" | "stayed" | "other_fate" if from_first:
                found = (before,)
            case "dose" | "sessions_unknown" | "paired_twice" if from_first and of[0] == after:
                found = self.waves
        return found

    # The programme

    @cached_property
    def _system(self) -> System:
        facts = Facts()
        # A dict keeps the order of the relations: sets of names have another in every process.
        groups = dict.fromkeys(group for r in self._relations for group in (r.total, *r.parts))
        for group in groups:
            self._group(facts, group, self.people[group], group)
        for relation in self._relations:
            facts.adds_up(relation.total, relation.parts)
            for wave in self._waves_of(relation.total):
                if all(wave in self._waves_of(part) for part in relation.parts):
                    facts.adds_up((relation.total, wave), ((part, wave) for part in relation.parts))
        for group in sorted(groups.keys() & self.said.keys()):
            for print_, shown, changed in self.said[group]:
                self._means(facts, print_, shown, changed)
        system = facts.system()
        system.propagate()
        return system

    def _group(self, facts: Facts, name: Any, people: tuple[float, float], group: Group) -> None:
        low, high = self.world.limits[self.subscale]
        if group.kind == "band" and group.of[2] in self.world.bands:
            low, high = self.world.bands[group.of[2]]
        facts.unknown(name, *people)
        for wave in self._waves_of(group):
            facts.unknown((name, wave), 0, UNBOUNDED, whole=False)
            facts.between(0, [(1, (name, wave)), (-low, name)], _FAR)
            facts.between(0, [(high, name), (-1, (name, wave))], _FAR)

    def _means(self, facts: Facts, print_: Print, shown: Shown, changed: int) -> None:
        """Printed means, of the group as it is or as it was when they were printed."""
        group = shown.group
        name: Any = group
        if changed and shown.n is not None:
            name = (print_.number, group)
            self._group(facts, name, print_.people(shown.n), group)
            points = changed * self.world.limits[self.subscale][1]
            facts.between(-changed, [(1, group), (-1, name)], changed)
            for wave in self._waves_of(group):
                facts.between(-points, [(1, (group, wave)), (-1, (name, wave))], points)
        for line in shown.lines:
            mean, measure = line.value(line.cell.mean), line.cell.measure
            if mean is None or measure is None or measure.subscale != self.subscale:
                continue
            if not set(measure.waves) <= set(self._waves_of(group)):
                continue
            half = print_.half(line, str(line.cell.mean))
            points_ = [(1.0, (name, measure.waves[-1]))]
            if len(measure.waves) == 2:
                points_.append((-1.0, (name, measure.waves[0])))
            facts.between(0, [*points_, (-(mean - half), name)], _FAR)
            facts.between(-_FAR, [*points_, (-(mean + half), name)], 0)

    @property
    def _names(self) -> Mapping[Any, int]:
        return self._system.names

    @cached_property
    def _part(self) -> Part:
        """Everything as one programme: means tie all groups of a subscale together."""
        return self._system.whole_part()

    def _mean_limits(
        self, target: Target, measure: Measure, places: Sequence[int], n: int
    ) -> tuple[float, float] | None:
        """Limits of the mean if the group has n officers; None if it cannot have."""
        part = self._part
        if not part.low[places].sum() <= n <= part.high[places].sum():
            return None
        objective = self._points(target, measure)
        held = part.with_sum(places, n)
        for relaxed in (True, False):
            lowest = held.solve(objective, relaxed=relaxed)
            highest = held.solve(-objective, relaxed=relaxed)
            if lowest is None or highest is None:
                return None
            found = float(objective @ lowest) / n, float(objective @ highest) / n
            # With people in fractions more seems possible than is: ask again where it is near.
            if found[1] - found[0] >= 2 * WIDE_ENOUGH:
                break
        return found

    def _by_spread(self, target: Target, measure: Measure, n: int) -> tuple[float, float] | None:
        """What SDs say: the group's own scatter is what the printed parts leave of the total's.

        None where they say nothing.
        """
        best: tuple[float, float] | None = None
        for relation in self._relations:
            if self._hidden(relation) != target or not self.print.is_printed(relation.total):
                continue
            shown = [part for part in relation.parts if part not in target]
            moments = [self._moments(group, measure) for group in (relation.total, *shown)]
            known = [m for m in moments if m is not None]
            if not shown or len(known) < len(moments):
                continue
            found = inversions.rest_by_spread(known[0], known[1:], n)
            found = found or (np.inf, -np.inf)
            best = found if best is None else (max(best[0], found[0]), min(best[1], found[1]))
        return best

    def _moments(self, group: Group, measure: Measure) -> inversions.Moments | None:
        shown = self.print.groups[group]
        if shown.may_be_old:
            return None
        low, high = (int(limit) for limit in self.people[group])
        line = shown.of(measure)
        if line is not None:
            mean, sd = line.value(line.cell.mean), line.value(line.cell.sd)
            if mean is None or sd is None:
                return None
            half, half_sd = (
                self.print.half(line, str(column)) for column in (line.cell.mean, line.cell.sd)
            )
            return inversions.Moments(low, high, mean, half, sd, half_sd)
        # The SDs of the paired at either wave stand beside their change, without the means.
        line = shown.of(Measure(self.waves, self.subscale))
        if group.kind != "paired" or line is None or len(measure.waves) != 1:
            return None
        column = "sd_from" if measure.waves[0] == self.waves[0] else "sd_to"
        sd = line.value(column)
        if sd is None:
            return None
        return inversions.Moments(low, high, None, 0.0, sd, self.print.half(line, column))
