"""Groups of officers side by side: gender, ethnicity, rank and length of service.

What stays out: comparisons of two groups. Each is small, and there are many.
"""

from pipeline.publishing.report import charts
from pipeline.publishing.report.blocks import Block, Paragraph, Picture, Section
from pipeline.publishing.report.context import Context
from pipeline.publishing.report.passages import passage
from pipeline.publishing.report.printed import Row
from pipeline.publishing.report.sections.common import in_midst, missing, point, table_of
from pipeline.publishing.report.vega import Text
from pipeline.publishing.report.words import lower, readable

_SHORT = {"rank_group": "Rank", "service_band": "Service", "ethnicity_group": "Ethnicity"}


def equality(context: Context) -> Section:
    title = passage("Groups of officers side by side")
    primary = context.programme.primary
    rows = context.printed.rows(
        "equality_breakdown",
        wave=primary.to_wave,
        instrument=primary.instrument,
        subscale=primary.subscale,
    )
    shown = [row for row in rows if row.has("mean_change")]
    if not shown:
        return Section("equality", title, [missing("changes of groups of officers")])
    blocks: list[Block] = [
        _picture(context, rows, shown),
        Paragraph(
            passage(
                "There are many groups, so that some intervals will lie apart by chance. Groups of "
                "which too few officers answered are left out, and so is the next smallest where "
                "the first could be worked out from it."
            )
        ),
    ]
    return Section("equality", title, blocks)


def _group(row: Row) -> str:
    characteristic = row.text("characteristic")
    return f"{_SHORT.get(characteristic, readable(characteristic))}: {lower(row.text('value'))}"


def _picture(context: Context, rows: list[Row], shown: list[Row]) -> Picture:
    primary = context.programme.primary
    points = [
        point(
            row,
            _group(row),
            "mean_change",
            said=True,
        )
        for row in shown
    ]
    title = f"Change of {lower(primary.subscale)} by group of officers"
    return Picture(
        passage(
            title,
            " from ",
            in_midst(context.waves[0]),
            " to ",
            in_midst(primary.to_wave),
            ", in points, of officers who answered both times.",
        ),
        charts.intervals(
            points,
            "Change in points",
            Text(
                "equality",
                title,
                "One row for each group that can be shown, with its interval.",
            ),
        ),
        table_of(
            passage(title),
            rows,
            [("Characteristic", "characteristic"), ("Group", "value")],
            [
                ("Officers", "n"),
                ("Change", "mean_change"),
                ("Lower limit", "ci_low"),
                ("Upper limit", "ci_high"),
            ],
        ),
    )
