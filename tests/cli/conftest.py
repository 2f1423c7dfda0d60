"""The command line in this process, and one simulated home that was evaluated once."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from odd_answers import made_at
from small_programme import MAPPING, PROGRAMME

from pipeline import cli
from pipeline.storage.home import Home

ANSWERS = """Number,Wave,Done,Q1,Q2,Q3,Q4
SIMA00001,Start,2025-01-06,0,1,2,3
SIMA00002,Start,2025-01-06,1,1,2,3
SIMA00003,Start,2025-01-07,3,1,2,0
"""
AS_OF = "2025-03-01"


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Muster = Callable[..., Said]


@pytest.fixture
def muster(monkeypatch, capsys) -> Muster:
    """Runs `muster` with arguments, here, as its entry point does."""

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["muster", *arguments])
        # Under `python -m pytest` usage would otherwise begin with those words.
        monkeypatch.setattr(sys.modules["__main__"], "__package__", None, raising=False)
        monkeypatch.setenv("COLUMNS", "200")
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return Said(int(ended.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """Where MUSTER_HOME points; nothing is there yet."""
    monkeypatch.setenv("MUSTER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def muster_apart(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "muster"), *arguments],
        env={**os.environ, "MUSTER_HOME": str(home), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@dataclass(frozen=True)
class Evaluated:
    home: Path
    first_run: subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory) -> Evaluated:
    """A home with one sound file taken in by `muster run --json`, in a process of its own."""
    home = tmp_path_factory.mktemp("evaluated") / "home"
    for folder in ("sources", "landing"):
        (home / folder / "simulated-force-01").mkdir(parents=True)
    (home / "programme.yaml").write_text(PROGRAMME)
    (home / "sources" / "simulated-force-01" / "answers.yaml").write_text(MAPPING)
    (home / "landing" / "simulated-force-01" / "answers.csv").write_text(ANSWERS)
    made = muster_apart(home, "init")
    assert made.returncode == 0, made.stderr
    return Evaluated(home, muster_apart(home, "run", "--as-of", AS_OF, "--json"))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a good, a held, a rejected and an unreadable file, taken in once."""
    home = tmp_path_factory.mktemp("review") / "home"
    made_at(home)
    return home


@pytest.fixture
def reviewed(made: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that home, where MUSTER_HOME points."""
    # With their times: a copied file is the same submission either way.
    shutil.copytree(made, home)
    monkeypatch.setenv("MUSTER_STEWARD", "data.steward")
    return home


@pytest.fixture
def names(made: Path) -> dict[str, str]:
    return {
        arrival.file.path.stem.removeprefix("answers-"): arrival.submission_id
        for arrival in Home(made).arrivals()
    }
