"""A write either happened or did not, and what a killed writer left can be removed."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.storage import atomic


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_write_replaces_the_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "new folder" / "table.parquet"
    atomic.write_bytes(path, b"first")
    atomic.write_bytes(path, b"second")
    assert path.read_bytes() == b"second"
    assert _names(path.parent) == ["table.parquet"]


def test_a_removed_file_is_removed_on_the_disk(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(atomic, "_flush", flushed.append)
    (tmp_path / "settings.yaml").touch()
    for _ in range(2):
        atomic.remove(tmp_path / "settings.yaml")
        assert _names(tmp_path) == []
    assert flushed == [tmp_path, tmp_path]


def test_who_has_the_old_file_open_keeps_it(tmp_path):
    path = tmp_path / "table.parquet"
    path.write_bytes(b"old")
    with path.open("rb", buffering=0) as reader:
        atomic.write_bytes(path, b"new")
        assert reader.read() == b"old"


def _write_half(path: Path, error: BaseException) -> None:
    with atomic.replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise error


@pytest.mark.parametrize("error", [RuntimeError("half way"), KeyboardInterrupt("half way")])
def test_a_writer_that_is_stopped_leaves_the_old_file(tmp_path, error):
    """Ctrl-C is no Exception, and must clean up all the same."""
    path = tmp_path / "table.parquet"
    path.write_bytes(b"old")
    with pytest.raises(type(error), match="half way"):
        _write_half(path, error)
    assert path.read_bytes() == b"old"
    assert _names(tmp_path) == ["table.parquet"]


def test_a_writer_that_raises_makes_no_file(tmp_path):
    with pytest.raises(RuntimeError):
        _write_half(tmp_path / "new", RuntimeError())
    assert _names(tmp_path) == []


def test_nothing_is_replaced_before_the_writer_ends(tmp_path):
    path = tmp_path / "table.parquet"
    path.write_bytes(b"old")
    with atomic.replacing(path) as temporary:
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_the_temporary_file_is_a_sibling_with_the_same_suffix(tmp_path):
    """A rename is atomic within one file system only; writers choose a format by suffix."""
    path = tmp_path / "table.parquet"
    with atomic.replacing(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.suffix == ".parquet"
        assert temporary.name.startswith(".writing-")
        temporary.write_bytes(b"")


def test_a_file_can_be_for_its_owner_only_from_the_first_moment(tmp_path, monkeypatch):
    seen = []
    real = os.fdopen

    def watched(handle, *arguments):
        seen.append(stat.S_IMODE(os.fstat(handle).st_mode))
        return real(handle, *arguments)

    monkeypatch.setattr(os, "fdopen", watched)
    before = os.umask(0)
    try:
        atomic.write_bytes(tmp_path / "key", b"k", mode=0o600)
    finally:
        os.umask(before)
    assert seen == [0o600]
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_a_replaced_file_takes_the_mode_asked_for(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(b"open")
    path.chmod(0o644)
    atomic.write_bytes(path, b"closed", mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with atomic.replacing(path, mode=0o640) as temporary:
        temporary.write_bytes(b"for the group")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "submissions" / "a"
    atomic.replace_folder(path, lambda new: (new / "one").write_bytes(b"1"))
    atomic.replace_folder(path, lambda new: (new / "two").write_bytes(b"2"))
    assert _names(path) == ["two"]
    assert _names(path.parent) == ["a"]


def test_a_folder_that_cannot_be_filled_leaves_the_old_one(tmp_path):
    path = tmp_path / "a"
    atomic.replace_folder(path, lambda new: (new / "one").write_bytes(b"1"))

    def fill(new: Path) -> None:
        (new / "two").write_bytes(b"2")
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        atomic.replace_folder(path, fill)
    assert _names(path) == ["one"]
    assert _names(tmp_path) == ["a"]


KILLED = """
import os, signal, sys
from pathlib import Path
from pipeline.storage import atomic
folder = Path(sys.argv[1])
def fill(new):
    (new / "half").write_bytes(b"half")
    with atomic.replacing(folder / "stages" / "t.parquet") as temporary:
        temporary.write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
atomic.replace_folder(folder / "submissions" / "a", fill)
"""


def test_what_a_killed_writer_left_is_swept_and_nothing_else(tmp_path):
    for name in ("submissions", "stages"):
        (tmp_path / name).mkdir()
    (tmp_path / "submissions" / "a").mkdir()
    (tmp_path / "submissions" / "a" / "sound").write_bytes(b"sound")
    (tmp_path / "stages" / "t.parquet").write_bytes(b"sound")
    (tmp_path / "stages" / ".hidden").write_bytes(b"not ours")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        check=False,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    left = list(tmp_path.rglob(".writing-*"))
    assert len(left) == 2, "the process was killed while it wrote a folder and a file"
    assert (tmp_path / "submissions" / "a" / "sound").read_bytes() == b"sound"
    assert (tmp_path / "stages" / "t.parquet").read_bytes() == b"sound"

    assert atomic.sweep(tmp_path, time.time() - 3600) == 0, "another run may still be writing"
    assert atomic.sweep(tmp_path, time.time() + 1, below=False) == 0
    assert len(list(tmp_path.rglob(".writing-*"))) == 2
    assert atomic.sweep(tmp_path, time.time() + 1) == 2
    assert list(tmp_path.rglob(".writing-*")) == []
    assert _names(tmp_path / "submissions") == ["a"]
    assert _names(tmp_path / "stages") == [".hidden", "t.parquet"]
    assert atomic.sweep(tmp_path, time.time() + 1) == 0


def test_what_the_dead_left_is_swept_and_what_the_living_write_is_not(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for name in (f"{ended.pid}-0f", f"{os.getpid()}-0f", "0f", f"{10**30}-0f"):
        (tmp_path / f".writing-{name}-.json").write_bytes(b"half")
    (tmp_path / f".writing-{ended.pid}-1f").mkdir()
    assert atomic.sweep_of_the_dead(tmp_path) == 2
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f".writing-{n}-.json" for n in (f"{os.getpid()}-0f", "0f", f"{10**30}-0f")}


def test_there_is_nothing_to_sweep_where_there_is_no_folder(tmp_path):
    assert atomic.sweep(tmp_path / "missing", time.time()) == 0
