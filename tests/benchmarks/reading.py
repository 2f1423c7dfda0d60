"""Reading and mapping exports of choice text, beside Polars' bare `read_csv` of the same files.

What stays out: everything after reading (`landing.py`). Run as a script it measures one pass over
the files of a home: `reading.py bare HOME`, `mapped` or `pooled`; prints `seconds` and `rows`.
Imports are excluded, but for those of the processes that `pooled` starts.
"""

import importlib
import json
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import polars as pl
from homes import AS_OF, WAVES, Size, of_closed_questions
from measuring import Measured, peak, run_script, spread

from pipeline.orchestration.mapper import InThisProcess
from pipeline.orchestration.processes import WORTH_IT, InProcesses
from pipeline.programme import Programme
from pipeline.reading.canonical import read
from pipeline.simulation import Layout, SimulationPlan, simulate
from pipeline.storage.home import Home
from pipeline.submissions import Arrival

HERE_NAME = Path(__file__).stem


def reading(size: Size) -> str:
    """A table of both, in alternating pairs."""
    organisations = 252 if size.organisations > 3 else 3
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as folder:
        root = Path(folder) / "home"
        megabytes, files, largest = _home(root, organisations, size.participants)
        bare, mapped, pooled = [], [], []
        for pair in range(size.pairs):
            print(f"reading, pair {pair + 1} of {size.pairs}", file=sys.stderr, flush=True)
            bare.append(run_script(Path(__file__), "bare", str(root)))
            mapped.append(run_script(Path(__file__), "mapped", str(root)))
            pooled.append(run_script(Path(__file__), "pooled", str(root)))
    return f"""## Reading and mapping choice text

{mapped[0].said["rows"]:,} simulated responses in {files} Qualtrics-like files of choice text \
({megabytes:.0f} MB, the largest {largest:.1f} MB). The reference is `polars.read_csv` of the \
same bytes with nothing done to what it gives, one file after the other, each on every core. \
Medians of {size.pairs} alternating rounds, with minimum and maximum; imports excluded, but for \
those of the processes that intake starts from {WORTH_IT} files on. Memory is the highest peak of \
any process.

| | seconds | ratio | peak, MiB |
| --- | --- | --- | --- |
| `polars.read_csv` | {spread([m.seconds for m in bare])} | | {peak(bare)} |
| to canonical rows, one file after the other | {spread([m.seconds for m in mapped])} | \
**{_ratios(bare, mapped)}** | {peak(mapped)} |
| to canonical rows, in processes as intake does | {spread([m.seconds for m in pooled])} | \
**{_ratios(bare, pooled)}** | {peak(pooled)} |"""


def _ratios(bare: list[Measured], mapped: list[Measured]) -> str:
    return spread([m.seconds / b.seconds for m, b in zip(mapped, bare, strict=True)])


def _home(root: Path, organisations: int, participants: int) -> tuple[float, int, float]:
    home, sizes = Home(root), []
    plan = SimulationPlan(
        as_of=AS_OF,
        organisations=organisations,
        participants=participants,
        dropout=False,
        faults=False,
        layouts=(Layout.QUALTRICS_LABELS,),
        waves=WAVES,
    )
    for file in simulate(plan):
        name = file.path.name.lower()
        if file.path.parts[0] in {"landing", "sources"} and not name.startswith("proqol"):
            continue
        content = file.content
        if file.path.parts[0] == "landing":
            sizes.append(len(content) / 1e6)
        elif file.path.parts[0] == "sources":
            content = of_closed_questions(content)
        home.put(file.path, content)
    home.create("")
    return sum(sizes), len(sizes), max(sizes)


def rows_of(programme: Programme, arrival: Arrival) -> int:
    """How many canonical rows a file gives."""
    if arrival.mapping is None:
        return 0
    found = read(arrival.file.path.read_bytes(), arrival.mapping, programme)
    return sum(block.rows.height for block in found.blocks)


def main() -> None:
    how, home = sys.argv[1], Home(Path(sys.argv[2]))
    programme, arrivals = home.programme, home.arrivals()
    started = time.monotonic()
    if how == "bare":
        rows = sum(pl.read_csv(arrival.file.path.read_bytes()).height for arrival in arrivals)
    else:
        mapper = InProcesses() if how == "pooled" else InThisProcess()
        # By the name of this module: the other processes do not run this script.
        one = partial(importlib.import_module(HERE_NAME).rows_of, programme)
        rows = sum(mapper.map(one, arrivals))
    print(json.dumps({"seconds": time.monotonic() - started, "rows": rows}))


if __name__ == "__main__":
    main()
