"""The simulated intruder: counting agrees with looking row by row, and protections matter."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from officers import PROGRAMME, People, crowd, people

from pipeline import tables
from pipeline.evaluation.dose_response import sessions_band
from pipeline.privacy.alike import Protection
from pipeline.privacy.intruder import (
    PublishedCell,
    found_in_release,
    found_in_research_view,
    found_in_warehouse,
    shares,
    smallest_published,
    what_a_manager_knows,
)

LOW, HIGH = {"baseline": "low"}, {"baseline": "high"}
few = settings(max_examples=12)


def attendance(of: dict[int, list[int]], people: People) -> pl.DataFrame:
    """Who of the officers, by place, came to which sessions; others of three came to none."""
    rows = [
        {
            "participant_id": people.participants["participant_id"][place],
            "organisation": "cumbria",
            "session_number": number,
            "cancelled": False,
            "attended": number in came,
        }
        for place, came in of.items()
        for number in (1, 2, 3)
    ]
    return tables.ATTENDANCE.conform(pl.DataFrame(rows, schema=tables.ATTENDANCE.frame_schema))


def known(people: People, came: dict[int, list[int]] | None = None) -> pl.DataFrame:
    participants = people.participants.with_columns(
        sessions_band=sessions_band(pl.col("sessions_attended"))
    )
    return what_a_manager_knows(
        participants, attendance(came or {}, people), people.scores, PROGRAMME
    )


def share(found: pl.DataFrame, organisation: str = "cumbria") -> tuple[float, float, int | None]:
    row = shares(found).filter(organisation=organisation).row(0, named=True)
    return row["singled_out"], row["learnt"], row["fewest"]


def test_an_officer_like_nobody_is_singled_out_and_their_band_learnt() -> None:
    officers = people(*[{"bands": LOW}, {"bands": HIGH}] * 2, {"bands": LOW, "gender": "male"})
    assert share(found_in_warehouse(known(officers))) == (0.2, 0.2, 1)


def test_officers_alike_of_one_band_are_not_singled_out_but_their_band_is_learnt() -> None:
    officers = people(*[{"bands": HIGH}] * 3, {"bands": LOW, "gender": "male"}, {"gender": "male"})
    singled_out, learnt, fewest = share(found_in_warehouse(known(officers)))
    assert (singled_out, learnt, fewest) == (0.0, 0.8, 2), "one who never answered has no band"


@pytest.mark.parametrize("column", ["home_force", "rank_group", "gender", "service_band"])
def test_each_thing_that_a_manager_knows_singles_out(column: str) -> None:
    officers = people({"bands": LOW}, {"bands": HIGH}, {"bands": LOW, column: "other"})
    assert share(found_in_warehouse(known(officers)))[0] == pytest.approx(1 / 3)


def test_which_sessions_an_officer_came_to_singles_them_out() -> None:
    officers = people(*[{"bands": LOW}, {"bands": HIGH}] * 2)
    together = {0: [1, 2], 1: [1, 2], 2: [1, 3], 3: [1, 3]}
    assert share(found_in_warehouse(known(officers, together)))[0] == 0.0
    assert share(found_in_warehouse(known(officers, {**together, 3: [1]})))[0] == 0.5
    not_on_it = {0: [], 1: [], 2: []}
    assert share(found_in_warehouse(known(officers, not_on_it)))[0] == 0.25


def test_what_is_not_known_to_a_manager_singles_out_nobody() -> None:
    officers = people(
        *[{"bands": LOW}, {"bands": HIGH}], {"bands": LOW, "ethnicity_group": "asian"}
    )
    assert share(found_in_warehouse(known(officers)))[0] == 0.0


@few
@given(st.integers(0, 10_000), st.integers(5, 60))
def test_the_research_view_gives_nobody_away(seed: int, size: int) -> None:
    officers = crowd(seed, size)
    view = officers.view()
    found = found_in_research_view(known(officers), view.officers, view.scores, PROGRAMME)
    for row in shares(found).iter_rows(named=True):
        assert row["singled_out"] == row["learnt"] == 0
        assert row["fewest"] is None or row["fewest"] >= 5


@few
@given(st.integers(0, 10_000), st.integers(1, 40), st.sampled_from([1, 2, 5]))
def test_looking_row_by_row_finds_the_same_in_a_research_view(
    seed: int, size: int, alike: int
) -> None:
    officers = crowd(seed, size)
    view = officers.view(Protection(alike=alike, bands=1))
    knows = known(officers)
    found = found_in_research_view(knows, view.officers, view.scores, PROGRAMME)
    last = _last_band_by_hand(view.scores)
    for asked, answer in zip(knows.to_dicts(), found.to_dicts(), strict=True):
        fits = [row["officer"] for row in view.officers.to_dicts() if _fits(asked, row)]
        assert answer["candidates"] == len(fits)
        assert answer["bands"] == len({last[officer] for officer in fits if officer in last})


def _fits(asked: dict[str, Any], row: dict[str, Any]) -> bool:
    wider = {
        "under_5_years": {"under_2_years", "2_to_4_years"},
        "5_years_and_over": {"5_to_9_years", "10_years_and_over"},
        "under 2": {"none", "one"},
        "2 or more": {"2 to 4", "5 to 7", "8 or more"},
    }
    columns = ("country", "organisation", "home_force", "rank_group", "gender")
    return all(
        row[column] is None or asked[column] in wider.get(row[column], {row[column]})
        for column in (*columns, "service_band", "sessions_band")
    )


def _last_band_by_hand(scores: pl.DataFrame) -> dict[str, str]:
    last: dict[str, tuple[int, str]] = {}
    for row in scores.filter(subscale="burnout").iter_rows(named=True):
        place = row["occasion"] or 0
        if row["band"] and place >= last.get(row["officer"], (-1, ""))[0]:
            last[row["officer"]] = (place, row["band"])
    return {officer: band for officer, (_, band) in last.items()}


def test_a_view_without_protection_gives_officers_away() -> None:
    officers = crowd(seed=4, officers=60)
    view = officers.view(Protection(alike=1, bands=1))
    found = found_in_research_view(known(officers), view.officers, view.scores, PROGRAMME)
    everywhere = share(found, "all")
    assert everywhere[0] > 0
    assert everywhere[1] > 0
    uniform = people(*[{"bands": LOW}] * 5)
    one_band = uniform.view(Protection(bands=1))
    found = found_in_research_view(known(uniform), one_band.officers, one_band.scores, PROGRAMME)
    assert share(found) == (0.0, 1.0, 5)


def test_an_empty_view_has_nothing_to_find() -> None:
    officers = people({"bands": LOW})
    view = officers.view()
    found = found_in_research_view(known(officers), view.officers, view.scores, PROGRAMME)
    assert share(found) == (0.0, 0.0, None)


def test_published_cells_say_something_only_of_those_who_are_known_to_be_counted() -> None:
    officers = people(*[{"bands": LOW}] * 3, {"bands": LOW, "gender": "male"})
    cells = [
        PublishedCell({"organisation": "cumbria"}, 40),
        PublishedCell({"organisation": "cumbria", "gender": "male"}, None),
        PublishedCell({"organisation": "cumbria", "ethnicity_group": "white"}, 0),
        PublishedCell({"organisation": "kent"}, 10),
    ]
    assert share(found_in_release(known(officers), cells)) == (0.0, 0.0, 38)
    assert smallest_published(cells) == 0
    assert smallest_published([]) is None
    assert share(found_in_release(known(officers), [])) == (0.0, 0.0, None)


def test_a_printed_number_that_may_stand_for_one_officer_singles_them_out() -> None:
    officers = people(*[{"bands": LOW}] * 3, {"bands": LOW, "gender": "male"})
    for printed, singled_out in ((0, 0.25), (3, 0.25), (5, 0.0)):
        cells = [PublishedCell({"organisation": "cumbria", "gender": "male"}, printed)]
        assert share(found_in_release(known(officers), cells))[:2] == (singled_out, 0.0)


def test_a_band_is_learnt_where_all_others_of_the_group_are_printed_as_nobody() -> None:
    officers = people(*[{"bands": LOW}] * 3)
    group = {"organisation": "cumbria"}
    one = [PublishedCell(group, 20, "low"), PublishedCell(group, 0, "high")]
    assert share(found_in_release(known(officers), one))[1] == 1.0
    hidden = [PublishedCell(group, 20, "low"), PublishedCell(group, None, "high")]
    assert share(found_in_release(known(officers), hidden))[1] == 0.0
    various = [PublishedCell(group, 20, "low"), PublishedCell(group, 10, "high")]
    assert share(found_in_release(known(officers), various))[1] == 0.0
