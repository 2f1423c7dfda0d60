"""How good the data are: whether questionnaires measure, how carefully they were answered, and what
became of the rows that were read.

What stays out: single files and rows, which stay with the stewards.
"""

from pipeline.publishing.report.blocks import Block, DataTable, Paragraph, Section
from pipeline.publishing.report.context import Context
from pipeline.publishing.report.passages import Fixed, passage
from pipeline.publishing.report.printed import ALL, Printed, Row
from pipeline.publishing.report.sections.common import missing, organisation_name, table_of
from pipeline.publishing.report.words import readable

_HEADINGS = {
    "files_accepted_with_warnings": "Files accepted, warned of",
    "quarantined_percent": "Of a hundred rows, broke a rule",
}


def quality(context: Context) -> Section:
    parts = {
        "whether the questions of each subscale hang together": _reliability(context.printed),
        "whether organisations' answers can be compared": _comparability(context.printed),
        "signs of answers given without care": _response_quality(context.printed),
        "what became of the rows that organisations sent": _rows(context),
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


def _comparability(printed: Printed) -> list[Block]:
    rows = printed.rows("comparability")
    if not rows:
        return []
    return [
        table_of(
            passage("Organisations whose answers can be compared with those of the others"),
            rows,
            [("Subscale", "subscale"), ("Measuring point", "wave")],
            [
                ("Organisations", "organisations"),
                ("Comparable", "comparable"),
                ("Not comparable", "not_comparable"),
            ],
        )
    ]


def _rows(context: Context) -> list[Block]:
    rows = context.printed.rows("data_quality")
    if not rows:
        return []
    columns = [
        name for name in rows[0].cells if name != "organisation" and not name.endswith("_note")
    ]
    blocks: list[Block] = []
    total = context.printed.first("data_quality", organisation=ALL)
    if total and total.has("files", "rows_read", "quarantined_percent"):
        blocks.append(
            Paragraph(
                passage(
                    "Organisations sent ",
                    total.figure("files"),
                    " files with about ",
                    total.figure("rows_read"),
                    " rows. Of a hundred rows, to the nearest five, ",
                    total.figure("quarantined_percent"),
                    " broke a rule and do not count unless a steward has decided otherwise.",
                )
            )
        )
    blocks.append(
        DataTable(
            passage("Files and rows that organisations sent, and what became of them"),
            ["Organisation", *(_HEADINGS.get(name, readable(name)) for name in columns)],
            [
                [
                    organisation_name(context, row.text("organisation")),
                    *(row.figure(name) for name in columns),
                ]
                for row in rows
            ],
            folded=True,
        )
    )
    return blocks
