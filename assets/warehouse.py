"""Stage 9: the snapshot that analysts query, replaced in one step."""

import dagster as dg
import polars as pl

from assets.accounting import accounting
from assets.evaluation import evaluation
from pipeline import __version__, tables
from pipeline.follow_up.organisations import organisations_seen
from pipeline.orchestration.guard import value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.orchestration.state import build_fingerprint
from pipeline.storage.warehouse import publish

_STAGE_NAMES = {tables.ATTENDANCE: "attendance_held"}


@dg.asset(
    deps=[accounting, evaluation],
    group_name="warehouse",
    description="warehouse.duckdb: core, quality, evaluation and meta, with comments.",
)
@value_free
def warehouse(home: HomeResource) -> dg.MaterializeResult[None]:
    here = home.open()
    lake, as_of, known_at = here.lake, home.as_of_date(), home.known_at_date()
    fingerprint = build_fingerprint(here, lake.records(), as_of, known_at)
    build = pl.DataFrame(
        {
            "fingerprint": [fingerprint],
            "programme": [here.programme.programme],
            "as_of": [as_of],
            "known_at": [known_at],
            "version": [__version__],
        }
    )
    lake.write_table("build", tables.BUILD.conform(build))
    seen = organisations_seen(
        here.programme, lake.read_table("participants"), lake.read_table("submissions")
    )
    lake.write_table("organisations", tables.ORGANISATIONS.conform(seen))
    publish(
        here.warehouse,
        {table: lake.table_path(_STAGE_NAMES.get(table, table.name)) for table in tables.TABLES},
    )
    return dg.MaterializeResult(
        metadata={
            "as of": str(as_of),
            "bytes": here.warehouse.stat().st_size,
            "tables": len(tables.TABLES),
        }
    )
