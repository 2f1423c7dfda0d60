"""The page about the programme file: its example can be used, and it explains every field."""

import json
import re
from datetime import date
from pathlib import Path

import pytest

from pipeline.programme import Programme, parse_programme
from pipeline.programme_schema import programme_schema
from pipeline.vocabulary import ArmRole, DuplicatePolicy, OrganisationKind

PAGE = Path(__file__).parents[1] / "docs" / "programme.md"
TEXT = PAGE.read_text("utf-8")
(EXAMPLE,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
SCHEMA = json.loads(programme_schema())
FIELDS = {
    field for model in (SCHEMA, *SCHEMA["$defs"].values()) for field in model.get("properties", ())
}


@pytest.fixture
def programme() -> Programme:
    return parse_programme(EXAMPLE)


def test_the_example_can_be_used_and_shows_every_field_of_a_programme(programme: Programme) -> None:
    assert programme.model_fields_set == set(Programme.model_fields)


def test_the_table_of_dates_is_what_the_example_means(programme: Programme) -> None:
    start = programme.cohort_start("kent", "2026-09")
    assert start == date(2026, 9, 7)
    rows = re.findall(
        r"^\| `(\w+)` \| ([\d-]+) \| ([\d-]+) to ([\d-]+) \| ([\d-]+) \|$", TEXT, re.MULTILINE
    )
    expected = [
        (
            wave.wave,
            *map(str, (*programme.window(wave, start), programme.missed_after(wave, start))),
        )
        for wave in programme.waves
    ]
    assert rows == expected


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_every_field_is_explained(field: str) -> None:
    assert f"`{field}`" in TEXT.replace(EXAMPLE, "")


@pytest.mark.parametrize("term", [*ArmRole, *DuplicatePolicy, *OrganisationKind])
def test_every_word_that_may_be_chosen_is_named(term: str) -> None:
    assert f"`{term}`" in TEXT


def test_fields_are_found() -> None:
    assert len(FIELDS) >= 45


def test_defaults_are_as_the_page_says() -> None:
    told = dict(re.findall(r"`(\w+)` \(([\d.]+)[;)]", TEXT))
    models = [SCHEMA, *SCHEMA["$defs"].values()]
    defaults = {
        field: about["default"]
        for model in models
        for field, about in model.get("properties", {}).items()
        if isinstance(about.get("default"), int | float)
    }
    assert len(told) >= 9
    assert {field: float(number) for field, number in told.items()} == {
        field: defaults[field] for field in told
    }
