"""`muster withdraw` for officers who have no number but a code."""

import io
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from homes import Muster as MusterApart
from homes import files_holding, query
from small_programme import PROGRAMME

from pipeline.commands.console import Exit
from pipeline.storage.home import Home

pytestmark = pytest.mark.filterwarnings("ignore")

FORCE, AS_OF = "simulated-force-01", "2025-03-01"
MAPPING = f"""
organisation: {FORCE}
source: answers
kind: questionnaire
files: "answers*"
delivery: incremental
code: {{mother: Mother, birthday: Birthday, place: Place, school: School}}
wave: {{column: Wave, values: {{Start: baseline, End: session_10}}}}
instruments: {{phq4: {{columns: "Q{{item}}"}}}}
columns: {{completed_on: Done}}
"""
HEADER = "Mother,Birthday,Place,School,Wave,Done,Q1,Q2,Q3,Q4"
CODES = [f"simmo{n},{n},simpl{n},simsc{n}" for n in range(1, 13)]
SLIPPED = "simmo3,3,simpl3,simscx"
ROWS = [
    *(f"{code},Start,2025-01-07,0,1,2,3" for code in CODES),
    *(f"{code},End,2025-02-07,0,1,2,3" for code in [*CODES[3:], SLIPPED]),
]
SIGNED = ("--force", FORCE, "--reason", "asked", "--steward", "data.steward", "--yes")
BY_CODE = ("--code", f"{FORCE}/answers")


@pytest.fixture(scope="session")
def coded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve officers of whom ten answered twice, one of them with another school."""
    home = tmp_path_factory.mktemp("by code") / "home"
    for folder in ("sources", "landing"):
        (home / folder / FORCE).mkdir(parents=True)
    (home / "programme.yaml").write_text(PROGRAMME)
    (home / "sources" / FORCE / "answers.yaml").write_text(MAPPING)
    (home / "landing" / FORCE / "answers.csv").write_text("\n".join([HEADER, *ROWS]))
    apart = MusterApart(home)
    apart("init")
    apart("run", "--as-of", AS_OF)
    return home


@pytest.fixture
def here(coded: Path, home: Path) -> Path:
    shutil.copytree(coded, home)
    return home


def _said(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """What a script writes to standard input: elements in the alphabetical order of their names."""
    mother, birthday, place, school = code.split(",")
    lines = "\n".join([birthday, mother, place, school])
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))


def test_an_officer_known_by_a_code_is_erased_with_every_code_that_is_theirs(
    here: Path, muster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _said(monkeypatch, SLIPPED)
    said = muster("withdraw", "erase", *SIGNED, *BY_CODE)
    assert said.code == 0, said.err
    assert "2 rows of 1 submissions, answers to 2 waves, under 2 pseudonyms" in said.out
    assert "simsc" not in said.out + said.err
    erased = Home(here).withdrawals().erased
    assert len(erased) == 2
    assert files_holding(here, {*erased}, {"landing", "stewardship.sqlite", "backups"}) == {}
    assert query(here / "warehouse.duckdb", "SELECT count(*) FROM core.participants").item() == 11


@pytest.mark.parametrize(
    ("code", "source", "sentence"),
    [
        ("simmo9,19,simpl9,simsc9", f"{FORCE}/answers", "of this force with this code"),
        ("simmo1,1,,simsc1", f"{FORCE}/answers", "only if it is whole"),
        (CODES[0], f"{FORCE}/other", "No mapping that works"),
    ],
)
def test_what_is_no_code_is_one_sentence(
    code: str, source: str, sentence: str, *, here: Path, muster: Any, monkeypatch: Any
) -> None:
    _said(monkeypatch, code)
    said = muster("withdraw", "stop", *SIGNED, "--code", source)
    assert said.code == Exit.UNUSABLE
    assert sentence in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert not Home(here).withdrawals().acts
