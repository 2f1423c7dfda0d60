"""Every page that the desk has, opened in a real browser on a home where there is one of each."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import opened
from desk_home import HELD, PAIR, PASSWORD, PSEUDONYMS, TEXT, WARNED, add_account, made_home
from playwright.sync_api import Page, Request
from serving import desk_of

from pipeline.desk.pages import PAGES
from pipeline.vocabulary import Role

ADDRESSES = {
    "/": ["/"],
    "/submissions": ["/submissions", "/submissions?show=all&page=2"],
    "/submissions/{submission}": [
        f"/submissions/{HELD}",
        f"/submissions/{WARNED}?page=2",
        f"/submissions/{WARNED}?rule=wave_unknown",
    ],
    "/submissions/{submission}/accept": [f"/submissions/{HELD}/accept"],
    "/submissions/{submission}/return": [f"/submissions/{HELD}/return"],
    "/submissions/{submission}/rows/{row:int}/waive": [f"/submissions/{WARNED}/rows/4/waive"],
    "/links": ["/links", "/links?show=all"],
    "/links/{pair}": [f"/links/{PAIR}"],
    "/texts": ["/texts"],
    "/texts/next": ["/texts/next"],
    "/texts/{text}": [],  # `/texts/next` leads there
    "/overdue": ["/overdue"],
    "/trail": ["/trail", "/trail?by=nobody"],
    "/releases": ["/releases"],
    "/releases/{release}/approve": ["/releases/2025-spring/approve"],
}
"""By the address that the desk declares, those that are opened."""
BESIDE = ["/account", "/nowhere", f"/submissions/{HELD}x", "/links/nowhere"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = made_home(tmp_path_factory.mktemp("pages") / "home")
    add_account(home, "a.releaser", Role.RELEASER)
    add_account(home, "b.releaser", Role.RELEASER)
    with desk_of(home.root) as address:
        yield address


def sign_in(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def looked_at(page: Page, *, shows_a_text: bool = False) -> None:
    """Nothing that axe finds, in light, dark and as printed; no wider than a phone; no name."""
    content = page.content()
    assert not [name for name in PSEUDONYMS if name in content], page.url
    assert shows_a_text or TEXT not in content, page.url
    for look in ({"color_scheme": "light"}, {"color_scheme": "dark"}, {"media": "print"}):
        page.emulate_media(**look)
        found = Axe().run(page).response["violations"]
        assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == [], (page.url, look)
    page.emulate_media(media="screen", color_scheme="light")
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, page.url
    page.set_viewport_size({"width": 1440, "height": 900})
    assert page.locator("h1").count() == 1, page.url


def test_no_page_is_left_out():
    assert {place.path for place in PAGES if place.get is not None} == {*ADDRESSES}


def test_every_page_is_sound(address: str) -> None:
    with opened(f"{address}/sign-in") as page:
        asked: list[Request] = []

        def note(request: Request) -> None:
            asked.append(request)

        page.on("request", note)
        looked_at(page)
        sign_in(page, address, "b.releaser")
        page.goto(f"{address}/releases")
        page.get_by_label("What it is called").fill("2025-spring")
        page.get_by_label("What is it for?").fill("the programme's board")
        page.get_by_role("button", name="Ask for it").click()
        page.get_by_role("button", name="Sign out").click()
        sign_in(page, address, "a.releaser")
        for path in [path for paths in ADDRESSES.values() for path in paths]:
            answer = page.goto(f"{address}{path}")
            assert answer is not None
            assert answer.status == 200, path
            looked_at(page, shows_a_text="/texts/" in page.url)
        for path in BESIDE:
            page.goto(f"{address}{path}")
            looked_at(page)
        assert {request.url.startswith(address) for request in asked} == {True}
        assert "script" not in {request.resource_type for request in asked}


def test_a_pair_of_codes_is_judged(address: str) -> None:
    with opened(f"{address}/sign-in") as page:
        sign_in(page, address, "a.releaser")
        page.goto(f"{address}/links/{PAIR}")
        page.get_by_label("Two officers", exact=False).first.check()
        page.get_by_label("Why", exact=False).fill("two brothers serve there")
        page.locator("main").get_by_role("button").last.click()
        looked_at(page)
        assert "two brothers serve there" not in page.url
        page.goto(f"{address}/trail")
        assert "two brothers serve there" in page.content()
        looked_at(page)
