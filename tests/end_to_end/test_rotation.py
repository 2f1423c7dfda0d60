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
from crashes import NEEDS_A_STEWARD, CrashHouse
from forked import RunServer
from homes import Muster, files_holding, query, table_hashes

from pipeline.intake import PSEUDONYMS
from pipeline.storage.home import Home
from pipeline.vocabulary import EntryKind

ROTATE = ("key", "rotate", "--steward", "data.steward")
SEED = 20261126
POINTS = 6


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


def test_every_evaluation_figure_is_the_same_after_a_rotation_and_a_run(muster: Muster):
    """With groups, transfers, departures and planted faults, as the demo simulates them."""
    as_of = ("--as-of", "2026-06-30")
    muster("demo", "--organisations", "4", "--participants", "200", *as_of)
    home = Home(muster.home)
    before = home.root / "before.duckdb"
    shutil.copy(home.warehouse, before)
    shutil.rmtree(home.landing)
    home.landing.mkdir()
    said = muster("key", "rotate").stdout
    assert "officers, rows and links between waves are as many as before" in said
    assert table_hashes(home.warehouse) == table_hashes(before), "until the next run"
    assert muster("run", *as_of, expected=muster._code()).stdout.startswith("0 new submissions")
    old, new = table_hashes(before), table_hashes(home.warehouse)
    assert query(before, "SELECT count(*) FROM core.participant_alias").item() > 0
    figures = {name for name in old if name.startswith("evaluation.")}
    assert {"evaluation.paired_change", "evaluation.attrition_model"} <= figures
    changed = {name for name in old if old[name] != new[name]}
    assert changed.isdisjoint(figures)
    assert changed.isdisjoint({"quality.submissions", "quality.checks", "core.organisations"})
    assert changed >= {"core.participants", "core.responses", "core.scores"}
    for table in ("participants", "responses", "participant_waves", "memberships", "attendance"):
        rows = f"SELECT participant_id FROM core.{table}"
        named = query(before, rows).to_series()
        carried = home.pseudonymiser().carried_on(named)
        assert sorted(carried) == sorted(query(home.warehouse, rows).to_series())
    before.unlink()
    assert files_holding(home.root, set(named), apart_from={"truth"}) == {}, "of the older key"


def test_killed_before_each_change_of_a_file_it_has_taken_effect_or_not(house: House):
    home = house.copy("undisturbed")
    answer = house.rotate(home)
    assert answer["code"] == 0, answer
    assert _state(home)[0] == 2
    _, submissions = _state(Home(house.before))
    versions = []
    for number in range(1, answer["writes"] + 1):
        home = house.copy("trial")
        assert house.rotate(home, ["write", number])["killed"]
        version, found = _state(home)
        assert found == submissions
        Home(home.root).recover()
        assert _state(home) == (version, submissions)
        assert _left_over(home) == []
        versions.append(version)
        shutil.rmtree(home.root)
    assert versions == sorted(versions)
    assert set(versions) == {1, 2}


def test_killed_at_any_moment_the_next_run_and_the_next_rotation_go_on(house: House):
    undisturbed = house.copy("measured")
    answer = house.rotate(undisturbed)
    luck = random.Random(SEED)
    points = [["write", luck.randint(2, answer["writes"])] for _ in range(POINTS // 2)]
    points += [["after", luck.uniform(0, answer["seconds"])] for _ in range(POINTS // 2)]
    figures, killed = _figures(Home(house.before)), 0
    for point in points:
        home = house.copy("trial")
        killed += house.rotate(home, point)["killed"]
        version, submissions = _state(home)
        house.run(home)
        assert _state(home) == (version, submissions), point
        assert _left_over(home) == [], point
        assert _figures(home) == figures, point
        entries = home.stewardship.entries(EntryKind.KEY_ROTATED)
        assert [entry.body["version"] for entry in entries] == list(range(2, version + 1)), point
        assert house.rotate(home)["code"] == 0, point
        assert _state(home) == (version + 1, submissions), point
        shutil.rmtree(home.root)
    assert killed >= POINTS / 2, "too few points lay within it"


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
