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
    {
        "role",
        "aria-label",
        "aria-roledescription",
        "aria-hidden",
        "class",
        "font-family",
        "pointer-events",
        "stroke-miterlimit",
    }
)
_DEFAULTS: Final = frozenset({("opacity", "1"), ("stroke-width", "1")})

ET.register_namespace("", _SVG)


def embedded(svg: str, name: str, title: str, description: str) -> str:
    """An SVG of the chart library as an image with a name and a description.

    `name` is unique in the page. Places are rounded to a tenth of a pixel. A text keeps its source
    as `data-from`; any other that holds digits (of axes and names) is marked `data-static`.
    """
    root = ET.fromstring(svg)  # noqa: S314 - made by the chart library from our own specification
    _tidy(root)
    root.attrib.pop("version", None)
    root.attrib |= {
        "class": "chart",
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-text",
        "viewBox": f"0 0 {root.get('width')} {root.get('height')}",
    }
    root.insert(0, _words("title", f"{name}-title", title))
    root.insert(1, _words("desc", f"{name}-text", description))
    return ET.tostring(root, encoding="unicode")


def _words(tag: str, id_: str, text: str) -> ET.Element:
    element = ET.Element(f"{{{_SVG}}}{tag}", {"id": id_, "data-static": ""})
    element.text = text
    return element


def _tidy(element: ET.Element) -> None:
    """Drop what is not seen, and mark texts."""
    label = element.get("aria-label", "")
    kept = {
        key: _DECIMAL.sub(_to_a_tenth, value) if key in _PLACED else value
        for key, value in element.attrib.items()
        if key not in _DROPPED and (key, value) not in _DEFAULTS
    }
    element.attrib.clear()
    element.attrib |= kept
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
    if tag == "rect":
        return element.get("fill") == "white"
    if tag == "path":
        has_ink = element.get("stroke") or element.get("fill", "none") != "none"
        return not element.get("d") or not has_ink
    return tag == "g" and all(_is_unseen(child) for child in element)


def _to_a_tenth(found: re.Match[str]) -> str:
    rounded = f"{float(found.group()):.1f}".removesuffix(".0")
    return "0" if rounded == "-0" else rounded
