"""Measuring commands as whole processes: alternating pairs, medians, spread and peak memory.

A figure is a ratio to a named reference in the same run; seconds alone say more about the machine
than about the code.
"""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Measured:
    """One process: the seconds it reports on its last line, or wall time; and its peak memory."""

    seconds: float
    wall: float
    peak_mib: float


def run_process(script: Path, *arguments: str) -> Measured:
    """Run a script that prints the seconds it wants counted as its last line."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, str(script), *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    printed = process.stdout.read()
    _, code, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode:
        raise RuntimeError(f"{script.name} ended with {process.returncode}")
    wall = time.monotonic() - started
    return Measured(float(printed.strip().splitlines()[-1]), wall, usage.ru_maxrss / 1024)


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median with minimum and maximum."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "polars", "dagster"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}; "
        f"Python {platform.python_version()}, {packages}"
    )
