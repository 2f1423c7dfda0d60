"""The one rule for labelling a score or a mean."""

import polars as pl
import pytest

from pipeline import reference
from pipeline.scoring.bands import band


def _label(instrument: str, subscale: str, score: float | None) -> str | None:
    whole = reference.instruments()[instrument]
    bands = whole.bands_of(whole.by_subscale[subscale])
    label: str | None = pl.select(band(pl.lit(score, pl.Float64), bands)).item()
    return label


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (10, "low"),
        (22, "low"),
        (22.01, "moderate"),
        (23, "moderate"),
        (41, "moderate"),
        (41.99, "moderate"),
        (42, "high"),
        (50, "high"),
        (None, None),
    ],
)
def test_three_bands(score: float | None, expected: str | None) -> None:
    assert _label("proqol5", "burnout", score) == expected


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (2, "normal"),
        (2.5, "mild"),
        (5.5, "mild"),
        (6, "moderate"),
        (8.9, "moderate"),
        (9, "severe"),
    ],
)
def test_between_two_of_four_bands_the_next_one_must_be_reached(
    score: float, expected: str
) -> None:
    assert _label("phq4", "psychological_distress", score) == expected


@pytest.mark.parametrize(
    ("score", "expected"),
    [(2, "negative_screen"), (2.99, "negative_screen"), (3, "positive_screen")],
)
def test_the_cut_point_of_a_screen_must_be_reached(score: float, expected: str) -> None:
    assert _label("phq4", "anxiety", score) == expected
