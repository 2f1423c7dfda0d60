"""Counts on a manager's screen: what one of them may still say about the number behind it."""

import pytest

from pipeline.privacy.rough_counts import UNDER_TEN, rough_count


def test_nobody_is_nobody_and_few_are_not_told_apart() -> None:
    assert rough_count(0) == 0
    assert {rough_count(n) for n in range(1, 10)} == {UNDER_TEN}


@pytest.mark.parametrize("n", range(10, 200))
def test_more_are_rounded_to_the_nearest_five(n: int) -> None:
    shown = rough_count(n)
    assert isinstance(shown, int)
    assert shown % 5 == 0
    assert abs(shown - n) <= 2


def test_every_number_shown_stands_for_several() -> None:
    shown = [rough_count(n) for n in range(1, 500)]
    # The last is cut off where the range ends, and 10 stands for 10, 11 and 12.
    assert min(shown.count(number) for number in set(shown[:-5])) == 3


def test_less_than_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="below zero"):
        rough_count(-1)
