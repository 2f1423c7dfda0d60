"""Low, moderate, high: officers by band of their score at each wave, and reliable change.

What stays out: where bands begin (`pipeline/reference/instruments`).
"""

from pipeline.publishing.report import charts
from pipeline.publishing.report.blocks import Block, Paragraph, Picture, Section
from pipeline.publishing.report.charts import Bar, Piece
from pipeline.publishing.report.context import Context
from pipeline.publishing.report.passages import passage
from pipeline.publishing.report.printed import ALL, Row
from pipeline.publishing.report.sections.common import (
    direction,
    in_midst,
    missing,
    primary_pair,
    table_of,
)
from pipeline.publishing.report.vega import Text
from pipeline.publishing.report.words import readable, short


def bands(context: Context) -> Section:
    blocks: list[Block] = []
    primary = context.programme.primary
    rows = [
        row
        for row in context.printed.rows(
            "wave_bands", organisation=ALL, arm=ALL, instrument=primary.instrument
        )
        if row.text("wave") in {primary.from_wave, primary.to_wave}
    ]
    groups = [
        (f"{readable(subscale)}, {direction(context, subscale)}", found)
        for subscale in context.subscales
        if (found := _bars([r for r in rows if r["subscale"] == subscale], context))
    ]
    if groups:
        blocks.append(_picture(context, groups, rows))
    else:
        blocks.append(missing("bands of scores"))
    blocks += _reliable(context)
    return Section("bands", passage("Low, moderate and high scores"), blocks)


def _bars(rows: list[Row], context: Context) -> list[Bar]:
    """One bar for each wave all of whose bands are printed."""
    found = []
    for wave in context.waves:
        pieces = [row for row in rows if row["wave"] == wave]
        if pieces and all(row.has("n") for row in pieces):
            found.append(
                Bar(
                    short(wave),
                    [Piece(row.text("band"), row["n"], row.source("n")) for row in pieces],
                )
            )
    return found


def _picture(context: Context, groups: list[tuple[str, list[Bar]]], rows: list[Row]) -> Picture:
    primary = context.programme.primary
    title = "Officers by band of their score"
    description = "One bar for each measuring point, cut into bands: " + ", ".join(
        name for name, _ in groups
    )
    return Picture(
        passage(
            title,
            " at ",
            in_midst(primary.from_wave),
            " and ",
            in_midst(primary.to_wave),
            ", everybody who answered at each. The numbers are officers. Bands were joined "
            "where one of them held too few.",
        ),
        charts.bars(groups, Text("bands", title, f"{description}.")),
        table_of(
            passage(title),
            rows,
            [("Subscale", "subscale"), ("Measuring point", "wave"), ("Band", "band")],
            [("Officers", "n")],
        ),
    )


def _reliable(context: Context) -> list[Block]:
    rows = context.printed.rows(
        "reliable_change", organisation=ALL, arm=ALL, **primary_pair(context)
    )
    if not any(row.has("n") for row in rows):
        return [missing("how many officers changed more than the questionnaire's own error")]
    return [
        Paragraph(
            passage(
                "A change of one officer counts as reliable when it is larger than errors of "
                "measurement alone make it in nearly all officers who have not changed."
            )
        ),
        table_of(
            passage("Officers by reliable change, of those who answered both times"),
            rows,
            [("Subscale", "subscale"), ("Change", "outcome")],
            [("Officers", "n")],
            folded=False,
        ),
    ]
