"""Weighted means in clusters: against matrices written out, and the case of equal weights."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline.evaluation.intervals import clustered_interval
from pipeline.evaluation.weighted_interval import effective_number, weighted_mean

Cluster = list[tuple[int, float]]
_value = st.tuples(st.integers(-40, 40), st.floats(0.2, 5.0))
_clusters = st.lists(st.lists(_value, min_size=1, max_size=6), min_size=2, max_size=7)


def _naive(clusters: list[Cluster]) -> tuple[float, float, float]:
    """Mean, standard error and degrees of freedom with every matrix in full."""
    values, weights = (
        np.array([pair[part] for cluster in clusters for pair in cluster], dtype=float)
        for part in (0, 1)
    )
    n = len(values)
    bread = 1 / weights.sum()
    residual_maker = np.eye(n) - np.outer(np.ones(n), weights) * bread
    mean = bread * weights @ values
    working = residual_maker @ residual_maker.T
    ends = np.cumsum([len(cluster) for cluster in clusters])
    variance, influences = 0.0, []
    for size, end in zip([len(cluster) for cluster in clusters], ends, strict=True):
        rows = slice(end - size, end)
        roots, vectors = np.linalg.eigh(working[rows, rows])
        adjusted = vectors @ np.diag(roots**-0.5) @ vectors.T @ weights[rows] * bread
        variance += (adjusted @ (residual_maker @ values)[rows]) ** 2
        influences.append(residual_maker[rows].T @ adjusted)
    products = np.array([[a @ b for b in influences] for a in influences])
    freedom = np.trace(products) ** 2 / np.sum(products**2)
    return float(mean), math.sqrt(variance), min(float(freedom), len(clusters) - 1)


def _columns(clusters: list[Cluster]) -> tuple[Any, Any, Any]:
    flat = [(i, *pair) for i, cluster in enumerate(clusters) for pair in cluster]
    codes, values, weights = zip(*flat, strict=True)
    return np.array(values, dtype=float), np.array(weights), np.array(codes)


@settings(deadline=None, max_examples=200)
@given(_clusters)
def test_it_agrees_with_matrices(clusters: list[Cluster]) -> None:
    found = weighted_mean(*_columns(clusters))
    mean, error, freedom = _naive(clusters)
    assert found.interval is not None
    assert found.mean == pytest.approx(mean, abs=1e-9)
    assert found.interval.standard_error == pytest.approx(error, rel=1e-6, abs=1e-7)
    assert found.interval.degrees_of_freedom == pytest.approx(freedom, rel=1e-6)
    reach = float(stats.t.ppf(0.975, found.interval.degrees_of_freedom))
    assert found.interval.high == pytest.approx(
        found.mean + reach * found.interval.standard_error, abs=1e-7
    )


@settings(deadline=None)
@given(_clusters, st.floats(0.1, 9.0))
def test_equal_weights_give_the_interval_without_weights(
    clusters: list[Cluster], weight: float
) -> None:
    values, weights, codes = _columns(clusters)
    found = weighted_mean(values, np.full_like(weights, weight), codes)
    sums = np.bincount(codes, values)
    plain = clustered_interval([len(c) for c in clusters], sums.tolist())
    assert found.interval is not None
    assert plain is not None
    assert found.interval.low == pytest.approx(plain.low, rel=1e-7, abs=1e-6)
    assert found.interval.high == pytest.approx(plain.high, rel=1e-7, abs=1e-6)
    assert found.interval.degrees_of_freedom == pytest.approx(plain.degrees_of_freedom, rel=1e-6)


def test_one_cluster_has_a_mean_and_no_interval() -> None:
    found = weighted_mean(np.array([1.0, 4.0]), np.array([1.0, 2.0]), np.array([0, 0]))
    assert (found.mean, found.interval) == (3.0, None)


def test_equal_values_give_an_interval_of_no_width() -> None:
    found = weighted_mean(np.full(6, 2.0), np.arange(1.0, 7.0), np.array([0, 0, 1, 1, 2, 2]))
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((2.0, 2.0))


def test_effective_number() -> None:
    assert effective_number(np.full(40, 0.3)) == pytest.approx(40)
    assert effective_number(np.array([1.0, 1.0, 2.0])) == pytest.approx(16 / 6)
