"""How groups of officers are made of each other, whatever a release prints of them.

What belongs here: partitions that hold by what the tables mean. What stays out: numbers.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Final, NamedTuple

from published import (
    ALL,
    AT_TIMES,
    DENOMINATORS,
    LEVELS,
    WAITING,
    Group,
    World,
)

from pipeline.vocabulary import Denominator, SessionsBand, WaveStatus

ENROLLED: Final = Denominator.ENROLLED.value
TWO_SESSIONS: Final = Denominator.TWO_SESSIONS.value

NEVER_PRINTED: Final = frozenset(
    {
        "enrolled",
        "completed",
        "once",
        "unscored",
        "unpaired_from",
        "unpaired_to",
        "unpaired_other",
        "unchanged",
        "other_fate",
        "sessions_unknown",
        "not_closing",
    }
)
"""Kinds of group that are left over when printed ones are taken from each other."""


class Relation(NamedTuple):
    """The parts have no officer in common, and together they are the total."""

    total: Group
    parts: tuple[Group, ...]


def once(kind: str) -> str:
    """The kind of those who are enrolled and did not come to two sessions."""
    return f"once {kind}"


def relations(world: World, pooled: tuple[str, ...] = ()) -> Iterator[Relation]:
    """All partitions. `pooled` are the organisations in `others`, if a release prints such."""
    yield from _over_places(world, pooled)
    for organisation, arm in world.places:
        yield from _within(world, organisation, arm)
        if arm == ALL:
            yield from _within_organisation(world, organisation)


def _families(world: World) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """Kind, what it is of, and whether tables divide it by arm."""
    times = [str(time) for time in range(len(world.waves) + 1)]
    for denominator in DENOMINATORS:
        yield "enrolled", (denominator,), True
    for stage, statuses in world.stages:
        for status in statuses:
            for denominator in DENOMINATORS:
                yield "status", (denominator, stage, status), True
            yield once("status"), (stage, status), True
    for time, kind in product(times, AT_TIMES):
        for denominator in DENOMINATORS:
            yield kind, (denominator, time), True
        # Dates that end a wait are the same whatever the denominator, so these are nested too.
        yield once(kind), (time,), True
    for wave in world.waves:
        yield "completed", (wave,), True
        for kind in (*WAITING, "not_closing"):
            yield kind, (wave,), False
    for score in world.limits:
        yield from _measured_families(world, score)


def _measured_families(
    world: World, score: tuple[str, str]
) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    for wave in world.waves:
        yield "scored", (wave, *score), True
        yield "unscored", (wave, *score), True
        for level in LEVELS:
            yield "band", (wave, *score, level), True
    for pair in world.pairs:
        for kind in (
            "paired",
            "better",
            "worse",
            "unchanged",
            "unpaired_from",
            "unpaired_to",
            "unpaired_other",
        ):
            yield kind, (*pair, *score), True
    for kind in ("left", "stayed"):
        for denominator in DENOMINATORS:
            yield kind, (denominator, *score), False
        yield once(kind), score, False
    yield "other_fate", score, False
    for wave in world.waves[1:]:
        for band in SessionsBand:
            yield "dose", (band, wave, *score), False
        yield "sessions_unknown", (wave, *score), False


def _over_places(world: World, pooled: tuple[str, ...]) -> Iterator[Relation]:
    for kind, of, has_arms in _families(world):
        arms = (*world.arms, ALL) if has_arms else (ALL,)
        for arm in arms:
            total = Group(kind, ALL, arm, of)
            yield _divided(total, (total.at(organisation=name) for name in world.organisations))
            if pooled:
                others = total.at(organisation="others")
                yield _divided(others, (total.at(organisation=name) for name in pooled))
        if has_arms:
            for organisation in (*world.organisations, ALL, *(["others"] if pooled else [])):
                total = Group(kind, organisation, ALL, of)
                yield _divided(total, (total.at(arm=arm) for arm in world.arms))


def _divided(total: Group, parts: Iterable[Group]) -> Relation:
    return Relation(total, tuple(parts))


def _within(world: World, organisation: str, arm: str) -> Iterator[Relation]:
    """Partitions within an organisation and an arm."""

    def group(kind: str, *of: str) -> Group:
        return Group(kind, organisation, arm, of)

    for denominator in DENOMINATORS:
        enrolled = group("enrolled", denominator)
        for stage, statuses in world.stages:
            yield _divided(
                enrolled, (group("status", denominator, stage, status) for status in statuses)
            )
        yield from _in_time(world, organisation, arm, denominator)
    for stage, statuses in world.stages:
        for status in statuses:
            yield _divided(
                group("status", ENROLLED, stage, status),
                [group("status", TWO_SESSIONS, stage, status), group(once("status"), stage, status)],
            )
    for kind, time in product(AT_TIMES, range(len(world.waves) + 1)):
        at = str(time)
        yield _divided(
            group(kind, ENROLLED, at), [group(kind, TWO_SESSIONS, at), group(once(kind), at)]
        )
    for wave in world.waves:
        answered = (WaveStatus.COMPLETED, WaveStatus.COMPLETED_OUT_OF_WINDOW)
        yield _divided(
            group("completed", wave), [group("status", ENROLLED, wave, s) for s in answered]
        )
        for score in world.limits:
            of = (wave, *score)
            yield _divided(group("completed", wave), [group("scored", *of), group("unscored", *of)])
            yield _divided(group("scored", *of), [group("band", *of, level) for level in LEVELS])
    for (before, after), score in product(world.pairs, world.limits):
        of = (before, after, *score)
        yield _divided(
            group("scored", before, *score), [group("paired", *of), group("unpaired_from", *of)]
        )
        yield _divided(
            group("scored", after, *score), [group("paired", *of), group("unpaired_to", *of)]
        )
        yield _divided(
            group("paired", *of), [group(kind, *of) for kind in ("better", "worse", "unchanged")]
        )
        yield _divided(
            group("enrolled", ENROLLED),
            [
                group("scored", before, *score),
                group("unpaired_to", *of),
                group("unpaired_other", *of),
            ],
        )


def _in_time(world: World, organisation: str, arm: str, denominator: str) -> Iterator[Relation]:
    """Who was still taking part: the identities of the retention table."""

    def group(kind: str, time: int) -> Group:
        return Group(kind, organisation, arm, (denominator, str(time)))

    yield _divided(
        Group("enrolled", organisation, arm, (denominator,)),
        [group("n_at_risk", 0), group("n_censored", 0)],
    )
    for time in range(len(world.waves) + 1):
        yield _divided(
            group("n_left", time),
            [group("n_dropped_out", time), group("n_left_organisation", time)],
        )
    for time in range(len(world.waves)):
        yield _divided(
            group("n_at_risk", time),
            [group("n_left", time), group("n_at_risk", time + 1), group("n_censored", time + 1)],
        )


def _within_organisation(world: World, organisation: str) -> Iterator[Relation]:
    """Partitions of tables that do not divide by arm."""

    def group(kind: str, *of: str) -> Group:
        return Group(kind, organisation, ALL, of)

    first = world.waves[0]
    for score in world.limits:
        yield _divided(
            group("scored", first, *score),
            [
                group("left", ENROLLED, *score),
                group("stayed", ENROLLED, *score),
                group("other_fate", *score),
            ],
        )
        for kind in ("left", "stayed"):
            yield _divided(
                group(kind, ENROLLED, *score),
                [group(kind, TWO_SESSIONS, *score), group(once(kind), *score)],
            )
        for wave in world.waves[1:]:
            of = (wave, *score)
            yield _divided(
                group("paired", first, *of),
                [
                    *(group("dose", band, *of) for band in SessionsBand),
                    group("sessions_unknown", *of),
                ],
            )
    for wave in world.waves:
        yield from _waiting(organisation, wave)


def _waiting(organisation: str, wave: str) -> Iterator[Relation]:
    def group(kind: str) -> Group:
        return Group(kind, organisation, ALL, (wave,))

    def status(status: WaveStatus) -> Group:
        return Group("status", organisation, ALL, (ENROLLED, wave, status))

    asked = ("answered", "due", "overdue", "missed", "not_yet_due")
    yield _divided(group("expected"), map(group, asked))
    yield _divided(group("answered"), [group("completed"), status(WaveStatus.PARTIAL)])
    yield _divided(status(WaveStatus.OPEN), [group("due"), group("overdue")])
    yield _divided(status(WaveStatus.OPEN), [group("closing"), group("not_closing")])
    yield _divided(status(WaveStatus.MISSED), [group("missed")])
    yield _divided(status(WaveStatus.NOT_YET_DUE), [group("not_yet_due")])
