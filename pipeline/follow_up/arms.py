"""What the arms of a programme mean for sessions: who comes to any, and how much later than others.

What belongs here: the programme file's word on each arm, as columns of people. What stays out:
waves, which fall due to every arm alike (`calendar.py`).
"""

import polars as pl

from pipeline.programme import Programme
from pipeline.vocabulary import ArmRole


def with_arms(people: pl.DataFrame, programme: Programme) -> pl.DataFrame:
    """`people` with `comes_to_sessions` and `begins_after_days`, whole days after their cohort.

    An officer whose arm is not known comes to sessions from the cohort's first one.
    """
    arms = [programme.arm_declared(arm) for arm in programme.arm_names]
    return people.with_columns(
        pl.col("arm")
        .replace_strict(
            {arm.arm: arm.role != ArmRole.COMPARISON for arm in arms},
            default=True,
            return_dtype=pl.Boolean,
        )
        .alias("comes_to_sessions"),
        pl.col("arm")
        .replace_strict(
            {arm.arm: arm.begins_after_days for arm in arms}, default=0, return_dtype=pl.Int32
        )
        .alias("begins_after_days"),
    )
