"""Who is enrolled, by whom, and who else reported them; who has gone, and how.

What belongs here: one row a person out of rosters, responses and departures.
What stays out: what was due to a person and what became of it (`calendar.py`, `statuses.py`).
"""

from collections.abc import Collection
from datetime import date
from typing import Final

import polars as pl

from pipeline.follow_up.frames import PEOPLE_SCHEMA
from pipeline.programme import Programme
from pipeline.vocabulary import EnrolmentSource

_OF_THE_PERSON: Final = (
    "home_force",
    "unit",
    "arm",
    "rank_group",
    "service_band",
    "gender",
    "ethnicity_group",
)
"""Facts that hold whoever reports them, so any of the person's roster rows may fill them in."""

_OF_THE_PLACE: Final = ("session_group", "facilitator", "cohort")
"""Names that mean something only within the organisation that gave them; they stay together."""


def enrolled_from_rosters(roster: pl.DataFrame) -> pl.DataFrame:
    """One row (`PEOPLE_SCHEMA`) for each officer whom a roster (`ROSTER_SCHEMA`) names.

    The row with the earliest `enrolled_on` enrols (unknown days last, then organisation by name,
    then row number), those under the officer's first pseudonym before those of a force that they
    went to. What it does not say is filled from the person's other rows. Session group,
    facilitator and cohort come from one organisation, the first whose rows name a group or a
    cohort: a cohort called `A` by the force is not the unit's cohort `A`.
    """
    # Hardly anybody is listed twice, and of those who are not there is nothing to choose.
    twice = pl.col("participant_id").is_duplicated()
    once = roster.filter(~twice).with_columns(cohort_organisation="organisation")
    several = _reconciled(roster.filter(twice))
    like = roster.schema
    people = pl.concat([_as_people(frame, like) for frame in (once, several)])
    return people.with_columns(
        pl.lit(EnrolmentSource.ROSTER.value).alias("enrolment_source"),
    )


def _reconciled(roster: pl.DataFrame) -> pl.DataFrame:
    """One row for each officer, as `enrolled_from_rosters` chooses it from several."""
    later = pl.col("known_as") != pl.col("participant_id").cast(pl.String)
    ordered = roster.sort(
        "participant_id",
        later.fill_null(False),
        "enrolled_on",
        "organisation",
        "row_number",
        "submission_id",
        nulls_last=True,
    )
    has_place = pl.col("session_group").is_not_null() | pl.col("cohort").is_not_null()
    people = ordered.group_by("participant_id", maintain_order=True).agg(
        pl.col("organisation").first(),
        pl.col("organisation").filter(has_place).first().alias("cohort_organisation"),
        pl.col("enrolled_on").first(),
        pl.col(_OF_THE_PERSON).first(ignore_nulls=True),
    )
    places = (
        ordered.join(
            people.select("participant_id", organisation="cohort_organisation"),
            on=["participant_id", "organisation"],
            how="semi",
            maintain_order="left",
        )
        .group_by("participant_id")
        .agg(pl.col(_OF_THE_PLACE).first(ignore_nulls=True))
    )
    return people.join(places, on="participant_id", how="left").with_columns(
        pl.col("cohort_organisation").fill_null(pl.col("organisation"))
    )


def with_first_responders(
    people: pl.DataFrame,
    responses: pl.DataFrame,
    organisations_with_roster: Collection[str],
    programme: Programme,
) -> pl.DataFrame:
    """`people`, and those enrolled by their first response: their organisation sends no roster.

    An officer on anybody's roster is not enrolled again. `enrolled_on` is the earliest known day
    of completion. Organisation and home force are those of the first response, arm and gender of
    the first that says them; a response without a day counts as the first, since it is past on
    any as-of date and whom it enrols must not change later. An arm that nobody says is the
    programme's first.
    """
    responders = (
        responses.filter(~pl.col("organisation").is_in(list(organisations_with_roster)))
        .join(people, on="participant_id", how="anti")
        # Not by response_id, which changes with the key.
        .sort(
            *("participant_id", "completed_on", "organisation", "wave", "instrument"),
            nulls_last=False,
        )
        .group_by("participant_id", maintain_order=True)
        .agg(
            pl.col("organisation").first(),
            pl.col("organisation").first().alias("cohort_organisation"),
            pl.col("home_force").first(),
            pl.col("completed_on").min().alias("enrolled_on"),
            pl.col("arm", "gender").first(ignore_nulls=True),
        )
        .with_columns(pl.lit(EnrolmentSource.FIRST_RESPONSE.value).alias("enrolment_source"))
    )
    together = pl.concat([people, _as_people(responders, people.schema)]).sort("participant_id")
    return together.with_columns(pl.col("arm").fill_null(programme.arm_names[0]))


def with_groups_from_registers(people: pl.DataFrame, attendance: pl.DataFrame) -> pl.DataFrame:
    """`people`, those without a session group placed in the one whose register named them last.

    Only a register of the organisation that names their cohort counts, so that group and cohort
    stay of one organisation.
    """
    without = people.filter(pl.col("session_group").is_null())
    named = (
        attendance.filter(pl.col("session_group").is_not_null())
        .join(without, on="participant_id", how="semi")
        # By nothing that changes with the key: another group would be another cluster.
        .sort("held_on", "session_number", "submission_id", "row_number", nulls_last=False)
        .group_by("participant_id", cohort_organisation="organisation", maintain_order=True)
        .agg(pl.col("session_group").last().alias("named_group"))
    )
    return (
        people.join(named, on=["participant_id", "cohort_organisation"], how="left")
        .with_columns(pl.coalesce("session_group", "named_group"))
        .drop("named_group")
    )


def begun_by(
    people: pl.DataFrame, attendance: pl.DataFrame, responses: pl.DataFrame, as_of: date
) -> pl.DataFrame:
    """Those of `people` who were enrolled on `as_of`.

    An officer whose day of enrolment lies ahead counts all the same once they have answered or
    come to a session, both given up to `as_of`: rosters are often dated later than the first
    questionnaire. An unknown day counts as past.
    """
    ahead = people.filter(pl.col("enrolled_on") > as_of).select("participant_id")
    taken_part = pl.concat(
        rows.select("participant_id").join(ahead, on="participant_id", how="semi")
        for rows in (responses, attendance.filter("attended"))
    )
    not_yet = ahead.join(taken_part, on="participant_id", how="anti")
    return people.join(not_yet, on="participant_id", how="anti", maintain_order="left")


def memberships(
    roster: pl.DataFrame, attendance: pl.DataFrame, responses: pl.DataFrame
) -> pl.DataFrame:
    """Which organisations reported an officer, and the first and last day (`core.memberships`).

    A day counts if the officer was there: enrolment, a session attended, a response completed.
    An organisation that only listed them, or gave no day, has a row without days.
    """
    whom_by = ("participant_id", "organisation")
    seen = pl.concat(
        [
            roster.select(*whom_by, day="enrolled_on"),
            attendance.select(*whom_by, day=pl.when("attended").then("held_on")),
            responses.select(*whom_by, day="completed_on"),
        ]
    )
    return seen.group_by(whom_by).agg(
        pl.col("day").min().alias("first_seen_on"), pl.col("day").max().alias("last_seen_on")
    )


def first_departures(departures: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The earliest departure of each officer up to `as_of`: participant, day and kind.

    Of two on one day the one that left the organisation counts, since it says more. A transfer
    that was taken up is no departure: the officer goes on taking part elsewhere.
    """
    return (
        departures.filter(pl.col("departed_on") <= as_of, ~pl.col("taken_up").fill_null(False))
        # `left_organisation` comes before `withdrew` in the alphabet too.
        .sort("participant_id", "departed_on", "departure_kind")
        .group_by("participant_id", maintain_order=True)
        .agg(pl.col("departed_on", "departure_kind").first())
    )


def _as_people(frame: pl.DataFrame, like: pl.Schema) -> pl.DataFrame:
    """The frame with the columns of PEOPLE_SCHEMA, in the types of `like` where it has them."""
    there = frame.schema

    def column(name: str, dtype: pl.DataType) -> pl.Expr:
        if name not in there:
            return pl.lit(None, dtype).alias(name)
        # Polars goes through all the names of an enum to write down a cast to it.
        return pl.col(name) if there[name] == dtype else pl.col(name).cast(dtype)

    return frame.select(
        column(name, like.get(name, dtype)) for name, dtype in PEOPLE_SCHEMA.items()
    )
