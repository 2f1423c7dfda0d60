"""What MkDocs asks while it builds the site: pages and files that lie outside `docs/`.

What belongs here: giving README, changelog and sources a place in the site, and turning links that
leave `docs/` into links within it. What stays out: the words of any page.
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

PROJECT = Path(__file__).parents[2]
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "pipeline/reference/SOURCES.md": "sources.md",
}
"""Pages of the site by where they lie in the project."""

_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages outside `docs/`, and every other file that a page links to there."""
    for source, page in PAGES.items():
        text = (PROJECT / source).read_text("utf-8")
        files.append(File.generated(config, page, content=_within(text, source)))
    for file in list(files.documentation_pages()):
        for target in _targets(file.content_string, _source(file.src_uri)):
            if not target.startswith("docs/") and target not in PAGES:
                place = f"project/{target}"
                if files.get_file_from_path(place) is None:
                    path = str(PROJECT / target)
                    files.append(File.generated(config, place, abs_src_path=path))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Turns links that leave `docs/` into links within the site."""
    if page.file.src_uri in PAGES.values():
        return markdown
    return _within(markdown, _source(page.file.src_uri))


def _source(page: str) -> str:
    """Where a page of the site lies in the project."""
    return next((source for source, p in PAGES.items() if p == page), f"docs/{page}")


def _resolved(link: str, source: str) -> str | None:
    """What a link of a page means, as a path in the project; None where there is no such file."""
    path = (PROJECT / source).parent.joinpath(link).resolve()
    known = path.is_relative_to(PROJECT) and path.exists()
    return path.relative_to(PROJECT).as_posix() if known else None


def _targets(text: str, source: str) -> list[str]:
    found = (_resolved(link, source) for link, _ in _LINK.findall(text))
    return [target for target in found if target is not None]


def _within(text: str, source: str) -> str:
    """The text with its links as the site has them.

    A link to nothing stays as it is, and fails the build.
    """
    up = "../" * (source.count("/") - 1) if source.startswith("docs/") else ""

    def rewritten(match: re.Match[str]) -> str:
        link, anchor = match.group(1), match.group(2) or ""
        target = _resolved(link, source)
        if target is None:
            return match.group(0)
        if target in PAGES:
            place = PAGES[target]
        elif target.startswith("docs/"):
            place = target.removeprefix("docs/")
        else:
            place = f"project/{target}"
        return f"]({up}{place}{anchor})"

    return _LINK.sub(rewritten, text)
