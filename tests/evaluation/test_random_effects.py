"""Random effects against R's metafor, against plain formulas, and where there is no model."""

import json
from itertools import pairwise
from math import log, sqrt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from pipeline.evaluation.random_effects import leave_one_out, random_effects, tau2_interval

REFERENCE = json.loads((Path(__file__).parent / "reference/pooled.json").read_text("utf-8"))
SETS: dict[str, dict[str, Any]] = REFERENCE["sets"]
CLOSE = {"rel": 1e-6, "abs": 1e-6}

_set = st.lists(
    st.tuples(st.floats(-8, 8).map(lambda y: round(y, 2)), st.floats(0.05, 4)),
    min_size=2,
    max_size=9,
)


@pytest.mark.parametrize("name", SETS)
def test_agrees_with_metafor(name: str) -> None:
    expected = SETS[name]
    found = random_effects(expected["y"], expected["v"])
    assert found is not None
    assert found.k == len(expected["y"])
    for figure in ("estimate", "tau2", "i2", "q", "q_p"):
        assert getattr(found, figure) == pytest.approx(expected[figure], **CLOSE), figure
    assert list(found.weights) == pytest.approx(expected["weights"], **CLOSE)
    floored, plain = found.confidence(), found.confidence(floored=False)
    assert [floored.low, floored.high] == pytest.approx(expected["ci"], **CLOSE)
    assert [plain.low, plain.high] == pytest.approx(expected["ci_unfloored"], **CLOSE)
    between = tau2_interval(expected["y"], expected["v"])
    assert between is not None
    assert [between.low, between.high] == pytest.approx(expected["tau2_ci"], rel=1e-5, abs=1e-6)
    prediction = found.prediction()
    if found.k == 2:
        assert prediction is None
    else:
        assert prediction is not None
        assert [prediction.low, prediction.high] == pytest.approx(expected["prediction"], **CLOSE)


@pytest.mark.parametrize("name", [name for name in SETS if len(SETS[name]["y"]) > 2])
def test_leaving_one_out_agrees_with_metafor(name: str) -> None:
    expected = SETS[name]
    for found, row in zip(
        leave_one_out(expected["y"], expected["v"]), expected["without"], strict=True
    ):
        assert found is not None
        assert found.estimate == pytest.approx(row["estimate"], **CLOSE)
        assert found.tau2 == pytest.approx(row["tau2"], **CLOSE)
        limits = found.confidence()
        assert [limits.low, limits.high] == pytest.approx(row["ci"], **CLOSE)


def _loss(tau2: float, y: list[float], v: list[float]) -> float:
    weights = [1 / (each + tau2) for each in v]
    mean = sum(w * each for w, each in zip(weights, y, strict=True)) / sum(weights)
    return (
        sum(log(each + tau2) for each in v)
        + log(sum(weights))
        + sum(w * (each - mean) ** 2 for w, each in zip(weights, y, strict=True))
    )


@settings(max_examples=80, deadline=None)
@given(_set)
def test_no_other_tau2_is_likelier(rows: list[tuple[float, float]]) -> None:
    y, v = [a for a, _ in rows], [b for _, b in rows]
    found = random_effects(y, v)
    assert found is not None
    best = _loss(found.tau2, y, v)
    for start, end in pairwise([0, 0.1, 1, 10, 100, 1000]):
        near = optimize.minimize_scalar(_loss, bounds=(start, end), args=(y, v), method="bounded")
        assert best <= near.fun + 1e-7
    assert best <= _loss(0, y, v) + 1e-12


@settings(max_examples=80, deadline=None)
@given(_set)
def test_figures_follow_from_tau2(rows: list[tuple[float, float]]) -> None:
    y, v = [a for a, _ in rows], [b for _, b in rows]
    found = random_effects(y, v)
    assert found is not None
    weights = [1 / (each + found.tau2) for each in v]
    mean = sum(w * each for w, each in zip(weights, y, strict=True)) / sum(weights)
    assert found.estimate == pytest.approx(mean, abs=1e-9)
    assert sum(found.weights) == pytest.approx(1)
    spread = sum(w * (each - mean) ** 2 for w, each in zip(weights, y, strict=True))
    variance = max(1.0, spread / (len(y) - 1)) / sum(weights)
    reach = float(stats.t.ppf(0.975, len(y) - 1)) * sqrt(variance)
    assert found.confidence().high == pytest.approx(mean + reach, rel=1e-6)
    narrow, wide = found.confidence(floored=False), found.confidence()
    assert wide.low <= narrow.low + 1e-12
    assert narrow.high <= wide.high + 1e-12
    assert 0 <= found.i2 <= 1
    assert 0 <= found.q_p <= 1
    between = tau2_interval(y, v)
    assert between is not None
    assert 0 <= between.low <= between.high


@settings(max_examples=60, deadline=None)
@given(_set)
def test_leaving_one_out_is_the_model_of_the_others(rows: list[tuple[float, float]]) -> None:
    assume(len(rows) > 2)
    y, v = [a for a, _ in rows], [b for _, b in rows]
    for i, found in enumerate(leave_one_out(y, v)):
        others = random_effects(y[:i] + y[i + 1 :], v[:i] + v[i + 1 :])
        assert found is not None
        assert others is not None
        assert found.estimate == pytest.approx(others.estimate, rel=1e-6, abs=1e-6)
        assert found.tau2 == pytest.approx(others.tau2, rel=1e-5, abs=1e-6)


def test_precise_estimates_that_agree_do_not_hide_what_lies_far_off() -> None:
    y, v = [0.0, 0.0, 3.0, -3.0], [1e-4, 1e-4, 1.0, 1.0]
    found = random_effects(y, v)
    assert found is not None
    grid = [i / 1000 for i in range(40_000)]
    assert _loss(found.tau2, y, v) <= min(_loss(tau2, y, v) for tau2 in grid) + 1e-6


def test_the_floor_holds_where_organisations_agree_by_chance() -> None:
    found = random_effects([1.0, 1.01, 0.99, 1.0], [0.5] * 4)
    assert found is not None
    assert found.tau2 == 0
    assert found.multiplier < 0.01
    floored, plain = found.confidence(), found.confidence(floored=False)
    assert floored.high - floored.low > 10 * (plain.high - plain.low)


@pytest.mark.parametrize(("y", "v"), [([], []), ([1.5], [0.3])])
def test_one_organisation_or_none_has_no_model(y: list[float], v: list[float]) -> None:
    assert random_effects(y, v) is None
    assert tau2_interval(y, v) is None
    assert leave_one_out(y, v) == [None] * len(y)


def test_two_organisations_leave_none_out_and_predict_nothing() -> None:
    found = random_effects([1.5, -0.5], [0.3, 0.4])
    assert found is not None
    assert found.prediction() is None
    assert leave_one_out([1.5, -0.5], [0.3, 0.4]) == [None, None]


def test_estimates_that_are_all_alike() -> None:
    found, between = random_effects([2.0] * 5, [0.5] * 5), tau2_interval([2.0] * 5, [0.5] * 5)
    assert found is not None
    assert between is not None
    assert (found.estimate, found.tau2, found.q) == (2.0, 0.0, 0.0)
    assert (between.low, between.high) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("y", "v"),
    [([1.0, 2.0], [0.0, 1.0]), ([1.0, float("nan")], [1.0, 1.0]), ([1.0, 2.0], [1.0, -0.5])],
)
def test_no_variance_is_refused(y: list[float], v: list[float]) -> None:
    for method in (random_effects, leave_one_out, tau2_interval):
        with pytest.raises(ValueError, match="variances above 0"):
            method(y, v)
