"""Headings of questions with several columns: one record or two, and written for a web page.

What belongs here: what such columns are called, and what else a mapping may call them.
What stays out: which platform writes its headings how (the platform's own module).

The columns of a question are called `question | choice`. A mapping may also write:

- `question | #2` for its second column, whatever the choice is called, so that the items of an
  instrument are `question | #{item}`;
- `question` alone for the one answer to a question with a column for each option: the choice whose
  column is filled. Where several are filled it is all of them with semicolons between, which no
  list of labels knows, so the row's answer counts as not recognised and never as one of them.
"""

import html
import re
from collections.abc import Sequence
from itertools import groupby

import polars as pl

from pipeline.reading.records import distinct

_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_THE_ANSWER = frozenset({"", "response", "open-ended response"})
"""What stands for the choice of a question that has one column for its answer."""
_NOT_CHOSEN = ("", "0", "no", "unchecked")


def plain_text(heading: str) -> str:
    """A heading without HTML and with single spaces."""
    return " ".join(html.unescape(_TAG.sub(" ", heading)).split())


def joined(
    questions: Sequence[str], choices: Sequence[str]
) -> tuple[list[str], dict[str, pl.Expr]]:
    """Names of columns from two header records, and what else a mapping may call them.

    A blank cell of the first record continues the question on its left.
    """
    starts = [place for place, question in enumerate(questions) if question or not place]
    named = distinct([plain_text(questions[place]) for place in starts])
    columns: list[str] = []
    derived: dict[str, pl.Expr] = {}
    for question, start, end in zip(named, starts, [*starts[1:], len(questions)], strict=True):
        said = [plain_text(choice) for choice in choices[start:end]]
        if len(said) == 1 and said[0].lower() in _THE_ANSWER:
            columns.append(question)
            continue
        own = [f"{question} | {choice}" for choice in distinct(said)]
        columns += own
        if len(said) > 1:
            derived |= _by_place(f"{question} | #", "", own)
            derived[question] = _one_answer(dict(zip(own, said, strict=True)))
    return columns, _beside(columns, derived)


def arrays(columns: list[str]) -> dict[str, pl.Expr]:
    """What else a mapping may call columns such as `Q[SQ001]`: `Q[#1]` is the first of them."""
    derived: dict[str, pl.Expr] = {}
    for question, own in groupby(columns, key=lambda name: name.rpartition("[")[0]):
        if question:
            derived |= _by_place(f"{question}[#", "]", list(own))
    return _beside(columns, derived)


def _by_place(before: str, after: str, columns: list[str]) -> dict[str, pl.Expr]:
    return {
        f"{before}{place}{after}": pl.col(column) for place, column in enumerate(columns, start=1)
    }


def _one_answer(options: dict[str, str]) -> pl.Expr:
    """The choice whose column is filled; a column for the answer itself says it in its cell."""
    answers = []
    for column, choice in options.items():
        cell = pl.col(column)
        chosen = ~cell.str.strip_chars().str.to_lowercase().is_in(_NOT_CHOSEN)
        # The heading, not the cell: exports have there the choice, its number or a mark, and
        # beside `Other (please specify)` what somebody wrote.
        answers.append(
            pl.when(chosen).then(cell if choice.lower() in _THE_ANSWER else pl.lit(choice))
        )
    return pl.concat_str(answers, separator="; ", ignore_nulls=True)


def _beside(columns: list[str], derived: dict[str, pl.Expr]) -> dict[str, pl.Expr]:
    return {name: made for name, made in derived.items() if name not in columns}
