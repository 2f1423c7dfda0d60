"""`muster review pack`: two files outside the home folder, and an entry on record."""

from pathlib import Path
from typing import Any

import pytest
from small_programme import MAPPING, PROGRAMME

from pipeline import cli
from pipeline.storage.home import Home
from pipeline.vocabulary import EntryKind

ROWS = ["SIMR1,Start,2025-01-06,0,1,2,3", "SIMR2,,2025-01-06,0,1,2,3", "SIMR3,Start,,0,1,2,9"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from homes import Muster

    home = tmp_path_factory.mktemp("pack") / "home"
    for folder in ("sources", "landing"):
        (home / folder / "simulated-force-01").mkdir(parents=True)
    (home / "programme.yaml").write_text(PROGRAMME)
    (home / "sources" / "simulated-force-01" / "answers.yaml").write_text(MAPPING)
    text = "\n".join(["Number,Wave,Done,Q1,Q2,Q3,Q4", *ROWS])
    (home / "landing" / "simulated-force-01" / "answers.csv").write_text(text)
    apart = Muster(home)
    apart("init")
    apart("run", "--as-of", "2025-03-01", expected=1)
    return home


@pytest.fixture
def packed(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSTER_HOME", str(made))
    monkeypatch.setenv("MUSTER_STEWARD", "data.steward")
    return made


def written(home: Path) -> list[dict[str, Any]]:
    entries = Home(home).stewardship.entries(EntryKind.PACK_WRITTEN)
    return [{"steward": e.steward, "reason": e.reason, **e.body} for e in entries]


def test_both_files_are_written_and_put_on_record(muster, packed: Path, tmp_path: Path) -> None:
    said = muster("review", "pack", "simulated-force-01", "--to", str(tmp_path))
    assert said.code == 0, said.err
    assert "2 lines to put right" in said.out
    (submission,) = [a.submission_id for a in Home(packed).arrivals()]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"return-{submission}.{ending}" for ending in ("html", "xlsx")]
    page = (tmp_path / names[0]).read_text("utf-8")
    assert "Small" not in page
    assert '<th scope="row">3</th>' in page
    assert "SIMR" not in page
    assert written(packed)[-1] == {
        "steward": "data.steward",
        "reason": "wrote a return pack",
        "submission_id": submission,
    }


@pytest.mark.parametrize("where", ["home", "nowhere"])
def test_it_is_written_outside_the_home_folder_or_not_at_all(
    where: str, muster, packed: Path, tmp_path: Path
) -> None:
    to = packed if where == "home" else tmp_path / "nowhere"
    before = written(packed)
    said = muster("review", "pack", "simulated-force-01", "--to", str(to))
    assert said.code == cli.Exit.UNUSABLE
    assert len(said.err.strip().splitlines()) == 1
    assert written(packed) == before
    assert not list(packed.rglob("return-*"))


def test_an_unknown_submission_is_said(muster, packed: Path, tmp_path: Path) -> None:
    said = muster("review", "pack", "no such", "--to", str(tmp_path))
    assert said.code == cli.Exit.UNUSABLE
    assert "No submission is called that" in said.err
