"""Rotating the key of an evaluated home: same figures, no landing file, and killed at any point."""

import random
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from crashes import NEEDS_A_STEWARD, CrashHouse, RunServer
from homes import query, table_hashes

from pipeline.intake import PSEUDONYMS
from pipeline.storage.home import Home
from pipeline.vocabulary import EntryKind

ROTATE = ("key", "rotate", "--steward", "data.steward")
SEED = 20261126
POINTS = 12


@dataclass
class House:
    """A home that was evaluated, and whose exports have gone from landing since."""

    folder: Path
    before: Path
    server: RunServer

    def copy(self, name: str) -> Home:
        shutil.copytree(self.before, self.folder / name)
        return Home(self.folder / name)

    def rotate(self, home: Home, dies: list[Any] | None = None) -> dict[str, Any]:
        return self.server.run(home.root, dies, ROTATE)

    def run(self, home: Home) -> None:
        answer = self.server.run(home.root)
        assert answer["code"] == NEEDS_A_STEWARD, answer


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("rotation")
    server = RunServer()
    before = CrashHouse(folder / "crashes", server).undisturbed
    shutil.rmtree(before / "landing")
    (before / "landing").mkdir()
    yield House(folder, before, server)
    server.close()


@pytest.fixture(scope="module")
def rotated(house: House) -> tuple[Home, dict[str, Any]]:
    home = house.copy("undisturbed")
    answer = house.rotate(home)
    assert answer["code"] == 0, answer
    return home, answer


def _state(home: Home) -> tuple[int, list[str]]:
    """Version of keys and of every pseudonym in the lake, and which submissions there are."""
    home = Home(home.root)
    records, version = home.lake.records(), len(home.proven_keys())
    frames = [
        frame
        for record in records
        if record.problem is None
        for _, frame in home.lake.frames(record.submission_id)
    ]
    texts = pl.concat(
        frame[name].drop_nulls() for frame in frames for name in PSEUDONYMS if name in frame.columns
    )
    assert len(texts) > 100
    assert set(texts.str.extract(r"^v(\d+)-")) == {str(version)}, "pseudonyms of two keys at once"
    return version, [record.submission_id for record in records]


def _left_over(home: Home) -> list[str]:
    leftovers = (".writing-", ".replaced-", "next-key-")
    return [path.name for path in home.root.rglob("*") if path.name.startswith(leftovers)]


def _figures(home: Home) -> dict[str, str]:
    hashes = table_hashes(home.warehouse)
    return {name: digest for name, digest in hashes.items() if name.startswith("evaluation.")}


def test_every_evaluation_figure_is_the_same_after_a_rotation_and_a_run(house: House, rotated):
    home, _ = rotated
    before = Home(house.before)
    assert _figures(home) == _figures(before), "the snapshot is of before until the next run"
    house.run(home)
    assert len(_figures(home)) > 10
    assert _figures(home) == _figures(before)
    changed = {
        name
        for name, digest in table_hashes(home.warehouse).items()
        if digest != table_hashes(before.warehouse)[name]
    }
    assert changed >= {"core.participants", "core.responses"}, "but every pseudonym is another"
    for table in ("participants", "responses", "scores", "participant_waves", "memberships"):
        ids = query(home.warehouse, f"SELECT participant_id FROM core.{table}").to_series()
        old = query(before.warehouse, f"SELECT participant_id FROM core.{table}").to_series()
        assert ids.str.starts_with("v2-").all()
        carried = home.pseudonymiser().carried_on(old)
        assert sorted(carried) == sorted(ids)
    assert list((home.root / "landing").iterdir()) == []


def test_no_byte_of_the_home_holds_an_old_pseudonym_after_the_run(house: House, rotated):
    home, _ = rotated
    house.run(home)
    old = query(house.before / "warehouse.duckdb", "SELECT participant_id FROM core.participants")
    some = old.to_series().str.slice(3, 20).to_list()
    assert some
    for path in home.root.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(digits.encode() in content for digits in some), path.name


def test_killed_at_any_point_the_old_or_the_new_pseudonyms_are_in_force(house: House, rotated):
    _, answer = rotated
    luck = random.Random(SEED)
    writes = luck.sample(range(1, answer["writes"] + 1), POINTS * 2 // 3)
    points = [["write", n] for n in writes]
    points += [["after", luck.uniform(0, answer["seconds"])] for _ in range(POINTS - len(writes))]
    _, submissions = _state(Home(house.before))
    figures, seen = _figures(Home(house.before)), []
    for point in points:
        home = house.copy("trial")
        killed = house.rotate(home, point)["killed"]
        version, found = _state(home)
        assert found == submissions, point
        house.run(home)
        assert _state(home) == (version, submissions), point
        assert _left_over(home) == [], point
        assert _figures(home) == figures, point
        entries = home.stewardship.entries(EntryKind.KEY_ROTATED)
        assert [entry.body["version"] for entry in entries] == list(range(2, version + 1)), point
        assert house.rotate(home)["code"] == 0, point
        assert _state(home) == (version + 1, submissions), point
        seen.append((version, killed))
        shutil.rmtree(home.root)
    assert sum(killed for _, killed in seen) >= POINTS * 2 / 3, "too few points lay within it"
    assert (1, True) in seen, "some were killed before it took effect"


def test_killed_at_each_of_the_last_changes_it_has_taken_effect_or_not(house: House, rotated):
    """The moments around the one rename, none of them left to luck."""
    _, answer = rotated
    versions = []
    for number in range(answer["writes"] - 25, answer["writes"] + 1):
        home = house.copy("trial")
        assert house.rotate(home, ["write", number])["killed"]
        version, _ = _state(home)
        Home(home.root).recover()
        assert _state(home)[0] == version
        assert _left_over(home) == []
        versions.append(version)
        shutil.rmtree(home.root)
    assert versions == sorted(versions)
    assert set(versions) == {1, 2}


def test_a_reader_sees_the_old_or_the_new_while_it_happens(house: House):
    home = house.copy("read")
    expected = [record.submission_id for record in home.lake.records()]
    answers: list[dict[str, Any]] = []
    rotating = threading.Thread(target=lambda: answers.append(house.rotate(home)))
    rotating.start()
    versions = []
    while rotating.is_alive():
        reader = Home(home.root)
        assert [record.submission_id for record in reader.lake.records()] == expected
        versions.append(len(reader.proven_keys()))
    rotating.join()
    assert answers[0]["code"] == 0
    assert versions == sorted(versions)
    assert versions[0] == 1
    assert len(Home(home.root).proven_keys()) == 2
