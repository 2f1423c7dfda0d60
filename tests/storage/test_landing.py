"""Landing: only whole exports are seen, and only the bytes that were hashed are read."""

import hashlib
import os
from datetime import UTC, datetime

import pytest

from pipeline.storage.landing import landing_files, read_landing_file


@pytest.fixture
def landing(tmp_path):
    folder = tmp_path / "landing" / "simulated-force-01"
    folder.mkdir(parents=True)
    return folder.parent


@pytest.mark.parametrize(
    "name",
    [
        ".answers.csv",
        ".DS_Store",
        "~$answers.xlsx",
        "answers.csv.part",
        "answers.csv.partial",
        "answers.csv.tmp",
        "answers.csv.crdownload",
        ".hidden/answers.csv",
        "~$folder/answers.csv",
    ],
)
def test_hidden_and_half_copied_files_are_not_seen(landing, name):
    path = landing / "simulated-force-01" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"half")
    sound = landing / "simulated-force-01" / "answers.csv"
    sound.write_bytes(b"whole")
    assert [file.path for file in landing_files(landing)] == [sound]


def test_a_home_inside_a_hidden_folder_is_seen_all_the_same(tmp_path):
    path = tmp_path / ".muster" / "landing" / "simulated-force-01" / "answers.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"whole")
    assert [file.path for file in landing_files(tmp_path / ".muster" / "landing")] == [path]


def test_a_file_is_hashed_and_says_its_folder_and_day(landing):
    path = landing / "simulated-force-01" / "2025" / "answers.csv"
    path.parent.mkdir()
    path.write_bytes(b"whole")
    os.utime(path, (0, 1_700_000_000))
    (file,) = landing_files(landing)
    assert file.sha256 == hashlib.sha256(b"whole").hexdigest()
    assert file.folder == "simulated-force-01"
    assert file.modified_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert read_landing_file(file) == b"whole"


def test_a_file_beside_the_folders_has_none(landing):
    (landing / "answers.csv").write_bytes(b"stray")
    (file,) = landing_files(landing)
    assert file.folder is None


def test_empty_folders_and_dead_links_are_no_exports(landing):
    (landing / "dead.csv").symlink_to(landing / "gone.csv")
    (landing / "folder.csv").mkdir()
    assert landing_files(landing) == []


def test_there_may_be_no_landing(tmp_path):
    assert landing_files(tmp_path / "missing") == []


@pytest.mark.parametrize("change", ["longer", "same length", "gone", "now a folder"])
def test_a_file_that_changed_after_it_was_hashed_is_not_read(landing, change):
    path = landing / "simulated-force-01" / "answers.csv"
    path.write_bytes(b"whole")
    (file,) = landing_files(landing)
    times = path.stat()
    match change:
        case "longer":
            path.write_bytes(b"whole and more")
        case "same length":
            path.write_bytes(b"WHOLE")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        case "gone":
            path.unlink()
        case "now a folder":
            path.unlink()
            path.mkdir()
    assert read_landing_file(file) is None


def test_a_path_is_not_shown(landing):
    (landing / "simulated-force-01" / "Jane Doe 4711.csv").write_bytes(b"whole")
    (file,) = landing_files(landing)
    assert "Doe" not in repr(file)
    assert "Doe" not in f"{file!s} {[file]}"
