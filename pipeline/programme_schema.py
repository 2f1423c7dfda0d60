"""The schema by which editors complete a programme file, made from the model (`programme.py`).

`python -m pipeline.programme_schema FILE` writes it; `make docs` does so for
`docs/programme.schema.json`.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pipeline import reference
from pipeline.programme import Programme
from pipeline.vocabulary import ArmRole, DuplicatePolicy, OrganisationKind

PROGRAMME_SCHEMA_FILE = "programme.schema.json"
"""What the schema is called in a home folder, beside `programme.yaml`."""

PROGRAMME_SCHEMA_LINE = f"# yaml-language-server: $schema={PROGRAMME_SCHEMA_FILE}"
"""The first line of a programme file that editors complete: many of them look for such a line."""


def programme_schema() -> str:
    """JSON Schema of a programme file, as text; it knows the instruments that Muster has."""
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Programme.model_json_schema(),
        "title": "A Muster programme",
    }
    for words in (ArmRole, DuplicatePolicy, OrganisationKind):
        schema["$defs"][words.__name__]["enumDescriptions"] = [word.meaning for word in words]
    known = [*reference.instruments()]
    schema["properties"]["instruments"]["items"] = {"enum": known}
    schema["properties"]["baseline_sd"]["propertyNames"] = {"enum": known}
    schema["$defs"]["Contrast"]["properties"]["instrument"]["enum"] = known
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(programme_schema(), "utf-8")
