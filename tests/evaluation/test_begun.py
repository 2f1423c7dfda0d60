"""Which arms have begun before a wave, and that figures of all arms say which had not."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
import pytest

from pipeline.evaluation import imputation
from pipeline.evaluation.arm_wave_model import arm_wave_models
from pipeline.evaluation.band_transitions import band_transitions
from pipeline.evaluation.begun import begins_after_days, begun, notes_of_arms_together
from pipeline.evaluation.design import design
from pipeline.evaluation.dose_response import dose_response
from pipeline.evaluation.equality_breakdown import equality_breakdown
from pipeline.evaluation.icc import icc, spreads
from pipeline.evaluation.paired_change import paired_change
from pipeline.evaluation.panel import panel
from pipeline.evaluation.robustness import robustness
from pipeline.evaluation.trajectory import trajectory
from pipeline.programme import Programme, parse_programme

Frames = Callable[..., pl.DataFrame]
WAITING = "arms together, of which not begun by this wave: waiting_list"


PROGRAMME = """
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


@pytest.fixture(scope="module")
def waiting() -> Programme:
    return parse_programme(PROGRAMME)


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


@dataclass(frozen=True)
class _Sixty:
    """Officers of four forces, of which one is the waiting list; everybody answered every wave."""

    people: pl.DataFrame
    measured: pl.DataFrame
    waves: pl.DataFrame


@pytest.fixture(scope="module")
def sixty(
    waiting: Programme, participants: Frames, scores: Frames, ledger: Frames, attended: Frames
) -> _Sixty:
    places = {
        f"p{i}": (f"force-{i % 4}", "waiting_list" if i % 4 == 3 else "programme", None)
        for i in range(60)
    }
    measured = scores(
        (officer, wave, "proqol5", "burnout", 20 + i * 7 % 11 + i * w % 5)
        for i, officer in enumerate(places)
        for w, wave in enumerate(waiting.wave_names)
    )
    people = attended(participants(places), {p: 9 - i % 3 for i, p in enumerate(places)})
    return _Sixty(people, measured, ledger(dict.fromkeys(places, ["completed"] * 3)))


def test_trajectory_and_paired_change_say_it_of_all_arms_and_of_no_single_one(
    waiting: Programme, sixty: _Sixty
) -> None:
    levels = trajectory(arm_wave_models(sixty.measured, sixty.people, waiting), waiting)
    pairs = paired_change(panel(sixty.measured, sixty.people, waiting), waiting).filter(
        organisation="all"
    )
    for said in (
        levels.select("arm", "wave", "note"),
        pairs.select("arm", "to_wave", "note"),
    ):
        places = [(arm, wave) for arm, wave, note in said.iter_rows() if WAITING in (note or "")]
        assert places == [("all", "session_7")]


@pytest.mark.parametrize(
    ("declared", "times"),
    [
        # Of the arm that the contrast speaks of, so of one arm.
        (PROGRAMME, 0),
        # By session 10 both have begun: a contrast that ends there is one of all arms.
        (
            PROGRAMME.replace("  - {arm: usual, role: comparison}\n", "").replace(
                "to_wave: session_7", "to_wave: session_10"
            ),
            1,
        ),
    ],
)
def test_robustness_says_it_where_it_is_of_all_arms(
    sixty: _Sixty, declared: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    few: dict[str, Any] = {"imputations": 3, "burn_in": 5, "between": 2}
    monkeypatch.setattr(imputation.imputed_changes, "__kwdefaults__", few)
    programme = parse_programme(declared)
    levels = trajectory(arm_wave_models(sixty.measured, sixty.people, programme), programme)
    found = robustness(
        sixty.measured, sixty.people, sixty.waves, programme, levels, as_of=date(2026, 1, 1)
    )
    said = found.filter(subscale="burnout").select(
        "to_wave", times=pl.col("note").fill_null("").str.count_matches(WAITING, literal=True)
    )
    assert said.filter(to_wave="session_7")["times"].to_list() == [times] * 7
    assert said.filter(to_wave="session_10")["times"].to_list() == [0] * 7


def _band_transitions(of: _Sixty, programme: Programme) -> pl.DataFrame:
    return band_transitions(panel(of.measured, of.people, programme), programme)


def _equality_breakdown(of: _Sixty, programme: Programme) -> pl.DataFrame:
    return equality_breakdown(panel(of.measured, of.people, programme), of.people, programme)


def _dose_response(of: _Sixty, programme: Programme) -> pl.DataFrame:
    return dose_response(panel(of.measured, of.people, programme), of.people, programme)


def _icc(of: _Sixty, programme: Programme) -> pl.DataFrame:
    return icc(spreads(of.measured, of.people, programme))


def _design(of: _Sixty, programme: Programme) -> pl.DataFrame:
    return design(spreads(of.measured, of.people, programme), of.measured, of.waves, programme)


_NATIONAL = pl.col("organisation") == "all"


@pytest.mark.parametrize(
    ("table", "where"),
    [
        (_band_transitions, _NATIONAL & (pl.col("to_wave") == "session_7")),
        (_equality_breakdown, pl.col("wave") == "session_7"),
        (_dose_response, _NATIONAL & (pl.col("wave") == "session_7")),
        (_icc, pl.col("measure") == "change"),
        (_design, pl.lit(value=True)),
    ],
)
def test_other_tables_of_all_arms_say_it_where_arms_differ(
    waiting: Programme,
    sixty: _Sixty,
    table: Callable[[_Sixty, Programme], pl.DataFrame],
    where: pl.Expr,
) -> None:
    """In these organisations arms differ in the total alone."""
    rows = table(sixty, waiting).with_columns(
        says=pl.col("note").fill_null("").str.contains(WAITING, literal=True)
    )
    assert rows.filter(where).height
    assert rows.filter(where)["says"].all()
    assert not rows.filter(~where)["says"].any()
