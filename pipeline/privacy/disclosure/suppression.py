"""What is left out: small groups, and what would give them back by subtraction.

What belongs here: exact subtraction, whole less parts, over all partitions together; nested groups
are partitions with a hidden part. What stays out: what rounding leaves possible (`audit.py`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.privacy.disclosure.groups import Group, Key, Partition, Population
from pipeline.privacy.disclosure.rules import Rules


def left_out(
    population: Population,
    rules: Rules,
    *,
    also: Collection[Key] = (),
    standing: Collection[Key] = (),
) -> set[Key]:
    """The visible groups that are not printed.

    All below the threshold, `also`, and as many others as it takes until nothing that can be worked
    out is small: a group that is not printed, or what remains of a whole without its known parts,
    is at least the threshold, or empty where only hidden groups remain. `standing` are groups whose
    figures of an earlier release stand again, whatever their size: leaving them out would hide
    nothing.
    """
    suppressed = {
        group.key
        for group in population.visible
        if (group.n < rules.fewest or group.key in also) and group.key not in standing
    }
    while True:
        suppressed |= _without_their_whole(population, suppressed) - set(standing)
        giving_way = _giving_way(population, suppressed, rules, standing)
        if not giving_way:
            return suppressed
        suppressed |= giving_way


def _without_their_whole(population: Population, suppressed: Collection[Key]) -> set[Key]:
    """Visible parts that only say more about a group that is not printed."""
    return {
        part
        for partition in population.subtractions
        if partition.detail and partition.whole in suppressed
        for part in partition.parts
        if population.groups[part].visible
    }


@dataclass(slots=True)
class Known:
    """What subtraction gives: printed groups, and those that follow from them one by one."""

    printed: frozenset[Key]
    keys: set[Key]
    follows_from: dict[Key, Partition] = field(default_factory=dict)

    def behind(self, key: Key) -> Iterator[Key]:
        """The printed groups that a known group was worked out from."""
        waiting, seen = [key], {key}
        while waiting:
            current = waiting.pop()
            partition = self.follows_from.get(current)
            if partition is None:
                if current in self.printed:
                    yield current
                continue
            new = {partition.whole, *partition.parts} - seen
            seen |= new
            waiting += sorted(new)


def known_by_subtraction(population: Population, printed: Iterable[Key]) -> Known:
    """All groups whose exact count would follow if printed counts were exact.

    The last unknown member of a partition follows from the others; and where nobody of a known
    whole remains, all of its other parts are known to be empty. A hidden group without anybody is
    known from the start: two groups with the same people have the same figures in print.
    """
    by_member: dict[Key, list[Partition]] = {}
    for partition in population.subtractions:
        for member in (partition.whole, *partition.parts):
            by_member.setdefault(member, []).append(partition)
    shown = frozenset(printed)
    nobody = {
        g.key for g in population.groups.values() if not g.visible and not g.n and g.told_if_empty
    }
    waiting = sorted(shown | nobody)
    known = Known(shown, set(waiting))
    while waiting:
        for partition in by_member.get(waiting.pop(), ()):
            rest = [part for part in partition.parts if part not in known.keys]
            whole_is_known = partition.whole in known.keys
            if not rest and not whole_is_known:
                following = [partition.whole]
            elif whole_is_known and (
                len(rest) == 1 or not any(population.groups[part].n for part in rest)
            ):
                following = rest
            else:
                continue
            known.keys.update(following)
            known.follows_from.update(dict.fromkeys(following, partition))
            waiting += following
    return known


def _giving_way(
    population: Population, suppressed: Collection[Key], rules: Rules, standing: Collection[Key]
) -> set[Key]:
    """One more printed group for each partition that gives away something small."""
    groups = population.groups
    printed = [g.key for g in population.visible if g.key not in suppressed]
    known = known_by_subtraction(population, printed)
    chosen: set[Key] = set()
    for partition in population.subtractions:
        if partition.whole not in known.keys:
            continue
        members = (partition.whole, *partition.parts)
        if chosen.intersection(members):
            continue
        rest = _rest(partition, known)
        bases = {
            base
            for member in members
            if member in known.keys and member not in rest
            for base in known.behind(member)
        }
        if not (
            _is_too_few(rest, groups, rules) or _is_too_sharp(rest, bases, known, groups, rules)
        ):
            continue
        short = rules.fewest - sum(groups[key].n for key in rest)
        candidates = bases.difference(standing)
        if candidates:
            chosen.add(min(candidates, key=lambda base: _order(groups[base], short)))
    return chosen


def _rest(partition: Partition, known: Known) -> list[Key]:
    """The parts that are not printed: those nobody can tell apart, or the one that follows."""
    unknown = [part for part in partition.parts if part not in known.keys]
    if unknown:
        return unknown
    return [part for part in partition.parts if known.follows_from.get(part) is partition]


def _is_too_few(rest: Sequence[Key], groups: Mapping[Key, Group], rules: Rules) -> bool:
    """Whether what remains is a small group; nobody is none where all of them are hidden."""
    if not rest:
        return False
    hidden = not any(groups[key].visible for key in rest)
    if not (rules.nesting if hidden else rules.complementary):
        return False
    n = sum(groups[key].n for key in rest)
    return n < rules.fewest and not (hidden and n == 0)


def _is_too_sharp(
    rest: Sequence[Key],
    bases: Collection[Key],
    known: Known,
    groups: Mapping[Key, Group],
    rules: Rules,
) -> bool:
    """Whether a single group follows from so few rounded counts that they nearly give it."""
    if len(rest) != 1 or rest[0] not in known.keys or not groups[rest[0]].visible:
        return False
    return rules.complementary and 2 * rules.rounding_error * len(bases) < rules.narrowest


def _order(group: Group, short: int) -> tuple[int, bool, int, Key]:
    """The highest rank gives way first; of one rank the smallest group that hides the rest."""
    return -group.rank, group.n < short, group.n, group.key
