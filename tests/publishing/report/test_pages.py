"""Reports: what they say, that every number can be traced, and what they say of little or nothing.

What stays out: how they look in a browser (`tests/end_to_end/test_report.py`).
"""

import re
from collections.abc import Callable, Mapping

import polars as pl
import pytest
from report_pages import MINUS, read_page, untraceable
from report_releases import (
    ABOUT,
    Tables,
    all_left_out,
    many,
    nothing_yet,
    only_baseline,
    ordinary,
    renamed,
    without_comparison,
)
from small_evaluation import programme

from pipeline.publishing.report.page import REPORT, reports
from pipeline.publishing.report.passages import Figure, Fixed, passage

Pages = Mapping[str, bytes]
HOSTILE = "<script>alert('ö & \"7\"')</script> Ærø Constabulary"


def _made(tables: Tables) -> Pages:
    return dict(reports(tables, programme(), ABOUT))


def _national(tables: Tables) -> bytes:
    """The first page alone: the others are made when they are asked for."""
    name, page = next(reports(tables, programme(), ABOUT))
    assert name == REPORT
    return page


@pytest.fixture(scope="module")
def pages() -> Pages:
    return _made(ordinary())


# ------------------------------------------------------------------ numbers


@pytest.mark.parametrize(
    "tables",
    [ordinary, only_baseline, all_left_out, nothing_yet, lambda: renamed(HOSTILE)],
    ids=["ordinary", "one wave", "all left out", "nothing yet", "hostile name"],
)
def test_every_number_is_one_of_a_table(tables: Callable[[], Tables]) -> None:
    found = tables()
    assert list(untraceable(_national(found), found)) == []


def test_every_number_of_an_organisation_is_one_of_a_table(pages: Pages) -> None:
    for name, page in pages.items():
        assert list(untraceable(page, ordinary())) == [], name


def test_a_number_that_is_not_the_tables_is_found(pages: Pages) -> None:
    page = pages[REPORT]
    shown = re.search(rb'data-from="paired_change\.\d+\.mean_change"[^>]*>([^<]*\d)<', page)
    assert shown
    other = shown.group().replace(shown.group(1), b"99.9")
    assert list(untraceable(page.replace(shown.group(), other, 1), ordinary()))
    unmarked = page.replace(b"</h2>", b" 7</h2>", 1)
    assert list(untraceable(unmarked, ordinary()))


def test_plain_words_hold_no_digit() -> None:
    with pytest.raises(ValueError, match="a digit"):
        passage("fell by 2 points")
    assert passage("fell by ", Figure("2.0", "a.1.b"), " of ", Fixed("100"))


def test_charts_hold_only_numbers_of_the_tables_and_axes(pages: Pages) -> None:
    said = read_page(pages[REPORT]).said
    in_charts = [piece for piece in said if piece.within == "text" and piece.source]
    assert len(in_charts) > 20, "values stand in the charts"


def test_the_report_depends_on_the_tables_alone(pages: Pages) -> None:
    """Other answers that give the same tables give the same page: nothing else goes in."""
    again = {
        name: pl.read_json(frame.write_json().encode(), schema=frame.schema)
        for name, frame in ordinary().items()
    }
    assert _national(again) == pages[REPORT]


# ------------------------------------------------------------------ what it says


def test_the_change_named_beforehand_comes_first_and_is_no_effect(pages: Pages) -> None:
    text = read_page(pages[REPORT]).text
    row = (
        ordinary()["paired_change"]
        .filter(
            pl.col("named_beforehand"),
            organisation="all",
            subscale="burnout",
            to_wave="session_10",
        )
        .row(0, named=True)
    )
    found = text.index("What was found", text.index("On this page") + 100)
    first = text[found : found + 300]
    assert "Burnout" in first
    assert str(abs(row["mean_change"])) in first
    assert str(row["n"]) in first
    assert "not an effect" in text
    assert not re.search(r"programme (caused|reduced|improved)", text)


def test_where_the_named_group_is_left_out_all_together_are_not_passed_off_as_it() -> None:
    tables = {**ordinary()}
    arm = tables["paired_change"].filter("named_beforehand")["arm"][0]
    assert arm != "all"
    of_the_arm = pl.col("arm") == arm
    for name in ("paired_change", "robustness"):
        gone = [c for c in tables[name].columns if tables[name].schema[c].is_numeric()]
        tables[name] = tables[name].with_columns(
            pl.when(~of_the_arm).then(pl.col(gone)).name.keep()
        )
    text = read_page(_national(tables)).text
    found = text.index("What was found", text.index("On this page") + 100)
    first = text[found : found + 600]
    assert f"the change named beforehand, of the “{arm}” group alone" in first
    assert "of all groups together" in first
    together = tables["paired_change"].row(
        by_predicate=(pl.col("arm") == "all")
        & (pl.col("organisation") == "all")
        & (pl.col("subscale") == "burnout")
        & (pl.col("from_wave") == "baseline")
        & (pl.col("to_wave") == "session_10"),
        named=True,
    )
    assert str(abs(together["mean_change"])) in first


def test_without_a_comparison_it_says_so() -> None:
    _, page = next(reports(ordinary(), without_comparison(), ABOUT))
    text = read_page(page).text
    assert "nobody was measured who did not follow the programme" in text
    assert "Whether the programme caused the change" in text


def test_a_rise_a_fall_and_neither_are_told_apart() -> None:
    def first(change: float, low: float, high: float) -> str:
        changes = ordinary()["paired_change"].with_columns(
            mean_change=pl.lit(change), ci_low=pl.lit(low), ci_high=pl.lit(high)
        )
        page = _national({**ordinary(), "paired_change": changes})
        return read_page(page).text

    fell = first(-1.9, -2.6, -1.2)
    assert re.search(r"Burnout\s+fell by\s+1\.9", fell)
    assert re.search(r"interval\s+1\.2\s+to\s+2\.6", fell)
    assert "for the better" in fell
    rose = first(1.9, 1.2, 2.6)
    assert re.search(r"Burnout\s+rose by\s+1\.9", rose)
    assert "for the worse" in rose
    unclear = first(-0.3, -1.0, 0.4)
    assert re.search(r"Burnout\s+did not clearly change", unclear)
    assert re.search(rf"{MINUS}1\.0\s+to\s+0\.4", unclear)


def test_sections_stand_in_their_order(pages: Pages) -> None:
    ids = read_page(pages[REPORT]).ids
    order = [
        "answers",
        "flow",
        "retention",
        "scores",
        "organisations",
        "bands",
        "dropout",
        "equality",
        "quality",
        "left-out",
        "methods",
        "pilot",
        "checklists",
    ]
    assert [name for name in ids if name in order] == order


def test_what_the_programme_does_not_say_is_left_to_the_evaluators(pages: Pages) -> None:
    text = read_page(pages[REPORT]).text
    assert text.count("To be filled in by the evaluators") > 8
    assert "14 days apart" in re.sub(r"\s+", " ", text)


def test_each_organisation_above_the_floor_has_a_page_of_its_own(pages: Pages) -> None:
    places = dict(ordinary()["areas"].select("organisation", "shown_as").iter_rows())
    above = [area for area, place in places.items() if place == area]
    assert len(above) >= 3
    assert set(pages) == {REPORT, *(f"report-{area}.html" for area in above)}
    for area in above:
        shown = {
            piece.source
            for piece in read_page(pages[f"report-{area}.html"]).said
            if piece.source and piece.source.startswith("wave_summary")
        }
        rows = ordinary()["wave_summary"]["organisation"]
        assert {rows[int(s.split(".")[1]) - 1] for source in shown for s in source.split()} <= {
            area,
            "all",
        }


# ------------------------------------------------------------------ little or nothing to say


@pytest.mark.parametrize("tables", [nothing_yet, all_left_out], ids=["nothing yet", "all left out"])
def test_a_page_without_figures_says_what_is_missing(tables: Callable[[], Tables]) -> None:
    text = read_page(_national(tables())).text
    assert text.count("Not in this release") >= 8
    assert "None" not in text


def test_a_table_that_is_not_there_is_no_defect() -> None:
    some = {name: frame for name, frame in ordinary().items() if name != "retention"}
    text = read_page(_national(some)).text
    assert "Not in this release: how many stayed" in text


def test_one_wave_only_has_means_and_no_changes() -> None:
    text = read_page(_national(only_baseline())).text
    assert "Not in this release: the change named beforehand" in text
    assert "Anything about" in text


def test_names_are_text_and_nothing_else() -> None:
    page = _national(renamed(HOSTILE)).decode()
    assert "<script" not in page
    assert "Ærø" in page


def test_66_organisations_are_in_one_chart_and_the_page_is_small() -> None:
    page = _national(many())
    assert len(page) < 5_000_000
    chart = page.decode().split('id="forest-wide-title"')[1].split("</svg>")[0]
    labels = re.findall(r">(Simulated Force-\d\d) Constabulary<", chart)
    assert len(labels) == len(set(labels)) == 66


# ------------------------------------------------------------------ the file


def test_it_needs_nothing_else(pages: Pages) -> None:
    for name, page in pages.items():
        found = read_page(page)
        assert all(address.startswith("#") for address in found.addresses), name
        assert b"<script" not in page
        assert b"@import" not in page
        assert not re.search(rb"url\((?!#)", page)
        assert not re.search(rb"https?://(?!www\.w3\.org)", page)


def test_ids_are_unique_and_references_lead_somewhere(pages: Pages) -> None:
    for name, page in pages.items():
        found = read_page(page)
        assert len(found.ids) == len(set(found.ids)), name
        assert {address[1:] for address in found.addresses} <= set(found.ids), name


def test_each_chart_is_an_image_with_a_name_and_a_table(pages: Pages) -> None:
    page = pages[REPORT].decode()
    charts = re.findall(r"<svg[^>]*>", page)
    assert charts
    for chart in charts:
        assert 'role="img"' in chart
        assert re.search(r'aria-labelledby="(\S+)-title \1-text"', chart)
    figures = page.split("<figure>")[1:]
    for figure in figures:
        assert "<details>" in figure.split("</figure>")[0]
        assert "<table>" in figure.split("</figure>")[0]
    assert len(figures) * 2 == len(charts)


def test_the_same_tables_give_the_same_bytes(pages: Pages) -> None:
    assert _national(ordinary()) == pages[REPORT]
