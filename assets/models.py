"""Stage 9: models, behind everything else since they take long where officers are many."""

import dagster as dg

from assets.early_warehouse import early_warehouse
from assets.numbered import people_waves_scores
from pipeline import tables
from pipeline.evaluation.arm_contrast import arm_contrast
from pipeline.evaluation.arm_wave_model import arm_wave_models
from pipeline.evaluation.design import design
from pipeline.evaluation.icc import icc, spreads
from pipeline.evaluation.robustness import robustness
from pipeline.evaluation.trajectory import trajectory
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.storage.stages import Made, Stage


@dg.asset(
    deps=[early_warehouse],
    group_name="evaluation",
    retry_policy=AGAIN,
    description="Mixed models, arms compared, likeness, design; could dropout explain a change.",
)
@value_free
def models(home: HomeResource) -> dg.MaterializeResult[None]:
    programme, as_of = home.open().programme, home.as_of_date()

    def work(stage: Stage) -> Made:
        people, waves, scores = people_waves_scores(stage, programme)
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

    done = home.carry_out(
        "models",
        work,
        reads=["scores", "participants", "participant_waves"],
        settings=[programme.model_dump(mode="json")],
    )

    def compare(stage: Stage) -> Made:
        people, waves, scores = people_waves_scores(stage, programme)
        modelled = stage.read(tables.TRAJECTORY.name)
        made = robustness(scores, people, waves, programme, modelled, as_of=as_of)
        return {tables.ROBUSTNESS.name: tables.ROBUSTNESS.conform(made)}, {"rows": made.height}

    # Apart, since it has to wait for the models and they have not to wait for it.
    home.stage(
        "robustness",
        compare,
        reads=["scores", "participants", "participant_waves", tables.TRAJECTORY.name],
        settings=[programme.model_dump(mode="json"), as_of],
    )
    return done
