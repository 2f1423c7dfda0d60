"""What is kept of a release for the next one, after somebody in it was erased."""

import polars as pl

from pipeline.publishing.remembered import AREA_ROW, SCHEMA, without

KEPT = pl.DataFrame(
    [
        {"measure": "n", "place": "all", "printed": True, "gone": 1, "members": ["old-a", "old-b"]},
        {"measure": "n", "place": "kent", "printed": False, "gone": 0, "members": ["old-b"]},
        {"measure": AREA_ROW, "place": "kent", "gone": 0, "members": ["kent"]},
    ],
    schema=SCHEMA,
)


def under_the_newest_key(names: pl.Series) -> pl.Series:
    return names.str.replace("old", "new")


def test_who_was_erased_is_not_in_it_and_counts_as_gone() -> None:
    after = without(KEPT, {"new-a", "new-x"}, under_the_newest_key)
    assert after["members"].to_list() == [["old-b"], ["old-b"], ["kent"]]
    assert after["gone"].to_list() == [2, 0, 0]
    assert without(after, {"new-a"}, under_the_newest_key).equals(after)


def test_nothing_changes_where_they_were_in_no_group() -> None:
    assert without(KEPT, {"new-x"}, under_the_newest_key).equals(KEPT)


def test_a_name_under_the_older_key_is_nobodys() -> None:
    assert without(KEPT, {"old-a"}, under_the_newest_key).equals(KEPT)
