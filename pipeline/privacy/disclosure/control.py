"""From groups to what is printed of them: suppress, print, audit, and suppress more where it fails.

What stays out: tables. Whatever a release shows is made from what comes out of here and from
nothing else, so no table can show more than was audited.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pipeline.privacy.disclosure.audit import Audit, Failure, Progress, audit
from pipeline.privacy.disclosure.groups import Group, Key, Population, Print, printed
from pipeline.privacy.disclosure.history import NOTHING_HELD, Held
from pipeline.privacy.disclosure.rules import Rules
from pipeline.privacy.disclosure.suppression import known_by_subtraction, left_out

_TRIES = 12


@dataclass(frozen=True, slots=True)
class Controlled:
    """What is printed of each group; a visible group without a print is confidential."""

    prints: Mapping[Key, Print]
    suppressed: frozenset[Key]
    for_the_audit: tuple[Key, ...]
    """Of the suppressed ones those that only the audit asked for."""
    audit: Audit


class Unsafe(Exception):
    """No amount of suppression that was tried makes the release safe."""

    def __init__(self, failures: Collection[Failure]) -> None:
        super().__init__("a release that does not pass its audit")
        self.failures = tuple(failures)


def controlled(
    population: Population,
    rules: Rules,
    held: Held = NOTHING_HELD,
    progress: Progress | None = None,
) -> Controlled:
    """What may be printed of a population, beside what earlier releases ask for.

    Raises Unsafe if the audit fails again and again.
    """
    fixed = held.known | held.standing.keys()
    suppressed: set[Key] = set(held.never)
    for_the_audit: list[Key] = []
    found = Audit(0, ())
    for _ in range(_TRIES):
        # What was left out stays so: then whatever passed goes on passing.
        suppressed = left_out(population, rules, also=suppressed, standing=fixed)
        prints = {
            group.key: held.standing.get(group.key) or printed(group, rules, population.units)
            for group in population.visible
            if group.key not in suppressed
        }
        if not rules.audited:
            return Controlled(prints, frozenset(suppressed), (), found)
        found = audit(population, prints, rules, progress, safe=found.safe)
        if found.passed:
            return Controlled(prints, frozenset(suppressed), tuple(for_the_audit), found)
        more = _hiding(population, found.failures, prints, fixed)
        if not more:
            # Earlier releases leave nothing that would hide it, so what is near is not enough.
            found = audit(population, prints, rules, progress, safe=found.safe, everywhere=True)
            if found.passed:
                return Controlled(prints, frozenset(suppressed), tuple(for_the_audit), found)
            break
        for_the_audit += sorted(more)
        suppressed |= more
    raise Unsafe(found.failures)


def _hiding(
    population: Population,
    failures: Collection[Failure],
    prints: Mapping[Key, Print],
    standing: Collection[Key],
) -> set[Key]:
    """One more group to leave out for each failure: a neighbour that gives the most away."""
    known = known_by_subtraction(population, prints)
    chosen: set[Key] = set()
    for failure in failures:
        beside = [
            {base for member in members if member in known.keys for base in known.behind(member)}
            for partition in population.partitions
            if failure.key in (members := (partition.whole, *partition.parts))
        ]
        candidates: set[Key] = set().union(*beside) - {failure.key} - set(standing)
        if candidates and not candidates & chosen:
            chosen.add(min(candidates, key=lambda key: _order(population.groups[key])))
    return chosen


def _order(group: Group) -> tuple[int, int, Key]:
    return -group.rank, group.n, group.key
