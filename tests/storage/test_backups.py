"""Copies of a home: whole or not at all, without keys or landing, and a home again."""

import json
import shutil
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from small_programme import PROGRAMME

from pipeline.programme import UnusableConfiguration
from pipeline.storage import backups
from pipeline.storage.backups import back_up, listed, problems, read, restore, thin_out
from pipeline.storage.home import Home

NOW = datetime(2026, 3, 1, 21, 5, tzinfo=UTC)
CANARY = "SIMCANARY01"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.create(PROGRAMME)
    made.stewardship.receive([("one", NOW)], NOW)
    (made.landing / "simulated-force-01").mkdir()
    (made.landing / "simulated-force-01" / "answers.csv").write_text(f"Number\n{CANARY}\n")
    (made.root / "sources" / "simulated-force-01").mkdir()
    (made.root / "sources" / "simulated-force-01" / "answers.yaml").write_text("platform: plain\n")
    (made.root / "lake" / "submissions" / "one").mkdir(parents=True)
    accepted = made.root / "lake/submissions/one/accepted.parquet"
    pl.DataFrame({"n": [1, 2]}).write_parquet(accepted)
    said = {"record": {}, "files": {accepted.name: accepted.stat().st_size}}
    accepted.with_name("submission.json").write_text(json.dumps(said))
    (made.root / "releases" / "spring").mkdir()
    (made.root / "releases" / "spring" / "manifest.json").write_text("{}")
    (made.root / "releases" / "spring" / "manifest.json").chmod(0o444)
    (made.root / "releases" / "spring").chmod(0o555)
    (made.root / "warehouse.duckdb").write_bytes(b"made again")
    (made.root / "notices.yaml").write_text("{}\n")
    return Home(made.root)


def _names(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_a_copy_holds_what_is_needed_and_neither_keys_nor_landing(
    home: Home, tmp_path: Path
) -> None:
    made = back_up(home, tmp_path / "disk", NOW)
    assert made.folder.name == "muster-2026-03-01T210500Z"
    assert _names(made.folder) == {
        "backup.json",
        "lake/submissions/one/accepted.parquet",
        "lake/submissions/one/submission.json",
        "notices.yaml",
        "programme.yaml",
        "releases/spring/manifest.json",
        "sources/mapping.schema.json",
        "sources/simulated-force-01/answers.yaml",
        "stewardship.sqlite",
    }
    key = next((home.root / "secrets").iterdir()).read_text().strip()
    everything = b"".join(p.read_bytes() for p in made.folder.rglob("*") if p.is_file())
    assert key.encode() not in everything
    assert CANARY.encode() not in everything
    assert made.folder.stat().st_mode & 0o777 == 0o700


def test_what_is_restored_is_what_was_copied(home: Home, tmp_path: Path) -> None:
    made = back_up(home, tmp_path / "disk", NOW)
    again = restore(made, tmp_path / "again", home.root / "secrets")
    for name in made.hashes:
        assert (again.root / name).read_bytes() == (made.folder / name).read_bytes(), name
    assert again.stewardship.receipts() == home.stewardship.receipts()
    assert again.programme == home.programme
    assert again.pseudonymiser().keys == home.pseudonymiser().keys
    assert not (again.root / "warehouse.duckdb").exists()
    assert (again.root / "stewardship.sqlite").stat().st_mode & 0o077 == 0
    for path in (again.root / "secrets").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


def test_files_that_did_not_change_are_shared_with_the_copy_before(
    home: Home, tmp_path: Path
) -> None:
    first = back_up(home, tmp_path / "disk", NOW)
    (home.root / "programme.yaml").write_text(PROGRAMME + "\n# another line\n")
    second = back_up(home, tmp_path / "disk", NOW + timedelta(days=1))
    rows = "lake/submissions/one/accepted.parquet"
    assert (first.folder / rows).samefile(second.folder / rows)
    assert not (first.folder / "programme.yaml").samefile(second.folder / "programme.yaml")
    assert problems(first) == problems(second) == []


def test_a_damaged_file_is_not_shared_but_copied_anew(home: Home, tmp_path: Path) -> None:
    first = back_up(home, tmp_path / "disk", NOW)
    rows = "lake/submissions/one/accepted.parquet"
    (first.folder / rows).write_bytes(b"rust")
    second = back_up(home, tmp_path / "disk", NOW + timedelta(days=1))
    assert problems(first) == [f"{rows} is not as it was written."]
    assert problems(second) == []


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_copy_that_is_not_whole_is_not_restored(home: Home, tmp_path: Path, damage: str) -> None:
    made = back_up(home, tmp_path / "disk", NOW)
    path = made.folder / "programme.yaml"
    if damage == "changed":
        path.write_text("programme: other\n")
    else:
        path.unlink()
    with pytest.raises(UnusableConfiguration, match=r"not whole.*programme\.yaml is"):
        restore(made, tmp_path / "again", None)
    assert not (tmp_path / "again").exists()


def test_with_the_keys_of_another_home_nothing_is_restored(home: Home, tmp_path: Path) -> None:
    home.settle_keys(NOW)
    made = back_up(home, tmp_path / "disk", NOW)
    other = Home(tmp_path / "other")
    other.create(PROGRAMME)
    with pytest.raises(UnusableConfiguration, match="key"):
        restore(made, tmp_path / "again", other.root / "secrets")
    assert not (tmp_path / "again").exists()


def test_a_folder_with_anything_in_it_is_not_restored_into(home: Home, tmp_path: Path) -> None:
    made = back_up(home, tmp_path / "disk", NOW)
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "mine.txt").write_text("mine")
    with pytest.raises(UnusableConfiguration, match="is not empty"):
        restore(made, tmp_path / "again", None)
    assert _names(tmp_path / "again") == {"mine.txt"}


def test_a_copy_in_the_home_itself_is_refused(home: Home) -> None:
    with pytest.raises(UnusableConfiguration, match="lost with it"):
        back_up(home, home.root / "backups", NOW)


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"format": 9}', '{"format": 1, "made_at": 3, "files": {}}']
)
def test_what_is_no_copy_is_refused_in_one_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "backup.json").write_text(content)
    with pytest.raises(UnusableConfiguration, match=r"no backup|another version"):
        read(tmp_path)


def test_older_copies_are_removed_and_nothing_else_is(home: Home, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    for day in range(4):
        back_up(home, disk, NOW + timedelta(days=day))
    (disk / "muster-notes").mkdir()
    shutil.copytree(listed(disk)[-1].folder, disk / "muster-kept-by-hand")
    removed = thin_out(disk, 2)
    assert removed == ["muster-2026-03-02T210500Z", "muster-2026-03-01T210500Z"]
    assert {path.name for path in disk.iterdir()} == {
        "muster-2026-03-04T210500Z",
        "muster-2026-03-03T210500Z",
        "muster-notes",
        "muster-kept-by-hand",
    }
    assert all(problems(backup) == [] for backup in listed(disk))


def test_a_killed_copy_is_not_there(home: Home, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    script = textwrap.dedent(
        """
        import sys, time
        from datetime import UTC, datetime
        from pathlib import Path
        from pipeline.storage import backups
        from pipeline.storage.home import Home
        copied = backups.shutil.copy2
        def slowly(source, target):
            copied(source, target)
            print("copied", flush=True)
            time.sleep(60)
        backups.shutil.copy2 = slowly
        backups.back_up(Home(Path(sys.argv[1])), Path(sys.argv[2]), datetime.now(UTC))
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(home.root), str(disk)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == b"copied\n"
        process.send_signal(signal.SIGKILL)
    assert listed(disk) == []
    assert back_up(home, disk, NOW).folder.is_dir()


def test_leftovers_of_killed_writers_are_not_copied(home: Home, tmp_path: Path) -> None:
    (home.root / "lake" / ".writing-1-x").mkdir()
    (home.root / "lake" / ".writing-1-x" / "rows.parquet").write_bytes(b"half")
    (home.root / "sources" / ".writing-2-y").write_bytes(b"half")
    made = back_up(home, tmp_path / "disk", NOW)
    assert not [name for name in made.hashes if ".writing" in name]


def test_the_manifest_names_every_file(home: Home, tmp_path: Path) -> None:
    made = back_up(home, tmp_path / "disk", NOW)
    written = json.loads((made.folder / backups.MANIFEST).read_text())
    assert set(written["files"]) == _names(made.folder) - {backups.MANIFEST}
    assert datetime.fromisoformat(written["made_at"]) == NOW
