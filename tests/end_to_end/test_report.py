"""Reports in a real browser: accessible, complete in themselves, legible on screen and paper."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import opened
from legible import TEXTS_THAT_OVERLAP, WIDTHS, legible, printable
from playwright.sync_api import Page
from report_releases import ABOUT, Tables, all_left_out, many, ordinary
from small_evaluation import programme

from pipeline.publishing.report.page import reports


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
    legible(page)


def test_each_chart_is_shown_in_one_shape(page: Page) -> None:
    for width in WIDTHS.values():
        page.set_viewport_size({"width": width, "height": 900})
        shown, drawn = page.evaluate(
            "(all => [all.filter(s => s.getBoundingClientRect().width).length, all.length])"
            "([...document.querySelectorAll('svg.chart')])"
        )
        assert shown * 2 == drawn


def test_it_prints_on_sensible_pages(page: Page) -> None:
    printable(page, pages=16)


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
