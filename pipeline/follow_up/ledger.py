"""Rosters, registers, departures and responses -> the ledger of one day.

What belongs here: the order of the steps, and leaving out what had not happened by `as_of`.
What stays out: the rules of each step (the modules beside this one), and any IO.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

import polars as pl

from pipeline import tables
from pipeline.follow_up import registers
from pipeline.follow_up.calendar import cohort_starts, due_dates
from pipeline.follow_up.dropout import dropout
from pipeline.follow_up.people import (
    begun_by,
    enrolled_from_rosters,
    first_departures,
    memberships,
    with_first_responders,
    with_groups_from_registers,
)
from pipeline.follow_up.statuses import SCORABLE, participant_waves
from pipeline.programme import Programme
from pipeline.side_by_side import side_by_side


@dataclass(frozen=True, slots=True)
class Ledger:
    """The follow-up tables of one day, each as its published table wants it."""

    participants: pl.DataFrame
    memberships: pl.DataFrame
    attendance: pl.DataFrame
    participant_waves: pl.DataFrame


def build_ledger(
    roster: pl.DataFrame,
    attendance: pl.DataFrame,
    departures: pl.DataFrame,
    responses: pl.DataFrame,
    scores: pl.DataFrame,
    *,
    organisations_with_roster: Collection[str],
    programme: Programme,
    as_of: date,
) -> Ledger:
    """The ledger on `as_of`, from accepted rows of every kind (`frames.py`) and `core.scores`.

    Nothing dated after `as_of` has happened yet: not a session, a departure, a response or an
    enrolment. What has no date counts as past. Every enrolled officer has exactly one row for
    each of the programme's waves.
    """
    roster, attendance, departures, responses = _with_short_names(
        roster, attendance, departures, responses
    )
    responses = responses.filter((pl.col("completed_on") <= as_of).fill_null(True))
    attendance = registers.until(attendance, as_of)

    def enrolled_by_then() -> pl.DataFrame:
        on_rosters = begun_by(enrolled_from_rosters(roster), attendance, responses, as_of)
        return with_first_responders(on_rosters, responses, organisations_with_roster, programme)

    begun = side_by_side(
        {
            "enrolled": enrolled_by_then,
            "sessions": lambda: registers.one_row_a_session(attendance),
        }
    )
    enrolled = begun["enrolled"]
    everybody = enrolled.height == _names_in(enrolled)

    def of_enrolled(rows: pl.DataFrame) -> pl.DataFrame:
        if everybody:
            return rows
        return rows.join(enrolled, on="participant_id", how="semi", maintain_order="left")

    attendance, responses = of_enrolled(attendance), of_enrolled(responses)
    sessions = of_enrolled(begun["sessions"])
    # Starts are worked out before registers name groups: those may change from day to day, and a
    # cohort that has begun must not be found not to have begun.
    starts = cohort_starts(enrolled, attendance, programme)
    people = with_groups_from_registers(enrolled, attendance)
    departed = first_departures(departures, as_of)
    waves = participant_waves(
        due_dates(people, starts, programme),
        responses,
        scores,
        departed,
        sessions,
        programme=programme,
        as_of=as_of,
    ).with_columns(
        # They come in the order of `people`; who is told so groups them at a fraction of the cost.
        pl.col("participant_id").set_sorted()
    )

    def participants() -> pl.DataFrame:
        return (
            people.join(departed, on="participant_id", how="left")
            .join(dropout(people, sessions, waves, programme), on="participant_id", how="left")
            .join(_last_completed(waves), on="participant_id", how="left")
        )

    def members() -> pl.DataFrame:
        in_force = roster.filter((pl.col("enrolled_on") <= as_of).fill_null(True))
        return memberships(of_enrolled(in_force), attendance, responses).sort(
            "participant_id", "organisation"
        )

    made = side_by_side(
        {
            tables.PARTICIPANTS: lambda: tables.PARTICIPANTS.conform(participants()),
            tables.MEMBERSHIPS: lambda: tables.MEMBERSHIPS.conform(members()),
            tables.ATTENDANCE: lambda: tables.ATTENDANCE.conform(sessions),
            tables.PARTICIPANT_WAVES: lambda: tables.PARTICIPANT_WAVES.conform(waves),
        }
    )
    return Ledger(
        participants=made[tables.PARTICIPANTS],
        memberships=made[tables.MEMBERSHIPS],
        attendance=made[tables.ATTENDANCE],
        participant_waves=made[tables.PARTICIPANT_WAVES],
    )


def _with_short_names(
    roster: pl.DataFrame,
    attendance: pl.DataFrame,
    departures: pl.DataFrame,
    responses: pl.DataFrame,
) -> list[pl.DataFrame]:
    """The frames with pseudonyms as enums in alphabetical order, so that orders stay the same.

    Millions of rows are joined, grouped and sorted by pseudonym in every step, and as numbers that
    takes a fraction of the time. Registers and departures name nobody who can be enrolled by them:
    their rows of officers whom neither a roster nor a response names are left out.
    """
    # Said as an expression once: Polars goes through all the names for each that it makes.
    names = {
        "participant_id": _names("participant_id", [roster, responses]).to_dtype_expr(),
        "session_group": _names("session_group", [roster, attendance]).to_dtype_expr(),
    }
    return pl.collect_all(
        frame.lazy()
        .with_columns(
            pl.col(column).cast(enum, strict=column != "participant_id")
            for column, enum in names.items()
            if column in frame.columns
        )
        .filter(pl.col("participant_id").is_not_null())
        for frame in (roster, attendance, departures, responses)
    )


def _names(column: str, frames: Sequence[pl.DataFrame]) -> pl.Enum:
    each = pl.collect_all(
        frame.lazy().select(pl.col(column).unique()) for frame in frames if column in frame.columns
    )
    return pl.Enum(pl.concat(each).to_series().drop_nulls().unique().sort())


def _names_in(frame: pl.DataFrame) -> int:
    """How many pseudonyms there are in any of the frames that were named together."""
    return len(cast(pl.Enum, frame.schema["participant_id"]).categories)


def _last_completed(waves: pl.DataFrame) -> pl.DataFrame:
    # Waves are enums in the programme's order.
    return (
        waves.filter(pl.col("status").is_in(SCORABLE))
        .group_by("participant_id")
        .agg(pl.col("wave").max().alias("last_wave_completed"))
    )
