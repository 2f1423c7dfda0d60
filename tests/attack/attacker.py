"""An adversary who holds releases and nothing else, and says what they give away.

What belongs here: turning printed figures into facts about groups of officers, and facts into
claims. What stays out: the release's own code and audit, which are never imported, and the truth,
which only the judge knows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count

import inversions
import numpy as np
import polars as pl
from claims import Claim, Kind
from published import Group, World
from reading_release import Line, Print, read
from structure import Relation, relations
from sums import SMALL, STALE_BY, Known, Said, Sums, Target
from unknowns import Contradiction, Facts, Floats, Part, System

Wanted = Callable[[int, Target], bool]
"""Whether it is worth while to ask about a group in a release."""

Knows = Callable[[int, int, Group], bool]
"""Whether somebody inside knows that a group in one release is the same officers as in another,
but for nine at most."""


@dataclass(frozen=True, slots=True)
class Approach:
    """What an attacker asks about, and what he knows beside the releases."""

    wanted: Wanted = lambda _release, _target: True
    effort: int | None = None
    """The number of groups in each release and on each subscale that programmes are solved for,
    those first of which most is known already; without it, all. Whatever margins alone say is said
    of every group."""
    knows: Knows = lambda _then, _now, _group: False
    trusts_old: bool = True
    """Whether to believe that a figure that did not change is of hardly other officers."""


def attack(
    releases: Sequence[Mapping[str, pl.DataFrame]], world: World, approach: Approach | None = None
) -> list[Claim]:
    """What releases in a row give away to somebody who knows the world and nothing else.

    Raises Contradiction if what they print cannot all be true.
    """
    claims: list[Claim] = []
    prints: list[Print] = []
    for number, release in enumerate(releases):
        prints.append(read(release, world, prints[-1] if prints else None))
        claims += Attack(number, prints, world, approach or Approach()).claims()
    return claims


class Attack:
    """One release, read by somebody who has read those before it."""

    def __init__(
        self, number: int, prints: Sequence[Print], world: World, approach: Approach
    ) -> None:
        self.number = number
        self.print = prints[number]
        self.before = prints[number - 1] if number else None
        self.world = world
        self._approach = approach
        self._earlier = prints[:number]

    def claims(self) -> list[Claim]:
        return [
            *self.conventions(),
            *self.changed(),
            *self.given_back(),
            *self.counts(),
            *self.means(),
        ]

    @cached_property
    def relations(self) -> list[Relation]:
        return list(relations(self.world, self.print.areas, self.print.groups))

    # Rows by themselves

    def conventions(self) -> Iterator[Claim]:
        """Figures that are printed too finely, or made of what is not printed."""
        for table, column, how in inversions.too_fine(self.print):
            yield Claim(Kind.TOO_FINE, self.number, table, (), column, (), how)
        for line, column in inversions.not_of_printed(self.print):
            cell = line.cell
            how = "the formula of the printed figures gives another"
            yield Claim(
                Kind.NOT_OF_PRINTED, self.number, cell.table, cell.key, column, (cell.group,), how
            )

    @cached_property
    def _narrowed(self) -> Mapping[Group, frozenset[int]]:
        return inversions.given_back(self.print)

    def given_back(self) -> Iterator[Claim]:
        """Printed counts that other figures of their rows make exact again."""
        for group, possible in self._narrowed.items():
            limits = float(min(possible)), float(max(possible))
            how = "means, SDs and intervals"
            yield self._claim(Kind.GIVEN_BACK, group, how, limits, possible)

    def changed(self) -> Iterator[Claim]:
        """Groups whose figures are not those of their last publication."""
        if self.before is None:
            return
        for group, shown in self.print.groups.items():
            if shown.n is None or shown.may_be_old or group not in self.before.last:
                continue
            then, earlier = self.before.last[group]
            assert earlier.n is not None
            low, high = self.print.people(shown.n)
            least, most = self._earlier[then].people(earlier.n)
            how = f"other figures than in release {then}"
            yield self._claim(Kind.CHANGED, group, how, (low - most, high - least))

    # Counts

    @cached_property
    def _system(self) -> System:
        facts = Facts()
        for relation in self.relations:
            facts.adds_up(relation.total, relation.parts)
        for group in self.print.groups:
            facts.unknown(group)
        for group, said in self._said.items():
            for print_, shown, changed in said:
                assert shown.n is not None
                low, high = print_.people(shown.n)
                if print_ is self.print and group in self._narrowed:
                    low, high = min(self._narrowed[group]), max(self._narrowed[group])
                facts.unknown(group, max(low - changed, 0), high + changed)
        for group, (low, high) in self._steps():
            facts.unknown(group, max(low, 0), high)
        system = facts.system()
        system.propagate()
        return system

    @cached_property
    def _said(self) -> Mapping[Group, Sequence[Said]]:
        """What is and was printed of each group, and by how many officers it may differ now."""
        said: dict[Group, list[Said]] = {}
        for group, shown in self.print.groups.items():
            if shown.n is not None and (self._approach.trusts_old or not shown.may_be_old):
                changed = STALE_BY if shown.may_be_old else 0
                said.setdefault(group, []).append((self.print, shown, changed))
        for then, print_ in enumerate(self._earlier):
            for group, shown in print_.groups.items():
                made_then = shown.n is not None and not shown.may_be_old
                if made_then and self._approach.knows(then, self.number, group):
                    said.setdefault(group, []).append((print_, shown, STALE_BY))
        return said

    def _steps(self) -> Iterator[tuple[Group, tuple[float, float]]]:
        """Steps of retention of which the share that stayed is printed."""
        lines: dict[tuple[str, str, str], list[Line]] = {}
        for shown in self.print.groups.values():
            for line in shown.lines:
                if line.cell.group.kind == "events":
                    row = line.row
                    curve = row["organisation"], row["arm"], row["denominator"]
                    lines.setdefault(curve, []).append(line)
        for curve in lines.values():
            before: tuple[float, float] | None = (1.0, 0.0)
            for line in sorted(curve, key=lambda line: int(line.row["time"])):
                found = inversions.events(line, before, self.print)
                group = line.cell.group
                at_risk = group._replace(kind="at_risk", of=group.of[:2])
                old = any(self.print.groups[g].may_be_old for g in (group, at_risk))
                if found is not None and not old:
                    yield group, found
                before = inversions.share(line, "retained", self.print)

    def counts(self) -> Iterator[Claim]:
        """Groups that are left out: which numbers of officers are possible."""
        system = self._system
        asked = {
            system.names[group]: group
            for group, shown in self.print.groups.items()
            if shown.n is None and self._approach.wanted(self.number, (group,))
        }
        width = system.high - system.low
        first = sorted(asked, key=lambda column: (width[column], column))[: self._approach.effort]
        for part in system.parts():
            places = [i for i, column in enumerate(part.columns) if int(column) in first]
            if places and not part.is_free:
                for place, (low, high, possible) in exact(part, places).items():
                    group = asked.pop(int(part.columns[place]))
                    how = "integer programme"
                    yield self._claim(Kind.COUNT, group, how, (low, high), possible)
        for column, group in asked.items():
            low, high = float(system.low[column]), float(system.high[column])
            possible = frozenset(n for n in SMALL if low <= n <= high)
            yield self._claim(Kind.COUNT, group, "margins", (low, high), possible)

    def _claim(
        self,
        kind: Kind,
        group: Group,
        how: str,
        limits: tuple[float, float],
        possible: frozenset[int] = frozenset(),
    ) -> Claim:
        cell = self.print.groups[group].lines[0].cell
        return Claim(
            kind, self.number, cell.table, cell.key, cell.count, (group,), how, *limits, possible
        )

    # Means

    def means(self) -> Iterator[Claim]:
        """Small groups whose mean is left out: between which limits it lies."""
        people: dict[Group, tuple[float, float]] = {}
        for name, place in self._system.names.items():
            people[name] = float(self._system.low[place]), float(self._system.high[place])  # type: ignore[index]
        for subscale in self.world.limits:
            asked: set[Target] = set()
            for pair in self.world.pairs:
                known = Known(self.print, self._said, self.world, self.relations, people)
                sums = Sums(known, subscale, pair)
                new = [
                    (target, measure)
                    for target, measure in sums.targets()
                    if target not in asked and self._approach.wanted(self.number, target)
                ]
                asked.update(target for target, _ in new)
                wide = sums.wide(new) if new else set()
                near = [(target, measure) for target, measure in new if target not in wide]
                near.sort(key=lambda asked: sum(people[group][1] for group in asked[0]))
                for target, measure in near[: self._approach.effort]:
                    claim = sums.claim(target, measure)
                    if claim is not None:
                        yield claim


_TURNS_IN_VAIN = 3


def exact(part: Part, asked: Sequence[int]) -> dict[int, tuple[float, float, frozenset[int]]]:
    """Lowest and highest value, and which of 1 to 9 are possible, of unknowns of one part.

    Every solution is a witness for all unknowns at once, so most questions are answered before
    they are asked. An unknown that can be anything from 1 to 9, and one more, is not asked about
    further: its limits are those of `part`, which are not narrower than the exact ones.
    """
    seen: dict[int, set[int]] = {place: set() for place in asked}

    def take(solution: Floats | None) -> bool:
        if solution is not None:
            for place in asked:
                seen[place].add(round(solution[place]))
        return solution is not None

    def is_safe(place: int) -> bool:
        return (
            seen[place].issuperset(SMALL) and max(seen[place]) - min(seen[place]) > len(SMALL) - 1
        )

    def unseen(place: int) -> list[int]:
        values = range(max(int(part.low[place]), 0), min(int(part.high[place]), len(SMALL) + 1) + 1)
        return [] if is_safe(place) else [n for n in values if n not in seen[place]]

    # Many at once, and only what is left one by one.
    in_vain = 0
    for turn in count():
        open_ = {place: values for place in asked if (values := unseen(place))}
        if not open_ or in_vain == _TURNS_IN_VAIN:
            break
        wanted = {
            place: values[(turn + step) % len(values)]
            for step, (place, values) in enumerate(open_.items())
        }
        before = sum(map(len, seen.values()))
        if not take(part.nearest(wanted)):
            raise Contradiction
        in_vain = in_vain + 1 if sum(map(len, seen.values())) == before else 0
    found = {}
    for place in asked:
        low, high = part.low[place], part.high[place]
        for n in unseen(place):
            if n in unseen(place):
                take(_some_solution(part, place, n))
        if not is_safe(place):
            low, high = _limits(part, place, seen[place])
        found[place] = (float(low), float(high), frozenset(seen[place]) & frozenset(SMALL))
    return found


def _some_solution(part: Part, place: int, n: int) -> Floats | None:
    """A solution in which one unknown is n, if there is any."""
    indifferent = np.zeros(len(part.columns))
    if part.solve(indifferent, {place: (n, n)}, relaxed=True) is None:
        return None
    return part.solve(indifferent, {place: (n, n)}, any_near=True)


def _limits(part: Part, place: int, seen: set[int]) -> tuple[float, float]:
    """The exact limits of one unknown, of which some values are known to be possible."""
    limits = []
    for sign, limit, nearest in ((1, part.low[place], min), (-1, part.high[place], max)):
        if seen and nearest(seen) == limit:
            limits.append(float(limit))
            continue
        objective = np.zeros(len(part.columns))
        objective[place] = sign
        solution = part.solve(objective)
        assert solution is not None
        limits.append(float(round(solution[place])))
    return limits[0], limits[1]
