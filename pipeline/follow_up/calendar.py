"""When each wave is due to each officer: the cohort's first session and what counts from it.

What belongs here: dates only. What stays out: what became of a wave (`statuses.py`).
"""

from typing import Final

import polars as pl

from pipeline.follow_up.arms import with_arms
from pipeline.programme import Programme

_COHORT: Final = ["cohort_organisation", "cohort"]
_DAYS: Final = ("due_on", "window_opens_on", "window_closes_on", "missed_after")


def cohort_starts(
    people: pl.DataFrame, attendance: pl.DataFrame, programme: Programme
) -> pl.DataFrame:
    """First session of each cohort that occurs: cohort_organisation, cohort, starts_on.

    The programme file's day counts; without one the earliest session 1 that was not cancelled;
    without that it is NULL. Officers for whom no cohort is named are one cohort of their
    organisation. A session 1 that an officer sat with another group (they changed groups, or
    began again) says nothing about the cohort they are in now, and a session of an arm that begins
    later says that the cohort began so many days before. Of an arm that holds no sessions none
    counts.
    """
    # The earliest of all, whatever the arm: sessions that are heard of later never move the start
    # to a later day, so no wave that was due is found not to be.
    meeting = with_arms(people, programme).filter("comes_to_sessions")
    first_sessions = (
        attendance.filter((pl.col("session_number") == 1) & ~pl.col("cancelled"))
        .select("participant_id", "held_on", met_as="session_group")
        .join(
            meeting.select("participant_id", "session_group", "begins_after_days", *_COHORT),
            on="participant_id",
        )
        .filter((pl.col("met_as") == pl.col("session_group")).fill_null(True))
        .group_by(_COHORT)
        .agg((pl.col("held_on") - pl.duration(days="begins_after_days")).min())
    )
    cohorts = people.select(_COHORT).unique().sort(_COHORT)
    declared = pl.Series(
        "declared",
        [programme.cohort_start(organisation, cohort) for organisation, cohort in cohorts.rows()],
        pl.Date,
    )
    return (
        cohorts.with_columns(declared)
        .join(first_sessions, on=_COHORT, how="left", nulls_equal=True)
        .select(*_COHORT, pl.coalesce("declared", "held_on").alias("starts_on"))
    )


def due_dates(people: pl.DataFrame, starts: pl.DataFrame, programme: Programme) -> pl.DataFrame:
    """One row for each person and wave: due day and window, NULL where the start is unknown.

    Columns participant_id, organisation, wave, due_on, window_opens_on, window_closes_on,
    missed_after; both ends of the window belong to it, and `missed_after` is the last of the days
    of grace that follow it. `wave` is an enum in the programme's order. Rows are in the order of
    the people, then of the waves' names.
    """
    # Days are reckoned once a cohort and wave by the programme's own rule, then joined to people.
    windows = pl.DataFrame(
        [
            (
                *cohort,
                wave.wave,
                *(programme.window(wave, start) if start else (None, None, None)),
                programme.missed_after(wave, start) if start else None,
            )
            for *cohort, start in starts.select(*_COHORT, "starts_on").rows()
            for wave in sorted(programme.waves, key=lambda wave: wave.wave)
        ],
        schema={
            **dict.fromkeys(_COHORT, pl.String),
            "wave": pl.Enum(programme.wave_names),
            **dict.fromkeys(_DAYS, pl.Date),
        },
        orient="row",
    )
    return (
        people.select("participant_id", "organisation", *_COHORT)
        .join(windows, on=_COHORT, how="inner", nulls_equal=True, maintain_order="left_right")
        .drop(_COHORT)
    )
