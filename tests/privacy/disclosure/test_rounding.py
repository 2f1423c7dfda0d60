"""Counts and figures as they are printed, and what a printed count leaves possible."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.privacy.disclosure.rounding import (
    possible_counts,
    printed_count,
    tenths,
    tenths_of_mean,
    two_figures,
)
from pipeline.privacy.disclosure.rules import RULES


@given(st.integers(0, 10_000))
def test_a_printed_count_is_a_multiple_and_at_most_two_off(n: int) -> None:
    printed = printed_count(n, RULES)
    assert printed % 5 == 0
    assert abs(printed - n) <= 2


@given(st.integers(10, 10_000), st.integers(0, 9))
def test_the_exact_count_is_among_the_possible_ones(n: int, changed: int) -> None:
    low, high = possible_counts(printed_count(n, RULES), RULES, changed=changed)
    assert low <= n - changed <= n + changed <= high
    if not changed:
        assert low >= RULES.fewest
        assert high - low <= 4


@given(st.integers(-100_000, 100_000), st.integers(1, 3000), st.sampled_from([1, 2520]))
def test_a_mean_in_tenths_is_the_nearest_one(total: int, n: int, units: int) -> None:
    found = tenths_of_mean(total, n, units)
    assert abs(Fraction(total, n * units) - Fraction(found, 10)) <= Fraction(1, 20)


@pytest.mark.parametrize(
    ("value", "printed"), [(20.25, 203), (-20.25, -203), (0.04, 0), (0.05, 1), (2.3, 23)]
)
def test_half_a_tenth_goes_away_from_zero(value: float, printed: int) -> None:
    assert tenths(value) == printed


@pytest.mark.parametrize(
    ("value", "printed"), [(0, 0), (1.25, 1.3), (0.0996, 0.1), (187, 190), (-0.0514, -0.051)]
)
def test_two_significant_figures(value: float, printed: float) -> None:
    assert two_figures(value) == printed
