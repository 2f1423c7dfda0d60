"""The desk with many submissions and rows, read by several people at once while runs write.

A real run made the home out of files in which half of the rows are broken. The runs that readers
have beside them take every file in again, since the mappings change before each of them.
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
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from homes import FULL, Size

sys.path.append(str(Path(__file__).parents[1] / "support"))

from desk_home import FORCE, PASSWORD, add_account
from small_programme import MAPPING, PROGRAMME

from pipeline import tables
from pipeline.storage.home import Home
from pipeline.storage.warehouse import read_table
from pipeline.vocabulary import Role

_SOURCES = 20
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
        home, one = _home(Path(folder) / "home", load)
        alone = _measured(home, load, one, readers=1, writing=False, pause=0)
        together = _measured(home, load, one, readers=load.readers, writing=False, pause=_PAUSE)
        beside = _measured(home, load, one, readers=load.readers, writing=True, pause=_PAUSE)
        at_once = _measured(home, load, one, readers=load.readers, writing=True, pause=0)
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
first and the last column. Beside a run: `muster run` takes all {load.submissions:,} files in again,
over and over, on the same two cores.

| page | one reader | {load.readers} readers | and beside a run | and without a pause |
| --- | --- | --- | --- | --- |
{rows}
| all pages | {" | ".join(every)} |"""


def _ms(seconds: Sequence[float]) -> str:
    slow = sorted(seconds)[min(int(len(seconds) * 0.99), len(seconds) - 1)]
    return f"{1000 * statistics.median(seconds):.0f} ({1000 * slow:.0f})"


def _home(root: Path, load: Load) -> tuple[Home, str]:
    """A home after its first run, and one submission of it."""
    home = Home(root)
    home.create(PROGRAMME)
    _map(home, "Last")
    broken = load.rows // load.submissions
    for number in range(load.submissions):
        path = home.landing / FORCE / f"s{number % _SOURCES:02d}-{number:05d}.csv"
        path.parent.mkdir(exist_ok=True)
        waves = ["Nowhere"] * broken + ["Start"] * broken
        rows = [
            f"SIM{number:05d}{n:04d},{wave},2025-01-06,0,1,2,{n % 4}"
            for n, wave in enumerate(waves)
        ]
        path.write_text("\n".join(["Number,Wave,Done,Q1,Q2,Q3,Q4", *rows]))
        os.utime(path, (1_735_800_000 + number, 1_735_800_000 + number))
    _run(home, expected={0, 1})
    add_account(home, "a.steward", Role.STEWARD)
    submissions = read_table(home.warehouse, tables.SUBMISSIONS)
    in_quarantine = submissions["rows_quarantined"].sum()
    if (submissions.height, in_quarantine) != (load.submissions, load.rows):
        raise RuntimeError(f"{submissions.height} submissions and {in_quarantine} rows were made")
    return home, str(submissions["submission_id"][0])


def _map(home: Home, also: str) -> None:
    """Mappings of every source; another spelling of a wave has every file taken in again."""
    folder = home.root / "sources" / FORCE
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(_SOURCES):
        source = f"s{number:02d}"
        mapping = MAPPING.replace("source: answers", f"source: {source}")
        mapping = mapping.replace('"answers*"', f'"{source}-*"')
        mapping = mapping.replace("End: session_10}", f"End: session_10, {also}: session_10}}")
        (folder / f"{source}.yaml").write_text(mapping)


def _run(home: Home, expected: set[int]) -> None:
    command = [str(Path(sys.executable).with_name("muster")), "run", "--as-of", "2025-03-01"]
    done = subprocess.run(
        [*command, "--home", str(home.root)], stdout=subprocess.DEVNULL, check=False
    )
    if done.returncode not in expected:
        raise RuntimeError(f"the run ended with {done.returncode}")


def _measured(
    home: Home,
    load: Load,
    one: str,
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
    writer = subprocess.Popen([sys.executable, __file__, str(home.root)]) if writing else None
    try:
        assert served.stdout is not None
        served.stdout.readline()
        took = asyncio.run(_read(f"http://127.0.0.1:{port}", one, readers, load.rounds, pause))
        assert served.poll() is None, "the desk ended by itself"
        return took
    finally:
        if writer is not None:
            os.killpg(writer.pid, signal.SIGKILL)
            writer.wait()
        served.send_signal(signal.SIGTERM)
        served.wait()


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


def _write(home: Home) -> None:
    """One run after the other, each with everything to do, until this process is ended."""
    # What ends this process ends the run with it.
    os.setpgid(0, 0)
    number = 0
    while True:
        number += 1
        _map(home, f"Last {number}")
        _run(home, expected={0, 1})


if __name__ == "__main__":
    _write(Home(Path(sys.argv[1])))
