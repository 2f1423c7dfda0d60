"""Stage 9: the snapshot that analysts query, replaced in one step."""

import dagster as dg
import polars as pl

from assets.accounting import accounting
from assets.comments import comments
from assets.evaluation import evaluation
from assets.models import models
from pipeline import __version__, tables
from pipeline.follow_up.organisations import organisations_seen
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.orchestration.state import HEARD, WAREHOUSE, build_fingerprint, changed_since
from pipeline.storage.stages import Made, Stage
from pipeline.storage.warehouse import publish

POOL = "home"
"""Dagster queues runs that need it one behind the other; the home's lock holds beyond Dagster."""

_STAGE_NAMES = {tables.ATTENDANCE: "attendance_held"}
_OWN = {tables.BUILD.name, tables.ORGANISATIONS.name}


@dg.asset(
    deps=[accounting, comments, evaluation, models],
    group_name="warehouse",
    retry_policy=AGAIN,
    pool=POOL,
    description="warehouse.duckdb: core, quality, evaluation and meta, with comments.",
)
@value_free
def warehouse(home: HomeResource) -> dg.MaterializeResult[None]:
    here = home.open()
    as_of, known_at = home.as_of_date(), home.known_at_date()
    # Of the decisions that the stages before heard, which may not be all there are by now.
    heard = here.stages.read("decisions")
    acts = here.stages.read("withdrawals")
    judged = home.entries(*HEARD)
    fingerprint = build_fingerprint(
        here, home.records(), as_of, known_at, heard, withdrawals=acts, judged=judged
    )
    published = {t: _STAGE_NAMES.get(t, t.name) for t in tables.TABLES}
    before = set(published.values()) - _OWN
    if not here.stages.all_final() or not home.has_seen_to_all_behind(before):
        # A tool broke, or the run began in the middle: this snapshot is not what a whole run would
        # make, so the next run makes another.
        fingerprint = f"{fingerprint}-provisional"

    def work(stage: Stage) -> Made:
        build = pl.DataFrame(
            {
                "fingerprint": [fingerprint],
                "programme": [here.programme.programme],
                "as_of": [as_of],
                "known_at": [known_at],
                "changed_since": [changed_since(acts, as_of, known_at)],
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
        WAREHOUSE,
        work,
        reads=sorted(before),
        settings=[fingerprint, here.programme.model_dump(mode="json")],
    )
    publish(here.warehouse, {t: here.stages.path(name) for t, name in published.items()})
    return dg.MaterializeResult(
        metadata={
            "as of": str(as_of),
            "bytes": here.warehouse.stat().st_size,
            "tables": len(tables.TABLES),
        }
    )
