"""The research view: each protection does something, and what it cost is written down."""

import polars as pl
import pytest
from officers import ALIKE, PROGRAMME, People, broken_promises, people

from pipeline import tables
from pipeline.privacy import research_view as module
from pipeline.privacy.alike import Protection
from pipeline.privacy.research_view import (
    ATTRIBUTES,
    NotProtected,
    assert_protected,
    protected_subscale,
    row_ids,
)
from pipeline.programme import parse_programme
from pipeline.reference import example_programme

LOW, HIGH = {"baseline": "low"}, {"baseline": "high"}
FIVE = [{"bands": LOW}] * 4 + [{"bands": HIGH}]


def said(people: People, column: str) -> list[object]:
    return people.view().officers[column].to_list()


def test_five_alike_with_two_bands_are_given_as_recorded() -> None:
    view = people(*FIVE).view()
    assert view.officers["generalised"].to_list() == [[]] * 5
    assert view.officers["organisation"].to_list() == ["cumbria"] * 5
    assert view.scores["wave"].unique().to_list() == ["baseline"]
    assert view.detail_kept == 1.0


def test_four_alike_are_left_out_where_there_is_nobody_to_join() -> None:
    view = people(*FIVE[1:]).view()
    assert view.officers.is_empty()
    assert view.scores.is_empty()
    left_out = view.generalised.filter(attribute="row")
    assert left_out.select("reason", "rows_affected").rows() == [("too_few", 4)]
    assert view.detail_kept == 0.0


def test_five_alike_of_one_band_are_left_out_where_there_is_nobody_to_join() -> None:
    view = people(*[{"bands": LOW}] * 5).view()
    assert view.officers.is_empty()
    assert view.generalised.filter(attribute="row")["reason"].to_list() == ["one_band"]


def test_of_officers_who_never_answered_there_is_no_band_to_learn() -> None:
    view = people(*[{}] * 5).view()
    assert view.officers["answered"].to_list() == [False] * 5
    assert view.scores.is_empty()


def test_a_response_that_cannot_be_scored_is_no_second_band() -> None:
    view = people(*[{"bands": LOW}] * 4, {"bands": {"baseline": None}}).view()
    assert view.officers.is_empty()


def test_the_band_is_that_of_the_last_wave_with_one() -> None:
    later = {"baseline": "high", "session_5": "low", "session_7": None}
    all_low_at_last = [{"bands": later}] * 4 + [{"bands": {**later, "baseline": "low"}}]
    assert people(*all_low_at_last).view().officers.is_empty()
    one_high = [{"bands": later}] * 4 + [{"bands": {**later, "session_5": "high"}}]
    assert people(*one_high).view().officers.height == 5


@pytest.mark.parametrize(
    ("column", "rare", "shown"),
    [
        ("ethnicity_group", "asian", None),
        ("gender", "male", None),
        ("rank_group", "sergeant", None),
        ("service_band", "under_2_years", "under_5_years"),
        ("service_band", "10_years_and_over", None),
        ("sessions_attended", 3, "2 or more"),
        ("sessions_attended", 1, None),
        ("arm", "waiting_list", None),
    ],
)
def test_one_rare_officer_makes_their_class_coarser(column: str, rare: object, shown: str) -> None:
    """Of everything a colleague can see: whoever leaves one out of the class breaks this test."""
    published = "sessions_band" if column == "sessions_attended" else column
    officers = people(*FIVE[1:], {"bands": LOW, column: rare})
    assert said(officers, published) == [shown] * 5


def test_a_rare_force_departure_and_pattern_are_made_coarser_too() -> None:
    force = people(*FIVE[1:], {"bands": LOW, "organisation": "kent", "home_force": "kent"})
    assert said(force, "organisation") == said(force, "home_force") == [None] * 5
    assert said(force, "country") == ["England"] * 5
    abroad = people(*FIVE[1:], {"bands": LOW, "home_force": "south-wales"})
    assert said(abroad, "country") == [None] * 5
    gone = people(*FIVE[1:-1], *[{"bands": HIGH, "departure_kind": k} for k in ("withdrew", None)])
    assert said(gone, "departure") == [None] * 5
    ways = [{"bands": LOW, "departure_kind": "withdrew"}] * 4
    both = people(*ways, {"bands": HIGH, "departure_kind": "left_organisation"})
    assert said(both, "departure") == ["departed"] * 5
    pattern = people(*FIVE[1:], {"bands": {"session_5": "low"}})
    assert said(pattern, "waves") == [None] * 5
    assert said(pattern, "waves_answered") == [1] * 5
    assert pattern.view().scores.select("wave", "occasion").unique().rows() == [(None, 1)]
    number = people(*FIVE[1:], {"bands": {"baseline": "high", "session_5": "low"}})
    assert said(number, "waves_answered") == [None] * 5
    assert number.view().scores.filter(subscale="burnout").height == 5, "the last alone"


def test_every_attribute_has_been_made_coarser_above() -> None:
    assert {attribute.name for attribute in ATTRIBUTES} == {
        *("ethnicity_group", "gender", "rank_group", "service_band", "sessions_band", "arm"),
        *("force", "departure", "waves"),
    }


def test_one_rare_officer_costs_the_others_nothing_if_they_are_enough() -> None:
    rare = [{"bands": LOW, "gender": "male"}] * 4
    view = people(*FIVE, *rare, {"bands": HIGH, "rank_group": "sergeant"}).view()
    as_recorded = view.officers.filter(pl.col("generalised").list.len() == 0)
    assert as_recorded["gender"].to_list() == ["female"] * 5


def test_those_of_one_band_who_are_left_join_others_rather_than_be_left_out() -> None:
    one_band = [{"bands": LOW, "organisation": "kent", "home_force": "kent"}] * 7
    view = people(*FIVE, *one_band).view()
    assert view.officers.height == 12
    assert broken_promises(view.officers, view.scores) == []


def test_a_week_is_given_where_no_officer_can_be_told_by_it() -> None:
    weeks = [{**officer, "weeks": {"baseline": 2}} for officer in FIVE]
    assert people(*weeks).view().scores["weeks_after_due"].unique().to_list() == [2]
    six = people(*weeks, {"bands": LOW, "weeks": {"baseline": 3}}).view()
    assert six.scores["weeks_after_due"].unique().to_list() == [None]
    assert six.generalised.filter(attribute="weeks_after_due").rows() == [
        ("weeks_after_due", "not given", "week_alone", 6, 1.0)
    ]


CROSSED = [
    {"bands": {"baseline": band, "session_5": band}, "weeks": {"baseline": one, "session_5": other}}
    for one, other, times in ((0, 0, 4), (0, 1, 1), (1, 0, 1), (1, 1, 4))
    for band in ["low", "high", "low", "high"][:times]
]
"""Five answered each wave in each week; by both weeks two officers are alone."""


def test_the_weeks_of_two_waves_together_tell_nobody() -> None:
    view = people(*CROSSED).view()
    given = view.scores.drop_nulls("weeks_after_due")
    assert given["wave"].unique().to_list() == ["baseline"]
    assert given["officer"].n_unique() == 10
    assert_protected(view.officers, view.scores, PROGRAMME)
    weeks = [{**each, "weeks": {"baseline": 2, "session_5": 3}} for each in CROSSED]
    assert people(*weeks).view().scores["weeks_after_due"].null_count() == 0


def test_the_proof_sees_weeks_that_together_tell_somebody() -> None:
    officers = people(*CROSSED)
    view = officers.view()
    wave, week = pl.col("wave"), pl.col("weeks_after_due")
    alone = view.officers["officer"][0]
    told = pl.when((wave == "session_5") & (pl.col("officer") == alone)).then(7).otherwise(week)
    scores = view.scores.with_columns(told.cast(pl.Int32).alias("weeks_after_due"))
    with pytest.raises(NotProtected, match="classes of fewer than 5"):
        assert_protected(view.officers, scores, PROGRAMME)


@pytest.mark.parametrize(
    ("off", "officers", "counts"),
    [
        (Protection(alike=1), [{"bands": {}}] * 4, "1 classes of fewer than 5, 0 with"),
        (Protection(bands=1), [{"bands": LOW}] * 5, "0 classes of fewer than 5, 1 with"),
    ],
)
def test_without_a_protection_the_promise_is_broken_and_the_proof_says_so(
    off: Protection, officers: list[dict[str, object]], counts: str
) -> None:
    view = people(*officers).view(off)
    assert view.officers.height == len(officers)
    assert broken_promises(view.officers, view.scores)
    with pytest.raises(NotProtected, match=counts):
        assert_protected(view.officers, view.scores, PROGRAMME)


def test_without_the_rule_of_weeks_a_week_tells_an_officer(monkeypatch: pytest.MonkeyPatch) -> None:
    officers = people(*FIVE, {"bands": LOW, "weeks": {"baseline": 3}})
    before = officers.view()
    assert broken_promises(before.officers, before.scores) == []
    everywhere = pl.lit(True).alias("protected")
    monkeypatch.setattr(module, "_where_protected", lambda rows, *_: rows.with_columns(everywhere))
    view = officers.view()
    assert broken_promises(view.officers, view.scores)


def test_the_proof_sees_a_row_that_was_taken_away_and_a_band_that_was_changed() -> None:
    view = people(*FIVE).view()
    assert_protected(view.officers, view.scores, PROGRAMME)
    high = view.scores.filter(band="high")["officer"]
    without_one = view.officers.filter(~pl.col("officer").is_in(high.implode()))
    with pytest.raises(NotProtected, match=r"1 classes of fewer than 5, 1 with fewer than 2 bands"):
        assert_protected(without_one, view.scores, PROGRAMME)
    same = view.scores.with_columns(pl.lit("low").alias("band"))
    with pytest.raises(NotProtected, match=r"0 classes of fewer than 5, 1 with fewer than 2 bands"):
        assert_protected(view.officers, same, PROGRAMME)


def test_nothing_is_published_by_which_a_colleague_would_know_somebody() -> None:
    columns = {c.name for table in tables.RESEARCH_TABLES[:2] for c in table.columns}
    assert not columns & {
        *("participant_id", "response_id", "submission_id", "unit", "session_group"),
        *("facilitator", "cohort", "enrolled_on", "departed_on", "completed_on", "due_on"),
        *("sessions_attended", "dropout_stage", "items"),
    }
    for table in tables.RESEARCH_TABLES[:3]:
        assert tables.Type.DAY not in {column.type for column in table.columns}


def test_what_is_always_coarser_is_written_down() -> None:
    view = people(*FIVE).view()
    always = view.generalised.filter(reason="always")
    assert {"unit", "session_group", "facilitator", "completed_on"} <= set(always["attribute"])
    assert set(always["rows_affected"]) == {5}


def test_ids_hold_for_one_snapshot_and_say_nothing_of_the_officer() -> None:
    officers = pl.Series([f"v1-{n:020x}" for n in range(1000)])
    key = b"k" * 32
    one = row_ids(officers, key, "monday")
    assert one.n_unique() == 1000
    assert one.str.contains("^[0-9a-f]{16}$").all()
    assert one.equals(row_ids(officers, key, "monday"))
    for other in (row_ids(officers, key, "tuesday"), row_ids(officers, b"o" * 32, "monday")):
        assert not set(one) & set(other)
    assert not one.is_sorted(), "the order of rows says nothing of pseudonyms"


def test_a_score_of_nobody_enrolled_is_refused_without_naming_them() -> None:
    officers = people(*FIVE)
    strangers = People(
        officers.participants.head(4), officers.participant_waves, officers.scores, {}
    )
    with pytest.raises(ValueError, match=r"^scores: of somebody who is not among the part"):
        strangers.view()


def test_without_burnout_the_subscale_named_beforehand_is_protected() -> None:
    text = example_programme().replace("[proqol5]", "[phq4]")
    named = text.replace(
        "instrument: proqol5, subscale: burnout", "instrument: phq4, subscale: anxiety"
    )
    assert protected_subscale(parse_programme(named)) == ("phq4", "anxiety")
    both = text.replace("[phq4]", "[phq4, proqol5]")
    assert protected_subscale(parse_programme(both)) == ("proqol5", "burnout")


def test_what_a_test_calls_alike_is_all_of_it() -> None:
    assert set(ALIKE) - {"organisation", "home_force", "sessions_attended", "departure_kind"} <= {
        attribute.name for attribute in ATTRIBUTES
    }
