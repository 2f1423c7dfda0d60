"""`muster review pack`: two files outside the home folder, and an entry on record."""

from pathlib import Path
from typing import Any

import pytest

from pipeline import cli
from pipeline.storage.home import Home
from pipeline.vocabulary import EntryKind


@pytest.fixture
def to(tmp_path: Path) -> Path:
    """A folder outside the home, which is beside it."""
    (tmp_path / "outbox").mkdir()
    return tmp_path / "outbox"


def written(home: Path) -> list[dict[str, Any]]:
    entries = Home(home).stewardship.entries(EntryKind.PACK_WRITTEN)
    return [{"steward": e.steward, "reason": e.reason, **e.body} for e in entries]


def test_both_files_are_written_and_put_on_record(
    muster, reviewed: Path, names: dict[str, str], to: Path
) -> None:
    said = muster("review", "pack", names["odd"], "--to", str(to))
    assert said.code == 0, said.err
    assert "3 lines to put right" in said.out
    written_files = sorted(path.name for path in to.iterdir())
    assert written_files == [f"return-{names['odd']}.{ending}" for ending in ("html", "xlsx")]
    page = (to / written_files[0]).read_text("utf-8")
    assert '<th scope="row">5</th>' in page
    assert "SIMR" not in page
    assert written(reviewed)[-1] == {
        "steward": "data.steward",
        "reason": "wrote a return pack",
        "submission_id": names["odd"],
    }


@pytest.mark.parametrize("where", ["home", "nowhere"])
def test_it_is_written_outside_the_home_folder_or_not_at_all(
    where: str, muster, reviewed: Path, names: dict[str, str], to: Path
) -> None:
    place = reviewed if where == "home" else to / "nowhere"
    said = muster("review", "pack", names["odd"], "--to", str(place))
    assert said.code == cli.Exit.UNUSABLE
    assert len(said.err.strip().splitlines()) == 1
    assert written(reviewed) == []
    assert not list(reviewed.rglob("return-*"))


def test_an_unknown_submission_is_said(muster, reviewed: Path, to: Path) -> None:
    said = muster("review", "pack", "no such", "--to", str(to))
    assert said.code == cli.Exit.UNUSABLE
    assert "No submission is called that" in said.err
