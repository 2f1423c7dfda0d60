"""Killing runs at random points, and whether the next run makes of it what an undisturbed one does.

A home has been evaluated once. Then a file arrives, another is replaced by a longer one, a mapping
changes so that everything is taken in again, and a steward decides. From there on every trial runs
`muster run`, kills it somewhere, runs it again, and compares every table of the warehouse.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from forked import RunServer
from homes import PROJECT, table_hashes
from small_programme import MAPPING, PROGRAMME, ROSTER

from pipeline import reference
from pipeline.storage.home import Home

NEEDS_A_STEWARD = 1
"""What a run says by its exit code here: one of the files is held."""

TABLES = 16
"""DuckDB fills about as many; a number beyond the last kills nothing, which is a trial as well."""


@dataclass(frozen=True)
class Trial:
    """Where a run was killed, and whether the next one made what an undisturbed one makes."""

    dies: list[Any]
    killed: bool
    equal: bool
    left_over: list[str]


class CrashHouse:
    """The home that every trial begins with, and what an undisturbed run makes of it."""

    def __init__(self, folder: Path, server: RunServer) -> None:
        self._folder, self._server = folder, server
        self.before = folder / "before"
        _evaluated_once(self.before, server)
        _changed(self.before)
        self.undisturbed = self.copy("undisturbed")
        answer = server.run(self.undisturbed)
        assert answer["code"] == NEEDS_A_STEWARD, answer
        self.writes: int = answer["writes"]
        self.seconds: float = answer["seconds"]
        self.expected = table_hashes(self.undisturbed / "warehouse.duckdb")
        assert self.expected != table_hashes(self.before / "warehouse.duckdb")
        # When files were received cannot be worked out again, so it is given: see
        # docs/operations.md, on restoring.
        shutil.copy(self.undisturbed / "stewardship.sqlite", self.before)

    def points(self, number: int, seed: int) -> list[list[Any]]:
        return places_to_die(number, seed, self.writes, self.seconds)

    def trial(self, dies: list[Any]) -> Trial:
        home = self.copy("trial")
        try:
            return self.outcome(home, dies, killed=self.kill(home, dies))
        finally:
            shutil.rmtree(home)

    def kill(self, home: Path, dies: list[Any]) -> bool:
        """Run and die there; whether the run had not ended before."""
        return self._server.run(home, dies)["killed"]

    def outcome(self, home: Path, dies: list[Any], *, killed: bool) -> Trial:
        """What one more run makes of a home whose run was killed."""
        recovered = self._server.run(home)
        assert recovered["code"] == NEEDS_A_STEWARD, recovered
        left = [
            str(path.relative_to(home))
            for path in home.rglob("*")
            if path.name.startswith((".writing-", ".replaced-"))
        ]
        equal = table_hashes(home / "warehouse.duckdb") == self.expected
        return Trial(dies, killed, equal, left)

    def daemon_trial(self, seconds: float) -> Trial:
        """The same with Dagster's daemon, killed with all its processes once its run is at work."""
        home = self.copy("daemon")
        alive = home / "dagster" / "alive"
        shutil.rmtree(alive, ignore_errors=True)
        environment = {
            **os.environ,
            "DAGSTER_HOME": str(PROJECT),
            "MUSTER_HOME": str(home),
            "MUSTER_DAGSTER": str(home / "dagster"),
            "DAGSTER_DISABLE_TELEMETRY": "1",
        }
        daemon = subprocess.Popen(
            [
                str(Path(sys.executable).parent / "dagster-daemon"),
                *("run", "-w", str(PROJECT / "workspace.yaml")),
            ],
            env=environment,
            cwd=home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + 120
            while not (alive.is_dir() and any(alive.iterdir())):
                assert daemon.poll() is None, "the daemon ended by itself"
                assert time.monotonic() < deadline, "the daemon started no run"
                time.sleep(0.05)
            time.sleep(seconds)
        finally:
            os.killpg(daemon.pid, signal.SIGKILL)
            daemon.wait()
        try:
            return self.outcome(home, ["daemon", seconds], killed=True)
        finally:
            shutil.rmtree(home)

    def copy(self, name: str) -> Path:
        home = self._folder / name
        shutil.copytree(self.before, home)
        return home


def places_to_die(number: int, seed: int, writes: int, seconds: float) -> list[list[Any]]:
    """Random places: half at changes of files, a quarter each in DuckDB and anywhere.

    `writes` and `seconds` are how many changes an undisturbed command makes, and how long it takes.
    """
    luck = random.Random(seed)
    kinds = ["write", "table", "write", "after"]
    found: list[list[Any]] = []
    for place in range(number):
        match kinds[place % len(kinds)]:
            case "write":
                found.append(["write", luck.randint(1, writes)])
            case "table":
                found.append(["table", luck.randint(1, TABLES), luck.uniform(0, 0.02)])
            case _:
                found.append(["after", luck.uniform(0, seconds)])
    return found


def _evaluated_once(root: Path, server: RunServer) -> None:
    home = Home(root)
    sources = root / "sources" / "simulated-force-01"
    sources.mkdir(parents=True)
    (root / "programme.yaml").write_text(PROGRAMME + "thresholds: {unlinked_hold: 0.1}\n")
    (sources / "answers.yaml").write_text(MAPPING.replace("incremental", "cumulative"))
    (sources / "roster.yaml").write_text(ROSTER)
    home.create(reference.example_programme())
    _land(root, "roster.csv", "Number,Group,Enrolled", _roster(30), day=1)
    _land(root, "answers 1.csv", "Number,Wave,Done,Q1,Q2,Q3,Q4", _answers(20), day=2)
    assert server.run(root)["code"] == 0


def _changed(root: Path) -> None:
    """What the disturbed run has to deal with."""
    sources = root / "sources" / "simulated-force-01"
    text = (sources / "answers.yaml").read_text()
    (sources / "answers.yaml").write_text(
        text.replace("Start: baseline", "Begin: baseline, Start: baseline")
    )
    rows = [*_answers(34), "SIMK000039,Start,2025-01-06,9,0,0,0", ",Start,2025-01-06,1,1,1,1"]
    _land(root, "answers 2.csv", "Number,Wave,Done,Q1,Q2,Q3,Q4", rows, day=3)
    _land(root, "roster.csv", "Number,Group,Enrolled", _roster(40), day=4)
    _land(root, "answers 3.csv", "Number,Mood", ["SIMK000001,low"], day=5)


def _roster(number: int) -> list[str]:
    return [f"SIMK{i:06d},G{i % 3},2025-01-0{1 + i % 5}" for i in range(number)]


def _answers(number: int) -> list[str]:
    return [
        f"SIMK{i:06d},{wave},{day},{i % 4},{(i * 3 + shift) % 4},{shift},{i % 3}"
        for i in range(number)
        for wave, day, shift in (("Start", "2025-01-06", 0), ("End", "2025-05-26", 1))
    ]


def _land(root: Path, name: str, headings: str, rows: list[str], *, day: int) -> None:
    path = root / "landing" / "simulated-force-01" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([headings, *rows]) + "\n")
    moment = (datetime(2025, 6, 1, tzinfo=UTC) + timedelta(days=day)).timestamp()
    os.utime(path, (moment, moment))
