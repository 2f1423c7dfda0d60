"""How scores moved from wave to wave: means of those who answered, and of a model of everybody.

What stays out: changes by organisation (`organisations.py`).
"""

from collections.abc import Sequence

from pipeline.publishing.report import charts
from pipeline.publishing.report.blocks import Block, Paragraph, Picture, Section
from pipeline.publishing.report.charts import Panel, Series
from pipeline.publishing.report.context import Context
from pipeline.publishing.report.passages import Fixed, passage
from pipeline.publishing.report.printed import ALL, Row
from pipeline.publishing.report.sections.common import (
    direction,
    in_midst,
    missing,
    named,
    point,
    table_of,
)
from pipeline.publishing.report.vega import GREY, INK, Text
from pipeline.publishing.report.words import readable, short


def trajectories(context: Context) -> Section:
    blocks: list[Block] = []
    title = passage("How scores moved")
    instrument = context.programme.primary.instrument
    rows = context.printed.rows("wave_summary", organisation=ALL, arm=ALL, instrument=instrument)
    if not any(row.has("mean") for row in rows):
        blocks.append(missing("mean scores"))
    else:
        blocks.append(
            _picture(
                context,
                "means",
                rows,
                "Mean score of those who answered at each measuring point",
                " The shaded band is the 95% interval.",
                "mean",
                "ci_low",
                "ci_high",
            )
        )
        blocks.append(
            Paragraph(
                passage(
                    "Not the same officers answered every time, so a difference between two points "
                    "is not the change of anybody. Changes of the same officers stand in the table "
                    "below."
                )
            )
        )
    blocks += _changes(context)
    blocks += _model(context)
    blocks += _arms(context)
    return Section("scores", title, blocks)


def _picture(
    context: Context,
    name: str,
    rows: Sequence[Row],
    title: str,
    band: str,
    *columns: str,
) -> Picture:
    value, low, high = columns
    panels = [
        Panel(
            readable(subscale),
            direction(context, subscale),
            [Series("all", _points(rows, subscale, value, low, high))],
        )
        for subscale in context.subscales
        if _points(rows, subscale, value, low, high)
    ]
    return Picture(
        passage(
            title,
            ".",
            Fixed(band),
            " The three panels have one scale." if len(panels) == 3 else " Panels have one scale.",
        ),
        charts.lines(
            panels, [short(wave) for wave in context.waves], Text(name, title, _description(panels))
        ),
        table_of(
            passage(title),
            rows,
            [("Subscale", "subscale"), ("Measuring point", "wave")],
            [
                ("Officers", "n"),
                ("Mean" if value == "mean" else "Estimate", value),
                ("Lower limit", low),
                ("Upper limit", high),
            ],
        ),
    )


def _points(
    rows: Sequence[Row], subscale: str, value: str, low: str, high: str
) -> list[charts.Point]:
    return [
        point(row, short(row.text("wave")), value, low, high)
        for row in rows
        if row.text("subscale") == subscale and row.has(value)
    ]


def _description(panels: Sequence[Panel]) -> str:
    """What the lines do, in words alone."""
    said = []
    for panel in panels:
        points = panel.series[0].points
        first, last = points[0], points[-1]
        way = (
            "rises"
            if last.value > first.value
            else "falls"
            if last.value < first.value
            else "ends where it began"
        )
        said.append(f"{panel.title} {way} from {first.label} to {last.label}.")
    return " ".join(said)


def _changes(context: Context) -> list[Block]:
    rows = [
        row
        for row in context.printed.rows(
            "paired_change",
            organisation=ALL,
            arm=ALL,
            instrument=context.programme.primary.instrument,
        )
        if row.has("mean_change")
    ]
    if not rows:
        return [missing("changes of the same officers")]
    rows.sort(key=lambda row: context.subscales.index(row.text("subscale")))
    begins = {row.text("from_wave") for row in rows}
    since = passage(" since ", in_midst(*begins)) if len(begins) == 1 else ()
    return [
        table_of(
            passage(
                "Change",
                *since,
                " of officers who answered both times, in points; a standardised "
                "change (d) relates it to the spread of scores. Limits ignore that officers of one "
                "organisation are alike",
            ),
            rows,
            [
                ("Subscale", "subscale"),
                *([] if since else [("From", "from_wave")]),
                ("To", "to_wave"),
            ],
            [
                ("Officers", "n"),
                ("Change", "mean_change"),
                ("Lower limit", "ci_low"),
                ("Upper limit", "ci_high"),
                ("d", "d_av"),
            ],
            folded=False,
        )
    ]


def _model(context: Context) -> list[Block]:
    rows = [
        row
        for row in context.printed.rows(
            "trajectory", arm=ALL, instrument=context.programme.primary.instrument
        )
        if row.has("estimate")
    ]
    if not rows:
        return [missing("the model that lets officers count who left early")]
    return [
        _picture(
            context,
            "model",
            rows,
            "Estimated mean of everybody who began, those who left early included",
            " A mixed model for repeated measures; 95% intervals allow for officers of one "
            "organisation being alike. Without a band the interval is left out.",
            "estimate",
            "ci_low",
            "ci_high",
        )
    ]


def _arms(context: Context) -> list[Block]:
    arms = [
        arm
        for arm in context.programme.arm_names
        if any(
            row.has("mean")
            for row in context.printed.rows("wave_summary", organisation=ALL, arm=arm)
        )
    ]
    if len(arms) < 2:
        return []
    primary = context.programme.primary
    colours = (charts.BLUE, charts.ORANGE, GREY, INK)
    found = {
        arm: context.printed.rows(
            "wave_summary", organisation=ALL, arm=arm, instrument=primary.instrument
        )
        for arm in arms
    }
    series = [
        Series(
            readable(arm),
            _points(found[arm], primary.subscale, "mean", "ci_low", "ci_high"),
            colours[place % len(colours)],
            with_values=False,
        )
        for place, arm in enumerate(arms)
    ]
    series = [each for each in series if each.points]
    if len(series) < 2:
        return []
    title = "Mean score by group"
    panel = Panel(readable(primary.subscale), direction(context, primary.subscale), series)
    return [
        Picture(
            passage(
                title,
                ", ",
                named(primary.subscale),
                ". Groups may differ from the start; a difference between two lines is not an "
                "effect by itself. A gap is a figure that is left out.",
            ),
            charts.lines(
                [panel],
                [short(wave) for wave in context.waves],
                Text(
                    "arms",
                    title,
                    f"One line for each group: {', '.join(s.label for s in series)}.",
                ),
            ),
            table_of(
                passage(title),
                [row for arm in arms for row in found[arm]],
                [("Group", "arm"), ("Subscale", "subscale"), ("Measuring point", "wave")],
                [
                    ("Officers", "n"),
                    ("Mean", "mean"),
                    ("Lower limit", "ci_low"),
                    ("Upper limit", "ci_high"),
                ],
            ),
        )
    ]
