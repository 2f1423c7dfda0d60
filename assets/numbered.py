"""What tables of the evaluation are made from, as all of them take it.

What stays out: which tables a stage makes of it (`evaluation.py`, `models.py`).
"""

import polars as pl

from pipeline.evaluation.cells import by_number, in_order
from pipeline.programme import Programme
from pipeline.storage.stages import Stage


def people_waves_scores(
    stage: Stage, programme: Programme
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Participants, their waves and scores, officers by number and scores in order."""
    people, waves, scores = by_number(
        stage.read("participants"), stage.read("participant_waves"), stage.read("scores")
    )
    return people, waves, in_order(scores, programme)
