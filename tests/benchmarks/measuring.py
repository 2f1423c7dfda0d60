"""Measuring commands as whole processes: alternating pairs, medians, spread and peak memory.

A figure is a ratio to a named reference in the same run; seconds alone say more about the machine
than about the code.
"""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Measured:
    """One process: its wall time, peak memory, and what it said of itself on its last line."""

    wall: float
    peak_mib: float
    said: dict[str, Any]

    @property
    def seconds(self) -> float:
        """What a script counts: without its imports, for example."""
        return float(self.said["seconds"])


def run_script(script: Path, *arguments: str) -> Measured:
    """Run a script of this folder, whose last line is JSON."""
    return _run([sys.executable, str(script), *arguments], {}, {0}, is_script=True)


def run_muster(*arguments: str, environment: Mapping[str, str] | None = None) -> Measured:
    """Run the installed command; that something waits for a steward is no failure."""
    command = str(Path(sys.executable).with_name("muster"))
    return _run([command, *arguments], environment or {}, {0, 1}, is_script=False)


def run_muster_until_replaced(
    file: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> Measured:
    """Run the installed command until it has replaced a file, and kill it then.

    What it would go on with is left to the next run. One that ends sooner is measured to its end.
    """
    before = _identity(file)
    command = [str(Path(sys.executable).with_name("muster")), *arguments]
    started = time.monotonic()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, env={**os.environ, **(environment or {})}
    )
    while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
        if _identity(file) != before:
            break
        time.sleep(0.02)
    wall = time.monotonic() - started
    if not ended[0]:
        process.kill()
        ended = os.wait4(process.pid, 0)
    elif os.waitstatus_to_exitcode(ended[1]) not in {0, 1}:
        raise RuntimeError(f"muster ended with {os.waitstatus_to_exitcode(ended[1])}")
    process.returncode = os.waitstatus_to_exitcode(ended[1])
    return Measured(wall, ended[2].ru_maxrss / 1024, {})


def _identity(file: Path) -> int | None:
    return file.stat().st_ino if file.exists() else None


def _run(
    command: list[str], environment: Mapping[str, str], good: set[int], *, is_script: bool
) -> Measured:
    started = time.monotonic()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    assert process.stdout is not None
    printed = process.stdout.read()
    _, code, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode not in good:
        raise RuntimeError(f"{Path(command[0]).name} ended with {process.returncode}")
    said = json.loads(printed.strip().splitlines()[-1]) if is_script else {}
    return Measured(wall, usage.ru_maxrss / 1024, said)


def as_new(root: Path) -> None:
    """Remove everything that was made from landing."""
    for folder in ("lake", "dagster"):
        shutil.rmtree(root / folder, ignore_errors=True)
    for pattern in ("warehouse.duckdb*", "stewardship.sqlite*"):
        for path in root.glob(pattern):
            path.unlink()


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median with minimum and maximum."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def peak(measured: Sequence[Measured]) -> str:
    """The highest peak of memory of several processes, in MiB."""
    return f"{max(m.peak_mib for m in measured):.0f}"


def machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "polars", "dagster"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}; "
        f"Python {platform.python_version()}, {packages}"
    )
