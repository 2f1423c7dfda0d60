"""Could dropout explain it? The same change by methods that treat absent answers differently.

What stays out: how the methods work (`pipeline/evaluation`).
"""

from pipeline.publishing.report import charts
from pipeline.publishing.report.blocks import Block, Paragraph, Picture, Section
from pipeline.publishing.report.context import Context
from pipeline.publishing.report.passages import Fixed, passage
from pipeline.publishing.report.printed import Row
from pipeline.publishing.report.sections.common import (
    in_midst,
    missing,
    point,
    table_of,
)
from pipeline.publishing.report.vega import Text
from pipeline.publishing.report.words import lower
from pipeline.vocabulary import RobustnessMethod

_SHORT = {
    "complete_cases": "Answered both times",
    "mixed_model": "Mixed model",
    "attrition_weighted": "Weighted for dropout",
    "multiple_imputation": "Imputed",
    "delta_minus": "Imputed, lower",
    "delta_plus": "Imputed, higher",
}


def robustness(context: Context) -> Section:
    title = passage("Could dropout explain it?")
    primary = context.programme.primary
    rows = context.printed.rows(
        "robustness",
        to_wave=primary.to_wave,
        instrument=primary.instrument,
        subscale=primary.subscale,
    )
    shown = [row for row in rows if row.text("method") in _SHORT and row.has("estimate")]
    if not shown:
        return Section("dropout", title, [missing("the comparison of methods")])
    blocks: list[Block] = [_picture(context, rows, shown), *_tipping(rows)]
    return Section("dropout", title, blocks)


def _picture(context: Context, rows: list[Row], shown: list[Row]) -> Picture:
    primary = context.programme.primary
    points = [
        point(
            row,
            _SHORT[row.text("method")],
            "estimate",
            is_total=row["method"] == RobustnessMethod.COMPLETE_CASES,
            said=True,
        )
        for row in shown
    ]
    title = f"Change of {lower(primary.subscale)} by method"
    described = "One row for each method with its interval: " + ", ".join(p.label for p in points)
    return Picture(
        passage(
            title,
            " from ",
            in_midst(primary.from_wave),
            " to ",
            in_midst(primary.to_wave),
            ", in points. Each method makes its own assumption about those who did not answer; "
            "where all agree, dropout alone is an unlikely explanation.",
        ),
        charts.intervals(points, "Change in points", Text("robustness", title, f"{described}.")),
        table_of(
            passage(title),
            rows,
            [("Method", "method")],
            [
                ("Officers", "n"),
                ("Change", "estimate"),
                ("Lower limit", "ci_low"),
                ("Upper limit", "ci_high"),
                ("Shift, SDs", "tipping_delta"),
                ("Beside those who answered both times", "outcome"),
            ],
        ),
    )


def _tipping(rows: list[Row]) -> list[Block]:
    row = next((r for r in rows if r.text("method") == RobustnessMethod.TIPPING_POINT), None)
    if row is None or not row.has("tipping_delta"):
        return []
    if not row["tipping_delta"]:
        return [
            Paragraph(
                passage(
                    "With scores drawn for those who did not answer, the ",
                    Fixed("95%"),
                    " interval includes no change already.",
                )
            )
        ]
    return [
        Paragraph(
            passage(
                "For the ",
                Fixed("95%"),
                " interval to include no change, those who did not answer would have to lie ",
                row.figure("tipping_delta", signed=True),
                " standard deviations from what is expected of officers like them.",
            )
        )
    ]
