"""Charts: their specifications keep to the schema, and their SVGs hold what they are given."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import altair as alt
import pytest
from jsonschema.exceptions import ValidationError

from pipeline.publishing.report import charts, vega
from pipeline.publishing.report.charts import Bar, Panel, Piece, Point, Series, Shape
from pipeline.publishing.report.svg import embedded
from pipeline.publishing.report.vega import Spec, Text

LABELS = ["Baseline", "Session 5", "Session 10", "3 months"]
TEXT = Text("name", "Title & <more>", "What it shows.")


def _points(values: Sequence[float | None]) -> list[Point]:
    return [
        Point(label, value, value - 1, value + 1, f"t.{at}.mean")
        for at, (label, value) in enumerate(zip(LABELS, values, strict=True), start=1)
        if value is not None
    ]


@pytest.fixture
def specs(monkeypatch: pytest.MonkeyPatch) -> list[Spec]:
    """Every specification that is drawn."""
    found: list[Spec] = []
    draw = vega.drawn

    def kept(chart: Spec, text: Text, colours: Mapping[str, str]) -> str:
        found.append(vega.whole(chart))
        return draw(chart, text, colours)

    monkeypatch.setattr(vega, "drawn", kept)
    return found


def test_every_kind_of_chart_keeps_to_the_schema_of_vega_lite(specs: list[Spec]) -> None:
    series = [
        Series("here", _points([20.0, 21.5, None, 22.0])),
        Series("all", _points([20.0, 21.0, 21.0, 22.0]), charts.ORANGE, with_values=False),
    ]
    charts.lines([Panel("Burnout", "lower is better", series)], LABELS, TEXT)
    charts.intervals(
        [
            Point("A", -1.2, -2.0, 0.1, "t.1.a", -3.0, 2.0, said="x", said_source="t.1.b"),
            Point("B", 1.0, None, None, "t.2.a", is_total=True),
        ],
        "Change",
        TEXT,
    )
    charts.bars(
        [("Group", [Bar("Before", [Piece("low", 10, "t.1.n"), Piece("high", 20, "t.2.n")])])], TEXT
    )
    charts.steps(
        [
            Series(
                "all",
                [
                    Point("Baseline", 100, None, None, ""),
                    Point("Session 5", 80, None, None, "t.1.p"),
                ],
            )
        ],
        LABELS,
        TEXT,
    )
    assert len(specs) == 4 * len(Shape)
    for spec in specs:
        alt.Chart.from_dict(spec, validate=True)
    broken = {**specs[0], "vconcat": [{"mark": {"type": "no such mark"}}]}
    with pytest.raises(ValidationError):
        alt.VConcatChart.from_dict(broken, validate=True)


def test_a_line_is_broken_where_a_figure_is_left_out(specs: list[Spec]) -> None:
    points = _points([20.0, 21.0, None, 22.0])
    charts.lines([Panel("Burnout", "", [Series("here", points)])], LABELS, TEXT)
    rows = specs[0]["vconcat"][0]["data"]["values"]
    assert [row["stretch"] for row in rows] == ["here 0", "here 0", "here 1"]


def test_panels_have_one_scale(specs: list[Spec]) -> None:
    steep = Panel("A", "", [Series("a", _points([10.0, 30.0, 20.0, 20.0]))])
    level = Panel("B", "", [Series("b", _points([10.0, 10.5, 10.0, 10.0]))])
    charts.lines([steep, level], LABELS, TEXT)
    spans = set()
    for panel in specs[0]["vconcat"]:
        low, high = panel["layer"][1]["encoding"]["y"]["scale"]["domain"]
        spans.add(round(high - low, 9))
    assert len(spans) == 1


def test_values_in_a_chart_name_their_source_and_other_digits_are_fixed() -> None:
    drawing = charts.intervals(
        [
            Point(
                "Force 7",
                -1.2,
                -2.0,
                -0.4,
                "paired_change.3.mean_change",
                said="2.0 to 0.4",
                said_source="a.1.b a.1.c",
            )
        ],
        "Change",
        TEXT,
    )
    assert 'data-from="paired_change.3.mean_change"' in drawing.wide
    assert 'data-from="a.1.b a.1.c"' in drawing.wide
    texts = re.findall(r"<text([^>]*)>([^<]*\d[^<]*)</text>", drawing.wide)
    assert texts
    assert all("data-from" in attributes or "data-static" in attributes for attributes, _ in texts)


def test_a_chart_is_an_image_with_escaped_words_and_no_fonts_of_its_own() -> None:
    drawing = charts.intervals([Point("<b>&", 1.0, 0.5, 1.5, "t.1.a")], "Change", TEXT)
    for svg in (drawing.wide, drawing.narrow):
        assert svg.startswith("<svg")
        assert "<b>" not in svg
        assert "Title &amp; &lt;more&gt;" in svg
        assert "font-family" not in svg
        assert "aria-label=" not in svg
    assert 'id="name-wide-title"' in drawing.wide
    assert 'id="name-narrow-title"' in drawing.narrow


def test_places_are_rounded_and_nothing_unseen_is_kept() -> None:
    svg = embedded(
        '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="5"><rect fill="white"/>'
        '<g><path d="M0,0"/></g><g transform="translate(1.23456,-0.00001)">'
        '<text aria-label="from t.1.a">2</text></g></svg>',
        "n", "t", "d",
    )  # fmt: skip
    assert "rect" not in svg
    assert "<path" not in svg
    assert 'transform="translate(1.2,0)"' in svg


def test_colours_differ_in_lightness_and_can_be_read_on_white() -> None:
    def lightness(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for colour in (charts.BLUE, charts.ORANGE, vega.INK, vega.MUTED):
        assert 1.05 / (lightness(colour) + 0.05) >= 4.5, "text needs a contrast of 4.5"
    assert 1.05 / (lightness(vega.GREY) + 0.05) >= 3, "lines need a contrast of 3"
    low, moderate, high = (lightness(charts._BANDS[b][0]) for b in ("low", "moderate", "high"))
    assert low > moderate > high


def test_a_chart_of_many_reports_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    vega._svg.cache_clear()
    points = [
        Point("A", -1.2, -2.0, 0.1, "t.1.a", stands_out=True),
        Point("B #000002", 1.0, 0.2, 1.8, "t.2.a"),
        Point("All", 0.1, -0.1, 0.3, "t.3.a", is_total=True),
    ]
    other = [replace(points[0], stands_out=False), replace(points[1], stands_out=True), points[2]]
    first, second = (charts.intervals(rows, "Change", TEXT) for rows in (points, other))
    assert vega._svg.cache_info().misses == 2
    assert first.wide != second.wide
    for drawing in (first, second):
        for svg in (drawing.wide, drawing.narrow):
            assert not vega._PAINT.search(svg), "every colour is a real one"
            assert {charts.ORANGE, charts.BLUE, vega.INK} <= set(re.findall(r"#[0-9a-f]{6}", svg))
    monkeypatch.setattr(charts, "_paints", lambda place: charts._colours(points[place]))
    assert charts.intervals(points, "Change", TEXT) == first, "as if drawn in its colours"
    assert "B #000002" in first.wide


def test_a_long_name_is_put_shorter_before_it_is_cut() -> None:
    assert charts._fitting("Service: 10 years and over", Shape.NARROW) == "Service: 10 years+"
    assert charts._fitting("Service: 10 years and over", Shape.WIDE) == "Service: 10 years and over"
