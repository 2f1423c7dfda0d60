"""Which arm the primary contrast speaks of, and that every table marks the same comparison."""

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import tables
from pipeline.evaluation import imputation
from pipeline.evaluation.arm_contrast import arm_contrast
from pipeline.evaluation.arm_wave_model import arm_wave_models
from pipeline.evaluation.begun import begun
from pipeline.evaluation.careless import SIGNS, change_without_careless
from pipeline.evaluation.named_beforehand import (
    is_named_beforehand,
    is_named_difference,
    named_arm,
    named_reference,
)
from pipeline.evaluation.paired_change import paired_change
from pipeline.evaluation.panel import panel
from pipeline.evaluation.robustness import robustness
from pipeline.evaluation.trajectory import trajectory
from pipeline.programme import Programme, parse_programme

Frames = Callable[..., pl.DataFrame]

WAITING = "{arm: waiting, role: waiting_list, begins_after_days: 100}"
LATE = "{arm: late, begins_after_days: 30}"
USUAL = "{arm: usual, role: comparison}"
AS_OF = date(2026, 1, 1)


def _programme(arms: str, from_wave: str = "baseline", to_wave: str = "session_7") -> Programme:
    return parse_programme(
        f"""
programme: supervision
title: Trauma-informed reflective supervision
instruments: [proqol5]
primary: {{instrument: proqol5, subscale: burnout, from_wave: {from_wave}, to_wave: {to_wave}}}
waves:
  - {{wave: baseline, due_after_days: 0}}
  - {{wave: session_7, due_after_days: 84}}
  - {{wave: session_10, due_after_days: 126}}
arms: [{arms}]
"""
    )


@pytest.mark.parametrize(
    ("arms", "waves", "arm", "reference"),
    [
        ("programme", ("baseline", "session_7"), "all", None),
        # Everybody begins after baseline and before session 7.
        (f"programme, {LATE}", ("baseline", "session_7"), "all", None),
        (f"programme, {WAITING}", ("baseline", "session_7"), "programme", "waiting"),
        (f"programme, {WAITING}", ("baseline", "session_10"), "all", None),
        (f"programme, {USUAL}", ("baseline", "session_10"), "programme", "usual"),
        (f"programme, {USUAL}, {WAITING}", ("baseline", "session_7"), "programme", "usual"),
        (f"programme, {LATE}, {WAITING}", ("baseline", "session_7"), "programme", "waiting"),
        # The one that begins first, wherever it is listed.
        (f"{LATE}, programme, {USUAL}", ("baseline", "session_7"), "programme", "usual"),
        # Both have begun by the later wave, one of them before the earlier wave.
        (f"programme, {WAITING}", ("session_7", "session_10"), "programme", None),
    ],
)
def test_the_arm_that_the_contrast_speaks_of(
    arms: str, waves: tuple[str, str], arm: str, reference: str | None
) -> None:
    programme = _programme(arms, *waves)
    assert (named_arm(programme), named_reference(programme)) == (arm, reference)


@given(st.lists(st.sampled_from([WAITING, LATE, USUAL]), unique=True), st.booleans())
def test_one_arm_is_named_and_the_reference_never_had_the_programme(
    others: list[str], later: bool
) -> None:
    programme = _programme(
        ", ".join(["programme", *others]), to_wave="session_10" if later else "session_7"
    )
    primary = programme.primary
    named = [
        arm for arm in ("all", *programme.arm_names) if is_named_beforehand(programme, primary, arm)
    ]
    assert named == [named_arm(programme)]
    differences = [
        (arm, other)
        for arm in programme.arm_names
        for other in programme.arm_names
        if is_named_difference(programme, primary, arm, other)
    ]
    assert len(differences) == (named != ["all"] and named_reference(programme) is not None)
    for arm, other in differences:
        assert begun(arm, programme)[primary.to_wave]
        assert not begun(other, programme)[primary.to_wave]
    another = primary.model_copy(update={"subscale": "compassion_satisfaction"})
    assert not is_named_beforehand(programme, another, named_arm(programme))


@pytest.fixture(scope="module")
def made(
    participants: Frames, scores: Frames, ledger: Frames
) -> Callable[[Programme], dict[str, pl.DataFrame]]:
    return lambda programme: _tables(programme, participants, scores, ledger)


def _tables(
    programme: Programme, participants: Frames, scores: Frames, ledger: Frames
) -> dict[str, pl.DataFrame]:
    """Every table that marks rows, of 72 officers in four forces, as many of each arm."""
    arms = programme.arm_names
    places = {f"p{i}": (f"force-{i % 4}", arms[i % len(arms)], None) for i in range(72)}
    people = participants(places)
    measured = scores(
        (officer, wave, "proqol5", subscale, 20 + i * 7 % 11 + i * w % 5 - w * (i % len(arms)))
        for i, officer in enumerate(places)
        for w, wave in enumerate(programme.wave_names)
        for subscale in ("burnout", "compassion_satisfaction")
    )
    waves = ledger(dict.fromkeys(places, ["completed"] * 3))
    of_officers = panel(measured, people, programme)
    models = arm_wave_models(measured, people, programme)
    levels = trajectory(models, programme)
    quality = tables.RESPONSE_QUALITY.empty()
    return {
        "paired_change": paired_change(of_officers, programme).filter(organisation="all"),
        "trajectory": levels,
        "arm_contrast": arm_contrast(models, programme),
        "robustness": robustness(measured, people, waves, programme, levels, as_of=AS_OF),
        "change_without_careless": change_without_careless(
            of_officers,
            measured,
            people,
            pl.DataFrame(schema=SIGNS),
            programme,
            quality=quality,
        ),
    }


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    few: dict[str, Any] = {"imputations": 3, "burn_in": 5, "between": 2}
    monkeypatch.setattr(imputation.imputed_changes, "__kwdefaults__", few)


@pytest.mark.parametrize(
    ("arms", "from_wave", "arm"),
    [
        (f"programme, {WAITING}", "baseline", "programme"),
        (f"programme, {LATE}", "baseline", "all"),
        (f"programme, {WAITING}, {USUAL}", "session_7", "programme"),
        ("programme", "session_7", "all"),
    ],
)
def test_every_table_has_the_named_row_and_the_same_figure(
    made: Callable[[Programme], dict[str, pl.DataFrame]], arms: str, from_wave: str, arm: str
) -> None:
    """One that starts at a later wave included: nothing is silently left out."""
    to_wave = "session_10" if from_wave == "session_7" else "session_7"
    programme = _programme(arms, from_wave, to_wave)
    found = made(programme)
    named = {
        name: table.filter("named_beforehand")
        for name, table in found.items()
        if "named_beforehand" in table.columns
    }
    assert named["paired_change"].select("arm", "from_wave", "to_wave", "subscale").rows() == [
        (arm, from_wave, to_wave, "burnout")
    ]
    assert named["trajectory"].select("arm", "from_wave", "wave", "subscale").rows() == [
        (arm, from_wave, to_wave, "burnout")
    ]
    panel_rows = named["robustness"]
    assert panel_rows.select("arm", "from_wave", "to_wave", "subscale").unique().rows() == [
        (arm, from_wave, to_wave, "burnout")
    ]
    assert panel_rows.height == 7
    pairs = named["paired_change"].row(0, named=True)
    for method in ("complete_cases", "mixed_model", "attrition_weighted", "multiple_imputation"):
        row = panel_rows.filter(method=method).row(0, named=True)
        # Everybody answered every wave.
        assert row["estimate"] == pytest.approx(pairs["mean_change"]), method
        assert row["n"] == pairs["n"], method
    whole = found["change_without_careless"].filter(left_out="none").row(0, named=True)
    assert (whole["arm"], whole["mean_change"]) == (arm, pairs["mean_change"])
    differences = named["arm_contrast"].select("arm", "reference_arm", "from_wave", "wave").rows()
    reference = named_reference(programme)
    assert differences == ([(arm, reference, from_wave, to_wave)] if reference else [])


def test_the_figure_of_the_named_arm_is_that_of_its_officers_alone(
    made: Callable[[Programme], dict[str, pl.DataFrame]],
) -> None:
    found = made(_programme(f"programme, {WAITING}"))
    pairs = found["paired_change"].filter(
        subscale="burnout", to_wave="session_7", from_wave="baseline"
    )
    by_arm = dict(pairs.select("arm", "mean_change").iter_rows())
    assert by_arm["programme"] != by_arm["all"]
    assert found["robustness"]["arm"].unique().to_list() == ["programme"]
    assert "not begun" not in "".join(found["robustness"]["note"].drop_nulls())
