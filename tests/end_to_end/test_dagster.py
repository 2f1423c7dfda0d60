"""Dagster's own commands start from the project root, with the settings that are kept there."""

import os
import subprocess
import sys
from pathlib import Path

from homes import PROJECT


def test_definitions_validate(tmp_path: Path):
    done = subprocess.run(
        [str(Path(sys.executable).parent / "dagster"), "definitions", "validate"],
        cwd=PROJECT,
        env={
            **os.environ,
            "DAGSTER_HOME": str(PROJECT),
            "MUSTER_DAGSTER": str(tmp_path / "dagster"),
            "MUSTER_HOME": str(tmp_path / "home"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Validation successful" in done.stdout + done.stderr


def test_definitions_validate_without_any_environment(tmp_path: Path):
    """As a newcomer types it in a fresh clone."""
    bare = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MUSTER", "DAGSTER"))
    }
    done = subprocess.run(
        [str(Path(sys.executable).parent / "dagster"), "definitions", "validate"],
        cwd=PROJECT,
        env=bare,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
