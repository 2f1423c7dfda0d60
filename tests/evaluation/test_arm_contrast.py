"""Arms compared: R's figures, when an arm has begun, and what is said where nothing can be."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from pipeline import tables
from pipeline.evaluation.answer_sums import NOTE_NOBODY
from pipeline.evaluation.arm_contrast import (
    NOTE_NO_STEPS,
    NOTE_NOBODY_OF_ONE,
    NOTE_SAME_DIFFERENCE,
    arm_contrast,
)
from pipeline.evaluation.arm_wave_model import arm_wave_models
from pipeline.evaluation.begun import begins_after_days
from pipeline.evaluation.cells import NOTE_FEW_ORGANISATIONS
from pipeline.evaluation.contrasts import NOTE_ONE_ORGANISATION_ALONE
from pipeline.programme import Programme, parse_programme

Frames = Callable[..., pl.DataFrame]
HERE = Path(__file__).parent / "reference"
WAVES = ("baseline", "session_7", "session_10")
WAITING = "[programme, {arm: waiting_list, role: waiting_list, begins_after_days: 100}]"
COMPARED = "[programme, {arm: usual, role: comparison}]"
CLOSE = 1e-5


def _programme(arms: str) -> Programme:
    return parse_programme(
        f"""
programme: supervision
title: Trauma-informed reflective supervision
instruments: [proqol5]
primary: {{instrument: proqol5, subscale: burnout, from_wave: baseline, to_wave: session_10}}
waves:
  - {{wave: baseline, due_after_days: 0}}
  - {{wave: session_7, due_after_days: 84}}
  - {{wave: session_10, due_after_days: 126}}
arms: {arms}
"""
    )


@pytest.fixture(scope="session")
def rows(participants: Frames, scores: Frames) -> Callable[..., pl.DataFrame]:
    def make(answers: list[dict[str, Any]], arms: str) -> pl.DataFrame:
        programme = _programme(arms)
        people = participants(
            {
                row["officer"]: (row["organisation"], row["arm"], row["session_group"])
                for row in answers
            }
        )
        given = scores(
            (row["officer"], row["wave"], "proqol5", "burnout", float(row["score"]))
            for row in answers
        )
        models = arm_wave_models(given, people, programme)
        return tables.ARM_CONTRAST.conform(arm_contrast(models, programme))

    return make


def _reference() -> tuple[list[dict[str, Any]], Any]:
    with (HERE / "arms.csv").open(encoding="utf-8") as file:
        answers: list[dict[str, Any]] = list(csv.DictReader(file))
    return answers, json.loads((HERE / "arms.json").read_text("utf-8"))


def _reach(of_r: dict[str, Any], place: int | None = None) -> float:
    se, df = (of_r[name] if place is None else of_r[name][place] for name in ("se_clustered", "df"))
    return float(stats.t.ppf(0.975, min(df, 8))) * se


def test_difference_in_change_agrees_with_r(rows: Callable[..., pl.DataFrame]) -> None:
    answers, expected = _reference()
    found = rows(answers, WAITING).filter(pl.col("compared") != "in_steps")
    of_r = expected["difference_in_change"]
    assert found["wave"].to_list() == ["session_7", "session_10"]
    assert found["arm"].unique().to_list() == ["programme"]
    assert found["reference_arm"].unique().to_list() == ["waiting_list"]
    for name in ("estimate", "se", "se_clustered"):
        assert found[name].to_list() == pytest.approx(of_r[name], rel=CLOSE), name
    for place, row in enumerate(found.iter_rows(named=True)):
        assert row["ci_high"] - row["estimate"] == pytest.approx(_reach(of_r, place), rel=1e-4)
        assert row["n_clusters"] == 9
        assert row["note"] == NOTE_FEW_ORGANISATIONS
    assert found["compared"].to_list() == ["begun_with_not_begun", "both_begun"]
    # Both have begun by session 10: the change named is that of all, and no difference is named.
    assert found["named_beforehand"].to_list() == [False, False]


def test_beginning_in_steps_agrees_with_r(rows: Callable[..., pl.DataFrame]) -> None:
    answers, expected = _reference()
    found = rows(answers, WAITING).filter(compared="in_steps").row(0, named=True)
    of_r = expected["in_steps"]
    for name in ("estimate", "se", "se_clustered"):
        assert found[name] == pytest.approx(of_r[name], rel=CLOSE), name
    assert found["ci_high"] - found["estimate"] == pytest.approx(_reach(of_r), rel=1e-4)
    assert (found["arm"], found["reference_arm"], found["wave"]) == ("all", "all", "all")
    assert NOTE_SAME_DIFFERENCE in found["note"]
    begun = {
        row["officer"]
        for row in answers
        if row["wave"] == "session_10" or (row["arm"] == "programme" and row["wave"] != "baseline")
    }
    assert found["n"] == len(begun)


def _drawn(places: Callable[[int], tuple[str, str]], count: int = 60) -> list[dict[str, Any]]:
    rng = np.random.default_rng(20261126)
    return [
        {
            "officer": f"p{i:02}",
            "organisation": places(i)[0],
            "arm": places(i)[1],
            "session_group": None,
            "wave": wave,
            "score": int(score),
        }
        for i in range(count)
        for wave, score in zip(WAVES, rng.integers(15, 35, 3), strict=True)
    ]


def _each(i: int) -> tuple[str, str]:
    return f"o{i % 5}", "programme" if i // 5 % 2 else "usual"


def test_complete_answers_give_the_difference_of_mean_changes(
    rows: Callable[..., pl.DataFrame],
) -> None:
    answers = _drawn(_each)
    found = rows(answers, COMPARED)
    assert found["compared"].unique().to_list() == ["begun_with_not_begun"]
    changes: dict[str, list[float]] = {"programme": [], "usual": []}
    for first, _, last in zip(*(iter(answers),) * 3, strict=True):
        changes[first["arm"]].append(last["score"] - first["score"])
    expected = np.mean(changes["programme"]) - np.mean(changes["usual"])
    row = found.filter(wave="session_10").row(0, named=True)
    assert row["estimate"] == pytest.approx(expected, rel=1e-6)
    assert (row["n"], row["n_reference"]) == (30, 30)


def test_one_arm_is_compared_with_nothing(rows: Callable[..., pl.DataFrame]) -> None:
    assert rows(_drawn(lambda i: (f"o{i % 5}", "programme")), COMPARED).height == 0


def test_arms_that_begin_together_have_no_steps(rows: Callable[..., pl.DataFrame]) -> None:
    found = rows(_drawn(_each), "[programme, usual]")
    assert found["compared"].unique().to_list() == ["both_begun"]


def test_who_begins_when() -> None:
    programme = _programme(
        "[programme, {arm: usual, role: comparison}, {arm: later, begins_after_days: 70}]"
    )
    begins = [begins_after_days(arm, programme) for arm in ("programme", "usual", "later", "?")]
    assert begins == [0, float("inf"), 70, 0]


def test_nothing_has_begun_before_the_last_wave_so_steps_are_not_seen(
    rows: Callable[..., pl.DataFrame],
) -> None:
    late = "[{arm: programme, begins_after_days: 200}, {arm: usual, begins_after_days: 300}]"
    found = rows(_drawn(_each), late)
    steps = found.filter(compared="in_steps").row(0, named=True)
    assert steps["estimate"] is None
    assert steps["note"] == NOTE_NO_STEPS
    assert found.filter(wave="session_7")["compared"].to_list() == ["neither_begun"]


def test_steps_that_periods_explain_have_no_estimate(rows: Callable[..., pl.DataFrame]) -> None:
    """Both have begun by every later wave: begun is the same as a later period."""
    soon = "[programme, {arm: usual, begins_after_days: 20}]"
    steps = rows(_drawn(_each), soon).filter(compared="in_steps").row(0, named=True)
    assert steps["estimate"] is None
    assert steps["note"] == NOTE_NO_STEPS


def test_an_arm_in_one_organisation_among_several_has_no_interval(
    rows: Callable[..., pl.DataFrame],
) -> None:
    answers = _drawn(lambda i: ("alone", "usual") if i < 15 else (f"o{i % 4}", "programme"))
    for row in rows(answers, COMPARED).iter_rows(named=True):
        assert row["estimate"] is not None
        assert row["se_clustered"] is row["ci_low"] is row["n_clusters"] is None
        assert row["note"] == NOTE_ONE_ORGANISATION_ALONE


def test_an_arm_without_scores_at_a_wave_says_so(rows: Callable[..., pl.DataFrame]) -> None:
    answers = [
        row for row in _drawn(_each) if row["arm"] == "programme" or row["wave"] != "session_10"
    ]
    row = rows(answers, COMPARED).filter(wave="session_10").row(0, named=True)
    assert (row["estimate"], row["n_reference"]) == (None, 0)
    assert row["note"] == NOTE_NOBODY_OF_ONE


def test_a_wave_that_nobody_answered_says_so(rows: Callable[..., pl.DataFrame]) -> None:
    answers = [row for row in _drawn(_each) if row["wave"] != "session_10"]
    row = rows(answers, COMPARED).filter(wave="session_10").row(0, named=True)
    assert (row["estimate"], row["note"]) == (None, NOTE_NOBODY)


def test_the_order_of_rows_does_not_matter(rows: Callable[..., pl.DataFrame]) -> None:
    answers, _ = _reference()
    assert rows(answers[::-1], WAITING).equals(rows(answers, WAITING))
