"""Pseudonymisation keys: one file a version, readable by its owner only.

What stays out: what keys are used for (`pipeline/privacy/pseudonyms.py`). A key is never logged
and never has a default.
"""

import secrets
import stat
from pathlib import Path

from pipeline.programme import UnusableConfiguration
from pipeline.storage import atomic

_BYTES = 32


def create_first_key(folder: Path, *, in_use: bool) -> bool:
    """Make key 1 unless there is one; returns whether it was made.

    `in_use` says that pseudonyms exist already: a new key would make every officer a new person,
    so UnusableConfiguration is raised instead.
    """
    path = folder / "key-1"
    if path.exists():
        return False
    if in_use or _versions(folder):
        raise UnusableConfiguration(_MISSING.format(name=path.name))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    atomic.write_bytes(path, secrets.token_hex(_BYTES).encode("ascii"), mode=0o600)
    return True


def newest_version(folder: Path) -> int:
    """Version of the newest key; 0 where there is none."""
    return max(_versions(folder), default=0)


def load_keys(folder: Path) -> tuple[bytes, ...]:
    """All keys, oldest first; raises UnusableConfiguration if one is missing, open or damaged."""
    newest = newest_version(folder)
    if newest == 0:
        raise UnusableConfiguration(
            "secrets/key-1 is missing; restore it from its backup, or run `muster init` if "
            "nothing has been taken in yet."
        )
    return tuple(_load(folder / f"key-{version}") for version in range(1, newest + 1))


_MISSING = (
    "secrets/{name} is missing; restore it from its backup, since a new key would make every "
    "officer a new person."
)


def _versions(folder: Path) -> list[int]:
    names = [path.name.removeprefix("key-") for path in folder.glob("key-*")]
    return [int(name) for name in names if name.isdigit()]


def _load(path: Path) -> bytes:
    if not path.exists():
        raise UnusableConfiguration(_MISSING.format(name=path.name))
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UnusableConfiguration(
            f"secrets/{path.name} can be read by others; run `chmod 600` on it."
        )
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError):
        key = b""
    if len(key) != _BYTES:
        raise UnusableConfiguration(
            f"secrets/{path.name} is not a key of {_BYTES} bytes; restore it from its backup, "
            "since a new key would make every officer a new person."
        )
    return key
