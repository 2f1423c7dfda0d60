"""All benchmarks; writes docs/benchmarks.md.

make bench                                # everything, about a quarter of an hour
python tests/benchmarks/run.py --print    # show, write nothing
"""

import shutil
import statistics
import sys
import tempfile
from datetime import date
from pathlib import Path

from coverage import SIZES, coverage
from measuring import machine, run_process, spread

from pipeline.simulation import Layout, SimulationPlan, simulate
from pipeline.storage.home import Home

HERE = Path(__file__).parent
AS_OF = date(2026, 6, 30)
PAIRS = 5
REGISTERS = ("roster", "attendance", "departures")
PLAN = SimulationPlan(
    as_of=AS_OF,
    organisations=20,
    participants=91_000,
    dropout=False,
    faults=False,
    layouts=(Layout.QUALTRICS_NUMERIC,),
    waves=("baseline", "session_5", "session_7"),
)


def simulated_home(root: Path) -> tuple[int, int, float]:
    """Write the simulated exports; returns questionnaire files, their rows and megabytes."""
    home = Home(root)
    files = rows = size = 0
    for file in simulate(PLAN):
        home.put(file.path, file.content)
        if file.path.parts[0] == "landing" and not file.path.name.startswith(REGISTERS):
            files += 1
            rows += file.content.count(b"\n") - 3
            size += len(file.content)
    home.create("")
    return files, rows, size / 1e6


def landing_to_core() -> str:
    root = Path(tempfile.mkdtemp(prefix="muster-bench-"))
    try:
        files, rows, megabytes = simulated_home(root)
        bare, muster = [], []
        for pair in range(PAIRS):
            print(f"landing to core, pair {pair + 1} of {PAIRS}", file=sys.stderr)
            bare.append(run_process(HERE / "bare_load.py", str(root)))
            muster.append(run_process(HERE / "landing_to_core.py", str(root), AS_OF.isoformat()))
    finally:
        shutil.rmtree(root, ignore_errors=True)
    ratios = [m.seconds / b.seconds for m, b in zip(muster, bare, strict=True)]
    return f"""## From landing to the warehouse

{rows:,} simulated responses of {PLAN.participants:,} officers in {files} Qualtrics-like CSV files
({megabytes:.0f} MB), with rosters, attendance registers and departures of {PLAN.organisations}
organisations beside them. Median of {PAIRS} alternating pairs, with minimum and maximum.

| | seconds | peak memory, MiB | whole process, seconds |
| --- | --- | --- | --- |
| Muster: every row read, pseudonymised, judged, profiled, held to contracts, scored, put into the \
ledger, evaluated and published, on Dagster | {spread([m.seconds for m in muster])} | \
{statistics.median(m.peak_mib for m in muster):.0f} | {spread([m.wall for m in muster])} |
| DuckDB: the same questionnaire files into one table as text | \
{spread([b.seconds for b in bare])} | {statistics.median(b.peak_mib for b in bare):.0f} | \
{spread([b.wall for b in bare])} |
| **ratio** | **{spread(ratios)}** | | |

Imports are not counted in the first column; the last is the whole process."""


def intervals() -> str:
    print("coverage of intervals", file=sys.stderr)
    few, many = coverage(200, dropout=False), coverage(2000, dropout=False, first_seed=10_001)
    gone = coverage(2000, dropout=True, first_seed=10_001)
    rows = [
        ("200 draws, nobody drops out", few),
        ("2,000 other draws, nobody drops out", many),
        ("the same 2,000, dropout depends on the last burnout score", gone),
    ]
    table = "\n".join(
        f"| {name} | {c.clustered:.1%} | {c.plain:.1%} | {c.bias:+.2f} |" for name, c in rows
    )
    error = 1.96 * (0.95 * 0.05 / many.draws) ** 0.5
    return f"""## Coverage of intervals

Change of burnout from baseline to session 10 over all organisations: {sum(SIZES)} simulated
officers in {len(SIZES)} organisations of {min(SIZES)} to {max(SIZES)}, organisation effects (SD
0.12 per item) and session-group effects. The truth is the exact expected change of the model.
With 2,000 draws an interval that covers 95% is seen to cover between {0.95 - error:.1%} and
{0.95 + error:.1%} nineteen times in twenty.

| | published intervals (clustered, CR2) | plain t intervals | mean error of the change, points |
| --- | --- | --- | --- |
{table}

Where dropout depends on burnout the officers who answered both waves are not those who began: the
last row shows what that does to a change computed from complete pairs alone. Until a method that
allows for dropout is beside it, read `paired_change` as what it is."""


def main() -> None:
    document = "\n\n".join(
        [
            "# Benchmarks",
            f"Written by `make bench` on {machine()}. Everything measured is simulated data.",
            landing_to_core(),
            intervals(),
        ]
    )
    if "--print" in sys.argv:
        print(document)
    else:
        (HERE.parents[1] / "docs" / "benchmarks.md").write_text(document + "\n", "utf-8")


if __name__ == "__main__":
    main()
