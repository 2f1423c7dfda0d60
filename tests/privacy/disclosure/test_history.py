"""What is left over of a total's change when that of its parts is taken off, beside plain sets."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipeline.privacy.disclosure.groups import Group, Key, Partition, Population, Print
from pipeline.privacy.disclosure.history import Before, Recorded, _Now, held_back
from pipeline.privacy.disclosure.members import Members
from pipeline.privacy.disclosure.rules import RULES

PARTS = ("a", "b", "c")
People = dict[str, set[int]]


def key(name: str) -> Key:
    return Key(name, "all")


@st.composite
def divided(draw: st.DrawFn) -> People:
    where = draw(st.lists(st.sampled_from((*PARTS, None)), min_size=20, max_size=20))
    return {part: {i for i, at in enumerate(where) if at == part} for part in PARTS}


def _with_all(people: People) -> People:
    return people | {"all": set().union(*people.values())}


def _population(people: People) -> Population:
    groups = {key(name): Group(key(name), len(who), name != "all") for name, who in people.items()}
    return Population(groups, (Partition(key("all"), tuple(map(key, PARTS))),), {})


def _members(people: People) -> Members[Key]:
    """Names in an order of their own each time, as two releases have them."""
    names = sorted(set().union(*people.values()), key=lambda i: (i % len(people), i))
    place = {i: at for at, i in enumerate(names)}
    return Members(
        pl.Series([f"v1-{i}" for i in names], dtype=pl.String),
        {
            key(name): np.array([place[i] for i in who], dtype=np.uint32)
            for name, who in people.items()
            if who
        },
    )


def _before(people: People, gone: dict[str, int]) -> Before:
    members = _members(people)
    return Before(
        prints={key(name): Print(5 * round(len(who) / 5)) for name, who in people.items()},
        members=Members(
            members.names, {Recorded(group, True): who for group, who in members.of.items()}
        ),
        gone={Recorded(key(name), True): n for name, n in gone.items()},
    )


@given(divided(), divided(), st.sets(st.sampled_from(PARTS)), st.integers(0, 2))
def test_it_is_who_is_in_the_rest_now_and_was_not_or_was_and_is_not(
    then: People, now: People, told: set[str], erased: int
) -> None:
    then, now = _with_all(then), _with_all(now)
    # Whoever was erased was in the total and in one part.
    before = _before(then, {"all": erased, "a": erased})
    looked_at = _Now(_population(now), _members(now), {}, before)
    recorded = {
        key(name) for name, who in then.items() if who or before.gone.get(Recorded(key(name), True))
    }
    told = {part for part in told if key(part) in recorded}
    if key("all") not in recorded:
        return
    moved = looked_at.moved({key("all"), *map(key, told)})

    def rest(people: People) -> set[int]:
        return people["all"].difference(*(people[part] for part in told))

    gone_from_the_rest = 0 if "a" in told else erased
    assert moved.without(key("all"), sorted(map(key, told))) == (
        len(rest(then) ^ rest(now)) + gone_from_the_rest
    )


def test_a_part_that_stands_hides_nobody_in_the_rest() -> None:
    """`b` stands since long ago, and many have come since; of late a few of `b` and `c` alone."""
    then = _with_all({"a": set(range(40)), "b": set(range(100, 120)), "c": set(range(200, 220))})
    came = {"a": set(range(60)), "b": set(range(100, 123)), "c": set(range(200, 225))}
    now = _with_all(came)
    long_ago = then | {"b": set(range(100, 114)), "c": set(range(200, 212))}
    held = held_back(_population(now), _members(now), {}, _before(long_ago, {}), RULES)
    # 23 - 14 and 25 - 12: together the changes of `b` and `c` seem to be of many.
    assert key("b") in held.standing
    assert held.never & {key("all"), key("a")}
