"""Bands merged until each is large enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.privacy.disclosure.merging import merged
from pipeline.privacy.disclosure.rules import RULES

NAMES = ("low", "moderate", "high")


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((10, 10, 10), (("low",), ("moderate",), ("high",))),
        ((3, 40, 12), (("low", "moderate"), ("high",))),
        ((12, 40, 3), (("low",), ("moderate", "high"))),
        ((0, 9, 9), (("low", "moderate", "high"),)),
        ((1, 2, 3), ()),
    ],
)
def test_bands_are_merged_with_the_next(sizes: tuple[int, ...], expected: object) -> None:
    assert merged(NAMES, [[n] for n in sizes], RULES) == expected


def test_each_place_counts() -> None:
    assert merged(NAMES, [[10, 9], [10, 10], [10, 10]], RULES) == (("low", "moderate"), ("high",))


def test_what_was_merged_stays_merged() -> None:
    sizes = [[20], [20], [20]]
    earlier = [frozenset({"low", "moderate"}), frozenset({"high"})]
    assert merged(NAMES, sizes, RULES, earlier) == (("low", "moderate"), ("high",))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6))
def test_every_part_is_large_and_none_is_lost(sizes: list[int]) -> None:
    names = [str(i) for i in range(len(sizes))]
    found = merged(names, [[n] for n in sizes], RULES)
    if sum(sizes) < RULES.fewest:
        assert found == ()
        return
    assert [name for part in found for name in part] == names
    assert all(sum(sizes[int(name)] for name in part) >= RULES.fewest for part in found)
