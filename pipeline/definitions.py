"""Where everything meets: assets, checks, jobs and resources as one set of Dagster definitions.

`build_defs` serves production and tests alike. No logic of its own.
"""

import os
from datetime import date
from pathlib import Path

import dagster as dg

from assets.accepted import accepted
from assets.accounting import accounting
from assets.answers import answers
from assets.comments import comments
from assets.early_warehouse import early_warehouse
from assets.evaluation import evaluation
from assets.intake import intake
from assets.ledger import ledger
from assets.models import models
from assets.notices import notices
from assets.profiles import profiles
from assets.scores import scores
from assets.verdicts import verdicts
from assets.warehouse import warehouse
from checks import on_follow_up, on_profiles
from checks.judge import answer
from checks.on_profiles import Judging
from pipeline.orchestration.jobs import BRING_UP_TO_DATE, TAKE_IN, TIDY_UP, WORK_OUT_ANEW
from pipeline.orchestration.mapper import SubmissionMapper
from pipeline.orchestration.resources import HomeResource
from pipeline.orchestration.schedules import SCHEDULES
from pipeline.orchestration.sensors import landing
from pipeline.orchestration.spreading import mapper_of

ASSETS = [
    intake,
    profiles,
    verdicts,
    accepted,
    scores,
    ledger,
    answers,
    evaluation,
    accounting,
    comments,
    early_warehouse,
    models,
    warehouse,
    notices,
]
CHECKS = [*on_profiles.CHECKS, *on_follow_up.CHECKS]


def build_defs(
    home: Path | None = None,
    as_of: date | None = None,
    known_at: date | None = None,
    mapper: SubmissionMapper | None = None,
    judging: Judging | None = None,
) -> dg.Definitions:
    """Definitions for one home folder; MUSTER_HOME, else ./muster-home, if none is given."""
    root = home or Path(os.environ.get("MUSTER_HOME", "muster-home"))
    return dg.Definitions(
        assets=ASSETS,
        asset_checks=CHECKS,
        jobs=[TAKE_IN, BRING_UP_TO_DATE, WORK_OUT_ANEW, TIDY_UP],
        sensors=[landing],
        schedules=SCHEDULES,
        resources={
            "home": HomeResource(
                root=str(root.resolve()),
                as_of=as_of.isoformat() if as_of else None,
                known_at=known_at.isoformat() if known_at else None,
            ),
            "mapper": mapper or mapper_of(os.environ),
            "judging": judging or answer,
        },
        # One process: an interpreter for each step costs more than any stage.
        executor=dg.in_process_executor,
    )


defs = build_defs()
