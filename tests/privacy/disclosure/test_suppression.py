"""What is left out so that no small group follows from the rest."""

import pytest

from pipeline.privacy.disclosure.groups import Group, Key, Partition, Population
from pipeline.privacy.disclosure.rules import RULES, Rules
from pipeline.privacy.disclosure.suppression import known_by_subtraction, left_out


def key(name: str) -> Key:
    return Key(name, "all")


def population(
    sizes: dict[str, int], partitions: dict[str, list[str]], hidden: str = "", first: str = ""
) -> Population:
    """Groups by name; those named in `first` give way last."""
    groups = {
        key(name): Group(
            key(name), n, 0 if name in first.split() else 1, name not in hidden.split()
        )
        for name, n in sizes.items()
    }
    parts = [Partition(key(w), tuple(map(key, ps))) for w, ps in partitions.items()]
    return Population(groups, tuple(parts), {})


def left(found: Population, rules: Rules = RULES) -> set[str]:
    return {k.measure for k in left_out(found, rules)}


FORCES = population({"all": 100, "a": 4, "b": 30, "c": 66}, {"all": ["a", "b", "c"]}, first="all")


def test_a_small_part_takes_the_smallest_other_with_it() -> None:
    assert left(FORCES) == {"a", "b"}


def test_without_complementary_suppression_the_small_part_stands_alone() -> None:
    rules = Rules(complementary=False)
    assert left(FORCES, rules) == {"a"}
    printed = [key("all"), key("b"), key("c")]
    assert key("a") in known_by_subtraction(FORCES, printed).keys


def test_nobody_at_all_is_hidden_like_a_few() -> None:
    found = population({"all": 96, "a": 0, "b": 30, "c": 66}, {"all": ["a", "b", "c"]}, first="all")
    assert left(found) == {"a", "b"}


def test_two_small_parts_that_are_large_together_need_nobody_else() -> None:
    found = population(
        {"all": 110, "a": 4, "b": 6, "c": 50, "d": 50}, {"all": ["a", "b", "c", "d"]}, first="all"
    )
    assert left(found) == {"a", "b"}


@pytest.mark.parametrize(("rest", "expected"), [(0, set()), (1, {"in"}), (9, {"in"}), (10, set())])
def test_nested_groups_differ_by_nobody_or_by_ten(rest: int, expected: set[str]) -> None:
    found = population(
        {"out": 40 + rest, "in": 40, "rest": rest}, {"out": ["in", "rest"]}, "rest", first="out"
    )
    assert left(found) == expected
    assert left(found, Rules(nesting=False)) == set()


def test_a_nested_rest_is_followed_over_areas() -> None:
    """Where b's inner group is left out, b's rest follows from the rests of all and of a."""
    sizes = {"out": 80, "out a": 40, "out b": 40, "in": 56, "in a": 20, "in b": 36}
    rests = {"rest": 24, "rest a": 20, "rest b": 4}
    found = population(
        sizes | rests,
        {
            "out": ["out a", "out b"],
            "in": ["in a", "in b"],
            "rest": ["rest a", "rest b"],
        },
        " ".join(rests),
    )
    nested = [Partition(key(f"out{x}"), (key(f"in{x}"), key(f"rest{x}"))) for x in ("", " a", " b")]
    groups = {
        k: Group(k, g.n, 0 if k.measure in {"out", "in"} else 1, k.measure not in rests)
        for k, g in found.groups.items()
    }
    whole = Population(groups, (*found.partitions, *nested), {})
    printed = {k for k, g in groups.items() if g.visible} - left_out(whole, RULES)
    assert key("rest b") not in known_by_subtraction(whole, printed).keys


def test_what_stands_from_an_earlier_release_is_never_left_out() -> None:
    found = left_out(FORCES, RULES, standing={key("b")})
    assert {k.measure for k in found} == {"a", "c"}


def test_parts_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        population({"all": 5, "a": 4}, {"all": ["a"]})
