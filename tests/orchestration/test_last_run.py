"""Every run puts down how it ended, also where a stage fails, and `muster health` says it."""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipeline.definitions import build_defs
from pipeline.orchestration.launch import instance_of, run_here
from pipeline.orchestration.mapper import InThisProcess
from pipeline.storage.home import Home
from pipeline.storage.last_run import begins, last_run

pytestmark = pytest.mark.filterwarnings("ignore")


class _Failing:
    def map(self, function, items):
        raise ValueError("simcanary")


def run(home: Home, mapper) -> bool:
    defs = build_defs(home.root, date(2025, 3, 1), mapper=mapper)
    with instance_of(home.root) as instance:
        new = [arrival.submission_id for arrival in home.arrivals()]
        return run_here(defs, instance, home, new).success


def health(home: Home, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("muster")), "health", *arguments],
        env={**os.environ, "MUSTER_HOME": str(home.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_how_runs_end_is_put_down_and_said(home: Home):
    assert health(home)[0] == 2
    assert health(home)[1].startswith("empty: There is no warehouse yet; `muster run` makes it.")

    assert not run(home, _Failing())
    assert last_run(home.last_run).ended_well is False
    assert not last_run(home.last_run).is_open
    assert health(home)[1].startswith("failed: The last run failed or was killed")

    assert run(home, InThisProcess())
    assert last_run(home.last_run).ended_well is True
    code, said = health(home, "--json")
    assert code == 0
    assert json.loads(said)["status"] == "ok"

    old = home.warehouse.stat().st_mtime - 5 * 3600
    os.utime(home.warehouse, (old, old))
    assert health(home)[0] == 0
    assert health(home, "--hours", "4")[0] == 1
    begins(home.last_run, datetime.now(UTC))
    assert health(home)[0] == 2
