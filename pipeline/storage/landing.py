"""Landing: what lies there and its bytes. It is only ever read.

What stays out: which source a file belongs to (`pipeline/submissions.py`).
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

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


def landing_files(landing: Path) -> list[LandingFile]:
    """Every file in landing with the hash of its bytes; hidden and half-copied ones are not."""
    found = []
    for path in sorted(landing.rglob("*")):
        inside = path.relative_to(landing)
        if any(part.lower().startswith(_NOT_EXPORTS) for part in inside.parts):
            continue
        if path.name.lower().endswith(_STILL_COPYING) or not path.is_file():
            continue
        try:
            state = path.stat()
        except FileNotFoundError:
            continue
        modified = datetime.fromtimestamp(state.st_mtime, UTC)
        folder = inside.parts[0] if len(inside.parts) > 1 else None
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            # It was moved away meanwhile; what is not there is no submission.
            continue
        except OSError:
            # Still one submission, so that it does not vanish, until it can be opened.
            identity = f"{state.st_dev} {state.st_ino} {state.st_mtime_ns}"
            digest = hashlib.sha256(identity.encode()).hexdigest()
            found.append(LandingFile(folder, path, digest, modified, CANNOT_BE_OPENED))
            continue
        found.append(LandingFile(folder, path, digest, modified))
    return found


def read_landing_file(file: LandingFile) -> bytes | None:
    """The bytes that were hashed; None where the file has gone or changed since."""
    try:
        content = file.path.read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == file.sha256 else None
