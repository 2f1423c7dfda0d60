"""The assurance card: whole in itself, readable by everybody, and without a number of people."""

import re
from collections import Counter
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from browser import opened

from pipeline.assurance.card import FEWEST_OFFICERS, Cover, assurance_card, share_in_words
from pipeline.privacy.intruder import Source

COVER = Cover(
    programme="Trauma-informed reflective supervision",
    organisation="Simulated Force 01",
    as_of=date(2026, 3, 1),
    instruments=("ProQOL 5",),
    contact_name="A. Contact",
    contact_email="a.contact@university.example",
    published=False,
    simulated=False,
)
VOID = {"meta", "br", "rect", "path"}


def shares(officers: int, singled_out: float, learnt: float, everybody: int = 898) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "organisation": ["force", "all"],
            "officers": [officers, everybody],
            "singled_out": [singled_out, 0.42],
            "learnt": [learnt, 0.43],
            "fewest": [1, 1],
        }
    )


def page(
    cover: Cover = COVER, officers: int = 83, everybody: int = 898, published: int | None = None
) -> str:
    found = {
        Source.WAREHOUSE: shares(officers, 0.7108, 0.759, everybody),
        Source.RESEARCH_VIEW: shares(officers, 0.0, 0.0, everybody),
    }
    return assurance_card(cover, "force", found, published)


class Read(HTMLParser):
    """A page as its elements, with a complaint about each that does not close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"style", "title"}:
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_it_is_one_whole_page_with_language_title_headings_and_table_headers() -> None:
    read = Read(page())
    assert read.open == []
    assert read.all("html") == [{"lang": "en-GB"}]
    assert len(read.all("title")) == 2, "of the page and of the picture"
    assert len(read.all("main")) == len(read.all("h1")) == 1
    assert len(read.all("h2")) == 4
    tables = read.all("table")
    assert len(tables) == len(read.all("caption")) == 2
    assert {header.get("scope") for header in read.all("th")} == {"col", "row"}
    assert [picture["role"] for picture in read.all("svg")] == ["img"]
    named = str(read.all("svg")[0]["aria-labelledby"]).split()
    ids = [str(attributes["id"]) for _, attributes in read.elements if "id" in attributes]
    assert named == ids


def test_it_asks_nothing_of_the_network() -> None:
    text = page()
    read = Read(text)
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in read.elements}
    assert not re.search(r"https?:|//|@import|url\(", text)


def test_shares_are_words_that_count_nobody() -> None:
    text = Read(page()).text
    assert "about 70 in 100 about 80 in 100" in text
    assert "nobody nobody" in text
    for exact in ("83", "898", "71", "0.7", "76"):
        assert exact not in text


@pytest.mark.parametrize("officers", range(FEWEST_OFFICERS, 100))
def test_a_share_is_never_so_fine_that_it_gives_its_count(officers: int) -> None:
    """Whatever the count of officers, another count has the same words."""
    words = Counter(share_in_words(count / officers) for count in range(officers + 1))
    assert min(words.values()) > 1


@pytest.mark.parametrize("wrong", [-0.01, 1.01, float("nan")])
def test_what_is_no_share_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        share_in_words(wrong)


def test_a_small_organisation_gets_the_shares_of_all_and_a_small_evaluation_none() -> None:
    of_all = Read(page(officers=29)).text
    assert "about 40 in 100 about 40 in 100" in of_all
    assert "the shares are those of all organisations together" in of_all
    none = Read(page(officers=29, everybody=29)).text
    assert "in 100" not in none
    assert "Fewer than 30 officers take part so far" in none


def test_what_is_published_is_said_as_far_as_it_is_known() -> None:
    assert "no tables for publication have been made" in Read(page()).text
    published = replace(COVER, published=True)
    assert "Figures about groups of officers, never rows" in Read(page(published)).text
    assert "has 10 people, rounded to 5" in Read(page(published, published=10)).text


def test_a_release_that_was_tried_has_a_row_of_its_own() -> None:
    found = {source: shares(83, 0.0, 0.0) for source in Source}
    assert "the published figures nobody nobody" in Read(assurance_card(COVER, "force", found)).text


def test_who_to_write_to_is_the_contact_or_left_open() -> None:
    assert "A. Contact , a.contact@university.example." in Read(page()).text
    nobody = Read(page(replace(COVER, contact_name=None, contact_email=None))).text
    assert "(your organisation fills this in)" in nobody
    assert "independent contact" not in nobody


def test_simulated_officers_are_called_so() -> None:
    assert "Simulated: the officers and answers" not in page()
    assert "Simulated: the officers and answers" in page(replace(COVER, simulated=True))


def test_names_are_no_markup() -> None:
    assert "<b>" not in page(replace(COVER, contact_name="<b>A</b>", organisation="<b>B</b>"))


def test_colours_can_be_told_apart_by_everybody() -> None:
    """WCAG 2.2, 1.4.3: text at 4.5 to 1 against what is behind it."""
    style = page().split("<style>")[1].split("</style>")[0]
    colours = set(re.findall(r"(?<!: )(?:color|fill): (#[0-9a-f]{6})", style))
    texts = colours - {"#e6edf4"}
    assert len(texts) >= 3
    for text in texts:
        for behind in ("#ffffff", "#e6edf4"):
            assert _contrast(text, behind) >= 4.5, (text, behind)


def _contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_a_browser_shows_and_prints_it_on_one_sheet(tmp_path: Path) -> None:
    file = tmp_path / "card.html"
    file.write_text(page(replace(COVER, simulated=True)), "utf-8")
    with opened(file.as_uri()) as shown:
        asked: list[str] = []
        shown.on("request", lambda request: asked.append(request.url))
        shown.reload()
        assert asked == [file.as_uri()]
        assert shown.title() == "Who can see your answers? Simulated Force 01"
        printed = shown.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
        shown.set_viewport_size({"width": 360, "height": 800})
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not shown.evaluate(wide), "nothing is cut off on a telephone"
