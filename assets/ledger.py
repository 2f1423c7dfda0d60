"""Stage 6: who enrolled, who came, who left, and what became of every measurement."""

import dagster as dg

from assets.scores import scores
from pipeline.follow_up.ledger import build_ledger
from pipeline.orchestration.guard import value_free
from pipeline.orchestration.resources import HomeResource


@dg.asset(
    deps=[scores],
    group_name="follow_up",
    description="Participants, memberships, attendance and one status an officer and wave.",
)
@value_free
def ledger(home: HomeResource) -> dg.MaterializeResult[None]:
    here = home.open()
    lake = here.lake
    roster = lake.read_table("roster")
    responses = lake.read_table("responses").join(
        lake.read_table("response_origins"), on="response_id", how="left"
    )
    made = build_ledger(
        roster=roster,
        attendance=lake.read_table("attendance"),
        departures=lake.read_table("departures"),
        responses=responses,
        scores=lake.read_table("scores"),
        organisations_with_roster=frozenset(roster["organisation"].unique()),
        programme=here.programme,
        as_of=home.as_of_date(),
    )
    lake.write_table("participants", made.participants)
    lake.write_table("memberships", made.memberships)
    lake.write_table("attendance_held", made.attendance)
    lake.write_table("participant_waves", made.participant_waves)
    statuses = made.participant_waves["status"].value_counts().sort("status")
    return dg.MaterializeResult(
        metadata={"enrolled": made.participants.height, **dict(statuses.iter_rows())}
    )
