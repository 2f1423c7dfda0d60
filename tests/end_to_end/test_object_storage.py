"""A home whose lake lies on object storage gives what one does whose lake lies beside it."""

import io
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from crashes import NEEDS_A_STEWARD, CrashHouse
from forked import RunServer
from homes import files_holding, table_hashes
from object_storage import KEY_ID, SECRET, ObjectStorage, object_storage

from pipeline import cli
from pipeline.intake import PSEUDONYMS
from pipeline.storage.aside import home_aside
from pipeline.storage.home import Home

BUCKET = "simulated"
SHARES = (0.25, 0.5)
"""Of the time a run takes: while it takes files in and a little after."""
IDENTIFIERS = {f"SIMK{i:06d}" for i in range(40)}
WHO, FORCE = "SIMK000007", "simulated-force-01"
ERASE = ["withdraw", "erase", "--force", FORCE, "--reason", "asked", "--steward", "s", "--yes"]
ROTATE = ["key", "rotate", "--steward", "data.steward"]


@dataclass
class House:
    """Homes as `CrashHouse` makes them, with their lakes moved into a bucket."""

    crashes: CrashHouse
    server: RunServer
    storage: ObjectStorage
    folder: Path
    _numbers: Iterator[int]

    def home(self, of: Path | None = None) -> Path:
        """A home that has been evaluated once and has work to do, or a copy of another one."""
        number = next(self._numbers)
        root = Path(shutil.copytree(of or self.crashes.before, self.folder / f"home-{number}"))
        self.moved(root, f"s3://{BUCKET}/lakes/{number}")
        return root

    def moved(self, root: Path, to: str) -> None:
        # A process with credentials that is told nothing else than what an operator tells it.
        place = ["--to", to, "--endpoint", self.storage.endpoint, "--region", "eu-west-2"]
        said = self.server.run(root, arguments=["lake", "move", *place, "--allow-http"])
        assert said["code"] == 0, said

    def run(self, root: Path, dies: list[Any] | None = None) -> dict[str, Any]:
        return self.server.run(root, dies)

    def bucket(self, root: Path) -> dict[str, bytes]:
        """What the bucket holds of this home, by its name in the lake."""
        settings = Home(root).lake_settings
        assert settings is not None
        prefix = settings.place.removeprefix(f"s3://{BUCKET}/") + "/"
        found = self.storage.files(BUCKET).items()
        return {n.removeprefix(prefix): c for n, c in found if n.startswith(prefix)}

    def dumped(self, root: Path) -> Path:
        """The same as files, so that they can be searched."""
        folder = self.folder / f"bucket-{next(self._numbers)}"
        for name, content in self.bucket(root).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return folder


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("lakes")
    with object_storage() as storage:
        storage.make_bucket(BUCKET)
        server = RunServer()
        yield House(
            CrashHouse(folder / "crashes", server), server, storage, folder, itertools.count()
        )
        server.close()


@pytest.fixture(scope="module")
def evaluated(house: House) -> Path:
    """A home on object storage whose work is done; to be copied, not changed."""
    root = house.home()
    assert house.run(root)["code"] == NEEDS_A_STEWARD
    return root


def _hashes(root: Path) -> dict[str, str]:
    return table_hashes(root / "warehouse.duckdb")


def test_every_table_is_what_a_lake_beside_it_gives(house: House, evaluated: Path) -> None:
    """With files that are new, replaced by longer ones, and read again by another mapping."""
    assert _hashes(evaluated) == house.crashes.expected
    assert not (evaluated / "lake" / "submissions").exists()
    names = house.bucket(evaluated)
    assert sum(name.endswith("/submission.json") for name in names) >= 4
    assert {name.partition("/")[0] for name in names} == {"submissions", "key-checks.json"}


def test_no_identifier_is_in_the_bucket_and_no_credential_in_the_home(
    house: House, evaluated: Path
) -> None:
    assert files_holding(house.dumped(evaluated), IDENTIFIERS, set()) == {}
    held = files_holding(evaluated, IDENTIFIERS | {SECRET, KEY_ID}, {"landing"})
    assert held == {}


def test_a_second_run_takes_nothing_in_and_a_new_file_alone_is_put(house: House) -> None:
    root = house.home(house.crashes.undisturbed)
    before = house.storage.asked["PUT"]
    assert house.run(root)["code"] == NEEDS_A_STEWARD
    assert house.storage.asked["PUT"] == before
    answers = root / "landing" / FORCE / "answers new.csv"
    answers.write_text("Number,Wave,Done,Q1,Q2,Q3,Q4\nSIMK000003,Begin,2025-01-06,1,1,1,1\n")
    os.utime(answers, (1_750_000_000, 1_750_000_000))
    assert house.run(root)["code"] == NEEDS_A_STEWARD
    assert house.storage.asked["PUT"] - before == 4, "three frames and the record that names them"


def test_one_request_in_twenty_that_fails_changes_no_table(house: House) -> None:
    """Intake is spread over processes, each with connections of its own."""
    root = house.home()
    house.storage.failing, house.storage.failed = 0.05, 0
    try:
        assert house.run(root, ["spread", 600])["code"] == NEEDS_A_STEWARD
    finally:
        house.storage.failing = 0.0
    assert house.storage.failed > 0
    assert _hashes(root) == house.crashes.expected


def test_killed_anywhere_the_next_run_makes_the_same_tables(house: House) -> None:
    killed = 0
    for share in SHARES:
        root = house.home()
        killed += house.run(root, ["after", house.crashes.seconds * share])["killed"]
        assert house.run(root)["code"] == NEEDS_A_STEWARD, share
        assert _hashes(root) == house.crashes.expected, share
        assert Home(root).lake.recover() == 0, share
    assert killed >= len(SHARES) - 1, "no point lay within the run"


def test_an_erased_officer_is_gone_from_the_bucket(house: House) -> None:
    root = house.home(house.crashes.undisturbed)
    asked = pl.DataFrame({"home_force": [FORCE], "identifier": [WHO]})
    name = str(Home(root).pseudonymiser().participants(asked).item())
    assert files_holding(house.dumped(root), {name}, set()) != {}
    answer = house.server.run(root, arguments=ERASE, typed=f"{WHO}\n")
    assert answer["code"] == 0, answer
    assert files_holding(house.dumped(root), {name}, set()) == {}
    assert "erased.json" in house.bucket(root)
    assert house.run(root)["code"] == NEEDS_A_STEWARD
    assert files_holding(house.dumped(root), {name}, set()) == {}


def test_whoever_erases_is_told_of_older_versions(house: House, capsys, monkeypatch) -> None:
    root = house.home(house.crashes.undisturbed)
    monkeypatch.setattr("sys.argv", ["muster", *ERASE, "--home", str(root)])
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{WHO}\n"))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code in {None, 0}
    settings = Home(root).lake_settings
    assert settings is not None
    assert f"older versions of objects at {settings.at}" in capsys.readouterr().out


def test_a_rotated_key_leaves_no_older_pseudonym_there(house: House) -> None:
    root = house.home(house.crashes.undisturbed)
    ids = [r.submission_id for r in Home(root).lake.records()]
    assert house.server.run(root, arguments=ROTATE)["code"] == 0
    home = Home(root)
    assert home.lake.version == 2
    assert [r.submission_id for r in home.lake.records()] == ids
    assert {name.partition("/")[0] for name in house.bucket(root)} == {"v2"}
    frames = [
        f
        for r in home.lake.records()
        if not r.problem
        for _, f in home.lake.frames(r.submission_id)
    ]
    texts = pl.concat(f[n].drop_nulls() for f in frames for n in PSEUDONYMS if n in f.columns)
    assert len(texts) > 100
    assert set(texts.str.slice(0, 3)) == {"v2-"}
    assert house.run(root)["code"] == NEEDS_A_STEWARD
    figures = {n: h for n, h in _hashes(root).items() if n.startswith("evaluation.")}
    assert figures.items() <= house.crashes.expected.items()


def test_a_backup_has_the_lake_and_needs_no_bucket_to_be_restored(
    house: House, evaluated: Path, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    assert house.server.run(evaluated, arguments=["backup", "make", "--to", str(disk)])["code"] == 0
    (copy,) = disk.iterdir()
    manifest = json.loads((copy / "backup.json").read_text())["files"]
    in_the_lake = {f"lake/{name}" for name in house.bucket(evaluated)}
    assert in_the_lake <= manifest.keys()
    assert "lake.yaml" not in manifest
    new, keys = tmp_path / "new", evaluated / "secrets"
    restore = ["backup", "restore", str(copy), "--home", str(new), "--keys", str(keys)]
    assert house.server.run(new, arguments=restore)["code"] == 0
    shutil.rmtree(new / "landing")
    shutil.copytree(evaluated / "landing", new / "landing")
    asked = house.storage.asked.total()
    assert house.run(new)["code"] == NEEDS_A_STEWARD
    assert house.storage.asked.total() == asked, "it has a lake of its own"
    assert _hashes(new) == house.crashes.expected


def test_a_past_state_is_worked_out_of_a_copy(house: House, evaluated: Path) -> None:
    home = Home(evaluated)
    changes = house.storage.asked["PUT"] + house.storage.asked["POST"]
    with home_aside(home) as aside:
        assert aside.lake.records() == home.lake.records()
        aside.lake.forget(home.lake.records()[0].submission_id)
    assert house.storage.asked["PUT"] + house.storage.asked["POST"] == changes
    assert len(home.lake.records()) >= 4


def test_it_is_moved_back_and_nothing_stays(house: House) -> None:
    root = house.home()
    there = house.bucket(root)
    settings = Home(root).lake_settings
    assert house.server.run(root, arguments=["lake", "move", "--to", "home"])["code"] == 0
    assert settings is not None
    left = [
        n for n in house.storage.files(BUCKET) if f"s3://{BUCKET}/{n}".startswith(settings.at + "/")
    ]
    assert left == []
    assert not (root / "lake.yaml").exists()
    for name, content in there.items():
        assert (root / "lake" / name).read_bytes() == content
    assert len(Home(root).lake.records()) == sum(n.endswith("submission.json") for n in there)


def test_any_tool_may_copy_it_since_the_names_are_the_same(house: House) -> None:
    root = house.home(house.crashes.undisturbed)
    for name, content in house.bucket(root).items():
        assert (house.crashes.undisturbed / "lake" / name).read_bytes() == content
    assert Home(root).lake.records() == Home(house.crashes.undisturbed).lake.records()


def test_a_move_that_was_cut_short_is_called_again(house: House) -> None:
    root = Path(shutil.copytree(house.crashes.before, house.folder / "cut-short"))
    to = f"s3://{BUCKET}/lakes/cut-short"
    # Part of it was removed from the home folder, or nothing was, when it was killed.
    kept = Path(shutil.copytree(root / "lake", house.folder / "kept"))
    house.moved(root, to)
    shutil.copytree(kept / "submissions", root / "lake" / "submissions")
    assert house.run(root)["code"] == 2, "the lake lies in two places"
    shutil.rmtree(next((root / "lake" / "submissions").iterdir()))
    house.moved(root, to)
    assert not (root / "lake" / "submissions").exists()
    assert Home(root).lake.records() == Home(house.crashes.before).lake.records()


def test_a_lake_of_another_home_is_never_moved_into(house: House) -> None:
    one, other = house.home(), house.crashes.copy("stranger")
    shutil.rmtree(next((other / "lake" / "submissions").iterdir()))
    settings = Home(one).lake_settings
    assert settings is not None
    before = house.bucket(one)
    place = ["--to", settings.at, "--endpoint", house.storage.endpoint, "--allow-http"]
    assert house.server.run(other, arguments=["lake", "move", *place])["code"] == 2
    assert house.bucket(one) == before
    assert not (other / "lake.yaml").exists()


def test_no_bucket_and_refused_credentials_end_in_one_sentence(
    house: House, evaluated: Path, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    root = house.folder / "no-bucket"
    shutil.copytree(evaluated, root)
    before = _hashes(root)

    def said(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["muster", *arguments, "--home", str(root)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 2
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1
        assert SECRET not in captured.err + captured.out
        assert KEY_ID not in captured.err + captured.out
        return captured.err

    house.storage.refusing = True
    try:
        for command in (["run"], ["lake", "where"], ["key", "check"]):
            assert "refuses access" in said(*command)
    finally:
        house.storage.refusing = False
    (root / "lake.yaml").write_text(house.storage.settings("s3://nobodys/lake"))
    for command in (["run"], ["lake", "where"], ["key", "rotate"], ["backup", "make", "--to", "x"]):
        assert "no bucket or container for s3://nobodys/lake" in said(*command)
    assert _hashes(root) == before
