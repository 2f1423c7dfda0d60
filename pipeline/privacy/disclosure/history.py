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
import polars as pl

from pipeline.privacy.disclosure.groups import Key, Population, Print, labels_of
from pipeline.privacy.disclosure.rules import Rules

MEMBERS_SCHEMA: Final = pl.Schema(
    {"measure": pl.String(), "place": pl.String(), "participant_id": pl.String()}
)
"""One row: somebody in a group."""

RECORDED_SCHEMA: Final = pl.Schema({**MEMBERS_SCHEMA, "printed": pl.Boolean()})
"""Members of a group as it was when it was last printed, and as it was when last left out."""


class Recorded(NamedTuple):
    """A group at one of the two moments that are kept of it."""

    key: Key
    printed: bool


@dataclass(frozen=True)
class Before:
    """The groups of earlier releases: of each what was printed of it the last time, if anything."""

    prints: Mapping[Key, Print] = field(default_factory=dict)
    members: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RECORDED_SCHEMA))
    gone: Mapping[Recorded, int] = field(default_factory=dict)
    """How many of a group were erased since: they are nobody any more, but they did go."""
    areas: Mapping[str, str] = field(default_factory=dict)
    """Place where each organisation stood."""

    @cached_property
    def recorded(self) -> frozenset[Recorded]:
        found = self.members.select("measure", "place", "printed").unique()
        counted = {
            Recorded(Key(measure, place), printed) for measure, place, printed in found.iter_rows()
        }
        return frozenset(counted | set(self.gone))

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
    members: pl.DataFrame,
    areas: Mapping[str, str],
    before: Before,
    rules: Rules,
) -> Held:
    """What earlier releases ask of this one.

    `members` (MEMBERS_SCHEMA) are those of the groups as they are, hidden ones too; `areas` is the
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

    places: Mapping[Key, int]
    came_and_went: npt.NDArray[np.int8]
    """(groups, people who moved): 1 for who came, -1 for who went."""
    erased: Mapping[Key, int]
    """Of each group, those who went and are nobody any more."""

    def without(self, whole: Key, parts: Sequence[Key]) -> int:
        """How many people the change of a whole is about when those of some parts are taken off."""
        told = self.came_and_went[[self.places[part] for part in parts]].sum(axis=0)
        rest = self.came_and_went[self.places[whole]] - told
        erased = self.erased[whole] - sum(self.erased[part] for part in parts)
        return int(np.count_nonzero(rest)) + abs(erased)


@dataclass(frozen=True)
class _Now:
    """The groups as they are, beside those of before that they are made of."""

    population: Population
    members: pl.DataFrame
    areas: Mapping[str, str]
    before: Before

    def is_the_same_cut(self, key: Key) -> bool:
        return self._made_of(printed=True).get(key) == [key]

    def changes(self, *, printed: bool) -> dict[Key, int]:
        """How many people came and went, added up, since a group was last printed or left out."""
        made_of = self._made_of(printed=printed)
        if not made_of:
            return {}
        on = ["measure", "place", "participant_id"]
        were = self._were(made_of, printed=printed)
        stayed = were.join(self.members, on=on, how="semi")
        counted = (
            pl.DataFrame(list(made_of), schema=on[:2], orient="row")
            .join(were.group_by("measure", "place").len("were"), on=on[:2], how="left")
            .join(stayed.group_by("measure", "place").len("stayed"), on=on[:2], how="left")
            .fill_null(0)
        )
        found = {}
        for measure, place, n_were, n_stayed in counted.iter_rows():
            key = Key(measure, place)
            erased = self._erased(made_of[key], printed=printed)
            found[key] = self.population.groups[key].n + n_were + erased - 2 * n_stayed
        return found

    def moved(self, keys: Set[Key]) -> _Moved:
        """Who came to printed groups and who went since they were last printed."""
        places = {key: i for i, key in enumerate(sorted(keys))}
        made_of = {key: self._made_of(printed=True)[key] for key in places}
        rows = pl.DataFrame(
            [(*key, i) for key, i in places.items()],
            schema={"measure": pl.String, "place": pl.String, "row": pl.Int64},
            orient="row",
        )
        sides = [(self.members, 1), (self._were(made_of, printed=True), -1)]
        moves = (
            pl.concat(
                side.join(rows, on=["measure", "place"]).select(
                    "row", "participant_id", moved=pl.lit(sign, pl.Int64)
                )
                for side, sign in sides
            )
            .group_by("row", "participant_id")
            .agg(pl.col("moved").sum())
            # Who was there and still is has not moved.
            .filter(pl.col("moved") != 0)
        )
        people = moves["participant_id"].unique().sort().to_list()
        person = moves["participant_id"].cast(pl.Enum(people)).to_physical().to_numpy()
        came_and_went = np.zeros((len(places), len(people)), dtype=np.int8)
        came_and_went[moves["row"].to_numpy(), person] = moves["moved"].to_numpy()
        erased = {key: self._erased(then, printed=True) for key, then in made_of.items()}
        return _Moved(places, came_and_went, erased)

    def _were(self, made_of: Mapping[Key, Sequence[Key]], *, printed: bool) -> pl.DataFrame:
        """Members of groups as they were: those of the groups of before that they are made of."""
        pairs = pl.DataFrame(
            [(*now, *then) for now, many in made_of.items() for then in many],
            schema=dict.fromkeys(["measure", "place", "measure_then", "place_then"], pl.String),
            orient="row",
        )
        then = self.before.members.filter(printed=printed).select(
            "participant_id", measure_then="measure", place_then="place"
        )
        return pairs.join(then, on=["measure_then", "place_then"]).select(
            "measure", "place", "participant_id"
        )

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
