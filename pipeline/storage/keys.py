"""Pseudonymisation keys: in files that their owner alone may read, or in the environment.

What belongs here: finding, making and putting in place. What stays out: what keys are used for
(`pipeline/privacy/pseudonyms.py`), and whether they are the right ones
(`pipeline/privacy/key_checks.py`). A key is never logged and never has a default.
"""

import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipeline.privacy.key_checks import Key, weakness
from pipeline.programme import UnusableConfiguration
from pipeline.storage import atomic

_BYTES: Final = 32
_FILE = re.compile(r"key-([1-9]\d*)")
_VARIABLE = re.compile(r"MUSTER_KEY_([1-9]\d*)")
_AWAITED: Final = "next-key-{}"
"""A key is called so until the pseudonyms that were carried on by it are in force."""

Environment = Mapping[str, str]


def create_first_key(folder: Path, environment: Environment, *, in_use: bool) -> bool:
    """Make key 1 unless there is one, in a file or the environment; returns whether it was made.

    `in_use` says that pseudonyms exist already: a new key would make every officer a new person,
    so UnusableConfiguration is raised instead.
    """
    there = {*_files(folder), *_variables(environment)}
    if 1 in there:
        return False
    if in_use or there:
        raise UnusableConfiguration(
            "secrets/key-1 is missing; restore it from its backup, since a new key would make "
            "every officer a new person."
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    atomic.write_bytes(folder / "key-1", _new_key(), mode=0o600)
    return True


def load_keys(folder: Path, environment: Environment, *, in_force: int) -> tuple[Key, ...]:
    """Every key there is, oldest first.

    `in_force` is the version of the pseudonyms that are: its key may still be called as one that
    is awaited, where a rotation was killed. Raises UnusableConfiguration if there is none, if one
    is open to others or damaged, or if a file and the environment give two keys for one version.
    """
    awaited = folder / _AWAITED.format(in_force)
    # Asked first: whoever finishes the rotation gives it its name, and never takes it back.
    is_awaited = awaited.exists()
    in_files, in_environment = _files(folder), _variables(environment)
    if is_awaited:
        in_files.setdefault(in_force, awaited)
    keys = []
    for version in sorted({*in_files, *in_environment}):
        name = f"MUSTER_KEY_{version}"
        found = [
            *([_from_file(in_files[version], version, "secrets")] if version in in_files else []),
            *([_from_text(environment[name], version, name)] if version in in_environment else []),
        ]
        if len({key.secret for key in found}) > 1:
            raise UnusableConfiguration(
                f"secrets/key-{version} and {name} are two different keys; take the wrong one away."
            )
        keys.append(found[0])
    if not keys:
        raise UnusableConfiguration(
            "secrets/key-1 is missing; restore it from its backup, or run `muster init` if "
            "nothing has been taken in yet."
        )
    return tuple(keys)


def load_backup(folder: Path) -> tuple[Key, ...]:
    """The keys in the files of another folder, oldest first; who may read them is not asked.

    Raises UnusableConfiguration if there is none, or one is damaged.
    """
    files = _files(folder)
    if not files:
        raise UnusableConfiguration(
            "there is no key in the backup folder; name the one that holds key-1."
        )
    return tuple(
        _from_file(files[version], version, "backup", private=False) for version in sorted(files)
    )


def await_key(folder: Path, version: int) -> Key:
    """Make a key for pseudonyms that are not in force yet, and put it on the disk."""
    path = folder / _AWAITED.format(version)
    atomic.write_bytes(path, _new_key(), mode=0o600)
    return _from_file(path, version, "secrets")


def settle_awaited(folder: Path, in_force: int) -> None:
    """Give an awaited key its name if its pseudonyms are in force, and remove it if they are not.

    Only for the one who holds the home's lock.
    """
    for path in sorted(folder.glob(_AWAITED.format("*"))):
        number = path.name.removeprefix(_AWAITED.format(""))
        if not number.isdecimal():
            continue
        key = folder / f"key-{number}"
        if int(number) > in_force:
            path.unlink()
        elif not key.exists():
            atomic.put(path, key)


def _new_key() -> bytes:
    return secrets.token_hex(_BYTES).encode("ascii")


def _files(folder: Path) -> dict[int, Path]:
    named = [(_FILE.fullmatch(path.name), path) for path in folder.glob("key-*")]
    return {int(name[1]): path for name, path in named if name}


def _variables(environment: Environment) -> set[int]:
    return {int(name[1]) for variable in environment if (name := _VARIABLE.fullmatch(variable))}


def _from_file(path: Path, version: int, where: str, *, private: bool = True) -> Key:
    place = f"{where}/key-{version}"
    if not path.exists():
        # An awaited key has just been given its name.
        path = path.with_name(f"key-{version}")
    try:
        if private and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise UnusableConfiguration(f"{place} can be read by others; run `chmod 600` on it.")
        text = path.read_text("ascii")
    except (OSError, ValueError):
        text = ""
    return _from_text(text, version, place)


def _from_text(text: str, version: int, place: str) -> Key:
    try:
        secret = bytes.fromhex(text.strip())
    except ValueError:
        secret = b""
    if len(secret) != _BYTES:
        raise UnusableConfiguration(
            f"{place} is not a key of {_BYTES} bytes; restore it from its backup, since a new key "
            "would make every officer a new person."
        )
    if why := weakness(secret):
        raise UnusableConfiguration(
            f"{place} could be guessed, since it is {why}; put 64 random hexadecimal digits in its "
            "place, as `openssl rand -hex 32` prints, and take in anew what was taken in with it."
        )
    return Key(version, place, secret)
