"""Errors that are no ordinary exceptions: panics of Polars, interruptions, failures in passing."""

import traceback
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from dagster._utils.error import serializable_error_info_from_exc_info
from polars.exceptions import PanicException

from pipeline.orchestration.guard import value_free
from pipeline.orchestration.launch import instance_of

CANARY = "PC 4711 Simone Simsson"


def _told(error: BaseException) -> str:
    info = serializable_error_info_from_exc_info((type(error), error, error.__traceback__))
    return "".join(traceback.format_exception(error)) + repr(info)


def _panic() -> None:
    raise PanicException(f"called `Result::unwrap()` on an `Err` value: {CANARY}")


def _failure_while_handling() -> None:
    try:
        raise ValueError(CANARY)
    except ValueError:
        raise dg.Failure("as meant")  # noqa: B904 - carelessly, as it can happen


def _interrupted_while_handling() -> None:
    try:
        raise ValueError(CANARY)
    except ValueError:
        raise KeyboardInterrupt  # noqa: B904 - as Ctrl-C does


def _inside_the_engine() -> None:
    def explode(_: int) -> int:
        raise ValueError(CANARY)

    pl.Series([1]).map_elements(explode, return_dtype=pl.Int64)


@pytest.mark.parametrize(
    "body", [_panic, _failure_while_handling, _interrupted_while_handling, _inside_the_engine]
)
@pytest.mark.filterwarnings("ignore::polars.exceptions.PolarsInefficientMapWarning")
def test_no_value_goes_on(body):
    with pytest.raises(BaseException) as raised:  # noqa: PT011 - whichever it is
        value_free(body)()
    assert CANARY not in _told(raised.value)


def test_a_body_that_yields_is_refused():
    def body() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match="yields"):
        value_free(body)


def test_a_panic_in_an_asset_leaves_nothing_in_the_run_storage(tmp_path: Path):
    @dg.asset
    @value_free
    def panics() -> None:
        _panic()

    with instance_of(tmp_path) as instance:
        assert not dg.materialize([panics], instance=instance, raise_on_error=False).success
    files = [path for path in (tmp_path / "dagster").rglob("*") if path.is_file()]
    assert files
    assert not [path.name for path in files if CANARY.encode() in path.read_bytes()]
