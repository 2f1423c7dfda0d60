"""Templates, and how numbers, days and words of the evaluation are written on a page.

What stays out: what is shown.
"""

import hashlib
import math
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import Final

import jinja2

from pipeline.vocabulary import (
    CommentState,
    DecisionAction,
    Kind,
    LinkStatus,
    QuarantineStatus,
    Role,
    Severity,
    Verdict,
)

_NOTHING: Final = "\N{EN DASH}"
_WORDS: Final = {
    "not_yet_due": "not yet due",
    "proqol5": "ProQOL 5",
    "added": "account opened",
    "disabled": "account closed",
    "warn": "warning",
    "reject": "keeps the row out",
}
_MEANINGS: Final = {
    term.value: term.meaning
    for enum in (
        Verdict,
        QuarantineStatus,
        Kind,
        Severity,
        CommentState,
        LinkStatus,
        Role,
        DecisionAction,
    )
    for term in enum
}


def environment() -> jinja2.Environment:
    """Templates in which everything is escaped, and nothing that is missing passes for empty."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("pipeline.desk"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(
        number=number,
        day=day,
        moment=moment,
        words=words,
        meaning=meaning,
        sentence=sentence,
        share=share,
        ago=ago,
    )
    made.globals["stylesheet"] = _stylesheet()
    return made


@cache
def _stylesheet() -> str:
    """The stylesheet's address, another one after every change of it, since browsers keep it."""
    content = files("pipeline.desk").joinpath("static", "desk.css").read_bytes()
    return f"/static/desk.css?{hashlib.sha256(content).hexdigest()[:12]}"


def number(n: int | None) -> str:
    """A count with commas.

    >>> number(12840)
    '12,840'
    """
    return _NOTHING if n is None else f"{n:,}"


def share(value: float | None) -> str:
    """A measure of a contract, with three digits.

    >>> share(0.02834)
    '0.0283'
    """
    return _NOTHING if value is None or math.isnan(value) else f"{value:.3g}"


def day(moment: date | None) -> str:
    """A day in words.

    >>> day(date(2026, 3, 5))
    '5 March 2026'
    """
    return _NOTHING if moment is None else f"{moment.day} {moment:%B %Y}"


def moment(at: datetime) -> str:
    """A moment in universal time, as the audit trail has it.

    >>> moment(datetime(2026, 3, 5, 9, 4))
    '5 March 2026, 09:04'
    """
    at = at.astimezone(UTC) if at.tzinfo else at
    return f"{day(at)}, {at:%H:%M}"


def ago(days: int) -> str:
    """Whole days in words.

    >>> [ago(n) for n in (0, 1, 12)]
    ['today', 'yesterday', '12 days ago']
    """
    return {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")


def words(name: str | None) -> str:
    """A name of the evaluation's vocabulary as words.

    >>> words("accepted_with_warnings"), words(None)
    ('accepted with warnings', '')
    """
    if not name:
        return ""
    return _WORDS.get(name, name.replace("_", " "))


def meaning(term: str) -> str:
    """The sentence that defines a word of the vocabulary."""
    return _MEANINGS.get(term, "")


def sentence(text: str | None) -> str:
    """A remark as a sentence of its own: a capital first, one full stop last.

    >>> sentence("some rows are in quarantine")
    'Some rows are in quarantine.'
    """
    if not text:
        return ""
    return f"{text[0].upper()}{text[1:].rstrip('.')}."
