"""The published JSON Schema: up to date, sound, and of one mind with the model."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pipeline.reading.mapping import FACTS_BESIDE_A_CODE, FIELDS
from pipeline.reading.mapping_schema import SCHEMA_FILE, SCHEMA_LINE, mapping_schema
from pipeline.simulation import simulate
from pipeline.simulation.plan import Layout, SimulationPlan
from pipeline.vocabulary import Kind

ROOT = Path(__file__).parents[2]
WRITTEN = ROOT / "docs" / SCHEMA_FILE
VALIDATOR = jsonschema.Draft202012Validator(json.loads(mapping_schema()))
QUESTIONNAIRE: dict[str, Any] = {
    "organisation": "cumbria",
    "source": "phq",
    "kind": "questionnaire",
    "files": "phq*.csv",
    "participant": "number",
    "wave": {"constant": "baseline"},
    "instruments": {"phq4": {"columns": "Q{item}"}},
}
DEPARTURES: dict[str, Any] = {
    "organisation": "cumbria",
    "source": "leavers",
    "kind": "departures",
    "files": "leavers*",
    "participant": "number",
    "columns": {"departed_on": "Left", "departure_kind": "Why"},
}


class AsEditorsSee(yaml.SafeLoader):
    """YAML as editors take it: days, and words such as Yes, are text."""


AsEditorsSee.yaml_implicit_resolvers = {
    sign: [
        (tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":bool"))
    ]
    for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def accepted(text: str) -> bool:
    said = yaml.load(text, Loader=AsEditorsSee)
    return bool(VALIDATOR.is_valid(json.loads(json.dumps(said))))


def test_the_written_schema_is_up_to_date() -> None:
    assert WRITTEN.read_text("utf-8") == mapping_schema(), "run `make docs`"


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(mapping_schema()))


def test_every_field_says_what_it_is_for() -> None:
    schema = json.loads(mapping_schema())
    for name, model in {"Mapping": schema, **schema["$defs"]}.items():
        for field, about in model.get("properties", {}).items():
            assert about.get("description"), f"{name}.{field}"


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*/sources/*/*.yaml")), ids=str)
def test_the_schema_accepts_the_examples_and_they_point_to_it(path: Path) -> None:
    text = path.read_text("utf-8")
    assert accepted(text)
    place = text.splitlines()[0].partition("$schema=")[2]
    assert (path.parent / place).resolve() == WRITTEN


@pytest.mark.parametrize("layout", Layout)
def test_the_schema_accepts_every_mapping_that_the_simulation_writes(layout: Layout) -> None:
    plan = SimulationPlan(
        as_of=date(2026, 6, 30), organisations=5, participants=50, seed=1, layouts=(layout,)
    )
    mappings = [
        file.content.decode() for file in simulate(plan) if file.path.match("sources/*/*.yaml")
    ]
    assert len(mappings) >= 5
    assert all(accepted(text) for text in mappings)


@pytest.mark.parametrize(
    "more",
    [
        {"participant": ["force", "number"], "missing": [-99, "NA"], "missing_in": {"Q*": [999]}},
        {"instruments": {"phq4": {"columns": "#{item}", "first": 4, "reversed": True}}},
        {"instruments": {"phq4": {"columns": ["a", "b", "c", "d"], "coding": "labels"}}},
        {"home_force": {"column": "Force", "values": {"A": "essex"}}},
        {
            "wave": {"windows": {"baseline": {"from": "2026-01-05", "to": "2026-02-01"}}},
            "columns": {"completed_on": 6},
        },
    ],
)
def test_what_else_the_schema_accepts(more: dict[str, Any]) -> None:
    assert VALIDATOR.is_valid({**QUESTIONNAIRE, **more})


@pytest.mark.parametrize(
    "slip",
    [
        {**QUESTIONNAIRE, "fils": "x"},
        {**QUESTIONNAIRE, "kind": "survey"},
        {**QUESTIONNAIRE, "platform": "Qualtrics"},
        {**QUESTIONNAIRE, "source": "Phq 9"},
        {**QUESTIONNAIRE, "participant": []},
        {**QUESTIONNAIRE, "columns": {"rank": "Grade"}},
        {**QUESTIONNAIRE, "instruments": {"phq4": {"column": "Q{item}"}}},
        {**QUESTIONNAIRE, "instruments": {"phq4": {"columns": "Q{item}", "offset": "one"}}},
        {**QUESTIONNAIRE, "wave": {"windows": {"baseline": {"from": "2026-01-05"}}}},
        {name: said for name, said in QUESTIONNAIRE.items() if name != "files"},
        {name: said for name, said in QUESTIONNAIRE.items() if name != "wave"},
        {**DEPARTURES, "columns": {"departed_on": "Left"}},
    ],
)
def test_what_editors_mark(slip: dict[str, Any]) -> None:
    assert VALIDATOR.is_valid(QUESTIONNAIRE)
    assert VALIDATOR.is_valid(DEPARTURES)
    assert not VALIDATOR.is_valid(slip)


def test_a_register_may_be_wide_instead() -> None:
    said = {**DEPARTURES, "kind": "attendance"}
    assert not VALIDATOR.is_valid({**said, "columns": {"attended": "Came"}})
    assert VALIDATOR.is_valid({**said, "columns": {}, "sessions": {"columns": "S {session}"}})
    assert VALIDATOR.is_valid({**said, "columns": {}, "sessions": {"columns": {"1": "First"}}})


def test_each_kind_is_completed_with_its_own_fields() -> None:
    for part in json.loads(mapping_schema())["allOf"]:
        kind = part["if"]["properties"]["kind"]["const"]
        facts = FACTS_BESIDE_A_CODE if kind == Kind.QUESTIONNAIRE else ()
        named = tuple(part["then"]["properties"]["columns"]["properties"])
        assert named == (*FIELDS[kind], *facts)


def test_an_officer_is_known_by_a_number_or_by_a_code() -> None:
    coded = {name: said for name, said in QUESTIONNAIRE.items() if name != "participant"}
    assert not VALIDATOR.is_valid(coded)
    coded["code"] = {"mother": "Mother", "birthday": "Day", "school": 7, "eyes": "Eyes"}
    assert VALIDATOR.is_valid(coded)
    assert VALIDATOR.is_valid({**coded, "columns": {"rank": "Grade"}})
    assert not VALIDATOR.is_valid({**coded, "participant": "number"})


def test_the_line_in_a_mapping_leads_to_the_schema_of_the_home_folder() -> None:
    assert SCHEMA_LINE.endswith(f"$schema=../{SCHEMA_FILE}")
