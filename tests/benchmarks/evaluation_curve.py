"""Every evaluation table but the imputed ones, from a thousand officers to a quarter of a million.

What stays out: imputation (`robustness_panel.py`), and what comes before the tables (`landing.py`).
Run as a script it does one thing to a home: `evaluation_curve.py prepare HOME` takes everything in,
to the ledger; `evaluation_curve.py tables HOME` then carries out the stages that make the tables,
as their assets do, and prints `seconds`, those of each stage and of each table, imports excluded.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from homes import SMALL, Size, evaluated_home
from measuring import Measured, peak, run_script, spread

HERE = Path(__file__).parent
OFFICERS = (1_000, 10_000, 100_000, 250_000)
SMALL_OFFICERS = (60, 120)
ORGANISATIONS = 66
AS_OF = date(2027, 12, 31)
"""All six waves are over by then."""


def evaluation_curve(size: Size) -> str:
    """A row for each number of officers, in alternating pairs; and the seconds of the last one."""
    rows, last = [], ""
    for officers in SMALL_OFFICERS if size is SMALL else OFFICERS:
        with tempfile.TemporaryDirectory(prefix="muster-bench-") as name:
            root = Path(name) / "home"
            _say(f"evaluation of {officers:,}, simulating")
            held = evaluated_home(root, officers, min(ORGANISATIONS, officers // 20), AS_OF)
            run_script(Path(__file__), "prepare", str(root))
            bare, made = [], []
            for pair in range(size.pairs):
                _say(f"evaluation of {officers:,}, pair {pair + 1} of {size.pairs}")
                bare.append(run_script(HERE / "bare_load.py", str(root), "answers"))
                made.append(run_script(Path(__file__), "tables", str(root)))
        rows.append(_row(officers, held.rows, bare, made))
        last = _seconds(made)
    table = "\n".join(rows)
    return f"""## Evaluation tables by number of officers

Simulated officers of up to {ORGANISATIONS} organisations at six waves with three subscales, some \
of them gone after each wave. From what core leaves (participants, ledger, responses with their \
items, scores) to every table of the schema `evaluation` but the robustness panel, as the stages \
carry it out: reading, working out and writing. The reference is DuckDB loading the CSV files of \
the same responses, in the layout of a Qualtrics export, into one table of text. Medians of \
{size.pairs} alternating pairs, with minimum and maximum; imports excluded.

| officers | responses | tables, seconds | DuckDB, seconds | ratio | peak, MiB |
| --- | --- | --- | --- | --- | --- |
{table}

Seconds of the last row, medians; tables of a stage are made two at a time, so that they add up to \
more than it takes: {last}."""


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _row(officers: int, responses: int, bare: list[Measured], made: list[Measured]) -> str:
    ratios = [m.seconds / b.seconds for m, b in zip(made, bare, strict=True)]
    cells = [
        f"{officers:,}",
        f"{responses:,}",
        spread([m.seconds for m in made]),
        spread([b.seconds for b in bare]),
        f"**{spread(ratios)}**",
        peak(made),
    ]
    return f"| {' | '.join(cells)} |"


def _seconds(made: list[Measured]) -> str:
    def medians(what: str) -> str:
        found = {
            name: statistics.median(m.said[what][name] for m in made) for name in made[0].said[what]
        }
        slowest = sorted(found.items(), key=lambda each: -each[1])
        return ", ".join(f"{name} {seconds:.2f}" for name, seconds in slowest)

    return f"stages {medians('stages')}; within them {medians('tables')}"


def _prepare(root: Path) -> None:
    """Everything up to the ledger, and the catalogue kept, so that tables can be made again."""
    import dagster as dg

    from pipeline.definitions import build_defs
    from pipeline.orchestration.launch import failure_of, instance_of, run_here
    from pipeline.storage.home import Home

    whole = build_defs(root, AS_OF)
    before = dg.AssetSelection.assets("ledger").upstream()
    defs = dg.Definitions(
        assets=whole.assets,
        asset_checks=whole.asset_checks,
        jobs=[dg.define_asset_job("take_in", selection=before)],
        resources=whole.resources,
        executor=whole.executor,
    )
    home = Home(root)
    with instance_of(root) as instance:
        arrivals = [arrival.submission_id for arrival in home.arrivals()]
        result = run_here(defs, instance, home, arrivals)
    if not result.success:
        sys.exit(failure_of(result))
    print(json.dumps({"seconds": 0.0}))


def _tables(root: Path) -> None:
    """The stages behind the ledger, timed; what they put into the catalogue is taken out again."""
    import assets.answers
    import assets.evaluation
    import assets.links
    import assets.models
    from pipeline import tables
    from pipeline.orchestration.resources import HomeResource
    from pipeline.storage.home import Home

    catalogue = next(Home(root).root.rglob("catalogue.json"))
    kept = catalogue.read_bytes()
    taken: dict[str, float] = {}
    for module in (assets.answers, assets.evaluation, assets.models):
        _time_tables(module, taken)
    assets.models.robustness = lambda *_, **__: tables.ROBUSTNESS.empty()  # type: ignore[attr-defined]
    resource = HomeResource(root=str(root), as_of=AS_OF.isoformat())
    stages = {}
    for asset in (assets.answers.answers, assets.evaluation.evaluation, assets.models.models):
        started = time.monotonic()
        asset(home=resource)
        stages[asset.key.path[-1]] = time.monotonic() - started
    catalogue.write_bytes(kept)
    print(json.dumps({"seconds": sum(stages.values()), "stages": stages, "tables": taken}))


def _time_tables(module: ModuleType, taken: dict[str, float]) -> None:
    """Every function of the evaluation that the module calls, with its seconds."""
    for name, value in list(vars(module).items()):
        of_evaluation = getattr(value, "__module__", "").startswith("pipeline.evaluation.")
        if of_evaluation and callable(value) and not isinstance(value, type):
            setattr(module, name, _timed(name, value, taken))


def _timed(name: str, function: Callable[..., Any], taken: dict[str, float]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        started = time.monotonic()
        try:
            return function(*args, **kwargs)
        finally:
            taken[name] = taken.get(name, 0.0) + time.monotonic() - started

    return call


if __name__ == "__main__":
    {"prepare": _prepare, "tables": _tables}[sys.argv[1]](Path(sys.argv[2]))
