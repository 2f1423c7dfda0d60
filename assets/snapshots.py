"""One snapshot of everything that stages have made: what both warehouse stages publish.

What stays out: when a snapshot is made (`early_warehouse.py`, `warehouse.py`).
"""

from pathlib import Path
from typing import Any, Final

import polars as pl

from pipeline import __version__, tables
from pipeline.about import about
from pipeline.follow_up.organisations import organisations_seen
from pipeline.orchestration.resources import HomeResource
from pipeline.orchestration.state import HEARD, build_fingerprint, changed_since
from pipeline.storage.code import versions
from pipeline.storage.stages import Made, Stage

POOL = "home"
"""Dagster queues runs that need it one behind the other; the home's lock holds beyond Dagster."""

OF_MODELS: Final = (
    tables.TRAJECTORY,
    tables.ARM_CONTRAST,
    tables.ICC,
    tables.DESIGN,
    tables.ROBUSTNESS,
)
"""Tables that take long where officers are many."""

_STAGE_NAMES = {tables.ATTENDANCE: "attendance_held"}
_OWN = {tables.BUILD.name, tables.ORGANISATIONS.name}


def fill_ahead(home: HomeResource, *filled: tables.Table) -> None:
    """Begin with large tables of the next snapshot: stages behind them leave a core idle."""
    for table in filled:
        home.fill_ahead(table, _STAGE_NAMES.get(table, table.name))


def publish_snapshot(home: HomeResource, stage_name: str, *, with_models: bool) -> dict[str, Any]:
    """Replace the warehouse; metadata of what it holds now.

    Without models their tables are empty, `meta.build` says so, and the next run makes another
    snapshot unless this run does.
    """
    here = home.open()
    as_of, known_at = home.as_of_date(), home.known_at_date()
    # Of the decisions that the stages before heard, which may not be all there are by now.
    heard = here.stages.read("decisions")
    acts = here.stages.read("withdrawals")
    judged = home.entries(*HEARD)
    fingerprint = build_fingerprint(
        here, home.records(), as_of, known_at, heard, withdrawals=acts, judged=judged
    )
    waiting = () if with_models else OF_MODELS
    of_itself = about(here.programme, versions())
    published = {
        t: _STAGE_NAMES.get(t, t.name)
        for t in tables.TABLES
        if t not in waiting and t not in of_itself
    }
    before = set(published.values()) - _OWN
    if waiting or not here.stages.all_final() or not home.has_seen_to_all_behind(before):
        # Models are still to come, a tool broke, or the run began in the middle: this snapshot is
        # not what a whole run would make, so the next run makes another.
        fingerprint = f"{fingerprint}-provisional"

    def work(stage: Stage) -> Made:
        build = pl.DataFrame(
            {
                "fingerprint": [fingerprint],
                "programme": [here.programme.programme],
                "as_of": [as_of],
                "known_at": [known_at],
                "changed_since": [changed_since(acts, as_of, known_at)],
                "models_pending": [not with_models],
                "version": [__version__],
            }
        )
        seen = organisations_seen(
            here.programme, stage.read("participants"), stage.read("submissions")
        )
        return {
            "build": tables.BUILD.conform(build),
            "organisations": tables.ORGANISATIONS.conform(seen),
        }, {}

    home.stage(
        stage_name,
        work,
        reads=sorted(before),
        settings=[fingerprint, here.programme.model_dump(mode="json")],
    )
    content: dict[tables.Table, Path | pl.DataFrame] = {
        **{table: here.stages.path(name) for table, name in published.items()},
        **{table: table.empty() for table in waiting},
        **of_itself,
    }
    home.publish({table: content[table] for table in tables.TABLES})
    return {
        "as of": str(as_of),
        "bytes": here.warehouse.stat().st_size,
        "tables": len(published) + len(of_itself),
    }
