"""A real browser for tests that look at a page as a person does; they skip where there is none."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, sync_playwright

_QUIET = [
    # Root may not start Chromium's own sandbox; the pages are our own.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def opened(address: str) -> Iterator[Page]:
    """A page of the system's own Chromium, without a screen."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed, so nobody can look at the page")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=_QUIET)
        try:
            page = chromium.new_page(viewport={"width": 1440, "height": 900})
            page.goto(address)
            yield page
        finally:
            chromium.close()
