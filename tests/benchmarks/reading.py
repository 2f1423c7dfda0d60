"""Reading and mapping exports of choice text, beside Polars' bare `read_csv` of the same files.

What stays out: everything after reading (`landing.py`). Run as a script it measures one pass over
the files of a home: `reading.py bare HOME` or `reading.py mapped HOME`; prints `seconds`, imports
excluded, and `rows`.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
from homes import AS_OF, WAVES, Size
from measuring import Measured, peak, run_script, spread

from pipeline.reading.canonical import read
from pipeline.simulation import Layout, SimulationPlan, simulate
from pipeline.storage.home import Home

HERE = Path(__file__).parent


def reading(size: Size) -> str:
    """A table of both, in alternating pairs."""
    organisations = 252 if size.organisations > 3 else 3
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as folder:
        root = Path(folder) / "home"
        megabytes, files, largest = _home(root, organisations, size.participants)
        bare, mapped = [], []
        for pair in range(size.pairs):
            print(f"reading, pair {pair + 1} of {size.pairs}", file=sys.stderr, flush=True)
            bare.append(run_script(Path(__file__), "bare", str(root)))
            mapped.append(run_script(Path(__file__), "mapped", str(root)))
    return f"""## Reading and mapping choice text

{mapped[0].said["rows"]:,} simulated responses in {files} Qualtrics-like files of choice text \
({megabytes:.0f} MB, the largest {largest:.1f} MB), one file after the other in one process. The \
reference is `polars.read_csv` of the same bytes with nothing done to what it gives. Medians of \
{size.pairs} alternating pairs, with minimum and maximum; imports excluded.

| | seconds | peak, MiB |
| --- | --- | --- |
| `polars.read_csv` | {spread([m.seconds for m in bare])} | {peak(bare)} |
| with the mapping, to canonical rows | {spread([m.seconds for m in mapped])} | {peak(mapped)} |
| ratio | **{_ratios(bare, mapped)}** | |"""


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
        if file.path.parts[0] == "landing":
            sizes.append(len(file.content) / 1e6)
        home.put(file.path, file.content)
    home.create("")
    return sum(sizes), len(sizes), max(sizes)


def main() -> None:
    how, home = sys.argv[1], Home(Path(sys.argv[2]))
    programme, seconds, rows = home.programme, 0.0, 0
    arrivals = home.arrivals()
    for arrival in arrivals:
        content = arrival.file.path.read_bytes()
        started = time.monotonic()
        if how == "bare":
            rows += pl.read_csv(content).height
        elif arrival.mapping is not None:
            found = read(content, arrival.mapping, programme)
            rows += sum(block.rows.height for block in found.blocks)
        seconds += time.monotonic() - started
    print(json.dumps({"seconds": seconds, "rows": rows}))


if __name__ == "__main__":
    main()
