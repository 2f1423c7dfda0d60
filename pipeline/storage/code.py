"""Which code made something: a hash of the sources and data files that decide what comes out.

What belongs here: hashing Muster's own files, and which versions of others are at work. What stays
out: what the hash is compared with. A number raised by hand would be forgotten once, and a wrong
figure would be kept; a hash at worst works something out again that did not change.
"""

import hashlib
import platform
import subprocess
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
    "pipeline/commands",
    "pipeline/review",
    "pipeline/remind",
    "pipeline/research",
    "pipeline/assurance",
    "pipeline/accounts.py",
    "pipeline/approvals.py",
    "pipeline/health.py",
    "pipeline/notices.py",
    "pipeline/notifying.py",
    "pipeline/posting.py",
    "pipeline/return_pack.py",
    "pipeline/static_page.py",
    "pipeline/releasing.py",
    "pipeline/reproducing.py",
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


RELEASE = (
    "pipeline/releasing.py",
    "pipeline/privacy/disclosure",
    "pipeline/publishing",
)
"""What decides the tables of a release, beside what decides the warehouse."""

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
    """A hash of every file below `places`, which are relative to the packages' folder.

    Without the rooms that no figure of the warehouse depends on.
    """
    return _hash_of(places, _WITHOUT)[:16]


@cache
def release_code_hash() -> str:
    """A hash of all that decides what a release prints."""
    parts = (_hash_of(EVERYTHING, _WITHOUT), _hash_of(RELEASE, ()))
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def git_commit() -> str | None:
    """The commit that is checked out here, with `-changed` where files are not as it has them.

    None where this is no checkout, or there is no Git.
    """
    top = _git("rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != PACKAGES.resolve():
        return None
    commit, changed = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "-uno")
    return f"{commit}-changed" if commit and changed else commit


def _git(*arguments: str) -> str | None:
    try:
        said = subprocess.run(
            ["git", "-C", str(PACKAGES), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.strip()


def _hash_of(places: Iterable[str], without: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for path in _files(places):
        name = path.relative_to(PACKAGES).as_posix()
        if not without or not name.startswith(without):
            digest.update(name.encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files(places: Iterable[str]) -> list[Path]:
    found = []
    for place in places:
        path = PACKAGES / place
        below = path.rglob("*") if path.is_dir() else [path]
        found += [p for p in below if p.is_file() and "__pycache__" not in p.parts]
    return sorted(found)
