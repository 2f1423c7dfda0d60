"""The written dictionary says what the code says."""

from pathlib import Path

from pipeline.dictionary import dictionary
from pipeline.quality.rules import RULES
from pipeline.tables import TABLES
from pipeline.views import VIEWS

WRITTEN = Path(__file__).parents[1] / "docs" / "dictionary.md"


def test_the_written_dictionary_is_up_to_date():
    assert WRITTEN.read_text("utf-8") == dictionary(), "run `make docs`"


def test_every_table_column_and_rule_is_in_it():
    text = dictionary()
    for table in (*TABLES, *VIEWS):
        assert f"## {table.qualified_name}" in text
        for column in table.columns:
            assert f"`{column.name}`" in text
    for rule in RULES:
        assert f"| `{rule}` |" in text
