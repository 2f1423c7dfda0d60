"""Stage 9: models, behind everything else since they take long where officers are many."""

import dagster as dg

from assets.early_warehouse import early_warehouse
from pipeline import tables
from pipeline.evaluation.arm_contrast import arm_contrast
from pipeline.evaluation.arm_wave_model import arm_wave_models
from pipeline.evaluation.cells import by_number
from pipeline.evaluation.design import design
from pipeline.evaluation.icc import icc, spreads
from pipeline.evaluation.trajectory import trajectory
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.storage.stages import Made, Stage


@dg.asset(
    deps=[early_warehouse],
    group_name="evaluation",
    retry_policy=AGAIN,
    description="Mixed models of level and change, arms compared, likeness in clusters, design.",
)
@value_free
def models(home: HomeResource) -> dg.MaterializeResult[None]:
    programme = home.open().programme

    def work(stage: Stage) -> Made:
        people, waves, scores = by_number(
            stage.read("participants"), stage.read("participant_waves"), stage.read("scores")
        )
        fitted = arm_wave_models(scores, people, programme)
        spread = spreads(scores, people, programme)
        made = {
            tables.TRAJECTORY: trajectory(fitted, programme),
            tables.ARM_CONTRAST: arm_contrast(fitted, programme),
            tables.ICC: icc(spread),
            tables.DESIGN: design(spread, scores, waves, programme),
        }
        conforming = {table.name: table.conform(frame) for table, frame in made.items()}
        return conforming, {name: frame.height for name, frame in conforming.items()}

    return home.carry_out(
        "models",
        work,
        reads=["scores", "participants", "participant_waves"],
        settings=[programme.model_dump(mode="json")],
    )
