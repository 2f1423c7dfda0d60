"""What a mapping may say; what it may not is in `test_broken_mappings.py`."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
import yaml
from pydantic import BaseModel, ValidationError, model_validator

from pipeline.programme import Programme, UnusableConfiguration
from pipeline.reading.mapping import FIELDS, REQUIRED, Answers, Mapping, parse_mapping
from pipeline.vocabulary import Delivery, Kind, Platform
from pipeline.written import Written

NAME = "sources/cumbria/phq.yaml"
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "mappings.md"
QUESTIONNAIRE: dict[str, Any] = {
    "organisation": "cumbria",
    "source": "phq",
    "kind": "questionnaire",
    "files": "phq*.csv",
    "participant": "number",
    "wave": {"constant": "baseline"},
    "instruments": {"phq4": {"columns": "Q1_{item}"}},
}
WIDE: dict[str, Any] = {
    **QUESTIONNAIRE,
    "wave": {"suffixes": {"pre": "baseline", "post": "session_10"}},
    "instruments": {"phq4": {"columns": "Q1_{item}_{wave}"}},
}
ROSTER: dict[str, Any] = {
    "organisation": "cumbria",
    "source": "roster",
    "kind": "roster",
    "files": "roster*",
    "participant": "number",
}
ATTENDANCE: dict[str, Any] = {
    **ROSTER,
    "kind": "attendance",
    "columns": {"session_number": "no", "attended": "came"},
}


def as_text(said: dict[str, Any]) -> str:
    return yaml.safe_dump(said, sort_keys=False)


def refusal(text: str, programme: Programme) -> str:
    with pytest.raises(UnusableConfiguration) as refused:
        parse_mapping(text, NAME, programme)
    sentence = str(refused.value)
    assert sentence.startswith(NAME)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_what_a_mapping_need_not_say(mapped: Callable[[str], Mapping]) -> None:
    mapping = mapped(as_text(QUESTIONNAIRE))
    assert mapping.platform == Platform.CSV
    assert mapping.delivery == Delivery.CUMULATIVE
    assert mapping.date_format == "%Y-%m-%d"
    assert mapping.sheet is None
    assert mapping.missing == ("", "NA")
    assert mapping.consent is None


@pytest.mark.parametrize("said", [QUESTIONNAIRE, WIDE, ROSTER, ATTENDANCE])
def test_sound_mappings_are_taken(said: dict[str, Any], mapped: Callable[[str], Mapping]) -> None:
    assert mapped(as_text(said)).kind == said["kind"]


@pytest.mark.parametrize("home_force", ["essex", {"column": "Force", "values": {"E": "essex"}}])
def test_a_unit_says_whose_its_officers_are(
    home_force: object, mapped: Callable[[str], Mapping]
) -> None:
    said = {**ROSTER, "organisation": "essex-vru", "home_force": home_force}
    assert mapped(as_text(said)).home_force is not None


@pytest.mark.parametrize("text", ["", "# nothing\n", "just words", "- 1\n- 2\n", "4711"])
def test_a_file_that_is_no_mapping(text: str, programme: Programme) -> None:
    assert refusal(text, programme).startswith(f"{NAME} line 1: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [("source: a\nfiles: [b\nkind: c\n", 2), ("source: 'a\n", 1), ("a: b\n\tc: d\n", 2)],
)
def test_text_that_is_no_yaml_names_the_line(text: str, line: int, programme: Programme) -> None:
    sentence = refusal(text, programme)
    assert sentence.startswith(f"{NAME} line {line}: this is not valid YAML")


def test_a_sentence_hides_the_chain_of_errors(programme: Programme) -> None:
    with pytest.raises(UnusableConfiguration) as refused:
        parse_mapping("kind: Zebedee", NAME, programme)
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    ("pattern", "name", "takes_in"),
    [
        ("phq*.csv", "phq 2026-01.csv", True),
        ("phq*.csv", "PHQ_January.CSV", True),
        ("PHQ*.CSV", "phq.csv", True),
        ("phq*.csv", "my phq.csv", False),
        ("phq*.csv", "phq.csv.bak", False),
        ("wave_[0-9].xlsx", "wave_3.xlsx", True),
        ("wave_[0-9].xlsx", "wave_x.xlsx", False),
        ("wave_?.xlsx", "wave_10.xlsx", False),
        ("*", "", True),
    ],
)
def test_which_files_a_mapping_takes_in(
    pattern: str, name: str, takes_in: bool, mapped: Callable[[str], Mapping]
) -> None:
    assert mapped(as_text({**ROSTER, "files": pattern})).takes_in(name) is takes_in


def test_each_kind_has_fields_and_needs_some_of_them() -> None:
    assert set(FIELDS) == set(REQUIRED) == set(Kind)
    for kind, needed in REQUIRED.items():
        assert set(needed) <= set(FIELDS[kind])


def test_the_example_of_the_documentation_for_registers(mapped: Callable[[str], Mapping]) -> None:
    mapping = mapped(
        """
organisation: cumbria
source: roster
kind: roster
files: "roster*.xlsx"
participant: Collar no
columns: {session_group: Group, facilitator: Facilitator, rank: Rank, enrolled_on: Joined}
values:
  rank: {T/DS: sergeant}
date_format: "%d/%m/%Y"
"""
    )
    assert mapping.values["rank"] == {"T/DS": "sergeant"}


def test_every_mapping_in_the_documentation_is_sound(programme: Programme) -> None:
    text = DOCUMENTATION.read_text("utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= 4
    for block in blocks:
        assert parse_mapping(block, "docs.yaml", programme).organisation == "cumbria"


def test_every_way_in_the_tables_of_the_documentation_is_one(programme: Programme) -> None:
    text = DOCUMENTATION.read_text("utf-8")
    waves = re.findall(r"^\| `(\{.*\})` \|", text, re.MULTILINE)
    assert len(waves) == 3
    for wave in waves:
        columns = '"Q{item}_{wave}"' if "suffixes" in wave else '"Q{item}"'
        mapping = {**QUESTIONNAIRE, "wave": yaml.safe_load(wave)}
        mapping["instruments"] = {"phq4": {"columns": yaml.safe_load(columns)}}
        assert parse_mapping(as_text(mapping), NAME, programme).wave is not None
    listed = text.partition("| `columns:` | reads |")[2].partition("\n\n")[0]
    ways = re.findall(r"^\| `(.*?)`(?: with `(.*?)`)? \| (.*) \|$", listed, re.MULTILINE)
    read = {}
    for way, more, told in ways:
        answers = {"columns": yaml.safe_load(way), **yaml.safe_load(more or "{}")}
        wave = {"suffixes": {"pre": "baseline"}} if "{wave}" in way else {"constant": "baseline"}
        mapping = {**QUESTIONNAIRE, "wave": wave, "instruments": {"phq4": answers}}
        made = parse_mapping(as_text(mapping), NAME, programme).instruments["phq4"]
        read[way] = made.item_columns(4)
        for named in re.findall(r"`(\w+)`", told):
            assert named in read[way]
    assert len(read) == 6
    assert read['"#{item}"'] == ["#6", "#7", "#8", "#9"]
    assert read["[Q7, Q9, Q8, mood]"] == ["Q7", "Q9", "Q8", "mood"]


class Checked(BaseModel):
    columns: dict[str, str] = {}

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        raise ValueError("columns: one is too many")


def test_a_check_that_names_its_field_is_told_with_the_line_of_it() -> None:
    written = Written.of("# a remark\nfiles: x\ncolumns: {a: b}\n", NAME)
    with pytest.raises(ValidationError) as refused:
        Checked.model_validate({"columns": {"a": "b"}})
    told = str(written.refused(refused.value, Checked))
    assert told == f"{NAME} line 3: columns: one is too many."


def test_items_with_zeros_in_front_have_as_many_digits_as_the_pattern_says() -> None:
    columns = Answers(columns="Q{item:02}").item_columns(10)
    assert columns == [*(f"Q0{place}" for place in range(1, 10)), "Q10"]
    assert Answers(columns="S{item:03}", first=99).item_columns(2) == ["S099", "S100"]


@pytest.mark.parametrize("pattern", ["Q{item:2}", "Q{item:01}", "Q{item:0}"])
def test_another_way_to_say_digits_is_no_item(pattern: str) -> None:
    with pytest.raises(ValueError, match="is needed where the item number stands"):
        Answers(columns=pattern)
