"""Reports, workbook and CSV of a release, from its tables to the bytes of every file.

What stays out: making the tables (`release.py`), and writing the files down. Run as a script it
measures `report.py WHICH FOLDER`, `WHICH` being csv, workbook, national or all; prints `seconds`,
imports of Muster's own excluded, and `megabytes`.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
from homes import SMALL, Size
from measuring import peak, run_script, spread

from pipeline.privacy.disclosure.rules import Rules
from pipeline.publishing.csv_files import csv_files
from pipeline.publishing.documents import documents_of
from pipeline.publishing.release import release_of
from pipeline.publishing.report.context import About
from pipeline.publishing.report.page import reports
from pipeline.publishing.workbook import workbook

_WHICH = {
    "csv": "CSV of every table",
    "workbook": "the workbook",
    "national": "the report of all organisations",
    "all": "all of them",
}


def report(size: Size) -> str:
    """The part of the benchmarks' page."""
    import release

    organisations, officers = (
        (4, 240) if size is SMALL else (release.ORGANISATIONS, release.OFFICERS)
    )
    rows = []
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as name:
        folder = Path(name)
        release._write(folder, organisations, officers)
        _write_tables(folder)
        for which, said in _WHICH.items():
            print(f"report, {which}", file=sys.stderr, flush=True)
            made = [run_script(Path(__file__), which, name) for _ in range(size.pairs)]
            rows.append(
                f"| {said} | {made[0].said['files']} | {made[0].said['megabytes']:.2f} "
                f"| {spread([m.seconds for m in made])} | {peak(made)} |"
            )
    return f"""## Reports, workbook and CSV

The release of the {officers:,} simulated officers of {organisations} organisations above: from \
its tables to the bytes of every file, a report for each organisation that has rows of its own. \
Medians of {size.pairs} runs, with minimum and maximum, each a process of its own; the libraries \
for charts and workbooks are imported within the time.

| | files | MB | seconds | peak, MiB |
| --- | --- | --- | --- | --- |
{chr(10).join(rows)}"""


def _write_tables(folder: Path) -> None:
    import release

    people, waves, scores = (
        pl.read_parquet(folder / f"{table.name}.parquet") for table in release._TABLES
    )
    made = release_of(
        people, waves, scores, release._programme(), release.AS_OF, rules=Rules(audited=False)
    )
    (folder / "tables").mkdir()
    for name, frame in made.tables.items():
        frame.write_parquet(folder / "tables" / f"{name}.parquet")


def _measure(which: str, folder: Path) -> None:
    from release import AS_OF, _programme

    programme = _programme()
    about = About(release="benchmark", as_of=AS_OF, version="0", simulated=True)
    tables = {p.stem: pl.read_parquet(p) for p in sorted((folder / "tables").glob("*.parquet"))}
    make: Mapping[str, Callable[[], Mapping[str, bytes]]] = {
        "csv": lambda: dict(csv_files(tables)),
        "workbook": lambda: {"tables.xlsx": workbook(tables, programme.title, about)},
        "national": lambda: dict([next(reports(tables, programme, about))]),
        "all": lambda: documents_of(tables, programme, about),
    }
    started = time.perf_counter()
    made = make[which]()
    seconds = time.perf_counter() - started
    megabytes = sum(map(len, made.values())) / 1e6
    print(json.dumps({"seconds": seconds, "files": len(made), "megabytes": megabytes}))


if __name__ == "__main__":
    _measure(sys.argv[1], Path(sys.argv[2]))
