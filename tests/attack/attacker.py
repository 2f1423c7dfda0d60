"""An adversary who holds releases and nothing else, and says what they give away.

What belongs here: turning printed figures into linear facts about groups of officers, and facts
into claims. What stays out: the release's own code and audit, which are never imported, and the
truth, which only the judge knows.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import inversions
import numpy as np
import polars as pl
from claims import Claim, Kind
from published import ALL, KEYS, Cell, Group, Measure, Release, Row, World, cells_at, cells_of, grid
from structure import Relation, relations
from unknowns import UNBOUNDED, Contradiction, Facts, Part, System

SMALL: Final = range(1, 10)
"""Numbers of officers that are not to be told from one another."""

FEWEST_PRINTED: Final = 10
STALE_BY: Final = 9
"""A group that differs by so few from its last publication is printed as it was."""

Target = tuple[Group, ...]
Wanted = Callable[[int, Target], bool]


@dataclass(frozen=True)
class Printed:
    """One group's figures in one release; `since` is the first of the releases that print them."""

    cell: Cell
    row: Row
    since: int

    def value(self, column: str | None) -> float | None:
        found = self.row.get(column) if column else None
        return None if found is None else float(found)

    @property
    def n(self) -> float | None:
        return self.value(self.cell.count)


@dataclass(frozen=True)
class Conventions:
    """How a release prints, as far as its own figures show."""

    counts_to: int
    """5, or 1 where some count is no multiple of it."""
    fewest: int
    decimals: Mapping[tuple[str, str], float]
    """Table and column -> half of the last place printed."""

    def people(self, printed: float) -> tuple[float, float]:
        """The numbers of officers that are printed so."""
        half = self.counts_to // 2
        return max(printed - half, self.fewest), printed + half


@dataclass
class Attack:
    """Everything printed so far, and what it leaves possible.

    `all_parts` asks integer programmes about every suppressed cell; without it only those are
    asked about that `wanted` names.
    """

    releases: Sequence[Release]
    world: World
    wanted: Wanted = lambda _release, _target: True
    _printed: list[dict[Group, Printed]] = field(init=False)
    _conventions: list[Conventions] = field(init=False)

    def __post_init__(self) -> None:
        self._conventions = [_conventions(release) for release in self.releases]
        self._printed = []
        for number, release in enumerate(self.releases):
            before = self._printed[-1] if self._printed else {}
            self._printed.append(self._read(number, release, before))

    def claims(self) -> list[Claim]:
        """Everything that can be said. Raises Contradiction if the releases cannot all be true."""
        return [
            *self.finer(),
            *self.changed(),
            *self.given_back(),
            *self.counts(),
            *self.means(),
        ]

    # What is printed

    def _read(
        self, number: int, release: Release, before: Mapping[Group, Printed]
    ) -> dict[Group, Printed]:
        found = {}
        for table in KEYS:
            if table not in release:
                continue
            for row in release[table].iter_rows(named=True):
                for cell in cells_of(table, row, self.world.waves[0]):
                    printed = Printed(cell, row, number)
                    earlier = before.get(cell.group)
                    if earlier and _figures(earlier) == _figures(printed):
                        printed = Printed(cell, row, earlier.since)
                    found[cell.group] = printed
        return found

    @cached_property
    def _structures(self) -> list[list[Relation]]:
        """The partitions for each release, which depend on who is pooled."""
        known: dict[tuple[str, ...], list[Relation]] = {}
        structures = []
        for printed in self._printed:
            shown = {group.organisation for group, p in printed.items() if p.n is not None}
            pooled: tuple[str, ...] = ()
            if any(group.organisation == "others" for group in printed):
                pooled = tuple(o for o in self.world.organisations if o not in shown)
            if pooled not in known:
                known[pooled] = list(relations(self.world, pooled))
            structures.append(known[pooled])
        return structures

    # Counts

    @cached_property
    def _system(self) -> System:
        facts = Facts()
        for number, structure in enumerate(self._structures):
            for relation in structure:
                facts.adds_up((number, relation.total), ((number, part) for part in relation.parts))
            for group, printed in self._printed[number].items():
                self._count_facts(facts, number, group, printed)
            self._retention_facts(facts, number)
        system = facts.system()
        system.propagate()
        return system

    def _count_facts(self, facts: Facts, number: int, group: Group, printed: Printed) -> None:
        if printed.n is None:
            return
        low, high = self._conventions[printed.since].people(printed.n)
        possible = self._narrowed.get((printed.since, group))
        if possible:
            low, high = min(possible), max(possible)
        if printed.since == number:
            facts.unknown((number, group), low, high)
        else:
            facts.unknown((number, group), 0, high + STALE_BY)
            facts.between(-STALE_BY, [(1, (number, group)), (-1, (printed.since, group))], STALE_BY)

    def _retention_facts(self, facts: Facts, number: int) -> None:
        """Survival steps: printed shares bound how many left between them."""
        release = self.releases[number]
        if "retention" not in release or "retained" not in release["retention"].columns:
            return
        half = self._conventions[number].decimals.get(("retention", "retained"), 0.0)
        curves: dict[tuple[str, str, str], dict[int, Row]] = defaultdict(dict)
        for row in release["retention"].iter_rows(named=True):
            curves[row["organisation"], row["arm"], row["denominator"]][row["time"]] = row
        for (organisation, arm, denominator), rows in curves.items():
            for time in sorted(rows):
                step = inversions.survival_step(rows, time, half)
                if step is None:
                    continue
                of = (denominator, str(time))
                at_risk = self._printed[number][Group("n_at_risk", organisation, arm, of)]
                if at_risk.n is None or at_risk.since != number:
                    continue
                people = self._conventions[number].people(at_risk.n)
                low, high = inversions.events(step, at_risk.n, people)
                facts.unknown((number, Group("n_left", organisation, arm, of)), max(low, 0), high)

    def counts(self) -> Iterator[Claim]:
        """Suppressed cells: which numbers of officers are left."""
        system = self._system
        suppressed: dict[int, tuple[int, Cell]] = {}
        for number, group, cell in self._suppressed():
            if self.wanted(number, (group,)):
                suppressed[system.names[number, group]] = (number, cell)
        tied: set[int] = set()
        for part in system.parts():
            asked = [i for i, place in enumerate(part.columns) if int(place) in suppressed]
            if not asked or part.is_free:
                continue
            for place, (low, high, possible) in exact(part, asked).items():
                column = int(part.columns[place])
                tied.add(column)
                yield _count_claim(*suppressed[column], low, high, possible, "integer programme")
        for column, (number, cell) in suppressed.items():
            if column not in tied:
                low, high = float(system.low[column]), float(system.high[column])
                possible = frozenset(n for n in SMALL if low <= n <= high)
                yield _count_claim(number, cell, low, high, possible, "margins")

    def _suppressed(self) -> Iterator[tuple[int, Group, Cell]]:
        for number, printed in enumerate(self._printed):
            for table, key in self._grid:
                for cell in cells_at(table, key, self.world.waves[0]):
                    found = printed.get(cell.group)
                    if found is None or found.n is None:
                        yield number, cell.group, cell

    @cached_property
    def _grid(self) -> list[tuple[str, Any]]:
        return list(grid(self.world))

    # Means

    def means(self) -> Iterator[Claim]:
        """Small groups whose mean is not printed: between which limits it lies."""
        for number in range(len(self.releases)):
            asked: set[Target] = set()
            for instrument, subscale in self.world.limits:
                pairs = self.world.pairs or ((self.world.waves[0],),)
                for waves in pairs:
                    sums = Sums(self, number, instrument, subscale, waves)
                    for target, measure in sums.targets():
                        if target in asked or not self.wanted(number, target):
                            continue
                        asked.add(target)
                        claim = sums.claim(target, measure)
                        if claim:
                            yield claim

    # Published cells

    @cached_property
    def _narrowed(self) -> dict[tuple[int, Group], frozenset[int]]:
        """Where printed figures tell the numbers that round alike from one another."""
        found = {}
        for number, printed in enumerate(self._printed):
            conventions = self._conventions[number]
            fresh = [p for p in printed.values() if p.since == number and p.n is not None]
            for group, possible in inversions.given_back(fresh, conventions).items():
                found[number, group] = possible
        return found

    def given_back(self) -> Iterator[Claim]:
        """Printed counts that other figures of the same row make exact again."""
        for (number, group), possible in self._narrowed.items():
            cell = self._printed[number][group].cell
            yield Claim(
                Kind.GIVEN_BACK,
                number,
                cell.table,
                cell.key,
                cell.count,
                (group,),
                min(possible),
                max(possible),
                "mean, SD, interval or effect size",
                possible,
            )

    def changed(self) -> Iterator[Claim]:
        """Cells whose figures are not those of the release before."""
        for number in range(1, len(self.releases)):
            for group, printed in self._printed[number].items():
                earlier = self._printed[number - 1].get(group)
                if earlier is None or earlier.n is None or printed.n is None:
                    continue
                if printed.since == number:
                    low, high = self._conventions[number].people(printed.n)
                    least, most = self._conventions[earlier.since].people(earlier.n)
                    yield Claim(
                        Kind.CHANGED,
                        number,
                        printed.cell.table,
                        printed.cell.key,
                        printed.cell.count,
                        (group,),
                        low - most,
                        high - least,
                        f"other figures than in release {earlier.since}",
                        frozenset({earlier.since}),
                    )

    def finer(self) -> Iterator[Claim]:
        """Figures printed with more places than the conventions allow."""
        for number, release in enumerate(self.releases):
            for table, frame in release.items():
                for column, how in inversions.too_fine(table, frame):
                    yield Claim(Kind.FINER, number, table, (), column, (), 0, 0, how)


def _count_claim(
    number: int, cell: Cell, low: float, high: float, possible: frozenset[int], how: str
) -> Claim:
    return Claim(
        Kind.COUNT,
        number,
        cell.table,
        cell.key,
        cell.count,
        (cell.group,),
        low,
        high,
        how,
        possible,
    )


def exact(part: Part, asked: Sequence[int]) -> dict[int, tuple[float, float, frozenset[int]]]:
    """Lowest and highest value, and which of 1 to 9 are possible, of unknowns of one part.

    Every solution of a programme is a witness for all unknowns at once, so most questions are
    answered before they are asked.
    """
    size = len(part.columns)
    seen: dict[int, set[int]] = {place: set() for place in asked}

    def look(objective: np.ndarray[Any, Any], fixed: Any = None) -> bool:
        solution = part.solve(objective, fixed)
        if solution is None:
            return False
        for place in asked:
            seen[place].add(round(solution[place]))
        return True

    for sign in (1.0, -1.0):
        everything = np.zeros(size)
        everything[list(asked)] = sign
        if not look(everything):
            raise Contradiction
    found = {}
    for place in asked:
        limits = []
        for sign, limit in ((1.0, part.low[place]), (-1.0, part.high[place])):
            if int(limit) not in seen[place]:
                alone = np.zeros(size)
                alone[place] = sign
                look(alone)
            limits.append(min(seen[place]) if sign > 0 else max(seen[place]))
        low, high = limits
        for n in SMALL:
            if low < n < high and n not in seen[place]:
                look(np.zeros(size), {place: (n, n)})
        found[place] = (float(low), float(high), frozenset(seen[place]) & frozenset(SMALL))
    return found


def _figures(printed: Printed) -> tuple[object, ...]:
    return tuple(printed.row.get(column) for column in printed.cell.figures)


def _conventions(release: Release) -> Conventions:
    counts = [
        value
        for table, frame in release.items()
        if table in KEYS
        for name in frame.columns
        if (name == "n" or name.startswith("n_") or table == "follow_up_due")
        and name in _count_columns(table)
        for value in frame[name].drop_nulls()
    ]
    fewest = 0 if any(value < FEWEST_PRINTED for value in counts) else FEWEST_PRINTED
    return Conventions(
        counts_to=5 if all(value % 5 == 0 for value in counts) else 1,
        fewest=fewest,
        decimals={
            (table, name): inversions.half_place(frame[name])
            for table, frame in release.items()
            for name, dtype in frame.schema.items()
            if dtype.is_float()
        },
    )


def _count_columns(table: str) -> frozenset[str]:
    key = tuple((name, "baseline") for name in KEYS[table])
    return frozenset(cell.count for cell in cells_at(table, key, "baseline"))


class Sums:
    """Sums of points of groups in one release, at two waves, on one subscale."""

    def __init__(
        self, attack: Attack, number: int, instrument: str, subscale: str, waves: Sequence[str]
    ) -> None:
        self.attack = attack
        self.number = number
        self.score = (instrument, subscale)
        self.waves = tuple(waves)
        self.limits = attack.world.limits[self.score]
        self.printed = attack._printed[number]
        self._relations = [
            relation
            for relation in attack._structures[number]
            if all(map(self._waves_of, (relation.total, *relation.parts)))
        ]

    def _waves_of(self, group: Group) -> tuple[str, ...]:
        """At which of the two waves every officer of the group has a score; () if at none."""
        before, after = self.waves[0], self.waves[-1]
        first = self.attack.world.waves[0]
        score, of = self.score, group.of
        match group.kind:
            case "scored" if of == (before, *score):
                return (before,)
            case "scored" if of == (after, *score):
                return (after,)
            case "paired" if of == (before, after, *score):
                return (before, after)
            case "unpaired_from" if of == (before, after, *score):
                return (before,)
            case "unpaired_to" if of == (before, after, *score):
                return (after,)
            case "left" | "stayed" | "once left" | "once stayed" | "other_fate" if (
                before == first and of[-2:] == score
            ):
                return (before,)
            case "dose" | "sessions_unknown" if before == first and of[-3:] == (after, *score):
                return (before, after)
        return ()

    def targets(self) -> Iterator[tuple[Target, Measure]]:
        """Groups, and what is left of a printed one without its printed parts."""
        seen = set()
        for relation in self._relations:
            hidden = tuple(part for part in relation.parts if not self._is_printed(part))
            candidates = [(part,) for part in hidden]
            if len(hidden) > 1 and self._is_printed(relation.total):
                candidates.append(hidden)
            for target in candidates:
                if target not in seen:
                    seen.add(target)
                    yield target, self._measure(target)

    def _measure(self, target: Target) -> Measure:
        waves = self._waves_of(target[0])
        is_change = target[0].kind in {"paired", "dose", "sessions_unknown"}
        return Measure(waves if is_change else waves[:1], *self.score)

    def _is_printed(self, group: Group) -> bool:
        printed = self.printed.get(group)
        return printed is not None and printed.n is not None

    @cached_property
    def _system(self) -> System:
        facts, low, high = Facts(), *self.limits
        groups = {g for r in self._relations for g in (r.total, *r.parts)}
        for group in groups:
            self._officers(facts, (self.number, group))
            self._points(facts, (self.number, group))
        for relation in self._relations:
            facts.adds_up(
                (self.number, relation.total), ((self.number, part) for part in relation.parts)
            )
            for wave in self._waves_of(relation.total):
                if all(wave in self._waves_of(part) for part in relation.parts):
                    facts.adds_up(
                        (self.number, relation.total, wave),
                        ((self.number, part, wave) for part in relation.parts),
                    )
        for group in groups & self.printed.keys():
            printed = self.printed[group]
            if printed.since != self.number:
                # The figures are of those who were in the group then: at most nine others.
                then = (printed.since, group)
                self._officers(facts, then)
                self._points(facts, then)
                others = STALE_BY * high
                facts.between(-STALE_BY, [(1, (self.number, group)), (-1, then)], STALE_BY)
                for wave in self._waves_of(group):
                    now = (self.number, group, wave)
                    facts.between(-others, [(1, now), (-1, (*then, wave))], others)
            self._mean(facts, group, printed)
        return facts.system()

    def _officers(self, facts: Facts, name: tuple[int, Group]) -> None:
        facts.unknown(name, *self.attack._system.bounds(name))

    def _points(self, facts: Facts, name: tuple[int, Group]) -> None:
        low, high = self.limits
        most = self.attack._system.bounds(name)[1]
        for wave in self._waves_of(name[1]):
            facts.unknown((*name, wave), 0, min(most * high, UNBOUNDED * high), whole=False)
            facts.between(0, [(1, (*name, wave)), (-low, name)], UNBOUNDED * high)
            facts.between(0, [(high, name), (-1, (*name, wave))], UNBOUNDED * high)

    def _mean(self, facts: Facts, group: Group, printed: Printed) -> None:
        mean = printed.value(printed.cell.mean)
        measure = printed.cell.measure
        if mean is None or measure is None:
            return
        half = self.attack._conventions[printed.since].decimals[
            printed.cell.table, str(printed.cell.mean)
        ]
        name = (printed.since, group)
        if len(measure.waves) == 1:
            points = [(1.0, (*name, measure.waves[0]))]
        else:
            points = [(1.0, (*name, measure.waves[1])), (-1.0, (*name, measure.waves[0]))]
        far = UNBOUNDED * 100
        facts.between(0, [*points, (-(mean - half), name)], far)
        facts.between(-far, [*points, (-(mean + half), name)], 0)

    @cached_property
    def _part(self) -> tuple[Part, dict[int, int]]:
        """Everything as one programme: means tie all groups of a subscale together."""
        system = self._system
        system.propagate()
        part = system.whole_part()
        return part, {int(column): place for place, column in enumerate(part.columns)}

    def claim(self, target: Target, measure: Measure) -> Claim | None:
        """Between which values the mean of a group of one to nine officers lies."""
        part, _ = self._part
        names = self._system.names
        people = [names[self.number, group] for group in target]
        least = sum(part.low[place] for place in people)
        most = sum(part.high[place] for place in people)
        points = self._objective(target, measure, len(part.columns))
        spread = self._by_spread(target, measure)
        low, high, possible = np.inf, -np.inf, set()
        for n in SMALL:
            if not least <= n <= most:
                continue
            found = self._limits(part, people, n, points)
            if found is None:
                continue
            at_least, at_most = found[0] / n, found[1] / n
            if spread is not None:
                around = spread(n)
                if around is None:
                    continue
                at_least, at_most = max(at_least, around[0]), min(at_most, around[1])
                if at_least > at_most + 1e-6:
                    continue
            possible.add(n)
            low, high = min(low, at_least), max(high, at_most)
            if high - low >= WIDE_ENOUGH:
                break
        if not possible:
            return None
        return Claim(
            Kind.MEAN,
            self.number,
            "sums",
            (),
            "mean",
            target,
            low,
            high,
            "means of what it is a part of" + (", and SDs" if spread else ""),
            frozenset(possible),
            measure,
        )

    def _objective(self, target: Target, measure: Measure, size: int) -> np.ndarray[Any, Any]:
        objective = np.zeros(size)
        names = self._system.names
        for group in target:
            objective[names[self.number, group, measure.waves[-1]]] += 1
            if len(measure.waves) == 2:
                objective[names[self.number, group, measure.waves[0]]] -= 1
        return objective

    def _limits(
        self, part: Part, people: Sequence[int], n: int, points: np.ndarray[Any, Any]
    ) -> tuple[float, float] | None:
        """Least and most points if the group has n officers; None if it cannot have."""
        held = part.with_sum(people, n)
        lowest = held.solve(points, relaxed=True)
        if lowest is None:
            return None
        highest = held.solve(-points, relaxed=True)
        assert highest is not None
        found = float(points @ lowest), float(points @ highest)
        # Without whole people more seems possible than is: ask again where it is near.
        if (found[1] - found[0]) / n < 2 * WIDE_ENOUGH:
            lowest, highest = held.solve(points), held.solve(-points)
            if lowest is None or highest is None:
                return None
            found = float(points @ lowest), float(points @ highest)
        return found

    def _by_spread(
        self, target: Target, measure: Measure
    ) -> Callable[[int], tuple[float, float] | None] | None:
        """What SDs say: the group's own scatter is what the printed parts leave of the total's."""
        for relation in self._relations:
            hidden = tuple(part for part in relation.parts if not self._is_printed(part))
            if hidden != target or not self._is_printed(relation.total):
                continue
            shown = [part for part in relation.parts if part not in hidden]
            moments = [self._moments(group, measure) for group in (relation.total, *shown)]
            if shown and all(moments):
                whole, *parts = [m for m in moments if m is not None]
                return lambda n: inversions.rest_by_spread(whole, parts, n)
        return None

    def _moments(self, group: Group, measure: Measure) -> inversions.Moments | None:
        printed = self.printed[group]
        cell = printed.cell
        mean, sd = printed.value(cell.mean), printed.value(cell.sd)
        if mean is None or sd is None or cell.measure != measure or printed.since != self.number:
            return None
        decimals = self.attack._conventions[self.number].decimals
        low, high = self.attack._system.bounds((self.number, group))
        return inversions.Moments(
            int(low),
            int(high),
            mean,
            decimals[cell.table, str(cell.mean)],
            sd,
            decimals[cell.table, str(cell.sd)],
        )


WIDE_ENOUGH: Final = 4.0
"""Points between which the mean of a small group must stay uncertain."""


def attack(
    releases: Sequence[Mapping[str, pl.DataFrame]],
    world: World,
    wanted: Wanted = lambda _release, _target: True,
) -> list[Claim]:
    """What releases in a row give away to somebody who knows the world and nothing else."""
    return Attack(releases, world, wanted).claims()
