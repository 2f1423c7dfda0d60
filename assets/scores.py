"""Stage 5: subscale scores of every response that exists on the as-of date."""

import dagster as dg
import polars as pl

from assets.accepted import accepted
from assets.snapshots import fill_ahead
from pipeline import tables
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.scoring.scores import score
from pipeline.storage.stages import Made, Stage

_OF_RESPONSES = (
    *("response_id", "participant_id", "organisation", "wave", "instrument"),
    *("completed_on", "items"),
)


@dg.asset(
    deps=[accepted],
    group_name="evaluation",
    retry_policy=AGAIN,
    description="Raw scores and bands by instrument and subscale (core.scores).",
)
@value_free
def scores(home: HomeResource) -> dg.MaterializeResult[None]:
    programme, as_of = home.open().programme, home.as_of_date()

    def work(stage: Stage) -> Made:
        responses = stage.read("responses", _OF_RESPONSES).filter(
            (pl.col("completed_on") <= as_of).fill_null(True)
        )
        made = pl.concat(
            score(
                responses.filter(pl.col("instrument") == name),
                programme.instrument(name),
                prorate=programme.prorate,
            )
            for name in programme.instruments
        )
        summary = {"scores": made.height, "not scorable": made["raw_score"].null_count()}
        return {"scores": tables.SCORES.conform(made)}, summary

    done = home.carry_out(
        "scores",
        work,
        reads=["responses"],
        settings=[as_of, programme.instruments, programme.prorate],
    )
    fill_ahead(home, tables.SCORES)
    return done
