"""Releases on disk: folders that are written once, and what is kept of them for those to come.

What belongs here: writing, listing and comparing with hashes. What stays out: what a release holds
(`pipeline/publishing`). A release is made in the moment in which its folder gets its name; what is
kept for later lies in its place before.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from pipeline.programme import UnusableConfiguration
from pipeline.publishing.release_tables import RELEASE_TABLES
from pipeline.publishing.remembered import in_newest_layout, without
from pipeline.storage import atomic
from pipeline.storage.warehouse import publish

MANIFEST: Final = "manifest.json"
DATABASE: Final = "release.duckdb"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_FILES: Final = "[!.]*.parquet"
_READ_ONLY: Final = 0o444
_READ_ONLY_FOLDER: Final = 0o555
_PRIVATE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Made:
    """A release that was made, as its manifest says."""

    name: str
    manifest: Mapping[str, Any]
    manifest_hash: str

    @property
    def number(self) -> int:
        return int(self.manifest["number"])


class Releases:
    """The releases of one home, and the memberships kept beside them."""

    def __init__(self, folder: Path, memberships: Path, copies: Path) -> None:
        self.folder = folder
        self._memberships = memberships
        self._copies = copies

    def made(self) -> list[Made]:
        """Every release there is, in the order in which they were made."""
        found = [self._made(path) for path in self.folder.glob(f"[!.]*/{MANIFEST}")]
        return sorted(found, key=lambda release: release.number)

    def check_name(self, name: str) -> None:
        """Raises UnusableConfiguration for a name that cannot be one, or is taken."""
        if not _NAME.fullmatch(name):
            raise UnusableConfiguration(
                "--name: use letters, digits, `_` and hyphens, as in 2026-autumn."
            )
        if (self.folder / name).exists():
            raise UnusableConfiguration(
                f"there is a release {name} already, and a release is never changed; choose "
                "another name."
            )

    def remembered(self, name: str) -> pl.DataFrame:
        """What the release `name` left for those after it (`remembered.SCHEMA`).

        Raises UnusableConfiguration where it is gone: without it nobody can say which figures
        would give somebody away.
        """
        try:
            return in_newest_layout(pl.read_parquet(self._kept(name)))
        except (OSError, pl.exceptions.PolarsError):
            raise UnusableConfiguration(
                f"memberships/{name}.parquet is missing or damaged; put its copy from "
                "backups/memberships/ in its place, since without it no release can be made that "
                "is safe beside the earlier ones."
            ) from None

    def write(
        self,
        name: str,
        tables: Mapping[str, pl.DataFrame],
        manifest: Mapping[str, Any],
        remembered: pl.DataFrame,
        documents: Mapping[str, bytes] = MappingProxyType({}),
    ) -> Made:
        """Write a release, all of it or nothing; for one who holds the home's lock.

        `documents` are what people open: file name -> content.
        """
        self.check_name(name)
        self._keep(name, remembered)

        with atomic.new_folder(self.folder / name) as folder:
            files = {}
            for table in RELEASE_TABLES:
                path = folder / f"{table.name}.parquet"
                tables[table.name].write_parquet(path, compression="zstd")
                files[table.table] = path
            publish(folder / DATABASE, files)
            for file_name, content in documents.items():
                (folder / file_name).write_bytes(content)
            hashes = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
            text = json.dumps({**manifest, "files": hashes}, indent=2)
            (folder / MANIFEST).write_text(text + "\n", "utf-8")
            for path in folder.iterdir():
                path.chmod(_READ_ONLY)
        (self.folder / name).chmod(_READ_ONLY_FOLDER)
        return self._made(self.folder / name / MANIFEST)

    def forget(
        self, pseudonyms: Collection[str], carried_on: Callable[[pl.Series], pl.Series]
    ) -> None:
        """Take erased officers, by all pseudonyms of theirs, out of what is kept for later.

        Out of the copies too. Pseudonyms there may be of an older key than these; `carried_on`
        brings them to it.
        """
        for path in sorted(self._memberships.glob(_FILES)):
            kept = self.remembered(path.stem)
            after = without(kept, pseudonyms, carried_on)
            if not after.equals(kept):
                self._keep(path.stem, after)
        self.back_up()

    def back_up(self) -> None:
        """Copy aside what is kept for later, as it is; a damaged file replaces no copy of it."""
        for path in sorted(self._memberships.glob(_FILES)):
            try:
                content = path.read_bytes()
                pl.read_parquet(content)
            except (OSError, pl.exceptions.PolarsError):
                continue
            copy = self._copies / path.name
            if not copy.is_file() or copy.read_bytes() != content:
                atomic.write_bytes(copy, content, mode=_PRIVATE)

    def _keep(self, name: str, remembered: pl.DataFrame) -> None:
        with atomic.replacing(self._kept(name), mode=_PRIVATE) as temporary:
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _PRIVATE))
            remembered.write_parquet(temporary, compression="zstd")

    def _kept(self, name: str) -> Path:
        return self._memberships / f"{name}.parquet"

    def _made(self, manifest: Path) -> Made:
        return Made(manifest.parent.name, read_manifest(manifest), _sha256(manifest))


def read_manifest(path: Path) -> dict[str, Any]:
    """A manifest; raises UnusableConfiguration for what is none."""
    try:
        found = json.loads(path.read_text("utf-8"))
        files, number = found["files"], found["number"]
        if isinstance(files, dict) and isinstance(number, int):
            return dict(found)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise UnusableConfiguration(
        f"{path.parent.name}: manifest.json is missing or damaged, so this is no release any more; "
        "take it from where it was handed on."
    )


def changed_files(folder: Path) -> list[str]:
    """Files of a release that are not as its manifest says, and those it does not know.

    Raises UnusableConfiguration where there is no manifest.
    """
    hashes = read_manifest(folder / MANIFEST)["files"]
    there = {path.name for path in folder.iterdir()} - {MANIFEST}
    return sorted(
        name
        for name in there | set(hashes)
        if name not in hashes or name not in there or _sha256(folder / name) != hashes[name]
    )


def read_tables(folder: Path) -> dict[str, pl.DataFrame]:
    """The tables of a release folder, by name, from Parquet."""
    return {path.stem: pl.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}


def manifest_of(
    name: str, number: int, about: Mapping[str, Any], made_at: datetime
) -> dict[str, Any]:
    """The part of a manifest that is known before anything is written."""
    return {
        "release": name,
        "number": number,
        "made_at": made_at.isoformat("T", "seconds"),
        **about,
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
