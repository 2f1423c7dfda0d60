"""What arms differ by: change of one less that of another, having begun less not yet having.

What belongs here: which arms are compared when, and the model with periods for starts in steps.
What stays out: change within an arm (`trajectory.py`), and whether arms are alike but for the
programme: a difference is an effect only where that was made so, as by allocation at random.

Two contrasts:

- At each wave after the first, of every two arms: (mu_aw - mu_a1) - (mu_bw - mu_b1) in the model
  with a mean for every arm and wave. Both are measured at the same waves, so what happened to
  everybody in that time cancels. The same between the waves of the primary contrast where that
  starts at a later wave.
- Where arms begin in steps: theta in mu_aw = alpha_a + beta_w + theta [a has begun before w], a
  period for each wave (M. A. Hussey and J. P. Hughes 2007, Contemporary Clinical Trials 28). All
  waves speak of one number. Not to be used where the difference grows or fades with the time since
  beginning: theta is then no average of it (A. Kenny, E. C. Voldal, F. Xia, P. J. Heagerty and
  J. P. Hughes 2022, Statistics in Medicine 41); the contrasts by wave say whether it does.
"""

from collections.abc import Iterable, Mapping
from itertools import combinations
from math import inf
from typing import Any, Final

import numpy as np
import polars as pl

from pipeline import tables
from pipeline.evaluation.answer_sums import Answers, Side
from pipeline.evaluation.arm_wave_model import ArmWaveModel
from pipeline.evaluation.begun import begins_after_days, begun
from pipeline.evaluation.cells import ALL, joined_notes
from pipeline.evaluation.contrasts import Contrast, Estimate, Fitted
from pipeline.evaluation.mixed_model import Array, NoFit
from pipeline.evaluation.named_beforehand import is_named_difference
from pipeline.evaluation.panel import pairs_of_waves
from pipeline.programme import Contrast as Between
from pipeline.programme import Programme
from pipeline.vocabulary import ComparedArms

NOTE_NOBODY_OF_ONE: Final = "nobody of one of the arms has a score at one of the two waves"
NOTE_NO_STEPS: Final = "no wave at which some arms have begun and others have not: no estimate"
NOTE_SAME_DIFFERENCE: Final = "takes the difference to be the same at every wave since beginning"


def arm_contrast(models: Iterable[ArmWaveModel], programme: Programme) -> pl.DataFrame:
    """The rows of `tables.ARM_CONTRAST`, from the models of `arm_wave_models`.

    Of two arms the one that begins first is `arm`, the other `reference_arm`; a comparison arm
    never begins. None where there is one arm only. Intervals are those of
    `contrasts.Fitted.estimates`.
    """
    rows = [
        row
        for model in models
        for row in (*_by_wave(model, programme), *_in_steps(model, programme))
    ]
    return pl.DataFrame(rows, schema=tables.ARM_CONTRAST.frame_schema)


def _by_wave(model: ArmWaveModel, programme: Programme) -> list[dict[str, Any]]:
    in_order = sorted(model.arms, key=lambda arm: begins_after_days(arm, programme))
    places = [
        (arm, other, since, wave)
        for arm, other in combinations(in_order, 2)
        for since, wave in pairs_of_waves(programme)
    ]
    asked = {
        (arm, other, since, wave): model.difference_in_change(arm, other, since, wave)
        for arm, other, since, wave in places
        if not model.reason and model.has(arm, since, wave) and model.has(other, since, wave)
    }
    found: dict[tuple[str, str, str, str], Estimate] = {}
    if isinstance(model.fitted, Fitted):
        estimates = model.fitted.estimates(list(asked.values()))
        found = dict(zip(asked, estimates, strict=True))
    rows = []
    for place in places:
        arm, other, since, wave = place
        change = Between(
            instrument=model.instrument, subscale=model.subscale, from_wave=since, to_wave=wave
        )
        both = begun(arm, programme)[wave], begun(other, programme)[wave]
        rows.append(
            {
                "arm": arm,
                "reference_arm": other,
                "from_wave": since,
                "wave": wave,
                "instrument": model.instrument,
                "subscale": model.subscale,
                "compared": {
                    (True, False): ComparedArms.BEGUN_WITH_NOT_BEGUN,
                    (True, True): ComparedArms.BOTH_BEGUN,
                    (False, False): ComparedArms.NEITHER_BEGUN,
                }[both].value,
                "named_beforehand": is_named_difference(programme, change, arm, other),
                "n": model.answered.get((arm, wave), 0),
                "n_reference": model.answered.get((other, wave), 0),
                **_figures(found.get(place), [] if place in found else [_why(model, since, wave)]),
            }
        )
    return rows


def _why(model: ArmWaveModel, since: str, wave: str) -> str:
    left_out = model.answers.left_out
    return left_out.get(wave) or left_out.get(since) or model.reason or NOTE_NOBODY_OF_ONE


def _in_steps(model: ArmWaveModel, programme: Programme) -> list[dict[str, Any]]:
    """One row for all arms and waves, if not all arms that come to sessions begin together."""
    begins = {begins_after_days(arm, programme) for arm in model.arms} - {inf}
    if len(begins) < 2:
        return []
    answers = model.answers
    by_arm = {arm: begun(arm, programme) for arm in model.arms}
    sides = tuple(
        frozenset((arm, wave) for arm, wave in model.columns if by_arm[arm][wave] is wanted)
        for wanted in (True, False)
    )
    theta = model.reason or _theta(answers, by_arm, sides)
    found, notes = (None, [theta]) if isinstance(theta, str) else (theta, [NOTE_SAME_DIFFERENCE])
    counts = [answers.on([side]).height for side in sides]
    return [
        {
            "arm": ALL,
            "reference_arm": ALL,
            "from_wave": ALL,
            "wave": ALL,
            "instrument": model.instrument,
            "subscale": model.subscale,
            "compared": ComparedArms.IN_STEPS.value,
            "named_beforehand": False,
            "n": counts[0],
            "n_reference": counts[1],
            **_figures(found, notes),
        }
    ]


def _theta(
    answers: Answers, begun: Mapping[str, Mapping[str, bool]], sides: tuple[Side, ...]
) -> Estimate | str:
    """The difference that having begun makes, or why it cannot be estimated."""
    if not all(sides):
        return NOTE_NO_STEPS
    fitted = Fitted.of(answers, _stepped_designs(answers, begun))
    if isinstance(fitted, NoFit):
        return NOTE_NO_STEPS if fitted is NoFit.COLLINEAR else fitted.value
    weights = np.eye(fitted.sums.design.shape[2])[-1]
    (estimate,) = fitted.estimates([Contrast(weights, sides)])
    return estimate


def _stepped_designs(answers: Answers, begun: Mapping[str, Mapping[str, bool]]) -> dict[str, Array]:
    """For each arm the rows [arm, wave after the first, has begun] of its waves."""
    arms, waves = answers.arms, answers.waves
    periods = np.eye(len(waves))[:, 1:]
    return {
        arm: np.column_stack(
            [
                np.tile(np.eye(len(arms))[place], (len(waves), 1)),
                periods,
                [float(begun[arm][wave]) for wave in waves],
            ]
        )
        for place, arm in enumerate(arms)
    }


def _figures(estimate: Estimate | None, notes: list[str]) -> dict[str, float | int | str | None]:
    if estimate is None:
        return {"note": joined_notes(notes)}
    interval = estimate.interval
    return {
        "estimate": estimate.value,
        "se": estimate.se,
        "se_clustered": estimate.se_clustered,
        "ci_low": interval.low if interval else None,
        "ci_high": interval.high if interval else None,
        "n_clusters": estimate.n_clusters,
        "note": joined_notes((*estimate.notes, *notes)),
    }
