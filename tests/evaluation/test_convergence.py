"""R-hat of a chain's halves: by hand, of chains that wander, and of draws that say nothing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from panel_officers import AS_OF, drawn, frames

from pipeline.evaluation import imputation
from pipeline.evaluation.convergence import LARGEST_R_HAT, split_r_hat
from pipeline.evaluation.followed import followed
from pipeline.evaluation.imputation import NOTE_NOT_MIXED, ImputedChange, imputed_changes


def test_by_hand() -> None:
    # Halves 1, 3 and 5, 9: W = (2 + 8) / 2 = 5, means 2 and 7, B = 2 * 12.5 = 25.
    assert split_r_hat(np.array([1.0, 3.0, 5.0, 9.0])) == pytest.approx(math.sqrt(0.5 + 25 / 10))
    # The draw in the middle of an odd number belongs to neither half.
    assert split_r_hat(np.array([1.0, 3.0, 100.0, 5.0, 9.0])) == pytest.approx(math.sqrt(3))


def test_draws_of_one_distribution_have_halves_alike_and_a_drift_has_not() -> None:
    rng = np.random.default_rng(20261126)
    draws = rng.normal(0, 1, 200)
    assert split_r_hat(draws) < 1.02
    assert split_r_hat(draws + np.linspace(0, 4, 200)) > LARGEST_R_HAT
    assert split_r_hat(np.cumsum(draws)) > LARGEST_R_HAT


def test_draws_without_spread() -> None:
    assert split_r_hat(np.full(8, 3.0)) == 1.0
    assert split_r_hat(3.0 + 1e-12 * np.arange(8)) == 1.0
    assert split_r_hat(np.array([1.0, 1.0, 2.0, 2.0])) == math.inf


def test_fewer_than_four_draws_are_refused() -> None:
    with pytest.raises(ValueError, match="fewer than four"):
        split_r_hat(np.array([1.0, 2.0, 3.0]))


@given(st.lists(st.integers(-50, 50), min_size=4, max_size=40), st.integers(1, 9))
def test_neither_unit_nor_origin_matters(values: list[int], unit: int) -> None:
    draws = np.array(values, dtype=float)
    expected = split_r_hat(draws)
    assert split_r_hat(draws * unit + 7) == pytest.approx(expected)


def _imputed(**steps: int) -> ImputedChange:
    made = frames(drawn([60, 50, 70, 60], 3, leaving=0.4))
    base = followed(
        made.scores,
        made.participants,
        made.participant_waves,
        made.programme,
        instrument="proqol5",
        as_of=AS_OF,
    )
    found = imputed_changes(base, [1], **steps)[3, 1]
    assert isinstance(found, ImputedChange)
    return found


def test_a_settled_chain_says_nothing() -> None:
    found = _imputed(imputations=20, burn_in=100, between=10)
    assert 0.9 < found.r_hat <= LARGEST_R_HAT
    assert NOTE_NOT_MIXED not in found.notes


def test_a_chain_that_has_not_settled_says_so() -> None:
    """Read from its first steps on, far from where it is going: every score begins at its mean."""
    found = _imputed(imputations=5, burn_in=0, between=1)
    assert found.r_hat > LARGEST_R_HAT
    assert NOTE_NOT_MIXED in found.notes


def test_watching_a_chain_changes_no_draw() -> None:
    values = np.random.default_rng(1).normal(0, 1, (60, 2))
    values[:20, 1] = np.nan
    told: list[np.ndarray] = []
    plain, watched = (
        list(
            imputation.completed(
                values,
                np.array([0, 1]),
                np.arange(60) % 3,
                np.random.default_rng(5),
                imputations=3,
                burn_in=4,
                between=2,
                watch=watch,
            )
        )
        for watch in (None, told.append)
    )
    for one, other in zip(plain, watched, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(told) == 5
    np.testing.assert_allclose(told[0], watched[0].mean(axis=0))
    np.testing.assert_allclose(told[-1], watched[-1].mean(axis=0))
