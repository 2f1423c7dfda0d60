"""Whose rows of a replaced file go on counting, since they stopped collection before the next."""

from collections.abc import Callable
from typing import Any

import polars as pl

from pipeline.privacy.withdrawals import STOPPED
from pipeline.quality.stopped import KEPT, kept_rows, not_missing
from pipeline.quality.verdicts import VERDICTS
from pipeline.submissions import Record
from pipeline.vocabulary import Delivery

Make = Callable[..., Record]


def stopped(**places: int) -> pl.DataFrame:
    return pl.DataFrame(sorted(places.items()), schema=STOPPED, orient="row")


def decided(*rows: tuple[str, str, str | None]) -> pl.DataFrame:
    """VERDICTS from submission, verdict and what replaced it."""
    whole = [(name, verdict, None, newer, "contract", None) for name, verdict, newer in rows]
    return pl.DataFrame(whole, schema=VERDICTS, orient="row")


def files(record: Make, *names: str, **said: Any) -> list[Record]:
    return [record(name, place=place, **said) for place, name in enumerate(names, start=1)]


THREE = decided(
    ("monday", "accepted", "friday"),
    ("tuesday", "accepted", "friday"),
    ("friday", "accepted", None),
)


def test_the_newest_file_before_the_stop_keeps_the_rows(record: Make) -> None:
    week = files(record, "monday", "tuesday", "friday")
    kept = kept_rows(week, THREE, stopped(early=1, later=2, today=3))
    assert kept.rows() == [("monday", "early"), ("tuesday", "later")]
    assert kept.schema == KEPT


def test_a_file_that_never_counted_keeps_nothing(record: Make) -> None:
    week = files(record, "monday", "tuesday", "friday")
    held = decided(
        ("monday", "accepted", "friday"),
        ("tuesday", "held", "friday"),
        ("friday", "accepted", None),
    )
    assert kept_rows(week, held, stopped(someone=2)).rows() == [("monday", "someone")]


def test_files_that_add_up_replace_nothing(record: Make) -> None:
    week = files(record, "monday", "friday", delivery=Delivery.INCREMENTAL)
    alone = decided(("monday", "accepted", None), ("friday", "accepted", None))
    assert kept_rows(week, alone, stopped(someone=1)).is_empty()


def test_each_source_has_its_own_newest_file(record: Make) -> None:
    week = [
        record("roster", place=1),
        record("answers", place=2, source="answers"),
        record("roster 2", place=3),
        record("answers 2", place=4, source="answers"),
    ]
    verdicts = decided(
        ("roster", "accepted", "roster 2"),
        ("answers", "accepted", "answers 2"),
        ("roster 2", "accepted", None),
        ("answers 2", "accepted", None),
    )
    kept = kept_rows(week, verdicts, stopped(someone=2))
    assert kept["submission_id"].to_list() == ["answers", "roster"]
    assert kept_rows(week, verdicts, stopped(someone=3))["submission_id"].to_list() == ["answers"]


def test_nobody_is_missed_in_a_file_that_came_after_they_stopped() -> None:
    rows = pl.DataFrame(
        {"submission_id": ["monday"] * 3, "participant_id": ["early", "late", None]}
    )
    left = not_missing(rows, {"monday": 3}, stopped(early=2, late=3))
    assert left["participant_id"].to_list() == ["late", None]
    assert not_missing(rows, {"monday": 3}, stopped()).equals(rows)
