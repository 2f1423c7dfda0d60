"""The real daemon, page and desk for half an hour, with a file dropped every few seconds.

What stays out: speed. What is asked is whether a file is missed, and whether memory grows.
"""

import hashlib
import signal
import statistics
import sys
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from homes import FULL, Size

sys.path.append(str(Path(__file__).parents[1] / "support"))

from serving import descendants, free_port, up
from small_programme import MAPPING, PROGRAMME

from pipeline import tables
from pipeline.orchestration.launch import instance_of
from pipeline.storage.home import Home
from pipeline.storage.warehouse import read_table

FORCE: Final = "simulated-force-01"
ROWS: Final = 20
SECONDS_BETWEEN: Final = 5.0
_SECONDS = {True: 30 * 60, False: 20}
_STAYING: Final = ("dagster-webserver", "dagster-daemon")
_CODE_SERVER: Final = "dagster api grpc"
_PATIENCE: Final = 600
"""Seconds after the last file in which all of them have to be there."""


@dataclass
class _Seen:
    """What was measured while it ran."""

    landed: dict[str, float] = field(default_factory=dict)
    """By the hash of each file, since names are masked where they look like somebody's number."""
    taken_in: dict[str, float] = field(default_factory=dict)
    memory: list[tuple[float, float]] = field(default_factory=list)
    """Seconds since the start, and MiB of the house: page, daemon and their code servers."""
    servers: set[int] = field(default_factory=set)
    """Code servers: Dagster's daemon takes a new one now and then."""
    ended: int = 0
    """Of page and daemon."""
    pages: int = 0
    failed_pages: int = 0

    def look(self, home: Home, now: float) -> None:
        if home.warehouse.exists():
            for digest in read_table(home.warehouse, tables.SUBMISSIONS)["sha256"]:
                self.taken_in.setdefault(digest, now)


def soak(size: Size) -> str:
    """Drop files, read the page, watch memory; then see whether everything arrived."""
    seconds = _SECONDS[size is FULL]
    with TemporaryDirectory() as folder:
        home = _home(Path(folder) / "home")
        port = free_port()
        with up(home.root, port) as process:
            try:
                assert process.stdout is not None
                process.stdout.readline()
                seen = _watched(home, process.pid, port, seconds)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait()
        runs = _runs(home)
        rows = read_table(home.warehouse, tables.RESPONSES).height
        held = sum(path.stat().st_size for path in (home.root / "dagster").rglob("*.db"))
    missed = [file for file in seen.landed if file not in seen.taken_in]
    waited = [seen.taken_in[file] - at for file, at in seen.landed.items() if file in seen.taken_in]
    return f"""## Soak

`muster up` with its daemon and page for {seconds / 60:.0f} minutes; a file of {ROWS} answers is \
put into landing every {SECONDS_BETWEEN:.0f} seconds and the page of the latest runs is read as \
often. Memory is the sum of what the page, the daemon and their code servers hold (proportional \
set size), without the runs that come and go; each tenth of the time has its median.

| | |
| --- | --- |
| files put into landing | {len(seen.landed)} |
| files missed | **{len(missed)}** |
| answers in the warehouse | {rows:,} of {len(seen.landed) * ROWS:,} |
| runs, and of them failed | {len(runs)}, {sum(status != "SUCCESS" for status in runs)} |
| page or daemon ended by itself | {seen.ended} |
| code servers, one after the other | {len(seen.servers)} |
| pages read, and of them failed | {seen.pages}, {seen.failed_pages} |
| seconds from landing to warehouse, median and slowest | {statistics.median(waited):.0f}, \
{max(waited):.0f} |
| Dagster's history afterwards, MiB | {held / 2**20:.0f} |
| memory by tenths of the time, MiB | {", ".join(_tenths(seen.memory, seconds))} |"""


def _home(root: Path) -> Home:
    for folder in ("sources", "landing"):
        (root / folder / FORCE).mkdir(parents=True)
    (root / "sources" / FORCE / "answers.yaml").write_text(MAPPING)
    home = Home(root)
    home.create(PROGRAMME)
    return home


def _watched(home: Home, pid: int, port: int, seconds: float) -> _Seen:
    _until_the_page_answers(port)
    house = _called(pid, *_STAYING)
    seen, started, next_file = _Seen(), time.monotonic(), 0.0
    while (now := time.monotonic() - started) < seconds:
        if now >= next_file:
            next_file += SECONDS_BETWEEN
            seen.landed[_land(home, len(seen.landed))] = now
            seen.pages += 1
            seen.failed_pages += not _page_answers(port)
        servers = _called(pid, _CODE_SERVER)
        seen.servers |= servers
        seen.memory.append((now, _mebibytes({pid} | house | servers)))
        seen.look(home, now)
        time.sleep(1)
    seen.ended = len(house - _called(pid, *_STAYING))
    while len(seen.taken_in) < len(seen.landed) and now < seconds + _PATIENCE:
        time.sleep(1)
        now = time.monotonic() - started
        seen.look(home, now)
    return seen


def _called(pid: int, *names: str) -> set[int]:
    """Descendants of a process whose command line has one of these words in it."""
    found = set()
    for child in descendants(pid):
        # One that ended meanwhile is called nothing.
        with suppress(OSError):
            command = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            if any(name in command for name in names):
                found.add(child)
    return found


def _until_the_page_answers(port: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not _page_answers(port):
        if time.monotonic() > deadline:
            raise RuntimeError("the page does not answer")
        time.sleep(1)


def _land(home: Home, number: int) -> str:
    """Put a file into landing; its hash."""
    name = f"answers {number}.csv"
    first = number * ROWS
    rows = [
        ",".join(
            [f"SIMB{n:06d}", "Start", "2025-01-06", *(str(n // 4**place % 4) for place in range(4))]
        )
        for n in range(first, first + ROWS)
    ]
    path = home.landing / FORCE / name
    beside = path.with_name(f".{name}")
    content = ("\n".join(["Number,Wave,Done,Q1,Q2,Q3,Q4", *rows]) + "\n").encode()
    beside.write_bytes(content)
    beside.rename(path)
    return hashlib.sha256(content).hexdigest()


def _page_answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/runs", timeout=30) as answer:
            return answer.status == 200
    except OSError:
        return False


def _mebibytes(processes: set[int]) -> float:
    total = 0
    for pid in processes:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            # It ended, which is counted.
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def _tenths(memory: Sequence[tuple[float, float]], seconds: float) -> list[str]:
    found = []
    for tenth in range(10):
        of_it = [m for at, m in memory if seconds * tenth / 10 <= at < seconds * (tenth + 1) / 10]
        found.append(f"{statistics.median(of_it):.0f}" if of_it else "-")
    return found


def _runs(home: Home) -> list[str]:
    with instance_of(home.root) as instance:
        return [run.status.value for run in instance.get_runs()]
