"""Who of one organisation is to be reminded, by the rows of its own roster.

What belongs here: choosing the officers and waves that wait for an answer, whom a list of
departures spares, and where the organisation finds each officer. What stays out: pseudonyms and
answers, which nothing here hands on, and the workbook (`pipeline/reminder_workbook.py`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from pipeline.programme import Programme
from pipeline.quality.transfers import NEW_IDENTITY, taken_up, under_one_name
from pipeline.vocabulary import Severity, WaveStatus

REMINDERS: Final = pl.Schema(
    {
        "submission_id": pl.String(),
        "row_number": pl.Int32(),
        "wave": pl.String(),
        "due_on": pl.Date(),
        "window_closes_on": pl.Date(),
        "overdue": pl.Boolean(),
    }
)
"""One row for each officer and wave, the officer as a row of a roster that was sent."""


class NoRoster(Exception):
    """An organisation without a roster that counts: there is no row to find an officer by."""


@dataclass(frozen=True, slots=True)
class Reminders:
    """Whom one organisation reminds, and how many it spares."""

    rows: pl.DataFrame
    """REMINDERS."""
    left_out: int
    """Officers who would be on it, had no list of departures named them."""


def reminders_of(
    organisation: str,
    *,
    participants: pl.DataFrame,
    participant_waves: pl.DataFrame,
    roster: pl.DataFrame,
    moved: pl.DataFrame,
    named: pl.Series,
    programme: Programme,
    as_of: date,
) -> Reminders:
    """Reminders by the organisation where the officers are, by file, row and wave.

    Open waves of those who have neither left nor withdrawn. The organisation that enrolled an
    officer reminds them; of those who moved, the one whose roster has them as they are known now.
    Raises NoRoster where there is no row of the organisation, and ValueError if somebody whom it
    enrolled, and who has not moved, is on no row of it.

    Args:
        organisation: whose contact reminds.
        participants: participant_id, organisation and departed_on.
        participant_waves: participant_id, wave, due_on, window_closes_on and status.
        roster: rows that count, with submission_id, row_number, participant_id, organisation,
            home_force and enrolled_on. A home of an earlier version has no `known_as`, and then
            nobody who moved is on any row.
        moved: `last_known_as`.
        named: `named_in_departures`.
        programme: for the order of its waves, and which organisations are forces.
        as_of: what was due before this day is overdue.

    """
    own = roster.filter(pl.col("organisation") == organisation)
    if own.is_empty():
        raise NoRoster(organisation)
    # One who has gone has no open wave. To chase one would do such harm that it is asked twice.
    there = participants.filter(pl.col("departed_on").is_null()).select(
        "participant_id", enrolled_by="organisation"
    )
    stayed = (
        there.filter(pl.col("enrolled_by") == organisation)
        .join(moved, on="participant_id", how="anti")
        .join(own, on="participant_id", how="left")
    )
    came = _by_newest_name(there, moved, roster, programme).filter(
        pl.col("organisation") == organisation
    )
    placed = participant_waves.filter(pl.col("status") == WaveStatus.OPEN.value).join(
        pl.concat(rows.select(_PLACE) for rows in (stayed, came)), on="participant_id"
    )
    if placed["submission_id"].has_nulls():
        raise ValueError("participant_waves: somebody enrolled whom the roster does not name")
    is_named = pl.col("participant_id").is_in(named.implode())
    rows = (
        placed.filter(~is_named)
        .with_columns(overdue=pl.col("due_on") < as_of)
        .sort("submission_id", "row_number", pl.col("wave").cast(pl.Enum(programme.wave_names)))
        .select(pl.col(name).cast(dtype) for name, dtype in REMINDERS.items())
    )
    return Reminders(rows, placed.filter(is_named)["participant_id"].n_unique())


_PLACE: Final = ("participant_id", "submission_id", "row_number")


def _by_newest_name(
    there: pl.DataFrame, moved: pl.DataFrame, roster: pl.DataFrame, programme: Programme
) -> pl.DataFrame:
    """The one roster row of each officer who moved; those whom no roster has by now have none.

    Their force comes before a unit that lists officers of several, and of units the one that
    enrolled them. Another force that still lists them, under whatever name, is one they left.
    """
    if "known_as" not in roster.columns:
        return roster.clear()
    by_own_force = pl.col("organisation") == pl.col("home_force")
    by_a_unit = ~pl.col("organisation").is_in(sorted(programme.known_forces))
    return (
        there.join(moved, on="participant_id")
        .join(roster, on=["participant_id", "known_as"])
        .filter(by_own_force.fill_null(False) | by_a_unit)
        .sort(
            "participant_id",
            ~by_own_force,
            pl.col("organisation") != pl.col("enrolled_by"),
            "enrolled_on",
            "organisation",
            "row_number",
            nulls_last=True,
        )
        .unique("participant_id", keep="first", maintain_order=True)
    )


def last_known_as(aliases: pl.DataFrame, departures: pl.DataFrame) -> pl.DataFrame:
    """participant_id and known_as of each transferred officer: the pseudonym they have now.

    `aliases` is `core.participant_alias`, which has no row for the first pseudonym. So whoever
    went back is told by `departures`, the rows that count, with `taken_up`. NULL where an officer
    is said to have gone to two forces on one day: nobody knows then where they are.
    """
    moves = pl.concat(
        [
            aliases.filter("taken_up").select(
                "participant_id", known_as="alias_id", day="transferred_on"
            ),
            departures.filter(pl.col("taken_up") & pl.col(NEW_IDENTITY).is_not_null()).select(
                "participant_id", known_as=NEW_IDENTITY, day="departed_on"
            ),
        ]
    )
    return (
        moves.filter(pl.col("day") == pl.col("day").max().over("participant_id"))
        .unique(["participant_id", "known_as"])
        .group_by("participant_id")
        .agg(known_as=pl.when(pl.len() == 1).then(pl.col("known_as").first()))
    )


def named_in_departures(
    accepted: pl.DataFrame, findings: pl.DataFrame, aliases: pl.DataFrame
) -> pl.Series:
    """The officers whom any row of a list of departures names, whether the row counts or not.

    A row in quarantine, or in a list that waits for a steward, ends nothing in the ledger, and yet
    somebody said that the officer has gone. Only a transfer that was taken up says otherwise.

    Args:
        accepted: sound rows of every list, as they came in (`intake.ACCEPTED`).
        findings: what was found in every list (`judgement.FINDINGS`).
        aliases: `core.participant_alias`.

    """
    gone = accepted.filter(~taken_up(accepted, aliases))
    quarantined = findings.filter(pl.col("severity") == Severity.REJECT.value)
    rows = pl.concat([frame.select("participant_id") for frame in (gone, quarantined)])
    return under_one_name(rows, aliases)["participant_id"].drop_nulls().unique().sort()


def with_those_on_record(
    named: pl.Series, withdrawn: Collection[str], aliases: pl.DataFrame
) -> pl.Series:
    """`named`, and everybody whose withdrawal is on record, heard by a run or not."""
    rows = pl.DataFrame(
        {"participant_id": [*named, *withdrawn]}, schema={"participant_id": pl.String}
    )
    return under_one_name(rows, aliases)["participant_id"].unique().sort()
