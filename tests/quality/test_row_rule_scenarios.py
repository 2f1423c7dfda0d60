"""Every row rule against exports that a domain expert can read (tests/scenarios/row_rules)."""

import csv
from collections import defaultdict
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import yaml

from pipeline.intake import TakenIn, take_in
from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.programme import Programme, load_programme
from pipeline.quality.rules import RULES
from pipeline.quality.standing import (
    Enrolment,
    enrolment_of,
    standing_registers,
    standing_responses,
)
from pipeline.quality.transfers import SEEN, in_doubt
from pipeline.reading.mapping import Mapping, parse_mapping
from pipeline.vocabulary import Kind

SCENARIOS = Path(__file__).parents[1] / "scenarios" / "row_rules"
FOLDERS = sorted(folder for folder in SCENARIOS.iterdir() if folder.is_dir())
RECEIVED_ON = date(2026, 6, 30)
INSTRUMENTS = {4: "phq4", 10: "pss10", 30: "proqol5"}
COLUMNS = {
    "arm": "arm",
    "completed": "completed_on",
    "seconds": "duration_seconds",
    "enrolled": "enrolled_on",
    "rank": "rank",
    "ethnicity": "ethnicity",
    "gender": "gender",
    "service": "service_years",
    "group": "session_group",
    "session": "session_number",
    "attended": "attended",
    "cancelled": "cancelled",
    "held": "held_on",
    "minutes": "minutes",
    "apologies": "absence_reason",
    "departed": "departed_on",
    "why": "departure_kind",
    "to": "new_force",
    "number there": "new_number",
}

CODE = ("mother", "birthday", "school", "eyes")


def header_of(file: Path) -> list[str]:
    with file.open(newline="") as lines:
        return next(csv.reader(lines))


def mapping_for(file: Path, programme: Programme) -> Mapping:
    platform = "qualtrics" if file.stem == "qualtrics" else "csv"
    kind = Kind.QUESTIONNAIRE if file.stem == "qualtrics" else Kind(file.stem)
    header = header_of(file)
    said: dict[str, object] = {
        "organisation": "cumbria",
        "source": file.stem,
        "kind": kind.value,
        "platform": platform,
        "files": file.name,
        "participant": "officer",
        "columns": {COLUMNS[name]: name for name in header if name in COLUMNS},
    }
    if CODE[0] in header:
        said["code"] = {name: name for name in CODE}
        del said["participant"]
    if kind == Kind.QUESTIONNAIRE:
        items = sum(name[0] == "q" and name[1:].isdigit() for name in header)
        said["instruments"] = {INSTRUMENTS[items]: {"columns": "q{item}"}}
        spellings = {"baseline": "baseline", "after session 5": "session_5"}
        said["wave"] = {"column": "wave", "values": spellings}
    return parse_mapping(yaml.safe_dump(said), file.name, programme)


class Cumbria:
    """What one folder's files become, each judged by itself and then beside the others."""

    def __init__(self, folder: Path) -> None:
        self.programme = load_programme(SCENARIOS / "programme.yaml")
        self.files = sorted(folder.glob("*.csv"))
        self._taken = {file.stem: self._take_in(file) for file in self.files}
        self._known = {file.stem for file in self.files if "found" not in header_of(file)}

    def _take_in(self, file: Path) -> TakenIn:
        mapping = mapping_for(file, self.programme)
        key = Pseudonymiser((b"k" * 32,), "row-rules", self.programme.identifiers)
        return take_in(file.read_bytes(), mapping, self.programme, key, RECEIVED_ON)

    def _accepted(self, stem: str) -> pl.DataFrame:
        rows = self._taken[stem].accepted.with_columns(
            pl.lit(stem).alias("submission_id"), pl.lit(0).alias("arrived")
        )
        rows = rows.with_columns(pl.col("participant_id").alias("known_as"))
        if stem != Kind.DEPARTURES:
            return rows
        doubt = in_doubt(rows, SEEN.to_frame())["row_number"]
        return rows.with_columns(contradicting=pl.col("row_number").is_in(doubt.implode()))

    def _enrolment(self) -> Enrolment:
        if "roster" in self._known:
            return enrolment_of(self._accepted("roster"))
        nobody = pl.DataFrame(schema={"participant_id": pl.String, "enrolled_on": pl.Date})
        return Enrolment(nobody, frozenset())

    def _departures(self) -> pl.DataFrame:
        if "departures" in self._known:
            return self._accepted("departures").select("participant_id", "departed_on")
        return pl.DataFrame(schema={"participant_id": pl.String, "departed_on": pl.Date})

    def found(self, stem: str) -> dict[int, list[str]]:
        """What was found about each row of a file, row numbers as a spreadsheet shows them."""
        rows, enrolment = self._accepted(stem), self._enrolment()
        standing = (
            standing_registers(Kind(stem), rows, enrolment)
            if stem in set(Kind) - {Kind.QUESTIONNAIRE}
            else standing_responses(
                rows,
                enrolment,
                self._departures(),
                self.programme,
                coded=rows["participant_id"] if self._taken[stem].codes is not None else None,
            )
        )
        shown = ("row_number", "severity", "rule", "column_name")
        every = pl.concat(
            [self._taken[stem].findings.select(shown), standing.findings.select(shown)]
        )
        by_row = defaultdict(list)
        for row, *words in every.iter_rows():
            by_row[row].append(" ".join(word for word in words if word))
        return {row: sorted(found) for row, found in by_row.items()}


def judged_files(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.glob("*.csv")) if "found" in header_of(file)]


def expected_of(file: Path) -> dict[int, list[str]]:
    headers = 3 if file.stem == "qualtrics" else 1
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))[headers - 1 :]
    return {
        number: sorted(row["found"].split("; ")) if row["found"] else []
        for number, row in enumerate(rows, start=headers + 1)
    }


def test_every_rule_has_a_folder_and_every_folder_a_rule() -> None:
    assert {folder.name for folder in FOLDERS} == set(RULES)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_row_breaks_exactly_the_rules_listed(folder: Path) -> None:
    cumbria = Cumbria(folder)
    for file in judged_files(folder):
        found = cumbria.found(file.stem)
        expected = expected_of(file)
        assert {row: found.get(row, []) for row in expected} == expected, file.name
        assert set(found) <= set(expected)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_kind_that_a_rule_judges_has_a_row_that_breaks_it_and_one_that_does_not(
    folder: Path,
) -> None:
    rule = RULES[folder.name]
    word = f"{rule.severity.value} {rule.name}"
    kinds = set()
    for file in judged_files(folder):
        breaks = [
            any(finding.startswith(word) for finding in row) for row in expected_of(file).values()
        ]
        assert any(breaks), f"{file.name} has no row that breaks the rule"
        assert not all(breaks), f"{file.name} has no row that does not"
        kinds.add(Kind.QUESTIONNAIRE if file.stem == "qualtrics" else Kind(file.stem))
    assert kinds == set(rule.kinds)
