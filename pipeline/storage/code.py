"""Which code made something: a hash of the sources and data files that decide what comes out.

What belongs here: hashing Muster's own files, and which versions of others are at work. What stays
out: what the hash is compared with. A
number raised by hand would be forgotten once, and a wrong figure would be kept; a hash at worst
works something out again that did not change.
"""

import hashlib
import platform
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGES = Path(__file__).parents[2]
"""The folder that holds `pipeline`, `assets` and `checks`."""

INTAKE = (
    "pipeline/vocabulary.py",
    "pipeline/programme.py",
    "pipeline/written.py",
    "pipeline/submissions.py",
    "pipeline/intake.py",
    "pipeline/reading",
    "pipeline/privacy",
    "pipeline/quality",
    "pipeline/reference",
)
"""What decides which rows come out of a file's bytes."""

EVERYTHING = ("pipeline", "assets", "checks")
_WITHOUT = (
    "pipeline/cli.py",
    "pipeline/console.py",
    "pipeline/review",
    "pipeline/inspect_command.py",
    "pipeline/remind",
    "pipeline/key_command.py",
    "pipeline/withdraw_command.py",
    "pipeline/research",
    "pipeline/assurance",
    "pipeline/release_commands.py",
    "pipeline/privacy/disclosure",
    "pipeline/privacy/alike.py",
    "pipeline/privacy/intruder.py",
    "pipeline/privacy/research_view.py",
    "pipeline/publishing",
    "pipeline/desk",
    "pipeline/simulation",
    "pipeline/orchestration",
)
"""Rooms that no figure depends on."""


_AT_WORK = (
    "muster",
    "dagster",
    "duckdb",
    "great-expectations",
    "numpy",
    "polars",
    "pyarrow",
    "pydantic",
    "scipy",
)
"""Distributions that figures, verdicts or the file's form depend on."""


@cache
def versions() -> Mapping[str, str]:
    """Name and version of Python and of every distribution that figures depend on."""
    return {
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in _AT_WORK},
    }


@cache
def code_hash(*places: str) -> str:
    """A hash of every file below `places`, which are relative to the packages' folder."""
    digest = hashlib.sha256()
    for path in _files(places):
        name = path.relative_to(PACKAGES).as_posix()
        if not name.startswith(_WITHOUT):
            digest.update(name.encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _files(places: Iterable[str]) -> list[Path]:
    found = []
    for place in places:
        path = PACKAGES / place
        below = path.rglob("*") if path.is_dir() else [path]
        found += [p for p in below if p.is_file() and "__pycache__" not in p.parts]
    return sorted(found)
