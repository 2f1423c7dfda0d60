"""One submission beside the file of the same source that came before it.

What stays out: which file that is (`pipeline/storage/desk_queries.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_COUNTS = (
    ("rows_in_file", "Rows in the file"),
    ("rows_read", "Rows read"),
    ("rows_accepted", "Rows that count"),
    ("rows_quarantined", "Rows in quarantine"),
    ("rows_held", "Rows held"),
    ("rows_withdrawn", "Rows withdrawn"),
)
_RULES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Line:
    """One count of both files; None where a file could not be read."""

    name: str
    is_rule: bool
    before: int | None
    now: int | None

    @property
    def difference(self) -> str:
        """How it changed, with its sign; empty where it cannot be said."""
        if self.before is None or self.now is None:
            return ""
        if self.now == self.before:
            return "same"
        return f"{self.now - self.before:+,}".replace("-", "\N{MINUS SIGN}")


def beside(
    now: Mapping[str, Any], before: Mapping[str, Any], broken: Sequence[Mapping[str, Any]]
) -> list[Line]:
    """Counts of both files, then the rules that differ most between them.

    `broken` counts rows of both by submission_id, rule, severity and status.
    """
    lines = [Line(name, False, before[column], now[column]) for column, name in _COUNTS]
    rows: dict[str, dict[str, int]] = {}
    for each in broken:
        of_rule = rows.setdefault(each["rule"], {})
        of_rule[each["submission_id"]] = of_rule.get(each["submission_id"], 0) + each["rows"]
    rules = [
        Line(
            rule,
            True,
            found.get(before["submission_id"], 0),
            found.get(now["submission_id"], 0),
        )
        for rule, found in rows.items()
    ]
    rules.sort(key=lambda line: (-abs((line.now or 0) - (line.before or 0)), line.name))
    return [*lines, *rules[:_RULES_SHOWN]]
