"""What is imported when: help and a run with nothing to do must not wait for Dagster."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SLOW = ["dagster", "great_expectations", "polars", "duckdb", "pandas", "scipy", "numpy"]
SLOW += ["altair", "gptables", "vl_convert", "jinja2"]
SCRIPT = """
import json, sys
sys.argv = ["muster", *json.loads(sys.argv[1])]
import pipeline.cli
if sys.argv[1:]:
    try:
        pipeline.cli.main()
    except SystemExit as ended:
        print("ended with", ended.code)
loaded = {name.partition(".")[0] for name in sys.modules}
print(json.dumps(sorted(loaded)))
"""


def _loaded(*arguments: str, home: Path | None = None) -> tuple[str, set[str]]:
    """What `muster` says and the packages that it imported; with no arguments, just the import."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(arguments)],
        env={**os.environ, "PYTHONPATH": str(PROJECT), "MUSTER_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    *said, modules = done.stdout.splitlines()
    return "\n".join(said), set(json.loads(modules))


@pytest.mark.parametrize("arguments", [(), ("--help",), ("run", "--help"), ("up", "--help")])
def test_help_imports_nothing_that_is_slow(arguments):
    said, loaded = _loaded(*arguments)
    assert "typer" in loaded
    assert loaded.isdisjoint(SLOW)
    if arguments:
        assert "Usage: muster" in said


def test_a_run_with_nothing_new_imports_neither_dagster_nor_great_expectations(evaluated):
    assert evaluated.first_run.returncode == 0
    said, loaded = _loaded("run", "--as-of", "2025-03-01", home=evaluated.home)
    assert "Nothing new" in said
    assert "ended with 0" in said
    assert "duckdb" in loaded, "it did look at the warehouse"
    assert loaded.isdisjoint({"dagster", "dagster_shared", "great_expectations", "pandas"})


def test_a_run_that_is_refused_imports_neither(tmp_path):
    said, loaded = _loaded("run", home=tmp_path / "missing")
    assert "ended with 2" in said
    assert loaded.isdisjoint({"dagster", "great_expectations", "pandas"})
