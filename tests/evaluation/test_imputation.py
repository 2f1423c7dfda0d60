"""Multiple imputation: closed forms, R's own way to the figures, and what cannot be imputed."""

import json
import math
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from panel_officers import AS_OF, SUBSCALES, WAVES, Frames, Officer, drawn, frames, read
from scipy import stats

from pipeline.evaluation import imputation as module
from pipeline.evaluation.followed import Followed, followed
from pipeline.evaluation.imputation import (
    FEWEST_ANSWERS,
    NOTE_NO_SPREAD,
    NOTE_NOT_COMPUTABLE,
    NOTE_NOT_DECIDED,
    NOTE_OWN_SUBSCALE,
    NOTE_TOO_FEW_OFFICERS,
    NOTE_TOO_FEW_SCORES,
    ImputedChange,
    completed,
    imputed_changes,
)

NaiveClustered = Callable[[list[list[float]]], tuple[float, float]]
REFERENCE = Path(__file__).parent / "reference"
SEED = [2026, 11, 26]
LAST, BURNOUT = len(WAVES) - 1, SUBSCALES.index("burnout")
FEW_DRAWS = {"burn_in": 10, "between": 3}


def _followed(made: Frames) -> Followed:
    return followed(
        made.scores,
        made.participants,
        made.participant_waves,
        made.programme,
        instrument="proqol5",
        as_of=AS_OF,
    )


def _wave_of(base: Followed) -> Any:
    return np.repeat(np.arange(len(base.waves)), len(base.subscales))


def test_two_waves_give_the_likelihood_estimate_of_a_later_mean_and_its_variance() -> None:
    """Monotone normal data, where the likelihood factorises (R. J. A. Little and D. B. Rubin).

    With x seen of all n and y of r: mean(y) + b (mean of all x - mean of x with y). The variance of
    the imputed means around it is that of the regression's line at the n - r others plus their
    noise: s^2 (n - r)^2 / n^2 (1/r + a + 1/(n - r)) with a the squared distance between the means
    of x with and without y over the sum of squares of x with y.
    Tolerances are 4 Monte Carlo standard errors of 3,000 draws.
    """
    rng = np.random.default_rng(1)
    n, draws = 300, 3_000
    x = rng.normal(25, 7, n)
    y = 5 + 0.7 * x + rng.normal(0, 4, n)
    gone = rng.random(n) < 1 / (1 + np.exp(-(x - 27) / 4))
    seen = ~gone
    values = np.column_stack([x, np.where(gone, np.nan, y)])
    single = np.zeros(n, dtype=np.int64)
    means = [
        float(whole[:, 1].mean())
        for whole in completed(
            values, np.array([0, 1]), single, np.random.default_rng(2), imputations=draws, between=1
        )
    ]
    line = np.polynomial.Polynomial.fit(x[seen], y[seen], 1)
    expected = (y[seen].sum() + line(x[gone]).sum()) / n
    r = int(seen.sum())
    residual = np.sum((y[seen] - line(x[seen])) ** 2) / (r - 2)
    apart = (x[gone].mean() - x[seen].mean()) ** 2 / np.sum((x[seen] - x[seen].mean()) ** 2)
    variance = residual * ((n - r) / n) ** 2 * (1 / r + apart + 1 / (n - r))
    sd = math.sqrt(variance)
    assert statistics.fmean(means) == pytest.approx(expected, abs=4 * sd / math.sqrt(draws))
    assert statistics.stdev(means) == pytest.approx(sd, rel=4 / math.sqrt(2 * draws))
    # Complete cases are far off in the same data.
    assert abs(y[seen].mean() - expected) > 5 * sd


def test_all_waves_and_subscales_agree_with_em_and_bootstrap_in_r() -> None:
    """Against the likelihood estimate, and the spread of R's bootstrapped draws.

    The tolerance of a mean is 4 of its Monte Carlo standard errors, autocorrelation allowed for by
    batches of twenty; the spread is between R's, from 300 bootstraps, give or take 25%.
    """
    expected = json.loads((REFERENCE / "robustness.json").read_text("utf-8"))["imputation"]
    base = _followed(frames(read(REFERENCE / "robustness.csv")))
    values = base.points.reshape(base.n, -1)
    single = np.zeros(base.n, dtype=np.int64)
    chain = completed(
        values, _wave_of(base), single, np.random.default_rng(3), imputations=400, between=3
    )
    changes = []
    for whole in chain:
        cube = whole.reshape(base.units.shape)
        changes.append((cube[:, 1:] - cube[:, :1]).mean(axis=0).T.ravel())
    found = np.array(changes)
    batches = found.reshape(20, 20, -1).mean(axis=1)
    error = batches.std(axis=0, ddof=1) / math.sqrt(20)
    order = [f"{wave} {subscale}" for subscale in SUBSCALES for wave in WAVES[1:]]
    assert order == expected["order"]
    assert (np.abs(found.mean(axis=0) - expected["likelihood_change"]) < 4 * error).all()
    ratio = found.std(axis=0) / expected["between_sd"]
    assert ((ratio > 0.75) & (ratio < 1.25)).all()


def test_nothing_that_was_answered_is_changed() -> None:
    base = _followed(frames(drawn([40, 50], 4, blank=0.1)))
    values = base.points.reshape(base.n, -1)
    seen = ~np.isnan(values)
    *_, whole = completed(
        values, _wave_of(base), base.organisation - 1, np.random.default_rng(1), **FEW_DRAWS
    )
    assert whole[seen] == pytest.approx(values[seen])
    assert np.isfinite(whole).all()


def test_an_organisation_is_imputed_at_its_own_mean() -> None:
    """An organisation whose own officers answered low later is not imputed at the national mean."""
    rng = np.random.default_rng(8)
    n, j = 900, 15
    organisation = np.repeat(np.arange(j), n // j)
    shift = rng.normal(0, 6, j)
    x = rng.normal(25, 4, n)
    y = x + shift[organisation] + rng.normal(0, 2, n)
    gone = (np.arange(n) % 2 == 0) & (organisation > 0)
    values = np.column_stack([x, np.where(gone, np.nan, y)])
    whole = np.mean(
        [
            w.copy()
            for w in completed(values, np.array([0, 1]), organisation, np.random.default_rng(2))
        ],
        axis=0,
    )
    for place in range(j):
        own = organisation == place
        seen = (whole - values)[own & ~gone]
        assert seen == pytest.approx(np.zeros_like(seen), abs=1e-9)
        change = (whole[own & gone, 1] - x[own & gone]).mean() if place else shift[0]
        assert change == pytest.approx(shift[place], abs=1.6)


def test_an_arm_is_imputed_at_its_own_mean() -> None:
    """Half of a small arm is gone, and what is drawn for it is not the change of the large one."""
    rng = np.random.default_rng(9)
    group = np.repeat(np.arange(10), [80] * 5 + [20] * 5)
    arm_of = np.repeat([0, 1], 5)
    x = rng.normal(25, 4, len(group))
    y = x - 6.0 * arm_of[group] + rng.normal(0, 0.5, 10)[group] + rng.normal(0, 2, len(group))
    gone = (arm_of[group] == 1) & (np.arange(len(group)) % 2 == 0)
    chain = completed(
        np.column_stack([x, np.where(gone, np.nan, y)]),
        np.array([0, 1]),
        group,
        np.random.default_rng(2),
        arm_of=arm_of,
    )
    assert np.mean([(w[gone, 1] - x[gone]).mean() for w in chain]) == pytest.approx(-6, abs=0.8)


def test_arms_of_one_organisation_have_no_level_above_them() -> None:
    two = [
        replace(o, arm="waiting_list" if i % 2 else "programme", session_group=None)
        for i, o in enumerate(drawn([240], 6, leaving=0.2))
    ]
    found = imputed_changes(_followed(frames(two)), SEED, imputations=3, **FEW_DRAWS)
    assert isinstance(found[LAST, BURNOUT], ImputedChange)


def _naive(change: ImputedChange, naive: NaiveClustered, data: list[Any]) -> tuple[float, float]:
    """Estimate and standard error, from each completed data set's changes by cluster."""
    results = []
    for sets in data:
        error, _ = naive(sets)
        results.append((statistics.fmean(x for cluster in sets for x in cluster), error**2))
    m = len(results)
    estimate = statistics.fmean(e for e, _ in results)
    between = statistics.variance([e for e, _ in results])
    return estimate, math.sqrt(statistics.fmean(v for _, v in results) + (1 + 1 / m) * between)


@pytest.mark.parametrize("shift", [0.0, -3.5, 2.0])
def test_sums_over_clusters_say_the_same_as_the_completed_data(
    naive_clustered: NaiveClustered, shift: float
) -> None:
    base = _followed(frames(drawn([25, 35, 40, 30], 6, leaving=0.25)))
    found = imputed_changes(base, SEED, imputations=5, **FEW_DRAWS)[LAST, BURNOUT]
    assert isinstance(found, ImputedChange)
    chain = completed(
        base.points.reshape(base.n, -1),
        _wave_of(base),
        np.unique(base.organisation, return_inverse=True)[1],
        np.random.default_rng(SEED),
        imputations=5,
        **FEW_DRAWS,
    )
    absent = ~base.answered[:, LAST]
    data = []
    for whole in chain:
        cube = whole.reshape(base.units.shape)
        change = cube[:, LAST, BURNOUT] - cube[:, 0, BURNOUT] + shift * absent
        data.append([change[base.organisation == o].tolist() for o in np.unique(base.organisation)])
    estimate, error = _naive(found, naive_clustered, data)
    combined = found.combined(shift)
    assert combined.estimate == pytest.approx(estimate, abs=1e-9)
    assert combined.interval.standard_error == pytest.approx(error, rel=1e-9)
    assert found.n == base.n
    assert found.n_imputed == int(np.isnan(base.units[:, LAST, BURNOUT]).sum())


def test_without_clusters_the_interval_within_is_students() -> None:
    base = _followed(
        frames([replace(o, session_group=None) for o in drawn([200], 6, leaving=0.25)])
    )
    found = imputed_changes(base, SEED, imputations=5, **FEW_DRAWS)[LAST, BURNOUT]
    assert isinstance(found, ImputedChange)
    assert found.clusters.number is None
    chain = completed(
        base.points.reshape(base.n, -1),
        _wave_of(base),
        np.zeros(base.n, dtype=np.int64),
        np.random.default_rng(SEED),
        imputations=5,
        **FEW_DRAWS,
    )
    absent = ~base.answered[:, LAST]
    cubes = [whole.reshape(base.units.shape).copy() for whole in chain]
    moved = [c[:, LAST, BURNOUT] - c[:, 0, BURNOUT] + 2.0 * absent for c in cubes]
    within = statistics.fmean(float(stats.sem(change)) ** 2 for change in moved)
    between = statistics.variance([float(change.mean()) for change in moved])
    combined = found.combined(2.0)
    assert combined.interval.standard_error**2 == pytest.approx(within + 1.2 * between)


def test_the_same_seed_gives_the_same_figures_in_whatever_order_rows_come() -> None:
    made = frames(drawn([30, 40], 6, leaving=0.25))
    first = imputed_changes(_followed(made), SEED, imputations=3, **FEW_DRAWS)
    again = imputed_changes(_followed(made.shuffled(2)), SEED, imputations=3, **FEW_DRAWS)
    other = imputed_changes(_followed(made), [1], imputations=3, **FEW_DRAWS)
    for key, change in first.items():
        assert isinstance(change, ImputedChange)
        assert change.combined() == again[key].combined()  # type: ignore[union-attr]
        assert change.combined() != other[key].combined()  # type: ignore[union-attr]


def test_nothing_missing_gives_the_complete_data_figures() -> None:
    base = _followed(frames(drawn([20, 30, 40], 6, leaving=0.0, blank=0.0)))
    whole = base.only(base.answered.all(axis=1))
    found = imputed_changes(whole, SEED, imputations=3, **FEW_DRAWS)[LAST, BURNOUT]
    assert isinstance(found, ImputedChange)
    change = whole.points[:, LAST, BURNOUT] - whole.points[:, 0, BURNOUT]
    combined = found.combined()
    assert combined.estimate == pytest.approx(change.mean())
    assert combined.share_missing == pytest.approx(0, abs=1e-12)
    assert found.n_imputed == 0


def test_too_few_scores_at_a_wave() -> None:
    few = [
        Officer([*o.answers[:3], o.answers[3] if i < FEWEST_ANSWERS - 1 else None])
        for i, o in enumerate(drawn([200], 6, leaving=0.0, blank=0.0))
    ]
    found = imputed_changes(_followed(frames(few)), SEED, imputations=2, **FEW_DRAWS)
    assert [found[LAST, s] for s in range(3)] == [NOTE_TOO_FEW_SCORES] * 3
    assert isinstance(found[1, 0], ImputedChange)


def test_a_wave_at_which_everybody_answered_the_same() -> None:
    same = [
        Officer([*o.answers[:3], o.answers[3] and (30.0, 20.0, o.answers[3][2])])
        for o in drawn([200], 6)
    ]
    found = imputed_changes(_followed(frames(same)), SEED, imputations=2, **FEW_DRAWS)
    assert found[LAST, 0] == found[LAST, 1] == NOTE_NO_SPREAD
    assert isinstance(found[LAST, 2], ImputedChange)


def test_subscales_that_follow_from_one_another_are_no_obstacle() -> None:
    mirrored = [
        Officer(
            [a and ((60 - a[1], a[1], a[1]) if a[1] is not None else None) for a in o.answers],
            o.organisation,
        )
        for o in drawn([70, 80], 6, leaving=0.2)
    ]
    found = imputed_changes(_followed(frames(mirrored)), SEED, imputations=4, **FEW_DRAWS)
    one, other = found[LAST, 0], found[LAST, 1]
    assert isinstance(one, ImputedChange)
    assert isinstance(other, ImputedChange)
    assert one.combined().estimate == pytest.approx(-other.combined().estimate, abs=0.05)


def test_few_officers_are_imputed_from_the_subscale_alone_and_fewer_not_at_all() -> None:
    base = _followed(frames(drawn([70], 6, leaving=0.05)))
    found = imputed_changes(base, SEED, imputations=2, **FEW_DRAWS)[1, BURNOUT]
    assert isinstance(found, ImputedChange)
    assert NOTE_OWN_SUBSCALE in found.notes
    fewer = _followed(frames(drawn([35], 6, leaving=0.05)))
    found = imputed_changes(fewer, SEED, imputations=2, **FEW_DRAWS)
    assert set(found.values()) == {NOTE_TOO_FEW_OFFICERS}


def test_covariances_that_cannot_be_inverted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise np.linalg.LinAlgError
        yield

    monkeypatch.setattr(module, "completed", fails)
    found = imputed_changes(_followed(frames(drawn([150], 6))), SEED)
    assert set(found.values()) == {NOTE_NOT_COMPUTABLE}


def test_a_wave_that_is_over_for_nobody() -> None:
    made = [
        replace(o, statuses=["completed", "missed", "missed", "open"])
        for o in drawn([150], 6, leaving=0.0)
    ]
    found = imputed_changes(_followed(frames(made)), SEED, imputations=2, **FEW_DRAWS)
    assert found[LAST, BURNOUT] == NOTE_NOT_DECIDED
