"""Simulated records, submissions and tables to store."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline import tables
from pipeline.intake import ACCEPTED, TakenIn
from pipeline.quality.judgement import FINDINGS
from pipeline.quality.profile import PROFILE
from pipeline.storage.lake import Lake
from pipeline.storage.objects import LocalObjects
from pipeline.submissions import Record
from pipeline.tables import Table, Type
from pipeline.vocabulary import Delivery, Kind

DAY = datetime(2025, 3, 1, 9, 30, tzinfo=UTC)


def _record(submission_id: str, **changes: Any) -> Record:
    return Record(
        **{
            "submission_id": submission_id,
            "organisation": "simulated-force-01",
            "source": "roster",
            "kind": Kind.ROSTER,
            "delivery": Delivery.CUMULATIVE,
            "file_name": "roster.csv",
            "sha256": "0" * 64,
            "received_at": DAY,
            "modified_at": DAY,
            "fingerprint": "0",
            **changes,
        }
    )


def _taken_in(*participants: str) -> TakenIn:
    """Roster rows of the given pseudonyms."""
    accepted = pl.DataFrame(
        {
            "row_number": list(range(2, 2 + len(participants))),
            "organisation": ["simulated-force-01"] * len(participants),
            "participant_id": list(participants),
        },
        schema_overrides={"row_number": pl.Int32},
    )
    empty = ACCEPTED[Kind.ROSTER].to_frame()
    return TakenIn(
        rows_in_file=len(participants),
        rows_blank=0,
        rows_read=len(participants),
        rows_withdrawn=0,
        columns_left_out=(),
        columns_unknown=0,
        accepted=pl.concat([empty, accepted], how="diagonal"),
        findings=FINDINGS.to_frame(),
        profile=PROFILE.to_frame(),
    )


@pytest.fixture(scope="session")
def record() -> Callable[..., Record]:
    return _record


@pytest.fixture(scope="session")
def taken_in() -> Callable[..., TakenIn]:
    return _taken_in


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(LocalObjects(tmp_path / "lake"))


def _cell(column: str, kind: Type, row: int) -> object:
    return {
        Type.TEXT: f"{column} {row} o'clock",
        Type.WHOLE: row,
        Type.KEY: 2**62 + row,
        Type.NUMBER: row + 0.1,
        Type.TRUTH: row % 2 == 0,
        Type.DAY: date(2025, 1, 1 + row),
        Type.MOMENT: datetime(2025, 1, 1 + row, 12),
        Type.ANSWERS: [1, None, row],
        Type.TEXTS: [f"{column} {row}"],
        Type.WHOLES: [row, None, -row],
        Type.ANSWER: row,
    }[kind]


def _sample(table: Table, rows: int = 3) -> pl.DataFrame:
    """Rows of any table, the last one with NULL wherever the table allows it."""
    made = [
        {
            column.name: None
            if column.nullable and row == rows - 1
            else _cell(column.name, column.type, row)
            for column in table.columns
        }
        for row in range(rows)
    ]
    return pl.DataFrame(made, schema=table.frame_schema)


@pytest.fixture(scope="session")
def sample() -> Callable[..., pl.DataFrame]:
    return _sample


@pytest.fixture
def parquet(tmp_path: Path) -> Callable[..., dict[Table, Path]]:
    """Writes a Parquet file for each table of the warehouse, as the last stage hands them over."""

    def written(rows: int = 3) -> dict[Table, Path]:
        folder = tmp_path / "stages"
        folder.mkdir(exist_ok=True)
        paths = {}
        for table in tables.TABLES:
            paths[table] = folder / f"{table.qualified_name}.parquet"
            _sample(table, rows).write_parquet(paths[table])
        return paths

    return written
