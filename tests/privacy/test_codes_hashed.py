"""Codes as pseudonyms: by hand, in which spellings they are one, and through rotated keys."""

import hmac
from hashlib import sha256

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.privacy.pseudonyms import Pseudonymiser, normalised_element
from pipeline.programme import Identifiers

KEY_1, KEY_2 = b"1" * 32, b"2" * 32
ELEMENTS = ["birthday", "mother", "school", "town"]
CODE = ["7", "An", "St", "Le"]


def coded(
    *codes: list[str | None],
    keys: tuple[bytes, ...] = (KEY_1,),
    force: str = "kent",
    at: str = "baseline",
) -> tuple[list[str | None], list[list[str | None]]]:
    rows = pl.DataFrame(
        {"home_force": force, "code": list(codes), "occasion": at},
        {"home_force": pl.String, "code": pl.List(pl.String), "occasion": pl.String},
    )
    whole, hashes = Pseudonymiser(keys, "supervision", Identifiers()).coded(rows, ELEMENTS)
    return whole.to_list(), hashes.to_list()


def by_hand(*fields: str) -> str:
    message = b"".join(len(field.encode()).to_bytes(4, "big") + field.encode() for field in fields)
    return "v1-" + hmac.new(KEY_1, message, sha256).hexdigest()[:20]


def test_known_vectors() -> None:
    (whole,), (hashes,) = coded(CODE)
    spelt = ["7", "an", "st", "le"]
    both = [part for pair in zip(ELEMENTS, spelt, strict=True) for part in pair]
    assert whole == by_hand("code", "supervision", "kent", *both, "complete")
    assert hashes == [
        by_hand("code element", "supervision", "kent", element, value)
        for element, value in zip(ELEMENTS, spelt, strict=True)
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("7", "07"),
        ("7", "7.0"),
        ("0", "00"),
        ("An", " aN "),
        ("É", "e"),
        ("St", "s-t"),
        ("ﬁ", "fi"),
    ],
)
def test_spellings_of_one_element(one: str, other: str) -> None:
    assert normalised_element(one) == normalised_element(other) != ""


def test_nothing_is_left_of_punctuation() -> None:
    assert normalised_element(" -. ") == ""


def test_a_code_that_lacks_an_element_is_nobody_elses_on_another_occasion() -> None:
    lacking = ["7", None, "St", "Le"]
    (baseline,), (hashes,) = coded(lacking)
    (again,), _ = coded(lacking)
    (later,), _ = coded(lacking, at="session_5")
    (whole,), _ = coded(CODE)
    assert baseline == again
    assert len({baseline, later, whole}) == 3
    assert hashes[1] is None
    assert None not in [hashes[0], *hashes[2:]]


def test_a_code_that_lacks_two_names_nobody() -> None:
    assert coded(["7", None, "St", " - "])[0] == [None]


def test_a_force_and_an_element_have_their_own_hashes() -> None:
    assert not {*coded(CODE)[1][0]} & {*coded(CODE, force="essex")[1][0]}
    (_, hashes) = coded(["a", "a", "a", "a"])
    assert len({*hashes[0]}) == 4


def test_rotation_carries_codes_and_elements_on() -> None:
    (old,), (hashes,) = coded(CODE)
    (new,), (rotated,) = coded(CODE, keys=(KEY_1, KEY_2))
    newest = Pseudonymiser((KEY_1, KEY_2), "supervision", Identifiers())
    assert newest.carried_on(pl.Series([old, *hashes])).to_list() == [new, *rotated]


def test_rows_without_a_code_or_a_force_name_nobody() -> None:
    rows = pl.DataFrame(
        {"home_force": ["kent", None], "code": [None, CODE], "occasion": ["baseline", "baseline"]},
        {"home_force": pl.String, "code": pl.List(pl.String), "occasion": pl.String},
    )
    whole, hashes = Pseudonymiser((KEY_1,), "supervision", Identifiers()).coded(rows, ELEMENTS)
    assert whole.to_list() == [None, None]
    assert hashes.to_list() == [None, None]


@given(
    st.lists(st.text("ab", min_size=1, max_size=3), min_size=4, max_size=4),
    st.permutations(range(4)),
)
def test_no_two_codes_run_together(code: list[str], order: list[int]) -> None:
    other = [code[place] for place in order]
    (one, two), _ = coded(code, other)
    assert (one == two) == (code == other)
