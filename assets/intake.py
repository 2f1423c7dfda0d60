"""Stage 1: every new submission is read, pseudonymised, judged, profiled and put into the lake."""

import warnings
from functools import partial

import dagster as dg

from pipeline.intake import TakenIn, take_in
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.partitions import SUBMISSIONS
from pipeline.orchestration.resources import HomeResource, SubmissionMapper
from pipeline.orchestration.state import outdated
from pipeline.privacy.file_names import masked_file_name
from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.reading.tabular import Unreadable
from pipeline.storage.home import Home
from pipeline.storage.landing import read_landing_file
from pipeline.storage.stewardship import Receipt
from pipeline.submissions import Arrival, Record

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
    one = partial(take_in_one, here, here.pseudonymiser(), receipts)
    made = [record for record in mapper.map(one, arrivals) if record is not None]
    return dg.MaterializeResult(
        metadata={
            "submissions": len(made),
            "rows read": sum(record.rows_read or 0 for record in made),
            "rows quarantined": sum(record.rows_quarantined or 0 for record in made),
            "unreadable": [record.submission_id for record in made if record.problem],
            "gone or changed meanwhile": len(arrivals) - len(made),
        }
    )


def take_in_one(
    home: Home,
    pseudonymiser: Pseudonymiser,
    receipts: dict[str, Receipt],
    arrival: Arrival,
) -> Record | None:
    """Put one submission into the lake; None where its file has gone or changed meanwhile."""
    receipt = receipts[arrival.submission_id]
    problem, taken_in = arrival.problem, None
    if arrival.mapping is not None and problem is None:
        content = read_landing_file(arrival.file)
        if content is None:
            return None
        try:
            taken_in = take_in(
                content,
                arrival.mapping,
                home.programme,
                pseudonymiser,
                receipt.received_at.date(),
                waived=arrival.waived,
            )
        except Unreadable as unreadable:
            problem = str(unreadable)
    record = _record(arrival, home, receipt, problem, taken_in)
    home.lake.write_submission(record, taken_in)
    return record


def _record(
    arrival: Arrival,
    home: Home,
    receipt: Receipt,
    problem: str | None,
    taken_in: TakenIn | None,
) -> Record:
    known = (arrival.organisation, arrival.source, *home.programme.wave_names)
    counts = {}
    if taken_in is not None:
        counts = {
            "rows_in_file": taken_in.rows_in_file,
            "rows_blank": taken_in.rows_blank,
            "rows_read": taken_in.rows_read,
            "rows_accepted": taken_in.accepted.height,
            "rows_quarantined": taken_in.rows_quarantined,
            "rows_withdrawn": taken_in.rows_withdrawn,
            "columns_left_out": taken_in.columns_left_out,
            "columns_unknown": taken_in.columns_unknown,
        }
    return Record(
        submission_id=arrival.submission_id,
        organisation=arrival.organisation,
        source=arrival.source,
        kind=arrival.mapping.kind if arrival.mapping else None,
        delivery=arrival.mapping.delivery if arrival.mapping else None,
        file_name=masked_file_name(arrival.file.path.name, known),
        sha256=arrival.file.sha256,
        place=receipt.place,
        received_at=receipt.received_at,
        modified_at=receipt.modified_at,
        fingerprint=arrival.fingerprint,
        problem=problem,
        **counts,
    )
