"""One organisation's own figures, beside those of all: what the release has for it, and no more.

What stays out: bands and reliable change, which are published of all together only.
"""

from pipeline.publishing.report import charts
from pipeline.publishing.report.blocks import Block, Paragraph, Picture, Points, Remark, Section
from pipeline.publishing.report.charts import Panel, Series
from pipeline.publishing.report.context import Context
from pipeline.publishing.report.passages import Fixed, Passage, passage
from pipeline.publishing.report.printed import ALL, Row
from pipeline.publishing.report.sections.common import (
    direction,
    in_midst,
    missing,
    organisation_name,
    point,
    primary_pair,
    table_of,
)
from pipeline.publishing.report.sections.headlines import change
from pipeline.publishing.report.vega import GREY, Text
from pipeline.publishing.report.words import readable, short


def own_answers(context: Context) -> Section:
    """The organisation's changes, and how many of it answered."""
    here = {"organisation": context.organisation, "arm": ALL}
    rows = [
        row
        for row in context.printed.rows("paired_change", **here, **primary_pair(context))
        if row.has("mean_change", "ci_low", "ci_high", "n")
    ]
    first = context.programme.primary.subscale
    rows.sort(key=lambda row: row.text("subscale") != first)
    blocks: list[Block] = []
    if rows:
        blocks.append(Paragraph(change(context, rows[0]), lead=True))
    else:
        blocks.append(
            missing("this organisation's change from the first to the second measurement")
        )
    blocks.append(
        Remark(
            passage(
                "A change, not an effect, and of few officers: the interval says how far chance "
                "alone may have moved it. An organisation that seems to differ may not."
            )
        )
    )
    points = [change(context, row) for row in rows[1:]]
    if answered := _answered(context):
        points.append(answered)
    if points:
        blocks.append(Points(points))
    return Section("answers", passage("What was found here"), blocks)


def _answered(context: Context) -> Passage | None:
    rows = context.printed.rows("follow_up", organisation=context.organisation)
    enrolled = next((row for row in rows if row.has("enrolled")), None)
    if enrolled is None:
        return None
    said = passage("About ", enrolled.figure("enrolled"), " officers are enrolled here.")
    shares = [row for row in rows if row.has("scored_percent")]
    if shares:
        said += passage(" Of a hundred of them, so many were scored: ")
        for place, row in enumerate(shares):
            between = "" if not place else " and " if place == len(shares) - 1 else ", "
            said += passage(
                between, row.figure("scored_percent"), " at ", in_midst(row.text("wave"))
            )
        said += passage(".")
    return said


def own_scores(context: Context) -> Section:
    """The organisation's means at each wave, beside those of all organisations."""
    title = passage("How scores moved here")
    own, every = (
        [
            row
            for row in context.printed.rows(
                "wave_summary",
                organisation=where,
                arm=ALL,
                instrument=context.programme.primary.instrument,
            )
            if row.has("mean")
        ]
        for where in (context.organisation, ALL)
    )
    panels = [
        Panel(
            readable(subscale),
            direction(context, subscale),
            [
                Series("all", _points(every, subscale), GREY, with_values=False),
                Series("here", _points(own, subscale)),
            ],
        )
        for subscale in context.subscales
        if _points(own, subscale)
    ]
    if not panels:
        return Section("scores", title, [missing("this organisation's mean scores")])
    name = "Mean score at each measuring point"
    described = "Two lines in each panel: here, and all organisations."
    return Section(
        "scores",
        title,
        [
            Picture(
                passage(
                    name,
                    ": here (blue) and of all organisations (grey). Shaded bands are ",
                    Fixed("95%"),
                    " intervals; not the same officers answered every time.",
                ),
                charts.lines(
                    panels, [short(wave) for wave in context.waves], Text("own", name, described)
                ),
                table_of(
                    passage(name, ", ", organisation_name(context, context.organisation or ALL)),
                    own,
                    [("Subscale", "subscale"), ("Measuring point", "wave")],
                    [
                        ("Officers", "n"),
                        ("Mean", "mean"),
                        ("Lower limit", "ci_low"),
                        ("Upper limit", "ci_high"),
                    ],
                ),
            )
        ],
    )


def _points(rows: list[Row], subscale: str) -> list[charts.Point]:
    return [
        point(row, short(row.text("wave")), "mean")
        for row in rows
        if row.text("subscale") == subscale
    ]
