"""Responses as `score` takes them, made from lists of answers."""

from collections.abc import Callable, Sequence

import polars as pl
import pytest

Answers = Sequence[int | None]


def _responses(instrument: str, answers: Sequence[Answers], wave: str = "baseline") -> pl.DataFrame:
    ids = [f"{wave}-{number}" for number in range(len(answers))]
    return pl.DataFrame(
        {
            "response_id": range(len(ids)),
            "participant_id": ids,
            "organisation": ["force"] * len(ids),
            "wave": [wave] * len(ids),
            "instrument": [instrument] * len(ids),
            "items": [list(each) for each in answers],
        },
        schema={
            "response_id": pl.Int64,
            "participant_id": pl.String,
            "organisation": pl.String,
            "wave": pl.String,
            "instrument": pl.String,
            "items": pl.List(pl.UInt8),
        },
    )


@pytest.fixture(scope="session")
def responses() -> Callable[..., pl.DataFrame]:
    """Makes a frame of responses from an instrument's name and lists of answers."""
    return _responses
