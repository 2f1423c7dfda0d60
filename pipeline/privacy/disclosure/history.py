"""What earlier releases printed, and what must stand so that no change of a few people shows.

What belongs here: how far groups have changed since they were last printed or left out. What stays
out: where digests are kept (`pipeline/storage/releases.py`); they are pseudonyms under the newest
key.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.privacy.disclosure.groups import Key, Population, Print, labels_of
from pipeline.privacy.disclosure.members import NOBODY, Members, Places, places_of
from pipeline.privacy.disclosure.rules import Rules


class Recorded(NamedTuple):
    """A group at one of the two moments that are kept of it."""

    key: Key
    printed: bool


@dataclass(frozen=True)
class Before:
    """The groups of earlier releases: of each what was printed of it the last time, if anything."""

    prints: Mapping[Key, Print] = field(default_factory=dict)
    members: Members[Recorded] = field(default_factory=Members)
    gone: Mapping[Recorded, int] = field(default_factory=dict)
    """How many of a group were erased since: they are nobody any more, but they did go."""
    areas: Mapping[str, str] = field(default_factory=dict)
    """Place where each organisation stood."""

    @cached_property
    def recorded(self) -> frozenset[Recorded]:
        return frozenset({*self.members.of, *self.gone})

    def cuts(self, family: str, place: str) -> list[frozenset[str]]:
        """How the parts of a family were ever merged; empty if it was never recorded."""
        parts = (labels_of(key.measure) for key, _ in self.recorded if key.place == place)
        return [labels for name, labels in parts if name == family]


@dataclass(frozen=True, slots=True)
class Held:
    standing: Mapping[Key, Print]
    """What is printed as it was."""
    known: frozenset[Key]
    """What was printed of the very same people: leaving it out now would hide nothing."""
    never: frozenset[Key]
    """What is not printed: it was left out, or cut otherwise, and hardly anybody changed since."""


NOTHING_HELD: Final = Held({}, frozenset(), frozenset())


def held_back(
    population: Population,
    members: Members[Key],
    areas: Mapping[str, str],
    before: Before,
    rules: Rules,
) -> Held:
    """What earlier releases ask of this one.

    `members` are those of the groups as they are, hidden ones too; `areas` is the
    place where each organisation stands now. A group whose parts were cut otherwise is compared
    with all that it is made of.

    A group that was printed and differs by fewer people than the threshold stands as it was. One
    that was left out and differs by fewer stays left out: printed now, it would say what it was
    then, and with it what else was left out then.
    """
    if not rules.history or not before.recorded:
        return NOTHING_HELD
    now = _Now(population, members, areas, before)
    since_printed, since_left_out = now.changes(printed=True), now.changes(printed=False)
    close = {key for key, changed in since_printed.items() if changed < rules.fewest}
    as_it_was = {key for key in close if key in before.prints and now.is_the_same_cut(key)}
    standing = {key for key in as_it_was if since_printed[key]}
    never = close - as_it_was
    never |= {key for key, changed in since_left_out.items() if changed < rules.fewest}
    changes = since_left_out | since_printed
    shown = {
        key
        for key in before.prints.keys() & since_printed.keys()
        if key not in standing | never and population.groups[key].n >= rules.fewest
    }
    never |= _also_left_out(population, changes, shown, now.moved(shown), rules)
    stands = {key: replace(before.prints[key], changed=rules.fewest - 1) for key in standing}
    return Held(stands, frozenset(as_it_was - standing), frozenset(never - as_it_was))


def _also_left_out(
    population: Population,
    changes: Mapping[Key, int],
    shown: Set[Key],
    left_over: "_Moved",
    rules: Rules,
) -> set[Key]:
    """What is not printed either: else a total's change less its parts' would be a few people's.

    `shown` are the groups whose change can be seen. What is left over is that of the parts that are
    not, since they were last printed or left out; and, where these stand for longer, the change of
    the total without those of the parts that are shown. Of those that changed the one of the
    highest rank gives way, and of several the one that changed least. It does not stand as it was:
    then a figure would be of other officers than it may be.
    """

    def by_rank(key: Key) -> tuple[int, int, Key]:
        return -population.groups[key].rank, changes[key], key

    seen = set(shown)
    left_out: set[Key] = set()
    again = True
    while again:
        again = False
        for partition in population.partitions:
            if partition.whole not in seen:
                continue
            moved = sum(changes.get(part, 0) for part in partition.parts if part not in seen)
            told = [part for part in partition.parts if part in seen]
            if not (
                0 < moved < rules.fewest
                or (told and 0 < left_over.without(partition.whole, told) < rules.fewest)
            ):
                continue
            members = (partition.whole, *partition.parts)
            changed = [member for member in members if member in seen and changes[member]]
            if changed:
                chosen = min(changed, key=by_rank)
                seen.remove(chosen)
                left_out.add(chosen)
                again = True
    return left_out


@dataclass(frozen=True)
class _Moved:
    """Who came to groups and who went since they were last printed."""

    moves: Mapping[Key, tuple[Places, npt.NDArray[np.int16]]]
    """Of each group those who moved, with 1 for who came and -1 for who went."""
    people: int
    """How many there are, whether they moved or not."""
    erased: Mapping[Key, int]
    """Of each group, those who went and are nobody any more."""

    def without(self, whole: Key, parts: Sequence[Key]) -> int:
        """How many people the change of a whole is about when those of some parts are taken off."""
        rest = np.zeros(self.people, dtype=np.int16)
        for sign, key in ((1, whole), *((-1, part) for part in parts)):
            who, came = self.moves[key]
            rest[who] += sign * came
        erased = self.erased[whole] - sum(self.erased[part] for part in parts)
        return int(np.count_nonzero(rest)) + abs(erased)


@dataclass(frozen=True)
class _Now:
    """The groups as they are, beside those of before that they are made of."""

    population: Population
    members: Members[Key]
    areas: Mapping[str, str]
    before: Before

    @cached_property
    def _then(self) -> Members[Recorded]:
        """Members of the groups of before, on a list that begins with that of now."""
        return self.before.members.listed_after(self.members.names)

    def is_the_same_cut(self, key: Key) -> bool:
        return self._made_of(printed=True).get(key) == [key]

    def changes(self, *, printed: bool) -> dict[Key, int]:
        """How many people came and went, added up, since a group was last printed or left out."""
        found = {}
        is_in = np.zeros(len(self._then.names), dtype=bool)
        for key, made_of in self._made_of(printed=printed).items():
            now, were = self.members[key], self._were(made_of, printed=printed)
            is_in[now] = True
            stayed = int(np.count_nonzero(is_in[were]))
            is_in[now] = False
            erased = self._erased(made_of, printed=printed)
            found[key] = self.population.groups[key].n + len(were) + erased - 2 * stayed
        return found

    def moved(self, keys: Set[Key]) -> _Moved:
        """Who came to printed groups and who went since they were last printed."""
        people = len(self._then.names)
        balance = np.zeros(people, dtype=np.int16)
        moves, erased = {}, {}
        for key in sorted(keys):
            made_of = self._made_of(printed=True)[key]
            now, were = self.members[key], self._were(made_of, printed=True)
            balance[now] += 1
            np.subtract.at(balance, were, 1)
            # Who was there and still is has not moved.
            who = places_of(balance != 0)
            moves[key] = who, balance[who]
            balance[:] = 0
            erased[key] = self._erased(made_of, printed=True)
        return _Moved(moves, people, erased)

    def _were(self, made_of: Sequence[Key], *, printed: bool) -> Places:
        """Members of a group as it was: those of the groups of before that it is made of."""
        every = [self._then[Recorded(then, printed)] for then in made_of]
        return every[0] if len(every) == 1 else np.concatenate([NOBODY, *every])

    def _erased(self, made_of: Sequence[Key], *, printed: bool) -> int:
        return sum(self.before.gone.get(Recorded(then, printed), 0) for then in made_of)

    def _made_of(self, *, printed: bool) -> dict[Key, list[Key]]:
        """For each group those of before that it is made of, as far as there are any."""
        return self._both_made_of[printed]

    @cached_property
    def _both_made_of(self) -> dict[bool, dict[Key, list[Key]]]:
        stood: dict[str, set[str]] = {}
        for organisation, place in self.areas.items():
            if organisation in self.before.areas:
                stood.setdefault(place, set()).add(self.before.areas[organisation])
        found: dict[bool, dict[Key, list[Key]]] = {True: {}, False: {}}
        by_family: dict[tuple[str, str, bool], list[Key]] = {}
        for key, printed in self.before.recorded:
            family = labels_of(key.measure)[0]
            by_family.setdefault((family, key.place, printed), []).append(key)
        for group in self.population.groups.values():
            family, labels = labels_of(group.key.measure)
            places = stood.get(group.key.place, {group.key.place})
            for printed, made_of in found.items():
                same = Recorded(group.key, printed) in self.before.recorded
                if same and places == {group.key.place}:
                    made_of[group.key] = [group.key]
                    continue
                earlier = [
                    key
                    for place in sorted(places)
                    for key in sorted(by_family.get((family, place, printed), []))
                    if not labels or labels & labels_of(key.measure)[1]
                ]
                if earlier:
                    made_of[group.key] = earlier
            if not any(group.key in made_of for made_of in found.values()):
                # Nobody was in it, so whoever is in it now has come.
                found[False][group.key] = [group.key]
        return found
