"""The desk with many submissions and rows, read by several people at once while a run writes.

What stays out: the run itself. What a run does to readers is that it puts another warehouse in the
place of the one they read, and takes processor time; a process that publishes the same tables over
and over does both, more often than any run.
"""

import asyncio
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import polars as pl
from homes import FULL, Size

sys.path.append(str(Path(__file__).parents[1] / "support"))

from desk_home import FORCE, PASSWORD, add_account, made_home, usual_rows

from pipeline import tables
from pipeline.storage.home import Home
from pipeline.storage.warehouse import publish, read_table
from pipeline.tables import Table
from pipeline.vocabulary import Role

_NOW = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
_RULES = ("too_many_unanswered", "wave_unknown", "completed_in_future", "participant_not_enrolled")
_CHECKS = 12
_PAUSE = 1.0
_PAGES = (
    "/",
    "/submissions",
    "/submissions?show=all&page=40",
    "/submissions/{one}",
    "/submissions/{one}?page=4",
    "/submissions/{one}/return",
    "/overdue",
    "/trail",
    "/texts",
)


@dataclass(frozen=True)
class Load:
    submissions: int
    rows: int
    readers: int
    rounds: int


_LOADS = {True: Load(2_000, 200_000, 20, 5), False: Load(20, 2_000, 2, 1)}


def desk(size: Size) -> str:
    """What readers wait for a page, with nobody else, all at once, and while warehouses are put."""
    load = _LOADS[size is FULL]
    with TemporaryDirectory() as folder:
        home, frames = _home(Path(folder) / "home", load)
        alone = _measured(home, load, frames, readers=1, writing=False, pause=0)
        together = _measured(home, load, frames, readers=load.readers, writing=False, pause=_PAUSE)
        beside = _measured(home, load, frames, readers=load.readers, writing=True, pause=_PAUSE)
        at_once = _measured(home, load, frames, readers=load.readers, writing=True, pause=0)
    rows = "\n".join(
        f"| `{page}` | {_ms(alone[page])} | {_ms(together[page])} | {_ms(beside[page])} "
        f"| {_ms(at_once[page])} |"
        for page in _PAGES
    )
    every = [
        _ms([t for page in _PAGES for t in m[page]]) for m in (alone, together, beside, at_once)
    ]
    return f"""## The desk

{load.submissions:,} submissions, {load.rows:,} rows in quarantine; median milliseconds for a page,
and the slowest of a hundred in brackets. Readers read for a second between two pages, but for the
first and the last column. While it is written, another process puts the same warehouse in the place
of the one that is read, over and over: more than a run does.

| page | one reader | {load.readers} readers | and while it is written | and without a pause |
| --- | --- | --- | --- | --- |
{rows}
| all pages | {" | ".join(every)} |"""


def _ms(seconds: Sequence[float]) -> str:
    slow = sorted(seconds)[min(int(len(seconds) * 0.99), len(seconds) - 1)]
    return f"{1000 * statistics.median(seconds):.0f} ({1000 * slow:.0f})"


def _home(root: Path, load: Load) -> tuple[Home, dict[Table, pl.DataFrame]]:
    numbers = pl.int_range(load.submissions, eager=True)
    names = pl.Series([f"{FORCE}--source-{n % 40:02d}--{n:012x}" for n in numbers])
    submissions = pl.DataFrame(
        {
            "submission_id": names,
            "organisation": [f"simulated-force-{n % 60:02d}" for n in numbers],
            "source": [f"source-{n % 40:02d}" for n in numbers],
            "kind": "questionnaire",
            "file_name": "export ***.csv",
            "sha256": "0" * 64,
            "received_at": [_NOW - timedelta(hours=3 * n) for n in numbers],
            "place": load.submissions - numbers,
            "rows_in_file": 500,
            "rows_read": 500,
            "rows_accepted": 400,
            "rows_quarantined": 100,
            "rows_superseded": 0,
            "rows_held": 0,
            "rows_withdrawn": 0,
            "verdict": ["held" if n % 20 == 0 else "accepted_with_warnings" for n in numbers],
            "reason": "some rows are in quarantine; the sound ones count",
            "decided_by": "contract",
        }
    )
    of_each = load.rows // load.submissions
    quarantine = pl.DataFrame(
        {
            "submission_id": names.gather([n for n in numbers for _ in range(of_each)]),
            "row_number": list(range(2, of_each + 2)) * load.submissions,
            "rule": [_RULES[n % len(_RULES)] for n in range(load.submissions * of_each)],
            "column_name": "Q1",
            "severity": "reject",
            "wave": "baseline",
            "instrument": "phq4",
            "status": "open",
        }
    )
    checks = pl.DataFrame(
        {
            "submission_id": names.gather([n for n in numbers for _ in range(_CHECKS)]),
            "contract": "questionnaire_phq4",
            "expectation": [f"expectation_{n:02d}" for n in range(_CHECKS)] * load.submissions,
            "column_name": "share_quarantined",
            "severity": "held",
            "passed": [n > 0 for n in range(_CHECKS)] * load.submissions,
            "observed": 0.2,
            "sentence": "a large share of rows broke rules; look at them",
        }
    )
    home = made_home(root)
    add_account(home, "a.steward", Role.STEWARD)
    frames = {
        table: table.conform(pl.DataFrame(rows, schema_overrides=dict(table.frame_schema)))
        if rows
        else table.empty()
        for table, rows in usual_rows().items()
    }
    frames[tables.SUBMISSIONS] = tables.SUBMISSIONS.conform(submissions)
    frames[tables.QUARANTINE] = tables.QUARANTINE.conform(quarantine)
    frames[tables.CHECKS] = tables.CHECKS.conform(checks)
    publish(home.warehouse, frames)
    return home, frames


def _measured(
    home: Home,
    load: Load,
    frames: dict[Table, pl.DataFrame],
    *,
    readers: int,
    writing: bool,
    pause: float,
) -> dict[str, list[float]]:
    port = _free_port()
    served = subprocess.Popen(
        [str(Path(sys.executable).with_name("muster")), "desk", "--port", str(port)],
        env={**os.environ, "MUSTER_HOME": str(home.root)},
        stdout=subprocess.PIPE,
        text=True,
    )
    writer = subprocess.Popen([sys.executable, __file__, str(home.warehouse)]) if writing else None
    try:
        assert served.stdout is not None
        served.stdout.readline()
        one = frames[tables.SUBMISSIONS]["submission_id"][0]
        took = asyncio.run(_read(f"http://127.0.0.1:{port}", one, readers, load.rounds, pause))
        assert served.poll() is None, "the desk ended by itself"
        return took
    finally:
        for process in (served, *([writer] if writer else [])):
            process.send_signal(signal.SIGTERM)
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _read(
    address: str, one: str, readers: int, rounds: int, pause: float
) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {page: [] for page in _PAGES}
    async with httpx.AsyncClient(base_url=address, timeout=120) as client:
        page = await client.get("/sign-in")
        token = re.search(r'name="token" value="([^"]+)"', page.text)
        assert token is not None
        form = {"token": token[1], "name": "a.steward", "password": PASSWORD}
        assert (await client.post("/sign-in", data=form)).status_code == 303

        async def reader(number: int) -> None:
            await asyncio.sleep(pause * number / readers)
            for n in range(rounds * len(_PAGES)):
                page = _PAGES[(n + number) % len(_PAGES)]
                began = time.perf_counter()
                answer = await client.get(page.format(one=one))
                took[page].append(time.perf_counter() - began)
                assert answer.status_code == 200, (page, answer.status_code)
                await asyncio.sleep(pause)

        # The first page of all is read once without being counted: templates are made then.
        await client.get("/")
        await asyncio.gather(*(reader(number) for number in range(readers)))
    return took


def _write(warehouse: Path) -> None:
    """Put the same warehouse in its own place, over and over, until this process is ended."""
    frames = {table: read_table(warehouse, table) for table in usual_rows()}
    while True:
        publish(warehouse, frames)


if __name__ == "__main__":
    _write(Path(sys.argv[1]))
