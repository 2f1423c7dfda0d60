"""Level and change at every wave, by a mixed model that officers who left early are part of.

What belongs here: rows of the table. What stays out: the model (`mixed_model.py`), what arms differ
by (`arm_contrast.py`), and any claim about why scores changed: a change is not an effect.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import polars as pl

from pipeline import tables
from pipeline.evaluation.arm_wave_model import ArmWaveModel
from pipeline.evaluation.begun import notes_of_arms_together
from pipeline.evaluation.cells import ALL, joined_notes
from pipeline.evaluation.contrasts import Contrast, Estimate, Fitted
from pipeline.evaluation.named_beforehand import is_named_beforehand
from pipeline.evaluation.panel import Pair, pairs_of_waves
from pipeline.programme import Contrast as Between
from pipeline.programme import Programme

LEVEL: Final = "estimate"
CHANGE: Final = "change"

NOTE_FIRST_WAVE: Final = "first wave: nothing to have changed from"
NOTE_NO_FIRST_WAVE: Final = "no change: no mean at the earlier wave"
NOTE_NOBODY_OF_ARM: Final = "nobody of the arm has a score at this wave"


def trajectory(models: Iterable[ArmWaveModel], programme: Programme) -> pl.DataFrame:
    """The rows of `tables.TRAJECTORY`, from the models of `arm_wave_models`.

    Each arm with its own means, and `all`, in which an officer's arm does not count; where some
    arms have begun by a wave and others have not, its note names those. Intervals are those of
    `contrasts.Fitted.estimates`.

    Every wave of the programme has a row with its change from the first; a primary contrast that
    starts elsewhere has one more, behind them. Without an estimate the note says why.
    """
    rows: list[dict[str, Any]] = []
    for model in models:
        by_arm = [row for arm in model.arms for row in _of_arm(model, arm, programme)]
        together = [
            row | {"note": joined_notes([*_said(row), *_mixed(model, row["wave"], programme)])}
            for row in (_of_arm(model.together, ALL, programme) if model.together else ())
        ]
        # One arm alone is everybody.
        rows += by_arm + (together or [row | {"arm": ALL} for row in by_arm])
    found = pl.DataFrame(
        [row | {"named_beforehand": _is_named(row, programme)} for row in rows],
        schema=tables.TRAJECTORY.frame_schema,
    )
    return found.sort(pl.col("arm") == ALL, "arm", maintain_order=True)


def _of_arm(model: ArmWaveModel, arm: str, programme: Programme) -> list[dict[str, Any]]:
    first = programme.wave_names[0]
    said = {
        pair: _asked(model, arm, *pair) for pair in [(first, first), *pairs_of_waves(programme)]
    }
    asked = {
        (pair, figure): contrast
        for pair, (contrasts, _) in said.items()
        for figure, contrast in contrasts.items()
    }
    found: dict[tuple[Pair, str], Estimate] = {}
    if isinstance(model.fitted, Fitted):
        estimates = model.fitted.estimates(list(asked.values()))
        found = dict(zip(asked, estimates, strict=True))
    return [
        {
            "arm": arm,
            "from_wave": since,
            "wave": wave,
            "instrument": model.instrument,
            "subscale": model.subscale,
            "n": model.answered.get((arm, wave), 0),
            **_figures(found.get((pair, LEVEL)), found.get((pair, CHANGE)), why),
        }
        for pair, (_, why) in said.items()
        for since, wave in [pair]
    ]


def _is_named(row: Mapping[str, Any], programme: Programme) -> bool:
    change = Between(
        instrument=row["instrument"],
        subscale=row["subscale"],
        from_wave=row["from_wave"],
        to_wave=row["wave"],
    )
    return is_named_beforehand(programme, change, row["arm"])


def _said(row: dict[str, Any]) -> list[str]:
    return [row["note"]] if row["note"] else []


def _mixed(model: ArmWaveModel, wave: str, programme: Programme) -> tuple[str, ...]:
    there = [arm for arm in model.arms if model.answered.get((arm, wave))]
    return notes_of_arms_together(there, wave, programme)


def _asked(
    model: ArmWaveModel, arm: str, since: str, wave: str
) -> tuple[dict[str, Contrast], list[str]]:
    """Level and change as far as they can be estimated, and why not further."""
    left_out = model.answers.left_out
    if model.reason:
        return {}, [left_out.get(wave, model.reason)]
    if not model.has(arm, wave):
        return {}, [left_out.get(wave, NOTE_NOBODY_OF_ARM)]
    level = model.level(arm, wave)
    if wave == since:
        return {LEVEL: level}, [NOTE_FIRST_WAVE]
    if not model.has(arm, since):
        return {LEVEL: level}, [NOTE_NO_FIRST_WAVE]
    return {LEVEL: level, CHANGE: model.change(arm, since, wave)}, []


def _figures(
    level: Estimate | None, change: Estimate | None, why: list[str]
) -> dict[str, float | int | str | None]:
    return {
        **_columns(level, LEVEL, ""),
        **_columns(change, CHANGE, "change_"),
        "n_clusters": level.n_clusters if level else None,
        "note": joined_notes([note for e in (level, change) if e for note in e.notes] + why),
    }


def _columns(estimate: Estimate | None, name: str, prefix: str) -> dict[str, float | None]:
    if estimate is None:
        return {}
    interval = estimate.interval
    return {
        name: estimate.value,
        f"{prefix}se": estimate.se,
        f"{prefix}se_clustered": estimate.se_clustered,
        f"{prefix}ci_low": interval.low if interval else None,
        f"{prefix}ci_high": interval.high if interval else None,
    }
