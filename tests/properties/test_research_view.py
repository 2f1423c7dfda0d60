"""Whoever enrolled: no row stands alone, none says what is not so, and nobody is lost silently."""

from random import Random
from typing import Any

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from officers import PROGRAMME, WAVES, People, broken_promises, crowd

from pipeline.privacy.alike import LEFT_OUT, Protection, settled
from pipeline.privacy.research_view import ResearchView, assert_protected

seeds = st.integers(0, 10_000)
sizes = st.integers(0, 60)
few = settings(max_examples=12)
"""Each looks through all combinations of levels, which takes a fraction of a second."""


@few
@given(seeds, sizes, st.integers(2, 8), st.integers(1, 3))
def test_no_class_is_smaller_or_more_uniform_than_promised(
    seed: int, size: int, alike: int, bands: int
) -> None:
    protection = Protection(alike, bands)
    view = crowd(seed, size).view(protection)
    assert broken_promises(view.officers, view.scores, protection) == []
    assert_protected(view.officers, view.scores, PROGRAMME, protection)


@few
@given(seeds, sizes)
def test_what_is_said_is_true_and_nobody_is_lost_without_being_counted(
    seed: int, size: int
) -> None:
    people = crowd(seed, size)
    view = people.view()
    left_out = view.generalised.filter(pl.col("attribute") == "row")["rows_affected"].sum()
    assert view.enrolled == size
    assert view.officers["officer"].n_unique() == view.officers.height == size - left_out
    recorded = dict(zip(people.ids, people.participants.to_dicts(), strict=True))
    shown = _shown_by_officer(view)
    for row in view.officers.to_dicts():
        officer = recorded[row["officer"]]
        answers = people.answers[officer["participant_id"]]
        _is_true_of(row, officer, [wave for wave in WAVES if wave in answers])
        _shows_no_more(row, shown.get(row["officer"], []), people, officer["participant_id"])


def _is_true_of(row: dict[str, Any], officer: dict[str, Any], answered: list[str]) -> None:
    for column in ("organisation", "home_force", "arm", "rank_group", "gender", "ethnicity_group"):
        assert row[column] in {None, officer[column]}
    years = {"under_2_years", "2_to_4_years"}
    wider = "under_5_years" if officer["service_band"] in years else "5_years_and_over"
    assert row["service_band"] in {None, officer["service_band"], wider}
    assert row["waves"] in (None, answered)
    assert row["waves_answered"] in {None, len(answered)}
    assert row["answered"] is bool(answered)
    stayed = officer["departure_kind"] is None
    assert row["departure"] in {
        None,
        officer["departure_kind"],
        *(["stayed"] if stayed else ["departed"]),
    }
    sessions = officer["sessions_attended"]
    if row["sessions_band"] in {"under 2", "2 or more"}:
        assert (sessions < 2) is (row["sessions_band"] == "under 2")
    assert row["country"] in {
        None,
        "Wales" if officer["home_force"] == "south-wales" else "England",
    }


def _shown_by_officer(view: ResearchView) -> dict[str, list[dict[str, Any]]]:
    shown: dict[str, list[dict[str, Any]]] = {}
    for score in view.scores.to_dicts():
        shown.setdefault(score["officer"], []).append(score)
    return shown


def _shows_no_more(
    row: dict[str, Any], scores: list[dict[str, Any]], people: People, participant: str
) -> None:
    answers = people.answers[participant]
    bands = [answers[wave] for wave in WAVES if wave in answers]
    burnout = [score for score in scores if score["subscale"] == "burnout"]
    if row["waves"] is not None:
        assert {score["wave"]: score["band"] for score in burnout} == answers
    elif row["waves_answered"] is not None:
        assert {score["wave"] for score in scores} <= {None}
        ordered = sorted(burnout, key=lambda score: score["occasion"])
        assert [score["band"] for score in ordered] == bands
    else:
        assert all(s["wave"] is s["occasion"] is s["weeks_after_due"] is None for s in scores)
        last = [band for band in bands if band][-1:] or bands[-1:]
        assert [score["band"] for score in burnout] == last


@few
@given(seeds, sizes)
def test_what_comes_out_does_not_depend_on_the_order_of_officers(seed: int, size: int) -> None:
    people = crowd(seed, size)
    order = list(range(size))
    Random(seed).shuffle(order)
    shuffled = People(
        people.participants[order], people.participant_waves, people.scores, people.answers
    )
    one, other = people.view(), shuffled.view()
    assert one.officers.equals(other.officers)
    assert one.scores.equals(other.scores)


attributes = st.lists(st.lists(st.integers(0, 3), min_size=12, max_size=12), min_size=1, max_size=3)


@given(attributes, st.lists(st.integers(0, 2), min_size=12, max_size=12), st.integers(1, 6))
def test_nobody_is_given_more_dearly_than_at_a_level_where_all_together_are_safe(
    values: list[list[int]], bands: list[int], alike: int
) -> None:
    """Whoever is protected with everything as recorded is given so: the first look is at that."""
    codes = [[np.array(v, np.int64), np.zeros(12, np.int64)] for v in values]
    found = settled(codes, [[0, 1]] * len(codes), np.array(bands, np.int64), Protection(alike, 2))
    for officer in range(12):
        like = [o for o in range(12) if all(v[o] == v[officer] for v in values)]
        different = len({bands[o] for o in like} - {0})
        if len(like) >= alike and different != 1 and found.levels[officer].any():
            # Given less only where somebody who was left needed the company.
            assert (found.levels[officer] == 1).all()
        if found.classes[officer] == LEFT_OUT:
            assert len(like) < alike or different == 1
