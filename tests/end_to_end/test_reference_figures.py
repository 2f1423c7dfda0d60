"""R's figures come out of the warehouse when the answers that R analysed arrive as exports.

Twice: as twelve organisations, as R's models of organisations had them, and as one without session
groups, whose intervals ignore clusters as R's plain ones do.
"""

import csv
import json
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from homes import Muster

SUBSCALES = ("compassion_satisfaction", "burnout", "secondary_traumatic_stress")
FIRST_SESSION = date(2025, 1, 6)
AS_OF = "2026-06-30"
DUE = {
    "baseline": 0,
    "session_7": 84,
    "session_10": 126,
    "follow_up_3m": 217,
    "follow_up_6m": 308,
}
ITEMS = [f"q{item}" for item in range(1, 31)]
MAPPING = """
organisation: {name}
source: answers
kind: questionnaire
files: "answers*"
participant: Number
wave: {{column: Wave, values: {{{waves}}}}}
instruments: {{proqol5: {{columns: "q{{item}}"}}}}
columns: {{completed_on: Done}}
"""


def _programme(names: list[str]) -> str:
    lines = [
        "programme: reference",
        "title: Simulated answers that R analysed",
        "instruments: [proqol5]",
        "primary: {instrument: proqol5, subscale: burnout, from_wave: baseline, "
        "to_wave: session_10}",
        "waves:",
        *(f"  - {{wave: {wave}, due_after_days: {days}}}" for wave, days in DUE.items()),
        "organisations:",
        *(f"  - {{organisation: {n}, name: Simulated {n}, kind: police_force}}" for n in names),
        "cohorts:",
        *(f"  - {{organisation: {n}, cohort: all, starts_on: {FIRST_SESSION}}}" for n in names),
    ]
    return "\n".join(lines) + "\n"


def _evaluated(home: Path, by_organisation: dict[str, list[dict[str, str]]]) -> Muster:
    home.mkdir()
    (home / "programme.yaml").write_text(_programme(list(by_organisation)))
    waves = ", ".join(f"{wave}: {wave}" for wave in DUE)
    for name, rows in by_organisation.items():
        for folder in ("sources", "landing"):
            (home / folder / name).mkdir(parents=True)
        (home / "sources" / name / "answers.yaml").write_text(
            MAPPING.format(name=name, waves=waves)
        )
        with (home / "landing" / name / "answers.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["Number", "Wave", "Done", *ITEMS])
            for row in rows:
                done = FIRST_SESSION + timedelta(days=DUE[row["wave"]])
                writer.writerow(
                    [row["participant"], row["wave"], done, *(row[item] for item in ITEMS)]
                )
    muster = Muster(home)
    muster("init")
    muster("run", "--as-of", AS_OF)
    return muster


@pytest.fixture(scope="module")
def answered(shared: Path) -> list[dict[str, str]]:
    with (shared / "reference" / "statistics" / "responses.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def expected(shared: Path) -> Any:
    return json.loads((shared / "reference" / "statistics" / "expected.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def twelve(tmp_path_factory: pytest.TempPathFactory, answered: list[dict[str, str]]) -> Muster:
    by_organisation = defaultdict(list)
    for row in answered:
        by_organisation[row["organisation"].replace("_", "-")].append(row)
    assert len(by_organisation) == 12
    return _evaluated(tmp_path_factory.mktemp("twelve") / "home", by_organisation)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory, answered: list[dict[str, str]]) -> Muster:
    return _evaluated(tmp_path_factory.mktemp("one") / "home", {"org-all": answered})


def _national(muster: Muster, table: str, subscale: str, more: str = "") -> pl.DataFrame:
    return muster.ask(f"FROM evaluation.{table} WHERE subscale = '{subscale}' {more}")


EVERYBODY = "AND organisation = 'all' AND arm = 'all'"


def test_every_officer_and_answer_arrived(twelve: Muster, one: Muster, expected: Any) -> None:
    for muster in (twelve, one):
        assert muster.ask("FROM core.participants").height == expected["n"]["participants"]
        by_wave = muster.ask("SELECT wave, count(*) FROM core.responses GROUP BY wave")
        assert dict(by_wave.iter_rows()) == expected["n"]["by_wave"]
        assert muster.ask("SELECT sum(rows_quarantined) FROM quality.submissions").item() == 0


@pytest.mark.parametrize("subscale", SUBSCALES)
def test_levels_and_changes(one: Muster, expected: Any, subscale: str) -> None:
    summary = _national(one, "wave_summary", subscale, EVERYBODY)
    assert summary["wave"].to_list() == list(DUE)
    for found, row in zip(summary.to_dicts(), expected[subscale]["wave_summary"], strict=True):
        assert found["n"] == row["n"]
        assert (found["mean"], found["sd"]) == pytest.approx((row["mean"], row["sd"]), abs=1e-6)
        assert [found["ci_low"], found["ci_high"]] == pytest.approx(row["ci"], abs=1e-6)
        bands = [found["n_low"], found["n_moderate"], found["n_high"]]
        assert bands == [row["low"], row["moderate"], row["high"]]
    changes = _national(one, "paired_change", subscale, EVERYBODY)
    for found, row in zip(changes.to_dicts(), expected[subscale]["paired_change"], strict=True):
        assert (found["to_wave"], found["n"]) == (row["wave"], row["n"])
        for name in ("mean_change", "sd_change", "d_av", "d_rm", "g_av"):
            assert found[name] == pytest.approx(row[name], abs=1e-6), name
        assert found["correlation"] == pytest.approx(row["r"], abs=1e-6)
        assert [found["ci_low"], found["ci_high"]] == pytest.approx(row["ci"], abs=1e-6)


@pytest.mark.parametrize("subscale", SUBSCALES)
def test_trajectories(twelve: Muster, expected: Any, subscale: str) -> None:
    found = _national(twelve, "trajectory", subscale, "AND arm = 'all'")
    row = expected[subscale]["trajectory"]
    assert found["estimate"].to_list() == pytest.approx(row["estimate"], rel=1e-3)
    assert found["se"].to_list() == pytest.approx(row["se"], rel=1e-3)
    later = found.filter(pl.col("wave") != "baseline")
    assert later["change"].to_list() == pytest.approx(row["change_from_baseline"], rel=1e-3)
    assert later["change_se"].to_list() == pytest.approx(row["change_se"], rel=1e-3)


@pytest.mark.parametrize("subscale", SUBSCALES)
def test_pooled_changes(twelve: Muster, expected: Any, subscale: str) -> None:
    row = expected[subscale]["pooled_change_session_10"]
    [found] = _national(twelve, "pooled_change", subscale, "AND to_wave = 'session_10'").to_dicts()
    assert (found["k"], found["k_left_out"]) == (row["k"], 0)
    assert found["estimate"] == pytest.approx(row["estimate"], abs=1e-6)
    unfloored = [found["ci_low_unfloored"], found["ci_high_unfloored"]]
    assert unfloored == pytest.approx(row["ci"], abs=1e-6)
    assert found["tau2"] == pytest.approx(row["tau2"], rel=1e-3)
    assert [found["tau2_low"], found["tau2_high"]] == pytest.approx(row["tau2_ci"], rel=1e-3)
    assert found["i2"] == pytest.approx(row["i2"] / 100, rel=1e-3)
    assert (found["q"], found["q_p"]) == pytest.approx((row["q"], row["q_p"]), abs=1e-6)
    parts = _national(twelve, "organisation_change", subscale, "AND to_wave = 'session_10'")
    by_name = {part["organisation"]: part for part in parts.to_dicts()}
    for of_r in row["organisations"]:
        part = by_name[of_r["organisation"].replace("_", "-")]
        assert part["n"] == of_r["n"]
        assert part["estimate"] == pytest.approx(of_r["yi"], abs=1e-6)
        assert part["variance"] == pytest.approx(of_r["vi"], abs=1e-6)


@pytest.mark.parametrize("subscale", SUBSCALES)
def test_reliabilities(twelve: Muster, expected: Any, subscale: str) -> None:
    found = _national(twelve, "reliability", subscale, "AND organisation = 'all'")
    rows = expected[subscale]["reliability"]
    assert found["wave"].to_list() == [row["wave"] for row in rows]
    assert found["n"].to_list() == [row["n"] for row in rows]
    assert found["alpha"].to_list() == pytest.approx([row["alpha"] for row in rows], abs=1e-6)


def test_retention_and_attrition(twelve: Muster, one: Muster, expected: Any) -> None:
    row = expected["retention"]
    found = twelve.ask(
        "FROM evaluation.retention WHERE organisation = 'all' AND arm = 'all' "
        "AND denominator = 'enrolled' AND n_left > 0 ORDER BY time"
    )
    assert found["time"].to_list() == row["time"]
    assert found["n_at_risk"].to_list() == row["n_risk"]
    assert found["n_left"].to_list() == row["n_event"]
    for name, of_r in (("retained", "survival"), ("ci_low", "lower"), ("ci_high", "upper")):
        assert found[name].to_list() == pytest.approx(row[of_r], abs=1e-6), name
    log_rank = twelve.ask(
        "FROM evaluation.retention_comparison WHERE arm = 'all' AND denominator = 'enrolled'"
    ).row(0, named=True)
    assert log_rank["chi_square"] == pytest.approx(
        row["logrank_by_organisation"]["chisq"], abs=1e-6
    )
    attrition = twelve.ask(
        "SELECT subscale, standardised_difference FROM evaluation.attrition "
        "WHERE organisation = 'all' AND denominator = 'enrolled'"
    )
    by_subscale = dict(attrition.iter_rows())
    assert [by_subscale[name] for name in SUBSCALES] == pytest.approx(
        expected["attrition_smd"], abs=1e-6
    )
    # R's model has the scores alone, as the table has where there is one organisation.
    model = one.ask("FROM evaluation.attrition_model")
    assert model["term"].to_list() == ["intercept", *SUBSCALES]
    logit = expected["attrition_logit"]
    assert model["estimate"].to_list() == pytest.approx(logit["coef"], abs=1e-6)
    # R stopped a step early: see tests/evaluation/test_reference_figures.py.
    assert model["se"].to_list() == pytest.approx(logit["se"], rel=1e-3)
