"""Writes that either happened or did not: a temporary name in the same folder, then a rename.

A killed process leaves at most a file or folder whose name starts with `.writing-`; `sweep`
removes them.
"""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = ".writing-"


@contextmanager
def replacing(path: Path, *, mode: int | None = None) -> Iterator[Path]:
    """A temporary path to write to; it takes the place of `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{_PREFIX}{uuid.uuid4().hex}-{path.suffix or 'file'}")
    try:
        yield temporary
        if mode is not None:
            temporary.chmod(mode)
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes, *, mode: int | None = None) -> None:
    with replacing(path, mode=mode) as temporary:
        # Opened with its final mode: a key must not be readable by others for a moment either.
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode or 0o666)
        with os.fdopen(handle, "wb") as file:
            file.write(content)


def replace_folder(path: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write into a new folder, then put it in the place of `path`.

    Readers see the old folder, no folder for a moment, or the new one; never half of one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{_PREFIX}{uuid.uuid4().hex}")
    new.mkdir()
    try:
        fill(new)
        if path.exists():
            old = path.with_name(f"{_PREFIX}{uuid.uuid4().hex}")
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


def sweep(folder: Path, before: float, *, below: bool = True) -> int:
    """Remove what killed writers left in a folder, and below it; returns how many.

    `before` is a moment in seconds since 1970: what is younger may still be written to.
    """
    pattern = f"{_PREFIX}*"
    found = sorted(folder.rglob(pattern) if below else folder.glob(pattern))
    leftovers = [path for path in found if path.exists() and path.stat().st_mtime < before]
    for leftover in leftovers:
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)
    return len(leftovers)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
