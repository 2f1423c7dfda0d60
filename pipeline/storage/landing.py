"""Landing: what lies there and its bytes. It is only ever read.

What belongs here: hashing files, and remembering the hashes of those that did not change, so that
no earlier export is opened again. What stays out: which source a file belongs to
(`pipeline/submissions.py`).
"""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pipeline.storage import atomic
from pipeline.submissions import CANNOT_BE_OPENED, LandingFile

_NOT_EXPORTS = (".", "~$", "thumbs.db", "desktop.ini")
_STILL_COPYING = (
    ".part",
    ".partial",
    ".filepart",
    ".tmp",
    ".crdownload",
    ".download",
    ".opdownload",
)
_AT_ONCE: Final = 4
"""Files that are hashed at once: on several cores, and while a share keeps one of them waiting."""
_SECONDS_UNTIL_CERTAIN = 2.0
"""A file that changed this recently may change again within one tick of the file system's clock,
and look the same as when it was hashed."""


class KnownHashes:
    """Hashes by what the file system says of a file's state: device, inode, size and times.

    No name and no path is kept: those may name people. A file that is written to, replaced or
    copied gets another state and is hashed again; a state that is not met any more is forgotten.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known = _loaded(path) if path else {}
        self._met: dict[str, str] = {}

    def of(self, path: Path, state: os.stat_result) -> str | None:
        """SHA-256 of a file; None if it changed while it was read. Raises OSError."""
        key = _key(state)
        digest = self._known.get(key)
        if digest is None:
            with path.open("rb") as file:
                before = os.fstat(file.fileno())
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                after = os.fstat(file.fileno())
            if _key(before) != _key(after):
                return None
            key = _key(after)
            state = after
        if time.time() - state.st_ctime >= _SECONDS_UNTIL_CERTAIN:
            self._met[key] = digest
        return digest

    def save(self) -> None:
        """Keep what was met for the next look, if it is not what was known already."""
        if self._path and self._met != self._known:
            atomic.write_bytes(self._path, json.dumps(self._met).encode("ascii"))


def _loaded(path: Path) -> dict[str, str]:
    """A lost or damaged memory costs time, never a result."""
    try:
        known = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    sound = isinstance(known, dict) and all(isinstance(value, str) for value in known.values())
    return known if sound else {}


def _key(state: os.stat_result) -> str:
    return (
        f"{state.st_dev:x}-{state.st_ino:x}-{state.st_size:x}"
        f"-{state.st_mtime_ns:x}-{state.st_ctime_ns:x}"
    )


def landing_files(landing: Path, known: KnownHashes | None = None) -> list[LandingFile]:
    """Every file in landing with the hash of its bytes; hidden and half-copied ones are not.

    A file that vanishes or changes while it is looked at is left for the next look.
    """
    known = known or KnownHashes()
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        paths = [path for path in sorted(_paths(landing)) if _is_export(path.relative_to(landing))]
        looked = threads.map(lambda path: _looked_at(path, landing, known), paths)
        found = [file for file in looked if file is not None]
    known.save()
    return found


def _is_export(inside: Path) -> bool:
    """Whether a path below landing is neither hidden nor half copied."""
    hidden = any(part.lower().startswith(_NOT_EXPORTS) for part in inside.parts)
    return not hidden and not inside.name.lower().endswith(_STILL_COPYING)


def _looked_at(path: Path, landing: Path, known: KnownHashes) -> LandingFile | None:
    inside = path.relative_to(landing)
    folder = inside.parts[0] if len(inside.parts) > 1 else None
    try:
        state = path.stat()
    except OSError:
        # It was moved away meanwhile; what is not there is no submission.
        return None
    modified = datetime.fromtimestamp(state.st_mtime, UTC)
    changed = datetime.fromtimestamp(state.st_ctime, UTC)
    try:
        digest = known.of(path, state)
    except FileNotFoundError:
        return None
    except OSError:
        # Still one submission, so that it does not vanish, until it can be opened.
        identity = f"{state.st_dev} {state.st_ino} {state.st_mtime_ns}"
        digest = hashlib.sha256(identity.encode()).hexdigest()
        return LandingFile(folder, path, digest, modified, changed, CANNOT_BE_OPENED)
    if digest is None:
        return None
    return LandingFile(folder, path, digest, modified, changed, size=state.st_size)


def _paths(landing: Path) -> Iterator[Path]:
    """Files below landing, and folders that cannot be looked into: those are submissions too."""
    refused: list[Path] = []

    def note(error: OSError) -> None:
        if isinstance(error, PermissionError) and error.filename:
            refused.append(Path(error.filename))

    for folder, _, names in os.walk(landing, onerror=note):
        yield from (path for name in names if (path := Path(folder, name)).is_file())
    yield from refused


def read_landing_file(file: LandingFile) -> bytes | None:
    """The bytes that were hashed; None where the file has gone or changed since."""
    try:
        with file.path.open("rb") as opened:
            # No more than was hashed and found small enough: it may have grown since.
            content = opened.read(file.size + 1)
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == file.sha256 else None
