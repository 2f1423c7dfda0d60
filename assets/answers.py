"""Stage 7, before the rest of it: reliability, comparability, signs of carelessness.

Apart from the rest of the evaluation, since it reads every item: a departure, or a session that
somebody came to, changes nothing here.
"""

from datetime import date

import dagster as dg
import polars as pl

from assets.ledger import ledger
from pipeline import tables
from pipeline.evaluation.answers import answers_by_instrument, sums_by_subscale
from pipeline.evaluation.careless import bearers, response_quality, with_signs
from pipeline.evaluation.comparability import comparability
from pipeline.evaluation.reliability import reliabilities, reliability
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.programme import Programme
from pipeline.storage.stages import Made, Stage

CARELESS = "careless_responses"
"""Which responses bear which sign; the release knows no such thing, and neither do analysts."""

_ENROLLED_WHERE = "enrolled_where"
_ITEMS = (
    *("response_id", "participant_id", "wave", "instrument"),
    *("completed_on", "items", "duration_seconds", "flags"),
)


@dg.asset(
    deps=[ledger],
    group_name="evaluation",
    retry_policy=AGAIN,
    description="Reliability, comparability and response quality, from the items.",
)
@value_free
def answers(home: HomeResource) -> dg.MaterializeResult[None]:
    programme, as_of = home.open().programme, home.as_of_date()
    home.stage(_ENROLLED_WHERE, _enrolled_where, reads=["participants"])
    return home.carry_out(
        "answers",
        lambda stage: _from_items(stage, programme, as_of),
        reads=["responses", _ENROLLED_WHERE],
        settings=[as_of, programme.instruments, programme.wave_names],
    )


def _enrolled_where(stage: Stage) -> Made:
    officers = stage.read("participants", ["participant_id", "organisation"])
    return {_ENROLLED_WHERE: officers}, {"officers": officers.height}


def _from_items(stage: Stage, programme: Programme, as_of: date) -> Made:
    responses = stage.read("responses", _ITEMS).filter(
        (pl.col("completed_on") <= as_of).fill_null(True)
    )
    enrolled = stage.read(_ENROLLED_WHERE)
    every = list(answers_by_instrument(responses, enrolled, programme))
    sums = sums_by_subscale(every)
    found = {series: reliabilities(of_series) for series, of_series in sums.items()}
    signs = {each.instrument.instrument: with_signs(each) for each in every}
    made = {
        tables.RELIABILITY: reliability(found),
        tables.COMPARABILITY: comparability(sums, found),
        tables.RESPONSE_QUALITY: response_quality(signs, programme),
    }
    conforming = {table.name: table.conform(frame) for table, frame in made.items()}
    careless = bearers(signs.values()).sort(pl.all())
    rows = {name: frame.height for name, frame in conforming.items()}
    return {**conforming, CARELESS: careless}, rows
