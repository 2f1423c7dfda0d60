"""Stage 2: the profiles of all submissions side by side, as contracts judge them."""

import dagster as dg
import polars as pl

from assets.intake import intake
from pipeline.intake import ACCEPTED, WHOSE
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.privacy.linkage import CODES, link
from pipeline.quality.decisions import ruled_on
from pipeline.quality.profile import MEASURES, PROFILE, measures, measures_by_contract
from pipeline.quality.standing import enrolment_of, shares_unlinked
from pipeline.quality.transfers import under_one_name
from pipeline.quality.verdicts import known_records
from pipeline.storage.stages import Made, Stage
from pipeline.submissions import versions
from pipeline.vocabulary import Delivery, Kind

_LISTED = (
    *("submission_id", "organisation", "source", "kind", "delivery"),
    *("columns_unknown", "columns_beside"),
)


@dg.asset(
    deps=[intake],
    group_name="intake",
    retry_policy=AGAIN,
    description="Measures of every readable submission. Each contract is a check on this.",
)
@value_free
def profiles(home: HomeResource) -> dg.MaterializeResult[None]:
    here = home.open()
    lake, thresholds = here.lake, here.programme.thresholds
    known = known_records(home.records(), home.known_at_date())
    records = [record for record in known if record.problem is None]
    cumulative = {r.submission_id for r in records if r.delivery == Delivery.CUMULATIVE}
    rulings = ruled_on(home.decisions()).items()
    ruled = {i: accepted for i, accepted in rulings if i in cumulative}

    def work(_: Stage) -> Made:
        made = MEASURES.to_frame()
        if records:
            rosters = [record.submission_id for record in records if record.kind == Kind.ROSTER]
            listed = lake.rows("accepted", rosters, ACCEPTED[Kind.ROSTER])
            # Transfers are known once there are verdicts: here everybody is who they came as. Only
            # a code with a slip is not taken for a stranger's.
            coded = lake.with_codes(record.submission_id for record in records)
            codes = link(lake.rows("codes", coded, CODES)).aliases
            listed = under_one_name(listed.with_columns(known_as="participant_id"), codes)
            enrolment = enrolment_of(listed)
            # Of an organisation without a roster nobody can be said to be missing from it.
            others = [
                record.submission_id
                for record in records
                if record.kind != Kind.ROSTER and record.organisation in enrolment.organisations
            ]
            sent = under_one_name(lake.rows("accepted", others, WHOSE), codes)
            made = measures(
                pl.DataFrame(
                    [record.model_dump(mode="json", include={*_LISTED}) for record in records],
                    schema_overrides={"columns_beside": pl.List(pl.String)},
                    infer_schema_length=None,
                ),
                lake.rows("profile", [record.submission_id for record in records], PROFILE),
                shares_unlinked(sent, enrolment),
                waves=here.programme.wave_names,
                thresholds=thresholds,
                ruled=ruled,
            )
        tables = {
            f"measures_{contract}": frame for contract, frame in measures_by_contract(made).items()
        }
        return tables, {"submissions": len(records), "profiles": made.height}

    limits = (
        thresholds.rows_of_previous_hold,
        thresholds.quarantined_hold,
        thresholds.items_shifted_hold,
        here.programme.wave_names,
    )
    return home.carry_out(
        "profiles", work, settings=[versions(records), sorted(ruled.items()), limits]
    )
