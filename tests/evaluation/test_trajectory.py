"""The trajectory: R's figures, a plain second way, and answers that say too little."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline import tables
from pipeline.evaluation.answer_sums import NOTE_ALIKE, NOTE_FEW, NOTE_NOBODY
from pipeline.evaluation.arm_wave_model import NOTE_NO_WAVE, arm_wave_models
from pipeline.evaluation.cells import (
    NOTE_FEW_ORGANISATIONS,
    NOTE_IGNORES_GROUPS,
    NOTE_NO_WIDTH,
    NOTE_ONE_ORGANISATION,
    NOTE_WITHOUT_GROUP,
)
from pipeline.evaluation.contrasts import NOTE_ONE_ORGANISATION_ALONE, NOTE_TOO_FEW_OFFICERS
from pipeline.evaluation.mixed_model import NoFit
from pipeline.evaluation.trajectory import (
    NOTE_FIRST_WAVE,
    NOTE_NO_FIRST_WAVE,
    NOTE_NOBODY_OF_ARM,
    trajectory,
)
from pipeline.programme import Programme

Frames = Callable[..., pl.DataFrame]
Answered = dict[str, tuple[str, str, str | None, tuple[float | None, ...]]]
"""Officer -> organisation, arm, session group, and a score at each wave."""

HERE = Path(__file__).parent / "reference"
WAVES = ("baseline", "session_7", "session_10")
CLOSE = 1e-5


@pytest.fixture(scope="session")
def rows(
    participants: Frames, scores: Frames, programme: Programme
) -> Callable[[Answered], pl.DataFrame]:
    def make(answered: Answered, subscale: str = "burnout") -> pl.DataFrame:
        people = participants({name: place for name, (*place, _) in answered.items()})
        given = scores(
            (name, wave, "proqol5", subscale, score)
            for name, (*_, by_wave) in answered.items()
            for wave, score in zip(WAVES, by_wave, strict=True)
            if score is not None
        )
        models = arm_wave_models(given, people, programme)
        return tables.TRAJECTORY.conform(trajectory(models, programme))

    return make


def _reference() -> tuple[Answered, Any]:
    found: dict[str, tuple[str, str, str, list[float | None]]] = {}
    with (HERE / "arms.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            place = (row["organisation"], row["arm"], row["session_group"])
            *_, by_wave = found.setdefault(row["officer"], (*place, [None, None, None]))
            by_wave[WAVES.index(row["wave"])] = float(row["score"])
    expected = json.loads((HERE / "arms.json").read_text("utf-8"))
    return {name: (*place, tuple(by_wave)) for name, (*place, by_wave) in found.items()}, expected


def _half_width(se: float, df: float, most: int) -> float:
    return float(stats.t.ppf(0.975, min(df, most))) * se


def test_means_of_arms_agree_with_r(rows: Callable[[Answered], pl.DataFrame]) -> None:
    answered, expected = _reference()
    found = rows(answered).filter(pl.col("arm") != "all")
    of_r = expected["means"]
    assert found["arm"].to_list() == ["programme"] * 3 + ["waiting_list"] * 3
    assert found["estimate"].to_list() == pytest.approx(of_r["estimate"], rel=CLOSE)
    assert found["se"].to_list() == pytest.approx(of_r["se"], rel=CLOSE)
    assert found["se_clustered"].to_list() == pytest.approx(of_r["se_clustered"], rel=CLOSE)
    reach = [
        _half_width(se, df, 8) for se, df in zip(of_r["se_clustered"], of_r["df"], strict=True)
    ]
    assert (found["ci_high"] - found["estimate"]).to_list() == pytest.approx(reach, rel=1e-4)
    assert (found["estimate"] - found["ci_low"]).to_list() == pytest.approx(reach, rel=1e-4)
    assert found["n_clusters"].to_list() == [9] * 6
    assert found["note"].str.starts_with(NOTE_FEW_ORGANISATIONS).all()


def test_session_groups_of_one_organisation_agree_with_r(
    rows: Callable[[Answered], pl.DataFrame],
) -> None:
    answered, expected = _reference()
    of_r = expected["one_organisation"]
    # One arm, since R's figures of that organisation ignore arms.
    own = {
        name: (organisation, "programme", group, by_wave)
        for name, (organisation, _, group, by_wave) in answered.items()
        if organisation == of_r["organisation"]
    }
    found = rows(own).filter(arm="all")
    levels = [*found["estimate"], *found["change"].drop_nulls()]
    assert levels == pytest.approx(of_r["estimate"], rel=CLOSE)
    assert [*found["se"], *found["change_se"].drop_nulls()] == pytest.approx(of_r["se"], rel=CLOSE)
    clustered = [*found["se_clustered"], *found["change_se_clustered"].drop_nulls()]
    assert clustered == pytest.approx(of_r["se_clustered"], rel=CLOSE)
    reach = [_half_width(*pair, 5) for pair in zip(of_r["se_clustered"], of_r["df"], strict=True)]
    assert (found["change_ci_high"] - found["change"])[1:].to_list() == pytest.approx(
        reach[3:], rel=1e-4
    )
    assert found["n_clusters"].to_list() == [6, 6, 6]
    assert found["note"].to_list() == [
        f"{NOTE_ONE_ORGANISATION}; {NOTE_FIRST_WAVE}",
        NOTE_ONE_ORGANISATION,
        NOTE_ONE_ORGANISATION,
    ]


def test_all_is_as_if_there_were_no_arms(rows: Callable[[Answered], pl.DataFrame]) -> None:
    answered, _ = _reference()
    together = {name: (place, "one", *rest) for name, (place, _, *rest) in answered.items()}
    found, alone = rows(answered).filter(arm="all"), rows(together)
    assert found.equals(alone.filter(arm="all"))
    figures = pl.exclude("arm", "named_beforehand")
    assert found.select(figures).equals(alone.filter(arm="one").select(figures))


_score = st.none() | st.integers(10, 50).map(float)
_officer = st.tuples(
    st.sampled_from(["north", "south", "west"]),
    st.sampled_from(["programme", "waiting_list"]),
    st.sampled_from([None, "g1", "g2", "g3", "g4", "g5", "g6"]),
    st.tuples(_score, _score, _score),
)


@settings(max_examples=60, deadline=None)
@given(officers=st.lists(_officer, max_size=40), shuffler=st.randoms(use_true_random=False))
def test_any_answers_give_rows_in_whatever_order_they_come(
    rows: Callable[[Answered], pl.DataFrame],
    programme: Programme,
    officers: list[Any],
    shuffler: Any,
) -> None:
    answered = {f"p{i:02}": officer for i, officer in enumerate(officers)}
    found = rows(answered)
    names = list(answered)
    shuffler.shuffle(names)
    assert rows({name: answered[name] for name in names}).equals(found)
    arms = {arm for _, arm, _, by_wave in answered.values() if any(s is not None for s in by_wave)}
    assert found.height == (len(arms) + 1) * len(WAVES) * bool(arms)
    for row in found.iter_rows(named=True):
        of_wave = [
            by_wave[WAVES.index(row["wave"])]
            for _, arm, _, by_wave in answered.values()
            if row["arm"] in {arm, "all"}
        ]
        assert row["n"] == sum(score is not None for score in of_wave)
        figures = [value for value in row.values() if isinstance(value, float)]
        assert np.isfinite(figures).all()
        assert row["note"] or None not in row.values()
        for value, low, high in (("estimate", "ci_low", "ci_high"), ("change",) * 3):
            if row[low] is not None:
                assert row[low] <= row[value] <= row[high]
        named = (row["arm"], row["wave"]) == ("all", "session_10")
        assert row["named_beforehand"] is named


def _spread(count: int, place: Any = ("north", "programme", None)) -> Answered:
    """Officers whose scores vary at every wave."""
    rng = np.random.default_rng(count)
    drawn = rng.integers(15, 35, (count, 3)).astype(float).tolist()
    where = place if callable(place) else lambda _: place
    return {f"p{i:02}": (*where(i), tuple(scores)) for i, scores in enumerate(drawn)}


def _only(found: pl.DataFrame, wave: str, arm: str = "all") -> dict[str, Any]:
    return found.filter(arm=arm, wave=wave).row(0, named=True)


def test_nobody_answered_anything(rows: Callable[[Answered], pl.DataFrame]) -> None:
    assert rows({}).height == 0


def test_complete_answers_in_one_organisation_give_the_ordinary_t_interval(
    rows: Callable[[Answered], pl.DataFrame],
) -> None:
    answered = _spread(12)
    scores = np.array([by_wave for *_, by_wave in answered.values()])
    row = _only(rows(answered), "session_10")
    change = scores[:, 2] - scores[:, 0]
    expected = stats.t.interval(0.95, 11, change.mean(), stats.sem(change))
    assert [row["change_ci_low"], row["change_ci_high"]] == pytest.approx(expected, rel=1e-5)
    level = stats.t.interval(0.95, 11, scores[:, 2].mean(), stats.sem(scores[:, 2]))
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(level, rel=1e-5)
    assert row["se_clustered"] is None
    assert row["n_clusters"] is None
    assert row["note"] == f"{NOTE_ONE_ORGANISATION}; {NOTE_IGNORES_GROUPS}"


def test_an_officer_without_a_group_is_said_to_be_alone(
    rows: Callable[[Answered], pl.DataFrame],
) -> None:
    row = _only(
        rows(_spread(40, lambda i: ("north", "programme", f"g{i % 6}" if i else None))),
        "session_10",
    )
    assert row["note"] == f"{NOTE_ONE_ORGANISATION}; {NOTE_WITHOUT_GROUP}"
    assert row["n_clusters"] == 7


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_officers_say_too_little(
    rows: Callable[[Answered], pl.DataFrame], count: int
) -> None:
    found = rows(_spread(count))
    assert found["estimate"].null_count() == found.height
    assert found["note"].unique().to_list() == [NOTE_FEW]


def test_three_officers_and_three_waves_are_singular(
    rows: Callable[[Answered], pl.DataFrame],
) -> None:
    found = rows(_spread(3))
    assert found["estimate"].null_count() == found.height
    assert found["note"].unique().to_list() == [NoFit.SINGULAR.value]


def test_everybody_answered_the_same(rows: Callable[[Answered], pl.DataFrame]) -> None:
    found = rows({f"p{i}": ("north", "programme", None, (20.0, 20.0, 20.0)) for i in range(9)})
    assert found["estimate"].null_count() == found.height
    assert found["note"].unique().to_list() == [NOTE_ALIKE]


def test_a_wave_at_which_everybody_answered_the_same_is_left_out(
    rows: Callable[[Answered], pl.DataFrame],
) -> None:
    answered = {
        name: (*place, (by_wave[0], 20.0, by_wave[2]))
        for name, (*place, by_wave) in _spread(20).items()
    }
    found = rows(answered)
    assert _only(found, "session_7")["note"] == NOTE_ALIKE
    assert _only(found, "session_7")["n"] == 20
    assert _only(found, "session_10")["change"] is not None


def test_nobody_returned(rows: Callable[[Answered], pl.DataFrame]) -> None:
    answered = {
        name: (*place, (by_wave[0], None, None)) for name, (*place, by_wave) in _spread(20).items()
    }
    found = rows(answered)
    first = _only(found, "baseline")
    assert first["estimate"] == pytest.approx(np.mean([s[0] for *_, s in answered.values()]))
    for wave in WAVES[1:]:
        row = _only(found, wave)
        assert (row["n"], row["estimate"], row["change"]) == (0, None, None)
        assert row["note"] == NOTE_NOBODY


def test_nobody_answered_the_first_wave(rows: Callable[[Answered], pl.DataFrame]) -> None:
    answered = {
        name: (*place, (None, *by_wave[1:])) for name, (*place, by_wave) in _spread(20).items()
    }
    row = _only(rows(answered), "session_10")
    assert row["estimate"] is not None
    assert row["change"] is None
    assert NOTE_NO_FIRST_WAVE in row["note"]


def test_a_wave_that_two_officers_share_with_another_is_left_out(
    rows: Callable[[Answered], pl.DataFrame],
) -> None:
    answered = {
        name: (
            *place,
            (by_wave[0], by_wave[1] if i < 12 else None, None if 2 <= i < 12 else by_wave[2]),
        )
        for i, (name, (*place, by_wave)) in enumerate(_spread(21).items())
    }
    found = rows(answered)
    assert _only(found, "session_10")["note"] == f"{NOTE_FEW} and at session_7"
    assert _only(found, "session_10")["n"] == 11
    assert _only(found, "session_7")["change"] is not None


def test_one_organisation_of_several_has_no_interval_where_it_alone_answered(
    rows: Callable[[Answered], pl.DataFrame],
) -> None:
    several = _spread(40, lambda i: (("north", "south")[i % 2], "programme", f"g{i % 8}"))
    answered = {
        name: (where, *rest, (*by_wave[:2], by_wave[2] if where == "north" else None))
        for name, (where, *rest, by_wave) in several.items()
    }
    row = _only(rows(answered), "session_10")
    assert row["change"] is not None
    assert row["se_clustered"] is None
    assert row["change_ci_low"] is None
    assert row["note"] == NOTE_ONE_ORGANISATION_ALONE


def test_an_arm_that_did_not_answer_the_first_wave_has_no_change(
    rows: Callable[[Answered], pl.DataFrame],
) -> None:
    several = _spread(60, lambda i: (("a", "b", "c")[i % 3], ("one", "two")[i % 2], None))
    answered = {
        name: (where, arm, group, (by_wave[0] if arm == "one" else None, *by_wave[1:]))
        for name, (where, arm, group, by_wave) in several.items()
    }
    found = rows(answered)
    missing = _only(found, "baseline", "two")
    assert (missing["n"], missing["note"]) == (0, NOTE_NOBODY_OF_ARM)
    later = _only(found, "session_10", "two")
    assert later["ci_low"] is not None
    assert later["change"] is None
    assert NOTE_NO_FIRST_WAVE in later["note"]


def test_an_arm_of_one_organisation_among_several_has_the_interval_of_its_own(
    rows: Callable[[Answered], pl.DataFrame],
) -> None:
    answered = _spread(
        60, lambda i: (("a", "one") if i % 3 == 0 else (f"b{i % 3}", "two")) + (f"g{i % 7}",)
    )
    row = _only(rows(answered), "session_10", "one")
    assert row["note"] == NOTE_ONE_ORGANISATION
    assert row["n_clusters"] == 7
    own = rows({name: kept for name, kept in answered.items() if kept[1] == "one"})
    assert row["change"] == pytest.approx(_only(own, "session_10")["change"], rel=0.2)


def test_an_arm_with_one_officer_has_an_estimate_and_no_interval(
    rows: Callable[[Answered], pl.DataFrame],
) -> None:
    answered = _spread(15) | {"q": ("north", "other", None, (20.0, 22.0, 24.0))}
    row = _only(rows(answered), "session_10", "other")
    assert row["change"] == pytest.approx(4.0)
    assert row["change_ci_low"] is None
    assert NOTE_TOO_FEW_OFFICERS in row["note"]


def test_no_wave_is_left_for_a_model(rows: Callable[[Answered], pl.DataFrame]) -> None:
    found = rows({"p": ("north", "programme", None, (20.0, None, None))})
    assert _only(found, "baseline")["note"] == NOTE_FEW
    assert NOTE_NO_WAVE not in found["note"].to_list()


def test_a_score_of_somebody_not_enrolled_is_refused(
    participants: Frames, scores: Frames, programme: Programme
) -> None:
    given = scores([("p", "baseline", "proqol5", "burnout", 20)])
    with pytest.raises(ValueError, match="not among the participants"):
        arm_wave_models(given, participants({}), programme)


def test_organisations_of_one_mean_leave_no_width_and_the_note_says_so(
    rows: Callable[[Answered], pl.DataFrame],
) -> None:
    """Officers differ, their two organisations do not: that is no proof that the mean is known."""
    answered: Answered = {
        f"{organisation}-{score}": (organisation, "programme", None, (score, None, None))
        for organisation in ("north", "south")
        for score in (16.0, 20.0, 24.0)
    }
    level = rows(answered).filter(wave="baseline").row(0, named=True)
    assert level["se"] > 1
    assert level["ci_high"] - level["ci_low"] < 1e-6
    assert NOTE_NO_WIDTH in level["note"]
