"""Level and change at every wave, by a mixed model that officers who left early are part of.

What belongs here: rows of the table. What stays out: the model (`mixed_model.py`), what arms differ
by (`arm_contrast.py`), and any claim about why scores changed: a change is not an effect.
"""

from collections.abc import Iterable
from typing import Any, Final

import polars as pl

from pipeline import tables
from pipeline.evaluation.arm_wave_model import ArmWaveModel
from pipeline.evaluation.cells import ALL, joined_notes
from pipeline.evaluation.contrasts import Contrast, Estimate, Fitted
from pipeline.programme import Contrast as Named
from pipeline.programme import Programme

NOTE_FIRST_WAVE: Final = "first wave: nothing to have changed from"
NOTE_NO_FIRST_WAVE: Final = "no change: the first wave is not in the model"
NOTE_NOBODY_OF_ARM: Final = "nobody of the arm has a score at this wave"
NOTE_NO_ARM: Final = "no change: no arm has scores at the first wave and at this one"


def trajectory(models: Iterable[ArmWaveModel], programme: Programme) -> pl.DataFrame:
    """The rows of `tables.TRAJECTORY`, from the models of `arm_wave_models`.

    Each arm with its own means, and `all`: the mean of the arms, each with the share of its
    officers in the model. Where an arm has no score at a wave, `all` is of the others there, level
    and change alike, and the note says so. Change is from the programme's first wave. Intervals
    are those of `contrasts.Fitted.estimates`.

    Every wave of the programme has a row; without an estimate its note says why.
    """
    rows = [row for model in models for row in _of_subscale(model, programme)]
    found = pl.DataFrame(rows, schema=tables.TRAJECTORY.frame_schema)
    return found.sort(pl.col("arm") == ALL, "arm", maintain_order=True)


def _of_subscale(model: ArmWaveModel, programme: Programme) -> list[dict[str, Any]]:
    places = [
        (arm, [arm] if arm != ALL else model.arms, wave)
        for arm in (*model.arms, ALL)
        for wave in programme.wave_names
    ]
    said = [_asked(model, arms, wave, programme.wave_names[0]) for _, arms, wave in places]
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
            "named_beforehand": _is_named(model, wave, programme),
            "n": sum(model.answered.get((a, wave), 0) for a in arms),
            **_figures(found.get(id(level)), found.get(id(change)), notes),
        }
        for (arm, arms, wave), (level, change, notes) in zip(places, said, strict=True)
    ]


def _asked(
    model: ArmWaveModel, arms: list[str], wave: str, first: str
) -> tuple[Contrast | None, Contrast | None, list[str]]:
    """The level and change to be estimated, as far as they can be, and why not."""
    if model.reason:
        return None, None, [model.answers.left_out.get(wave, model.reason)]
    here = model.arms_at(arms, wave)
    if not here:
        return None, None, [model.answers.left_out.get(wave, NOTE_NOBODY_OF_ARM)]
    level = model.level(here, wave)
    notes = [_without(arms, here)] if len(here) < len(arms) else []
    if wave == first:
        return level, None, [*notes, NOTE_FIRST_WAVE]
    both = model.arms_at(here, first)
    if not both:
        why = NOTE_NO_FIRST_WAVE if first in model.answers.left_out else NOTE_NO_ARM
        return level, None, [*notes, why]
    if len(both) < len(here):
        notes.append(f"change {_without(arms, both)}")
    return level, model.change(both, first, wave), notes


def _without(arms: list[str], kept: list[str]) -> str:
    missing = ", ".join(arm for arm in arms if arm not in kept)
    return f"without {missing}, of whom nobody has the scores"


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


def _is_named(model: ArmWaveModel, wave: str, programme: Programme) -> bool:
    return programme.primary == Named(
        instrument=model.instrument,
        subscale=model.subscale,
        from_wave=programme.wave_names[0],
        to_wave=wave,
    )
