"""What a mapping may say, and the sentence for each thing that it may not."""

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.programme import Programme, UnusableConfiguration
from pipeline.reading.mapping import FIELDS, REQUIRED, Mapping, parse_mapping
from pipeline.vocabulary import Delivery, Kind, Platform

NAME = "sources/cumbria/phq.yaml"
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


def changed(base: dict[str, Any], *path: str, to: object) -> dict[str, Any]:
    """The mapping with the entry at `path` set; None takes it away."""
    made = copy.deepcopy(base)
    inner = made
    for part in path[:-1]:
        inner = inner.setdefault(part, {})
    if to is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return made


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


def line_of(text: str, word: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if word in line)


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


@pytest.mark.parametrize(
    ("said", "word", "problem"),
    [
        (
            changed(QUESTIONNAIRE, "fils", to="x"),
            "fils",
            "there is no such field; check its spelling",
        ),
        (changed(QUESTIONNAIRE, "source", to="Phq 9"), "source", "should match pattern"),
        (changed(QUESTIONNAIRE, "source", to="a--b"), "source", "should match pattern"),
        (changed(QUESTIONNAIRE, "kind", to="survey"), "kind", "'questionnaire', 'roster'"),
        (changed(QUESTIONNAIRE, "platform", to="fax"), "platform", "'qualtrics'"),
        (changed(QUESTIONNAIRE, "delivery", to="daily"), "delivery", "'incremental'"),
        (changed(QUESTIONNAIRE, "missing", to=[-99]), "-99", "should be a valid string"),
        (changed(QUESTIONNAIRE, "consent", "column", to="C"), "consent", "field required"),
        (changed(QUESTIONNAIRE, "wave", to={}), "wave", "exactly one of `constant`, `column`"),
        (
            changed(QUESTIONNAIRE, "wave", to={"constant": "baseline", "column": "W"}),
            "wave",
            "exactly one of",
        ),
        (
            changed(WIDE, "wave", to={"suffixes": {"pre": "baseline", "early": "baseline"}}),
            "wave",
            "two suffixes stand for one wave",
        ),
        (
            changed(QUESTIONNAIRE, "instruments", "phq4", "columns", to="Q1"),
            "phq4",
            "needs {item} where the item number stands",
        ),
        (
            changed(QUESTIONNAIRE, "instruments", "phq4", "coding", to="words"),
            "coding",
            "'numeric' or 'labels'",
        ),
        (
            changed(QUESTIONNAIRE, "instruments", "phq4", "offset", to="one"),
            "offset",
            "valid integer",
        ),
        (
            changed(QUESTIONNAIRE, "instruments", "phq4", "labels", to={"never": "none"}),
            "never",
            "valid integer",
        ),
    ],
)
def test_a_problem_of_one_entry_names_file_line_and_remedy(
    said: dict[str, Any], word: str, problem: str, programme: Programme
) -> None:
    text = as_text(said)
    sentence = refusal(text, programme)
    assert sentence.startswith(f"{NAME} line {line_of(text, word)}: ")
    assert problem in sentence


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (changed(QUESTIONNAIRE, "participant", to=None), "participant: field required"),
        (changed(QUESTIONNAIRE, "files", to=None), "files: field required"),
        (
            changed(QUESTIONNAIRE, "columns", to={"rank": "R"}),
            "columns: rank is not a field of kind questionnaire; it has arm, gender",
        ),
        (changed(ROSTER, "columns", to={"completed_on": "D"}), "is not a field of kind roster"),
        (changed(ROSTER, "values", to={"rank": {"T/DS": "sergeant"}}), "values: rank is not among"),
        (
            changed(
                changed(ROSTER, "columns", to={"rank": "R"}),
                "values",
                to={"rank": {"T/DS": "sargeant"}},
            ),
            "values: rank cannot mean sargeant",
        ),
        (changed(ROSTER, "date_format", to="dd/mm/yyyy"), "write it with percent signs"),
        (changed(ROSTER, "source", to="unmapped"), "`unmapped` is what files without a mapping"),
        (changed(ATTENDANCE, "columns", "attended", to=None), "kind attendance needs attended"),
        (changed(ATTENDANCE, "columns", to=None), "kind attendance needs session_number"),
        (changed(ROSTER, "kind", to="departures"), "kind departures needs departed_on"),
        (
            changed(QUESTIONNAIRE, "instruments", to=None),
            "a questionnaire names at least one, other kinds none",
        ),
        (
            changed(ROSTER, "instruments", to={"phq4": {"columns": "Q{item}"}}),
            "a questionnaire names at least one, other kinds none",
        ),
        (changed(QUESTIONNAIRE, "wave", to=None), "a questionnaire says where its wave is found"),
        (changed(ROSTER, "wave", to={"constant": "baseline"}), "other kinds not"),
        (
            changed(QUESTIONNAIRE, "instruments", "phq4", "columns", to="Q{item}{wave}"),
            "instruments.phq4: {wave} stands in `columns` exactly when `wave` gives `suffixes`",
        ),
        (
            changed(WIDE, "instruments", "phq4", "columns", to="Q{item}"),
            "instruments.phq4: {wave} stands in `columns` exactly when",
        ),
    ],
)
def test_a_problem_of_the_whole_names_file_and_line(
    said: dict[str, Any], problem: str, programme: Programme
) -> None:
    sentence = refusal(as_text(said), programme)
    assert sentence.startswith(f"{NAME} line 1: ")
    assert problem in sentence


@pytest.mark.parametrize(
    ("said", "word", "problem"),
    [
        (
            changed(ROSTER, "organisation", to="narnia"),
            "organisation",
            "narnia is neither in the reference list",
        ),
        (
            changed(QUESTIONNAIRE, "instruments", to={"pss10": {"columns": "Q{item}"}}),
            "pss10",
            "pss10 is not one that the programme file declares",
        ),
        (
            changed(QUESTIONNAIRE, "wave", to={"constant": "week_9"}),
            "wave",
            "week_9 is not one that the programme file declares",
        ),
        (
            changed(QUESTIONNAIRE, "wave", to={"column": "W", "values": {"Start": "week_9"}}),
            "wave",
            "week_9 is not one that the programme file declares",
        ),
        (
            changed(WIDE, "wave", to={"suffixes": {"pre": "week_9"}}),
            "wave",
            "week_9 is not one that the programme file declares",
        ),
        (
            changed(ROSTER, "home_force", to="cumbira"),
            "home_force",
            "home_force: cumbira is not a force that is known",
        ),
        (
            changed(ROSTER, "home_force", to={"column": "F", "values": {"A": "essex-vru"}}),
            "home_force",
            "home_force: essex-vru is not a force that is known",
        ),
        (
            changed(ROSTER, "organisation", to="essex-vru"),
            "organisation",
            "home_force: a violence reduction unit's source says which force",
        ),
    ],
)
def test_what_the_programme_does_not_know(
    said: dict[str, Any], word: str, problem: str, programme: Programme
) -> None:
    text = as_text(said)
    sentence = refusal(text, programme)
    assert sentence.startswith(f"{NAME} line {line_of(text, word)}: ")
    assert problem in sentence


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
    [("source: a\nfiles: [b\nkind: c\n", 3), ("source: 'a\n", 1), ("a: b\n\tc: d\n", 2)],
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
    text = (Path(__file__).parents[2] / "docs" / "mappings.md").read_text("utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        adapted = block.replace("proqol5:", "phq4:")
        assert parse_mapping(adapted, "docs.yaml", programme).organisation == "cumbria"
