"""Stage 2: the profiles of all submissions side by side, as contracts judge them."""

import dagster as dg
import polars as pl

from assets.intake import intake
from pipeline.intake import ACCEPTED, WHOSE
from pipeline.orchestration.guard import value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.quality.profile import MEASURES, PROFILE, measures
from pipeline.quality.standing import enrolment_of, shares_unlinked
from pipeline.quality.verdicts import known_records
from pipeline.vocabulary import Kind

_LISTED = ("submission_id", "organisation", "source", "kind", "delivery", "columns_unknown")


@dg.asset(
    deps=[intake],
    group_name="intake",
    description="Measures of every readable submission. Each contract is a check on this.",
)
@value_free
def profiles(home: HomeResource) -> dg.MaterializeResult[None]:
    lake = home.open().lake
    known = known_records(lake.records(), home.known_at_date())
    records = [record for record in known if record.problem is None]
    if not records:
        lake.write_table("measures", MEASURES.to_frame())
        return dg.MaterializeResult(metadata={"submissions": 0})
    rosters = [record.submission_id for record in records if record.kind == Kind.ROSTER]
    others = [record.submission_id for record in records if record.kind != Kind.ROSTER]
    enrolment = enrolment_of(lake.rows("accepted", rosters, ACCEPTED[Kind.ROSTER]))
    made = measures(
        pl.DataFrame([record.model_dump(mode="json") for record in records]).select(_LISTED),
        lake.rows("profile", [record.submission_id for record in records], PROFILE),
        shares_unlinked(lake.rows("accepted", others, WHOSE), enrolment),
    )
    lake.write_table("measures", made)
    return dg.MaterializeResult(metadata={"submissions": len(records), "profiles": made.height})
