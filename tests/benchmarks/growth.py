"""How time and memory grow with the number of responses, and what other formats cost.

What stays out: the national size in pairs (`landing.py`), and tables of the evaluation by number of
officers (`evaluation_curve.py`).
"""

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from homes import AS_OF, FULL, Size, landing_home
from measuring import Measured, as_new, peak, run_script, spread

from pipeline.simulation import Layout
from pipeline.storage.home import Home

HERE = Path(__file__).parent
_OFFICERS = (2_660, 26_600, 266_000, 1_064_000)
"""As many as give about 10,000, 100,000, 1,000,000 and 4,000,000 responses."""
_FORMATS = {
    "numbers, CSV": Layout.QUALTRICS_NUMERIC,
    "choice text, XLSX": Layout.MICROSOFT_FORMS,
    "numbers, SPSS": Layout.SPSS,
}


def growth(size: Size) -> str:
    """The job from landing to the first snapshot, for more and more responses."""
    officers = _OFFICERS if size is FULL else (30, 60)
    rows = []
    for number in officers:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "home"
            print(f"growth: {number:,} officers", file=sys.stderr)
            of_this = replace(size, participants=number)
            held = landing_home(root, of_this, registers=False, layout=Layout.QUALTRICS_LABELS)
            # The largest takes minutes, and varies by less.
            measured = [_job(root) for _ in range(1 if number > size.participants else size.pairs)]
        jobs = [m.said["job"] for m in measured]
        each = [1e6 * job / held.rows for job in jobs]
        memory = [m.peak_mib * 1024 / held.rows for m in measured]
        rows.append(
            f"| {held.rows:,} | {held.files} | {held.megabytes:.0f} | {len(measured)} "
            f"| {spread(jobs)} | **{spread(each, 1)}** | {peak(measured)} | {max(memory):.1f} |"
        )
    return f"""## Growth

Exports of choice text of {size.organisations} organisations, from landing to the first snapshot \
with its evaluation tables, imports excluded; medians with minimum and maximum.

| responses | files | MB | runs | seconds | microseconds a response | peak, MiB | KiB a response |
| --- | --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(rows)}"""


def formats(size: Size) -> str:
    """Core for the same officers as CSV, XLSX and SPSS, beside DuckDB's load of the CSV."""
    cells: dict[str, str] = {}
    counted: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        csv = Path(folder) / "csv"
        print("formats: simulating CSV", file=sys.stderr)
        landing_home(csv, size, registers=False)
        for name, layout in _FORMATS.items():
            root = csv if layout is Layout.QUALTRICS_NUMERIC else Path(folder) / "other"
            if root is not csv:
                print(f"formats: simulating {name}", file=sys.stderr)
                shutil.rmtree(root, ignore_errors=True)
                landing_home(root, size, registers=False, layout=layout)
            exports = [p for p in (root / "landing").rglob("*.*") if p.is_file()]
            pairs: list[tuple[Measured, Measured]] = []
            for pair in range(min(size.pairs, 3)):
                print(f"formats: {name}, pair {pair + 1}", file=sys.stderr)
                pairs.append((run_script(HERE / "bare_load.py", str(csv)), _job(root)))
            bare, core = ([pair[n] for pair in pairs] for n in (0, 1))
            counted[name] = sum(r.rows_accepted or 0 for r in Home(root).lake.records())
            if len({*counted.values()}) > 1 or not counted[name]:
                raise RuntimeError(f"of the same officers other rows were taken in: {counted}")
            ratios = [c.seconds / b.seconds for b, c in pairs]
            megabytes = sum(path.stat().st_size for path in exports) / 1e6
            cells[name] = (
                f"| {name} | {len(exports)} | {megabytes:.0f} "
                f"| {spread([m.seconds for m in core])} "
                f"| {spread([m.seconds for m in bare])} | **{spread(ratios)}** | {peak(core)} |"
            )
    return f"""## Other formats

Core for {size.participants:,} officers of {size.organisations} organisations whose platforms \
write workbooks or SPSS files, beside DuckDB's bare load of the CSV files of the same officers. \
Medians of {min(size.pairs, 3)} pairs with minimum and maximum.

| | files | MB | core, seconds | DuckDB with the CSV, seconds | ratio | peak, MiB |
| --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(cells.values())}"""


def _job(root: Path) -> Measured:
    as_new(root)
    return run_script(HERE / "landing_to_core.py", str(root), AS_OF.isoformat())
