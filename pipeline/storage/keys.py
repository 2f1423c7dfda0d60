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


def create_first_key(folder: Path) -> bool:
    """Make key 1 unless there is one; returns whether it was made."""
    path = folder / "key-1"
    if path.exists():
        return False
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    atomic.write_bytes(path, secrets.token_hex(_BYTES).encode("ascii"), mode=0o600)
    return True


def load_keys(folder: Path) -> tuple[bytes, ...]:
    """All keys, oldest first; raises UnusableConfiguration if one is missing, open or damaged."""
    keys: list[bytes] = []
    while (path := folder / f"key-{len(keys) + 1}").exists():
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise UnusableConfiguration(
                f"secrets/{path.name} can be read by others; run `chmod 600` on it."
            )
        try:
            key = bytes.fromhex(path.read_text("ascii").strip())
        except (ValueError, UnicodeDecodeError):
            key = b""
        if len(key) != _BYTES:
            raise UnusableConfiguration(
                f"secrets/{path.name} is not a key of {_BYTES} bytes; restore it from its backup, "
                "since a new key would make every officer a new person."
            )
        keys.append(key)
    if not keys:
        raise UnusableConfiguration(
            "secrets/key-1 is missing; restore it from its backup, or run `muster init` if "
            "nothing has been taken in yet."
        )
    return tuple(keys)
