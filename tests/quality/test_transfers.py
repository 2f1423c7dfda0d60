"""Officers who go to another force with a new number: one pseudonym where that is certain."""

from collections.abc import Iterable
from datetime import date, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.intake import ACCEPTED
from pipeline.quality.transfers import (
    SEEN,
    in_doubt,
    participant_alias,
    taken_up,
    under_one_name,
)
from pipeline.vocabulary import Kind

FIRST = date(2025, 3, 1)
SCHEMA = {
    "participant_id": pl.String(),
    "organisation": pl.String(),
    "departed_on": pl.Date(),
    "departure_kind": pl.String(),
    "new_participant_id": pl.String(),
    "submission_id": pl.String(),
    "arrived": pl.Int32(),
    "row_number": pl.Int32(),
}
Row = tuple[str, str, int, str | None]


def departures(*rows: Row) -> pl.DataFrame:
    """Officer, organisation, day after the first of March, new pseudonym; in order of arrival."""
    return pl.DataFrame(
        [
            (
                officer,
                organisation,
                FIRST + timedelta(days=day),
                "left_organisation",
                new,
                "one",
                place,
                place,
            )
            for place, (officer, organisation, day, new) in enumerate(rows)
        ],
        SCHEMA,
        orient="row",
    )


def sights(*names: str, **on: int) -> pl.DataFrame:
    """Pseudonyms that were seen, on days that are not known or so long after the first of March."""
    days: dict[str, date | None] = dict.fromkeys(names)
    days |= {name: FIRST + timedelta(days=day) for name, day in on.items()}
    return pl.DataFrame(list(days.items()), SEEN, orient="row")


def doubtful(rows: pl.DataFrame, seen: pl.DataFrame | None = None) -> list[int]:
    """Places of the rows whose transfer is in doubt."""
    return sorted(in_doubt(rows, sights() if seen is None else seen)["row_number"])


def links(rows: pl.DataFrame, seen: Iterable[str] = (), **on: int) -> list[tuple[str, str, bool]]:
    aliases = participant_alias(rows, sights(*seen, **on))
    return aliases.select("participant_id", "alias_id", "taken_up").rows()


def test_the_frames_of_the_lake_have_what_is_asked_for():
    assert set(SCHEMA) - {"arrived", "submission_id"} <= set(ACCEPTED[Kind.DEPARTURES])


def test_a_transfer_is_taken_up_once_the_new_pseudonym_is_seen():
    rows = departures(("a", "kent", 0, "b"), ("c", "kent", 0, "d"), ("e", "kent", 0, None))
    assert links(rows, ["b", "x"]) == [("a", "b", True), ("c", "d", False)]
    aliases = participant_alias(rows, sights("b"))
    assert taken_up(rows, aliases).to_list() == [True, False, False]


def test_the_first_pseudonym_is_kept_through_every_transfer():
    rows = departures(("b", "essex", 90, "c"), ("a", "kent", 0, "b"), ("c", "devon", 200, "d"))
    assert links(rows, ["b", "c", "d"]) == [
        ("a", "b", True),
        ("a", "c", True),
        ("a", "d", True),
    ]


def test_whoever_goes_back_keeps_the_pseudonym_they_began_with():
    rows = departures(("a", "kent", 0, "b"), ("b", "essex", 90, "a"))
    aliases = participant_alias(rows, sights("b"))
    assert aliases.select("participant_id", "alias_id").rows() == [("a", "b")]
    assert taken_up(rows, aliases).to_list() == [True, True]


def test_on_one_day_it_does_not_depend_on_pseudonyms_where_somebody_began():
    """Those change when the key is rotated."""
    there_and_back = (("a", "kent", 0, "b"), ("b", "essex", 0, "a"))
    renamed = {"a": "b", "b": "a"}
    other = [(renamed[old], force, day, renamed[new]) for old, force, day, new in there_and_back]
    (kept, _, _), *_ = links(departures(*there_and_back))
    (also_kept, _, _), *_ = links(departures(*other))
    assert renamed[kept] == also_kept


def test_whoever_was_heard_of_after_the_next_transfer_took_up_the_one_before():
    rows = departures(("a", "kent", 0, "b"), ("b", "essex", 90, "c"), ("c", "devon", 99, "d"))
    assert links(rows, ["c"]) == [("a", "b", True), ("a", "c", True), ("a", "d", False)]
    aliases = participant_alias(rows, sights("c"))
    assert taken_up(rows, aliases).to_list() == [True, True, False]


def test_days_that_are_wrong_do_not_break_a_chain():
    rows = departures(("b", "kent", 0, "c"), ("a", "kent", 9, "b"))
    assert links(rows) == [("a", "b", False), ("a", "c", False)]


def test_what_two_organisations_report_is_one_transfer():
    rows = departures(("a", "kent", 5, "b"), ("a", "kent-vru", 0, "b"))
    assert doubtful(rows) == []
    assert participant_alias(rows, sights("b")).rows() == [("a", "b", "kent-vru", FIRST, True)]


def test_of_an_organisations_rows_about_an_officer_the_newest_counts():
    rows = departures(("a", "kent", 0, "b"), ("a", "kent", 0, "c"))
    assert links(rows, ["b", "c"]) == [("a", "c", True)]
    assert doubtful(rows) == []


def test_two_officers_are_never_merged_on_contradicting_words():
    claimed_twice = departures(("a", "kent", 0, "z"), ("b", "kent", 0, "z"), ("c", "kent", 0, "d"))
    assert doubtful(claimed_twice) == [0, 1]
    assert links(claimed_twice, ["z", "d"]) == [("c", "d", True)]
    two_numbers = departures(("a", "kent", 0, "y"), ("a", "kent-vru", 0, "z"))
    assert doubtful(two_numbers) == [0, 1]
    assert links(two_numbers, ["y", "z"]) == []


def test_a_new_number_that_is_the_old_one_says_nothing():
    rows = departures(("a", "kent", 0, "a"))
    assert links(rows, ["a"]) == []
    assert doubtful(rows) == []


def test_rows_keep_their_order_and_those_of_nobody_stay_nobodys():
    aliases = participant_alias(departures(("a", "kent", 0, "b")), sights("b"))
    rows = pl.DataFrame({"participant_id": ["b", None, "x", "a"], "n": [1, 2, 3, 4]})
    renamed = under_one_name(rows.with_columns(known_as="participant_id"), aliases)
    assert renamed.rows() == [
        ("a", 1, "b"),
        (None, 2, None),
        ("x", 3, "x"),
        ("a", 4, "a"),
    ]


def test_whoever_was_there_long_before_is_somebody_else():
    rows = departures(("a", "kent", 60, "b"), ("c", "kent", 60, "d"))
    seen = sights(a=0, b=31, c=0, d=32)
    assert links(rows, (), a=0, b=31, c=0, d=32) == [("c", "d", True)]
    assert doubtful(rows, seen) == [0]


def test_whoever_goes_back_was_there_before_and_is_the_same():
    rows = departures(("a", "kent", 60, "b"), ("b", "essex", 200, "a"))
    assert links(rows, (), a=0, b=61) == [("a", "b", True)]
    assert doubtful(rows, sights(a=0, b=61)) == []


def test_whoever_left_before_anything_was_seen_of_them_did_not():
    rows = departures(("a", "kent", 0, "b"))
    assert links(rows, (), a=1, b=2) == []
    assert doubtful(rows, sights(a=1, b=2)) == [0]


def test_who_does_not_know_the_new_number_tells_of_the_transfer_too():
    rows = departures(
        ("a", "kent", 40, "b"), ("a", "kent-vru", 9, None), ("a", "essex", 8, None)
    ).with_columns(departure_kind=pl.lit("left_organisation"))
    aliases = participant_alias(rows, sights("b"))
    assert taken_up(rows, aliases).to_list() == [True, True, False]
    withdrew = rows.with_columns(departure_kind=pl.lit("withdrew"))
    assert taken_up(withdrew, aliases).to_list() == [True, False, False]


names = st.sampled_from("abcdef")


@settings(derandomize=True, deadline=None, max_examples=300, database=None)
@given(
    st.lists(
        st.tuples(names, st.sampled_from(["kent", "essex"]), st.integers(0, 4), st.none() | names),
        max_size=8,
    ),
    st.sets(names),
)
def test_whatever_is_told_an_officer_has_one_name_and_nobody_is_merged_without_a_link(
    rows: list[Row], seen: set[str]
) -> None:
    told = departures(*rows)
    aliases = participant_alias(told, sights(*sorted(seen)))
    kept = dict(aliases.select("alias_id", "participant_id").iter_rows())
    assert not kept.keys() & set(kept.values()), "nobody's name is somebody else's alias"
    everybody = pl.DataFrame({"participant_id": list("abcdef")})
    once = under_one_name(everybody, aliases)
    assert under_one_name(once, aliases).equals(once)
    # One officer's names hang together by what was told, whatever the direction.
    reach = {name: {name} for name in "abcdef"}
    for officer, _, _, new in rows:
        if new is not None:
            merged = reach[officer] | reach[new]
            for name in merged:
                reach[name] = merged
    assert all(alias in reach[first] for alias, first in kept.items())
    shuffled = told.reverse()
    assert participant_alias(shuffled, sights(*sorted(seen))).equals(aliases)
