"""Stage 7: evaluation tables, each one pure function of what came before."""

import dagster as dg

from assets.answers import CARELESS, answers
from assets.ledger import ledger
from assets.numbered import people_waves_scores
from pipeline import tables
from pipeline.evaluation.attrition import attrition
from pipeline.evaluation.attrition_model import attrition_model
from pipeline.evaluation.band_transitions import band_transitions
from pipeline.evaluation.careless import change_without_careless
from pipeline.evaluation.comparability import not_comparable
from pipeline.evaluation.dose_response import dose_response
from pipeline.evaluation.equality_breakdown import equality_breakdown
from pipeline.evaluation.follow_up_due import follow_up_due
from pipeline.evaluation.linked_by_codes import with_link_notes
from pipeline.evaluation.paired_change import paired_change
from pipeline.evaluation.panel import panel
from pipeline.evaluation.participant_flow import participant_flow
from pipeline.evaluation.pilot import pilot_reconciliation
from pipeline.evaluation.pooled_change import pooled_change
from pipeline.evaluation.retention import retention, retention_comparison
from pipeline.evaluation.taking_part import taking_part
from pipeline.evaluation.wave_summary import wave_summary
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.side_by_side import side_by_side
from pipeline.storage.stages import Made, Stage


@dg.asset(
    deps=[ledger, answers],
    group_name="evaluation",
    retry_policy=AGAIN,
    description="Change, flow, retention, attrition, dose and response, what is due, the pilot.",
)
@value_free
def evaluation(home: HomeResource) -> dg.MaterializeResult[None]:
    programme, as_of = home.open().programme, home.as_of_date()
    settings = programme.model_dump(mode="json")

    def due(stage: Stage) -> Made:
        people, waves = stage.read("participants"), stage.read("participant_waves")
        made = tables.FOLLOW_UP_DUE.conform(follow_up_due(people, waves, programme, as_of))
        return {tables.FOLLOW_UP_DUE.name: made}, {"rows": made.height}

    # Apart, since scores do not change it.
    home.stage(
        "follow_up_due",
        due,
        reads=["participants", "participant_waves"],
        settings=[settings, as_of],
    )

    def work(stage: Stage) -> Made:
        people, waves, scores = people_waves_scores(stage, programme)
        officers = taking_part(people, waves, programme, as_of)
        of_officers = panel(scores, people, programme)
        incomparable = not_comparable(stage.read(tables.COMPARABILITY.name))
        made = side_by_side(
            {
                tables.WAVE_SUMMARY: lambda: wave_summary(of_officers, programme),
                tables.PAIRED_CHANGE: lambda: with_link_notes(
                    paired_change(of_officers, programme), stage.read(tables.LINK_ERRORS.name)
                ),
                tables.CHANGE_WITHOUT_CARELESS: lambda: change_without_careless(
                    of_officers,
                    scores,
                    people,
                    stage.read(CARELESS),
                    programme,
                    quality=stage.read(tables.RESPONSE_QUALITY.name),
                ),
                tables.BAND_TRANSITIONS: lambda: band_transitions(of_officers, programme),
                tables.EQUALITY_BREAKDOWN: lambda: equality_breakdown(
                    of_officers, people, programme
                ),
                tables.DOSE_RESPONSE: lambda: dose_response(of_officers, people, programme),
                tables.PARTICIPANT_FLOW: lambda: participant_flow(
                    people, waves, programme, stage.read("erased_officers")
                ),
                tables.RETENTION: lambda: retention(officers, programme),
                tables.RETENTION_COMPARISON: lambda: retention_comparison(officers, programme),
                tables.ATTRITION: lambda: attrition(scores, officers, programme),
                tables.ATTRITION_MODEL: lambda: attrition_model(scores, officers, programme),
            }
        )
        made[tables.POOLED_CHANGE], made[tables.ORGANISATION_CHANGE] = pooled_change(
            of_officers, programme, incomparable
        )
        summary = tables.WAVE_SUMMARY.conform(made[tables.WAVE_SUMMARY])
        made[tables.PILOT_RECONCILIATION] = pilot_reconciliation(summary)
        conforming = {table.name: table.conform(frame) for table, frame in made.items()}
        return conforming, {name: frame.height for name, frame in conforming.items()}

    return home.carry_out(
        "evaluation",
        work,
        reads=[
            "scores",
            "participants",
            "participant_waves",
            "erased_officers",
            tables.LINK_ERRORS.name,
            tables.COMPARABILITY.name,
            tables.RESPONSE_QUALITY.name,
            CARELESS,
        ],
        # A departure counts once the window it fell into is over. That day may change figures
        # while the statuses of the ledger stay what they were.
        settings=[settings, as_of],
    )
