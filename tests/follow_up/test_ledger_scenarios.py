"""The ledger against CSV scenarios that a domain expert can read (tests/scenarios/ledger)."""

import csv
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipeline import tables
from pipeline.follow_up import (
    ATTENDANCE_SCHEMA,
    DEPARTURES_SCHEMA,
    RESPONSES_SCHEMA,
    ROSTER_SCHEMA,
    Ledger,
    build_ledger,
)
from pipeline.programme import load_programme

SCENARIOS = Path(__file__).parents[1] / "scenarios" / "ledger"
FOLDERS = sorted(folder for folder in SCENARIOS.iterdir() if folder.is_dir())
EXPECTED = {
    "expected_waves": "participant_waves",
    "expected_people": "participants",
    "expected_memberships": "memberships",
    "expected_attendance": "attendance",
}
SPELLINGS = {"officer": "participant_id", "submission": "submission_id"}


def rows_of(file: Path) -> list[dict[str, str | None]]:
    if not file.exists():
        return []
    with file.open(newline="") as lines:
        return [
            {SPELLINGS.get(name, name): cell or None for name, cell in row.items()}
            for row in csv.DictReader(lines)
        ]


def frame_of(rows: list[dict[str, str | None]], schema: pl.Schema) -> pl.DataFrame:
    text = {name: [row.get(name) for row in rows] for name in schema}
    columns = []
    for name, dtype in schema.items():
        column = pl.Series(name, text[name], pl.String)
        if dtype == pl.Boolean:
            column = column.replace_strict({"yes": True, "no": False}, return_dtype=pl.Boolean)
        elif dtype == pl.Date:
            column = column.str.to_date("%Y-%m-%d")
        columns.append(column.cast(dtype))
    return pl.DataFrame(columns)


def rows_in(folder: Path, kind: str, **defaults: str) -> list[dict[str, str | None]]:
    return [
        {
            "submission_id": "one",
            "home_force": row["organisation"],
            **defaults,
            **row,
            "row_number": str(number),
        }
        for number, row in enumerate(rows_of(folder / f"{kind}.csv"), start=2)
    ]


def ledger_of(folder: Path) -> Ledger:
    roster = rows_in(folder, "roster")
    responses = rows_in(folder, "responses", instrument="proqol5", scorable="yes")
    for row in responses:
        row["response_id"] = row["row_number"]
    scores = [
        {
            **row,
            "subscale": subscale,
            # One subscale that cannot be scored does not make a response unscorable.
            "raw_score": "30" if row["scorable"] == "yes" and subscale == "burnout" else None,
        }
        for row in responses
        for subscale in ("burnout", "compassion_satisfaction")
    ]
    own = folder / "programme.yaml"
    return build_ledger(
        frame_of(roster, ROSTER_SCHEMA),
        frame_of(rows_in(folder, "attendance", cancelled="no"), ATTENDANCE_SCHEMA),
        frame_of(rows_in(folder, "departures"), DEPARTURES_SCHEMA),
        frame_of(responses, RESPONSES_SCHEMA),
        frame_of(scores, tables.SCORES.frame_schema),
        organisations_with_roster={str(row["organisation"]) for row in roster},
        programme=load_programme(own if own.exists() else SCENARIOS / "programme.yaml"),
        as_of=date.fromisoformat((folder / "as_of.txt").read_text().strip()),
    )


def as_text(frame: pl.DataFrame, columns: list[str]) -> list[tuple[str | None, ...]]:
    texts = [
        frame[name].replace_strict({True: "yes", False: "no"}, return_dtype=pl.String)
        if frame.schema[name] == pl.Boolean
        else frame[name].cast(pl.String)
        for name in columns
    ]
    return sorted(pl.DataFrame(texts).rows(), key=str)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_happens_is_what_the_ledger_says(folder: Path) -> None:
    ledger = ledger_of(folder)
    compared = 0
    for file, table in EXPECTED.items():
        expected = rows_of(folder / f"{file}.csv")
        if expected:
            columns = list(expected[0])
            got = as_text(getattr(ledger, table), columns)
            assert got == sorted((tuple(row.values()) for row in expected), key=str), file
            compared += 1
    assert compared >= 2, "every scenario says what becomes of waves and of people"


def test_every_scenario_is_found() -> None:
    assert len(FOLDERS) == 33
    assert [folder.name[:2] for folder in FOLDERS] == [f"{n:02}" for n in range(1, 34)]
    known = {f"{kind}.csv" for kind in ("roster", "attendance", "departures", "responses")}
    known |= {f"{file}.csv" for file in EXPECTED} | {"as_of.txt", "programme.yaml"}
    for folder in FOLDERS:
        assert {file.name for file in folder.iterdir()} <= known, folder.name
