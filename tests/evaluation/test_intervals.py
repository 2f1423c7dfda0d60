"""Intervals of a mean against matrices written out, known identities, and simulation."""

import math
import statistics
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline.evaluation.intervals import clustered_interval, t_interval

NaiveClustered = Callable[[list[list[float]]], tuple[float, float]]

_values = st.lists(st.integers(-40, 50).map(float), min_size=1, max_size=7)
_clusters = st.lists(_values, min_size=2, max_size=9)


def _sizes_and_sums(clusters: list[list[float]]) -> tuple[list[int], list[float]]:
    return [len(cluster) for cluster in clusters], [sum(cluster) for cluster in clusters]


@settings(deadline=None)
@given(_clusters)
def test_clustered_interval_agrees_with_matrices(
    naive_clustered: NaiveClustered, clusters: list[list[float]]
) -> None:
    found = clustered_interval(*_sizes_and_sums(clusters))
    standard_error, freedom = naive_clustered(clusters)
    mean = statistics.fmean(value for cluster in clusters for value in cluster)
    assert found is not None
    assert found.standard_error == pytest.approx(standard_error, rel=1e-9, abs=1e-9)
    assert found.degrees_of_freedom == pytest.approx(freedom, rel=1e-9)
    reach = float(stats.t.ppf(0.975, freedom)) * standard_error
    assert found.low == pytest.approx(mean - reach, rel=1e-8, abs=1e-7)
    assert found.high == pytest.approx(mean + reach, rel=1e-8, abs=1e-7)


@settings(deadline=None)
@given(st.lists(st.integers(-40, 50).map(float), min_size=2, max_size=30))
def test_clusters_of_one_give_the_t_interval(values: list[float]) -> None:
    found = clustered_interval([1] * len(values), values)
    plain = t_interval(len(values), statistics.fmean(values), statistics.stdev(values))
    assert found is not None
    assert plain is not None
    assert found.degrees_of_freedom == pytest.approx(len(values) - 1)
    assert found.low == pytest.approx(plain.low, rel=1e-9, abs=1e-9)
    assert found.high == pytest.approx(plain.high, rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(st.integers(1, 20), st.lists(st.integers(-400, 500).map(float), min_size=2, max_size=30))
def test_clusters_of_one_size_give_the_t_interval_of_their_means(
    size: int, sums: list[float]
) -> None:
    found = clustered_interval([size] * len(sums), sums)
    means = [total / size for total in sums]
    plain = t_interval(len(sums), statistics.fmean(means), statistics.stdev(means))
    assert found is not None
    assert plain is not None
    assert found.degrees_of_freedom == pytest.approx(len(sums) - 1)
    assert found.low == pytest.approx(plain.low, rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(_clusters, st.randoms(use_true_random=False))
def test_order_of_clusters_does_not_matter(clusters: list[list[float]], shuffler: object) -> None:
    shuffled = list(clusters)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    assert clustered_interval(*_sizes_and_sums(clusters)) == clustered_interval(
        *_sizes_and_sums(shuffled)
    )


def test_uneven_clusters_have_fewer_degrees_of_freedom_than_their_number() -> None:
    found = clustered_interval([200, 5, 5, 5, 5], [6000, 140, 160, 150, 155])
    assert found is not None
    assert 1 < found.degrees_of_freedom < 2


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=20))
def test_t_interval_agrees_with_scipy(values: list[float]) -> None:
    sd = statistics.stdev(values)
    assume(sd > 1e-6)
    found = t_interval(len(values), statistics.fmean(values), sd, confidence=0.9)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert found is not None
    assert found.low == pytest.approx(expected.low, rel=1e-6, abs=1e-6)
    assert found.high == pytest.approx(expected.high, rel=1e-6, abs=1e-6)


def test_too_little_gives_no_interval() -> None:
    assert t_interval(1, 20.0, 0.0) is None
    assert clustered_interval([], []) is None
    assert clustered_interval([30], [640.0]) is None


def test_equal_values_give_an_interval_of_no_width() -> None:
    found = clustered_interval([3, 4, 5], [60.0, 80.0, 100.0])
    assert found is not None
    assert (found.low, found.high) == (20.0, 20.0)


def test_coverage_with_organisations_that_differ() -> None:
    """95% of clustered intervals hold the truth; of plain t intervals far fewer.

    Twenty organisations of 5 to 62 officers, SD 1 between and 5 within organisations, 2,000 draws.
    The tolerance is three Monte Carlo standard errors of a share of 95%.
    """
    draws = 2_000
    rng = np.random.default_rng(20_261_123)
    sizes = np.arange(5, 65, 3)
    organisation = np.repeat(np.arange(len(sizes)), sizes)
    covered = {"clustered": 0, "t": 0}
    for _ in range(draws):
        values = rng.normal(0, 1, len(sizes))[organisation] + rng.normal(0, 5, sizes.sum())
        sums = np.bincount(organisation, values)
        clustered = clustered_interval(sizes.tolist(), sums.tolist())
        plain = t_interval(len(values), float(values.mean()), float(values.std(ddof=1)))
        assert clustered is not None
        assert plain is not None
        covered["clustered"] += clustered.low <= 0 <= clustered.high
        covered["t"] += plain.low <= 0 <= plain.high
    tolerance = 3 * math.sqrt(0.95 * 0.05 / draws)
    assert covered["clustered"] / draws == pytest.approx(0.95, abs=tolerance)
    assert covered["t"] / draws < 0.95 - 5 * tolerance
