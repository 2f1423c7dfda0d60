"""What may pass by itself is tried again; what will not is said at once, in one sentence."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date

import dagster as dg
import duckdb
import pytest

from pipeline.definitions import build_defs
from pipeline.errors import may_pass, refusal_of
from pipeline.orchestration import guard
from pipeline.orchestration.guard import MayPass, StageFailed, value_free
from pipeline.orchestration.launch import failure_of, instance_of, run_here

pytestmark = pytest.mark.filterwarnings("ignore")

NAMED = "/landing/kent/Jane Doe 4711.csv"


class _Troubled:
    """Takes in submissions once trouble is over."""

    def __init__(self, trouble: Callable[[], None], times: int) -> None:
        self.left = times
        self.tries = 0
        self._trouble = trouble

    def map(self, function: Callable, items: Sequence) -> Iterator:
        self.tries += 1
        if self.left:
            self.left -= 1
            self._trouble()
        yield from map(function, items)


def _refusing(number: int) -> Callable[[], None]:
    def trouble() -> None:
        raise OSError(number, "quoted", NAMED)

    return trouble


def _run(home, mapper: _Troubled) -> tuple[dg.ExecuteInProcessResult, bytes]:
    new = [arrival.submission_id for arrival in home.arrivals()]
    with instance_of(home.root) as instance:
        defs = build_defs(home.root, date(2025, 3, 1), mapper=mapper)
        result = run_here(defs, instance, home, new)
    stored = b"".join(p.read_bytes() for p in home.dagster.rglob("*") if p.is_file())
    return result, stored


def test_a_share_that_was_away_for_a_moment_is_tried_again(home):
    mapper = _Troubled(_refusing(errno.ESTALE), times=1)
    result, stored = _run(home, mapper)
    assert result.success
    assert mapper.tries == 2
    assert len(home.lake.records()) == 1
    assert b"Doe" not in stored


def test_a_full_disk_is_said_at_once_and_leaves_everything_as_it_was(home):
    mapper = _Troubled(_refusing(errno.ENOSPC), times=9)
    result, stored = _run(home, mapper)
    assert not result.success
    assert mapper.tries == 1
    assert "the disk is full; make room and run again" in failure_of(result)
    assert b"Doe" not in stored
    again, _ = _run(home, _Troubled(_refusing(errno.ENOSPC), times=0))
    assert again.success


def test_a_landing_that_vanishes_in_mid_run_stops_nothing(home):
    mapper = _Troubled(lambda: shutil.rmtree(home.landing), times=1)
    result, _ = _run(home, mapper)
    assert result.success
    assert home.lake.records() == []
    made = result.asset_materializations_for_node("intake")[0].metadata
    assert made["gone or changed meanwhile"].value == 1


def test_a_file_that_is_replaced_in_mid_run_waits_for_the_next(home):
    path = home.landing / "simulated-force-01" / "answers.csv"
    mapper = _Troubled(lambda: path.write_text(path.read_text() + "SIMLATER,Start,,0,0,0,0\n"), 1)
    result, _ = _run(home, mapper)
    assert result.success
    assert home.lake.records() == []
    result, _ = _run(home, _Troubled(lambda: None, 0))
    assert result.success
    (record,) = home.lake.records()
    assert record.rows_read == 5


def _raised(error: BaseException) -> BaseException:
    @value_free
    def body() -> None:
        raise error

    with pytest.raises(BaseException, match="body ended in") as raised:
        body()
    return raised.value


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EBUSY])
def test_only_what_may_pass_allows_another_try(number):
    passing = _raised(OSError(number, "quoted", NAMED))
    assert type(passing) is MayPass
    assert "Doe" not in str(passing)
    lasting = _raised(ValueError(NAMED))
    assert type(lasting) is StageFailed
    assert lasting.allow_retries is False
    assert guard.AGAIN.max_retries >= 1


@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_every_refusal_is_said_without_the_file_it_names(number):
    error = OSError(number, "quoted", NAMED)
    said = refusal_of(error)
    assert said
    assert "Doe" not in said
    assert "quoted" not in said


def test_a_refusal_that_duckdb_hands_on_in_words_is_said_without_the_file():
    full = duckdb.IOException(f'Could not write file "{NAMED}": {os.strerror(errno.ENOSPC)}')
    assert refusal_of(full) == "the disk is full; make room and run again"
    assert refusal_of(duckdb.IOException(f"Cannot open {NAMED}")) is None
    assert refusal_of(duckdb.ConversionException(os.strerror(errno.ENOSPC))) is None


def test_other_errors_are_no_refusals():
    assert refusal_of(ValueError("x")) is None
    assert refusal_of(OSError("no number")) is None
    assert not may_pass(ValueError("x"))


def test_a_refusal_is_found_behind_what_it_led_to():
    try:
        try:
            raise OSError(errno.ENOSPC, "quoted", NAMED)
        except OSError as refused:
            raise RuntimeError(NAMED) from refused
    except RuntimeError as error:
        assert refusal_of(error) == refusal_of(OSError(errno.ENOSPC, "", ""))


def test_what_sqlite_is_refused_is_said_as_well(tmp_path):
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("PRAGMA query_only = true")
        connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(sqlite3.Error) as raised:
            connection.execute("CREATE TABLE t (x)")
    assert refusal_of(raised.value) == refusal_of(OSError(errno.EROFS, "", ""))
