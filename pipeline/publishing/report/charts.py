"""Charts as SVG, each in a wide and a narrow shape: lines, intervals, bars, steps.

What belongs here: how a kind of chart looks. What stays out: what it is of (`sections/`). Values
come with the place in a release table that they are from; nothing is computed but shares of a bar.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import count
from math import ceil, floor
from types import MappingProxyType
from typing import Final

from pipeline.publishing.report import vega
from pipeline.publishing.report.blocks import Drawing
from pipeline.publishing.report.vega import FONT_SIZE, GREY, INK, MUTED, RULE, Spec, Text
from pipeline.publishing.report.words import number

BLUE: Final = "#1f5f99"
ORANGE: Final = "#a84a0b"
PALE_BLUE: Final = "#c4d8ea"
"""Blue and orange differ for every kind of colour vision; no chart needs colour to be read."""

_BANDS: Final = {
    "low": ("#d3e3f0", INK),
    "moderate": ("#8ab4d6", INK),
    "high": ("#1d4f7c", "#ffffff"),
}
_MERGED: Final = ("#3f739f", "#ffffff")
_MANY: Final = 30
"""Rows from which on they stand closer together."""


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
    """The one whose report it is."""
    is_total: bool = False
    said: str = ""
    """The interval in words, to the right of a wide drawing; `said_source` is where it is from."""
    said_source: str = ""

    @property
    def ends(self) -> list[float]:
        every = (self.value, self.low, self.high, self.wide_low, self.wide_high)
        return [end for end in every if end is not None]


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

    @property
    def ends(self) -> list[float]:
        return [end for series in self.series for point in series.points for end in point.ends]


@dataclass(frozen=True, slots=True)
class Piece:
    label: str
    n: int
    source: str


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    pieces: Sequence[Piece]


def _in_both(
    text: Text,
    chart: Callable[[Shape], Spec],
    colours: Mapping[str, str] = MappingProxyType({}),
) -> Drawing:
    return Drawing(
        **{
            name: vega.drawn(chart(shape), replace(text, name=f"{text.name}-{name}"), colours)
            for name, shape in (("wide", Shape.WIDE), ("narrow", Shape.NARROW))
        }
    )


# ------------------------------------------------------------------ lines


def lines(panels: Sequence[Panel], labels: Sequence[str], text: Text) -> Drawing:
    """One panel above the other with places of `labels` in common, and one scale for all.

    A point of the score is as high in one panel as in another, so that slopes can be compared.
    """
    return _in_both(text, lambda shape: _lines(panels, labels, shape))


def _lines(panels: Sequence[Panel], labels: Sequence[str], shape: Shape) -> Spec:
    are_named = any(len(panel.series) > 1 for panel in panels)
    span = max(max(4.0, 1.35 * (max(p.ends) - min(p.ends))) for p in panels)
    width = shape.value - (130 if are_named and shape is Shape.WIDE else 78 if are_named else 52)
    return vega.under_each_other(
        [
            _line_panel(panel, labels, span, width, shape, is_last=panel is panels[-1])
            for panel in panels
        ]
    )


def _line_panel(
    panel: Panel, labels: Sequence[str], span: float, width: int, shape: Shape, *, is_last: bool
) -> Spec:
    middle = (min(panel.ends) + max(panel.ends)) / 2
    scale = vega.domain(middle - span / 2, middle + span / 2)
    x = vega.quantity(
        "x", vega.domain(0, max(1, len(labels) - 1)), _places(labels, shape, said=is_last)
    )
    y = vega.quantity("value", scale)
    here: Spec = {"x": x, "color": vega.as_named("colour")}
    parted = {"detail": vega.words("stretch")}
    layers = [
        vega.layer(
            "area",
            {**here, **parted, "y": vega.quantity("low", scale), "y2": {"field": "high"}},
            where="datum.low != null",
            opacity=0.15,
        ),
        vega.layer("line", {**here, **parted, "y": y}, strokeWidth=2.2),
        vega.layer("point", {**here, "y": y}, filled=True, size=38, opacity=1),
        vega.label(
            {
                **here,
                "y": vega.quantity("top", scale),
                "text": vega.words("shown"),
                "description": vega.words("from"),
            },
            where="datum.shown != ''",
            baseline="bottom",
            dy=-5,
        ),
    ]
    if len(panel.series) > 1:
        layers.append(
            vega.label(
                {**here, "y": vega.quantity("beside", scale), "text": vega.words("series")},
                where="datum.last",
                align="left",
                dx=9,
            )
        )
    height = 128 if shape is Shape.WIDE else 116
    rows = [row for series in panel.series for row in _line_rows(series, labels)]
    _set_apart([row for row in rows if row["last"]], (FONT_SIZE + 1) * span / height)
    return vega.layered(
        rows,
        layers,
        width,
        height,
        title={"text": panel.title, "subtitle": panel.subtitle, "offset": 8},
    )


def _set_apart(ends: list[Spec], least: float) -> None:
    """Where names of lines stand: beside their ends, no closer to each other than they are high."""
    lowest = float("-inf")
    for row in sorted(ends, key=lambda row: row["value"]):
        row["beside"] = lowest = max(row["value"], lowest + least)


def _line_rows(series: Series, labels: Sequence[str]) -> list[Spec]:
    """A row a point; a line is broken where the place between two points has none."""
    rows: list[Spec] = []
    stretch, before = 0, -1
    for point in series.points:
        x = labels.index(point.label)
        stretch += x != before + 1
        before = x
        rows.append(
            {
                "x": x,
                "value": point.value,
                "low": point.low,
                "high": point.high,
                "top": point.value if point.high is None else point.high,
                "colour": series.colour,
                "series": series.label,
                "stretch": f"{series.label} {stretch}",
                "last": point is series.points[-1],
                "shown": number(point.value) if series.with_values else "",
                "from": vega.from_source(point.source),
            }
        )
    return rows


def _places(labels: Sequence[str], shape: Shape, *, said: bool = True) -> Spec:
    """An axis whose places have names."""
    leans = shape is Shape.NARROW and len(labels) > 3
    axis: Spec = {"values": list(range(len(labels))), "title": None, "grid": False}
    if not said:
        return {**axis, "labels": False, "ticks": False, "domainColor": RULE}
    return {
        **axis,
        "labelExpr": f"{list(labels)}[datum.value]",
        "labelAngle": -40 if leans else 0,
        "labelAlign": "right" if leans else "center",
        "labelOverlap": False,
        "labelFlush": False,
    }


# ------------------------------------------------------------------ intervals


def intervals(points: Sequence[Point], axis: str, text: Text) -> Drawing:
    """A row for each point with its interval, one under the other, and a line at no change."""
    colours = {
        colour: to
        for place, point in enumerate(points)
        for colour, to in zip(_paints(place), _colours(point), strict=True)
    }
    return _in_both(text, lambda shape: _intervals(points, axis, shape), colours)


def _paints(place: int) -> tuple[str, str]:
    """What the drawing has for a row's colour and ink until it is known whose report it is."""
    return vega.paint(2 * place), vega.paint(2 * place + 1)


def _colours(point: Point) -> tuple[str, str]:
    if point.stands_out:
        return ORANGE, ORANGE
    return INK if point.is_total else BLUE, INK


def _intervals(points: Sequence[Point], axis: str, shape: Shape) -> Spec:
    is_wide = shape is Shape.WIDE
    said = is_wide and any(point.said for point in points)
    points = [replace(point, label=_fitting(point.label, shape)) for point in points]
    room = 7 * max(len(point.label) for point in points) + 14
    width = shape.value - room - (150 if said else 14)
    ends = [end for point in points for end in point.ends]
    low, high, ticks = _axis(min(0.0, *ends), max(0.0, *ends), width)
    scale = vega.domain(low, high)
    y = {"field": "place", "type": "ordinal", "axis": None}
    below = {"values": ticks, "title": axis, "orient": "bottom", "format": "~f"}
    x = vega.quantity("value", scale, below)
    colour = {"color": vega.as_named("colour")}
    layers = [
        vega.layer(
            "rule",
            {"x": {"datum": 0, "type": "quantitative", "scale": scale, "axis": below}},
            color=GREY,
        ),
        vega.layer(
            "bar",
            {"y": y, "x": vega.quantity("wide_low", scale, below), "x2": {"field": "wide_high"}},
            where="datum.wide_low != null",
            height=10,
            cornerRadius=4,
            color=PALE_BLUE,
        ),
        vega.layer(
            "rule",
            {"y": y, "x": vega.quantity("low", scale, below), "x2": {"field": "high"}, **colour},
            where="datum.low != null",
            strokeWidth=1.6,
        ),
        vega.layer(
            "point",
            {"y": y, "x": x, "shape": vega.as_named("shape"), **colour},
            filled=True,
            size=46,
            opacity=1,
        ),
        vega.label(
            {
                "y": y,
                "x": vega.fixed_at(-room),
                "text": vega.words("label"),
                "color": vega.as_named("ink"),
            },
            align="left",
        ),
    ]
    if said:
        layers += [
            vega.label(
                {
                    "y": y,
                    "x": vega.fixed_at(width + dx),
                    "text": vega.words(column),
                    "description": vega.words(f"{column}_from"),
                    "color": vega.as_named("ink"),
                },
                align="right",
            )
            for column, dx in (("shown", 46), ("said", 146))
        ]
    step = 17 if len(points) > _MANY else 23
    rows = [_interval_row(point, place) for place, point in enumerate(points)]
    return vega.layered(rows, layers, width, step * len(points))


def _fitting(name: str, shape: Shape) -> str:
    """A name that leaves room for the drawing; the table below has it whole."""
    most = 34 if shape is Shape.WIDE else 22
    if len(name) > most:
        name = name.replace("Violence Reduction Unit", "VRU").replace(" Constabulary", "")
        name = name.replace(" and over", "+")
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"


def _interval_row(point: Point, place: int) -> Spec:
    colour, ink = _paints(place)
    return {
        "place": place,
        "label": point.label,
        "value": point.value,
        "low": point.low,
        "high": point.high,
        "wide_low": point.wide_low,
        "wide_high": point.wide_high,
        "shape": "diamond" if point.is_total else "circle",
        "colour": colour,
        "ink": ink,
        "shown": number(point.value, signed=True),
        "shown_from": vega.from_source(point.source),
        "said": point.said,
        "said_from": vega.from_source(point.said_source),
    }


def _axis(low: float, high: float, width: int) -> tuple[float, float, list[float]]:
    """Ends of an axis with a little room, and ticks in steps that people count in and that fit."""
    spread = max(high - low, 1.0)
    low, high = low - spread / 25, high + spread / 25
    most = max(2, width // 60)
    powers = (10**exponent for exponent in count())
    step = next(
        s for power in powers for s in (0.5 * power, power, 2.0 * power) if spread / s <= most
    )
    return low, high, [step * i for i in range(ceil(low / step), floor(high / step) + 1)]


# ------------------------------------------------------------------ bars


def bars(groups: Sequence[tuple[str, Sequence[Bar]]], text: Text) -> Drawing:
    """Bars that are whole, each cut into its pieces, one group under the other."""
    return _in_both(text, lambda shape: _bars(groups, shape))


def _bars(groups: Sequence[tuple[str, Sequence[Bar]]], shape: Shape) -> Spec:
    room = 92
    width = shape.value - room - 8
    return vega.under_each_other([_bar_group(title, group, room, width) for title, group in groups])


def _bar_group(title: str, group: Sequence[Bar], room: int, width: int) -> Spec:
    scale = vega.domain(0, 1)
    y = {"field": "place", "type": "ordinal", "axis": None}
    heads = [
        vega.label(
            {
                "y": y,
                "x": vega.quantity(place, scale),
                "text": vega.words("label"),
                "color": vega.fixed_at(MUTED),
            },
            where=f"datum.head == '{align}'",
            align=align,
            baseline="bottom",
            dy=-13,
        )
        for align, place in (("left", "start"), ("center", "middle"), ("right", "end"))
    ]
    layers = [
        vega.layer(
            "bar",
            {
                "y": y,
                "x": vega.quantity("start", scale),
                "x2": {"field": "end"},
                "color": vega.as_named("colour"),
            },
            height=20,
            stroke="#ffffff",
            strokeWidth=1.5,
        ),
        vega.label(
            {
                "y": y,
                "x": vega.quantity("middle", scale),
                "text": vega.words("shown"),
                "description": vega.words("from"),
                "color": vega.as_named("ink"),
            },
            where="datum.fits",
        ),
        vega.label(
            {
                "y": y,
                "x": vega.fixed_at(-room),
                "text": vega.words("bar"),
                "color": vega.fixed_at(INK),
            },
            where="datum.start == 0",
            align="left",
        ),
        *heads,
    ]
    rows = [row for place, bar in enumerate(group) for row in _pieces(bar, place, width)]
    return vega.layered(
        rows, layers, width, 27 * len(group), title={"text": title, "offset": 22, "dx": -room}
    )


def _pieces(bar: Bar, place: int, width: int) -> list[Spec]:
    total = sum(piece.n for piece in bar.pieces)
    found: list[Spec] = []
    start = 0.0
    for piece in bar.pieces:
        share = piece.n / total
        colour, ink = _BANDS.get(piece.label, _MERGED)
        shown = number(piece.n)
        at_end = "right" if piece is bar.pieces[-1] else "center"
        found.append(
            {
                "place": place,
                "bar": bar.label,
                "label": piece.label.replace("_", " "),
                "start": start,
                "end": start + share,
                "middle": start + share / 2,
                "shown": shown,
                "from": vega.from_source(piece.source),
                "colour": colour,
                "ink": ink,
                "fits": share * width > 8 * len(shown),
                "head": "" if place else "left" if piece is bar.pieces[0] else at_end,
            }
        )
        start += share
    return found


# ------------------------------------------------------------------ steps


def steps(series: Sequence[Series], labels: Sequence[str], text: Text) -> Drawing:
    """Shares in whole percent that fall in steps, every step labelled."""
    return _in_both(text, lambda shape: _steps(series, labels, shape))


def _steps(series: Sequence[Series], labels: Sequence[str], shape: Shape) -> Spec:
    are_named = len(series) > 1
    width = shape.value - (190 if are_named and shape is Shape.WIDE else 70)
    rows = [
        {
            "x": labels.index(point.label),
            "y": point.value,
            "series": each.label,
            "colour": each.colour,
            "shown": f"{number(int(point.value))}%",
            "from": vega.from_source(point.source),
            "last": point is each.points[-1],
        }
        for each in series
        for point in each.points
    ]
    here: Spec = {
        "x": vega.quantity("x", vega.domain(0, max(1, len(labels) - 1)), _places(labels, shape)),
        "y": vega.quantity(
            "y",
            vega.domain(0, 108),
            {
                "values": [0, 50],
                "labelExpr": "datum.value + '%'",
                "title": None,
                "domain": False,
                "ticks": False,
            },
        ),
        "color": vega.as_named("colour"),
    }
    layers = [
        vega.layer(
            "line",
            {**here, "detail": vega.words("series")},
            interpolate="step-after",
            strokeWidth=2.2,
        ),
        vega.layer("point", here, filled=True, size=34, opacity=1),
        vega.label(
            {**here, "text": vega.words("shown"), "description": vega.words("from")},
            align="left",
            dx=5,
            dy=-9,
        ),
    ]
    if are_named:
        layers.append(
            vega.label(
                {**here, "text": vega.words("series")},
                where="datum.last",
                align="left",
                dx=12 if shape is Shape.WIDE else -60,
                dy=8,
            )
        )
    return vega.layered(rows, layers, width, 220)
