"""Killed anywhere while an officer is erased: they are there or gone, and the next run ends it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from crashes import places_to_die
from forked import AS_OF, RunServer
from homes import files_holding, table_hashes
from small_programme import MAPPING, PROGRAMME, ROSTER

from pipeline import reference
from pipeline.intake import WHOSE
from pipeline.storage.home import Home

FORCE, WHO = "simulated-force-01", "SIMK000007"
ERASE = ["withdraw", "erase", "--force", FORCE, "--reason", "asked", "--steward", "s", "--yes"]
RUN = ["run", "--as-of", AS_OF]
POINTS = 14
BEFORE_THE_TOMBSTONE = [["write", 1], ["after", 0.01]]
"""The command first opens the lock; most of its time lies behind the tombstone."""

SEED = 20261126
MAY_HOLD = {"landing", "stewardship.sqlite", "backups"}


@dataclass(frozen=True)
class Erasing:
    """A home with an officer in it, and what it is once they were erased undisturbed."""

    folder: Path
    server: RunServer
    name: str
    before: dict[str, str]
    after: dict[str, str]
    writes: int
    seconds: float

    def copy(self, name: str) -> Path:
        return Path(shutil.copytree(self.folder / "before", self.folder / name))

    def seen(self, home: Path) -> bool:
        """Whether a reader of the lake sees the officer."""
        here = Home(home)
        ids = [record.submission_id for record in here.lake.records()]
        rows = pl.concat(here.lake.rows(name, ids, WHOSE) for name in ("accepted",))
        return self.name in rows["participant_id"]


def tables_of(home: Path) -> dict[str, str]:
    """Hashes of all tables but what is said of the build: when somebody was erased is among it."""
    hashes = table_hashes(home / "warehouse.duckdb")
    del hashes["meta.build"]
    return hashes


@pytest.fixture(scope="module")
def erasing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Erasing]:
    folder = tmp_path_factory.mktemp("erasing")
    root, server = folder / "before", RunServer()
    for place in ("sources", "landing"):
        (root / place / FORCE).mkdir(parents=True)
    (root / "programme.yaml").write_text(PROGRAMME)
    (root / "sources" / FORCE / "answers.yaml").write_text(MAPPING)
    (root / "sources" / FORCE / "roster.yaml").write_text(ROSTER)
    numbers = [f"SIMK{n:06d}" for n in range(20)]
    files = {
        "roster": ["Number,Group,Enrolled", *(f"{n},G1,2025-01-02" for n in numbers)],
        "answers 1": [f"{n},Start,2025-01-06,0,1,2,{int(n[-1]) % 4}" for n in numbers],
        # One answer of theirs is in quarantine.
        "answers 2": [f"{n},End,2025-05-26,0,1,2,{9 if n == WHO else 1}" for n in numbers],
    }
    for name, rows in files.items():
        headings = [] if name == "roster" else ["Number,Wave,Done,Q1,Q2,Q3,Q4"]
        (root / "landing" / FORCE / f"{name}.csv").write_text("\n".join([*headings, *rows]))
    home = Home(root)
    home.create(reference.example_programme())
    assert server.run(root, arguments=RUN)["code"] in {0, 1}
    asked = pl.DataFrame({"home_force": [FORCE], "identifier": [WHO]})
    name = str(home.pseudonymiser().participants(asked).item())
    undisturbed = Path(shutil.copytree(root, folder / "undisturbed"))
    answer = server.run(undisturbed, arguments=ERASE, typed=f"{WHO}\n")
    assert answer["code"] == 0, answer
    yield Erasing(
        folder,
        server,
        name,
        tables_of(root),
        tables_of(undisturbed),
        answer["writes"],
        answer["seconds"],
    )
    server.close()


def test_an_undisturbed_erasure_leaves_no_byte(erasing: Erasing) -> None:
    held = files_holding(erasing.folder / "before", {erasing.name}, MAY_HOLD)
    assert {Path(path).parts[0] for path in held} == {"lake", "warehouse.duckdb"}
    home = erasing.folder / "undisturbed"
    assert files_holding(home, {erasing.name}, MAY_HOLD) == {}
    holding_tombstones = {
        Path(p).parts[0] for p in files_holding(home, {erasing.name}, {"landing"})
    }
    assert holding_tombstones == {"stewardship.sqlite", "backups"}
    assert files_holding(home, {WHO}, {"landing"}) == {}
    assert erasing.before != erasing.after


def test_a_killed_erasure_is_not_begun_or_done_and_never_half(erasing: Erasing) -> None:
    killed, committed, trials = 0, 0, []
    points = places_to_die(POINTS, SEED, erasing.writes, erasing.seconds)
    for place, dies in enumerate([*BEFORE_THE_TOMBSTONE, *points]):
        home = erasing.copy(f"trial {place}")
        killed += erasing.server.run(home, dies, ERASE, f"{WHO}\n")["killed"]
        is_erased = bool(Home(home).withdrawals().erased)
        committed += is_erased
        assert erasing.seen(home) != is_erased, dies
        assert tables_of(home) in (erasing.before, erasing.after), dies
        # A run ends what was begun; what was not begun is not begun by one.
        assert erasing.server.run(home, arguments=RUN)["code"] in {0, 1}
        assert tables_of(home) == (erasing.after if is_erased else erasing.before), dies
        if not is_erased:
            assert erasing.server.run(home, None, ERASE, f"{WHO}\n")["code"] == 0
        trials.append(_what_is_wrong(erasing, home, dies))
        shutil.rmtree(home)
    print(f"seed {SEED}: {killed} of {len(trials)} killed, {committed} after the tombstone")
    assert [wrong for wrong in trials if wrong] == []
    assert killed >= POINTS * 2 / 3, "too few of the points lay within the command"
    assert 0 < committed < len(trials), "some points lie before the tombstone and some after it"


def _what_is_wrong(erasing: Erasing, home: Path, dies: list[Any]) -> list[str]:
    left = [path.name for path in home.rglob("*") if path.name.startswith((".writing", ".repl"))]
    held = files_holding(home, {erasing.name}, MAY_HOLD)
    equal = tables_of(home) == erasing.after
    return [] if equal and not left and not held else [f"{dies}: {equal} {left} {sorted(held)}"]
