"""The published JSON Schema of programme files: up to date, sound, and as the model has it."""

import json
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pipeline import reference
from pipeline.programme import parse_programme
from pipeline.programme_schema import (
    PROGRAMME_SCHEMA_FILE,
    PROGRAMME_SCHEMA_LINE,
    programme_schema,
)
from pipeline.simulation import SimulationPlan, simulate

ROOT = Path(__file__).parents[1]
WRITTEN = ROOT / "docs" / PROGRAMME_SCHEMA_FILE
VALIDATOR = jsonschema.Draft202012Validator(json.loads(programme_schema()))
EXAMPLES = [
    *sorted((ROOT / "examples").glob("*/programme.yaml")),
    *sorted((ROOT / "tests" / "scenarios").rglob("programme.yaml")),
]


class AsEditorsSee(yaml.SafeLoader):
    """YAML as editors take it: days are text."""


AsEditorsSee.yaml_implicit_resolvers = {
    sign: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def said_in(text: str) -> Any:
    return json.loads(json.dumps(yaml.load(text, Loader=AsEditorsSee)))


EXAMPLE = said_in(reference.example_programme())


def test_the_written_schema_is_up_to_date() -> None:
    assert WRITTEN.read_text("utf-8") == programme_schema(), "run `make docs`"


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(programme_schema()))


def test_every_field_says_what_it_is_for() -> None:
    schema = json.loads(programme_schema())
    fields = 0
    for name, model in {"Programme": schema, **schema["$defs"]}.items():
        for field, about in model.get("properties", {}).items():
            assert about.get("description"), f"{name}.{field}"
            fields += 1
    assert fields >= 40


def test_the_example_that_init_writes_is_accepted_and_points_to_its_schema() -> None:
    assert VALIDATOR.is_valid(EXAMPLE)
    assert reference.example_programme().startswith(f"{PROGRAMME_SCHEMA_LINE}\n")
    assert PROGRAMME_SCHEMA_LINE.endswith(f"$schema={PROGRAMME_SCHEMA_FILE}")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_programmes_in_this_repository_are_accepted(path: Path) -> None:
    VALIDATOR.validate(said_in(path.read_text("utf-8")))


def test_the_examples_point_to_the_published_schema() -> None:
    (path,) = (ROOT / "examples").glob("*/programme.yaml")
    place = path.read_text("utf-8").splitlines()[0].partition("$schema=")[2]
    assert (path.parent / place).resolve() == WRITTEN


def test_the_simulated_programme_is_accepted_and_points_to_its_schema() -> None:
    plan = SimulationPlan(as_of=date(2026, 6, 30), organisations=5, participants=50, seed=1)
    file = next(iter(simulate(plan)))
    text = file.content.decode()
    assert file.path.name == "programme.yaml"
    assert text.startswith(f"{PROGRAMME_SCHEMA_LINE}\n")
    VALIDATOR.validate(said_in(text))
    assert parse_programme(text).arm_declared("waiting_list").begins_after_days == 140


def changed(*place: int | str, to: Any) -> dict[str, Any]:
    said = deepcopy(EXAMPLE)
    inner = said
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = to
    return dict(said)


@pytest.mark.parametrize(
    "said",
    [
        changed("arms", to=["programme", {"arm": "elsewhere", "role": "comparison"}]),
        changed("waves", 1, "grace_days", to=14),
        changed(
            "cohorts", to=[{"organisation": "kent", "cohort": 2026, "starts_on": "2026-09-07"}]
        ),
        changed("identifiers", to={"forces": {"kent": {"prefixes": ["PC", 7]}}}),
        changed("baseline_sd", to={"proqol5": {"burnout": 5.2}}),
    ],
)
def test_what_else_the_schema_accepts(said: dict[str, Any]) -> None:
    VALIDATOR.validate(said)


@pytest.mark.parametrize(
    "slip",
    [
        changed("titel", to="x"),
        changed("title", to=""),
        changed("instruments", to=[]),
        changed("instruments", to=["gad7"]),
        changed("primary", "instrument", to="gad7"),
        changed("baseline_sd", to={"gad7": {"total": 5.2}}),
        changed("baseline_sd", to={"proqol5": {"burnout": 0}}),
        changed("waves", to=[]),
        changed("waves", 0, to={"wave": "baseline"}),
        changed("waves", 0, "opens_days_before", to=-1),
        changed("waves", 0, "grace_days", to="a week"),
        changed("arms", to=["the programme"]),
        changed("arms", to=[{"arm": "programme", "role": "control"}]),
        changed("arms", to=[{"arm": "programme", "begins_after_days": -1}]),
        changed("cohorts", to=[{"organisation": "kent", "cohort": "a"}]),
        changed("duplicates", to="best"),
        changed("limits", to={"rows": 0}),
        {name: said for name, said in EXAMPLE.items() if name != "primary"},
    ],
)
def test_what_editors_mark(slip: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(slip)
