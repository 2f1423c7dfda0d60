"""Who stayed: the curve of taking part, and how those who left had begun.

What stays out: what dropout does to the changes (`robustness.py`).
"""

from pipeline.publishing.report import charts
from pipeline.publishing.report.blocks import Block, Paragraph, Picture, Section
from pipeline.publishing.report.charts import Point, Series
from pipeline.publishing.report.context import Context
from pipeline.publishing.report.passages import Fixed, passage
from pipeline.publishing.report.printed import Row
from pipeline.publishing.report.sections.common import in_midst, missing, table_of
from pipeline.publishing.report.vega import Text
from pipeline.publishing.report.words import short

_CURVES = {
    "enrolled": ("all enrolled", charts.BLUE),
    "two_sessions": ("came twice or more", charts.ORANGE),
}
_ENROLMENT = "Enrolled"


def retention(context: Context) -> Section:
    blocks: list[Block] = []
    rows = context.printed.rows("retention")
    drawn = [
        series
        for denominator in _CURVES
        if (series := _series(context, [r for r in rows if r["denominator"] == denominator]))
    ]
    if drawn:
        blocks.append(_picture(context, rows, drawn))
    else:
        blocks.append(missing("how many stayed"))
    blocks += _who_left(context)
    return Section("retention", passage("Who stayed"), blocks)


def _series(context: Context, rows: list[Row]) -> Series | None:
    """The curve as far as it is printed without a gap; it begins with everybody."""
    if not rows or not rows[0].has("retained"):
        return None
    places = [_ENROLMENT, *(short(wave) for wave in context.waves)]
    points = [Point(places[int(rows[0]["time"])], 100, None, None, "")]
    for row in rows:
        if not row.has("retained"):
            break
        place = min(int(row["to_time"]), len(places) - 1)
        points.append(Point(places[place], row["retained"], None, None, row.source("retained")))
    label, colour = _CURVES[rows[0].text("denominator")]
    return Series(label, points, colour)


def _picture(context: Context, rows: list[Row], drawn: list[Series]) -> Picture:
    labels = [_ENROLMENT, *(short(wave) for wave in context.waves)]
    title = "Share of officers still taking part"
    shown = ", ".join(series.label for series in drawn)
    description = f"One falling line of steps for {shown}, from enrolment to the last wave."

    return Picture(
        passage(
            title,
            ". An officer counts as lost from the measuring point that they missed or had left "
            "by, unless they answered again later (Kaplan\N{EN DASH}Meier, from rounded counts).",
        ),
        charts.steps(drawn, labels, Text("retention", title, description)),
        table_of(
            passage(title, ", step by step"),
            rows,
            [("Counted of", "denominator"), ("Step begins at", "wave")],
            [("At risk", "n_at_risk"), ("Lost", "n_left"), ("Still taking part, %", "retained")],
        ),
    )


def _who_left(context: Context) -> list[Block]:
    instrument = context.programme.primary.instrument
    rows = context.printed.rows("attrition", denominator="enrolled", instrument=instrument)
    if not any(row.has("mean_left") for row in rows):
        return [missing("how those who left had begun")]
    primary = next(
        (r for r in rows if r.text("subscale") == context.programme.primary.subscale), rows[0]
    )
    blocks: list[Block] = []
    if primary.has("n_left", "n_stayed"):
        blocks.append(
            Paragraph(
                passage(
                    "About ",
                    primary.figure("n_left"),
                    " officers who had answered at ",
                    in_midst(context.waves[0]),
                    " dropped out later and about ",
                    primary.figure("n_stayed"),
                    " stayed. A standardised difference above ",
                    Fixed("0.10"),
                    " is notable, above ",
                    Fixed("0.25"),
                    " serious: then those who stayed do not stand for those who began.",
                )
            )
        )
    blocks.append(
        table_of(
            passage("Mean score at ", in_midst(context.waves[0]), " of those who left and stayed"),
            rows,
            [("Subscale", "subscale")],
            [
                ("Left", "mean_left"),
                ("Stayed", "mean_stayed"),
                ("Standardised difference", "standardised_difference"),
                ("Judged by rule", "flag"),
            ],
            folded=False,
        )
    )
    model = context.printed.rows("attrition_model")
    if any(row.has("odds_ratio") for row in model):
        blocks.append(
            table_of(
                passage(
                    "Odds of dropping out, by a model of all at once: a point more on a subscale, "
                    "or a rank group against the largest"
                ),
                model,
                [("Term", "term")],
                [
                    ("Odds ratio", "odds_ratio"),
                    ("Lower limit", "ci_low"),
                    ("Upper limit", "ci_high"),
                ],
            )
        )
    return blocks
