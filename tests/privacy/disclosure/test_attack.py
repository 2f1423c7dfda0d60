"""What the attack finds possible, beside a naive enumeration of every solution."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.privacy.disclosure.attack import Attack, Total
from pipeline.privacy.disclosure.audit import audit
from pipeline.privacy.disclosure.groups import (
    Group,
    Key,
    Partition,
    Population,
    Print,
    Scale,
    Sums,
    mean_of,
    printed,
)
from pipeline.privacy.disclosure.rounding import possible_counts
from pipeline.privacy.disclosure.rules import RULES, Rules

TINY = Rules(rounded_to=3, fewest=2)
PARTS = ("a", "b", "c")
SCALE = Scale(0, 2)
MOST = 8

People = dict[str, list[int]]


def key(name: str) -> Key:
    return Key(name, "all")


def of(people: People) -> Population:
    """Three parts and their whole, with one score a person."""
    everybody = people | {"all": [score for part in PARTS for score in people[part]]}
    groups = {
        key(name): Group(
            key(name),
            len(scores),
            0,
            sums={"score": Sums(sum(scores), sum(s * s for s in scores))},
        )
        for name, scores in everybody.items()
    }
    return Population(groups, (Partition(key("all"), tuple(map(key, PARTS))),), {"score": SCALE})


def enumerated(prints: dict[Key, Print], of_part: str) -> set[int]:
    """Counts of one part in all whole numbers of people and totals that fit the printed figures."""

    def counts(name: str) -> range:
        seen = prints.get(key(name))
        low, high = possible_counts(seen.count, TINY) if seen else (0, 3 * MOST)
        return range(low, high + 1)

    def limits(name: str, n: int) -> tuple[float, float]:
        low, high = SCALE.lowest * n, SCALE.highest * n
        seen = prints.get(key(name))
        if seen is None:
            return low, high
        mean = seen.tenths[mean_of("score")]
        return max(low, (2 * mean - 1) * n / 20), min(high, (2 * mean + 1) * n / 20)

    found = set()
    for ns in product(*(range(MOST + 1) if key(p) not in prints else counts(p) for p in PARTS)):
        if sum(ns) not in counts("all"):
            continue
        ranges = [limits(p, n) for p, n in zip(PARTS, ns, strict=True)]
        low, high = limits("all", sum(ns))
        fits = sum(r[0] for r in ranges) <= high + 1e-9 and sum(r[1] for r in ranges) >= low - 1e-9
        if fits and all(r[0] <= r[1] + 1e-9 for r in ranges) and low <= high + 1e-9:
            found.add(ns[PARTS.index(of_part)])
    return found


people = st.fixed_dictionaries({p: st.lists(st.integers(0, 2), max_size=6) for p in PARTS})


@settings(max_examples=60, deadline=None)
@given(people, st.sets(st.sampled_from(("all", *PARTS))), st.sampled_from(PARTS))
def test_possible_counts_are_those_of_every_solution(
    people: People, names: set[str], asked: str
) -> None:
    found = of(people)
    prints = {
        k: printed(g, TINY, 1)
        for k, g in found.groups.items()
        if k.measure in names - {asked} and g.n >= TINY.fewest
    }
    attack = Attack(found, prints, TINY)
    assert not attack.breaks()
    everything = attack.near(key(asked), 20, rounded=True)
    possible = {
        n
        for n in range(MOST + 1)
        if attack.possible({key(asked): n}, within=everything) is not None
    }
    # Others that are not printed go up to MOST in the enumeration and on in the attack.
    unlimited = [p for p in PARTS if p != asked and key(p) not in prints]
    naive = enumerated(prints, asked)
    assert naive <= possible
    if not unlimited or "all" in {k.measure for k in prints}:
        assert possible == naive


def test_the_exact_figures_are_always_a_solution() -> None:
    found = of({"a": [0, 1, 2], "b": [2, 2], "c": [0, 0, 1, 1]})
    prints = {key("a"): Print(9, {mean_of("score"): 10})}
    assert Attack(found, prints, TINY).breaks()
    with pytest.raises(ValueError, match="contradict"):
        audit(found, prints, TINY)


def test_a_solution_adds_up() -> None:
    found = of({"a": [0, 1, 2], "b": [2, 2], "c": [0, 0, 1, 1]})
    prints = {key("all"): printed(found.groups[key("all")], TINY, 1)}
    attack = Attack(found, prints, TINY)
    total = Total(key("a"), "score")
    within = attack.near(key("a"), 20, rounded=True)
    solution = attack.possible({key("a"): 2}, within=within, extremes={total: 1})
    assert solution is not None
    assert solution[total] == pytest.approx(4)
    assert solution[key("all")] == sum(solution[key(part)] for part in PARTS)


def _audited(sizes: dict[str, int], left_out: set[str]) -> set[tuple[str, str]]:
    """Failures of a release of these parts, all scores being 20, with some of them left out."""
    everybody = sizes | {"all": sum(sizes.values())}
    groups = {
        key(name): Group(key(name), n, 0, sums={"score": Sums(20 * n, 400 * n)})
        for name, n in everybody.items()
    }
    whole = Population(
        groups, (Partition(key("all"), tuple(map(key, sizes))),), {"score": Scale(10, 50)}
    )
    prints = {k: printed(g, RULES, 1) for k, g in groups.items() if k.measure not in left_out}
    return {(f.key.measure, f.reason.split()[0]) for f in audit(whole, prints, RULES).failures}


def test_a_small_part_alone_beside_its_total_fails() -> None:
    assert _audited({"a": 1, "b": 40}, {"a"}) == {("a", "not")}


def test_the_mean_of_a_small_part_that_follows_fails() -> None:
    # 40 less 30 leaves 6 to 14 officers, and 20.0 less 20.0 leaves their mean at about 20.
    assert ("a", "the") in _audited({"a": 9, "b": 31}, {"a"})


def test_a_small_part_with_a_large_one_passes() -> None:
    assert _audited({"a": 3, "b": 40, "c": 60}, {"a", "b"}) == set()


def test_a_large_part_that_follows_from_two_counts_fails() -> None:
    assert _audited({"a": 30, "b": 40}, {"a"}) == {("a", "its")}


def test_without_rounding_the_same_release_fails() -> None:
    """Counts in full give the last one, however many parts there are."""
    groups = {
        key(n): Group(key(n), s, 0) for n, s in {"all": 90, "a": 30, "b": 40, "c": 20}.items()
    }
    whole = Population(groups, (Partition(key("all"), tuple(map(key, "abc"))),), {})
    for rounded_to, passes in ((5, True), (1, False)):
        rules = Rules(rounded_to=rounded_to)
        prints = {k: printed(g, rules, 1) for k, g in groups.items() if k != key("c")}
        assert audit(whole, prints, rules).passed is passes
