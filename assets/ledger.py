"""Stage 6: who enrolled, who came, who left, and what became of every measurement."""

import dagster as dg
import polars as pl

from assets.scores import scores
from assets.snapshots import fill_ahead
from pipeline import tables
from pipeline.follow_up import ATTENDANCE_SCHEMA
from pipeline.follow_up.closed_waves import closed_waves
from pipeline.follow_up.ledger import build_ledger
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.storage.stages import Made, Stage

_OF_RESPONSES = (
    "response_id",
    "participant_id",
    "organisation",
    "wave",
    "instrument",
    "completed_on",
)
"""Who answered what and when; the answers themselves are most of the table."""


@dg.asset(
    deps=[scores],
    group_name="follow_up",
    retry_policy=AGAIN,
    description="Participants, memberships, attendance and one status an officer and wave.",
)
@value_free
def ledger(home: HomeResource) -> dg.MaterializeResult[None]:
    programme, as_of = home.open().programme, home.as_of_date()

    def work(stage: Stage) -> Made:
        roster = stage.read("roster")
        responses = stage.read("responses", _OF_RESPONSES).join(
            stage.read("response_origins"), on="response_id", how="left"
        )
        made = build_ledger(
            roster=roster,
            attendance=stage.read("attendance", ATTENDANCE_SCHEMA.names()),
            departures=pl.concat(
                [stage.read("departures"), stage.read("left_on_record")], how="diagonal"
            ),
            responses=responses,
            scores=stage.read("scores", ["response_id", "raw_score"]),
            organisations_with_roster=frozenset(roster["organisation"].unique()),
            programme=programme,
            as_of=as_of,
        )
        statuses = made.participant_waves["status"].value_counts().sort("status")
        return {
            "participants": made.participants,
            "memberships": made.memberships,
            "attendance_held": made.attendance,
            "participant_waves": made.participant_waves,
            "closed_waves": closed_waves(made.participants, made.participant_waves, as_of),
        }, {"enrolled": made.participants.height, **dict(statuses.iter_rows())}

    done = home.carry_out(
        "ledger",
        work,
        reads=[
            *("roster", "attendance", "departures", "left_on_record"),
            *("responses", "response_origins", "scores"),
        ],
        settings=[programme.model_dump(mode="json"), as_of],
    )
    fill_ahead(
        home,
        tables.PARTICIPANT_WAVES,
        tables.PARTICIPANTS,
        tables.ATTENDANCE,
        tables.MEMBERSHIPS,
    )
    return done
