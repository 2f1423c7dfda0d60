"""Readers of the warehouse are never locked out and never see half of a state."""

import subprocess
import sys
from pathlib import Path

import polars as pl

from pipeline import tables
from pipeline.storage.warehouse import publish

READERS = 20
PUBLISHES = 20
READER = """
import sys
import time
from pathlib import Path
import duckdb

warehouse, end = Path(sys.argv[1]), Path(sys.argv[2])
seen = set()
print("ready", flush=True)
while True:
    last = end.exists()
    # One thread each: twenty readers with all cores each would be a test of the scheduler.
    with duckdb.connect(warehouse, read_only=True, config={"threads": 1}) as connection:
        states = [
            int(connection.execute(sql).fetchone()[0])
            for sql in (
                "SELECT version FROM meta.build",
                "SELECT count(*) FROM core.scores",
                "SELECT max(raw_score) FROM core.scores",
                "SELECT count(*) FROM core.participants",
            )
        ]
    assert len(set(states)) == 1, f"mixed: {states}"
    seen.add(states[0])
    if last:
        break
    # Twenty that never rest would keep the publisher from its turn for minutes.
    time.sleep(0.25)
print(len(seen), max(seen))
"""


def _state(number: int, folder: Path) -> dict[tables.Table, Path]:
    """Every table of a warehouse, as many rows in it as the number says."""
    people = [f"v1-{i:04d}" for i in range(number)]
    rows = {
        tables.BUILD: {
            "fingerprint": ["f"],
            "programme": ["p"],
            "as_of": ["2025-03-01"],
            "models_pending": [False],
            "version": [str(number)],
        },
        tables.SCORES: {
            "response_id": range(number),
            "participant_id": people,
            "organisation": "kent",
            "wave": "baseline",
            "instrument": "phq4",
            "subscale": "anxiety",
            "raw_score": [float(number)] * number,
            "band_system": "x",
        },
        tables.PARTICIPANTS: {
            "participant_id": people,
            "organisation": "kent",
            "home_force": "kent",
            "arm": "programme",
            "enrolment_source": "roster",
            "dropout_stage": "none",
        },
    }
    paths = {}
    for table in tables.TABLES:
        frame = pl.DataFrame(rows[table]) if table in rows else table.empty()
        if "as_of" in frame.columns:
            frame = frame.with_columns(pl.col("as_of").str.to_date())
        paths[table] = folder / f"{table.name}.parquet"
        table.conform(frame).write_parquet(paths[table])
    return paths


def test_twenty_readers_during_twenty_publishes(tmp_path: Path):
    warehouse, end = tmp_path / "warehouse.duckdb", tmp_path / "end"
    publish(warehouse, _state(1, tmp_path))
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(warehouse), str(end)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(READERS)
    ]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    for number in range(2, PUBLISHES + 2):
        publish(warehouse, _state(number, tmp_path))
    end.touch()
    ended = [(*reader.communicate(timeout=120), reader.returncode) for reader in readers]
    assert [error for _, error, code in ended if code or error] == []
    seen = [tuple(map(int, said.split())) for said, _, _ in ended]
    assert {newest for _, newest in seen} == {PUBLISHES + 1}, "the last state reached everybody"
    assert max(states for states, _ in seen) > 1, "somebody read while the state changed"
