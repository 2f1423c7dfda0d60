"""A real Jisc export that nobody here wrote comes out with the figures it must have."""

import json
import shutil
from pathlib import Path

import pytest
from browser import opened
from homes import PROJECT, Muster
from legible import legible, printable

DIGITS = 1e-6
"""The reference gives six decimals, some of them cut rather than rounded."""


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory, shared: Path):
    home = tmp_path_factory.mktemp("real export") / "mindfulness-study"
    shutil.copytree(PROJECT / "examples" / "mindfulness-study", home)
    muster = Muster(home)
    muster("init")
    landing = muster.home / "landing" / "mindfulness-study"
    landing.mkdir()
    shutil.copy(shared / "exports" / "jisc" / "mindful_prepost_wide.csv", landing)
    muster("run")
    return muster


@pytest.fixture
def expected(shared: Path) -> dict:
    return json.loads((shared / "reference" / "real_export.json").read_text("utf-8"))


def test_the_real_export_gives_every_reference_figure(evaluated, expected):
    ask = evaluated.ask
    people = ask("SELECT arm, count(*) AS n FROM core.participants GROUP BY arm")
    assert dict(people.iter_rows()) == {a.lower(): n for a, n in expected["arms"].items()}
    assert people["n"].sum() == expected["participants"]
    missed = ask(
        "SELECT count(*) FROM core.participant_waves WHERE wave = 'post' AND status = 'missed'"
    ).item()
    assert missed == expected["post_missing"]

    for wave, figures in (("baseline", "pre"), ("post", "post")):
        summary = ask(
            "SELECT n, mean, sd FROM evaluation.wave_summary WHERE instrument = 'pss10' "
            f"AND wave = '{wave}' AND organisation = 'all' AND arm = 'all'"
        ).row(0, named=True)
        reference = expected["pss10"][figures]
        assert summary["n"] == reference["n"]
        assert summary["mean"] * summary["n"] == pytest.approx(reference["sum"], abs=1e-9)
        assert summary["mean"] == pytest.approx(reference["mean"], abs=DIGITS)
        assert summary["sd"] == pytest.approx(reference["sd"], abs=DIGITS)

    for arm, reference in expected["pss10"]["paired_change_by_arm"].items():
        change = ask(
            "SELECT n, mean_change, sd_change FROM evaluation.paired_change "
            f"WHERE instrument = 'pss10' AND organisation = 'all' AND arm = '{arm.lower()}'"
        ).row(0, named=True)
        assert change["n"] == reference["n"]
        assert change["mean_change"] == pytest.approx(reference["mean"], abs=DIGITS)
        assert change["sd_change"] == pytest.approx(reference["sd"], abs=DIGITS)

    for answered_again, figures in (
        (False, "baseline_of_those_who_left"),
        (True, "baseline_of_those_who_stayed"),
    ):
        baseline = ask(
            "SELECT count(*) AS n, avg(raw_score) AS mean, stddev_samp(raw_score) AS sd "
            "FROM core.scores JOIN core.participants USING (participant_id) "
            "WHERE instrument = 'pss10' AND wave = 'baseline' "
            f"AND (last_wave_completed = 'post') = {answered_again}"
        ).row(0, named=True)
        reference = expected["pss10"][figures]
        assert baseline["n"] == reference["n"]
        assert baseline["mean"] == pytest.approx(reference["mean"], abs=DIGITS)
        assert baseline["sd"] == pytest.approx(reference["sd"], abs=DIGITS)


def test_the_published_means_of_the_pilot_are_checked(evaluated):
    rows = evaluated.ask("SELECT * FROM evaluation.pilot_reconciliation")
    impossible = rows.filter(~rows["grim_possible"])["mean_reported"].to_list()
    assert sorted(impossible) == ["12.85", "17.05", "19.95"]
    smallest = dict(rows.select("wave", "smallest_consistent_n").unique().iter_rows())
    assert smallest == {"baseline": 19, "session_7": 20}
    assert rows["band_reported"].to_list() == rows["band_computed"].to_list()


def test_its_report_is_legible_and_says_what_is_left_out(evaluated):
    evaluated("release", "make", "--name", "first")
    (report,) = (evaluated.home / "releases" / "first").glob("report.html")
    with opened(f"file://{report}") as page:
        legible(page)
        found = page.inner_text("#answers")
        assert "of the “mental” group alone" in found
        assert "these figures are of all groups together" in found
        printable(page, pages=14)


def test_no_participant_key_of_the_real_export_leaves_landing(evaluated, shared: Path):
    lines = (shared / "exports" / "jisc" / "mindful_prepost_wide.csv").read_text().splitlines()
    keys = {line.split(",")[1].strip('"').encode() for line in lines[1:]}
    assert len(keys) == 129
    for path in sorted(evaluated.home.rglob("*")):
        if path.is_file() and "landing" not in path.relative_to(evaluated.home).parts:
            content = path.read_bytes()
            assert not [key for key in keys if key in content], path.name
