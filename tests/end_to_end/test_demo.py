"""The demo, as a newcomer runs it: what went in comes out, nothing lost, nothing leaked.

The simulation wrote down the truth beside the exports; the pipeline never reads it.
"""

import contextlib
import csv
import re
import shutil
import sqlite3
import subprocess
from collections import defaultdict
from pathlib import Path

import polars as pl
import pytest
from homes import PROJECT, Muster, files_holding, table_hashes

from pipeline import reference
from pipeline.reference import Instrument

AS_OF = "2026-06-30"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Muster:
    muster = Muster(tmp_path_factory.mktemp("demo") / "home")
    done = muster("demo", "--as-of", AS_OF)
    assert "warehouse.duckdb" in done.stdout
    return muster


def _truth(demo: Muster, name: str) -> pl.DataFrame:
    return pl.read_csv(demo.home / "truth" / f"{name}.csv", infer_schema_length=None)


def test_a_second_run_takes_in_nothing_and_changes_no_table(demo):
    before = table_hashes(demo.home / "warehouse.duckdb")
    done = demo("run", "--as-of", AS_OF)
    assert "Nothing new" in done.stdout
    assert table_hashes(demo.home / "warehouse.duckdb") == before


def test_working_everything_out_again_gives_the_same_tables(demo, tmp_path: Path):
    again = Muster(tmp_path / "again")
    shutil.copytree(demo.home, again.home)
    shutil.rmtree(again.home / "lake" / "stages")
    again("run", "--as-of", AS_OF)
    assert table_hashes(again.home / "warehouse.duckdb") == table_hashes(
        demo.home / "warehouse.duckdb"
    )


def test_every_row_read_is_accounted_for(demo):
    submissions = demo.ask("FROM quality.submissions")
    parts = ["accepted", "quarantined", "superseded", "held", "withdrawn"]
    accounted = submissions.select(pl.sum_horizontal(f"rows_{part}" for part in parts)).to_series()
    assert submissions.height == len(list((demo.home / "landing").glob("*/*")))
    assert submissions["rows_read"].to_list() == accounted.to_list()
    counted = demo.ask("SELECT submission_id, count(*) AS n FROM core.responses GROUP BY 1 ")
    rows = dict(submissions.select("submission_id", "rows_accepted").iter_rows())
    assert all(rows[submission_id] == n for submission_id, n in counted.iter_rows())


def test_statuses_add_up_to_the_enrolled(demo):
    enrolled = dict(
        demo.ask("SELECT organisation, count(*) FROM core.participants GROUP BY 1").iter_rows()
    )
    waves = demo.ask(
        "SELECT organisation, wave, count(*) AS n, count(DISTINCT participant_id) AS people "
        "FROM core.participant_waves GROUP BY 1, 2"
    )
    assert waves.height == 7 * len(enrolled)
    for organisation, _, n, people in waves.iter_rows():
        assert n == people == enrolled[organisation]
    flow = demo.ask(
        "SELECT stage, sum(n) AS n FROM evaluation.participant_flow "
        "WHERE organisation = 'all' AND arm = 'all' AND denominator = 'enrolled' GROUP BY 1"
    )
    assert set(flow["n"]) == {sum(enrolled.values())}


def test_every_planted_fault_is_found_under_its_rule_and_nothing_else_is(demo):
    place = ["organisation", "source", "row_number", "wave", "rule"]
    planted = _truth(demo, "faults").select(
        *(pl.col(name).cast(pl.String) for name in place), "severity"
    )
    found = demo.ask(
        "SELECT s.organisation, s.source, q.row_number::VARCHAR AS row_number, q.wave, q.rule, "
        "q.severity FROM quality.quarantine q JOIN quality.submissions s USING (submission_id)"
    )
    assert planted["rule"].n_unique() == 38, "every rule is planted"

    def located(frame: pl.DataFrame, severity: str) -> set[tuple[str | None, ...]]:
        return set(frame.filter(pl.col("severity") == severity).select(place).iter_rows())

    assert located(found, "reject") == located(planted, "reject")
    assert located(found, "warn") == located(planted, "warn")


def test_rows_with_a_warning_are_kept_and_flagged(demo):
    flagged = demo.ask(
        "SELECT submission_id, participant_id, wave, unnest(flags) AS rule FROM core.responses"
    )
    warned = demo.ask(
        "SELECT submission_id, participant_id, wave, rule FROM quality.quarantine "
        "WHERE severity = 'warn' AND wave IS NOT NULL"
    )
    assert warned.height > 50
    assert set(flagged.iter_rows()) == set(warned.iter_rows())


def test_scores_are_those_of_a_plain_python_scorer(demo):
    responses = demo.ask("SELECT response_id, instrument, items FROM core.responses")
    scores = {
        (response_id, subscale): (raw_score, band)
        for response_id, subscale, raw_score, band in demo.ask(
            "SELECT response_id, subscale, raw_score, band FROM core.scores"
        ).iter_rows()
    }
    expected = {
        (response_id, subscale): score
        for response_id, instrument, items in responses.iter_rows()
        for subscale, score in _plain_scores(items, reference.instruments()[instrument]).items()
    }
    assert len(expected) > 5_000
    assert scores == expected


def _plain_scores(
    items: list[int | None], instrument: Instrument
) -> dict[str, tuple[float | None, str | None]]:
    scores: dict[str, tuple[float | None, str | None]] = {}
    for subscale in instrument.subscales:
        total, complete = 0, True
        for number in subscale.items:
            answer = items[number - 1]
            if answer is None:
                complete = False
            elif number in instrument.reversed:
                total += instrument.minimum + instrument.maximum - answer
            else:
                total += answer
        band = None
        for candidate in instrument.bands_of(subscale):
            if candidate.lowest <= total <= candidate.highest:
                band = candidate.band
        scores[subscale.subscale] = (float(total), band) if complete else (None, None)
    return scores


def test_paired_change_is_the_realised_change(demo):
    place = ["organisation", "arm", "from_wave", "to_wave", "subscale"]
    truth = {
        tuple(row[:5]): row[5:]
        for row in _truth(demo, "changes").select(*place, "n", "mean_change").iter_rows()
    }
    found = {
        tuple(row[:5]): row[5:]
        for row in demo.ask(
            f"SELECT {', '.join(place)}, n, mean_change FROM evaluation.paired_change"
        ).iter_rows()
    }
    assert len(truth) > 300
    assert set(found) == set(truth)
    for key, (n, mean_change) in truth.items():
        assert found[key][0] == n, key
        assert found[key][1] == pytest.approx(mean_change, abs=1e-9), key


def test_no_identifier_leaves_landing(demo):
    identifiers = _identifiers(demo)
    assert len(identifiers) > 3_500
    assert files_holding(demo.home, identifiers, {"landing", "truth"}) == {}


def test_the_search_for_identifiers_finds_what_is_planted(demo, tmp_path: Path):
    """A search that could not find anything would prove nothing."""
    officer = min(_identifiers(demo))
    pl.DataFrame({"text": [officer] * 500}).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.log").write_text(f"could not parse {officer.upper()}")
    with sqlite3.connect(tmp_path / "c.db") as database:
        database.execute("CREATE TABLE events (body TEXT)")
        database.execute("INSERT INTO events VALUES (?)", [f"row of {officer}"])
    (tmp_path / officer).mkdir()
    assert len(files_holding(tmp_path, {officer}, set())) == 4
    everywhere = files_holding(demo.home, {officer}, {"truth"})
    assert everywhere, "an officer's number stands in some landing file"


def _identifiers(demo: Muster) -> set[str]:
    """Officers' numbers, names, e-mail and IP addresses, facilitators and group names."""
    kept: dict[str, set[str]] = defaultdict(set)
    with (demo.home / "truth" / "people.csv").open() as file:
        for person in csv.DictReader(file):
            for field in ("officer_number", "name", "email", "ip", "facilitator"):
                kept[field].add(person[field])
    with (demo.home / "truth" / "faults.csv").open() as file:
        kept["officer_number"] |= {row["officer_number"] for row in csv.DictReader(file)}
    family_names = {word for name in kept["name"] for word in name.split() if len(word) > 9}
    return {word for words in kept.values() for word in words if len(word) > 6} | family_names


@pytest.mark.parametrize(("name", "queries"), [("methods.md", 7), ("analysts.md", 10)])
def test_a_page_shows_what_the_demo_gives(demo, name, queries):
    """Every query of the page is asked again, and its table is the one that the page prints."""
    page = (PROJECT / "docs" / name).read_text("utf-8")
    examples = re.findall(r"```sql\n(.*?)```\n\n((?:\|[^\n]*\n)+)", page, re.DOTALL)
    assert len(examples) == page.count("```sql") == queries
    for sql, printed in examples:
        found = demo.ask(sql)
        cells = [["" if cell is None else str(cell) for cell in row] for row in found.rows()]
        rows = [found.columns, ["---"] * found.width, *cells]
        assert printed.splitlines() == [f"| {' | '.join(row)} |" for row in rows], sql


def _example(language: str) -> str:
    page = (PROJECT / "docs" / "analysts.md").read_text("utf-8")
    (example,) = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    return example.replace("muster-home", ".")


def test_the_warehouse_opens_in_python_as_the_page_says(demo, tmp_path):
    known: dict[str, pl.DataFrame] = {}
    with contextlib.chdir(demo.home):
        exec(_example("python"), known)
    assert known["overdue"].height > 50


def test_the_warehouse_opens_in_r_as_the_page_says(demo):
    asked = subprocess.run(
        ["Rscript", "-e", 'cat(requireNamespace("duckdb", quietly = TRUE))']
        if shutil.which("Rscript")
        else ["true"],
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.stdout != "TRUE":
        pytest.skip("R with its package duckdb is not installed, so nobody can try the page's R")
    done = subprocess.run(
        ["Rscript", "-e", _example("r") + "cat(nrow(overdue) > 50)"],
        cwd=demo.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "TRUE", done.stderr


def test_the_queries_of_the_readme_give_rows(demo):
    readme = (PROJECT / "README.md").read_text("utf-8")
    queries = [
        query
        for block in re.findall(r"```sql\n(.*?)```", readme, re.DOTALL)
        for query in block.split(";")
        if query.strip()
    ]
    assert len(queries) >= 6
    for query in queries:
        assert demo.ask(query).height > 0, query


def test_every_table_of_the_evaluation_has_its_method(demo):
    index = (PROJECT / "docs" / "methods.md").read_text("utf-8").split("## ")[0]
    pages = [page.read_text("utf-8") for page in (PROJECT / "docs").glob("methods*.md")]
    headings = [line for page in pages for line in page.splitlines() if line.startswith("## ")]
    asked = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'evaluation'"
    for name in demo.ask(asked)["table_name"]:
        assert f"`{name}`" in index, name
        assert any(re.search(rf"\b{name}\b", heading) for heading in headings), name
