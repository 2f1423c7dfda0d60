"""Whether and when each officer dropped out, from sessions first and from waves after them.

What belongs here: sessions attended and the dropout stage. What stays out: retention over time,
which is an evaluation (`pipeline/evaluation`).
"""

from typing import Final

import polars as pl

from pipeline.follow_up.arms import with_arms
from pipeline.follow_up.registers import sessions_held
from pipeline.follow_up.statuses import ANSWERED
from pipeline.programme import Programme
from pipeline.vocabulary import DropoutStage, WaveStatus

HELD_SINCE_FIRST: Final = 2
"""So many sessions must have passed before one who came once has dropped out."""

MISSED_IN_A_ROW: Final = 3
"""So many of the latest sessions must be missed before one who came twice has dropped out."""

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
    held = _held_for_each(with_arms(people, programme), attendance)
    last_attended = held.filter("attended").group_by("person").agg(pl.col("session_number").max())
    held_since = (
        held.join(last_attended, on="person", suffix="_last")
        .filter(pl.col("session_number") > pl.col("session_number_last"))
        .group_by("person")
        .agg(pl.len().alias("held_since"))
    )
    by_sessions = (
        held.group_by("person")
        .agg(pl.col("attended").sum().cast(pl.Int32).alias("sessions_attended"))
        .join(held_since, on="person", how="left")
        .with_columns(pl.col("held_since").fill_null(0))
    )
    judged = (
        people.select("participant_id")
        .with_row_index("person")
        .join(by_sessions, on="person", how="left")
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


def _held_for_each(people: pl.DataFrame, attendance: pl.DataFrame) -> pl.DataFrame:
    """Each person's sessions held: person (row of `people`, from 0), session_number, attended.

    A person's sessions are those of their session group, as anybody's rows show them, and those
    that their own rows show, whoever they sat with. Without a session group they are those of the
    officers of the cohort whose arms begin when theirs does. Officers who come to no sessions have
    none, and no row about them shows one. A session without a row for the person is one they did
    not come to.
    """
    # Row numbers for pseudonyms: millions of rows are grouped by them below.
    places = (
        people.with_row_index("person")
        .filter("comes_to_sessions")
        .select("person", "participant_id", "session_group", *_STARTING)
    )
    shown = (
        sessions_held(attendance)
        .select("participant_id", "session_number", "attended", met_as="session_group")
        .join(places, on="participant_id")
        # A register of one group only need not name it on every row.
        .with_columns(pl.coalesce("met_as", "session_group").alias("met_as"))
    )
    no_group = pl.col("session_group").is_null()
    of_groups = (
        places.filter(~no_group)
        .join(
            shown.select("session_number", session_group="met_as").unique(),
            on="session_group",
        )
        .select("person", "session_number")
    )
    of_cohorts = (
        places.filter(no_group)
        .join(shown.select("session_number", *_STARTING).unique(), on=_STARTING, nulls_equal=True)
        .select("person", "session_number")
    )
    own = shown.select("person", "session_number", pl.col("attended").fill_null(False))
    return (
        pl.concat([of_groups, of_cohorts])
        .with_columns(attended=False)
        .vstack(own)
        .group_by("person", "session_number")
        .agg(pl.col("attended").any())
    )


def _last_waves(participant_waves: pl.DataFrame, programme: Programme) -> pl.DataFrame:
    """Place in the programme, from 0, of each person's last wave answered and missed."""
    places = {name: place for place, name in enumerate(programme.wave_names)}
    follow_ups = [wave.wave for wave in programme.waves if wave.follow_up]
    answered = pl.col("status").is_in(ANSWERED)
    missed = pl.col("status") == WaveStatus.MISSED.value
    place = pl.col("wave").replace_strict(places, return_dtype=pl.Int32)
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
