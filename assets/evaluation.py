"""Stage 7: evaluation tables, each one pure function of what came before."""

import dagster as dg

from assets.ledger import ledger
from pipeline import tables
from pipeline.evaluation.paired_change import paired_change
from pipeline.evaluation.participant_flow import participant_flow
from pipeline.evaluation.pilot import pilot_reconciliation
from pipeline.evaluation.wave_summary import wave_summary
from pipeline.orchestration.guard import value_free
from pipeline.orchestration.resources import HomeResource


@dg.asset(
    deps=[ledger],
    group_name="evaluation",
    description="wave_summary, paired_change, participant_flow and pilot_reconciliation.",
)
@value_free
def evaluation(home: HomeResource) -> dg.MaterializeResult[None]:
    here = home.open()
    lake, programme = here.lake, here.programme
    scores, people = lake.read_table("scores"), lake.read_table("participants")
    summary = tables.WAVE_SUMMARY.conform(wave_summary(scores, people, programme))
    made = {
        tables.WAVE_SUMMARY: summary,
        tables.PAIRED_CHANGE: paired_change(scores, people, programme),
        tables.PARTICIPANT_FLOW: participant_flow(
            people, lake.read_table("participant_waves"), programme
        ),
        tables.PILOT_RECONCILIATION: pilot_reconciliation(summary),
    }
    for table, frame in made.items():
        lake.write_table(table.name, table.conform(frame))
    return dg.MaterializeResult(
        metadata={table.name: frame.height for table, frame in made.items()}
    )
