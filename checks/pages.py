"""Contracts and what they found as pages to read: one Markdown page, and a folder of web pages.

What belongs here: turning declared contracts and results into words. What stays out: judging
(`checks/judge.py`), and writing the folder (`pipeline/storage/contract_pages.py`).

The pages are Muster's own and not Great Expectations' Data Docs, which load styles, fonts and
scripts from other people's servers whenever somebody opens them: a police network has no way there,
and nobody else need learn that an evaluation was looked at.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from checks.contract import Contract, Expectation, Threshold, contracts
from pipeline import reference, static_page
from pipeline.programme import Thresholds
from pipeline.quality.profile import MEANINGS
from pipeline.vocabulary import Verdict

LATEST: Final = 20
"""Submissions of which a page tells what was found."""


def title_of(contract: Contract) -> str:
    """What a contract is called in a heading."""
    if contract.instrument is None:
        return contract.kind.value.capitalize()
    return f"Questionnaire: {reference.instruments()[contract.instrument].title}"


def limit_of(expectation: Expectation, thresholds: Thresholds) -> str:
    """The limit in words, and the setting that it comes from."""
    lowest, highest = expectation.limits(thresholds)
    said = f"at least {lowest:g}" if lowest is not None else f"at most {highest:g}"
    declared = expectation.at_least if lowest is not None else expectation.at_most
    return f"{said} ({declared.threshold})" if isinstance(declared, Threshold) else said


def markdown() -> str:
    """docs/contracts.md: every contract with its expectations and the limits of a new programme."""
    thresholds = Thresholds()
    parts = [
        "# Contracts",
        "Made from `checks/contracts/` by `make docs`. A contract is what every submission of one "
        "kind, and of one instrument where it has any, must keep. It is judged by Great "
        "Expectations on the profile of a submission, counts and shares, never on rows; "
        "`muster review docs` writes the same as web pages, with the limits of your programme and "
        "what was found. The worst expectation that does not hold decides the verdict; a limit "
        "with a name in brackets is set under `thresholds` in `programme.yaml`.",
        "## Verdicts",
        "\n".join(f"- `{verdict}`: {verdict.meaning}" for verdict in Verdict),
        "A check that could not be carried out, and a contract that was not judged, give `held`: "
        "that says nothing about the data.",
        "## Measures",
        "\n".join(f"- `{name}`: {meaning}." for name, meaning in MEANINGS.items()),
        "A file is compared with those that its organisation sent before. One that was held for "
        "its quarantine, for being short or for its answers is no measure for the next, unless a "
        "steward accepted it; one that was returned is none either. Answers are compared from "
        "thirty on either side. Where there is nothing to compare with, nothing fails.",
        *(_section(contract, thresholds) for contract in contracts()),
    ]
    return "\n\n".join(parts) + "\n"


def _section(contract: Contract, thresholds: Thresholds) -> str:
    lines = [
        f"## {title_of(contract)}",
        "",
        f"`{contract.contract}`",
        "",
        "| expectation | measure | limit | otherwise | what a failure means |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{e.name}` | `{e.measure}` | {limit_of(e, thresholds)} | {e.otherwise} | {e.sentence} |"
        for e in contract.expectations
    ]
    return "\n".join(lines)


def pages(
    thresholds: Thresholds, results: pl.DataFrame, submissions: pl.DataFrame
) -> dict[str, bytes]:
    """The folder of web pages: file name and content.

    Args:
        thresholds: of the programme.
        results: `quality.checks`.
        submissions: `quality.submissions`.

    """
    found = results.join(
        submissions.select("submission_id", "received_at", "verdict", "replaced_by"),
        on="submission_id",
    )
    every = contracts()
    made = {"index.html": _index(every, found)}
    for contract in every:
        of_contract = found.filter(pl.col("contract") == contract.contract)
        made[_file(contract)] = _page(contract, thresholds, of_contract)
    return made


def _file(contract: Contract) -> str:
    return f"{contract.contract}.html"


_FOOTER = "Written by Muster. Counts and shares of whole files; no row and no answer is here."


def _index(every: Sequence[Contract], found: pl.DataFrame) -> bytes:
    rows: list[tuple[str | int | None, ...]] = []
    for contract in every:
        own = found.filter(pl.col("contract") == contract.contract)
        failed = own.filter(~pl.col("passed").fill_null(False))
        rows.append(
            (
                static_page.link(_file(contract), title_of(contract)),
                len(contract.expectations),
                own["submission_id"].n_unique(),
                failed["submission_id"].n_unique(),
            )
        )
    body = [
        static_page.paragraph(
            "What every submission must keep. A contract is judged on counts and shares of a file. "
            "The worst expectation that does not hold decides what becomes of it."
        ),
        static_page.table(
            "Contracts",
            ("Contract", "Expectations", "Submissions judged", "With a failure"),
            rows,
        ),
        static_page.heading("Verdicts"),
        static_page.facts(
            (verdict.value.replace("_", " "), verdict.meaning) for verdict in Verdict
        ),
    ]
    return static_page.page("Contracts", body, _FOOTER)


def _page(contract: Contract, thresholds: Thresholds, found: pl.DataFrame) -> bytes:
    def body() -> Iterator[static_page.Html]:
        yield static_page.paragraph(static_page.link("index.html", "All contracts"))
        yield static_page.table(
            "Expectations",
            ("Expectation", "What is measured", "Limit", "Otherwise", "What a failure means"),
            [
                (
                    e.name,
                    MEANINGS[e.measure],
                    limit_of(e, thresholds),
                    e.otherwise.replace("_", " "),
                    e.sentence,
                )
                for e in contract.expectations
            ],
        )
        yield static_page.heading("What was found")
        latest = (
            found.select("submission_id", "received_at", "verdict", "replaced_by")
            .unique()
            .sort("received_at", "submission_id", descending=[True, False])
            .head(LATEST)
        )
        if latest.is_empty():
            yield static_page.paragraph("No submission was judged by it yet.")
            return
        yield static_page.table(
            f"The latest submissions, at most {LATEST}",
            ("Submission", "Received", "Verdict", "Replaced", "What did not hold, and the measure"),
            [
                (
                    submission_id,
                    str(received_at)[:10],
                    verdict.replace("_", " "),
                    "yes" if replaced_by else "no",
                    _failures(found.filter(pl.col("submission_id") == submission_id)),
                )
                for submission_id, received_at, verdict, replaced_by in latest.iter_rows()
            ],
        )

    return static_page.page(title_of(contract), body(), _FOOTER)


def _failures(results: pl.DataFrame) -> str:
    failed = results.filter(~pl.col("passed").fill_null(False))
    told = [
        f"{name} could not be judged"
        if passed is None
        else f"{name} ({'nothing' if observed is None else f'{observed:.3g}'})"
        for name, passed, observed in failed.select("expectation", "passed", "observed").iter_rows()
    ]
    return ", ".join(told) or "everything held"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(markdown(), "utf-8")
