"""How good the data are: whether questionnaires measure, how carefully they were answered, and what
became of the rows that were read.

What stays out: single files and rows, which stay with the stewards.
"""

from pipeline.publishing.report.blocks import Block, Paragraph, Section
from pipeline.publishing.report.context import Context
from pipeline.publishing.report.passages import Fixed, passage
from pipeline.publishing.report.printed import ALL, Printed, Row
from pipeline.publishing.report.sections.common import missing, table_of
from pipeline.publishing.report.words import readable


def quality(context: Context) -> Section:
    parts = {
        "whether the questions of each subscale hang together": _reliability(context.printed),
        "signs of answers given without care": _response_quality(context.printed),
        "what became of the rows that organisations sent": _rows(context.printed),
    }
    blocks: list[Block] = [block for part in parts.values() for block in part]
    if absent := [what for what, part in parts.items() if not part]:
        blocks.append(missing(*absent))
    return Section("quality", passage("How good the data are"), blocks)


def _reliability(printed: Printed) -> list[Block]:
    rows = [row for row in printed.rows("reliability", organisation=ALL) if row.has("alpha")]
    if not rows:
        return []
    return [
        Paragraph(
            passage(
                "Questions of one subscale should rise and fall together. Alpha and omega say how "
                "far they do; ",
                Fixed("0.7"),
                " or more is the usual mark.",
            )
        ),
        table_of(
            passage("Reliability of each subscale at each measuring point"),
            rows,
            [("Subscale", "subscale"), ("Measuring point", "wave")],
            [("Officers", "n"), ("Alpha", "alpha"), ("Omega", "omega")],
        ),
    ]


def _response_quality(printed: Printed) -> list[Block]:
    rows = printed.rows("response_quality", organisation=ALL)
    if not any(row.has("n") for row in rows):
        return []
    return [
        Paragraph(
            passage(
                "Answers with these signs are kept: burnt-out officers answer in the same ways as "
                "careless ones."
            )
        ),
        table_of(
            passage("Responses with a sign of carelessness"),
            rows,
            [("Measuring point", "wave"), ("Sign", "flag")],
            _figures_of(printed, rows, {"n": "Responses", "flagged_percent": "Of a hundred"}),
        ),
    ]


def _figures_of(
    printed: Printed, rows: list[Row], headings: dict[str, str]
) -> list[tuple[str, str]]:
    """Heading and column of every figure of a table."""
    return [
        (headings.get(name, readable(name)), name) for name in printed.figures_of(rows[0].table)
    ]


def _rows(printed: Printed) -> list[Block]:
    rows = printed.rows("data_quality")
    if not rows:
        return []
    stubs = [("Organisation", "organisation")]
    facts = [
        (readable(name), name)
        for name in rows[0].cells
        if name != "organisation" and not name.endswith("_note")
    ]
    return [
        table_of(
            passage("Files and rows that organisations sent, and what became of them"),
            rows,
            stubs,
            facts,
        )
    ]
