"""Stage 5: subscale scores of every response that exists on the as-of date."""

import dagster as dg
import polars as pl

from assets.accepted import accepted
from pipeline import tables
from pipeline.orchestration.guard import value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.scoring.scores import score


@dg.asset(
    deps=[accepted],
    group_name="evaluation",
    description="Raw scores and bands by instrument and subscale (core.scores).",
)
@value_free
def scores(home: HomeResource) -> dg.MaterializeResult[None]:
    here = home.open()
    responses = here.lake.read_table("responses").filter(
        (pl.col("completed_on") <= home.as_of_date()).fill_null(True)
    )
    made = pl.concat(
        score(
            responses.filter(pl.col("instrument") == name),
            here.programme.instrument(name),
            prorate=here.programme.prorate,
        )
        for name in here.programme.instruments
    )
    here.lake.write_table("scores", tables.SCORES.conform(made))
    return dg.MaterializeResult(
        metadata={"scores": made.height, "not scorable": made["raw_score"].null_count()}
    )
