"""Stage 11: what waits for a steward is said in the log, on Dagster's page, by mail and webhook."""

import os

import dagster as dg

from assets.warehouse import warehouse
from pipeline.notices import Held
from pipeline.notifying import Told, call_webhook, notify
from pipeline.orchestration.guard import value_free
from pipeline.orchestration.launch import NOT_CALLED, NOT_TOLD
from pipeline.orchestration.resources import HomeResource
from pipeline.status import waiting_for_a_steward

_SHOWN = 50


@dg.asset(
    deps=[warehouse],
    group_name="warehouse",
    description=(
        "Who has to decide is told: files that wait for a steward, each once by mail or webhook, "
        "if notices.yaml says where to. What cannot be sent is a warning and fails no run."
    ),
)
@value_free
def notices(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult[None]:
    here = home.open()
    names = {record.submission_id: record.file_name for record in home.records()}
    waiting = waiting_for_a_steward(here.stages.read("verdicts"))
    held = [
        Held(submission_id, names[submission_id], verdict, reason)
        for submission_id, verdict, reason in waiting.select(
            "submission_id", "verdict", "reason"
        ).iter_rows()
    ]
    for each in held[:_SHOWN]:
        context.log.warning(f"Waits for a steward: {each.sentence}")
    if home.known_at_date() is not None:
        # A report of the past says what waited then; nobody is to act on it.
        return dg.MaterializeResult(metadata={"waiting for a steward": len(held)})
    told = notify(here, held, home.now(), os.environ)
    called = call_webhook(here, held, home.now(), os.environ)
    for each_way in (told, called):
        if each_way is not None and each_way.went_wrong:
            context.log.warning(each_way.said)
    lines = "\n".join(f"- {each.sentence}" for each in held[:_SHOWN])
    return dg.MaterializeResult(
        metadata={
            "waiting for a steward": len(held),
            "which": dg.MetadataValue.md(lines or "nothing"),
            NOT_TOLD if told.went_wrong else "mail": told.said,
            **({} if called is None else {_way_of(called): called.said}),
        }
    )


def _way_of(called: Told) -> str:
    return NOT_CALLED if called.went_wrong else "webhook"
