"""What a warehouse says of itself: complete, true to the programme, and the same each time."""

from small_evaluation import PROGRAMME

from pipeline import reference, tables
from pipeline.about import about
from pipeline.evaluation.paired_change import RELIABLE
from pipeline.programme import parse_programme
from pipeline.storage.code import versions
from pipeline.tables import TABLES
from pipeline.views import QUESTIONS, VIEWS

OTHER = """
programme: other
title: Simulated
instruments: [phq4, pss10]
primary: {instrument: pss10, subscale: perceived_stress, from_wave: before, to_wave: after}
grace_days: 3
early_response_days: 9
thresholds: {quarantined_hold: 0.1}
waves:
  - {wave: before, due_after_days: 0, not_held_by: [cumbria]}
  - {wave: after, due_after_days: 90, closes_days_after: 10, grace_days: 7, follow_up: true}
"""


def test_every_column_of_every_table_and_view_is_in_the_dictionary():
    rows = about(parse_programme(PROGRAMME), {})[tables.DICTIONARY]
    declared = {
        (each.schema, each.name, column.name, place, column.type.sql, column.description)
        for each in (*TABLES, *VIEWS)
        for place, column in enumerate(each.columns, start=1)
    }
    names = ("schema_name", "table_name", "column_name", "place", "type", "description")
    assert set(rows.select(names).iter_rows()) == declared
    assert set(rows.filter(kind="view")["schema_name"]) == {"core", "questions"}


def test_every_question_is_listed_with_its_query():
    rows = about(parse_programme(PROGRAMME), {})[tables.QUESTIONS]
    assert rows["view"].to_list() == [view.name for view in QUESTIONS]
    assert rows["sql"].str.starts_with("SELECT").any()
    assert rows["question"].to_list() == [view.asks for view in QUESTIONS]


def test_waves_instruments_and_bands_are_those_of_the_programme():
    programme = parse_programme(OTHER)
    made = about(programme, {})
    assert made[tables.WAVES].rows() == [
        (1, "before", 0, -14, 28, 3, False, ["cumbria"]),
        (2, "after", 90, 76, 100, 7, True, []),
    ]
    instruments = made[tables.INSTRUMENTS]
    assert set(instruments["instrument"]) == {"phq4", "pss10"}
    primary = instruments.filter("primary_subscale").select("instrument", "subscale")
    assert primary.rows() == [("pss10", "perceived_stress")]
    for row in instruments.iter_rows(named=True):
        known = reference.instruments()[row["instrument"]]
        subscale = known.by_subscale[row["subscale"]]
        assert row["items"] == list(subscale.items)
        assert set(row["reversed_items"]) == set(subscale.items) & set(known.reversed)
        assert (row["lowest_score"], row["highest_score"]) == known.range_of(subscale)
        assert (row["source"], row["licence"]) == (known.source, known.licence)
    bands = made[tables.BANDS]
    for (instrument, subscale), rows in bands.group_by("instrument", "subscale"):
        known = reference.instruments()[instrument]
        declared = known.bands_of(known.by_subscale[subscale])
        assert rows["band"].to_list() == [band.band for band in declared]
        assert rows["lowest"].to_list() == [band.lowest for band in declared]


def test_limits_are_those_at_work():
    rows = about(parse_programme(OTHER), {})[tables.THRESHOLDS]
    limits = {row["threshold"]: row for row in rows.iter_rows(named=True)}
    assert limits["reliable_change_z"]["value"] == RELIABLE
    assert limits["quarantined_hold"]["value"] == 0.1
    assert limits["quarantined_reject"]["value"] == 0.6
    assert limits["early_response_days"]["value"] == 9
    assert limits["quarantined_hold"]["set_by"] == "programme"
    published = {table.qualified_name for table in TABLES}
    assert set(rows["concerns"]) <= published


def test_versions_are_of_what_is_at_work():
    at_work = versions()
    assert at_work["python"].startswith("3.")
    assert {"muster", "duckdb", "polars", "numpy", "scipy"} <= set(at_work)
    rows = about(parse_programme(PROGRAMME), at_work)[tables.SOFTWARE]
    assert dict(rows.iter_rows()) == dict(at_work)
