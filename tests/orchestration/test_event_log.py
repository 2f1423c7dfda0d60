"""An event log that keeps its connections says the same as one that does not."""

from pathlib import Path

import dagster as dg
import pytest

from pipeline.orchestration.event_log import kept_open
from pipeline.orchestration.launch import instance_of
from pipeline.storage.home import Home


@dg.asset
def made() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 3})


def materializations(instance: dg.DagsterInstance) -> int:
    return len(instance.fetch_materializations(made.key, limit=10).records)


def methods_of_a_run(instance: dg.DagsterInstance) -> set[str]:
    """What an instance's log does otherwise than its class."""
    log = instance.event_log_storage
    return {name for name in vars(log) if hasattr(type(log), name)}


def test_what_is_written_is_there_for_other_instances(tmp_path: Path) -> None:
    Home(tmp_path).create("")
    with instance_of(tmp_path) as instance:
        with kept_open(instance):
            assert "_connect" in methods_of_a_run(instance)
            result = dg.materialize([made], instance=instance)
            assert result.success
            with instance_of(tmp_path) as another:
                assert materializations(another) == 1
        assert not methods_of_a_run(instance)
        assert len(instance.all_logs(result.run_id)) >= len(result.all_events)
    with instance_of(tmp_path) as later:
        assert materializations(later) == 1
        later.delete_run(result.run_id)
    assert not list(tmp_path.glob("dagster/**/*-wal"))


def test_a_log_that_is_not_sqlite_is_left_alone() -> None:
    with dg.DagsterInstance.ephemeral() as instance, kept_open(instance):
        assert dg.materialize([made], instance=instance).success


def test_connections_are_given_back_when_a_run_fails(tmp_path: Path) -> None:
    Home(tmp_path).create("")
    with instance_of(tmp_path) as instance:
        with pytest.raises(RuntimeError), kept_open(instance):
            raise RuntimeError
        assert not methods_of_a_run(instance)
