"""Tables worked out at once come back as they were asked for, and none of them fails unheard."""

import threading

import polars as pl
import pytest

from pipeline.side_by_side import AT_ONCE, side_by_side


def _of(number: int) -> pl.DataFrame:
    return pl.DataFrame({"number": [number]})


def test_tables_come_back_by_name_in_the_order_asked_for() -> None:
    made = side_by_side({str(number): lambda n=number: _of(n) for number in range(9)})  # type: ignore[misc]
    assert [(name, frame.item()) for name, frame in made.items()] == [
        (str(number), number) for number in range(9)
    ]


def test_so_many_are_worked_out_at_once() -> None:
    meeting = threading.Barrier(AT_ONCE, timeout=10)

    def waits_for_the_others() -> pl.DataFrame:
        meeting.wait()
        return _of(1)

    assert len(side_by_side(dict.fromkeys(range(AT_ONCE), waits_for_the_others))) == AT_ONCE


def test_a_table_that_fails_is_heard() -> None:
    def fails() -> pl.DataFrame:
        raise ValueError("scores: of somebody who is not among the participants")

    with pytest.raises(ValueError, match="not among the participants"):
        side_by_side({"first": lambda: _of(1), "second": fails, "third": lambda: _of(3)})
