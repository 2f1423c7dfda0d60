"""What is kept of a release for the next one: erasing somebody, and frames of earlier versions."""

import polars as pl

from pipeline.privacy.disclosure.groups import Key
from pipeline.privacy.disclosure.history import Recorded
from pipeline.publishing.remembered import (
    AREA_ROW,
    NAMES_ROW,
    SCHEMA,
    as_frame,
    from_frame,
    in_newest_layout,
    without,
)

KEPT = pl.DataFrame(
    [
        {"measure": "n", "place": "all", "printed": True, "gone": 1, "members": [0, 1]},
        {"measure": "n", "place": "kent", "printed": False, "gone": 0, "members": [1]},
        {"measure": NAMES_ROW, "gone": 0, "names": ["old-a", "old-b"]},
        {"measure": AREA_ROW, "place": "kent", "gone": 0, "names": ["kent"]},
    ],
    schema=SCHEMA,
).with_columns(
    count=pl.when("printed").then(pl.lit(10, pl.Int64)),
    figures=pl.when("printed").then(pl.lit('{"tenths": {}}')),
)


def under_the_newest_key(names: pl.Series) -> pl.Series:
    return names.str.replace("old", "new")


def test_who_was_erased_is_not_in_it_and_counts_as_gone() -> None:
    after = without(KEPT, {"new-a", "new-x"}, under_the_newest_key)
    assert after["members"].to_list() == [[1], [1], None, None]
    assert after["names"].to_list() == [None, None, [None, "old-b"], ["kent"]]
    assert after["gone"].to_list() == [2, 0, 0, 0]
    assert without(after, {"new-a"}, under_the_newest_key).equals(after)
    nobody = without(after, {"new-b"}, under_the_newest_key)
    before = from_frame(nobody, under_the_newest_key)
    assert not before.members.of
    assert before.gone == {
        Recorded(Key("n", "all"), True): 3,
        Recorded(Key("n", "kent"), False): 1,
    }


def test_nothing_changes_where_they_were_in_no_group() -> None:
    assert without(KEPT, {"new-x"}, under_the_newest_key).equals(KEPT)


def test_a_name_under_the_older_key_is_nobodys() -> None:
    assert without(KEPT, {"old-a"}, under_the_newest_key).equals(KEPT)


def test_a_frame_says_who_was_where_under_the_newest_key() -> None:
    before = from_frame(KEPT, under_the_newest_key)
    assert before.members.named(Recorded(Key("n", "all"), True)) == ["new-a", "new-b"]
    assert before.members.named(Recorded(Key("n", "kent"), False)) == ["new-b"]
    assert before.areas == {"kent": "kent"}
    again = from_frame(as_frame(before), lambda names: names)
    assert again.members.of.keys() == before.members.of.keys()
    assert all(again.members.named(at) == before.members.named(at) for at in before.members.of)


def test_somebody_in_no_group_any_more_is_not_kept() -> None:
    left = as_frame(from_frame(without(KEPT, {"new-a"}, under_the_newest_key), lambda n: n))
    assert left.filter(measure=NAMES_ROW)["names"].to_list() == [["old-b"]]


def test_a_frame_of_an_earlier_version_is_read_as_one_of_now() -> None:
    earlier = KEPT.filter(pl.col("measure") != NAMES_ROW).with_columns(
        members=pl.Series([["old-a", "old-b"], ["old-b"], ["kent"]])
    )
    read = in_newest_layout(earlier.drop("names"))
    assert read.equals(KEPT)
    assert in_newest_layout(KEPT) is KEPT
