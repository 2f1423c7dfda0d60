"""Organisations side by side: each one's change, and where one more may lie.

What stays out: which organisation is better. Differences of this size come by chance too.
"""

from collections.abc import Sequence
from dataclasses import replace

from pipeline.publishing.report import charts
from pipeline.publishing.report.blocks import Block, DataTable, Paragraph, Picture, Section
from pipeline.publishing.report.charts import Point
from pipeline.publishing.report.context import Context
from pipeline.publishing.report.passages import Fixed, passage
from pipeline.publishing.report.printed import ALL, Row
from pipeline.publishing.report.sections.common import (
    areas_of,
    in_midst,
    missing,
    organisation_name,
    point,
    primary_pair,
)
from pipeline.publishing.report.vega import Text
from pipeline.publishing.report.words import lower

_POOLED = "All, pooled"


def organisations(context: Context) -> Section:
    title = passage("Organisations side by side")
    primary = context.programme.primary
    rows = [
        row
        for area in areas_of(context)
        for row in context.printed.rows(
            "paired_change",
            organisation=area,
            arm=ALL,
            subscale=primary.subscale,
            **primary_pair(context),
        )
    ]
    shown = sorted(
        (row for row in rows if row.has("mean_change")),
        key=lambda row: (row["organisation"] == "others", row["mean_change"]),
    )
    if not shown:
        return Section("organisations", title, [missing("changes of single organisations")])
    blocks: list[Block] = [_forest(context, shown)]
    left_out = len({row["organisation"] for row in rows}) - len(shown)
    if left_out:
        blocks.append(
            Paragraph(
                passage(
                    "Organisations that are not in the chart have too few officers who answered "
                    "both times, or had to be left out so that another cannot be worked out."
                )
            )
        )
    blocks += _spread(context)
    return Section("organisations", title, blocks)


def _forest(context: Context, shown: Sequence[Row]) -> Picture:
    points = [
        replace(
            point(
                row,
                organisation_name(context, row.text("organisation")).text,
                "mean_change",
                said=True,
            ),
            stands_out=row["organisation"] == context.organisation,
        )
        for row in shown
    ]
    points += _together(context)
    primary = context.programme.primary
    title = f"Change of {lower(primary.subscale)} in each organisation"
    description = (
        f"One row for each of the organisations that can be shown, from the largest fall to the "
        f"largest rise of {lower(primary.subscale)}, each with its interval; all together last."
    )
    return Picture(
        passage(
            title,
            " from ",
            in_midst(primary.from_wave),
            " to ",
            in_midst(primary.to_wave),
            ", in points, of officers who answered both times. Lines are ",
            Fixed("95%"),
            " intervals",
            *(
                ("; the pale bar is where one more organisation is to be expected.",)
                if any(p.wide_low is not None for p in points)
                else (".",)
            ),
        ),
        charts.intervals(points, "Change in points", Text("forest", title, description)),
        DataTable(
            passage(title),
            ["Organisation", "Officers", "Change", "Lower limit", "Upper limit"],
            [
                [
                    organisation_name(context, row.text("organisation")),
                    *(row.figure(c) for c in ("n", "mean_change", "ci_low", "ci_high")),
                ]
                for row in shown
            ],
            folded=True,
        ),
    )


def _together(context: Context) -> list[Point]:
    """The pooled change with its prediction interval, or the change of all officers."""
    primary = context.programme.primary
    pooled = context.printed.first(
        "pooled_change", **primary_pair(context), subscale=primary.subscale
    )
    if pooled and pooled.has("estimate"):
        found = point(pooled, _POOLED, "estimate", is_total=True, said=True)
        if pooled.has("prediction_low", "prediction_high"):
            found = replace(
                found, wide_low=pooled["prediction_low"], wide_high=pooled["prediction_high"]
            )
        return [found]
    row = context.printed.first(
        "paired_change",
        organisation=ALL,
        arm=ALL,
        subscale=primary.subscale,
        **primary_pair(context),
    )
    if row and row.has("mean_change"):
        return [point(row, "All officers", "mean_change", is_total=True, said=True)]
    return []


def _spread(context: Context) -> list[Block]:
    row = context.printed.first(
        "pooled_change", **primary_pair(context), subscale=context.programme.primary.subscale
    )
    if row is None or not row.has("estimate"):
        return [missing("the average over organisations that allows for their differing")]
    said = passage("The pooled change is over ", row.figure("k"), " organisations")
    if row.has("k_left_out"):
        said += passage(" (left out as too small: ", row.figure("k_left_out"), ")")
    said += passage(".")
    if row.has("i2"):
        said += passage(
            " Of the variation between them, a share of ",
            row.figure("i2"),
            " is more than chance would make.",
        )
    return [Paragraph(said)]
