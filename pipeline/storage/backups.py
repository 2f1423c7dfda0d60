"""Copies of a home folder elsewhere, and home folders made of such copies again.

What belongs here: which files a copy has, that it is whole, and putting it back. What stays out:
keys, which are kept apart from it, and `landing/`: whoever has keys and identifiers can trace
everybody, and a backup goes to other places and other hands. What can be worked out again
(`warehouse.duckdb`, Dagster's history) is left out too.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pipeline.programme import UnusableConfiguration
from pipeline.storage import atomic
from pipeline.storage.access import keep_from_others
from pipeline.storage.home import Home

MANIFEST: Final = "backup.json"
_FORMAT: Final = 1
_NAME: Final = "muster-{:%Y-%m-%dT%H%M%SZ}"
_NAMED: Final = re.compile(r"muster-\d{4}-\d\d-\d\dT\d{6}Z")
_STORE: Final = "stewardship.sqlite"
_FILES: Final = ("programme.yaml", "notices.yaml")
_LAKE: Final = "lake"
_FOLDERS: Final = ("sources", "memberships", "releases")
_UNFINISHED: Final = "."
"""What a killed writer left has a name that begins so (`atomic.py`)."""
_PRIVATE: Final = 0o600
_PRIVATE_FOLDER: Final = 0o700


@dataclass(frozen=True, slots=True)
class Backup:
    """One whole copy; `hashes` are SHA-256 by path within it."""

    folder: Path
    made_at: datetime
    programme: str
    hashes: Mapping[str, str]

    @property
    def size(self) -> int:
        """Bytes of its files, whether they are shared with an earlier copy or not."""
        return sum((self.folder / name).stat().st_size for name in self.hashes)


def back_up(home: Home, to: Path, now: datetime) -> Backup:
    """Copy a home into a new folder below `to`; for the one who holds the home's lock.

    What is the same in the copy before is linked to it where the disk can, so that a copy a day
    costs what changed. Killed at any moment, the copy is there whole or not at all. Raises
    UnusableConfiguration where `to` lies in the home or the name is taken.
    """
    if to.resolve().is_relative_to(home.root.resolve()):
        raise UnusableConfiguration(
            "--to: a backup in the home folder is lost with it; choose a folder on another disk."
        )
    folder = to / _NAME.format(now.astimezone(UTC))
    if folder.exists():
        raise UnusableConfiguration(f"{folder.name} is there already; try again in a second.")
    keep_from_others(home.root)
    before = next(iter(listed(to)), None)
    with atomic.new_folder(folder) as new:
        new.chmod(_PRIVATE_FOLDER)
        hashes = dict(_copied(home, new, before))
        manifest = {
            "format": _FORMAT,
            "made_at": now.astimezone(UTC).isoformat(timespec="seconds"),
            "programme": home.programme.programme,
            "files": hashes,
        }
        (new / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    return read(folder)


def listed(to: Path) -> list[Backup]:
    """The copies below a folder, the newest first; what is none is passed over."""
    found = []
    for folder in to.glob("muster-*"):
        with suppress(UnusableConfiguration):
            found.append(read(folder))
    return sorted(found, key=lambda backup: (backup.made_at, backup.folder.name), reverse=True)


def read(folder: Path) -> Backup:
    """What a copy says of itself. Raises UnusableConfiguration where it is none."""
    try:
        found: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
        if found["format"] != _FORMAT:
            raise UnusableConfiguration(
                f"{folder}: made by another version of Muster; restore it with that one."
            )
        made_at = datetime.fromisoformat(found["made_at"])
        hashes = {str(name): str(digest) for name, digest in found["files"].items()}
        return Backup(folder, made_at, str(found["programme"]), hashes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UnusableConfiguration(
            f"{folder} is no backup that can be read: it has no sound {MANIFEST}."
        ) from None


def problems(backup: Backup) -> list[str]:
    """What is missing from a copy or is not as it was written, a sentence a file."""
    found = []
    for name, digest in backup.hashes.items():
        path = backup.folder / name
        if not path.is_file():
            found.append(f"{name} is missing.")
        elif _sha256(path) != digest:
            found.append(f"{name} is not as it was written.")
    return found


def thin_out(to: Path, keep: int) -> list[str]:
    """Remove all but the newest copies below a folder; returns the names of those removed.

    A copy that somebody gave another name is kept.
    """
    removed = []
    for backup in [found for found in listed(to) if _NAMED.fullmatch(found.folder.name)][keep:]:
        for folder in (backup.folder, *(p for p in backup.folder.rglob("*") if p.is_dir())):
            # Those of releases may not be written to.
            folder.chmod(_PRIVATE_FOLDER)
        shutil.rmtree(backup.folder)
        removed.append(backup.folder.name)
    return removed


def restore(backup: Backup, root: Path, keys: Path | None) -> Home:
    """Make a home folder of a copy, and of the keys that are kept apart from it.

    Without `keys` their folder is empty, and they have to be put there before anything else.
    Nothing is made unless the copy is whole and the keys are those that its pseudonyms were made
    with. Raises UnusableConfiguration.
    """
    if root.exists() and any(root.iterdir()):
        raise UnusableConfiguration(
            f"{root} is not empty; a backup is restored into a new folder, so that nothing is lost."
        )
    damaged = problems(backup)
    if damaged:
        raise UnusableConfiguration(
            f"{backup.folder} is not whole, and nothing was restored: {damaged[0]}"
            + (f" So are {len(damaged) - 1} more." if len(damaged) > 1 else "")
        )
    if root.exists():
        root.rmdir()
    with atomic.new_folder(root) as new:
        new.chmod(_PRIVATE_FOLDER)
        for name in backup.hashes:
            target = new / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(backup.folder / name, target)
        secrets = new / "secrets"
        secrets.mkdir(mode=_PRIVATE_FOLDER)
        if keys is not None:
            for path in sorted(keys.glob("key-*")):
                shutil.copy2(path, secrets / path.name)
                (secrets / path.name).chmod(_PRIVATE)
            Home(new).proven_keys()
        for folder in ("landing", "lake", "sources", "releases", "dagster"):
            (new / folder).mkdir(exist_ok=True)
    home = Home(root)
    home.recover()
    return home


def _copied(home: Home, new: Path, before: Backup | None) -> Iterator[tuple[str, str]]:
    """Copies every file; yields its name within the copy and its SHA-256."""
    if home.stewardship.backup(new / _STORE):
        yield _STORE, _sha256(new / _STORE)
    for name, source in _to_copy(home):
        target = new / name
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = _sha256(source)
        if before is None or not _linked(before, name, digest, target):
            if isinstance(source, bytes):
                target.write_bytes(source)
            else:
                shutil.copy2(source, target)
        yield name, digest


def _to_copy(home: Home) -> Iterator[tuple[str, Path | bytes]]:
    """Where each file lies, or what it holds, by its name in the copy."""
    for name in _FILES:
        if (home.root / name).is_file():
            yield name, home.root / name
    in_the_lake = set()
    for name, source in home.lake.everything():
        in_the_lake.add(f"{_LAKE}/{name}")
        yield f"{_LAKE}/{name}", source
    for folder in (_LAKE, *_FOLDERS):
        for path in sorted((home.root / folder).rglob("*")):
            inside = path.relative_to(home.root)
            finished = not any(part.startswith(_UNFINISHED) for part in inside.parts)
            if finished and inside.as_posix() not in in_the_lake and path.is_file():
                yield inside.as_posix(), path


def _linked(before: Backup, name: str, digest: str, target: Path) -> bool:
    """Whether the earlier copy has the same file, now under both names."""
    if before.hashes.get(name) != digest:
        return False
    try:
        # Linked files are damaged together, so what is linked must be sound now.
        if _sha256(before.folder / name) != digest:
            return False
        os.link(before.folder / name, target)
    except OSError:
        return False
    return True


def _sha256(source: Path | bytes) -> str:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
