"""Which arms have begun before a wave, and that figures of all arms say which had not."""

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
import pytest

from pipeline.evaluation import imputation
from pipeline.evaluation.arm_wave_model import arm_wave_models
from pipeline.evaluation.begun import begins_after_days, begun, notes_of_arms_together
from pipeline.evaluation.paired_change import paired_change
from pipeline.evaluation.panel import panel as panel_of
from pipeline.evaluation.robustness import robustness
from pipeline.evaluation.trajectory import trajectory
from pipeline.programme import Programme, parse_programme

Frames = Callable[..., pl.DataFrame]
WAITING = "arms together, of which not begun by this wave: waiting_list"


@pytest.fixture(scope="module")
def waiting() -> Programme:
    return parse_programme(
        """
programme: supervision
title: Trauma-informed reflective supervision
instruments: [proqol5]
primary: {instrument: proqol5, subscale: burnout, from_wave: baseline, to_wave: session_7}
waves:
  - {wave: baseline, due_after_days: 0}
  - {wave: session_7, due_after_days: 84}
  - {wave: session_10, due_after_days: 126}
arms:
  - programme
  - {arm: waiting_list, role: waiting_list, begins_after_days: 84}
  - {arm: usual, role: comparison}
"""
    )


def test_an_arm_has_begun_before_waves_due_later_than_its_first_session(
    waiting: Programme,
) -> None:
    assert [begins_after_days(arm, waiting) for arm in ("programme", "waiting_list")] == [0, 84]
    assert begun("waiting_list", waiting) == {
        "baseline": False,
        "session_7": False,
        "session_10": True,
    }
    assert not any(begun("usual", waiting).values())


@pytest.mark.parametrize(
    ("arms", "wave", "named"),
    [
        (["programme", "waiting_list"], "session_7", ["waiting_list"]),
        (["programme", "waiting_list"], "session_10", []),
        (["programme", "waiting_list"], "baseline", []),
        (["waiting_list", "usual"], "session_7", []),
        (["waiting_list", "usual"], "session_10", ["usual"]),
        (["usual", "programme", "waiting_list"], "session_7", ["usual", "waiting_list"]),
        (["programme"], "session_7", []),
        ([], "session_7", []),
    ],
)
def test_those_who_had_no_session_are_named_where_others_had(
    waiting: Programme, arms: list[str], wave: str, named: list[str]
) -> None:
    notes = notes_of_arms_together(arms, wave, waiting)
    assert [note.partition(": ")[2] for note in notes] == ([", ".join(named)] if named else [])


def test_trajectory_and_robustness_say_it_of_all_arms_and_of_no_single_one(
    waiting: Programme,
    participants: Frames,
    scores: Frames,
    ledger: Frames,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few: dict[str, Any] = {"imputations": 3, "burn_in": 5, "between": 2}
    monkeypatch.setattr(imputation.imputed_changes, "__kwdefaults__", few)
    places = {
        f"p{i}": (f"force-{i % 4}", "waiting_list" if i % 4 == 3 else "programme", None)
        for i in range(60)
    }
    measured = scores(
        (officer, wave, "proqol5", "burnout", 20 + i * 7 % 11 + i * w % 5)
        for i, officer in enumerate(places)
        for w, wave in enumerate(waiting.wave_names)
    )
    people = participants(places)
    waves = ledger(dict.fromkeys(places, ["completed"] * 3))
    levels = trajectory(arm_wave_models(measured, people, waiting), waiting)
    said = {
        (arm, wave): WAITING in (note or "")
        for arm, wave, note in levels.select("arm", "wave", "note").iter_rows()
    }
    assert [place for place, is_said in said.items() if is_said] == [("all", "session_7")]
    pairs = paired_change(panel_of(measured, people, waiting), waiting).filter(organisation="all")
    said = {
        (arm, wave): WAITING in (note or "")
        for arm, wave, note in pairs.select("arm", "to_wave", "note").iter_rows()
    }
    assert [place for place, is_said in said.items() if is_said] == [("all", "session_7")]
    panel = robustness(measured, people, waves, waiting, levels, as_of=date(2026, 1, 1)).filter(
        subscale="burnout"
    )
    times = panel.select(pl.col("note").fill_null("").str.count_matches(WAITING, literal=True))
    assert times.filter(panel["to_wave"] == "session_7").to_series().to_list() == [1] * 7
    assert times.filter(panel["to_wave"] == "session_10").to_series().to_list() == [0] * 7
