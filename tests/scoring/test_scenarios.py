"""Scenarios that a psychologist can read: answers in one CSV, the scores they must get in another.

`NN_situation.responses.csv` has one row a response, `NN_situation.scores.csv` one row a subscale.
"""

import csv
from pathlib import Path

import polars as pl
import pytest

from pipeline import reference
from pipeline.scoring.scores import score

SCENARIOS = Path(__file__).parents[1] / "scenarios/scoring"
NAMES = sorted(path.name.removesuffix(".responses.csv") for path in SCENARIOS.glob("*.responses.*"))


def _rows(name: str) -> list[dict[str, str]]:
    with (SCENARIOS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_scenario_is_found_with_its_answer() -> None:
    assert len(NAMES) == 9
    assert {path.name for path in SCENARIOS.iterdir()} == {
        f"{name}.{part}.csv" for name in NAMES for part in ("responses", "scores")
    }


@pytest.mark.parametrize("name", NAMES)
def test_scenario(name: str) -> None:
    rows = _rows(f"{name}.responses.csv")
    expected = _rows(f"{name}.scores.csv")
    instrument = reference.instruments()[rows[0]["instrument"]]
    responses = pl.DataFrame(
        {
            "response_id": range(len(rows)),
            "participant_id": [row["response_id"] for row in rows],
            "organisation": "force",
            "wave": "baseline",
            "instrument": [row["instrument"] for row in rows],
            "items": pl.Series(
                [
                    [
                        int(answer) if (answer := row[f"item_{number}"]) else None
                        for number in range(1, instrument.items + 1)
                    ]
                    for row in rows
                ],
                dtype=pl.List(pl.UInt8),
            ),
        }
    )
    found = {
        (row["participant_id"], row["subscale"]): row
        for row in score(responses, instrument, prorate=rows[0]["prorate"] == "yes").to_dicts()
    }
    assert len(found) == len(expected) == len(rows) * len(instrument.subscales)
    for row in expected:
        got = found[row["response_id"], row["subscale"]]
        raw_score = float(row["raw_score"]) if row["raw_score"] else None
        assert got["raw_score"] == (raw_score if raw_score is None else pytest.approx(raw_score))
        assert got["band"] == (row["band"] or None)
        assert got["items_answered"] == int(row["items_answered"])
        assert got["prorated"] is (row["prorated"] == "yes")
        assert got["band_system"] == instrument.band_system
