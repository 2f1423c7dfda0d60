"""The mixed model against closed forms, a dense likelihood, and answers that allow no fit."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evaluation.mixed_model import AnswerSums, Array, MixedModel, NoFit, fit_mixed_model

Officer = tuple[int, list[float | None]]
"""Arm, and the score at each wave."""


def sums_of(officers: list[Officer], design: str = "means") -> AnswerSums:
    """Sums over officers, with a mean for every arm and wave (or one for every wave)."""
    waves = len(officers[0][1])
    arms = 1 + max(arm for arm, _ in officers) if design == "means" else 1
    classes: dict[tuple[int, tuple[bool, ...]], list[list[float]]] = {}
    for arm, scores in officers:
        seen = tuple(score is not None for score in scores)
        classes.setdefault((arm, seen), []).append([score or 0.0 for score in scores])
    n, means, scatter, designs = [], [], [], []
    for arm, _ in classes:
        of_arm = np.zeros((waves, arms * waves))
        first = arm * waves if design == "means" else 0
        of_arm[:, first : first + waves] = np.eye(waves)
        designs.append(of_arm)
    for members in classes.values():
        values = np.array(members)
        n.append(float(len(values)))
        means.append(values.mean(axis=0))
        away = values - values.mean(axis=0)
        scatter.append(away.T @ away)
    answered = np.array([seen for _, seen in classes])
    return AnswerSums(np.array(n), answered, np.array(means), np.array(scatter), np.array(designs))


def dense_likelihood(officers: list[Officer], sigma: Array) -> tuple[float, Array, Array]:
    """Restricted log-likelihood, coefficients and their covariance from the whole matrices."""
    waves = len(sigma)
    arms = 1 + max(arm for arm, _ in officers)
    rows, design, blocks = [], [], []
    for arm, scores in officers:
        seen = [t for t, score in enumerate(scores) if score is not None]
        rows += [scores[t] for t in seen]
        for t in seen:
            line = np.zeros(arms * waves)
            line[arm * waves + t] = 1.0
            design.append(line)
        blocks.append(sigma[np.ix_(seen, seen)])
    y, x = np.array(rows, dtype=float), np.array(design)
    v = np.zeros((len(y), len(y)))
    at = 0
    for block in blocks:
        v[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    inverse = np.linalg.inv(v)
    covariance = np.linalg.inv(x.T @ inverse @ x)
    beta = covariance @ x.T @ inverse @ y
    r = y - x @ beta
    minus_twice = (
        (len(y) - x.shape[1]) * np.log(2 * np.pi)
        + np.linalg.slogdet(v)[1]
        + r @ inverse @ r
        - np.linalg.slogdet(covariance)[1]
    )
    return float(-minus_twice / 2), beta, covariance


def drawn(seed: int, officers: int, *, waves: int = 3, arms: int = 1) -> list[Officer]:
    rng = np.random.default_rng(seed)
    root = np.tril(rng.normal(size=(waves, waves))) + 2 * np.eye(waves)
    made: list[Officer] = []
    for place in range(officers):
        scores = 25 + root @ rng.normal(size=waves)
        gone = rng.random(waves) < 0.3
        if gone.all():
            gone[0] = False
        kept = [None if g else float(s) for s, g in zip(scores, gone, strict=True)]
        made.append((place % arms, kept))
    return made


def test_complete_answers_give_sample_means_and_covariance() -> None:
    rng = np.random.default_rng(20261126)
    scores = rng.normal(25, 5, (40, 4)) @ np.triu(np.full((4, 4), 0.5))
    fit = fit_mixed_model(sums_of([(0, row) for row in scores.tolist()]))
    assert isinstance(fit, MixedModel)
    sample = np.cov(scores.T)
    assert fit.coefficients == pytest.approx(scores.mean(axis=0))
    assert fit.between_waves == pytest.approx(sample, rel=1e-6)
    assert fit.covariance == pytest.approx(sample / 40, rel=1e-6)


def test_two_waves_of_which_the_second_was_left_follow_the_regression() -> None:
    """T. W. Anderson (1957): the later mean is the completers', moved along their regression."""
    officers: list[Officer] = [(0, [20.0 + i, 18.0 + i * 0.5 + (-1) ** i]) for i in range(12)]
    leavers: list[Officer] = [(0, [40.0 + i, None]) for i in range(5)]
    fit = fit_mixed_model(sums_of([*officers, *leavers]))
    assert isinstance(fit, MixedModel)
    first = np.array([scores[0] for _, scores in officers], dtype=float)
    later = np.array([scores[1] for _, scores in officers], dtype=float)
    slope = np.cov(first, later)[0, 1] / np.var(first, ddof=1)
    everybody = np.mean([*first, *(40.0 + i for i in range(5))])
    assert fit.coefficients[0] == pytest.approx(everybody)
    # By maximum likelihood exactly so; REML's slope divides by one less.
    assert fit.coefficients[1] == pytest.approx(
        later.mean() + slope * (everybody - first.mean()), rel=0.01
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(14, 40), st.integers(1, 2))
def test_it_is_the_maximum_of_the_dense_likelihood(seed: int, officers: int, arms: int) -> None:
    answers = drawn(seed, officers, arms=arms)
    fit = fit_mixed_model(sums_of(answers))
    if isinstance(fit, NoFit):
        return
    value, beta, covariance = dense_likelihood(answers, fit.between_waves)
    assert fit.log_likelihood == pytest.approx(value, abs=1e-6)
    assert fit.coefficients == pytest.approx(beta, rel=1e-6)
    assert fit.covariance == pytest.approx(covariance, rel=1e-5)
    rng = np.random.default_rng(seed)
    for size in (0.001, 0.01, 0.1):
        lower = np.linalg.cholesky(fit.between_waves)
        moved = lower @ (np.eye(len(lower)) + size * np.tril(rng.normal(size=lower.shape)))
        assert dense_likelihood(answers, moved @ moved.T)[0] < value + 1e-9


def test_most_draws_have_a_fit() -> None:
    fits = [fit_mixed_model(sums_of(drawn(seed, 20))) for seed in range(50)]
    assert sum(isinstance(fit, MixedModel) for fit in fits) >= 48


def test_the_unit_of_the_scores_does_not_matter() -> None:
    answers = drawn(3, 30)
    larger = [(arm, [None if s is None else 1000 * s for s in scores]) for arm, scores in answers]
    one, other = fit_mixed_model(sums_of(answers)), fit_mixed_model(sums_of(larger))
    assert isinstance(one, MixedModel)
    assert isinstance(other, MixedModel)
    assert other.coefficients == pytest.approx(1000 * one.coefficients, rel=1e-6)
    assert other.covariance == pytest.approx(1e6 * one.covariance, rel=1e-5)


def _constant() -> list[Officer]:
    return [(0, [20.0, float(i)]) for i in range(10)]


def _in_step() -> list[Officer]:
    return [(0, [float(i), float(i) + 2.0]) for i in range(10)]


def _too_few() -> list[Officer]:
    return drawn(1, 3, waves=4)


@pytest.mark.parametrize("officers", [_constant(), _in_step(), _too_few()])
def test_answers_that_leave_nothing_to_vary_have_no_fit(officers: list[Officer]) -> None:
    assert fit_mixed_model(sums_of(officers)) is NoFit.SINGULAR


def test_two_waves_that_nobody_answered_both_of_have_no_clear_maximum() -> None:
    rng = np.random.default_rng(1)
    officers: list[Officer] = [
        (0, [float(a), None] if i % 2 else [None, float(a)])
        for i, a in enumerate(rng.normal(25, 5, 30))
    ]
    assert fit_mixed_model(sums_of(officers)) in {NoFit.NOT_CONVERGED, NoFit.SINGULAR}


def test_a_design_whose_columns_add_up_has_no_fit() -> None:
    sums = sums_of(drawn(2, 30))
    twice = np.concatenate([sums.design, sums.design], axis=2)
    fit = fit_mixed_model(AnswerSums(sums.n, sums.answered, sums.means, sums.scatter, twice))
    assert fit is NoFit.COLLINEAR
    empty = np.concatenate([sums.design, np.zeros_like(sums.design)], axis=2)
    fit = fit_mixed_model(AnswerSums(sums.n, sums.answered, sums.means, sums.scatter, empty))
    assert fit is NoFit.COLLINEAR


def test_classes_in_another_order_give_the_same_fit() -> None:
    sums = sums_of(drawn(5, 40, arms=2))
    one = fit_mixed_model(sums)
    assert isinstance(one, MixedModel)
    for order in itertools.islice(itertools.permutations(range(len(sums.n))), 100, 103):
        places = list(order)
        other = fit_mixed_model(
            AnswerSums(
                sums.n[places],
                sums.answered[places],
                sums.means[places],
                sums.scatter[places],
                sums.design[places],
            )
        )
        assert isinstance(other, MixedModel)
        assert other.coefficients == pytest.approx(one.coefficients, rel=1e-7)
