"""How groups of officers are made of each other, whatever a release prints of them.

What belongs here: partitions that hold by what the tables mean, with names for what is left over
when printed groups are taken from each other. What stays out: numbers.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from published import (
    ALL,
    BANDS,
    BESIDE,
    DENOMINATORS,
    ENROLLED,
    LEVELS,
    OUTCOMES,
    STAGES,
    STATUSES,
    TWO_SESSIONS,
    UNKNOWN,
    Group,
    World,
    merged,
)

from pipeline.vocabulary import DropoutStage, SessionsBand

_TWICE: Final = (
    SessionsBand.TWO_TO_FOUR.value,
    SessionsBand.FIVE_TO_SEVEN.value,
    SessionsBand.EIGHT_OR_MORE.value,
)


class Relation(NamedTuple):
    """The parts have no officer in common, and together they are the total."""

    total: Group
    parts: tuple[Group, ...]


def relations(
    world: World, areas: Mapping[str, Sequence[str]], printed: Collection[Group] = ()
) -> Iterator[Relation]:
    """All partitions of the groups that a release with these areas is about.

    `areas` are those with rows of their own and the organisations in them. `printed` are the groups
    of its rows, for labels that stand for several bands, steps of retention that span several
    times, and values of characteristics.
    """
    shown = tuple(areas)
    arms = world.arms if len(world.arms) > 1 else ()
    for kind, of in _divided_by_area(world):
        if shown:
            total = Group(kind, ALL, ALL, of)
            yield _divided(total, (total.at(organisation=area) for area in shown))
    for kind, of in (*_divided_by_area(world), *_divided_by_arm(world)):
        if arms:
            total = Group(kind, ALL, ALL, of)
            yield _divided(total, (total.at(arm=arm) for arm in arms))
    for area in shown:
        yield from _followed(world, area, ALL)
    for arm in (*arms, ALL):
        yield from _followed(world, ALL, arm)
        yield from _by_sessions(world, arm)
        yield from _in_bands(world, arm)
        yield from _in_time(world, arm)
    yield from _of_everybody(world)
    yield from _by_values(world, areas, printed)
    yield from _merged(printed)


def _divided(total: Group, parts: Iterable[Group]) -> Relation:
    return Relation(total, tuple(parts))


def _divided_by_area(world: World) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "enrolled", (ENROLLED,)
    for wave in world.waves:
        yield "scored", (ENROLLED, wave)
        yield "unscored", (wave,)
    for pair in world.pairs:
        for kind in ("paired", "only_from", "only_to", "neither"):
            yield kind, pair


def _divided_by_arm(world: World) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "enrolled", (TWO_SESSIONS,)
    yield "once", ()
    for wave in world.waves:
        yield "scored", (TWO_SESSIONS, wave)
        yield "once_scored", (wave,)
        yield "twice_unscored", (wave,)
        yield "once_unscored", (wave,)
        for subscale in world.limits:
            for level in LEVELS:
                yield "band", (wave, subscale, level)
    for pair in world.pairs:
        for subscale in world.limits:
            for outcome in OUTCOMES:
                yield "outcome", (*pair, subscale, outcome)
    for denominator in (*DENOMINATORS, "once"):
        for time in _times(world):
            for kind in ("at_risk", "event", "censored"):
                yield kind, (denominator, str(time))


def _followed(world: World, organisation: str, arm: str) -> Iterator[Relation]:
    """Who is scored at which waves, of those enrolled in an area or an arm."""

    def group(kind: str, *of: str) -> Group:
        return Group(kind, organisation, arm, of)

    enrolled = group("enrolled", ENROLLED)
    for wave in world.waves:
        yield _divided(enrolled, [group("scored", ENROLLED, wave), group("unscored", wave)])
    for before, after in world.pairs:
        of = (before, after)
        first, second = (group("scored", ENROLLED, wave) for wave in of)
        yield _divided(first, [group("paired", *of), group("only_from", *of)])
        yield _divided(second, [group("paired", *of), group("only_to", *of)])
        yield _divided(enrolled, [first, group("only_to", *of), group("neither", *of)])
        yield _divided(enrolled, [second, group("only_from", *of), group("neither", *of)])


def _by_sessions(world: World, arm: str) -> Iterator[Relation]:
    """Those who came to two sessions, among all."""

    def group(kind: str, *of: str) -> Group:
        return Group(kind, ALL, arm, of)

    twice, once = group("enrolled", TWO_SESSIONS), group("once")
    yield _divided(group("enrolled", ENROLLED), [twice, once])
    for wave in world.waves:
        scored, missing = group("scored", TWO_SESSIONS, wave), group("once_scored", wave)
        unscored = group("twice_unscored", wave), group("once_unscored", wave)
        yield _divided(group("scored", ENROLLED, wave), [scored, missing])
        yield _divided(group("unscored", wave), unscored)
        yield _divided(twice, [scored, unscored[0]])
        yield _divided(once, [missing, unscored[1]])


def _in_bands(world: World, arm: str) -> Iterator[Relation]:
    def group(kind: str, *of: str) -> Group:
        return Group(kind, ALL, arm, of)

    for subscale in world.limits:
        for wave in world.waves:
            yield _divided(
                group("scored", ENROLLED, wave),
                (group("band", wave, subscale, level) for level in LEVELS),
            )
        for pair in world.pairs:
            yield _divided(
                group("paired", *pair),
                (group("outcome", *pair, subscale, outcome) for outcome in OUTCOMES),
            )


def _times(world: World) -> range:
    """0 is enrolment, then the place of each wave."""
    return range(len(world.waves) + 1)


def _in_time(world: World, arm: str) -> Iterator[Relation]:
    """Who was still taking part: at risk, and what became of them until the next time."""

    def group(kind: str, denominator: str, time: int) -> Group:
        return Group(kind, ALL, arm, (denominator, str(time)))

    counted = {
        ENROLLED: Group("enrolled", ALL, arm, (ENROLLED,)),
        TWO_SESSIONS: Group("enrolled", ALL, arm, (TWO_SESSIONS,)),
        "once": Group("once", ALL, arm, ()),
    }
    for denominator, enrolled in counted.items():
        yield _divided(
            enrolled, [group("at_risk", denominator, 0), group("censored", denominator, 0)]
        )
        for time, following in pairwise(_times(world)):
            parts = [
                group("event", denominator, time),
                group("at_risk", denominator, following),
                group("censored", denominator, following),
            ]
            yield _divided(group("at_risk", denominator, time), parts)
    for time in _times(world):
        for kind in ("at_risk", "event", "censored"):
            yield _divided(
                group(kind, ENROLLED, time),
                [group(kind, TWO_SESSIONS, time), group(kind, "once", time)],
            )


def _of_everybody(world: World) -> Iterator[Relation]:
    """Partitions of tables that divide neither by area nor by arm."""

    def group(kind: str, *of: str) -> Group:
        return Group(kind, ALL, ALL, of)

    enrolled = group("enrolled", ENROLLED)
    yield _divided(enrolled, (group("dropout", stage) for stage in STAGES))
    for wave in world.waves:
        yield _divided(
            group("unscored", wave), (group("status", wave, status) for status in STATUSES)
        )
    # Who never came, or once, came to fewer than two sessions.
    early = [
        group("dropout", stage)
        for stage in (DropoutStage.NEVER_ATTENDED, DropoutStage.AFTER_FIRST_SESSION)
    ]
    yield _divided(group("once"), [*early, group("once_otherwise")])
    late = group("dropout", DropoutStage.DURING_PROGRAMME)
    yield _divided(group("enrolled", TWO_SESSIONS), [late, group("twice_otherwise")])
    first = world.waves[0]
    yield _divided(
        group("scored", ENROLLED, first), [group("left"), group("stayed"), group("other_fate")]
    )
    # Whoever had answered the first wave and dropped out later is among the events of later times.
    later = [group("event", ENROLLED, str(time)) for time in _times(world)[1:]]
    yield _divided(group("gone_later"), later)
    yield _divided(group("gone_later"), [group("left"), group("gone_otherwise")])
    for wave in world.waves[1:]:
        bands = {band: group("dose", wave, band) for band in BANDS}
        pair = (first, wave)
        yield _divided(group("paired", *pair), [*bands.values(), group("sessions_unknown", wave)])
        # Bands from two sessions on are those of the other denominator.
        twice = group("paired_twice", wave)
        yield _divided(twice, [bands[SessionsBand(band)] for band in _TWICE])
        for at in pair:
            yield _divided(
                group("scored", TWO_SESSIONS, at), [twice, group("paired_not", wave, at)]
            )


def _by_values(
    world: World, areas: Mapping[str, Sequence[str]], printed: Iterable[Group]
) -> Iterator[Relation]:
    """Those with each value of a characteristic, which forces that do not say it have none of."""
    shown: dict[str, dict[str, None]] = {}
    for group in printed:
        characteristic, colon, _ = group.arm.partition(":")
        if colon:
            shown.setdefault(characteristic, {})[group.arm] = None
    for characteristic, values in shown.items():
        for kind, of in _divided_by_value(world):
            total = Group(kind, ALL, ALL, of)
            yield _divided(total, (total.at(arm=value) for value in values))
        for value in values:
            yield from _followed(world, ALL, value)
        unsaid = f"{characteristic}:{UNKNOWN}"
        silent = world.silent.get(characteristic, ())
        mute = [area for area, members in areas.items() if set(members) <= set(silent)]
        if mute and unsaid in values:
            for kind, of in _divided_by_value(world):
                total = Group(kind, ALL, unsaid, of)
                rest = total.at(organisation=f"{BESIDE}{'+'.join(mute)}")
                yield _divided(
                    total, [*(total.at(organisation=area, arm=ALL) for area in mute), rest]
                )


def _divided_by_value(world: World) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "enrolled", (ENROLLED,)
    for wave in world.waves:
        yield "scored", (ENROLLED, wave)
        yield "unscored", (wave,)
    for kind in ("paired", "only_from", "only_to", "neither"):
        yield kind, world.primary


def _merged(printed: Iterable[Group]) -> Iterator[Relation]:
    """Rows that stand for several bands, or for several steps of retention."""
    atoms: Mapping[str, tuple[str, ...]] = {"band": LEVELS, "outcome": OUTCOMES, "dose": BANDS}
    # In the order of the tables: sets of names have another in every process.
    for group in dict.fromkeys(printed):
        if group.kind in atoms:
            names = merged(group.of[-1], atoms[group.kind])
            if len(names) > 1:
                yield _divided(group, (group._replace(of=(*group.of[:-1], n)) for n in names))
        elif group.kind == "events":
            denominator, start, end = group.of
            yield _divided(
                group,
                (
                    group._replace(kind="event", of=(denominator, str(time)))
                    for time in range(int(start), int(end))
                ),
            )
