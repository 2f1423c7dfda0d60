"""The one partitioned thing: submissions, in the order in which they were first seen."""

import dagster as dg

SUBMISSIONS = dg.DynamicPartitionsDefinition(name="submission")


def register(instance: dg.DagsterInstance, submission_ids: list[str]) -> None:
    """Make keys of the submissions that have none yet."""
    known = set(instance.get_dynamic_partitions(str(SUBMISSIONS.name)))
    new = [submission_id for submission_id in submission_ids if submission_id not in known]
    if new:
        instance.add_dynamic_partitions(str(SUBMISSIONS.name), new)


def covering_range(instance: dg.DagsterInstance, submission_ids: list[str]) -> tuple[str, str]:
    """First and last key of the contiguous range that holds all the given submissions.

    Keys inside it that are up to date cost nothing: intake passes over them.
    """
    wanted = set(submission_ids)
    keys = instance.get_dynamic_partitions(str(SUBMISSIONS.name))
    inside = [key for key in keys if key in wanted]
    if len(inside) < len(wanted):
        raise ValueError("a submission is not in list of partitions; register it first")
    return inside[0], inside[-1]
