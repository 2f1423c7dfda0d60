"""Rows that disappear between files, as a domain expert can read (tests/scenarios/resubmission)."""

import csv
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import yaml

from pipeline.intake import ACCEPTED, TakenIn, take_in
from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.programme import Programme
from pipeline.quality.disappeared import disappeared
from pipeline.quality.judgement import FINDINGS
from pipeline.reading.mapping import parse_mapping
from pipeline.vocabulary import Kind

SCENARIOS = Path(__file__).parents[1] / "scenarios" / "resubmission"
FOLDERS = sorted(folder for folder in SCENARIOS.iterdir() if folder.is_dir())
COLUMNS = {
    "completed": "completed_on",
    "enrolled": "enrolled_on",
    "session": "session_number",
    "attended": "attended",
    "departed": "departed_on",
    "why": "departure_kind",
}


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def taken_in(file: Path, kind: Kind, programme: Programme) -> TakenIn:
    said: dict[str, object] = {
        "organisation": "cumbria",
        "source": kind.value,
        "kind": kind.value,
        "files": "*",
        "participant": "officer",
        "columns": {COLUMNS[name]: name for name in rows_of(file)[0] if name in COLUMNS},
    }
    if kind == Kind.QUESTIONNAIRE:
        said["instruments"] = {"phq4": {"columns": "q{item}"}}
        spellings = {"baseline": "baseline", "after session 5": "session_5"}
        said["wave"] = {"column": "wave", "values": spellings}
    mapping = parse_mapping(yaml.safe_dump(said), file.name, programme)
    key = Pseudonymiser((b"k" * 32,), "resubmission", programme.identifiers)
    return take_in(file.read_bytes(), mapping, programme, key, date(2026, 6, 30))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_rows_that_are_gone_are_exactly_those_listed(
    folder: Path, programme: Programme
) -> None:
    files = sorted(folder.glob("*.csv"))
    kind = Kind(files[0].stem.partition("-")[0])
    *older, newest = [(file.stem, taken_in(file, kind, programme)) for file in files]

    def named(frame: pl.DataFrame, name: str, place: int = 0) -> pl.DataFrame:
        return frame.with_columns(
            pl.lit(name).alias("submission_id"), pl.lit(place, pl.Int32).alias("arrived")
        )

    found = disappeared(
        kind,
        pl.concat(named(taken.accepted, name, place) for place, (name, taken) in enumerate(older)),
        named(newest[1].accepted, newest[0]),
        named(newest[1].findings, newest[0]).select("submission_id", *FINDINGS),
        {name: newest[0] for name, _ in older},
    )
    listed = {
        (file.stem, number)
        for file in files
        for number, row in enumerate(rows_of(file), start=2)
        if row["found"] == "row_disappeared"
    }
    assert set(found.select("submission_id", "row_number").iter_rows()) == listed
    assert found.height == len(listed)


def test_the_scenarios_cover_every_kind() -> None:
    assert len(FOLDERS) == 7
    kinds = {Kind(file.stem.partition("-")[0]) for file in SCENARIOS.glob("*/*.csv")}
    assert kinds == set(ACCEPTED)
