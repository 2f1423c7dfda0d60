"""Rubin's rules: an example worked by hand, and what they come to at either end."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.evaluation.rubin import combined


def test_an_example_by_hand() -> None:
    # Mean 2, B = 1, mean of U = 2: T = 2 + (1 + 1/3) 1 = 10/3, lambda = 0.4.
    found = combined([1.0, 2.0, 3.0], 2.0, 20.0)
    assert found.estimate == 2.0
    assert found.share_missing == pytest.approx(0.4)
    assert found.interval.standard_error == pytest.approx(math.sqrt(10 / 3))
    observed = 20 * 21 / 23 * 0.6
    assert found.interval.degrees_of_freedom == pytest.approx(1 / (0.16 / 2 + 1 / observed))
    reach = stats.t.ppf(0.975, found.interval.degrees_of_freedom) * math.sqrt(10 / 3)
    assert found.interval.high == pytest.approx(2 + reach)


def test_without_any_difference_between_imputations_it_is_nearly_the_complete_data_interval() -> (
    None
):
    found = combined([1.5] * 20, 0.25, 1e6)
    assert found.interval.standard_error == pytest.approx(0.5)
    assert found.interval.degrees_of_freedom == pytest.approx(1e6, rel=1e-5)


def test_no_variance_at_all_is_an_interval_of_no_width() -> None:
    found = combined([1.5] * 20, 0.0, 11.0)
    assert (found.interval.low, found.interval.high) == (1.5, 1.5)


def test_variance_between_alone_leaves_the_freedom_of_the_imputations() -> None:
    assert combined([1.0, 2.0, 3.0], 0.0, 11.0).interval.degrees_of_freedom == 2.0


@given(
    st.lists(st.floats(-50, 50), min_size=2, max_size=30),
    st.floats(0.01, 20),
    st.floats(1, 1000),
)
def test_freedom_never_exceeds_that_of_the_complete_data(
    estimates: list[float], variance: float, complete: float
) -> None:
    found = combined(estimates, variance, complete)
    assert 0 < found.interval.degrees_of_freedom <= complete
    assert found.interval.standard_error**2 >= variance * (1 - 1e-9)
    assert found.estimate == pytest.approx(statistics.fmean(estimates), abs=1e-9)
