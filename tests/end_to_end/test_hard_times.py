"""Full disks, disks that can only be read, two runs at once: said, and mended by the next run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from homes import Muster, table_hashes
from small_programme import MAPPING, PROGRAMME

from pipeline.storage import locks

AS_OF = "2025-03-01"
ROWS = [f"SIMH{i:06d},Start,2025-01-06,{i % 4},1,2,3" for i in range(400)]
HEADINGS = "Number,Wave,Done,Q1,Q2,Q3,Q4"


def _made(home: Path) -> Muster:
    sources = home / "sources" / "simulated-force-01"
    sources.mkdir(parents=True)
    (home / "programme.yaml").write_text(PROGRAMME)
    (sources / "answers.yaml").write_text(MAPPING)
    muster = Muster(home)
    muster("init")
    (home / "landing" / "simulated-force-01").mkdir()
    return muster


def _land(muster: Muster, name: str, rows: list[str]) -> None:
    path = muster.home / "landing" / "simulated-force-01" / name
    path.write_text("\n".join([HEADINGS, *rows]) + "\n")


@pytest.fixture
def muster(tmp_path: Path) -> Muster:
    return _made(tmp_path / "home")


@contextmanager
def _mounted(folder: Path, options: str) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if done.returncode:
        pytest.skip("a disk of its own cannot be mounted here (it takes root)")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _one_sentence(text: str) -> str:
    assert "Traceback" not in text
    *_, sentence = text.strip().splitlines()
    return sentence


def test_a_full_disk_is_one_sentence_and_the_next_run_goes_on(tmp_path: Path):
    disk = tmp_path / "disk"
    with _mounted(disk, "size=48m"):
        muster = _made(disk / "home")
        _land(muster, "answers 1.csv", ROWS[:100])
        muster("run", "--as-of", AS_OF)
        before = table_hashes(muster.home / "warehouse.duckdb")
        _land(muster, "answers 2.csv", ROWS[100:])
        free = os.statvfs(disk)
        ballast = disk / "ballast"
        # Room for Dagster to say what happened, and for nothing that a run writes.
        ballast.write_bytes(b"\0" * (free.f_bavail * free.f_bsize - 700_000))
        done = muster("run", "--as-of", AS_OF, expected=2)
        assert "the warehouse is as it was" in _one_sentence(done.stderr)
        assert table_hashes(muster.home / "warehouse.duckdb") == before
        ballast.unlink()
        muster("run", "--as-of", AS_OF)
        assert muster.ask("SELECT count(*) FROM core.responses").item() == 400
        left = [p.name for p in muster.home.rglob(".writing-*")]
        assert left == []


def test_a_disk_that_can_only_be_read_is_one_sentence(tmp_path: Path):
    disk = tmp_path / "disk"
    with _mounted(disk, "size=64m"):
        muster = _made(disk / "home")
        _land(muster, "answers 1.csv", ROWS[:100])
        muster("run", "--as-of", AS_OF)
        _land(muster, "answers 2.csv", ROWS[100:])
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        try:
            done = muster("run", "--as-of", AS_OF, expected=2)
            assert "mount it for writing" in _one_sentence(done.stderr)
            assert muster.status()["enrolled"] == 100, "readers are not locked out"
        finally:
            subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        muster("run", "--as-of", AS_OF)
        assert muster.status()["enrolled"] == 400


def test_two_runs_at_once_do_the_work_once(muster: Muster):
    for i in range(8):
        _land(muster, f"answers {i}.csv", ROWS[i * 50 : (i + 1) * 50])
    command = [str(Path(sys.executable).parent / "muster"), "run", "--as-of", AS_OF]
    environment = {**os.environ, "MUSTER_HOME": str(muster.home)}
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    printed = [b"".join(process.communicate()) for process in both]
    assert [process.returncode for process in both] == [0, 0], printed
    assert muster.ask("SELECT count(*) FROM core.responses").item() == 400
    first = table_hashes(muster.home / "warehouse.duckdb")
    assert "Nothing new" in muster("run", "--as-of", AS_OF).stdout
    assert table_hashes(muster.home / "warehouse.duckdb") == first


def test_a_run_waits_for_the_one_at_work_and_says_so(muster: Muster):
    _land(muster, "answers.csv", ROWS[:10])
    command = [str(Path(sys.executable).parent / "muster"), "run", "--as-of", AS_OF]
    with locks.held(muster.home / ".lock"):
        waiting = subprocess.Popen(
            command,
            env={**os.environ, "MUSTER_HOME": str(muster.home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert waiting.stderr is not None
        assert waiting.stderr.readline().startswith("Another run is at work on this home")
        assert waiting.poll() is None
        assert not (muster.home / "warehouse.duckdb").exists()
    waiting.communicate(timeout=300)
    assert waiting.returncode == 0
    assert muster.ask("SELECT count(*) FROM core.responses").item() == 10


def test_a_landing_that_is_not_mounted_is_not_an_empty_one(muster: Muster):
    _land(muster, "answers.csv", ROWS[:10])
    muster("run", "--as-of", AS_OF)
    (muster.home / "landing").rename(muster.home / "elsewhere")
    done = muster("run", "--as-of", AS_OF, expected=2)
    assert done.stderr.startswith("landing/ is missing")
    assert muster.status()["enrolled"] == 10


def test_the_same_file_under_two_names_is_one_submission(muster: Muster):
    for name in ("answers.csv", "answers again.csv", "answers once more.csv"):
        _land(muster, name, ROWS[:10])
    muster("run", "--as-of", AS_OF)
    assert muster.ask("SELECT rows_read FROM quality.submissions").rows() == [(10,)]


def test_a_home_of_a_newer_muster_is_refused_in_one_sentence(muster: Muster):
    import sqlite3

    _land(muster, "answers.csv", ROWS[:10])
    muster("run", "--as-of", AS_OF)
    with sqlite3.connect(muster.home / "stewardship.sqlite") as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    done = muster("run", "--as-of", AS_OF, expected=2)
    assert "newer Muster" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_lost_stewardship_store_is_not_taken_for_an_empty_one(muster: Muster):
    _land(muster, "answers.csv", ROWS[:10])
    muster("run", "--as-of", AS_OF)
    before = muster.ask("SELECT received_at FROM quality.submissions").rows()
    store = muster.home / "stewardship.sqlite"
    copies = sorted((muster.home / "backups").iterdir())
    assert len(copies) == 1
    store.unlink()
    refused = muster("run", "--as-of", AS_OF, expected=2)
    assert "put the newest copy from backups/ in its place" in refused.stderr
    copies[0].rename(store)
    muster("run", "--as-of", AS_OF)
    store.unlink()
    assert "stewardship.sqlite" in muster("init").stdout
    muster("run", "--as-of", AS_OF)
    assert muster.ask("SELECT received_at FROM quality.submissions").rows() == before
