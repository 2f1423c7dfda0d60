"""A real run on a real instance: what fails leaves no value in any byte of the storage."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from pipeline.definitions import build_defs
from pipeline.orchestration.launch import failure_of, instance_of, run_here
from pipeline.storage.home import Home

CANARY = "SIMCANARY"


class _Quoting:
    """Spreads intake like any mapper, until Polars quotes a cell of the file."""

    quoted = ""

    def map(self, function: Callable, items: Sequence) -> Iterator:
        for item in items:
            cells = item.file.path.read_text().split(",")
            try:
                pl.Series(cells).cast(pl.Int32)
            except pl.exceptions.PolarsError as error:
                self.quoted = str(error)
                raise RuntimeError(f"row of {cells[6]}") from error
            yield function(item)


def _holding(folder: Path, needle: bytes) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if needle in path.read_bytes()]


def _ids(home: Home) -> list[str]:
    return [arrival.submission_id for arrival in home.arrivals()]


@pytest.mark.filterwarnings("ignore")
def test_a_failing_asset_leaves_no_value_in_dagsters_storage(home, capfd):
    (submission_id,) = _ids(home)
    with instance_of(home.root) as instance:
        mapper = _Quoting()
        result = run_here(build_defs(home.root, mapper=mapper), instance, home, [submission_id])
        assert not result.success
        assert CANARY in mapper.quoted, "the error did quote a cell"
        told = failure_of(result)
        assert told.startswith("intake ended in RuntimeError at ")
        stored = instance.all_logs(result.run_id)
    assert any(e.dagster_event and e.dagster_event.is_step_failure for e in stored)
    # The storage is where it is looked for, and holds the run: else nothing would be proved.
    assert _holding(home.dagster, submission_id.encode())
    assert _holding(home.dagster, b"intake ended in RuntimeError")
    assert _holding(home.dagster, CANARY.encode()) == []
    outside = [name for name in _holding(home.root, CANARY.encode()) if name != "answers.csv"]
    assert outside == []
    printed = capfd.readouterr()
    assert CANARY not in printed.out + printed.err + told


@pytest.mark.filterwarnings("ignore")
def test_without_the_guard_the_same_search_finds_the_value(home):
    @dg.asset
    def unguarded() -> None:
        pl.Series([f"{CANARY}01"]).cast(pl.Int32)

    with instance_of(home.root) as instance:
        result = dg.materialize([unguarded], instance=instance, raise_on_error=False)
        assert not result.success
    assert _holding(home.dagster, CANARY.encode())
