"""The pilot beside the national figures: what it printed, and whether that is possible.

What stays out: the arithmetic (`pipeline/evaluation/pilot.py`).
"""

from pipeline.publishing.report.blocks import Block, DataTable, Paragraph, Section
from pipeline.publishing.report.context import Context
from pipeline.publishing.report.passages import Fixed, Part, passage
from pipeline.publishing.report.printed import Row
from pipeline.publishing.report.sections.common import missing, named


def pilot(context: Context) -> Section:
    title = passage("The pilot beside these figures")
    rows = context.printed.rows("pilot_reconciliation")
    if not rows:
        return Section("pilot", title, [missing("the pilot's figures")])
    blocks: list[Block] = [
        Paragraph(
            passage(
                "The first pilot began with ",
                rows[0].cell("n_reported"),
                " officers and had ",
                rows[-1].cell("n_reported"),
                " at its second measurement. A mean of whole scores "
                "is a whole total divided by the number of officers; some of the means it printed "
                "cannot come from the number of officers it names.",
            )
        ),
        DataTable(
            passage("Means of the pilot as printed, and of this evaluation"),
            [
                "Measuring point",
                "Subscale",
                "Pilot's mean",
                "Possible at its number",
                "Possible from, officers",
                "National mean",
                "Lower limit",
                "Upper limit",
            ],
            [
                [
                    named(row.text("wave")),
                    named(row.text("subscale")),
                    row.cell("mean_reported"),
                    _possible(row),
                    row.cell("smallest_consistent_n"),
                    *(row.figure(f"national_{c}") for c in ("mean", "ci_low", "ci_high")),
                ]
                for row in rows
            ],
            stubs=2,
        ),
        Paragraph(
            passage(
                "The two are of different officers at different times, so a difference between "
                "them is no result. Intervals of the national means are ",
                Fixed("95%"),
                " intervals.",
            )
        ),
    ]
    return Section("pilot", title, blocks)


def _possible(row: Row) -> Part:
    return "yes" if row.cells.get("grim_possible") else "no"
