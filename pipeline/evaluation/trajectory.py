"""Level and change at every wave, by a mixed model that officers who left early are part of.

What belongs here: rows of the table. What stays out: the model (`mixed_model.py`), what arms differ
by (`arm_contrast.py`), and any claim about why scores changed: a change is not an effect.
"""

from collections.abc import Iterable
from typing import Any, Final

import polars as pl

from pipeline import tables
from pipeline.evaluation.arm_wave_model import ArmWaveModel, is_named_beforehand
from pipeline.evaluation.cells import ALL, joined_notes
from pipeline.evaluation.contrasts import Contrast, Estimate, Fitted
from pipeline.programme import Programme

NOTE_FIRST_WAVE: Final = "first wave: nothing to have changed from"
NOTE_NO_FIRST_WAVE: Final = "no change: no mean at the first wave"
NOTE_NOBODY_OF_ARM: Final = "nobody of the arm has a score at this wave"


def trajectory(models: Iterable[ArmWaveModel], programme: Programme) -> pl.DataFrame:
    """The rows of `tables.TRAJECTORY`, from the models of `arm_wave_models`.

    Each arm with its own means, and `all`, in which an officer's arm does not count. Change is from
    the programme's first wave. Intervals are those of `contrasts.Fitted.estimates`.

    Every wave of the programme has a row; without an estimate its note says why.
    """
    rows = []
    for model in models:
        rows += [row for arm in model.arms for row in _of_arm(model, arm, programme)]
        if model.together:
            rows += _of_arm(model.together, ALL, programme)
        else:
            rows += [row | {"arm": ALL} for row in _of_arm(model, model.arms[0], programme)]
    found = pl.DataFrame(rows, schema=tables.TRAJECTORY.frame_schema)
    return found.sort(pl.col("arm") == ALL, "arm", maintain_order=True)


def _of_arm(model: ArmWaveModel, arm: str, programme: Programme) -> list[dict[str, Any]]:
    waves = programme.wave_names
    said = [_asked(model, arm, wave, waves[0]) for wave in waves]
    asked = [contrast for level, change, _ in said for contrast in (level, change) if contrast]
    found: dict[int, Estimate] = {}
    if isinstance(model.fitted, Fitted):
        estimates = model.fitted.estimates(asked)
        found = {id(c): e for c, e in zip(asked, estimates, strict=True)}
    return [
        {
            "arm": arm,
            "wave": wave,
            "instrument": model.instrument,
            "subscale": model.subscale,
            "named_beforehand": is_named_beforehand(model, wave, programme),
            "n": model.answered.get((arm, wave), 0),
            **_figures(found.get(id(level)), found.get(id(change)), notes),
        }
        for wave, (level, change, notes) in zip(waves, said, strict=True)
    ]


def _asked(
    model: ArmWaveModel, arm: str, wave: str, first: str
) -> tuple[Contrast | None, Contrast | None, list[str]]:
    """The level and change to be estimated, as far as they can be, and why not."""
    left_out = model.answers.left_out
    if model.reason:
        return None, None, [left_out.get(wave, model.reason)]
    if not model.has(arm, wave):
        return None, None, [left_out.get(wave, NOTE_NOBODY_OF_ARM)]
    level = model.level(arm, wave)
    if wave == first:
        return level, None, [NOTE_FIRST_WAVE]
    if not model.has(arm, first):
        return level, None, [NOTE_NO_FIRST_WAVE]
    return level, model.change(arm, first, wave), []


def _figures(
    level: Estimate | None, change: Estimate | None, notes: list[str]
) -> dict[str, float | int | str | None]:
    found: dict[str, float | int | str | None] = {}
    for estimate, value, prefix in ((level, "estimate", ""), (change, "change", "change_")):
        if estimate is None:
            continue
        found |= {
            value: estimate.value,
            f"{prefix}se": estimate.se,
            f"{prefix}se_clustered": estimate.se_clustered,
            f"{prefix}ci_low": estimate.interval.low if estimate.interval else None,
            f"{prefix}ci_high": estimate.interval.high if estimate.interval else None,
        }
        notes = [*estimate.notes, *notes]
    clusters = level.n_clusters if level else None
    return {**found, "n_clusters": clusters, "note": joined_notes(notes)}
