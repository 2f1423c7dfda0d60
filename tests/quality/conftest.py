"""What tests of quality share: a small programme, and pseudonymised rows made by hand."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import canonical_rows
import polars as pl
import pytest

from pipeline import reference
from pipeline.programme import Programme, parse_programme
from pipeline.reference import Instrument
from pipeline.submissions import Record

RECEIVED = date(2026, 6, 30)


@pytest.fixture(scope="session")
def programme() -> Programme:
    text = reference.example_programme().replace("[proqol5]", "[proqol5, pss10, phq4]")
    return parse_programme(text)


@pytest.fixture(scope="session")
def phq4() -> Instrument:
    return reference.instruments()["phq4"]


@pytest.fixture
def answered() -> Callable[..., pl.DataFrame]:
    """Pseudonymised PHQ-4 rows as judging takes them; each dict says what is not ordinary."""

    def rows(*given: dict[str, Any]) -> pl.DataFrame:
        made = []
        for place, said in enumerate(given):
            items = said.get("items", (0, 1, 2, 3))
            made.append(
                {
                    "row_number": said.get("row_number", place + 2),
                    "participant_id": said.get("participant_id", "v1-a"),
                    "home_force": "cumbria",
                    "is_test": said.get("is_test", False),
                    "unrecognised": said.get("unrecognised", []),
                    "completed_on": said.get("completed_on"),
                    "duration_seconds": said.get("duration_seconds"),
                    "wave": said.get("wave", "baseline"),
                    "instrument": "phq4",
                    **{f"item_{number}": item for number, item in enumerate(items, start=1)},
                }
            )
        return pl.DataFrame(made, schema=canonical_rows.TYPES)

    return rows


@pytest.fixture
def record() -> Callable[..., Record]:
    """A record of a readable questionnaire submission, ten rows read and sound, unless said."""

    def make(submission_id: str, **said: Any) -> Record:
        ordinary: dict[str, Any] = {
            "submission_id": submission_id,
            "organisation": "cumbria",
            "source": "phq",
            "kind": "questionnaire",
            "delivery": "cumulative",
            "file_name": "***.csv",
            "sha256": submission_id,
            "received_at": datetime(2026, 6, 30, 9, 30, tzinfo=UTC),
            "modified_at": datetime(2026, 6, 29, tzinfo=UTC),
            "fingerprint": "f",
            "rows_in_file": 10,
            "rows_blank": 0,
            "rows_read": 10,
            "rows_accepted": 10,
            "rows_quarantined": 0,
            "rows_withdrawn": 0,
        }
        return Record.model_validate({**ordinary, **said})

    return make
