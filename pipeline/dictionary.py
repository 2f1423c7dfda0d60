"""The data dictionary and the list of row rules as Markdown, made from where they are declared.

What stays out: any sentence about a table, view or rule that is not already in `pipeline/tables/`,
`pipeline/views/` or `pipeline/quality/rules.py`. `make docs` writes it; a test holds the written
copy to this.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from pipeline.quality.rules import FILE_RULES, ROW_DISAPPEARED, ROW_RULES, STANDING_RULES, Rule
from pipeline.tables import RESEARCH_TABLES, TABLES, Table
from pipeline.views import VIEWS, View


def dictionary() -> str:
    """The whole document."""
    parts = [
        "# Data dictionary",
        "For analysts: every table and view with its columns, units and meaning, and every rule "
        "that a row may break. Made from the code by `make docs`. The same sentences stand in the "
        "warehouse, as comments and in `meta.dictionary`.",
        *(_table(table) for table in TABLES),
        "Views are worked out when they are asked. Those of the schema `questions` answer what "
        "analysts ask most, and `meta.questions` lists them.",
        *(_view(view) for view in VIEWS),
        "The tables of the schema `research` are in a file of their own, `research_view.duckdb`.",
        *(_table(table) for table in RESEARCH_TABLES),
        "## Row rules",
        "A row may break several. `reject` sends it to quarantine, `warn` keeps it with a flag. "
        "A steward may waive those marked so: the row counts until the waiver ends.",
        _rules("Rules that a row breaks by itself", ROW_RULES),
        _rules("Rules on several rows of one file", FILE_RULES),
        _rules("Rules that need other submissions", STANDING_RULES),
        _rules("What is said of rows of replaced files", [ROW_DISAPPEARED]),
    ]
    return "\n\n".join(parts) + "\n"


def _table(table: Table) -> str:
    key = f"\\* never NULL. Key: {', '.join(f'`{name}`' for name in table.key)}."
    return "\n".join([*_columns(table), "", key])


def _view(view: View) -> str:
    return "\n".join(_columns(view))


def _columns(described: Table | View) -> list[str]:
    return [
        f"## {described.qualified_name}",
        "",
        described.about,
        "",
        "| column | type | unit | meaning |",
        "| --- | --- | --- | --- |",
        *(
            f"| `{column.name}`{'' if column.nullable else ' *'} | {column.type.sql} | "
            f"{column.unit or ''} | {_cell(column.description)} |"
            for column in described.columns
        ),
    ]


def _rules(title: str, rules: Iterable[Rule]) -> str:
    lines = [f"### {title}", "", "| rule | severity | meaning | what to do |"]
    lines.append("| --- | --- | --- | --- |")
    lines += [
        f"| `{rule.name}` | {rule.severity}{', may be waived' if rule.waivable else ''} | "
        f"{_cell(rule.meaning)} | {_cell(rule.remedy)} |"
        for rule in rules
    ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(dictionary(), "utf-8")
