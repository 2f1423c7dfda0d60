"""Canonical rows of a questionnaire of four items, as reading hands them on once pseudonymised."""

from typing import Any

import polars as pl

TYPES: dict[str, Any] = {
    "row_number": pl.Int32,
    "participant_id": pl.String,
    "home_force": pl.String,
    "is_test": pl.Boolean,
    "unrecognised": pl.List(pl.String),
    "completed_on": pl.Date,
    "duration_seconds": pl.Int32,
    "wave": pl.String,
    "instrument": pl.String,
    **{f"item_{number}": pl.Int16 for number in range(1, 5)},
}
