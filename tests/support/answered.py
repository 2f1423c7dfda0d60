"""Responses with their items from a few readable values, as the stage of answers reads them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline import reference
from pipeline.evaluation.answers import InstrumentAnswers, answers_by_instrument
from pipeline.programme import Programme
from pipeline.reference import Instrument

Items = Sequence[int | None]


@dataclass(frozen=True)
class Answered:
    """One response; every one is another officer's."""

    organisation: str
    items: Items
    wave: str = "baseline"
    instrument: str = "proqol5"
    flags: tuple[str, ...] = ()
    seconds: int | None = None


def responses(given: Iterable[Answered]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of responses, and where their officers enrolled."""
    rows = [
        {
            "response_id": i,
            "participant_id": f"p{i}",
            "organisation": "sender",
            "wave": each.wave,
            "instrument": each.instrument,
            "items": list(each.items),
            "flags": list(each.flags),
            "duration_seconds": each.seconds,
            "where": each.organisation,
        }
        for i, each in enumerate(given)
    ]
    schema = {
        "response_id": pl.Int64,
        "participant_id": pl.String,
        "organisation": pl.String,
        "wave": pl.String,
        "instrument": pl.String,
        "items": pl.List(pl.UInt8),
        "flags": pl.List(pl.String),
        "duration_seconds": pl.Int32,
        "where": pl.String,
    }
    frame = pl.DataFrame(rows, schema=schema)
    return frame.drop("where"), frame.select("participant_id", organisation="where")


def answers(given: Iterable[Answered], programme: Programme) -> list[InstrumentAnswers]:
    return list(answers_by_instrument(*responses(given), programme))


def alike(
    rng: np.random.Generator,
    officers: int,
    instrument: str = "proqol5",
    level: float = 0.0,
    noise: float = 0.8,
) -> list[list[int]]:
    """Answers of officers whose items agree with each other, as ticked; `level` in trait SDs."""
    key: Instrument = reference.instruments()[instrument]
    span = key.maximum - key.minimum
    trait = rng.normal(level, 1, size=officers)
    own = rng.normal(0, noise, size=(officers, key.items))
    keyed = np.rint(key.minimum + span / 2 + 0.75 * trait[:, None] + own)
    keyed = np.clip(keyed, key.minimum, key.maximum).astype(int)
    turned = [item - 1 for item in key.reversed]
    keyed[:, turned] = key.minimum + key.maximum - keyed[:, turned]
    return [[int(answer) for answer in row] for row in keyed]
