"""Whether and when each officer dropped out, from sessions first and from waves after them.

What belongs here: sessions attended and the dropout stage. What stays out: retention over time,
which is an evaluation (`pipeline/evaluation`).
"""

from typing import Final

import polars as pl

from pipeline.follow_up.arms import with_arms
from pipeline.follow_up.registers import sessions_held
from pipeline.follow_up.statuses import ANSWERED
from pipeline.programme import MOST_SESSIONS, Programme
from pipeline.vocabulary import DropoutStage, WaveStatus

HELD_SINCE_FIRST: Final = 2
"""So many sessions must have passed before one who came once has dropped out."""

MISSED_IN_A_ROW: Final = 3
"""So many of the latest sessions must be missed before one who came twice has dropped out."""

_BITS: Final = pl.Series([0, *(1 << number for number in range(MOST_SESSIONS))], dtype=pl.UInt64)
"""By number of a session, which begin with 1: the set of it alone."""

_UP_TO: Final = pl.Series([(1 << number) - 1 for number in range(65)], dtype=pl.UInt64)
"""By number of a session: the set of all up to it."""

_STARTING: Final = ["cohort_organisation", "cohort", "begins_after_days"]
"""Who holds session 1 on the same day, as planned."""


def dropout(
    people: pl.DataFrame,
    attendance: pl.DataFrame,
    participant_waves: pl.DataFrame,
    programme: Programme,
) -> pl.DataFrame:
    """One row for each of `people`: participant_id, sessions_attended, dropout_stage.

    `attendance` has one row for each officer and session and nothing later than the as-of date;
    `participant_waves` are the statuses of that date. The first that applies is the stage:

    1. `never_attended`: a session was held, and they came to none;
    2. `after_first_session`: they came to one, and at least two have been held since;
    3. `during_programme`: they came to two or more, and missed the last three held;
    4. `during_follow_up`: a follow-up was missed, and no later wave was answered;
    5. `none`: they came to two sessions or more; or the latest wave that was answered or missed
       was answered, and is not the programme's first;
    6. `too_early`: all others.

    Where no session is known to have been held, and in an arm that holds none (a comparison
    group), `sessions_attended` is NULL and waves alone decide (4 to 6). Those who departed are
    judged like everybody else: sessions held after they went are sessions they did not come to.
    """
    judged = (
        people.select("participant_id")
        .join(
            _counted_sessions(with_arms(people, programme), attendance),
            on="participant_id",
            how="left",
        )
        .join(_last_waves(participant_waves, programme), on="participant_id", how="left")
    )
    attended, since = pl.col("sessions_attended"), pl.col("held_since")
    answered, missed = pl.col("last_answered"), pl.col("last_missed")
    follow_up_missed = pl.col("last_follow_up_missed")
    stages = {
        DropoutStage.NEVER_ATTENDED: attended == 0,
        DropoutStage.AFTER_FIRST_SESSION: (attended == 1) & (since >= HELD_SINCE_FIRST),
        DropoutStage.DURING_PROGRAMME: (attended >= 2) & (since >= MISSED_IN_A_ROW),
        DropoutStage.DURING_FOLLOW_UP: follow_up_missed > answered.fill_null(-1),
        DropoutStage.NONE: (attended >= 2).fill_null(False)
        | ((answered > 0) & (answered > missed.fill_null(-1))),
    }
    return judged.select(
        "participant_id",
        "sessions_attended",
        pl.coalesce(
            *(pl.when(applies).then(pl.lit(stage.value)) for stage, applies in stages.items()),
            pl.lit(DropoutStage.TOO_EARLY.value),
        ).alias("dropout_stage"),
    )


def _counted_sessions(people: pl.DataFrame, attendance: pl.DataFrame) -> pl.DataFrame:
    """How many sessions each person attended, and how many were held after the last of them.

    Columns participant_id, sessions_attended, held_since; a row for each person for whom a session
    is known to have been held. A person's sessions are those of their session group, as anybody's
    rows show them, and those that their own rows show, whoever they sat with. Without a session
    group they are those of the officers of the cohort whose arms begin when theirs does. Officers
    who come to no sessions have none, and no row about them shows one. A session without a row for
    the person is one they did not come to.
    """
    places = people.filter("comes_to_sessions").select(
        "participant_id", "session_group", *_STARTING
    )
    # A set of sessions is a number with a bit for each: millions of rows become one a person.
    # Rows of one person stand together, and runs are found faster than groups.
    together = pl.struct("participant_id", "met_as").rle_id().set_sorted().alias("run")
    shown = (
        sessions_held(attendance)
        .select(
            "participant_id",
            met_as="session_group",
            held=pl.lit(_BITS).gather("session_number"),
            came=pl.when(pl.col("attended").fill_null(False))
            .then(pl.lit(_BITS).gather("session_number"))
            .otherwise(0),
        )
        .group_by(together)
        .agg(pl.col("participant_id", "met_as").first(), pl.col("held", "came").bitwise_or())
        .drop("run")
        .join(places, on="participant_id")
        # A register of one group only need not name it on every row.
        .with_columns(pl.coalesce("met_as", "session_group").alias("met_as"))
    )
    own = shown.group_by("participant_id").agg(pl.col("held", "came").bitwise_or())
    of_group = shown.group_by(session_group="met_as").agg(pl.col("held").bitwise_or())
    of_cohort = shown.group_by(_STARTING).agg(pl.col("held").bitwise_or())
    return (
        places.join(own, on="participant_id", how="left")
        .join(of_group, on="session_group", how="left", suffix="_by_group")
        .join(of_cohort, on=_STARTING, how="left", nulls_equal=True, suffix="_by_cohort")
        .with_columns(
            pl.col("held").fill_null(0)
            | pl.when(pl.col("session_group").is_null())
            .then("held_by_cohort")
            .otherwise("held_by_group")
            .fill_null(0),
            pl.col("came").fill_null(0),
        )
        .filter(pl.col("held") > 0)
        .select(
            "participant_id",
            pl.col("came").bitwise_count_ones().cast(pl.Int32).alias("sessions_attended"),
            (pl.col("held") & ~pl.lit(_UP_TO).gather(64 - pl.col("came").bitwise_leading_zeros()))
            .bitwise_count_ones()
            .cast(pl.Int32)
            .alias("held_since"),
        )
    )


def _last_waves(participant_waves: pl.DataFrame, programme: Programme) -> pl.DataFrame:
    """Place in the programme, from 0, of each person's last wave answered and missed."""
    follow_ups = [wave.wave for wave in programme.waves if wave.follow_up]
    answered = pl.col("status").is_in(ANSWERED)
    missed = pl.col("status") == WaveStatus.MISSED.value
    place = pl.col("wave").cast(pl.Enum(programme.wave_names)).to_physical().cast(pl.Int32)
    return (
        participant_waves.select(
            "participant_id",
            pl.when(answered).then(place).alias("last_answered"),
            pl.when(missed).then(place).alias("last_missed"),
            pl.when(missed, pl.col("wave").is_in(follow_ups))
            .then(place)
            .alias("last_follow_up_missed"),
        )
        .group_by("participant_id")
        .max()
    )
