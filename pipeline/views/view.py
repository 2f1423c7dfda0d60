"""What a view of the warehouse is: what it answers, its columns and its query.

What stays out: which views there are (the neighbours of this module), and executing SQL.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.programme import TOTAL
from pipeline.tables import Column, Table
from pipeline.tables.table import literal

SCHEMA = "questions"


@dataclass(frozen=True, slots=True)
class View:
    """A view: worked out when it is asked, so that it costs a run nothing.

    `columns` are its columns in order, with types as DuckDB gives them; `reads` are the tables
    that `sql` names. A view of the schema `questions` answers `asks`; `caution` says how to read
    the answer.
    """

    schema: str
    name: str
    asks: str
    caution: str
    grain: str
    reads: tuple[Table, ...]
    columns: tuple[Column, ...]
    sql: str

    @property
    def qualified_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def about(self) -> str:
        return f"{self.asks} {self.caution} One row: {self.grain}."


def columns_of(table: Table, *names: str) -> tuple[Column, ...]:
    """Columns that a view hands on from a table, in the order of `names`."""
    by_name = {column.name: column for column in table.columns}
    return tuple(by_name[name] for name in names)


def view_ddl(view: View) -> list[str]:
    """The statements that create a view and comment on it and on each of its columns."""
    return [
        f"CREATE VIEW {view.qualified_name} AS {view.sql.strip()}",
        f"COMMENT ON VIEW {view.qualified_name} IS {literal(view.about)}",
        *(
            f"COMMENT ON COLUMN {view.qualified_name}.{column.name} IS {literal(column.meaning)}"
            for column in view.columns
        ),
    ]


def can_be_made(views: Iterable[View], tables: Iterable[Table]) -> list[View]:
    """The views that read nothing but these tables."""
    there = set(tables)
    return [view for view in views if there.issuperset(view.reads)]


def words(terms: Iterable[str]) -> str:
    """Words as a list in SQL, in the order given: `['a', 'b']`."""
    return f"[{', '.join(literal(str(term)) for term in terms)}]"


TOTALS_LAST = f"organisation = {literal(TOTAL)}"
"""What to sort by before `organisation`, so that totals come after their parts."""
