"""What happens to disks: failed renames, files that vanish, power cuts, half-copied files."""

from pathlib import Path

import pytest

from pipeline.privacy.key_checks import must_be_right
from pipeline.programme import UnusableConfiguration
from pipeline.storage import atomic
from pipeline.storage.keys import create_first_key, load_keys
from pipeline.storage.lake import Lake
from pipeline.storage.landing import landing_files
from pipeline.storage.objects import LocalObjects
from pipeline.submissions import CANNOT_BE_OPENED


def test_a_failed_swap_puts_the_old_folder_back(tmp_path: Path, monkeypatch):
    path = tmp_path / "a"
    atomic.replace_folder(path, lambda new: (new / "one").write_bytes(b"1"))
    rename, calls = Path.replace, []

    def full_disk(self: Path, target: Path) -> Path:
        calls.append(self)
        if len(calls) == 2:
            raise OSError("no space")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="no space"):
        atomic.replace_folder(path, lambda new: (new / "two").write_bytes(b"2"))
    assert (path / "one").exists()


def _two_files(tmp_path: Path) -> Path:
    folder = tmp_path / "landing" / "kent"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_bytes(b"x")
    (folder / "b.csv").write_bytes(b"y")
    return tmp_path / "landing"


def test_a_file_that_vanishes_while_landing_is_read_is_no_submission(tmp_path: Path, monkeypatch):
    landing, opened = _two_files(tmp_path), Path.open

    def vanishing(self: Path, *arguments, **options):
        if self.name == "a.csv":
            self.unlink()
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", vanishing)
    assert [file.path.name for file in landing_files(landing)] == ["b.csv"]


def test_a_file_that_cannot_be_opened_stays_a_submission(tmp_path: Path, monkeypatch):
    landing, opened = _two_files(tmp_path), Path.open

    def refused(self: Path, *arguments, **options):
        if self.name == "a.csv":
            raise PermissionError
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refused)
    refused_file, other = landing_files(landing)
    assert refused_file.problem == CANNOT_BE_OPENED
    assert other.problem is None


@pytest.mark.parametrize("name", ["a.csv.filepart", "a.csv.PART", "a.csv.download", "Thumbs.db"])
def test_files_that_are_no_exports_are_left(tmp_path: Path, name: str):
    landing = _two_files(tmp_path)
    (landing / "kent" / name).write_bytes(b"z")
    assert [file.path.name for file in landing_files(landing)] == ["a.csv", "b.csv"]


@pytest.mark.parametrize("content", ["null", "[]", '{"record": {}, "files": null}', "3"])
def test_a_record_of_another_shape_is_not_listed(tmp_path: Path, content: str):
    folder = tmp_path / "submissions" / "a--b--c"
    folder.mkdir(parents=True)
    (folder / "submission.json").write_text(content)
    assert Lake(LocalObjects(tmp_path)).records() == []


def test_a_gap_between_keys_is_said(tmp_path: Path):
    create_first_key(tmp_path, {}, in_use=False)
    (tmp_path / "key-1").rename(tmp_path / "key-2")
    with pytest.raises(UnusableConfiguration, match="secrets/key-1 is missing"):
        must_be_right(load_keys(tmp_path, {}, in_force=1), "programme", None)
    with pytest.raises(UnusableConfiguration, match="restore it"):
        create_first_key(tmp_path, {}, in_use=False)


def test_a_key_that_is_a_folder_is_one_sentence(tmp_path: Path):
    (tmp_path / "key-1").mkdir(mode=0o700)
    with pytest.raises(UnusableConfiguration, match="is not a key"):
        load_keys(tmp_path, {}, in_force=1)
