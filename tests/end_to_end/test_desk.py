"""A steward's day at the desk, in a real browser on a home that real runs made."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import opened
from homes import Muster
from playwright.sync_api import Page, expect
from serving import desk_of
from small_programme import MAPPING, PROGRAMME

FORCE = "simulated-force-01"
HEADER = "Number,Wave,Done,Q1,Q2,Q3,Q4,More"
SOUND = [f"SIMCANARY0{n},Start,2025-01-06,0,1,2,{n % 4}," for n in range(1, 4)]
BLANK = [f"SIMCANARY0{n},Start,2025-01-06,3,,,," for n in (4, 5)]
OTHERS = [f"SIMCANARY1{n},Start,2025-01-06,0,1,2,{n % 4}," for n in range(1, 4)]
UNANSWERED = [f"SIMCANARY1{n},Start,2025-01-06,3,,,," for n in (4, 5)]
MENDED = [f"SIMCANARY0{n},Start,2025-01-06,3,1,1,1,Nights make it hard" for n in (4, 5)]
AS_OF = "2025-03-01"
PASSWORD = "three unrelated words"
THEMES = "themes: [workload]\nreleases_need_two: true\ncohorts:"


@pytest.fixture(scope="module")
def muster(tmp_path_factory: pytest.TempPathFactory) -> Muster:
    """A home in which one file is held, and an account of each role that the day needs."""
    if shutil.which("chromium") is None:
        pytest.skip("Chromium is not installed, so nobody can look at the page")
    muster = Muster(tmp_path_factory.mktemp("desk") / "home")
    for folder in ("sources", "landing"):
        (muster.home / folder / FORCE).mkdir(parents=True)
    (muster.home / "programme.yaml").write_text(PROGRAMME.replace("cohorts:", THEMES))
    (muster.home / "sources" / FORCE / "answers.yaml").write_text(
        MAPPING + "comments: {anything_to_add: More}\n"
    )
    muster("init")
    land(muster, "answers.csv", [*SOUND, *BLANK])
    muster("run", "--as-of", AS_OF, expected=1)
    file = muster.home.parent / "password"
    file.write_text(PASSWORD)
    for name, role in (
        ("a.steward", "steward"),
        ("a.releaser", "releaser"),
        ("b.releaser", "releaser"),
    ):
        muster("desk", "add-steward", name, "--role", role, "--password-file", str(file))
    return muster


def land(muster: Muster, name: str, lines: list[str]) -> None:
    path = muster.home / "landing" / FORCE / name
    path.write_text("\n".join([HEADER, *lines]))
    os.utime(path, (1_735_800_000, 1_735_800_000))


@pytest.fixture(scope="module")
def address(muster: Muster) -> Iterator[str]:
    with desk_of(muster.home) as address:
        yield address


@contextmanager
def signed_in(address: str, name: str) -> Iterator[Page]:
    with opened(f"{address}/sign-in") as page:
        sound(page)
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        sound(page)
        yield page


def sound(page: Page) -> None:
    """No page has a fault that axe finds, in light or dark, nor is wider than a phone."""
    assert "SIMCANARY" not in page.content().upper()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page).response["violations"]
        assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == [], page.url
    page.set_viewport_size({"width": 360, "height": 800})
    width = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size({"width": 1440, "height": 900})
    assert width <= 360, page.url


def test_a_stewards_day(muster: Muster, address: str) -> None:
    with signed_in(address, "a.steward") as page:
        # What waits, and why.
        page.get_by_role("link", name=f"{FORCE}, answers").click()
        sound(page)
        expect(page.get_by_role("main")).to_contain_text("large share of rows broke rules")
        held = page.url
        page.get_by_role("link", name="too many unanswered", exact=True).click()
        sound(page)

        # The organisation is told what to put right, and the file is returned.
        with page.expect_download() as download:
            page.get_by_role("button", name="Download the web page").click()
        pack = Path(download.value.path()).read_text("utf-8")
        assert "5" in pack
        assert "SIMCANARY" not in pack.upper()
        page.get_by_role("link", name="Return…").click()
        sound(page)
        page.get_by_label("Why?").fill("answers were lost on the way; asked for the whole export")
        page.get_by_role("button", name="Return the file").click()
        expect(page.get_by_role("status")).to_contain_text("Returned.")
        expect(page.get_by_role("main")).to_contain_text("Waiting for the next run.")
        sound(page)

        # The corrected file arrives and is run.
        land(muster, "answers 2.csv", [*SOUND, *MENDED])
        muster("run", "--as-of", AS_OF)
        page.goto(held)
        expect(page.get_by_role("main")).not_to_contain_text("Waiting for the next run.")
        expect(page.locator("#rows ~ table")).to_contain_text("resolved")
        sound(page)

        # A text is read and approved with a word covered.
        page.get_by_role("link", name="Texts").click()
        sound(page)
        page.get_by_role("link", name="Read the next text").click()
        sound(page)
        page.get_by_text("Nights", exact=True).click()
        page.get_by_label("workload").check()
        page.get_by_role("button", name="Approve").click()
        expect(page.get_by_role("status")).to_contain_text("Approved.")

        for name in ("Links", "Overdue", "Releases", "Trail", "Submissions", "Today"):
            page.get_by_role("navigation", name="Pages", exact=True).get_by_role(
                "link", name=name
            ).click()
            sound(page)
        page.get_by_role("link", name="All", exact=False).first.is_visible()
        page.get_by_role("link", name="Your account").click()
        sound(page)
        page.goto(f"{address}/nowhere")
        sound(page)
        page.get_by_role("button", name="Sign out").click()
        expect(page).to_have_url(f"{address}/sign-in")
    muster("run", "--as-of", AS_OF)
    texts = muster.ask("SELECT text, themes FROM core.comments")
    assert texts.rows() == [("[covered] make it hard", ["workload"])]
    assert muster.ask("SELECT action, steward FROM quality.decisions").rows() == [
        ("return", "a.steward")
    ]


def test_a_second_person_approves_a_release(muster: Muster, address: str) -> None:
    make = ("release", "make", "--name", "2025-spring", "--as-of", AS_OF)
    assert "no second person has approved" in muster(*make, expected=2).stderr
    with signed_in(address, "a.releaser") as page:
        page.goto(f"{address}/releases")
        page.get_by_label("What it is called").fill("2025-spring")
        page.get_by_label("What is it for?").fill("the programme's board")
        page.get_by_role("button", name="Ask for it").click()
        expect(page.get_by_role("status")).to_contain_text("Asked for.")
        expect(page.get_by_role("main")).to_contain_text("Another person")
        sound(page)
    assert "no second person has approved" in muster(*make, expected=2).stderr
    with signed_in(address, "b.releaser") as page:
        page.goto(f"{address}/releases")
        page.get_by_role("link", name="Look and approve").click()
        sound(page)
        page.get_by_label("Why may it be made?").fill("purpose allowed, nothing waits")
        page.get_by_role("button", name="Approve the release").click()
        expect(page.get_by_role("main")).to_contain_text("approved by b.releaser")
        sound(page)
    refused = muster(*make[:3], "another", *make[4:], expected=2)
    assert "no second person has approved another" in refused.stderr
    done = subprocess.run(
        [str(Path(sys.executable).parent / "muster"), *make],
        env={**os.environ, "MUSTER_HOME": str(muster.home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert "no second person" not in done.stderr, "what follows is the audit's to say"


def brought_up_to(muster: Muster, day: str) -> None:
    """Run, whether another test's file still waits for a steward or not."""
    others = muster.ask(
        "SELECT 1 FROM quality.submissions WHERE verdict = 'held' AND file_name <> 'answers 4.csv'"
    )
    waits = not others.is_empty()
    muster("run", "--as-of", day, expected=int(waits))


def test_a_waiver_is_given_and_ends(muster: Muster, address: str) -> None:
    """After the file was held, accepted here and a row of it waived until a day."""
    land(muster, "answers 4.csv", [*OTHERS, *UNANSWERED])
    muster("run", "--as-of", AS_OF, expected=1)
    (name,) = muster.ask(
        "SELECT submission_id FROM quality.submissions WHERE file_name = 'answers 4.csv'"
    ).to_series()
    held = f"{address}/submissions/{name}"
    status = (
        "SELECT row_number, status FROM quality.quarantine WHERE submission_id = '{}' ORDER BY 1"
    )
    with signed_in(address, "a.steward") as page:
        page.goto(held)
        page.get_by_role("link", name="Accept…").click()
        sound(page)
        page.get_by_label("Why?").fill("the force explained it")
        page.get_by_role("button", name="Accept the file").click()
        expect(page.get_by_role("status")).to_contain_text("Accepted.")
        page.get_by_role("link", name="Waive… row 5").first.click()
        sound(page)
        until = datetime.now(UTC).date() + timedelta(days=30)
        page.get_by_label("Last day on which it counts").fill(str(until))
        page.get_by_label("Why?").fill("the officer answered on paper")
        page.get_by_role("button", name="Waive the row").click()
        expect(page.get_by_role("main")).to_contain_text("Waiting for the next run.")
        sound(page)
        brought_up_to(muster, AS_OF)
        assert muster.ask(status.format(name)).rows() == [(5, "waived"), (6, "open")]
        page.goto(held)
        expect(page.locator("#rows ~ table")).to_contain_text("waived")
        sound(page)
        brought_up_to(muster, str(until + timedelta(days=1)))
        assert muster.ask(status.format(name)).rows() == [(5, "expired"), (6, "open")]
        page.goto(held)
        expect(page.locator("#rows ~ table")).to_contain_text("expired")
        sound(page)
    brought_up_to(muster, AS_OF)


def test_a_decision_by_keyboard_alone(muster: Muster, address: str) -> None:
    land(muster, "answers 3.csv", [*SOUND[:1], *BLANK])
    muster("run", "--as-of", AS_OF, expected=1)
    with opened(f"{address}/sign-in") as page:

        def go_to(name: str, most: int = 40) -> None:
            """Tab until the element of that name has the focus, which has to be seen."""
            for _ in range(most):
                page.keyboard.press("Tab")
                focused = page.evaluate(
                    "(document.activeElement.labels?.[0] || document.activeElement).innerText"
                )
                if focused and focused.strip().startswith(name):
                    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                    assert outline != "none", name
                    return
            raise AssertionError(f"{name} cannot be reached")

        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.innerText") == "Skip to the content"
        go_to("Name")
        page.keyboard.type("a.steward")
        go_to("Password")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}/")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # past the menu, to the content
        go_to(f"{FORCE}, answers")
        page.keyboard.press("Enter")
        expect(page.get_by_role("main")).to_contain_text("Return…")
        go_to("Return…")
        page.keyboard.press("Enter")
        page.wait_for_url("**/return")
        go_to("Why?")
        page.keyboard.type("typed without a mouse")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Returned.")
    newest = muster("review", "list").stdout
    assert "typed without a mouse" in newest
