"""Contrasts of a mixed model's means, each with the interval that its officers allow.

What belongs here: the rule by what an interval is clustered, and what is said about it. What stays
out: the formulas (`mixed_model.py`, `cluster_robust.py`) and which means there are
(`arm_wave_model.py`, `arm_contrast.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from pipeline.evaluation.answer_sums import Answers, Side
from pipeline.evaluation.cells import (
    FEWEST_ORGANISATIONS,
    FEWEST_SESSION_GROUPS,
    NOTE_FEW_ORGANISATIONS,
    NOTE_IGNORES_GROUPS,
    NOTE_NO_WIDTH,
    NOTE_ONE_ORGANISATION,
    NOTE_WITHOUT_GROUP,
    has_no_width,
)
from pipeline.evaluation.cluster_robust import ClusterRobust, cluster_robust
from pipeline.evaluation.intervals import Interval, interval_around
from pipeline.evaluation.mixed_model import AnswerSums, Array, MixedModel, NoFit, fit_mixed_model

NOTE_TOO_FEW_OFFICERS: Final = "too few officers: no interval"
NOTE_LITTLE_FREEDOM: Final = "fewer than four degrees of freedom: a few clusters bear most of it"
NOTE_ONE_ORGANISATION_ALONE: Final = "a mean rests on one organisation alone: no interval"
NOTE_ONE_GROUP_ALONE: Final = "a mean rests on one session group alone: no interval"

FEWEST_DEGREES_OF_FREEDOM: Final = 4
"""With fewer, Satterthwaite's approximation is not to be relied on (E. Tipton 2015, Psychological
Methods 20)."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """Weights of the model's coefficients, and whose scores they weigh."""

    weights: Array
    sides: tuple[Side, ...]
    """One for a mean or a change; two where arms are compared."""
    since: str | None = None
    """The wave from which a change is counted: of the officers, who answered that too."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a contrast comes to, in points; without an interval the notes say why."""

    value: float
    se: float
    se_clustered: float | None
    interval: Interval | None
    n_clusters: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model of the answers to one subscale, and what it was fitted to."""

    answers: Answers
    sums: AnswerSums
    model: MixedModel

    @staticmethod
    def of(answers: Answers, designs: Mapping[str, Array]) -> "Fitted | NoFit":
        """The model with, for each arm, the given design (T, q)."""
        sums = answers.sums(designs)
        model = fit_mixed_model(sums)
        return model if isinstance(model, NoFit) else Fitted(answers, sums, model)

    def estimates(self, contrasts: Sequence[Contrast]) -> list[Estimate]:
        """Of every contrast, in the given order.

        Over several organisations an interval is clustered by organisation, with Satterthwaite's
        degrees of freedom and at most the number of organisations less one. Within one it is
        clustered by session group where there are at least five. Else it is a t interval of the
        model's standard error, with as many degrees of freedom as there are officers on its sides,
        less the number of their arms: exact if everybody answered every wave (of a change: of the
        officers who answered both waves).
        """
        grounds = [self._ground(contrast) for contrast in contrasts]
        robust: dict[int, tuple[float, float] | None] = {}
        for of in sorted({ground.clustered_in for ground in grounds if ground.is_clustered}):
            places = [i for i, g in enumerate(grounds) if g.is_clustered and g.clustered_in == of]
            found = self._robust([contrasts[i] for i in places], of)
            for at, i in enumerate(places):
                se, freedom = found.standard_errors[at], found.degrees_of_freedom[at]
                robust[i] = (float(se), float(freedom)) if found.are_sound[at] else None
        return [
            self._estimate(contrast, ground, robust.get(i))
            for i, (contrast, ground) in enumerate(zip(contrasts, grounds, strict=True))
        ]

    def _ground(self, contrast: Contrast) -> "_Ground":
        here = self.answers.on(contrast.sides)
        everywhere = self.answers.officers.filter(
            pl.col("arm").is_in(sorted({arm for side in contrast.sides for arm, _ in side}))
        )
        if everywhere["organisation"].n_unique() > 1:
            fewest = min(
                self.answers.on([side])["organisation"].n_unique() for side in contrast.sides
            )
            count = here["organisation"].n_unique()
            few = (NOTE_FEW_ORGANISATIONS,) if fewest < FEWEST_ORGANISATIONS else ()
            return _Ground("", count, few, is_clustered=True)
        notes = [NOTE_ONE_ORGANISATION]
        if here.filter("has_group")["cluster"].n_unique() < FEWEST_SESSION_GROUPS:
            arms = {arm for side in contrast.sides for arm, _ in side}
            freedom = max(0, self.answers.on(contrast.sides, contrast.since).height - len(arms))
            return _Ground("", 0, (*notes, NOTE_IGNORES_GROUPS), freedom)
        clusters = here.select("has_group", "cluster").n_unique()
        if not here["has_group"].all():
            notes.append(NOTE_WITHOUT_GROUP)
        only = str(here["organisation"][0])
        return _Ground(only, clusters, tuple(notes), is_clustered=True)

    def _robust(self, contrasts: Sequence[Contrast], within: str) -> ClusterRobust:
        weights = np.array([contrast.weights for contrast in contrasts])
        if within:
            by, among = ["has_group", "cluster"], pl.col("organisation") == within
        else:
            by, among = ["organisation"], pl.lit(value=True)
        return cluster_robust(self.model, self.sums, self.answers.clusters(by, among), weights)

    def _estimate(
        self, contrast: Contrast, ground: "_Ground", robust: tuple[float, float] | None
    ) -> Estimate:
        value = float(contrast.weights @ self.model.coefficients)
        se = float(np.sqrt(contrast.weights @ self.model.covariance @ contrast.weights))
        notes = ground.notes
        if ground.is_clustered:
            if robust is None or ground.n_clusters < 2:
                alone = NOTE_ONE_GROUP_ALONE if ground.clustered_in else NOTE_ONE_ORGANISATION_ALONE
                return Estimate(value, se, None, None, None, (alone,))
            freedom = min(robust[1], ground.n_clusters - 1)
            if freedom < FEWEST_DEGREES_OF_FREEDOM:
                notes = (*notes, NOTE_LITTLE_FREEDOM)
            if has_no_width(robust[0], se):
                notes = (*notes, NOTE_NO_WIDTH)
            interval = interval_around(value, robust[0], freedom)
            return Estimate(value, se, robust[0], interval, ground.n_clusters, notes)
        if not ground.plain_freedom:
            return Estimate(value, se, None, None, None, (*notes, NOTE_TOO_FEW_OFFICERS))
        interval = interval_around(value, se, ground.plain_freedom)
        return Estimate(value, se, None, interval, None, notes)


@dataclass(frozen=True, slots=True)
class _Ground:
    """What an interval stands on."""

    clustered_in: str
    """The organisation whose session groups are the clusters; empty: organisations are."""
    n_clusters: int
    notes: tuple[str, ...]
    plain_freedom: int = 0
    is_clustered: bool = False
