"""What figures of a row say about the numbers behind them: never too much, and enough."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inversions import (
    Moments,
    events,
    given_back,
    not_of_printed,
    rest_by_spread,
    too_fine,
)
from programmes import BANDS, INSTRUMENT, SCALE, SUBSCALES
from published import Release, World
from reading_release import Print, read
from scipy import stats

WORLD = World(
    ("force-0", "force-1"),
    ("programme",),
    ("baseline", "session_10"),
    INSTRUMENT,
    dict.fromkeys(SUBSCALES, SCALE),
    BANDS,
    ("baseline", "session_10"),
)
AREAS = pl.DataFrame({"organisation": ["force-0", "force-1"], "shown_as": ["force-0", "force-1"]})

scores = st.lists(st.integers(*SCALE), min_size=10, max_size=60)


def _printed(tables: dict[str, list[dict[str, Any]]]) -> Print:
    release: Release = {
        "areas": AREAS,
        **{table: pl.DataFrame(rows, infer_schema_length=None) for table, rows in tables.items()},
    }
    return read(release, WORLD, None)


def _summary(values: list[int], n: int, places: int | None, margin_of: int) -> dict[str, Any]:
    def printed(value: float) -> float:
        return value if places is None else round(value, places)

    mean, sd = printed(float(np.mean(values))), printed(float(np.std(values, ddof=1)))
    margin = float(stats.t.ppf(0.975, margin_of - 1)) * sd / math.sqrt(margin_of)
    return {
        "organisation": "all",
        "arm": "all",
        "wave": "baseline",
        "instrument": INSTRUMENT,
        "subscale": "burnout",
        "n": n,
        "mean": mean,
        "sd": sd,
        "ci_low": printed(mean - margin),
        "ci_high": printed(mean + margin),
    }


def _rounded(n: int) -> int:
    return 5 * ((n + 2) // 5)


@given(scores)
def test_the_true_number_is_never_ruled_out(values: list[int]) -> None:
    n = len(values)
    for places in (None, 3, 1):
        for margin_of in (n, _rounded(n)):
            print_ = _printed({"wave_summary": [_summary(values, _rounded(n), places, margin_of)]})
            for possible in given_back(print_).values():
                assert n in possible


def test_an_unrounded_mean_gives_the_number_back() -> None:
    # 512 / 17 is 30.1176...: of 15, 16, 17, 18, 19 only 17 makes a whole sum of it.
    values = [30] * 15 + [31, 31]
    print_ = _printed({"wave_summary": [_summary(values, 15, None, 15)]})
    assert list(given_back(print_).values()) == [frozenset({17})]


def test_an_interval_of_the_exact_number_gives_it_back() -> None:
    values = [*range(10, 50, 4), 20, 30]
    exact = _printed({"wave_summary": [_summary(values, 10, 3, 12)]})
    assert list(given_back(exact).values()) == [frozenset({12})]
    assert [column for _, column in not_of_printed(exact)] == ["ci_low"]


def test_an_interval_of_the_printed_figures_says_nothing() -> None:
    values = [*range(10, 50, 4), 20, 30]
    print_ = _printed({"wave_summary": [_summary(values, 10, 1, 10)]})
    assert given_back(print_) == {}
    assert list(not_of_printed(print_)) == []


def test_an_effect_size_of_exact_figures_is_noticed() -> None:
    row = {
        "organisation": "all",
        "arm": "all",
        "from_wave": "baseline",
        "to_wave": "session_10",
        "instrument": INSTRUMENT,
        "subscale": "burnout",
        "n": 30,
        "mean_change": -2.0,
        "sd_change": 5.0,
        "ci_low": -3.9,
        "ci_high": -0.1,
        "sd_from": 6.0,
        "sd_to": 5.0,
        "correlation": 0.6,
        "d_av": -0.4,
    }
    assert list(not_of_printed(_printed({"paired_change": [row]}))) == []
    for column, wrong in (("d_av", -0.5), ("correlation", 0.7), ("ci_low", -3.7)):
        (found,) = not_of_printed(_printed({"paired_change": [row | {column: wrong}]}))
        assert found[1] == column


@pytest.mark.parametrize("percent", [1, 100])
def test_a_survival_step_gives_back_how_many_left(percent: int) -> None:
    row = {
        "organisation": "all",
        "arm": "all",
        "denominator": "enrolled",
        "time": 0,
        "to_time": 1,
        "n_at_risk": 100,
        "n_left": None,
        "retained": 0.93 * percent,
    }
    print_ = _printed({"retention": [row]})
    (line,) = [
        line
        for group, shown in print_.groups.items()
        if group.kind == "events"
        for line in shown.lines
    ]
    found = events(line, (1.0, 0.0), print_)
    assert found is not None
    low, high = found
    assert low <= 7 <= high
    assert high - low < 9


@given(scores, st.lists(st.integers(*SCALE), min_size=1, max_size=9), st.booleans())
def test_the_true_mean_of_a_rest_lies_within_what_sds_say(
    part: list[int], rest: list[int], mean_is_known: bool
) -> None:
    whole = part + rest

    def moments(values: list[int], *, known: bool = True) -> Moments:
        n = len(values)
        mean = round(float(np.mean(values)), 1) if known else None
        return Moments(n - 2, n + 2, mean, 0.0501, round(float(np.std(values, ddof=1)), 1), 0.0501)

    found = rest_by_spread(moments(whole), [moments(part, known=mean_is_known)], len(rest))
    assert found is not None
    assert found[0] - 1e-6 <= float(np.mean(rest)) <= found[1] + 1e-6


def test_figures_with_too_many_places_are_noticed() -> None:
    values = [20, 21, 21, 22, 23, 24, 25, 26, 27, 30, 31]
    fine = _printed({"wave_summary": [_summary(values, 10, None, 10)]})
    assert {column for _, column, _ in too_fine(fine)} == {"mean", "sd", "ci_low", "ci_high"}
    assert list(too_fine(_printed({"wave_summary": [_summary(values, 10, 1, 10)]}))) == []
    p_value = _summary(values, 10, 1, 10) | {"p_value": 0.1}
    assert [c for _, c, _ in too_fine(_printed({"wave_summary": [p_value]}))] == ["p_value"]
    assert [t for t, _, _ in too_fine(_printed({"new": [{"n": 10}]}))] == ["new"]
