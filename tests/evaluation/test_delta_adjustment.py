"""Shifted scores of absentees, and the shift at which a conclusion tips: against a plain search."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evaluation.delta_adjustment import FURTHEST, tipping_point
from pipeline.evaluation.followed import Clusters
from pipeline.evaluation.imputation import ImputedChange

SD = 7.0


def _change(
    mean: float, absent: list[int], *, sizes: tuple[int, ...] = (40,) * 8, spread: float = 0.5
) -> ImputedChange:
    """Eight organisations whose mean changes lie around `mean`, in five completed data sets."""
    rng = np.random.default_rng(5)
    counts = np.array(sizes)
    means = mean + spread * rng.standard_normal((5, len(sizes)))
    gone = np.array(absent)
    return ImputedChange(
        Clusters(np.repeat(np.arange(len(sizes)), counts), len(sizes), ()),
        counts,
        gone,
        means * counts,
        np.zeros(5),
        np.zeros(5),
        int(gone.sum()),
        r_hat=1.0,
    )


def test_the_mean_moves_by_delta_times_the_share_of_absentees() -> None:
    change = _change(-2.0, [10] * 8)
    still, moved = change.combined(), change.combined(0.5 * SD)
    assert moved.estimate - still.estimate == pytest.approx(0.5 * SD * 80 / 320)
    # Everywhere alike, so that no organisation moves against another.
    assert moved.interval.standard_error == pytest.approx(still.interval.standard_error)


@pytest.mark.parametrize(
    ("mean", "absent"),
    [(-2.0, [10] * 8), (2.0, [10] * 8), (-1.0, [0, 0, 0, 5, 5, 20, 20, 30]), (3.0, [4] * 8)],
)
def test_at_the_tipping_point_one_limit_is_0_and_before_it_none(
    mean: float, absent: list[int]
) -> None:
    change = _change(mean, absent)
    tips = tipping_point(change, SD)
    assert tips is not None
    found = change.combined(tips * SD).interval
    assert min(abs(found.low), abs(found.high)) < 1e-6
    for delta in np.linspace(-abs(tips), abs(tips), 401)[1:-1]:
        within = change.combined(float(delta) * SD).interval
        assert within.low > 0 or within.high < 0


def test_a_change_that_rises_tips_downwards_and_the_other_way_round() -> None:
    up, down = tipping_point(_change(2.0, [10] * 8), SD), tipping_point(_change(-2.0, [10] * 8), SD)
    assert up is not None
    assert down is not None
    assert up < 0 < down


def test_absentees_of_one_organisation_can_only_make_it_less_certain() -> None:
    """Moved further away, the mean is further from 0 and the interval still reaches it first."""
    change = _change(-2.0, [38, 0, 0, 0, 0, 0, 0, 0], spread=1.0)
    tips = tipping_point(change, SD)
    assert tips is not None
    searched = [d for d in np.linspace(-FURTHEST, FURTHEST, 2_001) if _includes_zero(change, d)]
    assert abs(tips) == pytest.approx(min(abs(d) for d in searched), abs=0.006)


def _includes_zero(change: ImputedChange, delta: float) -> bool:
    found = change.combined(delta * SD).interval
    return found.low <= 0 <= found.high


@settings(deadline=None, max_examples=40)
@given(
    st.floats(-6, 6),
    st.lists(st.integers(0, 40), min_size=8, max_size=8),
    st.floats(0.1, 2.0),
)
def test_it_is_what_a_plain_search_finds(mean: float, absent: list[int], spread: float) -> None:
    change = _change(mean, absent, spread=spread)
    tips = tipping_point(change, SD)
    grid = np.linspace(-FURTHEST, FURTHEST, 401)
    searched = [abs(float(d)) for d in grid if _includes_zero(change, float(d))]
    if tips is None:
        assert not searched
    elif searched:
        assert abs(tips) <= min(searched) + 1e-9
        assert abs(tips) >= min(searched) - 0.025 - 1e-9


def test_an_interval_that_includes_0_already_tips_at_0() -> None:
    assert tipping_point(_change(0.05, [10] * 8), SD) == 0.0


def test_nobody_absent_can_tip_nothing() -> None:
    assert tipping_point(_change(-2.0, [0] * 8), SD) is None


def test_a_change_too_large_for_any_shift() -> None:
    assert tipping_point(_change(-20.0, [1] * 8), SD) is None
