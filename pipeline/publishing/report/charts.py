"""Charts as SVG, each in a wide and a narrow shape: points with intervals, lines, bars, steps.

What belongs here: how a kind of chart looks. What stays out: what it is of (`sections/`). Values come
with the place in a release table that they are from; nothing is computed here but shares of a bar.
Altair and the renderer are imported when the first chart is drawn: they take seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import ceil, floor
from typing import TYPE_CHECKING, Any, Final

from pipeline.publishing.report.svg import FROM, embedded
from pipeline.publishing.report.words import number

if TYPE_CHECKING:
    import altair as alt

INK: Final = "#1a1f26"
MUTED: Final = "#56606b"
RULE: Final = "#d7dce1"
BLUE: Final = "#1f5f99"
ORANGE: Final = "#a84a0b"
GREY: Final = "#767f88"
PALE_BLUE: Final = "#c4d8ea"
"""Blue and orange differ in lightness and for every kind of colour vision; see the tests."""

_BANDS: Final = {"low": ("#d3e3f0", INK), "moderate": ("#8ab4d6", INK), "high": ("#1d4f7c", "#ffffff")}
_MERGED: Final = ("#3f739f", "#ffffff")
_FONT: Final = "Arial"
_SIZE: Final = 12
_BOLD: Final = 600


class Shape(Enum):
    """Width of the drawing in pixels."""

    WIDE = 704
    NARROW = 344


@dataclass(frozen=True, slots=True)
class Point:
    """A value with its interval, None where there is none, and where the value is printed."""

    label: str
    value: float
    low: float | None
    high: float | None
    source: str
    wide_low: float | None = None
    """Of a prediction interval, drawn paler and behind."""
    wide_high: float | None = None
    stands_out: bool = False
    said: str = ""
    """The interval in words, to the right of a wide drawing; `said_source` is where it is from."""
    said_source: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    label: str
    points: Sequence[Point]
    colour: str = BLUE
    with_values: bool = True


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    subtitle: str
    series: Sequence[Series]


@dataclass(frozen=True, slots=True)
class Piece:
    label: str
    n: int
    source: str


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    pieces: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Text:
    """The name of a chart in the page, what it is called and what it shows, in words."""

    name: str
    title: str
    description: str


# ------------------------------------------------------------------ kinds of charts


def lines(panels: Sequence[Panel], labels: Sequence[str], text: Text, shape: Shape) -> str:
    """One panel above the other with places of `labels` in common, and one scale for all.

    A unit of the score is as high in one panel as in another, so that slopes can be compared.
    """
    import altair as alt

    span = max((_span(panel) for panel in panels), default=1)
    width = shape.value - (120 if shape is Shape.WIDE and _has_names(panels) else 40)
    drawn = [
        _line_panel(panel, labels, span, width, shape, is_last=panel is panels[-1])
        for panel in panels
    ]
    return _drawn(alt.vconcat(*drawn, spacing=22), text)


def intervals(points: Sequence[Point], axis: str, text: Text, shape: Shape) -> str:
    """A row for each point with its interval, one under the other, and a line at no change."""
    import altair as alt

    names = [point.label for point in points]
    said = shape is Shape.WIDE and any(point.said for point in points)
    room = min(9 * max(map(len, names), default=8), 230 if shape is Shape.WIDE else 128)
    width = shape.value - room - (126 if said else 8)
    ends = [
        value
        for point in points
        for value in (point.value, point.low, point.high, point.wide_low, point.wide_high, 0.0)
        if value is not None
    ]
    low, high, ticks = _axis(min(ends), max(ends))
    rows = [_interval_row(point, place) for place, point in enumerate(points)]
    y = alt.Y(
        "place:O",
        axis=alt.Axis(
            labels=False, ticks=False, domain=False, title=None, grid=False, minExtent=room
        ),
    )
    x = alt.X(
        "value:Q",
        scale=alt.Scale(domain=[low, high], nice=False, zero=False),
        axis=alt.Axis(
            values=ticks, title=axis, titleAnchor="start", titleFontWeight="normal", format=",~g",
            orient="bottom",
        ),
    )
    base = alt.Chart(alt.Data(values=rows)).encode(y=y)
    zero = (
        alt.Chart(alt.Data(values=[{"value": 0}]))
        .mark_rule(color=GREY, strokeWidth=1)
        .encode(x=x)
    )
    colour = alt.Color("colour:N", scale=None)
    layers = [
        zero,
        base.transform_filter("datum.wide_low != null")
        .mark_bar(height=9, cornerRadius=4, color=PALE_BLUE)
        .encode(x=alt.X("wide_low:Q"), x2="wide_high:Q"),
        base.transform_filter("datum.low != null")
        .mark_rule(strokeWidth=1.6)
        .encode(x=alt.X("low:Q"), x2="high:Q", color=colour),
        base.mark_point(filled=True, size=44, opacity=1).encode(
            x=x, color=colour, shape=alt.Shape("shape:N", scale=None)
        ),
        base.mark_text(align="left", fontSize=_SIZE, dx=-room).encode(
            x=alt.value(0), text="label:N", color=alt.Color("ink:N", scale=None)
        ),
    ]
    if said:
        layers += [
            base.mark_text(align="right", fontSize=_SIZE, dx=dx).encode(
                x=alt.value(width), text=f"{column}:N", description=f"{column}_from:N",
                color=alt.value(INK),
            )
            for column, dx in (("shown", 40), ("said", 120))
        ]
    step = 17 if len(points) > 30 else 22
    chart = alt.layer(*layers).properties(width=width, height=step * max(1, len(points)))
    return _drawn(chart, text)


def bars(groups: Sequence[tuple[str, Sequence[Bar]]], text: Text, shape: Shape) -> str:
    """Bars that are whole, each cut into its pieces, one group under the other."""
    import altair as alt

    room = 96
    width = shape.value - room - 8
    drawn = []
    for title, group in groups:
        rows = [row for place, bar in enumerate(group) for row in _pieces(bar, place, width)]
        base = alt.Chart(alt.Data(values=rows)).encode(
            y=alt.Y(
                "place:O",
                axis=alt.Axis(
                    labels=False, ticks=False, domain=False, title=None, minExtent=room
                ),
            )
        )
        scale = alt.Scale(domain=[0, 1])
        layers = [
            base.mark_bar(height=20, stroke="#ffffff", strokeWidth=1.5).encode(
                x=alt.X("start:Q", scale=scale, axis=None),
                x2="end:Q",
                color=alt.Color("colour:N", scale=None),
            ),
            base.transform_filter("datum.fits").mark_text(fontSize=_SIZE).encode(
                x=alt.X("middle:Q", scale=scale, axis=None), text="shown:N",
                description="from:N", color=alt.Color("ink:N", scale=None),
            ),
            base.transform_filter("datum.heads")
            .mark_text(fontSize=_SIZE, align="left", baseline="bottom", dy=-14)
            .encode(x=alt.X("start:Q", scale=scale, axis=None), text="label:N",
                    color=alt.value(MUTED)),
            base.transform_filter("datum.start == 0").mark_text(
                align="left", fontSize=_SIZE, dx=-room
            ).encode(x=alt.value(0), text="bar:N", color=alt.value(INK)),
        ]
        drawn.append(
            alt.layer(*layers).properties(
                width=width, height=27 * len(group), title=_title(title, "", offset=22)
            )
        )
    return _drawn(alt.vconcat(*drawn, spacing=20), text)


def steps(series: Sequence[Series], labels: Sequence[str], text: Text, shape: Shape) -> str:
    """Shares in whole percent that fall in steps, every step labelled."""
    import altair as alt

    width = shape.value - (130 if shape is Shape.WIDE else 36)
    rows, heads = [], []
    for each in series:
        for place, point in enumerate(each.points):
            rows.append(
                {
                    "x": labels.index(point.label), "y": point.value, "series": each.label,
                    "colour": each.colour, "shown": f"{number(int(point.value))}%",
                    "from": FROM + point.source if point.source else "",
                    "last": place == len(each.points) - 1,
                }
            )
        heads.append({**rows[-1], "shown": each.label})
    x = alt.X(
        "x:Q", scale=alt.Scale(domain=[0, max(1, len(labels) - 1)], nice=False),
        axis=_named_places(labels, shape),
    )
    y = alt.Y(
        "y:Q", scale=alt.Scale(domain=[0, 104], nice=False),
        axis=alt.Axis(
            values=[0, 50, 100], labelExpr="datum.value + '%'", title=None, grid=True,
            gridColor=RULE, domain=False, ticks=False,
        ),
    )
    colour = alt.Color("colour:N", scale=None)
    base = alt.Chart(alt.Data(values=rows)).encode(x=x, y=y, color=colour)
    layers = [
        base.mark_line(interpolate="step-after", strokeWidth=2.2).encode(detail="series:N"),
        base.mark_point(filled=True, size=34, opacity=1),
        base.mark_text(fontSize=_SIZE, dy=-11, align="center").encode(
            text="shown:N", description="from:N"
        ),
    ]
    if len(series) > 1:
        layers.append(
            alt.Chart(alt.Data(values=heads)).mark_text(fontSize=_SIZE, align="left", dx=10)
            .encode(x=x, y=y, color=colour, text="shown:N")
        )
    chart = alt.layer(*layers).properties(width=width, height=220)
    return _drawn(chart, text)


# ------------------------------------------------------------------ parts of charts


def _line_panel(
    panel: Panel, labels: Sequence[str], span: float, width: int, shape: Shape, *, is_last: bool
) -> "alt.LayerChart":
    import altair as alt

    values = [
        end
        for series in panel.series
        for point in series.points
        for end in (point.value, point.low, point.high)
        if end is not None
    ]
    middle = (min(values) + max(values)) / 2 if values else 0.0
    scale = alt.Scale(domain=[middle - span / 2, middle + span / 2], nice=False, zero=False)
    y = alt.Y("value:Q", scale=scale, axis=None)
    axis = _named_places(labels, shape)
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[0, max(1, len(labels) - 1)], nice=False),
        axis=axis if is_last else alt.Axis(
            values=list(range(len(labels))), labels=False, ticks=False, title=None,
            domainColor=RULE, grid=False,
        ),
    )
    rows = [
        {
            "x": labels.index(point.label), "value": point.value, "low": point.low,
            "high": point.high, "colour": series.colour, "series": series.label,
            "shown": number(point.value) if series.with_values else "",
            "from": FROM + point.source,
            "top": point.value if point.high is None else point.high,
        }
        for series in panel.series
        for point in series.points
    ]
    colour = alt.Color("colour:N", scale=None)
    base = alt.Chart(alt.Data(values=rows)).encode(x=x, color=colour)
    layers = [
        base.transform_filter("datum.low != null")
        .mark_area(opacity=0.14)
        .encode(y=alt.Y("low:Q", scale=scale, axis=None), y2="high:Q", detail="series:N"),
        base.mark_line(strokeWidth=2.2).encode(y=y, detail="series:N"),
        base.mark_point(filled=True, size=38, opacity=1).encode(y=y),
        base.transform_filter("datum.shown != ''")
        .mark_text(fontSize=_SIZE, baseline="bottom", dy=-5)
        .encode(
            y=alt.Y("top:Q", scale=scale, axis=None), text="shown:N", description="from:N"
        ),
    ]
    if _has_names([panel]):
        last = {row["series"]: row for row in rows}
        layers.append(
            alt.Chart(alt.Data(values=list(last.values())))
            .mark_text(fontSize=_SIZE, align="left", dx=9)
            .encode(x=x, y=y, text="series:N", color=colour)
        )
    height = 128 if shape is Shape.WIDE else 120
    return alt.layer(*layers).properties(
        width=width, height=height, title=_title(panel.title, panel.subtitle)
    )


def _has_names(panels: Sequence[Panel]) -> bool:
    return any(len(panel.series) > 1 for panel in panels)


def _span(panel: Panel) -> float:
    ends = [
        end
        for series in panel.series
        for point in series.points
        for end in (point.value, point.low, point.high)
        if end is not None
    ]
    return max(4.0, 1.35 * (max(ends) - min(ends))) if ends else 4.0


def _interval_row(point: Point, place: int) -> dict[str, Any]:
    return {
        "place": place,
        "label": point.label,
        "value": point.value,
        "low": point.low,
        "high": point.high,
        "wide_low": point.wide_low,
        "wide_high": point.wide_high,
        "shape": "diamond" if point.stands_out else "circle",
        "colour": ORANGE if point.stands_out else BLUE,
        "ink": ORANGE if point.stands_out else INK,
        "shown": number(point.value, signed=True),
        "shown_from": FROM + point.source,
        "said": point.said,
        "said_from": FROM + point.said_source,
    }


def _pieces(bar: Bar, place: int, width: int) -> list[dict[str, Any]]:
    total = sum(piece.n for piece in bar.pieces)
    found, start = [], 0.0
    for piece in bar.pieces:
        share = piece.n / total
        colour, ink = _BANDS.get(piece.label, _MERGED)
        shown = number(piece.n)
        found.append(
            {
                "place": place, "bar": bar.label, "label": piece.label.replace("_", " "),
                "start": start, "end": start + share, "middle": start + share / 2,
                "shown": shown, "from": FROM + piece.source, "colour": colour, "ink": ink,
                "fits": share * width > 8 * len(shown), "heads": place == 0,
            }
        )
        start += share
    return found


def _named_places(labels: Sequence[str], shape: Shape) -> "alt.Axis":
    import altair as alt

    leans = shape is Shape.NARROW and len(labels) > 3
    return alt.Axis(
        values=list(range(len(labels))),
        labelExpr=f"{list(labels)}[datum.value]",
        labelAngle=-40 if leans else 0,
        labelAlign="right" if leans else "center",
        labelOverlap=False,
        labelFlush=False,
        title=None,
        grid=False,
        domainColor=GREY,
        tickColor=GREY,
    )


def _axis(low: float, high: float) -> tuple[float, float, list[float]]:
    """Ends and ticks of an axis in steps that people count in."""
    spread = max(high - low, 1.0)
    step = next(s for s in (0.5, 1, 2, 5, 10, 20, 50, 100) if spread / s <= 7)
    first, last = floor(low / step), ceil(high / step)
    return first * step, last * step, [step * i for i in range(first, last + 1)]


def _title(text: str, subtitle: str, offset: int = 8) -> "alt.TitleParams":
    import altair as alt

    return alt.TitleParams(
        text, subtitle=subtitle, anchor="start", frame="group", offset=offset, fontSize=13,
        fontWeight=_BOLD, color=INK, subtitleColor=MUTED, subtitleFontSize=_SIZE,
    )


def _drawn(chart: "alt.TopLevelMixin", text: Text) -> str:
    import vl_convert

    drawn = (
        chart.configure(font=_FONT, background="#ffffff")
        .configure_view(stroke=None)
        .configure_axis(labelFontSize=_SIZE, titleFontSize=_SIZE, labelColor=MUTED,
                        titleColor=MUTED, gridColor=RULE, domainColor=GREY)
    )
    svg = vl_convert.vegalite_to_svg(drawn.to_dict(), allowed_base_urls=[])
    return embedded(svg, text.name, text.title, text.description)
