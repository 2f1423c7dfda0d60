"""What every report has to be in a real browser, on screen and paper."""

import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

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


def legible(page: Page) -> None:
    """Nothing that axe finds, nothing wider than the screen, no texts on each other."""
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


def printable(page: Page, pages: int) -> None:
    """A4 without a table that is cut, on no more pages than that."""
    printed = page.pdf(prefer_css_page_size=True)
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= pages
    sizes = {
        tuple(round(float(side)) for side in box.split())
        for box in re.findall(rb"/MediaBox\s*\[([^\]]*)\]", printed)
    }
    assert sizes <= {(0, 0, 595, 842), (0, 0, 596, 842)}, "A4"
    # As wide as A4 between its edges.
    page.set_viewport_size({"width": 794, "height": 1123})
    page.emulate_media(media="print")
    assert page.evaluate(
        "[...document.querySelectorAll('table')].filter(t => t.getBoundingClientRect().width)"
        ".every(t => t.getBoundingClientRect().right <= innerWidth)"
    ), "no table is cut at the edge"
