"""Landing: only whole exports are seen, and only the bytes that were hashed are read."""

import hashlib
import os
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.storage.landing import KnownHashes, landing_files, read_landing_file
from pipeline.submissions import CANNOT_BE_OPENED


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


def test_a_file_that_has_grown_is_not_read_whole(landing):
    path = landing / "simulated-force-01" / "answers.csv"
    path.write_bytes(b"whole")
    (file,) = landing_files(landing)
    assert file.size == 5
    with path.open("ab") as grown:
        grown.truncate(50_000_000)
    tracemalloc.start()
    try:
        assert read_landing_file(file) is None
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


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


class _Opened:
    """Which files were opened to be hashed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: list[str] = []
        opened = Path.open

        def noting(path: Path, *arguments, **options):
            if path.suffix == ".csv":
                self.names.append(path.name)
            return opened(path, *arguments, **options)

        monkeypatch.setattr(Path, "open", noting)

    def by(self, look) -> list[str]:
        self.names.clear()
        look()
        return sorted(self.names)


@pytest.fixture
def opened(monkeypatch) -> _Opened:
    return _Opened(monkeypatch)


@pytest.fixture
def look(landing, tmp_path, monkeypatch):
    """Looks at landing a minute later each time, with the hashes kept from the look before."""
    monkeypatch.setattr("pipeline.storage.landing._SECONDS_UNTIL_CERTAIN", 0.0)
    return lambda: landing_files(landing, KnownHashes(tmp_path / "landing.json"))


def test_a_file_that_did_not_change_is_not_opened_again(landing, look, opened):
    for name in ("a.csv", "b.csv"):
        (landing / name).write_bytes(name.encode())
    assert opened.by(look) == ["a.csv", "b.csv"]
    assert opened.by(look) == []
    (landing / "c.csv").write_bytes(b"new")
    assert opened.by(look) == ["c.csv"]
    assert {file.sha256 for file in look()} == {
        hashlib.sha256(content).hexdigest() for content in (b"a.csv", b"b.csv", b"new")
    }


@pytest.mark.parametrize("change", ["longer", "same length and time", "replaced"])
def test_a_file_that_changed_is_opened_again(landing, look, opened, change):
    path = landing / "a.csv"
    path.write_bytes(b"whole")
    look()
    times = path.stat()
    match change:
        case "longer":
            path.write_bytes(b"whole and more")
        case "same length and time":
            path.write_bytes(b"WHOLE")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        case "replaced":
            (landing / "a.part").write_bytes(b"WHOLE")
            os.utime(landing / "a.part", ns=(times.st_atime_ns, times.st_mtime_ns))
            (landing / "a.part").replace(path)
    assert opened.by(look) == ["a.csv"]
    assert look()[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_changed_a_moment_ago_is_not_relied_upon(landing, tmp_path, opened):
    """It may change again without the file system's clock moving on."""
    (landing / "a.csv").write_bytes(b"whole")

    def look() -> None:
        landing_files(landing, KnownHashes(tmp_path / "landing.json"))

    assert opened.by(look) == ["a.csv"]
    assert opened.by(look) == ["a.csv"]


def test_no_name_is_kept(landing, look, tmp_path):
    (landing / "simulated-force-01" / "Jane Doe 4711.csv").write_bytes(b"whole")
    look()
    kept = (tmp_path / "landing.json").read_text()
    assert hashlib.sha256(b"whole").hexdigest() in kept
    assert "Doe" not in kept
    assert "simulated" not in kept


def test_what_has_gone_is_forgotten(landing, look, tmp_path):
    (landing / "a.csv").write_bytes(b"whole")
    look()
    (landing / "a.csv").unlink()
    look()
    assert (tmp_path / "landing.json").read_text() == "{}"


@pytest.mark.parametrize("damage", ["", "[1]", '{"a": 1}', "\0\0"])
def test_a_damaged_memory_costs_time_only(landing, look, opened, tmp_path, damage):
    (landing / "a.csv").write_bytes(b"whole")
    look()
    (tmp_path / "landing.json").write_text(damage)
    assert opened.by(look) == ["a.csv"]
    assert opened.by(look) == []


def test_a_file_that_changes_while_it_is_hashed_waits(landing, monkeypatch):
    path = landing / "a.csv"
    path.write_bytes(b"whole")
    digest = hashlib.file_digest

    def growing(file, name):
        with path.open("ab") as more:
            more.write(b" and more")
        return digest(file, name)

    with monkeypatch.context() as patched:
        patched.setattr(hashlib, "file_digest", growing)
        assert landing_files(landing) == []
    assert len(landing_files(landing)) == 1


def test_a_folder_that_cannot_be_looked_into_does_not_vanish(landing, monkeypatch):
    """Everything in it would, without a word."""
    walk = os.walk

    def refusing(top, onerror):
        onerror(PermissionError(13, "denied", str(landing / "simulated-force-01")))
        yield from walk(top)

    monkeypatch.setattr(os, "walk", refusing)
    (folder,) = landing_files(landing)
    assert folder.problem == CANNOT_BE_OPENED
