"""Registers of attendance: a row an officer and session, or a column a session.

What belongs here: what a register's cells say, and unfolding wide ones. What stays out: what rows
mean together (`pipeline/follow_up`).
"""

from collections.abc import Collection, Iterable
from typing import Final

import polars as pl

from pipeline.programme import Programme
from pipeline.reading import cells
from pipeline.reading.fields import SHARED, Field, ours
from pipeline.reading.mapping import Mapping
from pipeline.reading.records import Unreadable
from pipeline.reference import attendance_marks

ATTENDED, ABSENT, CANCELLED = "attended", "absent", "cancelled"

_REASONS: Final = (
    "annual leave",
    "bereavement",
    "career break",
    "court",
    "duties",
    "leave",
    "maternity leave",
    "night shift",
    "operational",
    "operational duties",
    "other",
    "parental leave",
    "paternity leave",
    "rest day",
    "secondment",
    "sick",
    "sick leave",
    "sickness",
    "training",
    "workload",
)
_NUMBER, _DATE, _MARK, _REASON = (
    ours(f"session's {what}") for what in ("number", "date", "mark", "reason")
)
"""Columns of an unfolded register beside those of the file."""


def fields(mapping: Mapping, _: Programme) -> list[Field]:
    """The fields of a register with a row for each officer and session, or of an unfolded one."""
    found = []
    for name, column in mapping.columns.items():
        match name:
            case "held_on" if column == _DATE:
                parsed = pl.col(column)
            case "held_on":
                parsed = cells.as_day(column, mapping.date_format)
            case "attended":
                mark = _mark(column, mapping)
                # Whether a session that was called off was attended is settled with its row.
                parsed = pl.when(mark.is_not_null()).then(mark == ATTENDED)
            case "cancelled" if column == _MARK:
                parsed = (_mark(column, mapping) == CANCELLED).fill_null(False)
            case "cancelled":
                parsed = cells.as_truth(name, column, mapping)
            case "session_number" | "minutes":
                parsed = cells.as_whole_number(column)
            case "absence_reason":
                parsed = _reason(column, mapping)
            case _:
                parsed = cells.as_it_stands(column)
        found.append(Field(name, name, column, parsed))
    return found


def _reason(column: str, mapping: Mapping) -> pl.Expr:
    """One of the usual reasons or of those that the mapping says cells mean.

    Never as it stands: people write there whom they stood in for, or whose funeral it was.
    """
    known = {reason: reason for reason in _REASONS}
    return cells.worded(column, known, cells.given_words("absence_reason", mapping))


def _mark(column: str, mapping: Mapping) -> pl.Expr:
    """What a cell says of one officer and session: ATTENDED, ABSENT or CANCELLED.

    In a wide register it may give a reason instead, or say that the session was not held.
    """
    came = cells.given("attended", mapping, cells.TRUTHS)
    given = {said: ATTENDED if meant == "true" else ABSENT for said, meant in came.items()}
    if mapping.sessions is None:
        known = {said: mark for said, mark in attendance_marks().items() if mark != CANCELLED}
        return cells.worded(column, known, given)
    off = cells.given("cancelled", mapping, cells.TRUTHS)
    reasons = cells.given_words("absence_reason", mapping)
    return cells.worded(
        column,
        {**dict.fromkeys(_REASONS, ABSENT), **attendance_marks()},
        dict.fromkeys(reasons, ABSENT)
        | {said: CANCELLED for said, meant in off.items() if meant == "true"}
        | given,
    )


def sessions_in(mapping: Mapping, programme: Programme, present: Collection[str]) -> list[int]:
    """The sessions of which a wide register has a column; none of any other file.

    Those that were not held yet may be without one. Raises Unreadable where no session has one, or
    one is missing between two: there its heading is written in another way.
    """
    if mapping.sessions is None:
        return []
    columns = {n: mapping.sessions.column(n) for n in range(1, programme.sessions.planned + 1)}
    found = [number for number, column in columns.items() if column in present]
    if not found:
        named = next(column for column in columns.values() if column is not None)
        raise Unreadable(
            f"the file has no column of a session, such as `{named}`; send the usual register, or "
            f"correct `sessions` in the mapping of source {mapping.source}"
        )
    for number in range(found[0], found[-1]):
        if columns[number] is not None and number not in found:
            raise Unreadable(
                f"the file has no column of session {number}, but one of session {found[-1]}; "
                "correct the heading, or `sessions` in the mapping of source "
                f"{mapping.source}"
            )
    return found


def session_columns(mapping: Mapping, sessions: Iterable[int]) -> list[str]:
    """Every column that a mapping names of a wide register with these sessions."""
    return [
        column
        for number in sessions
        for column in [_marked_in(mapping, number), *_columns_of(mapping, number).values()]
    ]


def _marked_in(mapping: Mapping, number: int) -> str:
    column = mapping.sessions.column(number) if mapping.sessions else None
    if column is None:
        raise ValueError("only a session that has a column is asked for it")
    return column


def _columns_of(mapping: Mapping, number: int) -> dict[str, str]:
    """The columns that a mapping names beside the mark, for one session."""
    return {
        name: column.replace("{session}", str(number)) for name, column in mapping.columns.items()
    }


def unfolded(
    rows: pl.DataFrame, mapping: Mapping, sessions: list[int]
) -> tuple[pl.DataFrame, Mapping]:
    """A row for each officer and session of which a wide register says anything, in the order of
    the file, and a mapping that names the columns of those rows.

    A row that says nothing of any session stays as one row of the first, so that it is judged and
    counted.
    """
    if mapping.sessions is None:
        raise ValueError("a register with a row a session is not unfolded")
    shared = [ours(name) for name in SHARED] + [ours("unrecognised")]
    dates = mapping.sessions.dates
    blocks, said_of = [], []
    for number in sessions:
        beside = _columns_of(mapping, number)
        own = [c for name, c in beside.items() if "{session}" in mapping.columns[name]]
        mark = _marked_in(mapping, number)
        said_of.append(rows.select(pl.any_horizontal(pl.col(mark, *own).is_not_null())).to_series())
        blocks.append(
            rows.select(
                *shared,
                pl.lit(str(number)).alias(_NUMBER),
                pl.lit(dates.get(number), pl.Date()).alias(_DATE),
                pl.col(mark).alias(_MARK),
                *(pl.col(column).alias(ours(name)) for name, column in beside.items()),
            )
        )
    said_of[0] |= ~pl.select(pl.any_horizontal(said_of)).to_series()
    long = pl.concat(block.filter(said) for block, said in zip(blocks, said_of, strict=True)).sort(
        ours("row_number"), maintain_order=True
    )
    columns = {name: ours(name) for name in mapping.columns}
    columns |= {"session_number": _NUMBER, "attended": _MARK, "cancelled": _MARK}
    columns |= {"held_on": _DATE} if dates else {}
    long_mapping = mapping.model_copy(update={"columns": columns | {"absence_reason": _REASON}})
    # A mark that is a reason says no more than that where there is a column for reasons.
    reason: pl.Expr = pl.when(
        (_mark(_MARK, mapping) == ABSENT) & _reason(_MARK, mapping).is_not_null()
    ).then(_MARK)
    if "absence_reason" in columns:
        reason = pl.coalesce(columns["absence_reason"], reason)
    return long.with_columns(reason.alias(_REASON)), long_mapping
