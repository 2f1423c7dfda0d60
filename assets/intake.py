"""Stage 1: every new submission is read, pseudonymised, judged, profiled and put into the lake."""

import warnings

import dagster as dg

from pipeline.intake import ACCEPTED
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.mapper import SubmissionMapper
from pipeline.orchestration.partitions import SUBMISSIONS
from pipeline.orchestration.resources import HomeResource
from pipeline.orchestration.state import outdated
from pipeline.storage.taking_in import TakeInOne
from pipeline.submissions import Record, newest_of_each
from pipeline.vocabulary import Kind

with warnings.catch_warnings():
    # Backfill policies are marked beta; without one, Dagster would start a run a submission.
    warnings.simplefilter("ignore", dg.BetaWarning)
    _partitioned_asset = dg.asset(
        partitions_def=SUBMISSIONS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=AGAIN,
        group_name="intake",
        description="Submissions as rows that may be kept: pseudonymised, judged, with a profile.",
    )


@_partitioned_asset
@value_free
def intake(
    context: dg.AssetExecutionContext,
    home: HomeResource,
    mapper: dg.ResourceParam[SubmissionMapper],
) -> dg.MaterializeResult[None]:
    here = home.open()
    asked = set(context.partition_keys)
    new = outdated(here.arrivals(), here.lake.records())
    arrivals = [a for a in new if a.submission_id in asked]
    # On record before anything is read: a killed run changes neither order nor day of receipt.
    receipts = here.stewardship.receive(
        [(a.submission_id, a.file.modified_at) for a in arrivals], home.now()
    )
    if any(arrival.is_to_be_read for arrival in arrivals):
        here.settle_keys(home.now())
    one = TakeInOne(here, here.pseudonymiser(), receipts, here.withdrawals())
    made = [record for record in mapper.map(one, arrivals) if record is not None]
    if any(record.kind == Kind.QUESTIONNAIRE and record.problem is None for record in made):
        # `accepted` needs most of them, and what lies between leaves a core idle.
        here.lake.read_ahead("accepted", _responses, ACCEPTED[Kind.QUESTIONNAIRE])
    return dg.MaterializeResult(
        metadata={
            "submissions": len(made),
            "rows read": sum(record.rows_read or 0 for record in made),
            "rows quarantined": sum(record.rows_quarantined or 0 for record in made),
            "unreadable": [record.submission_id for record in made if record.problem],
            "gone or changed meanwhile": len(arrivals) - len(made),
        }
    )


def _responses(records: list[Record]) -> list[str]:
    """Submissions of questionnaires that count unless one of them turns out to be unsound."""
    of_kind = [r for r in records if r.kind == Kind.QUESTIONNAIRE]
    return [record.submission_id for record in newest_of_each(of_kind)]
