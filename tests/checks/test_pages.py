"""Contracts as pages: docs/contracts.md is what is declared, and web pages load nothing."""

import re
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import opened

from checks.contract import contracts
from checks.judge import judge
from checks.pages import LATEST, markdown, pages
from pipeline import tables
from pipeline.programme import Thresholds
from pipeline.quality.profile import MEANINGS, MEASURES
from pipeline.storage.contract_pages import write_pages
from pipeline.vocabulary import Verdict

WRITTEN = Path(__file__).parents[2] / "docs" / "contracts.md"


def test_the_written_page_is_up_to_date() -> None:
    assert WRITTEN.read_text("utf-8") == markdown(), "run `make docs`"


def test_it_has_every_contract_expectation_threshold_and_verdict() -> None:
    text = markdown()
    for contract in contracts():
        assert f"`{contract.contract}`" in text
        for expectation in contract.expectations:
            assert f"| `{expectation.name}` | `{expectation.measure}` |" in text
            assert expectation.sentence in text
    assert {*Thresholds.model_fields} <= {*re.findall(r"\((\w+)\)", text)}
    for verdict in Verdict:
        assert f"- `{verdict}`: {verdict.meaning}" in text


def test_every_measure_is_explained() -> None:
    assert {*MEANINGS} == {*MEASURES} - {"submission_id", "kind", "instrument"}


def listed(ids: list[str]) -> pl.DataFrame:
    return tables.SUBMISSIONS.conform(
        pl.DataFrame(
            [
                {
                    **dict.fromkeys(tables.SUBMISSIONS.frame_schema.names()),
                    "submission_id": i,
                    "organisation": "simulated-force-01",
                    "source": "roster",
                    "sha256": "0" * 64,
                    "received_at": datetime(2026, 1, 1 + place),
                    "verdict": "accepted",
                    "decided_by": "contract",
                }
                for place, i in enumerate(ids)
            ],
            schema=tables.SUBMISSIONS.frame_schema,
        )
    )


@pytest.fixture(scope="module")
def made(profiles_of, contract_called) -> dict[str, bytes]:
    roster = contract_called("roster")
    changes = [{"columns_unknown": 3.0} if n == 24 else {} for n in range(25)]
    profiles = profiles_of(roster, *changes)
    ids = profiles["submission_id"].to_list()
    results = judge(roster, profiles, Thresholds()).with_columns(
        passed=pl.when(
            (pl.col("submission_id") == ids[23]) & (pl.col("expectation") == "no_unknown_columns")
        )
        .then(None)
        .otherwise("passed")
    )
    return pages(Thresholds(quarantined_hold=0.31), results, listed(ids))


def test_there_is_a_page_for_each_contract_and_one_that_leads_to_them(made) -> None:
    files = [f"{contract.contract}.html" for contract in contracts()]
    assert [*made] == ["index.html", *files]
    for file in files:
        assert f'href="{file}"'.encode() in made["index.html"]


def test_limits_are_those_of_the_programme(made) -> None:
    assert b"at most 0.31 (quarantined_hold)" in made["roster.html"]


def test_the_latest_results_are_shown_and_no_more(made) -> None:
    page = made["roster.html"].decode()
    assert len(re.findall(r'<th scope="row">simulated-force', page)) == LATEST
    assert "no_unknown_columns (3)" in page
    assert "no_unknown_columns could not be judged" in page
    assert page.count("everything held") == LATEST - 2
    assert b"No submission was judged by it yet" in made["attendance.html"]


def test_nothing_is_loaded_from_anywhere(made, tmp_path: Path) -> None:
    write_pages(tmp_path / "contracts", {"old.html": b""})
    write_pages(tmp_path / "contracts", made)
    assert {path.name for path in (tmp_path / "contracts").iterdir()} == {*made}
    for content in made.values():
        assert b"//" not in content
        assert b"<script" not in content
    asked: list[str] = []
    with opened("about:blank") as page:
        page.on("request", lambda request: asked.append(request.url))
        for name in ("index.html", "roster.html", "questionnaire_proqol5.html"):
            page.goto((tmp_path / "contracts" / name).as_uri())
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
    assert len(asked) == 3
    assert all(address.startswith("file:///") for address in asked)
