"""A programme, and frames of officers and scores made from a few readable values."""

import string
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from fractions import Fraction

import numpy as np
import polars as pl
import pytest

from pipeline import tables
from pipeline.programme import Programme, parse_programme

PROGRAMME = """
programme: supervision
title: Trauma-informed reflective supervision
instruments: [proqol5, phq4]
primary:
  instrument: proqol5
  subscale: burnout
  from_wave: baseline
  to_wave: session_10
waves:
  - {wave: baseline, due_after_days: 0}
  - {wave: session_7, due_after_days: 84}
  - {wave: session_10, due_after_days: 126}
"""

WAITED_UNTIL = {"": date(2025, 12, 31), "*": date(2026, 1, 1), "?": None}
"""`missed_after` by what follows a status: over on the first of 2026, not over, not known."""

Place = tuple[str, str, str | None]
Scored = tuple[str, str, str, str, float | Fraction | None]


def _band(instrument: str, score: float | Fraction) -> str:
    """Band of a whole or prorated score, of a screen in the case of PHQ-4."""
    if instrument == "phq4":
        return "positive_screen" if score >= 3 else "negative_screen"
    return "low" if score <= 22 else "high" if score >= 42 else "moderate"


def _participants(places: Mapping[str, Place]) -> pl.DataFrame:
    rows = [
        {
            "participant_id": officer,
            "organisation": organisation,
            "home_force": organisation,
            "session_group": group,
            "arm": arm,
            "enrolment_source": "roster",
            "dropout_stage": "none",
        }
        for officer, (organisation, arm, group) in places.items()
    ]
    return tables.PARTICIPANTS.conform(
        pl.DataFrame(rows) if rows else pl.DataFrame(schema=tables.PARTICIPANTS.frame_schema)
    )


def _scores(rows: Iterable[Scored]) -> pl.DataFrame:
    frame = [
        {
            "response_id": 0,
            "participant_id": officer,
            # Not the enrolling one: a partnership may send an officer's answers.
            "organisation": "sender",
            "wave": wave,
            "instrument": instrument,
            "subscale": subscale,
            "raw_score": None if score is None else float(score),
            "items_answered": 0,
            "prorated": False,
            "band": None if score is None else _band(instrument, score),
            "band_system": "published",
        }
        for officer, wave, instrument, subscale, score in rows
    ]
    return pl.DataFrame(frame, schema=tables.SCORES.frame_schema)


def _ledger(statuses: Mapping[str, Iterable[str]], waves: Iterable[str]) -> pl.DataFrame:
    names = tuple(waves)
    return tables.PARTICIPANT_WAVES.conform(
        pl.DataFrame(
            [
                {
                    "participant_id": officer,
                    "organisation": "sender",
                    "wave": wave,
                    "status": status.rstrip("*?"),
                    "missed_after": WAITED_UNTIL[status.lstrip(string.ascii_lowercase + "_")],
                }
                for officer, of_officer in statuses.items()
                for wave, status in zip(names, of_officer, strict=True)
            ],
            schema=tables.PARTICIPANT_WAVES.frame_schema,
        )
    )


def _naive_clustered(clusters: list[list[float]]) -> tuple[float, float]:
    """Standard error and degrees of freedom of a mean from the textbook's matrices.

    The hat matrix of an intercept is written out, each cluster's adjustment is the symmetric
    inverse square root of its block of I - H, and the degrees of freedom come from the covariance
    of the estimating functions with independence as the working model.
    """
    values = np.array([value for cluster in clusters for value in cluster], dtype=float)
    n = len(values)
    design = np.ones((n, 1))
    bread = np.linalg.inv(design.T @ design)
    residual_maker = np.eye(n) - design @ bread @ design.T
    residuals = residual_maker @ values
    ends = np.cumsum([len(cluster) for cluster in clusters])
    meat = np.zeros((1, 1))
    weights = []
    for size, end in zip([len(cluster) for cluster in clusters], ends, strict=True):
        rows = slice(end - size, end)
        roots, vectors = np.linalg.eigh(residual_maker[rows, rows])
        adjustment = vectors @ np.diag(roots**-0.5) @ vectors.T
        estimating = design[rows].T @ adjustment @ residuals[rows]
        meat += np.outer(estimating, estimating)
        weights.append((residual_maker[rows].T @ adjustment @ design[rows] @ bread)[:, 0])
    variance = (bread @ meat @ bread)[0, 0]
    covariance = np.array([[a @ b for b in weights] for a in weights])
    freedom = np.trace(covariance) ** 2 / np.sum(covariance**2)
    return float(np.sqrt(variance)), min(float(freedom), len(clusters) - 1)


@pytest.fixture(scope="session")
def programme() -> Programme:
    return parse_programme(PROGRAMME)


@pytest.fixture(scope="session")
def participants() -> Callable[[Mapping[str, Place]], pl.DataFrame]:
    """Makes `tables.PARTICIPANTS` from officer -> (organisation, arm, session group)."""
    return _participants


@pytest.fixture(scope="session")
def scores() -> Callable[[Iterable[Scored]], pl.DataFrame]:
    """Makes `tables.SCORES` from (officer, wave, instrument, subscale, score)."""
    return _scores


@pytest.fixture(scope="session")
def ledger(programme: Programme) -> Callable[[Mapping[str, Iterable[str]]], pl.DataFrame]:
    """Makes `tables.PARTICIPANT_WAVES` from officer -> status at each wave.

    On 1 January 2026 windows and days of grace are over, but for `withdrawn*` (any status with an
    asterisk); the dates of `withdrawn?` are not known.
    """
    return lambda statuses: _ledger(statuses, programme.wave_names)


@pytest.fixture(scope="session")
def attended() -> Callable[[pl.DataFrame, Mapping[str, int | None]], pl.DataFrame]:
    """Adds to `tables.PARTICIPANTS` how many sessions each officer attended."""
    return lambda participants, sessions: participants.with_columns(
        pl.col("participant_id")
        .replace_strict(dict(sessions), default=None, return_dtype=pl.Int32)
        .alias("sessions_attended")
    )


@pytest.fixture(scope="session")
def naive_clustered() -> Callable[[list[list[float]]], tuple[float, float]]:
    return _naive_clustered
