"""Submissions as partition keys: registered once, in order, and asked for as one range."""

import dagster as dg
import pytest

from pipeline.orchestration.partitions import (
    SUBMISSIONS,
    in_order_of_arrival,
    range_tags,
    register,
)


@pytest.fixture
def instance():
    with dg.instance_for_test() as made:
        yield made


def _keys(instance: dg.DagsterInstance) -> list[str]:
    return list(instance.get_dynamic_partitions(SUBMISSIONS.name))


def test_keys_are_registered_once_and_stay_in_order(instance):
    register(instance, ["c", "a"])
    register(instance, ["c", "a"])
    register(instance, ["b", "a"])
    register(instance, [])
    assert _keys(instance) == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["a"], ("a", "a")),
        (["b", "a"], ("b", "a")),
        (["c", "b"], ("c", "b")),
        (["a", "c"], ("c", "a")),
        (["d", "c"], ("c", "d")),
    ],
)
def test_the_range_covers_what_is_asked_and_begins_with_the_earliest(instance, asked, expected):
    register(instance, ["c", "b", "a", "d"])
    keys = _keys(instance)
    tags = range_tags(keys, asked)
    first = tags["dagster/asset_partition_range_start"]
    last = tags["dagster/asset_partition_range_end"]
    assert (first, last) == expected
    assert set(asked) <= set(keys[keys.index(first) : keys.index(last) + 1])


def test_keys_of_other_partitions_do_not_count(instance):
    instance.add_dynamic_partitions("another", ["x"])
    register(instance, ["a"])
    assert _keys(instance) == ["a"]
    with pytest.raises(ValueError, match="not in list"):
        range_tags(_keys(instance), ["x"])


def test_new_keys_come_after_those_that_are_known():
    assert in_order_of_arrival(["c", "a"], ["b", "a"]) == ["c", "a", "b"]
