"""Logistic regression: closed forms, the score equations, and designs that have no fit."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from pipeline.evaluation.logistic import LogisticFit, NoFit, fit_logistic


def _fit(columns: list[list[float]], outcome: list[float]) -> LogisticFit | NoFit:
    return fit_logistic(csr_array(np.column_stack(columns)), np.array(outcome))


def test_two_groups_give_the_log_odds_ratio_of_their_table() -> None:
    # 3 of 10 against 6 of 8: ln((6/2) / (3/7)), and Woolf's standard error.
    group = [0.0] * 10 + [1.0] * 8
    outcome = [1.0] * 3 + [0.0] * 7 + [1.0] * 6 + [0.0] * 2
    fit = _fit([[1.0] * 18, group], outcome)
    assert isinstance(fit, LogisticFit)
    assert fit.coefficients == pytest.approx([np.log(3 / 7), np.log(3 / (3 / 7))])
    assert fit.standard_errors == pytest.approx(
        [np.sqrt(1 / 3 + 1 / 7), np.sqrt(1 / 3 + 1 / 7 + 1 / 6 + 1 / 2)]
    )
    assert fit.covariance[0, 1] == pytest.approx(-(1 / 3 + 1 / 7))


def test_residuals_are_at_right_angles_to_every_column() -> None:
    random = np.random.default_rng(20261126)
    scores = random.integers(10, 51, (400, 3)).astype(float)
    design = csr_array(np.column_stack([np.ones(400), scores]))
    outcome = (random.random(400) < 1 / (1 + np.exp(3 - 0.1 * scores[:, 0]))).astype(float)
    fit = fit_logistic(design, outcome)
    assert isinstance(fit, LogisticFit)
    fitted = fit.probabilities(design)
    assert design.T @ (outcome - fitted) == pytest.approx(np.zeros(4), abs=1e-6)
    information = (design.toarray().T * (fitted * (1 - fitted))) @ design.toarray()
    assert fit.covariance == pytest.approx(np.linalg.inv(information), rel=1e-5)


def test_what_it_predicts_of_others() -> None:
    fit = _fit([[1.0] * 4, [0.0, 0.0, 1.0, 1.0]], [1.0, 0.0, 0.0, 1.0])
    assert isinstance(fit, LogisticFit)
    predicted = fit.probabilities(csr_array(np.array([[1.0, 0.0], [1.0, 5.0]])))
    assert predicted == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize(
    ("columns", "outcome", "why"),
    [
        ([[1, 1, 1, 1], [1, 2, 3, 4]], [0, 0, 1, 1], NoFit.SEPARATED),
        ([[1, 1, 1, 1], [1, 2, 2, 3]], [0, 0, 1, 1], NoFit.SEPARATED),
        ([[1, 1, 1]], [1, 1, 1], NoFit.SEPARATED),
        ([[1, 1, 1, 1], [0, 0, 0, 0]], [0, 1, 0, 1], NoFit.COLLINEAR),
        ([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1]], [0, 1, 0, 1], NoFit.COLLINEAR),
        ([[1, 1, 1, 1], [3, 4, 5, 6], [6, 8, 10, 12]], [0, 1, 0, 1], NoFit.COLLINEAR),
    ],
    ids=["separated", "quasi", "one_outcome", "empty_column", "groups_add_up", "twice_the_same"],
)
def test_a_design_without_estimates_says_why(
    columns: list[list[float]], outcome: list[float], why: NoFit
) -> None:
    assert _fit(columns, outcome) is why
