"""Likeness within groups and organisations: lme4's figures, closed forms, and too little to say."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from pipeline import tables
from pipeline.evaluation.icc import (
    NOTE_ARMS,
    NOTE_FEWER_THAN_TWO,
    NOTE_NO_GROUPS,
    NOTE_ONE_AN_ARM,
    NOTE_ONE_GROUP_EACH,
    NOTE_ONE_ORGANISATION,
    NOTE_WITHOUT_GROUP,
    icc,
    spreads,
)
from pipeline.evaluation.variance_components import (
    CUTOFF,
    Components,
    GroupSums,
    NoComponents,
    _Deviance,
    variance_components,
)
from pipeline.programme import Programme

Frames = Callable[..., pl.DataFrame]
Officer = tuple[str, str, str | None, tuple[float, float | None]]
"""Organisation, arm, session group, scores at baseline and session 10."""
HERE = Path(__file__).parent / "reference"


@pytest.fixture(scope="session")
def rows(
    participants: Frames, scores: Frames, programme: Programme
) -> Callable[[dict[str, Officer]], pl.DataFrame]:
    def make(officers: dict[str, Officer]) -> pl.DataFrame:
        people = participants({name: officer[:3] for name, officer in officers.items()})
        given = scores(
            (name, wave, "proqol5", "burnout", score)
            for name, (*_, by_wave) in officers.items()
            for wave, score in zip(("baseline", "session_10"), by_wave, strict=True)
        )
        return tables.ICC.conform(icc(spreads(given, people, programme)))

    return make


def _reference(*arms: str) -> tuple[dict[str, Officer], Any]:
    found: dict[str, dict[str, Any]] = {}
    with (HERE / "arms.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["arm"] in arms:
                found.setdefault(row["officer"], dict(row))[row["wave"]] = float(row["score"])
    officers = {
        name: (
            row["organisation"],
            row["arm"],
            row["session_group"],
            (row.get("baseline"), row.get("session_10")),
        )
        for name, row in found.items()
    }
    return officers, json.loads((HERE / "arms.json").read_text("utf-8"))  # type: ignore[return-value]


@pytest.mark.parametrize("measure", ["baseline", "change"])
def test_correlations_agree_with_lme4(
    rows: Callable[[dict[str, Officer]], pl.DataFrame], measure: str
) -> None:
    officers, expected = _reference("programme")
    found = rows(officers).filter(measure=measure)
    for level in ("session_group", "organisation"):
        row = found.filter(level=level).row(0, named=True)
        assert row["icc"] == pytest.approx(expected[measure][level], rel=1e-3, abs=1e-4), level
        assert row["ci_low"] <= row["icc"] <= row["ci_high"]
        assert row["n"] == expected[measure]["n"]
        assert row["note"] is None


@pytest.mark.parametrize("measure", ["baseline", "change"])
def test_a_mean_of_each_arm_agrees_with_lme4(
    rows: Callable[[dict[str, Officer]], pl.DataFrame], measure: str
) -> None:
    officers, expected = _reference("programme", "waiting_list")
    of_r = expected[f"{measure} of both arms"]
    found = rows(officers).filter(measure=measure)
    for level in ("session_group", "organisation"):
        row = found.filter(level=level).row(0, named=True)
        assert row["icc"] == pytest.approx(of_r[level], rel=1e-3, abs=1e-4), level
        assert row["ci_low"] <= row["icc"] <= row["ci_high"]
        assert (row["n"], row["sd"]) == (of_r["n"], pytest.approx(of_r["sd"]))
        assert row["note"] == NOTE_ARMS
    without = {name: (place, arm, None, s) for name, (place, arm, _, s) in officers.items()}
    row = rows(without).filter(measure=measure, level="organisation").row(0, named=True)
    assert row["icc"] == pytest.approx(of_r["organisations_alone"], rel=1e-3, abs=1e-4)


def test_one_officer_in_each_arm_has_no_spread(
    rows: Callable[[dict[str, Officer]], pl.DataFrame],
) -> None:
    officers: dict[str, Officer] = {
        "p1": ("north", "programme", "g1", (20.0, 22.0)),
        "p2": ("north", "waiting_list", "g1", (25.0, 21.0)),
    }
    for row in rows(officers).iter_rows(named=True):
        assert row["sd"] is row["icc"] is None
        assert row["note"] == NOTE_ONE_AN_ARM


def test_arms_that_explain_all_within_groups_leave_no_correlation(
    rows: Callable[[dict[str, Officer]], pl.DataFrame],
) -> None:
    officers: dict[str, Officer] = {
        f"p{place}{arm}": (f"o{place}", arm, f"g{place}", (20.0 + place + higher, 20.0))
        for place in range(6)
        for arm, higher in (("programme", 0), ("waiting_list", 7))
    }
    for row in rows(officers).filter(measure="baseline").iter_rows(named=True):
        assert row["icc"] is None
        assert NoComponents.CONSTANT.value in row["note"] or row["level"] == "session_group"


@pytest.mark.parametrize("measure", ["baseline", "change"])
def test_organisations_alone_agree_with_lme4(
    rows: Callable[[dict[str, Officer]], pl.DataFrame], measure: str
) -> None:
    officers, expected = _reference("programme")
    without = {name: (place, arm, None, s) for name, (place, arm, _, s) in officers.items()}
    found = rows(without).filter(measure=measure)
    row = found.filter(level="organisation").row(0, named=True)
    assert row["icc"] == pytest.approx(expected[measure]["organisations_alone"], rel=1e-3, abs=1e-4)
    of_groups = found.filter(level="session_group").row(0, named=True)
    assert of_groups["icc"] is None
    assert NOTE_NO_GROUPS in of_groups["note"]


def test_of_groups_of_one_size_it_is_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(20261126)
    values = rng.normal(0, 1, (12, 1)) + rng.normal(0, 2, (12, 6))
    within = ((values - values.mean(axis=1, keepdims=True)) ** 2).sum()
    between = 6 * values.mean(axis=1).var(ddof=1)
    error = within / (12 * 5)
    expected = (between - error) / (between + 5 * error)
    sums = GroupSums(np.arange(12), np.full(12, 6.0), values.mean(axis=1), float(within))
    found = variance_components(sums, groups=False)
    assert isinstance(found, Components)
    assert found.organisation is not None
    assert found.organisation.value == pytest.approx(expected, rel=1e-4)
    assert found.group is None


def test_the_interval_ends_where_the_dense_likelihood_falls_by_the_cutoff() -> None:
    rng = np.random.default_rng(3)
    sizes = [4, 7, 3, 9, 6, 5, 8]
    of = np.repeat(np.arange(7), sizes)
    values = rng.normal(0, 1.5, 7)[of] + rng.normal(0, 2, len(of))
    means = np.array([values[of == g].mean() for g in range(7)])
    within = float(sum(((values[of == g] - means[g]) ** 2).sum() for g in range(7)))
    found = variance_components(
        GroupSums(np.arange(7), np.array(sizes, dtype=float), means, within), groups=False
    )
    assert isinstance(found, Components)
    assert found.organisation is not None

    def dense(correlation: float) -> float:
        """Minus twice the restricted log-likelihood, at the best variance for this correlation."""
        same = (of[:, None] == of[None, :]).astype(float)
        shape = correlation * same + (1 - correlation) * np.eye(len(of))
        ones = np.ones((len(of), 1))

        def at(log_variance: float) -> float:
            v = np.exp(log_variance) * shape
            w = np.linalg.inv(v)
            information = ones.T @ w @ ones
            r = values - (ones.T @ w @ values / information).item()
            return float(np.linalg.slogdet(v)[1] + np.log(information.item()) + r @ w @ r)

        return float(minimize_scalar(at, bounds=(-3, 5), method="bounded").fun)

    best = dense(found.organisation.value)
    assert dense(found.organisation.value + 0.01) > best
    assert dense(found.organisation.value - 0.01) > best
    assert dense(found.organisation.low) - best == pytest.approx(CUTOFF, abs=1e-3)
    assert dense(found.organisation.high) - best == pytest.approx(CUTOFF, abs=1e-3)


def _spread(count: int, place: Callable[[int], tuple[str, str, str | None]]) -> dict[str, Officer]:
    rng = np.random.default_rng(count)
    drawn = rng.integers(15, 35, (count, 2)).astype(float).tolist()
    return {f"p{i:02}": (*place(i), (a, b)) for i, (a, b) in enumerate(drawn)}


def _note(found: pl.DataFrame, level: str) -> Any:
    row = found.filter(level=level, measure="change").row(0, named=True)
    assert row["icc"] is None or "apart" not in (row["note"] or "")
    return row["note"]


def test_one_organisation_says_nothing_of_organisations(
    rows: Callable[[dict[str, Officer]], pl.DataFrame],
) -> None:
    found = rows(_spread(40, lambda i: ("north", "programme", f"g{i % 5}")))
    assert _note(found, "organisation") == NOTE_ONE_ORGANISATION
    assert _note(found, "session_group") is None


def test_one_group_in_each_organisation_cannot_be_told_from_it(
    rows: Callable[[dict[str, Officer]], pl.DataFrame],
) -> None:
    found = rows(_spread(40, lambda i: (f"o{i % 5}", "programme", f"g{i % 5}")))
    assert _note(found, "session_group") == NOTE_ONE_GROUP_EACH
    assert _note(found, "organisation") is None


def test_officers_without_a_group_and_arms_are_spoken_of(
    rows: Callable[[dict[str, Officer]], pl.DataFrame],
) -> None:
    found = rows(
        _spread(60, lambda i: (f"o{i % 5}", ("a", "b")[i % 2], f"g{i % 15}" if i > 9 else None))
    )
    assert _note(found, "session_group") == f"{NOTE_ARMS}; {NOTE_WITHOUT_GROUP}"
    assert _note(found, "organisation") == NOTE_ARMS


def test_an_arm_that_is_higher_throughout_makes_nobody_alike(
    rows: Callable[[dict[str, Officer]], pl.DataFrame],
) -> None:
    plain = _spread(60, lambda i: (f"o{i % 6}", ("a", "b")[i % 2], f"g{i % 12}"))
    higher = {
        name: (*place, (a, b + 50.0 if place[1] == "b" else b))  # type: ignore[misc]
        for name, (*place, (a, b)) in plain.items()
    }
    one, other = (rows(officers).filter(measure="change")["icc"] for officers in (plain, higher))
    assert other.to_list() == pytest.approx(one.to_list(), abs=1e-6)


def test_nothing_varies(rows: Callable[[dict[str, Officer]], pl.DataFrame]) -> None:
    found = rows({f"p{i}": (f"o{i % 3}", "a", f"g{i % 6}", (20.0, 22.0)) for i in range(24)})
    assert found["icc"].null_count() == found.height
    assert _note(found, "organisation") == NoComponents.CONSTANT.value


def test_no_two_officers_are_in_one_cluster(
    rows: Callable[[dict[str, Officer]], pl.DataFrame],
) -> None:
    found = rows(_spread(6, lambda i: (f"o{i}", "a", None)))
    assert NoComponents.ALONE.value in _note(found, "organisation")


def test_one_officer(rows: Callable[[dict[str, Officer]], pl.DataFrame]) -> None:
    found = rows(_spread(1, lambda i: ("o", "a", "g")))
    assert found["note"].unique().to_list() == [NOTE_FEWER_THAN_TWO]
    assert found["sd"].null_count() == found.height


def test_nobody_returned(rows: Callable[[dict[str, Officer]], pl.DataFrame]) -> None:
    answered = _spread(30, lambda i: (f"o{i % 3}", "a", f"g{i % 6}"))
    gone = {name: (*place, (a, None)) for name, (*place, (a, _)) in answered.items()}
    found = rows(gone)  # type: ignore[arg-type]
    assert found["measure"].unique().to_list() == ["baseline"]


def test_the_order_of_rows_does_not_matter(
    rows: Callable[[dict[str, Officer]], pl.DataFrame],
) -> None:
    officers = _spread(
        80, lambda i: (f"o{i % 7}", ("a", "b")[i % 2], f"g{i % 9}" if i % 4 else None)
    )
    assert rows(dict(reversed(officers.items()))).equals(rows(officers))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.5, 2.0]), st.sampled_from([0.0, 0.5, 2.0]))
def test_nothing_on_a_grid_is_likelier(seed: int, organisations: float, groups: float) -> None:
    rng = np.random.default_rng(seed)
    of = np.sort(rng.integers(0, 8, 40))
    of = np.unique(of, return_inverse=True)[1]
    means = rng.normal(0, organisations, 8)[of] + rng.normal(0, groups, 40)
    n = rng.integers(1, 12, 40).astype(float)
    means += rng.normal(0, 2, 40) / np.sqrt(n)
    sums = GroupSums(of.astype(np.int64), n, means, float(4 * rng.chisquare(n.sum() - 40)))
    found = variance_components(sums)
    assert isinstance(found, Components)
    assert found.organisation is not None
    assert found.group is not None
    assert found.organisation.value <= found.group.value + 1e-9
    officer = 1 - found.group.value
    best = _deviance(
        sums,
        found.organisation.value / officer,
        (found.group.value - found.organisation.value) / officer,
    )
    grid = [0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0]
    assert all(best <= _deviance(sums, a, b) + 1e-6 for a in grid for b in grid)


def _deviance(sums: GroupSums, a: float, b: float) -> float:
    """By the whole covariance matrix of the groups' means."""
    same = sums.organisation[:, None] == sums.organisation[None, :]
    v = a * same + np.diag(b + 1 / sums.n)
    w = np.linalg.inv(v)
    information = w.sum()
    r = sums.means - (w @ sums.means).sum() / information
    squares = sums.within_squares + r @ w @ r
    return float(
        (sums.n.sum() - 1) * np.log(squares)
        + np.linalg.slogdet(v)[1]
        + np.log(sums.n).sum()
        + np.log(information)
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.3, 2.0]), st.sampled_from([0.0, 0.3, 2.0]))
def test_of_several_arms_it_is_the_dense_likelihood(seed: int, a: float, b: float) -> None:
    """Differences of the deviance between two points, by matrices of all officers."""
    rng = np.random.default_rng(seed)
    group = np.sort(np.concatenate([np.arange(9), rng.integers(0, 9, 40)]))
    organisation = np.array([0, 0, 0, 1, 1, 2, 2, 3, 3])
    arm = np.where(rng.random(49) < 0.2, rng.integers(0, 3, 49), group % 3)
    arm[:3] = [0, 1, 2]
    y = rng.normal(0, 1, 49) + rng.normal(0, 1, 9)[group] + arm
    centred = y - np.array([y[arm == each].mean() for each in range(3)])[arm]
    means = np.bincount(group, centred) / np.bincount(group)
    sums = GroupSums(
        organisation,
        np.bincount(group).astype(float),
        means,
        float(((centred - means[group]) ** 2).sum()),
        np.array(
            [[((group == g) & (arm == each)).sum() for each in range(3)] for g in range(9)]
        ).astype(float),
    )
    deviance = _Deviance(sums)
    design = np.eye(3)[arm]

    def dense(a: float, b: float) -> float:
        of = organisation[group]
        v = np.eye(49) + a * (of[:, None] == of) + b * (group[:, None] == group)
        w = np.linalg.inv(v)
        information = design.T @ w @ design
        r = y - design @ np.linalg.solve(information, design.T @ w @ y)
        logs = np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1]
        return float((49 - 3) * np.log(r @ w @ r) + logs)

    assert deviance(a, b) - deviance(0.1, 0.2) == pytest.approx(dense(a, b) - dense(0.1, 0.2))
    step = 1e-6
    slopes = [
        (deviance(a + step, b) - deviance(a, b)) / step,
        (deviance(a, b + step) - deviance(a, b)) / step,
    ]
    assert deviance.gradient(a, b) == pytest.approx(slopes, rel=1e-3, abs=1e-3)
