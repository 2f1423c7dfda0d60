"""Benchmarks on a national size: landing to core, one new file, and nothing new.

What stays out: the homes (`homes.py`) and how processes are measured (`measuring.py`).
"""

import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from homes import AS_OF, ROWS_OF_A_SMALL_FILE, Size, landing_home, small_files_home
from measuring import (
    Measured,
    as_new,
    peak,
    run_muster,
    run_muster_until_replaced,
    run_script,
    spread,
)

from pipeline.simulation import Layout

HERE = Path(__file__).parent
_RUN = ("--as-of", AS_OF.isoformat())


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="muster-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _run(root: Path) -> Measured:
    return run_muster("run", "--home", str(root), *_RUN)


def _until_warehouse(root: Path, environment: dict[str, str] | None = None) -> Measured:
    """To the snapshot that has what came in: where officers are many, models follow it."""
    return run_muster_until_replaced(
        root / "warehouse.duckdb", "run", "--home", str(root), *_RUN, environment=environment
    )


def landing_to_core(size: Size) -> str:
    """Landing to core, then what a run costs on the home that is left: new files, and none."""
    text = _layout("choice text", Layout.QUALTRICS_LABELS, size, then=_later)
    numbers = _layout("numbers", Layout.QUALTRICS_NUMERIC, size)
    return f"""## From landing to core

Simulated responses of {size.participants:,} officers of {size.organisations} organisations, in \
Qualtrics-like CSV files, one for each organisation and wave: a questionnaire of thirty items \
behind the platform's own seventeen columns, answers exported as choice text or as numbers. The \
reference is DuckDB loading the same files into one table of text.

{_CORE_IS.format(pairs=size.pairs)}

{_HEAD}
{text.row}
{numbers.row}

Seconds of the stages, medians, of choice text: {text.stages}.

{text.after}"""


def _layout(
    name: str, layout: Layout, size: Size, then: Callable[[Path, Path, Size], str] | None = None
) -> "_Rows":
    with _folder() as folder:
        root, aside = folder / "home", folder / "aside"
        _say(f"simulating {name}")
        held = landing_home(root, size, registers=False, layout=layout, aside=aside)
        bare, core, whole = _pairs(root, size.pairs)
        after = then(root, aside, size) if then is not None else ""
    name = f"{name}: {held.rows:,} responses, {held.files} files, {held.megabytes:.0f} MB"
    return _Rows(_row(name, bare, core, whole), _stages(core), after)


@dataclass(frozen=True)
class _Rows:
    """What one home gives: its row of the table, the seconds of stages, what came after."""

    row: str
    stages: str
    after: str


def with_registers(size: Size) -> str:
    """The same with rosters, registers and departures beside the questionnaires."""
    with _folder() as folder:
        _say("simulating, with registers")
        held = landing_home(folder / "home", size, registers=True)
        bare, core, whole = _pairs(folder / "home", size.pairs)
    return f"""## From landing to core, with registers

The same with rosters, attendance registers and departures beside the questionnaires \
({held.register_files} files, {held.register_megabytes:.0f} MB); the reference loads those too, \
into a table a kind.

{_HEAD}
{_row("with rosters and registers", bare, core, whole)}

Seconds of the stages, medians: {_stages(core)}."""


_CORE_IS = """Core is everything between the landing folder and the published warehouse but the \
evaluation tables: every row read, pseudonymised, judged, profiled, held to contracts, scored and \
put into the ledger, on Dagster, imports excluded. The whole job has the evaluation tables too, \
but not the models, which follow the first snapshot. Medians of {pairs} alternating pairs, with \
minimum and maximum; `muster run` once, from the start of the command to the new warehouse; memory \
is the highest peak of a whole process."""

_HEAD = """| | core, seconds | DuckDB, seconds | ratio | whole job, seconds | peak, MiB | \
`muster run`, seconds | peak, MiB |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def _pairs(root: Path, pairs: int) -> tuple[list[Measured], list[Measured], list[Measured]]:
    bare, core = [], []
    for pair in range(pairs):
        _say(f"landing to core, pair {pair + 1} of {pairs}")
        bare.append(run_script(HERE / "bare_load.py", str(root)))
        as_new(root)
        core.append(run_script(HERE / "landing_to_core.py", str(root), AS_OF.isoformat()))
    as_new(root)
    return bare, core, [_until_warehouse(root)]


def _row(name: str, bare: list[Measured], core: list[Measured], whole: list[Measured]) -> str:
    ratios = [m.seconds / b.seconds for m, b in zip(core, bare, strict=True)]
    cells = [
        name,
        spread([m.seconds for m in core]),
        spread([m.seconds for m in bare]),
        f"**{spread(ratios)}**",
        spread([m.said["job"] for m in core]),
        peak(core),
        f"{whole[0].wall:.1f}",
        peak(whole),
    ]
    return f"| {' | '.join(cells)} |"


def _stages(core: list[Measured]) -> str:
    names = core[0].said["stages"]
    medians = {name: statistics.median(m.said["stages"][name] for m in core) for name in names}
    return ", ".join(f"{name} {seconds:.2f}" for name, seconds in medians.items())


def _later(root: Path, aside: Path, size: Size) -> str:
    added, opened = [], set()
    for path in sorted(aside.glob("*/*.csv")):
        _say(f"one new file: {path.name}")
        # Renamed into place, as a file that has arrived is.
        target = root / "landing" / path.parent.name / path.name
        shutil.move(path, target)
        heard = root.parent / "heard"
        added.append(
            _until_warehouse(
                root,
                {
                    "PYTHONPATH": os.pathsep.join([str(HERE / "listening"), *_python_path()]),
                    "MUSTER_LISTEN_BELOW": str(root / "landing"),
                    "MUSTER_LISTEN_TO": str(heard),
                },
            )
        )
        names = set(heard.read_text().splitlines())
        if str(target) not in names:
            raise RuntimeError("the new file was not heard to be opened, so nothing is proved")
        opened |= names - {str(target)}
        heard.unlink()
    to_the_end = _run(root)
    nothing = [_run(root) for _ in range(size.pairs)]
    asked = [run_muster("--help") for _ in range(size.pairs)]
    earlier = (
        "an audit hook on `open` heard no earlier export opened in any of them"
        if not opened
        else f"an audit hook on `open` heard {len(opened)} earlier exports opened"
    )
    return f"""## One new file, and nothing new

On the home of the first row, from the start of the command. A new file holds {size.late_rows} \
responses and was put into landing before; {earlier}. With so many officers a snapshot without \
models comes first, which is the new warehouse here; the process is killed then, and a last run \
makes the models: trajectory, arms, likeness, design and, with its twenty imputations, the \
robustness panel.

| | runs | seconds | peak, MiB |
| --- | --- | --- | --- |
| `muster run` with one new file, to the new warehouse | {len(added)} | \
{spread([m.wall for m in added])} | {peak(added)} |
| `muster run` to its end, nothing new but all models | 1 | {to_the_end.wall:.1f} | \
{peak([to_the_end])} |
| `muster run` with nothing new | {len(nothing)} | {spread([m.wall for m in nothing])} | \
|
| `muster --help` | {len(asked)} | {spread([m.wall for m in asked])} | |

The smallest processes have no peak here: the kernel counts that of the one that starts them."""


def _python_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def small_files(size: Size) -> str:
    """Thousands of files at once."""
    with _folder() as folder:
        _say("many small files")
        held = small_files_home(folder / "home", size)
        first = _run(folder / "home")
        again = _run(folder / "home")
    return f"""## Many small files at once

{held.files:,} files of {ROWS_OF_A_SMALL_FILE} responses each, all new. One run.

| | seconds | peak, MiB |
| --- | --- | --- |
| `muster run`, all of them new | {first.wall:.1f} | {first.peak_mib:.0f} |
| `muster run`, nothing new | {again.wall:.1f} | {again.peak_mib:.0f} |"""
