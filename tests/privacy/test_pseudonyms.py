"""Pseudonyms against HMAC by hand, and when two identifiers are one officer."""

import hmac
from hashlib import sha256
from typing import Any

import polars as pl
import pytest

from pipeline.privacy.pseudonyms import Pseudonymiser, normalised_identifier
from pipeline.programme import Identifiers, IdentifierSettings

KEY_1, KEY_2, KEY_3 = b"1" * 32, b"2" * 32, b"3" * 32
PROGRAMME = "supervision"


def pseudonymiser(*keys: bytes, **settings: Any) -> Pseudonymiser:
    return Pseudonymiser(keys or (KEY_1,), PROGRAMME, Identifiers(**settings))


def pseudonyms(made: Pseudonymiser, *people: tuple[str | None, str | None]) -> list[str | None]:
    rows = pl.DataFrame(
        people, schema={"home_force": pl.String, "identifier": pl.String}, orient="row"
    )
    return made.participants(rows).to_list()


def labels(made: Pseudonymiser, column: str, organisation: str, *names: str) -> list[str | None]:
    return made.labels(pl.DataFrame({column: names}), column, organisation).to_list()


def by_hand(*fields: str, key: bytes = KEY_1) -> str:
    message = b"".join(len(field.encode()).to_bytes(4, "big") + field.encode() for field in fields)
    return "v1-" + hmac.new(key, message, sha256).digest()[:10].hex()


def test_a_known_vector() -> None:
    expected = by_hand("participant", PROGRAMME, "kent", "4711")
    assert pseudonyms(pseudonymiser(), ("kent", "4711")) == [expected]
    # The same by `openssl dgst -sha256 -mac HMAC` over the bytes.
    assert expected == "v1-7d168da7a1f95e9bb327"


def test_rotation_is_a_chain_that_needs_no_identifiers() -> None:
    (first,) = pseudonyms(pseudonymiser(KEY_1), ("kent", "4711"))
    (second,) = pseudonyms(pseudonymiser(KEY_1, KEY_2), ("kent", "4711"))
    (third,) = pseudonyms(pseudonymiser(KEY_1, KEY_2, KEY_3), ("kent", "4711"))
    assert first is not None
    assert second == "v2-" + hmac.new(KEY_2, first.encode(), sha256).hexdigest()[:20]
    assert third == "v3-" + hmac.new(KEY_3, second.encode(), sha256).hexdigest()[:20]


def test_what_is_on_record_is_carried_on_to_the_newest_key() -> None:
    (first,) = pseudonyms(pseudonymiser(KEY_1), ("kent", "4711"))
    (second,) = pseudonyms(pseudonymiser(KEY_1, KEY_2), ("kent", "4711"))
    newest = pseudonymiser(KEY_1, KEY_2, KEY_3)
    (third,) = pseudonyms(newest, ("kent", "4711"))
    on_record = pl.Series([third, first, None, second, first])
    assert newest.carried_on(on_record).to_list() == [third, third, None, third, third]
    assert newest.carried_on(on_record.clear()).is_empty()


@pytest.mark.parametrize("other", ["v4-" + "0" * 20, "v0-" + "0" * 20, "v1-" + "0" * 19, "4711"])
def test_what_is_no_pseudonym_of_these_keys_is_refused_unquoted(other: str) -> None:
    with pytest.raises(ValueError, match=r"^no pseudonym of these keys$"):
        pseudonymiser(KEY_1, KEY_2, KEY_3).carried_on(pl.Series([other]))


def test_another_key_programme_force_or_number_is_another_pseudonym() -> None:
    made = {
        *pseudonyms(pseudonymiser(KEY_1), ("kent", "1"), ("essex", "1"), ("kent", "2")),
        *pseudonyms(pseudonymiser(KEY_2), ("kent", "1")),
        *Pseudonymiser((KEY_1,), "other", Identifiers())
        .participants(pl.DataFrame({"home_force": ["kent"], "identifier": ["1"]}))
        .to_list(),
    }
    assert len(made) == 5


def test_no_two_inputs_run_together() -> None:
    one = Pseudonymiser((KEY_1,), "ab", Identifiers())
    two = Pseudonymiser((KEY_1,), "a", Identifiers())
    assert pseudonyms(one, ("c", "d")) != pseudonyms(two, ("bc", "d"))
    assert len(set(pseudonyms(one, ("c1", "23"), ("c", "123"), ("c12", "3")))) == 3


def test_the_same_officer_from_a_force_and_from_a_unit() -> None:
    made = pseudonymiser()
    from_force, from_unit, other = pseudonyms(
        made, ("essex", "PC 12"), ("essex", "pc12"), ("kent", "pc12")
    )
    assert from_force == from_unit != other


@pytest.mark.parametrize(
    "identifier", [None, "", " ", "\t\u00a0", " - ", "PC", "pc -", "0", "PC 000"]
)
def test_who_is_not_named_has_no_pseudonym(identifier: str | None) -> None:
    made = pseudonymiser(default=IdentifierSettings(prefixes=("PC",), strip_leading_zeros=True))
    assert pseudonyms(made, ("kent", identifier), ("kent", "1"))[0] is None


def test_of_an_unknown_force_there_is_no_pseudonym() -> None:
    assert pseudonyms(pseudonymiser(), (None, "4711")) == [None]


def test_order_and_repetition_of_rows_are_kept() -> None:
    made = pseudonymiser()
    a, nobody, b, again = pseudonyms(
        made, ("kent", "b"), ("kent", None), ("kent", "a"), ("kent", "b")
    )
    assert (a, nobody) == (again, None)
    assert pseudonyms(made, ("kent", "a"), ("kent", "b")) == [b, a]


def test_what_was_met_before_comes_out_the_same() -> None:
    made = pseudonymiser()
    once = pseudonyms(made, ("kent", "a"), ("essex", "a"))
    assert pseudonyms(made, ("essex", "a"), ("kent", "a")) == once[::-1]
    assert pseudonyms(pseudonymiser(), ("kent", "a")) == once[:1]


def test_no_rows_no_pseudonyms() -> None:
    assert pseudonyms(pseudonymiser()) == []


def test_neither_keys_nor_officers_are_ever_shown() -> None:
    made = Pseudonymiser((b"Zebedee" * 5,), PROGRAMME, Identifiers())
    pseudonyms(made, ("kent", "Dougal"))
    labels(made, "facilitator", "kent", "Florence")
    for shown in (repr(made), str(made), f"{made}"):
        assert not any(word in shown for word in ("Zebedee", "Dougal", "Florence", "dougal"))


@pytest.mark.parametrize(
    ("spelling", "same"),
    [
        ("ab 12", "AB12"),
        ("a-b_1/2.", "AB12"),
        ("\uff21\uff22\uff11\uff12", "ab12"),
        ("\u00a0AB\u200912", "ab12"),
        ("STRASSE", "straße"),
        ("\u212a1", "k1"),
        ("e\u0301", "\u00e9"),
        ("\u200b47\u00ad11", "4711"),
        ("47\u201311", "4711"),
        ("4711.0", "4711"),
        (" 4711.00 ", "4711"),
        ("\u0410\u0412\u0421 \u0665", "ABC5"),  # Cyrillic letters, an Arabic digit
        ("\u0391\u0392\u039f7", "abo7"),  # Greek letters
    ],
)
def test_spellings_of_one_identifier(spelling: str, same: str) -> None:
    plain = IdentifierSettings()
    assert normalised_identifier(spelling, plain) == normalised_identifier(same, plain)


def test_a_number_saved_as_a_decimal_is_no_other_officer() -> None:
    plain = IdentifierSettings()
    assert normalised_identifier("4711.0", plain) != normalised_identifier("47110", plain)


@pytest.mark.parametrize(
    ("identifier", "prefixes", "strip", "expected"),
    [
        ("PC 0123", ("PC",), False, "0123"),
        ("PC 0123", ("PC",), True, "123"),
        ("0123", (), False, "0123"),
        ("collar no. 123", ("Collar No.",), False, "123"),
        ("123PC", ("PC",), False, "123pc"),
        ("PS 9", ("PC", "PS"), False, "9"),
        ("100", (), True, "100"),
        ("PC 9", (), False, "pc9"),
        ("9", ("",), False, "9"),
    ],
)
def test_prefixes_and_leading_zeros_are_settings(
    identifier: str, prefixes: tuple[str, ...], strip: bool, expected: str
) -> None:
    settings = IdentifierSettings(prefixes=prefixes, strip_leading_zeros=strip)
    assert normalised_identifier(identifier, settings) == expected


def test_settings_of_one_force_do_not_touch_another() -> None:
    made = pseudonymiser(forces={"kent": IdentifierSettings(strip_leading_zeros=True)})
    kent = pseudonyms(made, ("kent", "007"), ("kent", "7"))
    essex = pseudonyms(made, ("essex", "007"), ("essex", "7"))
    assert kent[0] == kent[1]
    assert essex[0] != essex[1]


def test_groups_and_facilitators_of_one_organisation() -> None:
    made = pseudonymiser()
    first, again, other = labels(made, "session_group", "kent", "Group 1", "group-1", "Group 2")
    assert first == again == by_hand("session_group", PROGRAMME, "kent", "group1")
    assert other != first
    assert labels(made, "session_group", "essex", "Group 1") != [first]
    assert labels(made, "facilitator", "kent", "Group 1") != [first]


def test_a_group_is_no_officer() -> None:
    made = pseudonymiser()
    (group,) = labels(made, "session_group", "kent", "1")
    assert pseudonyms(made, ("kent", "1")) != [group]


def test_a_missing_group_has_no_pseudonym() -> None:
    rows = pl.DataFrame({"session_group": [None, "", " - ", "a"]})
    made = pseudonymiser().labels(rows, "session_group", "kent").to_list()
    assert made[:3] == [None, None, None]
    assert made[3] is not None


@pytest.mark.parametrize("lost", ["1.2E+06", "1,2e+6", " 4E+15 ", "-1.2E+06"])
def test_a_number_that_lost_its_digits_is_nobodys(lost: str) -> None:
    assert normalised_identifier(lost, IdentifierSettings()) == ""


@pytest.mark.parametrize("kept", ["12E34", "1E5", "PC1.2E+06", "E+06"])
def test_numbers_with_an_e_in_them_stay(kept: str) -> None:
    assert normalised_identifier(kept, IdentifierSettings()) != ""
