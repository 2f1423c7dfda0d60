"""Equal identifiers, once normalised, have equal pseudonyms, and unequal ones have not."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.privacy.pseudonyms import Pseudonymiser, normalised_identifier
from pipeline.programme import Identifiers, IdentifierSettings

forces = st.sampled_from(["kent", "kent-vru", "essex"])
# Few characters, so that unequal spellings of one identifier are met often.
identifiers = st.text(alphabet="01aA -_/.\u00a0\uff11\uff21\u00df", max_size=5) | st.text(
    max_size=6
)
settings_of_a_force = st.builds(
    IdentifierSettings,
    prefixes=st.sampled_from([(), ("A",), ("a1", "0")]),
    strip_leading_zeros=st.booleans(),
)
drawn = settings(deadline=None, max_examples=100)


def pseudonyms(
    people: list[tuple[str, str]], rules: IdentifierSettings, *keys: bytes
) -> list[str | None]:
    made = Pseudonymiser(keys or (b"k" * 32,), "test", Identifiers(default=rules))
    rows = pl.DataFrame(people, schema=["home_force", "identifier"], orient="row")
    return made.participants(rows).to_list()


@drawn
@given(
    st.lists(st.tuples(forces, identifiers), min_size=1, max_size=8),
    settings_of_a_force,
    st.integers(1, 3),
)
def test_equal_once_normalised_is_equal_as_pseudonym(
    people: list[tuple[str, str]], rules: IdentifierSettings, versions: int
) -> None:
    keys = [bytes([version]) * 32 for version in range(versions)]
    made = pseudonyms(people, rules, *keys)
    normalised = [(force, normalised_identifier(number, rules)) for force, number in people]
    for one, (force, number) in enumerate(normalised):
        assert (made[one] is None) == (number == "")
        for other in range(one):
            if number and normalised[other][1]:
                same = (force, number) == normalised[other]
                assert (made[one] == made[other]) is same


@drawn
@given(identifiers, settings_of_a_force)
def test_a_pseudonym_shows_its_key_version_and_nothing_of_the_officer(
    identifier: str, rules: IdentifierSettings
) -> None:
    (made,) = pseudonyms([("kent", identifier)], rules)
    assert made is None or (made.startswith("v1-") and len(made) == 23)
    assert made is None or set(made[3:]) <= set("0123456789abcdef")
