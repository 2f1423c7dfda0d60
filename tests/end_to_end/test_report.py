"""Reports in a real browser: accessible, complete in themselves, legible on screen and paper."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import opened
from playwright.sync_api import Page
from report_releases import ABOUT, Tables, all_left_out, many, ordinary
from small_evaluation import programme

from pipeline.publishing.report.page import reports

WIDTHS = {"desktop": 1280, "phone": 390}

TEXTS_THAT_OVERLAP = """() => {
  const found = [];
  for (const chart of document.querySelectorAll("svg.chart")) {
    if (!chart.getBoundingClientRect().width) continue;
    const texts = [...chart.querySelectorAll("text")].map(
      text => [text.textContent, text.getBoundingClientRect(), /rotate/.test(
        text.getAttribute("transform"))]);
    for (let i = 0; i < texts.length; i++) for (let j = 0; j < i; j++) {
      const [said, a, leans] = texts[i], [other, b, leansToo] = texts[j];
      if (leans || leansToo) continue;
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 1 && high > 4) found.push(`${said} | ${other}`);
    }
  }
  return found;
}"""
"""Boxes of lines of text are higher than their letters, so those may touch by a few pixels."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("reports")
    sources: dict[str, Callable[[], Tables]] = {
        "ordinary": ordinary,
        "many": many,
        "all-left-out": all_left_out,
    }
    for name, tables in sources.items():
        pages = reports(tables(), programme(), ABOUT)
        (made / f"{name}.html").write_bytes(next(pages)[1])
        if name == "ordinary":
            (made / "one-organisation.html").write_bytes(next(pages)[1])
    return made


@pytest.fixture(params=["ordinary", "one-organisation", "many", "all-left-out"])
def page(request: pytest.FixtureRequest, folder: Path) -> Iterator[Page]:
    with opened("about:blank") as browser:
        asked: list[str] = []
        browser.on("request", lambda made: asked.append(made.url))
        address = f"file://{folder}/{request.param}.html"
        browser.goto(address)
        yield browser
        assert asked == [address], "nothing else is fetched"


def test_it_is_accessible_legible_and_complete(page: Page) -> None:
    for name, width in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        found = Axe().run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = false)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.evaluate(TEXTS_THAT_OVERLAP) == [], name
        assert page.evaluate(
            "[...document.querySelectorAll('svg.chart')]"
            ".every(chart => chart.getBoundingClientRect().right <= innerWidth)"
        ), name


def test_each_chart_is_shown_in_one_shape(page: Page) -> None:
    for width in WIDTHS.values():
        page.set_viewport_size({"width": width, "height": 900})
        shown, drawn = page.evaluate(
            "(all => [all.filter(s => s.getBoundingClientRect().width).length, all.length])"
            "([...document.querySelectorAll('svg.chart')])"
        )
        assert shown * 2 == drawn


def test_it_prints_on_sensible_pages(page: Page) -> None:
    printed = page.pdf(prefer_css_page_size=True)
    pages = len(re.findall(rb"/Type\s*/Page\b", printed))
    assert 2 <= pages <= 16
    sizes = {
        tuple(round(float(side)) for side in box.split())
        for box in re.findall(rb"/MediaBox\s*\[([^\]]*)\]", printed)
    }
    assert sizes <= {(0, 0, 595, 842), (0, 0, 596, 842)}, "A4"
    page.emulate_media(media="print")
    assert page.evaluate(
        "[...document.querySelectorAll('table')].filter(t => t.getBoundingClientRect().width)"
        ".every(t => t.getBoundingClientRect().right <= innerWidth)"
    ), "no table is cut at the edge"


def test_it_needs_no_script(folder: Path) -> None:
    with opened("about:blank") as browser:
        context = browser.context.browser.new_context(java_script_enabled=False)
        plain = context.new_page()
        plain.goto(f"file://{folder}/ordinary.html")
        assert "Burnout" in plain.inner_text("main")
        assert plain.locator("svg.chart").first.is_visible()


def test_a_fault_is_found(folder: Path, tmp_path: Path) -> None:
    """The checks above do find what they look for."""
    faulty = (
        (folder / "ordinary.html")
        .read_text()
        .replace('lang="en-GB"', "")
        .replace(
            "<main>",
            '<main><svg class="chart" width="100" height="20"><text y="12">one</text>'
            '<text y="12">two</text></svg><img src="http://127.0.0.1:9/x.png">',
        )
    )
    (tmp_path / "faulty.html").write_text(faulty)
    with opened("about:blank") as browser:
        asked: list[str] = []
        browser.on("request", lambda made: asked.append(made.url))
        browser.goto(f"file://{tmp_path}/faulty.html")
        rules = {violation["id"] for violation in Axe().run(browser).response["violations"]}
        assert {"html-has-lang", "image-alt"} <= rules
        assert browser.evaluate(TEXTS_THAT_OVERLAP) != []
        assert len(asked) == 2
