"""Logistic regression by maximum likelihood, for a design with many columns that are mostly 0.

What belongs here: the fit, its covariance and what it predicts. What stays out: what the columns
are (`attrition_model.py`).
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.sparse import csr_array, diags_array
from scipy.special import expit

Vector = NDArray[np.float64]

MOST_STEPS: Final = 25
CLOSE_ENOUGH: Final = 1e-9
"""Newton's steps end when no predicted log odds moves by more."""

COLLINEAR: Final = 1e-8
"""A column of which the others leave less than this share is taken for a sum of the others."""

SUM_OF_OTHERS: Final = 1e-7
"""A column of which the columns before it leave less than this share says nothing of its own."""


@dataclass(frozen=True, slots=True)
class LogisticFit:
    """Coefficients in log odds, one a column of the design, and their covariance."""

    coefficients: Vector
    covariance: Vector

    @property
    def standard_errors(self) -> Vector:
        return np.sqrt(np.diag(self.covariance))

    def probabilities(self, design: csr_array) -> Vector:
        """The predicted probability of each row of a design with the same columns."""
        return np.asarray(expit(design @ self.coefficients), dtype=np.float64)


class NoFit(Enum):
    """Why there are no estimates."""

    COLLINEAR = "some columns are a sum of others: no estimates"
    SEPARATED = "columns tell the outcomes apart without error (separation): no estimates"


def fit_logistic(design: csr_array, outcome: Vector) -> LogisticFit | NoFit:
    """The fit of outcomes (0 or 1) on the columns of a design, an intercept being one of them.

    Newton's method from 0, which is iteratively reweighted least squares (P. McCullagh and J. A.
    Nelder 1989, Generalized Linear Models). Under separation (A. Albert and J. A. Anderson 1984,
    Biometrika 71) every step moves some log odds by about 1: steps that do not end show it.
    Sums run in the order of the rows. Standard errors are of independent rows.
    """
    coefficients = np.zeros(design.shape[1])
    for step_number in range(MOST_STEPS):
        fitted = expit(design @ coefficients)
        weights = diags_array(fitted * (1 - fitted))
        information = (design.T @ (weights @ design)).toarray()
        scale = np.sqrt(np.diag(information))
        if not scale.all():
            return NoFit.SEPARATED if step_number else NoFit.COLLINEAR
        try:
            factor = cho_factor(information / np.outer(scale, scale), lower=True)
        except LinAlgError:
            return NoFit.SEPARATED if step_number else NoFit.COLLINEAR
        # The square of a diagonal cell is what the columns before leave of its column.
        if np.diag(factor[0]).min() ** 2 < COLLINEAR:
            return NoFit.SEPARATED if step_number else NoFit.COLLINEAR
        step = cho_solve(factor, (design.T @ (outcome - fitted)) / scale) / scale
        coefficients = coefficients + step
        if np.abs(design @ step).max(initial=0.0) < CLOSE_ENOUGH:
            inverse = cho_solve(factor, np.eye(len(scale)))
            return LogisticFit(coefficients, inverse / np.outer(scale, scale))
    return NoFit.SEPARATED


def independent_columns(design: csr_array) -> NDArray[np.int64]:
    """The columns that are no sum of those before them, as R's glm keeps them."""
    products = (design.T @ design).toarray()
    scale = np.sqrt(np.diag(products))
    scale[scale == 0] = 1.0
    left = products / np.outer(scale, scale)
    kept = []
    for column in range(len(left)):
        pivot = left[column, column]
        if pivot > SUM_OF_OTHERS:
            kept.append(column)
            left = left - np.outer(left[:, column], left[column]) / pivot
    return np.array(kept, dtype=np.int64)
