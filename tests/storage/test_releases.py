"""Releases on disk: written once, read-only, and what is kept beside them."""

import json
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from small_evaluation import frames, officers

from pipeline.programme import UnusableConfiguration
from pipeline.publishing.release import Release
from pipeline.publishing.release_tables import RELEASE_TABLES
from pipeline.publishing.remembered import as_frame
from pipeline.storage import atomic
from pipeline.storage.releases import (
    DATABASE,
    MANIFEST,
    Releases,
    changed_files,
    manifest_of,
    read_tables,
)
from pipeline.storage.warehouse import query

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def release() -> Release:
    return frames(officers({"north": 60, "south": 45}, 1)).release()


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[Releases]:
    yield Releases(
        tmp_path / "releases", tmp_path / "memberships", tmp_path / "backups" / "memberships"
    )
    for folder in (tmp_path / "releases").glob("*"):
        folder.chmod(0o755)


def _write(releases: Releases, release: Release, name: str, number: int = 1) -> Path:
    manifest = manifest_of(name, number, {"as_of": "2026-01-01"}, NOW)
    releases.write(name, release.tables, manifest, as_frame(release.next))
    return releases.folder / name


def test_all_of_it_is_on_the_disk_before_its_name_is(
    releases: Releases, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut after the rename leaves a release whose files are empty."""
    flushed: list[int] = []
    named: list[set[int]] = []

    def fsync(handle: int) -> None:
        flushed.append(os.fstat(handle).st_ino)

    put = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if target.parent == releases.folder:
            inside = {path.stat().st_ino for path in (self, *self.iterdir())}
            named.append(inside - set(flushed))
        return put(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", rename)
    _write(releases, release, "first")
    assert named == [set()]
    assert releases.folder.stat().st_ino in flushed


def test_database_and_parquet_hold_the_same(releases: Releases, release: Release) -> None:
    folder = _write(releases, release, "first")
    for table in RELEASE_TABLES:
        in_parquet = read_tables(folder)[table.name]
        assert in_parquet.equals(release.tables[table.name])
        for name in (table.name, f"release.{table.name}"):
            assert query(folder / DATABASE, f"FROM {name}").rows() == in_parquet.rows()
    comments = query(
        folder / DATABASE,
        "SELECT count(*) FROM duckdb_columns() WHERE NOT internal AND comment IS NULL",
    )
    assert comments.item() == 0


def test_nothing_in_the_folder_names_an_officer(releases: Releases, release: Release) -> None:
    folder = _write(releases, release, "first")
    for path in folder.iterdir():
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += pl.read_parquet(path).write_json().encode()
        assert b"north-0" not in content, path.name


def test_files_are_read_only_and_memberships_private(releases: Releases, release: Release) -> None:
    folder = _write(releases, release, "first")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o555
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o444}
    kept = folder.parents[1] / "memberships" / "first.parquet"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_name_is_used_once(releases: Releases, release: Release) -> None:
    _write(releases, release, "first")
    with pytest.raises(UnusableConfiguration, match="is a release first already"):
        _write(releases, release, "first", 2)


@pytest.mark.parametrize("name", ["", "../up", "a b", ".hidden", "x" * 65])
def test_names_that_cannot_be_one(releases: Releases, name: str) -> None:
    with pytest.raises(UnusableConfiguration, match="--name"):
        releases.check_name(name)


def test_a_changed_missing_or_foreign_file_is_found(releases: Releases, release: Release) -> None:
    folder = _write(releases, release, "first")
    assert changed_files(folder) == []
    folder.chmod(0o755)
    (folder / "areas.parquet").chmod(0o644)
    (folder / "areas.parquet").write_bytes(b"other")
    (folder / "attrition.parquet").unlink()
    (folder / "new.txt").write_text("new")
    assert changed_files(folder) == ["areas.parquet", "attrition.parquet", "new.txt"]


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"files": {}})])
def test_a_damaged_manifest_is_one_sentence(
    releases: Releases, release: Release, text: str
) -> None:
    folder = _write(releases, release, "first")
    folder.chmod(0o755)
    (folder / MANIFEST).chmod(0o644)
    (folder / MANIFEST).write_text(text)
    with pytest.raises(UnusableConfiguration, match=r"manifest\.json is missing or damaged"):
        releases.made()


def test_order_is_that_of_making(releases: Releases, release: Release) -> None:
    _write(releases, release, "z-first", 1)
    _write(releases, release, "a-second", 2)
    assert [made.name for made in releases.made()] == ["z-first", "a-second"]


def test_lost_memberships_stop_the_next_release(releases: Releases, release: Release) -> None:
    folder = _write(releases, release, "first")
    (folder.parents[1] / "memberships" / "first.parquet").write_bytes(b"damaged")
    with pytest.raises(UnusableConfiguration, match=r"memberships/first\.parquet"):
        releases.remembered("first")


def _kept_and_copy(releases: Releases) -> tuple[Path, Path]:
    home = releases.folder.parent
    return tuple(  # type: ignore[return-value]
        home / folder / "first.parquet" for folder in ("memberships", "backups/memberships")
    )


def test_lost_memberships_are_put_back_from_their_copy(
    releases: Releases, release: Release
) -> None:
    _write(releases, release, "first")
    before = releases.remembered("first")
    releases.back_up()
    kept, copy = _kept_and_copy(releases)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    # What is damaged takes the place of no copy.
    kept.write_bytes(b"damaged")
    releases.back_up()
    with pytest.raises(UnusableConfiguration, match="copy from backups/memberships/"):
        releases.remembered("first")
    kept.unlink()
    releases.back_up()
    copy.rename(kept)
    assert releases.remembered("first").equals(before)


def test_an_erased_officer_is_in_no_membership(releases: Releases, release: Release) -> None:
    _write(releases, release, "first")
    releases.back_up()
    releases.forget(["north-0001"], lambda names: names)
    _, copy = _kept_and_copy(releases)
    kept = releases.remembered("first")
    for frame in (kept, pl.read_parquet(copy)):
        names = frame.explode("names")["names"].to_list()
        assert "north-0002" in names
        assert "north-0001" not in names
    assert kept["gone"].sum() > 0


def test_what_a_killed_writer_left_goes(releases: Releases, release: Release) -> None:
    folder = _write(releases, release, "first")
    half = folder.parent / ".writing-1-half"
    half.mkdir()
    (half / "areas.parquet").write_bytes(b"half")
    assert [made.name for made in releases.made()] == ["first"]
    assert atomic.recover(releases.folder) == 1
    assert not half.exists()
