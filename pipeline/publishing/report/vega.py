"""The few parts of Vega-Lite that the charts are made of, and drawing them as SVG.

What stays out: what a chart shows (`charts.py`). Specifications are plain data: the Python layer
over Vega-Lite takes seconds for the charts of many organisations; in the tests its schema checks
them. The renderer is imported when the first chart is drawn.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from pipeline.publishing.report.svg import FROM, embedded

Spec = dict[str, Any]

INK: Final = "#1a1f26"
MUTED: Final = "#56606b"
RULE: Final = "#d7dce1"
GREY: Final = "#767f88"
FONT_SIZE: Final = 12
_SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"
_PAINT: Final = re.compile(r'="(#0[0-9a-f]{5})"')
_CONFIG: Final[Mapping[str, Any]] = {
    "font": "Arial",
    "view": {"stroke": None},
    "concat": {"spacing": 22},
    "axis": {
        "labelFontSize": FONT_SIZE,
        "titleFontSize": FONT_SIZE,
        "labelColor": MUTED,
        "titleColor": MUTED,
        "gridColor": RULE,
        "domainColor": GREY,
        "tickColor": GREY,
        "titleAnchor": "start",
        "titleFontWeight": "normal",
    },
    "title": {
        "anchor": "start",
        "frame": "group",
        "fontSize": 13,
        "fontWeight": 600,
        "color": INK,
        "subtitleColor": MUTED,
        "subtitleFontSize": FONT_SIZE,
    },
}


@dataclass(frozen=True, slots=True)
class Text:
    """The name of a chart in the page, what it is called and what it shows, in words."""

    name: str
    title: str
    description: str


def quantity(field: str, scale: Spec | None = None, axis: Spec | None = None) -> Spec:
    """A channel of numbers; without a scale it is for the second end of a bar or rule."""
    found: Spec = {"field": field, "type": "quantitative", "axis": axis}
    return found if scale is None else {**found, "scale": scale}


def as_named(field: str) -> Spec:
    """Colour or shape as the row says it."""
    return {"field": field, "type": "nominal", "scale": None}


def words(field: str) -> Spec:
    return {"field": field, "type": "nominal"}


def fixed_at(value: float | str) -> Spec:
    return {"value": value}


def domain(low: float, high: float) -> Spec:
    return {"domain": [low, high], "nice": False, "zero": False}


def layer(kind: str, encoding: Spec, *, where: str = "", **mark: Any) -> Spec:
    """Marks of one kind; `where` says of which rows."""
    made: Spec = {"mark": {"type": kind, **mark}, "encoding": encoding}
    return {**made, "transform": [{"filter": where}]} if where else made


def label(encoding: Spec, *, where: str = "", **mark: Any) -> Spec:
    return layer("text", encoding, where=where, fontSize=FONT_SIZE, **mark)


def layered(
    rows: Sequence[Spec], layers: Sequence[Spec], width: int, height: int, **more: Any
) -> Spec:
    return {
        "data": {"values": list(rows)},
        "layer": list(layers),
        "width": width,
        "height": height,
        **more,
    }


def under_each_other(charts: Sequence[Spec]) -> Spec:
    return {"vconcat": list(charts)}


def from_source(source: str) -> str:
    """What a text mark says of itself, for `svg.embedded` to turn into `data-from`."""
    return FROM + source if source else ""


def paint(number: int) -> str:
    """A colour that stands for another until a chart is drawn: see `drawn`."""
    return f"#0{number:05x}"


def drawn(chart: Spec, text: Text, colours: Mapping[str, str] = MappingProxyType({})) -> str:
    """A chart as the SVG that stands in the page; `colours` says what each `paint` becomes.

    Charts that differ in such colours alone are drawn once: the drawing of sixty-six organisations
    takes a third of a second, and stands in the report of each with another of them coloured.
    """
    svg = _svg(json.dumps(whole(chart)))
    painted = _PAINT.sub(lambda found: f'="{colours.get(found[1], found[1])}"', svg)
    return embedded(painted, text.name, text.title, text.description)


def whole(chart: Spec) -> Spec:
    """A chart with what all charts have in common: a specification of its own."""
    return {"$schema": _SCHEMA, "config": _CONFIG, **chart}


@lru_cache(maxsize=32)
def _svg(spec: str) -> str:
    import vl_convert

    # No address at all may be read from: what is drawn stands in the specification.
    # Of its own data: from a text it would read floating-point numbers with a last digit off.
    chart = json.loads(spec)
    return str(vl_convert.vegalite_to_svg(chart, vl_version="6.4", allowed_base_urls=[]))
