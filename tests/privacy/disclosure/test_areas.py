"""Which organisations stand alone, which as `others`, and when there are no areas."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.privacy.disclosure.areas import OTHERS, areas
from pipeline.privacy.disclosure.rules import RULES


def test_small_organisations_are_pooled() -> None:
    found = areas({"a": 50, "b": 20, "c": 15}, RULES)
    assert found == {"a": "a", "b": OTHERS, "c": OTHERS}


def test_one_small_organisation_takes_the_smallest_other_with_it() -> None:
    found = areas({"a": 50, "b": 40, "c": 15}, RULES)
    assert found == {"a": "a", "b": OTHERS, "c": OTHERS}


def test_none_of_the_others_is_over_four_fifths_of_them() -> None:
    # 60 of 63 would be 95%; with 61 as well none is.
    found = areas({"a": 90, "b": 61, "c": 60, "d": 3}, RULES)
    assert found == {"a": "a", "b": OTHERS, "c": OTHERS, "d": OTHERS}


def test_no_areas_where_only_one_would_be_left() -> None:
    assert areas({"a": 50}, RULES) is None
    assert areas({"a": 50, "b": 20}, RULES) is None
    assert areas({"a": 12, "b": 20}, RULES) is None
    assert areas({}, RULES) is None


def test_who_stood_in_others_stays_there() -> None:
    grown = {"a": 50, "b": 45, "c": 40}
    assert areas(grown, RULES) == {"a": "a", "b": "b", "c": "c"}
    found = areas(grown, RULES, {"a": "a", "b": OTHERS, "c": OTHERS})
    assert found == {"a": "a", "b": OTHERS, "c": OTHERS}


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 90)))
def test_every_area_is_large_and_others_are_mixed(enrolled: dict[str, int]) -> None:
    found = areas(enrolled, RULES)
    if found is None:
        return
    assert found.keys() == enrolled.keys()
    for area in set(found.values()):
        sizes = [n for name, n in enrolled.items() if found[name] == area]
        assert sum(sizes) >= RULES.fewest_enrolled
        if area == OTHERS:
            assert len(sizes) >= 2
            assert max(sizes) <= 0.8 * sum(sizes)
