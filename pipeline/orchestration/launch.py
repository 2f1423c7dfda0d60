"""Running a job in this process, on the instance that Dagster's page and daemon use.

What stays out: which definitions there are; they are handed in.
"""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from pipeline.orchestration.event_log import kept_open
from pipeline.orchestration.guard import StageFailed
from pipeline.orchestration.history import GONE, POSTGRES, is_of_the_database, must_be_of
from pipeline.orchestration.liveness import bury_dead_runs
from pipeline.orchestration.mapper import WorkFailed
from pipeline.orchestration.partitions import SUBMISSIONS, range_tags, register
from pipeline.orchestration.tidying import tidy
from pipeline.programme import UnusableConfiguration
from pipeline.storage import locks
from pipeline.storage.home import Home

NOT_TOLD = "mail could not be sent"
NOT_CALLED = "webhook could not be called"
"""Metadata of the asset `notices`: why stewards could not be told."""

_MISREAD = re.compile(r"\?|%[0-9A-Fa-f]{2}")
PROJECT = Path(__file__).parents[2]
"""Folder of dagster.yaml and workspace.yaml."""


def dagster_environment(home: Path) -> dict[str, str]:
    """What Dagster has to know to find its settings here and its storage in the home folder."""
    if not (PROJECT / "dagster.yaml").exists():
        raise UnusableConfiguration(
            "dagster.yaml is not beside the pipeline folder; run Muster from a checkout of the "
            "project, installed with `make`."
        )
    if _MISREAD.search(str(home.resolve())):
        raise UnusableConfiguration(
            "the home folder's path holds a question mark or a percent sign with two digits, which "
            "Dagster's storage takes for something else; choose another with --home."
        )
    return {
        "DAGSTER_HOME": str(PROJECT),
        "MUSTER_DAGSTER": str((home / "dagster").resolve()),
        "MUSTER_HOME": str(home.resolve()),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }


@contextmanager
def instance_of(home: Path, *, in_files: bool = False) -> Iterator[dg.DagsterInstance]:
    """The instance whose storage is the home's own.

    `in_files` keeps it in the home folder whatever is configured: for a copy of a home, which has
    no part in the history of that one.
    """
    environment = dagster_environment(home)
    if in_files:
        environment[POSTGRES] = ""
    Path(environment["MUSTER_DAGSTER"]).mkdir(parents=True, exist_ok=True)
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        with ExitStack() as opened:
            # Two processes that make the tables of a new home at once make half of them each.
            with locks.held(home / "dagster" / ".tables"):
                instance = opened.enter_context(dg.DagsterInstance.get())
                instance.get_runs_count()
                instance.get_dynamic_partitions(str(SUBMISSIONS.name))
                instance.all_instigator_state()
                must_be_of(home, instance)
            yield instance
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    """The value-free sentence of the first stage that failed."""
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            if error is not None:
                return error.message.strip().removeprefix(f"{StageFailed.__module__}.StageFailed: ")
    return "the run ended before any stage"


def warnings_of(result: dg.ExecuteInProcessResult) -> list[str]:
    """Sentences about what went wrong and failed nothing."""
    return [
        str(entry.value)
        for event in result.all_events
        if event.is_step_materialization
        for name, entry in event.step_materialization_data.materialization.metadata.items()
        if name in {NOT_TOLD, NOT_CALLED}
    ]


def run_here(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    home: Home,
    submission_ids: list[str],
    *,
    log_level: str = "critical",
) -> dg.ExecuteInProcessResult:
    """Take in the given submissions, or bring everything after intake up to date if none.

    Runs that were killed are buried first, and old ones removed after it: nobody need run the
    daemon for that. Raises WorkFailed where PostgreSQL, if it keeps the history, goes away.
    """
    try:
        return _run_here(defs, instance, home, submission_ids, log_level)
    except Exception as error:
        if not is_of_the_database(error):
            raise
    # Outside the handler: what the database said quotes the statement that failed.
    raise WorkFailed(GONE)


def _run_here(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    home: Home,
    submission_ids: list[str],
    log_level: str,
) -> dg.ExecuteInProcessResult:
    now = datetime.now(UTC)
    bury_dead_runs(instance, home, now)
    tags: dict[str, str] = {}
    if submission_ids:
        register(instance, submission_ids)
        keys = instance.get_dynamic_partitions(str(SUBMISSIONS.name))
        tags = range_tags(keys, submission_ids)
    job = defs.resolve_job_def("take_in" if submission_ids else "bring_up_to_date")
    with kept_open(instance):
        result = job.execute_in_process(
            instance=instance,
            tags=tags,
            run_config={"loggers": {"console": {"config": {"log_level": log_level.upper()}}}},
            raise_on_error=False,
        )
    tidy(instance, home, now)
    return result
