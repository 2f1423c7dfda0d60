"""Home folders as people have them: odd names, a file in the way, a damaged warehouse."""

from pathlib import Path

import pytest
from homes import Muster


def test_a_file_where_the_home_should_be_is_one_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    done = Muster(tmp_path / "file")("init", expected=2)
    assert done.stderr.count("\n") == 1
    assert "a file has its name" in done.stderr


@pytest.mark.parametrize("name", ["evaluation [2025] #1", "50% done *"])
def test_a_home_may_be_called_anything(tmp_path: Path, name: str):
    muster = Muster(tmp_path / name)
    muster("init")
    muster("run")
    assert muster.ask("SELECT count(*) FROM meta.build").item() == 1


@pytest.mark.parametrize("name", ["what?", "a %20 b"])
def test_a_home_that_sqlite_cannot_name_is_one_sentence(tmp_path: Path, name: str):
    muster = Muster(tmp_path / name)
    muster("init")
    assert "holds a question mark" in muster("run", expected=2).stderr


def test_a_damaged_warehouse_is_said_and_made_anew(tmp_path: Path):
    muster = Muster(tmp_path / "home")
    muster("init")
    muster("run")
    warehouse = muster.home / "warehouse.duckdb"
    warehouse.write_bytes(warehouse.read_bytes()[:5000])
    assert "no warehouse that can be read" in muster("status", expected=2).stderr
    muster("run")
    muster("status")


def test_a_lost_key_is_not_replaced_by_a_new_one(tmp_path: Path):
    muster = Muster(tmp_path / "home")
    muster("init")
    (muster.home / "lake" / "submissions" / "a--b--c").mkdir(parents=True)
    (muster.home / "secrets" / "key-1").unlink()
    assert "restore it from its backup" in muster("init", expected=2).stderr
    assert not (muster.home / "secrets" / "key-1").exists()
