"""The one partitioned thing: submissions, in the order in which they were first seen."""

from collections.abc import Collection, Iterable, Sequence

import dagster as dg

SUBMISSIONS = dg.DynamicPartitionsDefinition(name="submission")


def register(instance: dg.DagsterInstance, submission_ids: list[str]) -> None:
    """Make keys of the submissions that have none yet."""
    known = set(instance.get_dynamic_partitions(str(SUBMISSIONS.name)))
    new = [submission_id for submission_id in submission_ids if submission_id not in known]
    if new:
        instance.add_dynamic_partitions(str(SUBMISSIONS.name), new)


def in_order_of_arrival(known: Sequence[str], new: Iterable[str]) -> list[str]:
    """Keys as Dagster keeps them: those it has, then those that were not among them."""
    return list(dict.fromkeys([*known, *new]))


def range_tags(keys: Sequence[str], submission_ids: Collection[str]) -> dict[str, str]:
    """Tags of one run over the contiguous range of `keys` that holds all the given submissions.

    Keys inside it that are up to date cost nothing: intake passes over them. Raises ValueError
    for a submission that is not among the keys.
    """
    wanted = set(submission_ids)
    inside = [key for key in keys if key in wanted]
    if len(inside) < len(wanted):
        raise ValueError("a submission is not in list of partitions; register it first")
    return {
        "dagster/asset_partition_range_start": inside[0],
        "dagster/asset_partition_range_end": inside[-1],
    }
