"""The pooled change of a release: made of printed changes, and of nothing else."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.random_effects import random_effects
from pipeline.publishing.pooled_rows import organisation_change, pooled_change
from pipeline.publishing.release_tables import (
    ORGANISATION_CHANGE,
    POOLED_CHANGE,
    Note,
    NotPooled,
    Row,
)

_AREAS = [("east", 40, -1.2, 4.1), ("north", 85, -0.4, 3.6), ("west", 30, -2.9, 5.0)]


def _printed(organisation: str, n: Any, mean: Any, sd: Any) -> Row:
    return {
        "organisation": organisation,
        "from_wave": "baseline",
        "to_wave": "session_10",
        "instrument": "proqol5",
        "subscale": "burnout",
        "named_beforehand": True,
        "n": n,
        "mean_change": mean,
        "sd_change": sd,
    }


def _rows(*more: Row) -> list[Row]:
    return [*(_printed(*area) for area in _AREAS), *more, _printed("all", 200, -1.0, 4.0)]


def test_the_model_is_of_printed_means_sds_and_counts() -> None:
    (row,) = pooled_change(_rows())
    found = random_effects([-1.2, -0.4, -2.9], [4.1**2 / 40, 3.6**2 / 85, 5.0**2 / 30])
    assert found is not None
    assert row["k"] == 3
    assert row["estimate"] == round(found.estimate, 1)
    assert row["ci_low"] == round(found.confidence().low, 1)
    prediction = found.prediction()
    assert prediction is not None
    assert row["prediction_high"] == round(prediction.high, 1)
    assert row["tau2"] == round(found.tau2, 1)
    assert row["i2"] == round(found.i2, 1)


def test_who_does_not_enter_and_why() -> None:
    confidential = Note.CONFIDENTIAL
    rows = _rows(
        _printed("others", 50, -0.2, 3.0),
        _printed("south", confidential, confidential, confidential),
        _printed("vru", 20, 0.5, 0.0),
    )
    (pooled,) = pooled_change(rows)
    assert (pooled["k"], pooled["k_left_out"]) == (3, 3)
    found = {row["organisation"]: row for row in organisation_change(rows)}
    assert "all" not in found
    said = {name: (row["left_out"], row["weight"]) for name, row in found.items()}
    assert said["others"] == (NotPooled.SEVERAL, Note.NOT_APPLICABLE)
    assert said["south"] == (NotPooled.NOT_PRINTED, confidential)
    assert said["vru"] == (NotPooled.NO_SPREAD, Note.NOT_APPLICABLE)
    assert found["south"]["estimate"] is confidential
    assert said["north"][0] is None


@pytest.mark.parametrize(("k", "printed"), [(1, ()), (2, ("estimate", "ci_low", "tau2", "i2"))])
def test_of_too_few_there_is_less(k: int, printed: tuple[str, ...]) -> None:
    (row,) = pooled_change([_printed(*area) for area in _AREAS[:k]])
    figures = {field.name for field in POOLED_CHANGE.fields if field.is_figure}
    assert {name for name in figures if row[name] is not Note.NOT_AVAILABLE} >= set(printed)
    assert row["prediction_low"] is Note.NOT_AVAILABLE
    assert (row["estimate"] is Note.NOT_AVAILABLE) == (k < 2)


@given(
    st.lists(
        st.tuples(st.integers(2, 60), st.integers(-99, 99), st.integers(1, 99)),
        min_size=2,
        max_size=8,
    )
)
def test_weights_are_coarse_and_add_up(areas: list[tuple[int, int, int]]) -> None:
    rows = [
        _printed(f"force-{i}", 5 * n, mean / 10, sd / 10) for i, (n, mean, sd) in enumerate(areas)
    ]
    weights = [float(str(row["weight"])) for row in organisation_change(rows)]
    assert all(math.isclose(20 * weight, round(20 * weight)) for weight in weights)
    assert sum(weights) == pytest.approx(1, abs=0.026 * len(weights))


def test_what_was_printed_gives_the_same_tables_again() -> None:
    rows = _rows(_printed("others", 50, -0.2, 3.0))
    frame = ORGANISATION_CHANGE.frame(organisation_change(rows))
    assert ORGANISATION_CHANGE.frame(ORGANISATION_CHANGE.rows(frame)).equals(frame)
