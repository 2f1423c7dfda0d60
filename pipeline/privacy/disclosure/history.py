"""What earlier releases printed, and which of it must stand so that no change of a few people shows.

What belongs here: how far groups have changed since they were last printed. What stays out: where
digests are kept (`pipeline/storage/releases.py`); they are pseudonyms, under the newest key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import polars as pl

from pipeline.privacy.disclosure.groups import Key, Population, Print, labels_of
from pipeline.privacy.disclosure.rules import Rules

MEMBERS_SCHEMA: Final = pl.Schema(
    {"measure": pl.String, "place": pl.String, "participant_id": pl.String}
)
"""One row: somebody in a group."""


@dataclass(frozen=True)
class Before:
    """The groups of earlier releases: of each that was printed as it was the last time."""

    prints: Mapping[Key, Print] = field(default_factory=dict)
    members: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=MEMBERS_SCHEMA))
    gone: Mapping[Key, int] = field(default_factory=dict)
    """How many of a group were erased since: they are nobody any more, but they did go."""
    areas: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def recorded(self) -> list[Key]:
        """Every group of the last release, printed or not, and those printed before it."""
        found = self.members.select("measure", "place").unique().sort("measure", "place")
        return [Key(*row) for row in found.iter_rows()]

    def cuts(self, family: str, place: str) -> list[frozenset[str]]:
        """How the parts of a family were merged the last time; empty if it was never recorded."""
        parts = (labels_of(key.measure) for key in self.recorded if key.place == place)
        return [labels for name, labels in parts if name == family]


@dataclass(frozen=True, slots=True)
class Held:
    standing: Mapping[Key, Print]
    """What is printed as it was."""
    never: frozenset[Key]
    """What cannot be printed: it never was in this cut, and would show a change of a few people."""


def held_back(
    population: Population,
    members: pl.DataFrame,
    areas: Mapping[str, str],
    before: Before,
    rules: Rules,
) -> Held:
    """Which prints of earlier releases stand, and what is not to be printed because of them.

    `members` (MEMBERS_SCHEMA) are those of the visible groups as they are; `areas` says where each
    organisation stands now. Groups whose parts were cut otherwise are compared with all that they
    are made of.
    """
    if not rules.history or not before.prints:
        return Held({}, frozenset())
    counterparts = _counterparts(population, areas, before)
    changes = _changes(population, members, counterparts, before)
    standing: set[Key] = set()
    never: set[Key] = set()
    for key, changed in changes.items():
        then = counterparts[key]
        if 0 < changed < rules.fewest and any(k in before.prints for k in then):
            (standing if then == [key] else never).add(key)
    _hold_what_would_show(population, changes, standing, never, before, rules)
    return Held({key: _as_it_was(before.prints[key], rules) for key in standing}, frozenset(never))


def _as_it_was(seen: Print, rules: Rules) -> Print:
    return replace(seen, changed=rules.fewest - 1)


def _counterparts(
    population: Population, areas: Mapping[str, str], before: Before
) -> dict[Key, list[Key]]:
    """For each group those of before that it is made of, as far as there are any."""
    by_family: dict[tuple[str, str], list[Key]] = {}
    for key in before.recorded:
        by_family.setdefault((labels_of(key.measure)[0], key.place), []).append(key)
    recorded = set(before.recorded)
    stood: dict[str, set[str]] = {}
    for organisation, area in areas.items():
        if organisation in before.areas:
            stood.setdefault(area, set()).add(before.areas[organisation])
    found: dict[Key, list[Key]] = {}
    for group in population.visible:
        family, labels = labels_of(group.key.measure)
        places = stood.get(group.key.place, {group.key.place})
        if places == {group.key.place} and group.key in recorded:
            found[group.key] = [group.key]
            continue
        earlier = [
            key
            for place in sorted(places)
            for key in by_family.get((family, place), [])
            if not labels or labels & labels_of(key.measure)[1]
        ]
        if earlier:
            found[group.key] = earlier
    return found


def _changes(
    population: Population,
    members: pl.DataFrame,
    counterparts: Mapping[Key, list[Key]],
    before: Before,
) -> dict[Key, int]:
    """How many people came and went, added up, since what a group is compared with."""
    if not counterparts:
        return {}
    pairs = pl.DataFrame(
        [(*now, *then) for now, many in counterparts.items() for then in many],
        schema=["measure", "place", "measure_then", "place_then"],
        orient="row",
    )
    then = pairs.join(
        before.members.rename({"measure": "measure_then", "place": "place_then"}),
        on=["measure_then", "place_then"],
    ).select("measure", "place", "participant_id")
    on = ["measure", "place", "participant_id"]
    both = then.join(members, on=on, how="semi").group_by("measure", "place").len("both")
    earlier = then.group_by("measure", "place").len("earlier")
    counted = (
        pairs.select("measure", "place")
        .unique()
        .join(earlier, on=["measure", "place"], how="left")
        .join(both, on=["measure", "place"], how="left")
        .fill_null(0)
    )
    found = {}
    for measure, place, were, stayed in counted.iter_rows():
        key = Key(measure, place)
        erased = sum(before.gone.get(then, 0) for then in counterparts[key])
        found[key] = population.groups[key].n + were + erased - 2 * stayed
    return found


def _hold_what_would_show(
    population: Population,
    changes: Mapping[Key, int],
    standing: set[Key],
    never: set[Key],
    before: Before,
    rules: Rules,
) -> None:
    """Hold more back where a total's change less its parts' changes is that of a few people."""

    def is_shown(key: Key) -> bool:
        group = population.groups[key]
        held = key in standing or key in never
        return key in before.prints and not held and group.n >= rules.fewest

    held = True
    while held:
        held = False
        for partition in population.partitions:
            if not is_shown(partition.whole):
                continue
            rest = [key for key in partition.parts if not is_shown(key)]
            moved = sum(changes.get(key, 0) for key in rest)
            if not 0 < moved < rules.fewest:
                continue
            shown = [k for k in partition.parts if is_shown(k) and changes.get(k)]
            chosen = min(shown, key=lambda key: (changes[key], key), default=partition.whole)
            standing.add(chosen)
            held = True
