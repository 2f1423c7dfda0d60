"""`muster release make` and what people open of it: with nearly nobody, and on a full disk."""

import errno
import shutil
from pathlib import Path

import pytest

from pipeline.publishing.release_tables import RELEASE_TABLES
from pipeline.storage.releases import changed_files

AS_OF = "2025-03-01"


@pytest.fixture
def home(evaluated, tmp_path, monkeypatch):
    copy = tmp_path / "home"
    shutil.copytree(evaluated.home, copy)
    monkeypatch.setenv("MUSTER_HOME", str(copy))
    yield copy
    for folder in (copy / "releases").glob("*"):
        folder.chmod(0o755)


def test_a_release_of_three_officers_says_where_its_report_is_and_shows_nobody(home, muster):
    said = muster("release", "make", "--name", "first", "--as-of", AS_OF)
    assert said.code == 0, said.err
    folder = home / "releases" / "first"
    assert str(folder / "report.html") in said.out
    names = {path.name for path in folder.iterdir()}
    assert {"report.html", "tables.xlsx"} <= names
    assert {f"{table.name}.csv" for table in RELEASE_TABLES} <= names
    assert not [name for name in names if name.startswith("report-")]
    assert "Not in this release" in (folder / "report.html").read_text("utf-8")
    assert changed_files(folder) == []


@pytest.mark.parametrize(
    ("file", "refusal"),
    [
        ("report.html", (errno.ENOSPC, "the disk is full")),
        ("tables.xlsx", (errno.ENOSPC, "the disk is full")),
        ("areas.csv", (errno.EACCES, "permission denied")),
    ],
)
def test_a_full_or_locked_disk_is_one_sentence_and_earlier_releases_stand(
    home, muster, monkeypatch, file, refusal
):
    assert muster("release", "make", "--name", "first", "--as-of", AS_OF).code == 0
    number, why = refusal
    write = Path.write_bytes

    def refused(path: Path, content: bytes) -> int:
        if path.name == file:
            raise OSError(number, "refused", str(path))
        return write(path, content)

    with monkeypatch.context() as during:
        during.setattr(Path, "write_bytes", refused)
        said = muster("release", "make", "--name", "second", "--as-of", AS_OF)
    assert said.code == 2
    assert why in said.err
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err
    assert [path.name for path in (home / "releases").iterdir()] == ["first"]
    assert changed_files(home / "releases" / "first") == []
    assert muster("release", "make", "--name", "second", "--as-of", AS_OF).code == 0
