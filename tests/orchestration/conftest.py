"""A small simulated home: one force, one CSV source, four officers who answered once."""

import warnings
from pathlib import Path

import pytest
from small_programme import MAPPING, PROGRAMME

from pipeline.storage.home import Home

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
