"""The documentation: pages that link to what is there, and a site that asks nobody for anything."""

import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml
from browser import opened
from homes import PROJECT

DOCS = PROJECT / "docs"
CONFIG = DOCS / "site" / "mkdocs.yml"


def _build(config: Path, into: Path) -> subprocess.CompletedProcess[str]:
    # Not quiet: what is not logged does not fail a strict build.
    command = [sys.executable, "-m", "mkdocs", "build", "-f", str(config), "-d", str(into)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("site")
    done = _build(CONFIG, into)
    assert done.returncode == 0, done.stderr
    return into


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The built site, served on a free port of this machine alone."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its parent has it
            pass

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=site)
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _copied(into: Path) -> Path:
    """What the site is made of, to be broken; the path of its configuration."""
    for name in ("docs", "pipeline/reference"):
        shutil.copytree(PROJECT / name, into / name)
    for name in ("README.md", "CHANGELOG.md"):
        shutil.copy(PROJECT / name, into / name)
    return into / "docs" / "site" / "mkdocs.yml"


@pytest.mark.parametrize(
    ("page", "added", "said"),
    [
        ("docs/keys.md", "[x](nowhere.md)", "nowhere.md"),
        ("docs/keys.md", "[x](operations.md#no-such-heading)", "no-such-heading"),
        ("README.md", "[x](docs/nowhere.md)", "nowhere.md"),
        ("docs/orphan.md", "# A page that no menu lists", "orphan.md"),
    ],
)
def test_a_broken_link_or_an_orphan_fails_the_build(tmp_path: Path, page, added, said):
    config = _copied(tmp_path / "project")
    with (tmp_path / "project" / page).open("a", encoding="utf-8") as file:
        file.write(f"\n\n{added}\n")
    done = _build(config, tmp_path / "site")
    assert done.returncode == 1
    assert said in done.stderr + done.stdout


def test_readme_changelog_and_sources_are_pages_of_the_site(site: Path):
    for page, words in {
        "index.html": "Your first task",
        "changelog.html": "Unreleased",
        "sources.html": "Where the reference facts come from",
        "decisions/index.html": "what would make us decide otherwise",
    }.items():
        assert words in (site / page).read_text("utf-8"), page
    assert (site / "project" / "pipeline" / "reference" / "words_that_are_names.txt").exists()


def test_the_search_knows_a_view_and_a_command(site: Path):
    index = (site / "search" / "search_index.json").read_text("utf-8")
    assert "who_is_overdue" in index
    assert "muster review" in index


@pytest.mark.parametrize("page", ["index.html", "analysts.html", "dictionary.html"])
def test_reading_the_site_asks_no_other_machine(address: str, page: str):
    asked: list[str] = []
    with opened("about:blank") as browser:
        browser.on("request", lambda request: asked.append(request.url))
        browser.goto(f"{address}/{page}")
        browser.wait_for_load_state("networkidle")
        browser.get_by_role("textbox", name="Search").first.fill("overdue")
        browser.wait_for_timeout(500)
    assert any(url.endswith(".css") for url in asked)
    assert [url for url in asked if not url.startswith((address, "data:", "about:"))] == []


def _menu(entries: list, section: str = "") -> Iterator[tuple[str, str]]:
    for entry in entries:
        if isinstance(entry, str):
            yield entry, section
        else:
            ((title, below),) = entry.items()
            if isinstance(below, str):
                yield below, section
            else:
                yield from _menu(below, section or title)


def test_every_page_has_one_audience():
    pages = list(_menu(yaml.safe_load(CONFIG.read_text("utf-8"))["nav"]))
    assert len({page for page, _ in pages}) == len(pages)
    sections = {section for page, section in pages if page != "index.md"}
    assert all(section.startswith("For ") for section in sections), sections
    written = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert written <= {page for page, _ in pages}


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_a_page_begins_with_what_it_is_for(page: Path):
    title, first, *_ = page.read_text("utf-8").split("\n\n")
    assert title.startswith("# ")
    assert re.match(r"[A-Z`*]", first), first
    assert len(first) > 60


@pytest.mark.parametrize("page", sorted(DOCS.glob("decisions/0*.md")), ids=lambda page: page.name)
def test_a_decision_says_why_what_follows_and_what_would_change_it(page: Path):
    text = page.read_text("utf-8")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings == ["Context", "Decision", "Consequences", "What would change our mind"]
    named = re.findall(r"`((?:pipeline|checks|tests)/[\w/.]*)`", text)
    for path in named:
        assert (PROJECT / path).exists(), path
    assert f"({page.name})" in (page.parent / "index.md").read_text("utf-8")
