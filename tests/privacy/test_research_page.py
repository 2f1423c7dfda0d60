"""docs/research.md says what the code does: costs, levels, and queries that run."""

import re
from pathlib import Path

import duckdb
from officers import crowd

from pipeline import tables
from pipeline.privacy.research_view import ATTRIBUTES
from pipeline.storage.warehouse import publish

PAGE = (Path(__file__).parents[2] / "docs" / "research.md").read_text("utf-8")


def test_the_costs_are_those_of_the_code() -> None:
    written = re.findall(r"^\| (\w+) \| ([\w ]+) \| (\d+) \|$", PAGE, re.MULTILINE)
    declared = [
        (attribute.name, level.called, str(level.cost))
        for attribute in ATTRIBUTES
        for level in attribute.levels[1:]
    ]
    assert sorted(written) == sorted(declared)


def test_the_queries_run(tmp_path: Path) -> None:
    view = crowd(seed=2, officers=40).view()
    file = tmp_path / "research_view.duckdb"
    publish(
        file,
        {
            tables.RESEARCH_OFFICERS: view.officers,
            tables.RESEARCH_SCORES: view.scores,
            tables.RESEARCH_GENERALISED: view.generalised,
        },
    )
    (block,) = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    attach, *queries = [query for query in block.split(";") if query.strip()]
    with duckdb.connect() as connection:
        connection.execute(attach.replace("research_view.duckdb", str(file)))
        assert len(queries) == 2
        for query in queries:
            connection.execute(query).fetchall()
