"""The page that takes a newcomer from a file to accepted data is a true transcript."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
from homes import PROJECT

PAGE = PROJECT / "docs" / "onboarding.md"


def typed() -> list[tuple[str, list[str]]]:
    """Every command of the page, and the lines that it is said to answer; `...` is any number."""
    found: list[tuple[str, list[str]]] = []
    in_console = False
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("```"):
            in_console = line == "```console"
        elif in_console and line.startswith("$ "):
            found.append((line[2:], []))
        elif in_console:
            found[-1][1].append(line)
    return found


def test_the_page_says_what_happens(tmp_path: Path):
    commands = typed()
    assert len(commands) == 9
    environment = {
        **{name: value for name, value in os.environ.items() if name != "MUSTER_HOME"},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "200",
    }
    for command, expected in commands:
        done = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        # 1 says that something waits for a steward: a register without a mapping does.
        assert done.returncode in {0, 1}, (command, done.stderr)
        told = done.stdout.splitlines()
        for said in expected:
            if said == "...":
                continue
            assert said in told, (command, said, told)
            told = told[told.index(said) + 1 :]
    with duckdb.connect(tmp_path / "muster-home" / "warehouse.duckdb", read_only=True) as warehouse:
        verdicts = dict(
            warehouse.execute(
                "SELECT source, verdict FROM quality.submissions "
                "WHERE organisation = 'simulated-force-06'"
            ).fetchall()
        )
    assert set(verdicts) == {"proqol5", "roster", "departures", "unmapped"}
    assert {verdicts[name][:8] for name in ("proqol5", "roster", "departures")} == {"accepted"}
    assert verdicts["unmapped"] == "held"
