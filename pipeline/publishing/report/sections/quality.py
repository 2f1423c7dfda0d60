"""How good the data are: whether questionnaires measure, how carefully they were answered, and what
became of the rows that were read.

What stays out: single files and rows, which stay with the stewards.
"""

from pipeline.publishing.report.blocks import Block, Paragraph, Section
from pipeline.publishing.report.context import Context
from pipeline.publishing.report.passages import Fixed, passage
from pipeline.publishing.report.printed import ALL
from pipeline.publishing.report.sections.common import missing, table_of


def quality(context: Context) -> Section:
    blocks: list[Block] = [*_reliability(context), *_response_quality(context), *_rows(context)]
    return Section("quality", passage("How good the data are"), blocks)


def _reliability(context: Context) -> list[Block]:
    rows = [
        row
        for row in context.printed.rows("reliability", organisation=ALL)
        if row.has("alpha") or row.has("omega")
    ]
    if not rows:
        return [missing("whether the questions of each subscale hang together")]
    return [
        Paragraph(
            passage(
                "Questions of one subscale should rise and fall together. Alpha and omega say how "
                "far they do; ", Fixed("0.7"), " or more is the usual mark."
            )
        ),
        table_of(
            passage("Reliability of each subscale at each measuring point"),
            rows,
            [("Subscale", "subscale"), ("Measuring point", "wave")],
            [("Officers", "n"), ("Alpha", "alpha"), ("Omega", "omega")],
        ),
    ]


def _response_quality(context: Context) -> list[Block]:
    rows = [
        row
        for row in context.printed.rows("response_quality", organisation=ALL)
        if row.has("n")
    ]
    if not rows:
        return [missing("signs of answers given without care")]
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
            [("Responses", "n")],
        ),
    ]


def _rows(context: Context) -> list[Block]:
    if not context.printed.has("data_quality"):
        return [missing("what became of the rows that organisations sent")]
    figures = context.printed.figures_of("data_quality")
    rows = context.printed.rows("data_quality")
    stubs = [name for name in rows[0].cells if not name.endswith("_note") and name not in figures]
    return [
        table_of(
            passage("Rows that organisations sent, and what became of them"),
            rows,
            [(name.replace("_", " ").capitalize(), name) for name in stubs],
            [(name.replace("_", " ").capitalize(), name) for name in figures],
        )
    ]
