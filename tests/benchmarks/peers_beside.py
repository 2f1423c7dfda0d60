"""Muster beside scripts that an analyst would write, on the same files.

What stays out: those scripts (`peers/`), and DuckDB, which is the reference (`landing.py`).
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from homes import AS_OF, Size, landing_home
from measuring import as_new, peak, run_script, spread

from pipeline.simulation import Layout

HERE = Path(__file__).parent
_PAIRS = 3
"""A peer takes minutes."""


def peers(size: Size) -> str:
    """Core of Muster, pandas with Great Expectations, and data.table where R has it, in turns."""
    muster, pandas, in_r = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "home"
        held = landing_home(root, size, registers=False, layout=Layout.QUALTRICS_LABELS)
        for turn in range(min(size.pairs, _PAIRS)):
            print(f"peers, round {turn + 1}", file=sys.stderr)
            pandas.append(run_script(HERE / "peers" / "with_pandas.py", str(root)))
            as_new(root)
            muster.append(run_script(HERE / "landing_to_core.py", str(root), AS_OF.isoformat()))
            if (said := _with_data_table(root)) is not None:
                in_r.append(said)
    read = pandas[0].said
    of_r = ""
    if in_r:
        if abs(in_r[0]["burnout"] - read["burnout"]) > 1e-6:
            raise RuntimeError("the peers do not agree with each other")
        ratios = [r["seconds"] / m.seconds for r, m in zip(in_r, muster, strict=True)]
        of_r = (
            f"\n| data.table, neither validated nor pseudonymised | "
            f"{spread([r['seconds'] for r in in_r])} | **{spread(ratios)}** | |"
        )
    ratios = [p.seconds / m.seconds for p, m in zip(pandas, muster, strict=True)]
    return f"""## Beside scripts of an analyst

The same {held.files} files of choice text with {read["rows"]:,} rows ({held.megabytes:.0f} MB), \
read by a script with pandas that hashes numbers, validates each file with Great Expectations, \
scores, and sums up (`tests/benchmarks/peers/`), and by one with data.table. Both do less than \
core: no quarantine, no contracts over files, no follow-up, no database, and everything again \
when one file comes. Medians of {len(muster)} rounds in turns, with minimum and maximum; imports \
excluded.

| | seconds | times core | peak, MiB |
| --- | --- | --- | --- |
| core of Muster | {spread([m.seconds for m in muster])} | 1 | {peak(muster)} |
| pandas and Great Expectations | {spread([p.seconds for p in pandas])} | **{spread(ratios)}** \
| {peak(pandas)} |{of_r}"""


def _with_data_table(root: Path) -> dict[str, float] | None:
    """What the script in R says; None where R or data.table is missing."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return None
    done = subprocess.run(
        [rscript, str(HERE / "peers" / "with_data_table.R"), str(root)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        print("peers: R has no data.table", file=sys.stderr)
        return None
    said: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return said
