"""A small simulated home: one force, one CSV source, four officers who answered once."""

import warnings
from pathlib import Path

import pytest

from pipeline.storage.home import Home

PROGRAMME = """
programme: orchestration
title: Simulated rows for tests
instruments: [phq4]
primary: {instrument: phq4, subscale: anxiety, from_wave: baseline, to_wave: session_10}
waves:
  - {wave: baseline, due_after_days: 0}
  - {wave: session_10, due_after_days: 140}
organisations:
  - {organisation: simulated-force-01, name: Simulated Force 01, kind: police_force}
cohorts:
  - {organisation: simulated-force-01, cohort: all, starts_on: 2025-01-06}
"""
MAPPING = """
organisation: simulated-force-01
source: answers
kind: questionnaire
files: "answers*"
delivery: incremental
participant: Number
wave: {column: Wave, values: {Start: baseline, End: session_10}}
instruments: {phq4: {columns: "Q{item}"}}
columns: {completed_on: Done}
"""
ANSWERS = """Number,Wave,Done,Q1,Q2,Q3,Q4
SIMCANARY01,Start,2025-01-06,0,1,2,3
SIMCANARY02,Start,2025-01-06,1,1,2,3
SIMCANARY03,Start,2025-01-07,3,1,2,0
SIMCANARY04,Start,2025-01-08,0,0,2,1
"""


@pytest.fixture(scope="session", autouse=True)
def _dagster() -> None:
    """Dagster imported once, quietly: it and its dependencies warn about themselves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import dagster  # noqa: F401

        import pipeline.definitions  # noqa: F401


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.create(PROGRAMME)
    for folder in ("sources", "landing"):
        (made.root / folder / "simulated-force-01").mkdir()
    (made.root / "sources" / "simulated-force-01" / "answers.yaml").write_text(MAPPING)
    (made.landing / "simulated-force-01" / "answers.csv").write_text(ANSWERS)
    return Home(made.root)
