"""Whatever somebody writes into a mapping: it is taken, or refused in one sentence with a line."""

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline import reference
from pipeline.programme import UnusableConfiguration, parse_programme
from pipeline.reading.mapping import FIELDS, Mapping, parse_mapping
from pipeline.vocabulary import Kind

PROGRAMME = parse_programme(reference.example_programme().replace("[proqol5]", "[proqol5, phq4]"))
WORDS = st.sampled_from(
    [
        *("", "x", "{item}", "Q{item}_{wave}", "{letter}", "{", "#0", "#3", "%d/%m/%Y", "*.csv"),
        *("baseline", "phq4", "numeric", "labels", "essex", "2026-01-05", "-99", "true", "null"),
        *(kind.value for kind in Kind),
        *(field for fields in FIELDS.values() for field in fields),
    ]
)
VALUES = st.recursive(
    WORDS | st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
SOUND: dict[str, Any] = {
    "organisation": "cumbria",
    "source": "phq",
    "kind": "questionnaire",
    "files": "*",
    "participant": "number",
    "wave": {"constant": "baseline"},
    "instruments": {"phq4": {"columns": "Q{item}"}},
}
TEXT = yaml.safe_dump(SOUND)


def taken_or_refused(text: str) -> Mapping | None:
    try:
        return parse_mapping(text, "m.yaml", PROGRAMME)
    except UnusableConfiguration as refusal:
        sentence = str(refusal)
    beginning, _, problem = sentence.partition(": ")
    line = int(beginning.removeprefix("m.yaml line "))
    assert 1 <= line <= max(len(text.splitlines()), 1)
    assert problem
    assert sentence.endswith(".")
    assert sentence == " ".join(sentence.split())
    return None


@given(
    entries=st.dictionaries(
        st.sampled_from([*Mapping.model_fields, "fils"]), VALUES, min_size=1, max_size=3
    )
)
def test_any_value_of_any_field(entries: dict[str, Any]) -> None:
    taken_or_refused(yaml.safe_dump({**SOUND, **entries}, sort_keys=False, allow_unicode=True))


@given(part=st.sampled_from(["wave", "phq4"]), entries=st.dictionaries(WORDS, VALUES, max_size=3))
def test_any_value_within_a_field(part: str, entries: dict[str, Any]) -> None:
    said = {**SOUND, **({"wave": entries} if part == "wave" else {"instruments": {part: entries}})}
    taken_or_refused(yaml.safe_dump(said, sort_keys=False, allow_unicode=True))


@given(
    place=st.integers(0, len(TEXT)),
    cut=st.integers(0, 5),
    put=st.text(st.sampled_from("{}[]:,#&*!|>'\"%@`-? \n\t\0ab\u00a0\ufeff\u2028"), max_size=4)
    | st.text(max_size=3),
)
def test_any_slip_of_the_hand(place: int, cut: int, put: str) -> None:
    taken_or_refused(TEXT[:place] + put + TEXT[place + cut :])


@given(text=st.text())
def test_any_text(text: str) -> None:
    assert taken_or_refused(text) is None
