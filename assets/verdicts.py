"""Stage 3: contract results become one verdict for each submission."""

import dagster as dg
import polars as pl

from assets.profiles import profiles
from pipeline.orchestration.guard import value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.quality.profile import contracts_expected
from pipeline.quality.verdicts import CHECK_RESULTS, known_records, verdicts_of


@dg.asset(
    deps=[profiles],
    group_name="quality",
    description="Accepted, accepted with warnings, held or rejected: one verdict a submission.",
)
@value_free
def verdicts(home: HomeResource) -> dg.MaterializeResult[None]:
    lake = home.open().lake
    records = known_records(lake.records(), home.known_at_date())
    results = pl.concat([CHECK_RESULTS.to_frame(), *lake.tables_called("checks_*")])
    made = verdicts_of(records, results, contracts_expected(lake.read_table("measures")))
    lake.write_table("judged", results)
    lake.write_table("verdicts", made)
    counts = made["verdict"].value_counts().sort("verdict")
    return dg.MaterializeResult(metadata=dict(counts.iter_rows()))
