"""A chart's SVG as it stands in the page: small, with a text alternative, numbers traceable.

What stays out: what a chart shows (`charts.py`).
"""

import re
from typing import Final
from xml.etree import ElementTree as ET

FROM: Final = "from "
"""Begins the description of a text mark that is a figure; what follows is its source."""

_SVG: Final = "http://www.w3.org/2000/svg"
_DECIMAL: Final = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_PLACED: Final = frozenset({"transform", "d", "x", "y", "x2", "y2", "width", "height"})
_DROPPED: Final = frozenset(
    {"role", "aria-label", "aria-roledescription", "aria-hidden", "pointer-events", "class"}
    | {"font-family", "stroke-miterlimit"}
)
_DEFAULTS: Final = {"opacity": "1", "stroke-width": "1", "fill": "none"}

ET.register_namespace("", _SVG)


def embedded(svg: str, name: str, title: str, description: str) -> str:
    """An SVG of the chart library as an image with a name and a description.

    `name` is unique in the page. Places are rounded to a tenth of a pixel. A text keeps its source
    as `data-from`; any other that holds digits (of axes and names) is marked `data-static`.
    """
    root = ET.fromstring(svg)  # noqa: S314 - made by the chart library from our own specification
    _tidy(root)
    width, height = root.get("width", "0"), root.get("height", "0")
    for key in ("xmlns:xlink", "version"):
        root.attrib.pop(key, None)
    root.attrib |= {
        "class": "chart",
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-text",
        "viewBox": f"0 0 {width} {height}",
    }
    for tag, text in (("desc", description), ("title", title)):
        element = ET.Element(f"{{{_SVG}}}{tag}", {"id": f"{name}-{'text' * (tag == 'desc')}"})
        if tag == "title":
            element.set("id", f"{name}-title")
        element.set("data-static", "")
        element.text = text
        root.insert(0, element)
    return ET.tostring(root, encoding="unicode")


def _tidy(element: ET.Element) -> None:
    """Drop what is not seen, and mark texts."""
    label = element.get("aria-label", "")
    is_axis = "role-axis" in element.get("class", "")
    for key in _DROPPED & set(element.attrib):
        del element.attrib[key]
    for key, value in list(element.attrib.items()):
        if _DEFAULTS.get(key) == value and not (key == "fill" and is_axis):
            if key != "fill":
                del element.attrib[key]
        elif key in _PLACED:
            element.set(key, _DECIMAL.sub(_to_a_tenth, value))
    if element.tag == f"{{{_SVG}}}text":
        if label.startswith(FROM):
            element.set("data-from", label.removeprefix(FROM))
        elif any(character.isdigit() for character in element.text or ""):
            element.set("data-static", "")
    for child in list(element):
        if _is_unseen(child):
            element.remove(child)
        else:
            _tidy(child)


def _is_unseen(element: ET.Element) -> bool:
    """Backgrounds, frames without lines, and groups in which nothing is drawn."""
    tag = element.tag.removeprefix(f"{{{_SVG}}}")
    if tag == "rect" and element.get("fill") == "white":
        return True
    if tag == "path" and (
        not element.get("d")
        or (not element.get("stroke") and element.get("fill", "none") == "none")
    ):
        return True
    return tag == "g" and all(_is_unseen(child) for child in element)


def _to_a_tenth(found: re.Match[str]) -> str:
    return (
        f"{float(found.group()):.1f}".removesuffix(".0").replace("-0", "0")
        if abs(float(found.group())) < 0.05
        else f"{float(found.group()):.1f}".removesuffix(".0")
    )
