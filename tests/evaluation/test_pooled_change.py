"""Pooled change: who enters, what each organisation brings, and against plain loops."""

import statistics
from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import tables
from pipeline.evaluation import pooled_change as module
from pipeline.evaluation.paired_change import paired_change
from pipeline.evaluation.panel import pairs_of_waves, panel
from pipeline.evaluation.pooled_change import pooled_change
from pipeline.evaluation.random_effects import random_effects
from pipeline.programme import Programme, parse_programme
from pipeline.vocabulary import LeftOut

Frames = Callable[..., pl.DataFrame]
Changes = dict[str, Sequence[int]]
Pooled = Callable[..., tuple[pl.DataFrame, pl.DataFrame]]
KEY = ("baseline", "session_10", "proqol5", "burnout")


@pytest.fixture(scope="session")
def pooled(participants: Frames, scores: Frames, programme: Programme) -> Pooled:
    """Both tables, from the changes of each organisation's officers."""

    def make(
        changes: Changes, groups: dict[str, int] | None = None, not_comparable: Any = ()
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        places, rows = {}, []
        for organisation, of_officers in changes.items():
            for i, change in enumerate(of_officers):
                officer = f"{organisation}-{i}"
                many = (groups or {}).get(organisation)
                places[officer] = (
                    organisation,
                    "programme",
                    f"{organisation}-{i % many}" if many else None,
                )
                rows.append((officer, "baseline", "proqol5", "burnout", 30))
                rows.append((officer, "session_10", "proqol5", "burnout", 30 + change))
        found = pooled_change(
            panel(scores(rows), participants(places), programme), programme, not_comparable
        )
        return tables.POOLED_CHANGE.conform(found[0]), tables.ORGANISATION_CHANGE.conform(found[1])

    return make


def _five() -> Changes:
    return {
        "a": [-3, -1, -2, 0, -4, -2, 1, -3, -5, -1],
        "b": [0, 1, -1, 2, 0, -2, 1, 1, -1, 0, 3],
        "c": [-6, -4, -5, -3, -7, -5, -4, -6, -2, -5, -8, -5],
        "d": [-1, 0, -2, -1, 1, -3, 0, -1, -2, 1],
        "e": [-2, -3, 2, -1, -4, 0, -2, -1, -3, -2],
    }


def test_figures_are_those_of_the_model_of_plain_means(pooled: Pooled) -> None:
    changes = _five()
    table, by_organisation = pooled(changes)
    means = [statistics.mean(each) for each in changes.values()]
    variances = [statistics.variance(each) / len(each) for each in changes.values()]
    model = random_effects(means, variances)
    assert model is not None
    row = table.row(0, named=True)
    assert tuple(row[name] for name in tables.POOLED_CHANGE.key) == KEY
    assert (row["k"], row["k_left_out"], row["note"]) == (5, 0, None)
    limits, prediction = model.confidence(), model.prediction()
    assert prediction is not None
    expected = {
        "estimate": model.estimate,
        "ci_low": limits.low,
        "ci_high": limits.high,
        "prediction_low": prediction.low,
        "tau2": model.tau2,
        "q": model.q,
    }
    assert {name: row[name] for name in expected} == pytest.approx(expected)
    assert by_organisation["organisation"].to_list() == list(changes)
    assert by_organisation["n"].to_list() == [len(each) for each in changes.values()]
    assert by_organisation["estimate"].to_list() == pytest.approx(means)
    assert by_organisation["variance"].to_list() == pytest.approx(variances)
    assert by_organisation["weight"].to_list() == pytest.approx(list(model.weights))
    for i, one in enumerate(by_organisation.to_dicts()):
        without = random_effects(means[:i] + means[i + 1 :], variances[:i] + variances[i + 1 :])
        assert without is not None
        assert one["estimate_without"] == pytest.approx(without.estimate, abs=1e-6)
        assert one["ci_high_without"] == pytest.approx(without.confidence().high, abs=1e-6)
        assert one["tau2_without"] == pytest.approx(without.tau2, abs=1e-6)


def test_who_is_left_out_is_counted_and_why(pooled: Pooled) -> None:
    changes = _five() | {"f": [-9] * 9, "g": [-5] * 12, "h": [-20, -18, -19] * 5}
    table, by_organisation = pooled(changes, not_comparable={("h", *KEY[1:])})
    row = table.row(0, named=True)
    assert (row["k"], row["k_left_out"]) == (5, 3)
    assert row["note"] == (
        "left out, too few officers: 1; left out, not comparable: 1; left out, no spread: 1"
    )
    left_out = dict(by_organisation.select("organisation", "left_out").iter_rows())
    assert [left_out[name] for name in "abcde"] == [None] * 5
    assert left_out["f"] == LeftOut.TOO_FEW
    assert left_out["g"] == LeftOut.NO_SPREAD
    assert left_out["h"] == LeftOut.NOT_COMPARABLE
    of_h = by_organisation.filter(organisation="h").row(0, named=True)
    assert (of_h["n"], of_h["estimate"]) == (15, -19)
    assert of_h["weight"] is of_h["estimate_without"] is None
    alone, _ = pooled(_five())
    assert table["estimate"].to_list() == alone["estimate"].to_list()


@pytest.mark.parametrize("wave", ["baseline", "session_10"])
def test_answers_must_be_comparable_at_both_waves(pooled: Pooled, wave: str) -> None:
    table, _ = pooled(_five(), not_comparable={("c", wave, *KEY[2:])})
    assert table["k"].item() == 4
    elsewhere, _ = pooled(_five(), not_comparable={("c", "session_7", *KEY[2:])})
    assert elsewhere["k"].item() == 5


def test_three_organisations_are_imprecise_and_two_predict_nothing(pooled: Pooled) -> None:
    changes = _five()
    three, _ = pooled({name: changes[name] for name in "abc"})
    assert three["note"].item() == module.NOTE_IMPRECISE
    assert three["prediction_low"].item() is not None
    two, _ = pooled({name: changes[name] for name in "ab"})
    assert two["note"].item() == f"{module.NOTE_NO_PREDICTION}; {module.NOTE_IMPRECISE}"
    assert two["estimate"].item() is not None
    assert two["prediction_low"].item() is two["prediction_high"].item() is None
    _, by_organisation = pooled({name: changes[name] for name in "ab"})
    assert by_organisation["weight"].null_count() == 0
    assert by_organisation["estimate_without"].null_count() == 2
    assert by_organisation["note"].str.contains(module.NOTE_NONE_WITHOUT).all()


def test_one_organisation_is_not_pooled(pooled: Pooled) -> None:
    table, by_organisation = pooled({"a": _five()["a"], "f": [-9] * 4})
    row = table.row(0, named=True)
    assert (row["k"], row["k_left_out"], row["estimate"]) == (1, 1, None)
    assert row["note"] == f"{module.NOTE_TOO_FEW}; left out, too few officers: 1"
    of_a = by_organisation.filter(organisation="a").row(0, named=True)
    assert (of_a["weight"], of_a["estimate_without"], of_a["left_out"]) == (None, None, None)
    assert module.NOTE_NONE_WITHOUT in of_a["note"]
    assert "left out: too few officers" in by_organisation.filter(organisation="f")["note"].item()


def test_one_officer_of_an_organisation_has_no_variance(pooled: Pooled) -> None:
    _, by_organisation = pooled({"a": [-3]})
    row = by_organisation.row(0, named=True)
    assert (row["n"], row["estimate"], row["variance"]) == (1, -3, None)
    assert "one officer" in row["note"]


def test_nobody_answered_twice(participants: Frames, scores: Frames, programme: Programme) -> None:
    enrolled = participants({"p1": ("a", "programme", None)})
    for rows in ([], [("p1", "baseline", "proqol5", "burnout", 20)]):
        found = pooled_change(panel(scores(rows), enrolled, programme), programme, set())
        assert [frame.height for frame in found] == [0, 0]


def test_the_variance_is_clustered_where_there_are_five_session_groups(
    pooled: Pooled, participants: Frames, scores: Frames, programme: Programme
) -> None:
    changes = {name: list(each) * 2 for name, each in _five().items()}
    _, by_organisation = pooled(changes, groups={"a": 5, "b": 4})
    variances = dict(by_organisation.select("organisation", "variance").iter_rows())
    plain = statistics.variance(changes["b"]) / len(changes["b"])
    assert variances["b"] == pytest.approx(plain)
    sums = [sum(changes["a"][i::5]) for i in range(5)]
    # Five groups of four: the variance of a mean of groups, whose sizes are equal.
    assert variances["a"] == pytest.approx(statistics.variance([s / 4 for s in sums]) / 5)
    notes = dict(by_organisation.select("organisation", "note").iter_rows())
    assert notes["a"] is None
    assert "ignores session groups" in notes["b"]


_score = st.none() | st.integers(10, 50)
_officers = st.lists(
    st.tuples(
        st.sampled_from(["north", "south"]),
        st.sampled_from(["programme", "waiting_list"]),
        st.sampled_from([None, "g1", "g2", "g3", "g4", "g5", "g6"]),
        st.tuples(_score, _score, _score),
    ),
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(_officers, st.randoms(use_true_random=False))
def test_each_organisation_is_as_in_paired_change_whatever_the_order(
    participants: Frames, scores: Frames, programme: Programme, officers: list[Any], shuffler: Any
) -> None:
    enrolled = participants({f"p{i}": officer[:3] for i, officer in enumerate(officers)})
    measured = scores(
        (f"p{i}", wave, "proqol5", "burnout", score)
        for i, officer in enumerate(officers)
        for wave, score in zip(programme.wave_names, officer[3], strict=True)
    )
    made = pooled_change(panel(measured, enrolled, programme), programme, set())
    rows = list(range(measured.height))
    shuffler.shuffle(rows)
    again = pooled_change(panel(measured[rows], enrolled.reverse(), programme), programme, set())
    assert [a.equals(b) for a, b in zip(made, again, strict=True)] == [True, True]
    changes = paired_change(panel(measured, enrolled, programme), programme).filter(
        pl.col("organisation") != "all", arm="all"
    )
    found = {(row["to_wave"], row["organisation"]): row for row in made[1].to_dicts()}
    assert len(found) == changes.height
    for row in changes.to_dicts():
        one = found[row["to_wave"], row["organisation"]]
        assert (one["n"], one["estimate"]) == (row["n"], row["mean_change"])
        if one["variance"] is not None and row["n_clusters"] is None:
            assert sqrt(one["variance"] * row["n"]) == pytest.approx(row["sd_change"], abs=1e-9)


def test_a_primary_contrast_that_starts_elsewhere_is_a_pair_of_its_own(
    programme: Programme,
) -> None:
    assert pairs_of_waves(programme) == [("baseline", "session_7"), ("baseline", "session_10")]
    later = parse_programme(
        "programme: p\ntitle: T\ninstruments: [proqol5]\n"
        "primary: {instrument: proqol5, subscale: burnout, from_wave: b, to_wave: c}\n"
        "waves:\n"
        + "".join(f"  - {{wave: {w}, due_after_days: {i}}}\n" for i, w in enumerate("abc"))
    )
    assert pairs_of_waves(later) == [("a", "b"), ("a", "c"), ("b", "c")]


def test_arms_that_have_and_have_not_begun_are_named(participants: Frames, scores: Frames) -> None:
    waiting = parse_programme(
        """
programme: supervision
title: Trauma-informed reflective supervision
instruments: [proqol5]
primary: {instrument: proqol5, subscale: burnout, from_wave: baseline, to_wave: session_7}
waves:
  - {wave: baseline, due_after_days: 0}
  - {wave: session_7, due_after_days: 84}
  - {wave: session_10, due_after_days: 126}
arms: [programme, {arm: waiting_list, role: waiting_list, begins_after_days: 84}]
"""
    )
    places = {
        f"{force}-{i}": (force, "waiting_list" if force == "b" else "programme", None)
        for force in "ab"
        for i in range(10)
    }
    measured = scores(
        (officer, wave, "proqol5", "burnout", 20 + i % 3 + len(wave) % 4)
        for i, officer in enumerate(places)
        for wave in waiting.wave_names
    )
    table, by_organisation = pooled_change(
        panel(measured, participants(places), waiting), waiting, set()
    )
    notes = dict(table.select("to_wave", "note").iter_rows())
    said = "arms together, of which not begun by this wave: waiting_list"
    assert said in notes["session_7"]
    assert "arms" not in notes["session_10"]
    # Each of the two has one arm only.
    assert not by_organisation["note"].str.contains("arms").any()
