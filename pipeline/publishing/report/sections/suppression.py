"""What is left out of the release, how much, and why; and where each organisation stands.

What stays out: the rules in full (`docs/release.md`).
"""

from pipeline.publishing.release_tables import Note
from pipeline.publishing.report.blocks import Block, DataTable, Paragraph, Points, Section
from pipeline.publishing.report.context import Context
from pipeline.publishing.report.passages import Fixed, Part, passage
from pipeline.publishing.report.printed import ALL, NOTES
from pipeline.publishing.report.words import readable

_MARKS = "all", "most", "about half", "some", "none"


def suppression(context: Context) -> Section:
    signs = [
        passage(Fixed(NOTES[note.value]), f" {note.meaning[:1].lower()}{note.meaning[1:]}")
        for note in Note
    ]
    blocks: list[Block] = [
        Paragraph(
            passage(
                "No figure of officers is of fewer than ",
                Fixed("10"),
                ", and none can be worked out "
                "from those that are printed; an audit looked for what an attacker could find. "
                "Counts are rounded to ",
                Fixed("5"),
                ". Where a figure is left out, a sign says why:",
            )
        ),
        Points(signs),
        DataTable(
            passage("How much of each table is printed"),
            ["Table", "Printed"],
            [
                [readable(table), _share(context, table)]
                for table in context.printed.names
                if context.printed.figures_of(table)
            ],
            folded=True,
        ),
    ]
    areas = context.printed.rows("areas")
    if areas:
        blocks.append(
            DataTable(
                passage(
                    "Where each organisation stands: by itself from ",
                    Fixed("30"),
                    " enrolled officers on, else pooled with others",
                ),
                ["Organisation", "Shown as"],
                [[Fixed(row.text("name")), _shown_as(row.text("shown_as"))] for row in areas],
                folded=True,
            )
        )
    return Section("left-out", passage("What is left out, and why"), blocks)


def _share(context: Context, table: str) -> str:
    """How much of a table is printed, in words: a share would be a figure of no table."""
    figures = context.printed.figures_of(table)
    rows = context.printed.rows(table)
    cells = len(rows) * len(figures)
    if not cells:
        return "no rows"
    share = sum(row.has(name) for row in rows for name in figures) / cells
    limits = (1.0, 0.66, 0.33, 1e-9)
    return next((m for m, least in zip(_MARKS, limits, strict=False) if share >= least), _MARKS[-1])


def _shown_as(area: str) -> Part:
    if area == "others":
        return "others, pooled"
    return "in the total only" if area == ALL else "itself"
