"""A rehearsed restore: yesterday's copy, the keys kept apart, and landing as it is today."""

import json
import shutil
from pathlib import Path

import pytest
from homes import Muster

from pipeline import tables
from pipeline.storage.warehouse import read_table

DAY = ("--as-of", "2026-06-30")


@pytest.fixture
def muster(tmp_path: Path) -> Muster:
    made = Muster(tmp_path / "home")
    made("demo", "--organisations", "3", "--participants", "150", *DAY)
    return made


def _tables(muster: Muster) -> dict[str, list[tuple[object, ...]]]:
    """Rows of every table, without the moment at which a file was received."""
    warehouse = muster.home / "warehouse.duckdb"
    return {
        table.qualified_name: read_table(warehouse, table)
        .drop("received_at", "fingerprint", strict=False)
        .rows()
        for table in tables.TABLES
    }


def test_a_home_is_made_again_of_yesterdays_copy(muster: Muster, tmp_path: Path) -> None:
    muster("release", "make", "--name", "spring", *DAY)
    kept_apart = tmp_path / "safe"
    shutil.copytree(muster.home / "secrets", kept_apart)
    made = json.loads(muster("backup", "make", "--to", str(tmp_path / "disk"), "--json").stdout)
    copy = tmp_path / "disk" / made["backup"]
    assert "as it was written" in muster("backup", "verify", str(copy)).stdout
    assert made["backup"] in muster("backup", "list", str(tmp_path / "disk")).stdout

    # A day passes: a roster comes anew, with one row less.
    roster = next((muster.home / "landing").glob("*/*roster*.csv"))
    lines = roster.read_bytes().rstrip(b"\n").split(b"\n")
    roster.write_bytes(b"\n".join(lines[:-1]) + b"\n")
    muster("run", *DAY)
    expected = _tables(muster)

    again = Muster(tmp_path / "again")
    said = muster(
        "backup", "restore", str(copy), "--home", str(again.home), "--keys", str(kept_apart)
    ).stdout
    assert "muster run" in said
    shutil.copytree(muster.home / "landing", again.home / "landing", dirs_exist_ok=True)
    again("key", "check")
    again("run", *DAY)
    found = _tables(again)
    assert [name for name in expected if found[name] != expected[name]] == []
    again("release", "verify", "spring")
    again("release", "make", "--name", "summer", *DAY)
    for release in (*muster.home.glob("releases/*"), *again.home.glob("releases/*")):
        release.chmod(0o755)


def test_without_landing_the_copy_is_enough(muster: Muster, tmp_path: Path) -> None:
    expected = _tables(muster)
    muster("backup", "make", "--to", str(tmp_path / "disk"))
    copy = next((tmp_path / "disk").iterdir())
    again = Muster(tmp_path / "again")
    muster("backup", "restore", str(copy), "--home", str(again.home))
    # Without its keys it refuses, and says what to do.
    assert "key" in again("run", *DAY, expected=2).stderr
    shutil.copytree(muster.home / "secrets", again.home / "secrets", dirs_exist_ok=True)
    again("run", *DAY)
    found = _tables(again)
    assert [name for name in expected if found[name] != expected[name]] == []
