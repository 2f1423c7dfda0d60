"""Watching landing and the stewards' decisions: what is new is taken in without a command.

What belongs here: whether to ask for a run, and for which. What stays out: what a run does.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg

from pipeline.orchestration.guard import value_free
from pipeline.orchestration.jobs import BRING_UP_TO_DATE, TAKE_IN
from pipeline.orchestration.liveness import AT_WORK, bury_dead_runs
from pipeline.orchestration.partitions import SUBMISSIONS, in_order_of_arrival, range_tags
from pipeline.orchestration.resources import HomeResource
from pipeline.orchestration.state import Work, work_left_as_built
from pipeline.storage.home import Home

SECONDS_BETWEEN_LOOKS = 20
SECONDS_STILL = 10
"""A file that was written to more recently may still be on its way; it waits for the next look."""

WORK_TAG = "muster/work"
"""Names the piece of work that a run was asked for, so that tries of the same can be counted."""

_LONGEST_WAIT = timedelta(hours=1)
_TRIES_THAT_COUNT = 8
"""After so many the wait is the longest."""


@dg.sensor(
    jobs=[TAKE_IN, BRING_UP_TO_DATE],
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Asks for one run over all that is new in landing, or for one that brings the warehouse "
        "up to date where settings or decisions changed."
    ),
)
@value_free
def landing(
    context: dg.SensorEvaluationContext, home: HomeResource
) -> dg.SensorResult | dg.SkipReason:
    return look(context.instance, home.open(), datetime.now(UTC))


def look(
    instance: dg.DagsterInstance, home: Home, now: datetime
) -> dg.SensorResult | dg.SkipReason:
    """One request for a run, or the sentence that says why there is none."""
    bury_dead_runs(instance, home, now)
    if instance.get_runs_count(dg.RunsFilter(statuses=_UNDER_WAY)):
        return dg.SkipReason("A run is under way; what arrives meanwhile waits for its end.")
    # Whether days have passed is the nightly schedule's question. A report of an earlier day,
    # made by hand, stays until then or until something arrives.
    work = work_left_as_built(home, now, SECONDS_STILL)
    only_to_come = work.built is None and not work.to_take_in and work.still_written
    if work.nothing or only_to_come:
        waiting = f" {work.still_written} still being written." if work.still_written else ""
        return dg.SkipReason(f"Nothing new.{waiting}")
    tries = _tries(instance, work)
    next_try = _next_try(tries, now)
    if next_try > now:
        return dg.SkipReason(
            "The last try left it undone; see its run for why. "
            f"The next one is made at {next_try:%H:%M} UTC or when something else arrives."
        )
    return _request(instance, work, tries)


_UNDER_WAY = [dg.DagsterRunStatus.QUEUED, *AT_WORK]


def _tries(instance: dg.DagsterInstance, work: Work) -> list[dg.RunRecord]:
    """Earlier tries of the same work, the newest first.

    None is under way, and the work is left: each failed, or succeeded without doing it because a
    tool broke or a file could not be read. Or it was done and undone since, as when a setting is
    changed, taken back and changed again.
    """
    filters = dg.RunsFilter(tags={WORK_TAG: work.key})
    return list(instance.get_run_records(filters, limit=_TRIES_THAT_COUNT))


def _next_try(tries: list[dg.RunRecord], now: datetime) -> datetime:
    """A minute after the first try, two after the second, four, …, at most an hour."""
    if not tries:
        return now
    moment = tries[0].end_time or tries[0].create_timestamp.timestamp()
    ended = datetime.fromtimestamp(moment, UTC)
    if ended > now:
        return now  # The clock was moved back; nobody waits until it has caught up.
    return ended + min(timedelta(minutes=2 ** (len(tries) - 1)), _LONGEST_WAIT)


def _request(
    instance: dg.DagsterInstance, work: Work, tries: list[dg.RunRecord]
) -> dg.SensorResult:
    # Dagster makes no second run for a key, whatever became of the first; no try must be the last.
    run_key = f"{work.key}-{tries[0].dagster_run.run_id if tries else 'first'}"
    tags = {WORK_TAG: work.key}
    new = [arrival.submission_id for arrival in work.to_take_in]
    if not new:
        request = dg.RunRequest(run_key=run_key, job_name=BRING_UP_TO_DATE.name, tags=tags)
        return dg.SensorResult(run_requests=[request])
    known = instance.get_dynamic_partitions(str(SUBMISSIONS.name))
    unknown = [submission_id for submission_id in new if submission_id not in set(known)]
    keys = in_order_of_arrival(known, unknown)
    request = dg.RunRequest(
        run_key=run_key, job_name=TAKE_IN.name, tags={**tags, **range_tags(keys, new)}
    )
    add = [SUBMISSIONS.build_add_request(unknown)] if unknown else []
    return dg.SensorResult(run_requests=[request], dynamic_partitions_requests=add)
