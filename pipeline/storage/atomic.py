"""Writes that either happened or did not: a temporary name in the same folder, then a rename.

A killed process leaves at most a file or folder whose name starts with `.writing-`; `sweep`
removes them.
"""

import os
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = ".writing-"
_REPLACED = ".replaced-"


@contextmanager
def temporary(folder: Path, suffix: str = "") -> Iterator[Path]:
    """A name to write to; what is still there under it when the block ends is removed."""
    path = folder / f"{_own_name()}-{suffix or 'file'}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def put(written: Path, path: Path) -> None:
    """Let a file that was written whole take the place of `path`, on the disk before by name."""
    _flush(written)
    written.replace(path)
    _flush(path.parent)


@contextmanager
def replacing(path: Path, *, mode: int | None = None) -> Iterator[Path]:
    """A temporary path to write to; it takes the place of `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary(path.parent, path.suffix) as written:
        yield written
        if mode is not None:
            written.chmod(mode)
        put(written, path)


def write_bytes(path: Path, content: bytes, *, mode: int | None = None) -> None:
    with replacing(path, mode=mode) as written:
        # Opened with its final mode: a key must not be readable by others for a moment either.
        handle = os.open(written, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode or 0o666)
        with os.fdopen(handle, "wb") as file:
            file.write(content)


def remove(path: Path) -> None:
    """Remove a file if it is there; after a power cut it does not come back."""
    path.unlink(missing_ok=True)
    _flush(path.parent)


def replace_folder(path: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write into a new folder, then put it in the place of `path`.

    Readers see the old folder, no folder for a moment, or the new one; never half of one. A
    process killed in that moment leaves the old one aside, and `recover` puts it back.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(_own_name())
    new.mkdir()
    try:
        fill(new)
        if path.exists():
            old = path.with_name(f"{_REPLACED}{path.name}")
            shutil.rmtree(old, ignore_errors=True)
            path.replace(old)
            try:
                new.replace(path)
            except OSError:
                old.replace(path)
                raise
            shutil.rmtree(old)
        else:
            new.replace(path)
    finally:
        shutil.rmtree(new, ignore_errors=True)


@contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """A folder to work in that only its owner may enter; removed when the block ends."""
    path = folder / _own_name()
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill; when the block ends well it becomes `path`, where nothing is yet.

    All of it is on the disk before its name is, so that what it replaces may be removed. Whoever
    fills it for long should touch it, since `sweep` takes what is old for left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(_own_name())
    new.mkdir()
    try:
        yield new
        flush_all(new)
        new.rename(path)
        _flush(path.parent)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def flush_all(folder: Path) -> None:
    """Let a folder that is there, its name and all in it outlive a power cut."""
    for inside in sorted(folder.rglob("*"), reverse=True):
        _flush(inside)
    _flush(folder)
    _flush(folder.parent)


def recover(folder: Path) -> int:
    """Undo what killed writers left half done in a folder; returns how many leftovers there were.

    Only for one who knows that nobody is writing there.
    """
    for old in sorted(folder.glob(f"{_REPLACED}*")):
        path = old.with_name(old.name.removeprefix(_REPLACED))
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.replace(path)
    return sweep(folder, AT_ANY_TIME)


AT_ANY_TIME = sys.float_info.max
"""Later than anything was written: for one who knows that nobody is writing."""


def sweep(folder: Path, before: float, *, below: bool = True, suffix: str = "") -> int:
    """Remove what killed writers left in a folder, and below it; returns how many.

    `before` is a moment in seconds since 1970: what is younger may still be written to. `suffix`
    is that of the file that was to be replaced; any if not given.
    """
    pattern = f"{_PREFIX}*{suffix}*" if suffix else f"{_PREFIX}*"
    found = sorted(folder.rglob(pattern) if below else folder.glob(pattern))
    return _removed([path for path in found if _written_at(path) < before])


def sweep_of_the_dead(folder: Path) -> int:
    """Remove what writers left in a folder that do not run any more; returns how many.

    A writer of another machine seems dead here: only for a folder that one machine writes to.
    """
    found = sorted(folder.glob(f"{_PREFIX}*"))
    return _removed([path for path in found if _writer_is_dead(path.name)])


def _own_name() -> str:
    return f"{_PREFIX}{os.getpid()}-{uuid.uuid4().hex}"


def _writer_is_dead(name: str) -> bool:
    number = name.removeprefix(_PREFIX).partition("-")[0]
    if not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass
    return False


def _removed(leftovers: list[Path]) -> int:
    for leftover in leftovers:
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)
    return len(leftovers)


def _written_at(path: Path) -> float:
    """When a file or folder was last written to; never, where it is gone meanwhile."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
