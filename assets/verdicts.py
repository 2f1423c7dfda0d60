"""Stage 3: contract results become one verdict for each submission."""

import dagster as dg
import polars as pl

from assets.profiles import profiles
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.quality.decisions import (
    decisions_table,
    waivers_in_force,
    waivers_of,
)
from pipeline.quality.profile import contracts_expected, every_contract
from pipeline.quality.verdicts import CHECK_RESULTS, known_records, verdicts_of
from pipeline.status import waiting_lines
from pipeline.storage.stages import Made, Stage
from pipeline.submissions import versions


@dg.asset(
    deps=[profiles],
    group_name="quality",
    retry_policy=AGAIN,
    description=(
        "Accepted, accepted with warnings, held or rejected: one verdict a submission. What waits "
        "for a steward is listed with its reason; `muster review` decides."
    ),
)
@value_free
def verdicts(home: HomeResource) -> dg.MaterializeResult[None]:
    here, as_of = home.open(), home.as_of_date()
    records = known_records(home.records(), home.known_at_date())
    decisions = home.decisions()
    decided = decisions_table(decisions)
    home.stage(
        "decisions",
        lambda _: (
            {
                "decisions": decided,
                "ever_waived": waivers_of(decisions),
                "waivers": waivers_in_force(decisions, as_of),
            },
            {"decisions": decided.height},
        ),
        settings=[decided.rows(), as_of],
    )
    on_record = home.withdrawals()
    acts = {
        "withdrawals": on_record.heard(),
        "departed_on_record": on_record.departures(),
        "stopped": on_record.stops(),
        "erased_officers": on_record.erased_officers(),
    }
    home.stage(
        "withdrawals",
        lambda _: (acts, {"acts": len(on_record.acts)}),
        settings=[frame.rows() for frame in acts.values()],
    )
    # Results of a contract that was not judged on the present measures say nothing.
    judged = [c for c in every_contract() if here.stages.up_to_date(f"checks_{c}")]

    def work(stage: Stage) -> Made:
        measured = [stage.read(f"measures_{contract}") for contract in every_contract()]
        results = pl.concat(
            [CHECK_RESULTS.to_frame(), *(stage.read(f"checks_{contract}") for contract in judged)]
        )
        expected = contracts_expected(pl.concat(measured))
        made = verdicts_of(records, results, expected, decisions)
        counts = made["verdict"].value_counts().sort("verdict")
        waiting = waiting_lines(made, {r.submission_id: r.file_name for r in records})
        summary = {**dict(counts.iter_rows()), "waiting for a steward": waiting or ["nothing"]}
        return {"judged": results, "verdicts": made}, summary

    return home.carry_out(
        "verdicts",
        work,
        reads=[f"{table}_{c}" for c in every_contract() for table in ("measures", "checks")],
        settings=[versions(records), judged, decided.rows()],
    )
