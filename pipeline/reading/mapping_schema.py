"""The schema by which editors complete mapping files, made from the model (`mapping.py`).

`python -m pipeline.reading.mapping_schema FILE` writes it; `make docs` does so for
`docs/mapping.schema.json`.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pipeline.reading.mapping import FACTS_BESIDE_A_CODE, FIELDS, REQUIRED, Mapping
from pipeline.vocabulary import Delivery, Kind, Platform

SCHEMA_FILE = "mapping.schema.json"
"""What the schema is called in a home folder's `sources/`."""

SCHEMA_LINE = f"# yaml-language-server: $schema=../{SCHEMA_FILE}"
"""The first line of a mapping that editors complete: many of them look for such a line."""


def mapping_schema() -> str:
    """JSON Schema of a mapping, as text; each kind has its own fields under `columns`."""
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Mapping.model_json_schema(),
        "title": "A Muster mapping",
        "allOf": [_schema_of_kind(kind) for kind in Kind],
        "oneOf": [{"required": ["participant"]}, {"required": ["code"]}],
        "dependentSchemas": {"participant": _without_facts()},
    }
    for words in (Kind, Platform, Delivery):
        schema["$defs"][words.__name__]["enumDescriptions"] = [word.meaning for word in words]
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _schema_of_kind(kind: Kind) -> dict[str, Any]:
    named = (*FIELDS[kind], *(FACTS_BESIDE_A_CODE if kind == Kind.QUESTIONNAIRE else ()))
    fields: dict[str, Any] = {field: {"type": ["string", "number"]} for field in named}
    then: dict[str, Any] = {
        "properties": {"columns": {"properties": fields, "additionalProperties": False}}
    }
    if kind == Kind.QUESTIONNAIRE:
        then["required"] = ["instruments", "wave"]
    if REQUIRED[kind]:
        long = {"properties": {"columns": {"required": REQUIRED[kind]}}, "required": ["columns"]}
        wide = [{"required": ["sessions"]}] if kind == Kind.ATTENDANCE else []
        then["anyOf"] = [long, *wide]
    return {
        "if": {"properties": {"kind": {"const": kind.value}}, "required": ["kind"]},
        "then": then,
    }


def _without_facts() -> dict[str, Any]:
    """Beside an officer's number a questionnaire says nothing that the roster says."""
    return {
        "if": {"properties": {"kind": {"const": Kind.QUESTIONNAIRE.value}}},
        "then": {
            "properties": {"columns": {"properties": dict.fromkeys(FACTS_BESIDE_A_CODE, False)}}
        },
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(mapping_schema(), "utf-8")
