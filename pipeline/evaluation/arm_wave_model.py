"""One mixed model for each subscale, with a mean for every arm and wave.

What belongs here: which means there are, and how to ask for them. What stays out: the fit, and the
tables made from it (`trajectory.py`, `arm_contrast.py`).

Arms share one covariance of the waves, and nothing else. All arms together are a model of their
own, in which an officer's arm does not count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import polars as pl

from pipeline.evaluation.answer_sums import Answers, answers_of
from pipeline.evaluation.cells import as_total, measurements
from pipeline.evaluation.contrasts import Contrast, Fitted
from pipeline.evaluation.mixed_model import Array, NoFit
from pipeline.programme import Programme

NOTE_NO_WAVE: Final = "no wave has the scores that a model needs"


@dataclass(frozen=True, slots=True)
class ArmWaveModel:
    """Means of one subscale by arm and wave."""

    instrument: str
    subscale: str
    answers: Answers
    answered: Mapping[tuple[str, str], int]
    """Officers with a score by arm and wave, whether the wave is in the model or not."""
    columns: Mapping[tuple[str, str], int]
    """The coefficient that is the mean of an arm at a wave."""
    fitted: Fitted | NoFit | None
    """The fit; why there is none; or None where no wave can be in it."""
    together: "ArmWaveModel | None"
    """The same with everybody in one arm, `all`; None where there is one arm only."""

    @property
    def arms(self) -> list[str]:
        return list(dict.fromkeys(arm for arm, _ in self.answered))

    @property
    def reason(self) -> str | None:
        """Why there are no estimates."""
        if self.fitted is None:
            return NOTE_NO_WAVE
        return self.fitted.value if isinstance(self.fitted, NoFit) else None

    def has(self, arm: str, *waves: str) -> bool:
        """Whether the arm has a mean at every one of the waves."""
        return all((arm, wave) in self.columns for wave in waves)

    def level(self, arm: str, wave: str) -> Contrast:
        """The mean of an arm at a wave."""
        return Contrast(self._mean(arm, wave), (frozenset({(arm, wave)}),))

    def change(self, arm: str, since: str, wave: str) -> Contrast:
        """The change of that mean."""
        return Contrast(
            self._mean(arm, wave) - self._mean(arm, since), (frozenset({(arm, wave)}),), since
        )

    def difference_in_change(self, arm: str, reference: str, since: str, wave: str) -> Contrast:
        """The change of one arm less that of another."""
        one, other = self.change(arm, since, wave), self.change(reference, since, wave)
        return Contrast(one.weights - other.weights, (*one.sides, *other.sides), since)

    def _mean(self, arm: str, wave: str) -> Array:
        weights = np.zeros(len(self.columns))
        weights[self.columns[arm, wave]] = 1.0
        return weights


def arm_wave_models(
    scores: pl.DataFrame, participants: pl.DataFrame, programme: Programme
) -> list[ArmWaveModel]:
    """A model for each subscale that has scores, in the programme's order.

    From `tables.SCORES` and `tables.PARTICIPANTS` frames. Raises ValueError for a score of nobody
    enrolled, and for a wave, instrument or subscale that the programme does not have.
    """
    measured = measurements(scores, participants, programme)
    return [
        _model(instrument, subscale, found)
        for instrument in programme.instruments
        for subscale in programme.instrument(instrument).by_subscale
        if (
            found := measured.filter(
                pl.col("instrument") == instrument, pl.col("subscale") == subscale
            )
        ).height
    ]


def _model(instrument: str, subscale: str, measured: pl.DataFrame) -> ArmWaveModel:
    several = measured["arm"].n_unique() > 1
    together = _model(instrument, subscale, as_total(measured, "arm")) if several else None
    counted = measured.group_by("arm", "wave").len().sort("arm", "wave")
    answered = {(arm, wave): n for arm, wave, n in counted.iter_rows()}
    answers = answers_of(measured)
    columns = {
        cell: place
        for place, cell in enumerate(cell for cell in answered if cell[1] in answers.waves)
    }
    arms = dict.fromkeys(arm for arm, _ in columns)
    designs = {arm: _design(arm, answers.waves, columns) for arm in arms}
    fitted = Fitted.of(answers, designs) if columns else None
    return ArmWaveModel(instrument, subscale, answers, answered, columns, fitted, together)


def _design(arm: str, waves: Sequence[str], columns: Mapping[tuple[str, str], int]) -> Array:
    design = np.zeros((len(waves), len(columns)))
    for place, wave in enumerate(waves):
        if (arm, wave) in columns:
            design[place, columns[arm, wave]] = 1.0
    return cast(Array, design)
