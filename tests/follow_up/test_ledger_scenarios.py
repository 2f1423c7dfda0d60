"""The ledger against CSV scenarios that a domain expert can read (tests/scenarios/ledger).

What came in goes the way of accepted rows: what was known by a day, one name for an officer who
was transferred, rules across submissions, and then the ledger.
"""

import csv
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipeline.follow_up import (
    ATTENDANCE_SCHEMA,
    DEPARTURES_SCHEMA,
    RESPONSES_SCHEMA,
    ROSTER_SCHEMA,
    Ledger,
    build_ledger,
)
from pipeline.programme import load_programme
from pipeline.quality.standing import enrolment_of, standing_registers, standing_responses
from pipeline.quality.transfers import (
    SEEN,
    participant_alias,
    taken_up,
    under_one_name,
)
from pipeline.vocabulary import Kind

SCENARIOS = Path(__file__).parents[1] / "scenarios" / "ledger"
FOLDERS = sorted(folder for folder in SCENARIOS.iterdir() if folder.is_dir())
ALIASES = "participant_alias"
EXPECTED = {
    "expected_waves": "participant_waves",
    "expected_people": "participants",
    "expected_memberships": "memberships",
    "expected_attendance": "attendance",
    "expected_aliases": ALIASES,
}
SPELLINGS = {
    "officer": "participant_id",
    "submission": "submission_id",
    "new_officer": "new_participant_id",
    "was_officer": "alias_id",
}
SUBMISSIONS = "submissions.csv"
OWN_PROGRAMME = "programme.yaml"
SCHEMAS = {
    "roster": ROSTER_SCHEMA,
    "attendance": ATTENDANCE_SCHEMA,
    "departures": DEPARTURES_SCHEMA,
    "responses": pl.Schema(
        {
            "row_number": pl.Int32(),
            **{name: t for name, t in RESPONSES_SCHEMA.items() if name not in {"items", "flags"}},
            "scorable": pl.String(),
        }
    ),
}
NOBODY = enrolment_of(ROSTER_SCHEMA.to_frame())


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


def day_in(file: Path) -> date | None:
    return date.fromisoformat(file.read_text().strip()) if file.exists() else None


def known(folder: Path, kind: str, **defaults: str) -> pl.DataFrame:
    """What submissions known by then say, with the place of each in the order of arrival."""
    days = {row["submission_id"]: str(row["received_on"]) for row in rows_of(folder / SUBMISSIONS)}
    known_at = day_in(folder / "known_at.txt") or date.max
    rows = rows_in(folder, kind, **defaults)
    for row in rows:
        row["arrived"] = days.get(row["submission_id"], "2000-01-01")
        row["response_id"] = row["row_number"]
    heard = [row for row in rows if date.fromisoformat(str(row["arrived"])) <= known_at]
    schema = SCHEMAS[kind]
    return frame_of(heard, pl.Schema({**schema, "arrived": pl.Date()})).with_columns(
        pl.col("arrived").to_physical()
    )


def under_their_names(folder: Path) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Rows of every kind with one name for each officer, and the transfers that say so."""
    came = {
        "roster": known(folder, "roster"),
        "attendance": known(folder, "attendance", cancelled="no"),
        "departures": known(folder, "departures"),
        "responses": known(folder, "responses", instrument="proqol5", scorable="yes"),
    }
    left = came["departures"]
    came_to = came["attendance"].filter("attended").select("participant_id", day="held_on")
    seen = [
        came["roster"].select("participant_id", day="enrolled_on"),
        came_to,
        came["responses"].select("participant_id", day="completed_on"),
    ]
    aliases = participant_alias(left, pl.concat([SEEN.to_frame(), *seen]))
    came["departures"] = left.with_columns(
        taken_up(left, aliases), pl.lit(False).alias("contradicting")
    )
    named = {
        kind: under_one_name(rows.with_columns(known_as="participant_id"), aliases)
        for kind, rows in came.items()
    }
    return named, aliases


def ledger_of(folder: Path) -> tuple[Ledger, pl.DataFrame]:
    came, aliases = under_their_names(folder)
    own = folder / OWN_PROGRAMME
    programme = load_programme(own if own.exists() else SCENARIOS / OWN_PROGRAMME)
    enrolment = enrolment_of(standing_registers(Kind.ROSTER, came["roster"], NOBODY).counting)
    registers = {
        kind: standing_registers(kind, came[kind], enrolment).counting
        for kind in (Kind.ROSTER, Kind.ATTENDANCE, Kind.DEPARTURES)
    }
    gone = registers[Kind.DEPARTURES].filter(~pl.col("taken_up"))
    answered = came["responses"].with_columns(
        flags=pl.lit([], pl.List(pl.String)), items=pl.lit([3] * 30), items_answered=30
    )
    responses = standing_responses(
        answered,
        enrolment,
        gone.group_by("participant_id").agg(pl.col("departed_on").min()),
        programme,
    ).counting
    # One subscale that cannot be scored does not make a response unscorable.
    scores = responses.select(
        pl.all().exclude("items_answered"),
        raw_score=pl.when(pl.col("scorable") == "yes").then(30.0),
        subscale=pl.lit("burnout"),
    )
    ledger = build_ledger(
        registers[Kind.ROSTER],
        registers[Kind.ATTENDANCE],
        registers[Kind.DEPARTURES],
        responses,
        pl.concat([scores, scores.with_columns(raw_score=None, subscale=pl.lit("other"))]),
        organisations_with_roster=enrolment.organisations,
        programme=programme,
        as_of=day_in(folder / "as_of.txt") or date.max,
    )
    return ledger, aliases


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
    ledger, aliases = ledger_of(folder)
    compared = 0
    for file, table in EXPECTED.items():
        expected = rows_of(folder / f"{file}.csv")
        if expected:
            columns = list(expected[0])
            got = as_text(aliases if table == ALIASES else getattr(ledger, table), columns)
            assert got == sorted((tuple(row.values()) for row in expected), key=str), file
            compared += 1
    assert compared >= 2, "every scenario says what becomes of waves and of people"


def test_every_scenario_is_found() -> None:
    assert len(FOLDERS) > 40
    assert len({folder.name[:2] for folder in FOLDERS}) == len(FOLDERS)
    known = {f"{kind}.csv" for kind in ("roster", "attendance", "departures", "responses")}
    known |= {f"{file}.csv" for file in EXPECTED} | {
        "as_of.txt",
        "known_at.txt",
        SUBMISSIONS,
        OWN_PROGRAMME,
    }
    for folder in FOLDERS:
        assert {file.name for file in folder.iterdir()} <= known, folder.name
