"""Figures that R's own packages and a published data set give, reached by scoring the answers."""

import csv
import json
import statistics
from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy.special import stdtrit

from pipeline import reference, tables
from pipeline.evaluation.answers import answers_by_instrument, sums_by_subscale
from pipeline.evaluation.arm_wave_model import arm_wave_models
from pipeline.evaluation.attrition import attrition
from pipeline.evaluation.attrition_model import attrition_model
from pipeline.evaluation.comparability import comparability, not_comparable
from pipeline.evaluation.contrasts import Fitted
from pipeline.evaluation.paired_change import change_between, paired_change
from pipeline.evaluation.panel import panel
from pipeline.evaluation.pooled_change import pooled_change
from pipeline.evaluation.random_effects import random_effects
from pipeline.evaluation.reliability import Reliability, reliabilities, reliability
from pipeline.evaluation.retention import retention, retention_comparison
from pipeline.evaluation.taking_part import taking_part
from pipeline.evaluation.trajectory import trajectory
from pipeline.evaluation.wave_summary import wave_summary
from pipeline.programme import Programme, parse_programme
from pipeline.scoring.scores import score

SHARED = Path(__file__).parents[2] / "../shared"
SUBSCALES = ("compassion_satisfaction", "burnout", "secondary_traumatic_stress")
LATER_WAVES = ("session_7", "session_10", "follow_up_3m", "follow_up_6m")
DIGITS = 1e-8
AS_OF = date(2026, 1, 1)

PROGRAMME = """
programme: reference
title: Simulated answers that R analysed
instruments: [proqol5, pss10]
primary: {instrument: proqol5, subscale: burnout, from_wave: baseline, to_wave: session_10}
waves:
  - {wave: baseline, due_after_days: 0}
  - {wave: session_7, due_after_days: 84}
  - {wave: session_10, due_after_days: 126}
  - {wave: follow_up_3m, due_after_days: 217}
  - {wave: follow_up_6m, due_after_days: 308}
"""


def _programme() -> Programme:
    return parse_programme(PROGRAMME)


def _shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not beside the project")
    return path


def _responses(instrument: str, rows: Iterable[tuple[str, str, list[int | None]]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "response_id": 0,
                "participant_id": officer,
                "organisation": "together",
                "wave": wave,
                "instrument": instrument,
                "items": items,
            }
            for officer, wave, items in rows
        ],
        schema_overrides={"items": pl.List(pl.UInt8)},
    )


def _participants(arms: dict[str, str]) -> pl.DataFrame:
    return tables.PARTICIPANTS.conform(
        pl.DataFrame(
            {
                "participant_id": list(arms),
                # One organisation without session groups: R's intervals ignore clusters.
                "organisation": "together",
                "home_force": "together",
                "arm": list(arms.values()),
                "enrolment_source": "roster",
                "dropout_stage": "none",
            }
        )
    )


def _answered() -> tuple[pl.DataFrame, list[dict[str, str]]]:
    """The simulated answers as responses, and as they stand in their file."""
    with _shared("reference/statistics/responses.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    responses = _responses(
        "proqol5",
        (
            (
                row["participant"],
                row["wave"],
                [int(row[f"q{i}"]) if row[f"q{i}"] else None for i in range(1, 31)],
            )
            for row in rows
        ),
    )
    return responses, rows


@cache
def _simulated() -> tuple[pl.DataFrame, pl.DataFrame, Any]:
    """Scores and officers of the simulated answers, and what R computes from them."""
    expected = json.loads(_shared("reference/statistics/expected.json").read_text("utf-8"))
    responses, rows = _answered()
    officers = _participants(dict.fromkeys((row["participant"] for row in rows), "programme"))
    return score(responses, reference.instruments()["proqol5"]), officers, expected


@cache
def _followed() -> tuple[pl.DataFrame, pl.DataFrame, Any]:
    """Scores, officers with how far they came, and what R computes from them.

    A wave that was not answered was missed: R's figures know no wave that has yet to close.
    """
    scores, _, expected = _simulated()
    with _shared("reference/statistics/responses.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    answered = {(row["participant"], row["wave"]) for row in rows}
    places = {row["participant"]: row["organisation"] for row in rows}
    officers = _participants(dict.fromkeys(places, "programme")).with_columns(
        organisation=pl.col("participant_id").replace_strict(places)
    )
    ledger = pl.DataFrame(
        [
            {
                "participant_id": officer,
                "organisation": organisation,
                "wave": wave,
                "status": "completed" if (officer, wave) in answered else "missed",
            }
            for officer, organisation in places.items()
            for wave in _programme().wave_names
        ],
        schema=tables.PARTICIPANT_WAVES.frame_schema,
    )
    return scores, taking_part(officers, ledger, _programme(), AS_OF), expected


def _total(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(organisation="together", arm="programme")


@pytest.mark.parametrize("subscale", SUBSCALES)
def test_wave_summary_agrees_with_r(subscale: str) -> None:
    scores, officers, expected = _simulated()
    summary = _total(wave_summary(panel(scores, officers, _programme()), _programme())).filter(
        subscale=subscale
    )
    rows = expected[subscale]["wave_summary"]
    assert summary["wave"].to_list() == [row["wave"] for row in rows]
    for found, row in zip(summary.to_dicts(), rows, strict=True):
        assert found["n"] == row["n"]
        assert found["mean"] == pytest.approx(row["mean"], abs=DIGITS)
        assert found["sd"] == pytest.approx(row["sd"], abs=DIGITS)
        assert [found["ci_low"], found["ci_high"]] == pytest.approx(row["ci"], abs=DIGITS)
        bands = [found["n_low"], found["n_moderate"], found["n_high"]]
        assert bands == [row["low"], row["moderate"], row["high"]]


@pytest.mark.parametrize("subscale", SUBSCALES)
def test_paired_change_agrees_with_r(subscale: str) -> None:
    scores, officers, expected = _simulated()
    change = _total(paired_change(panel(scores, officers, _programme()), _programme())).filter(
        subscale=subscale
    )
    rows = expected[subscale]["paired_change"]
    assert change["to_wave"].to_list() == [row["wave"] for row in rows]
    same = ("n", "mean_change", "sd_change", "d_av", "d_rm", "g_av")
    for found, row in zip(change.to_dicts(), rows, strict=True):
        for name in same:
            assert found[name] == pytest.approx(row[name], abs=DIGITS), name
        assert found["correlation"] == pytest.approx(row["r"], abs=DIGITS)
        assert [found["ci_low"], found["ci_high"]] == pytest.approx(row["ci"], abs=DIGITS)


@pytest.mark.parametrize("to_wave", LATER_WAVES)
@pytest.mark.parametrize("subscale", SUBSCALES)
def test_reliable_change_agrees_with_r_when_given_the_sd_of_the_completers(
    subscale: str, to_wave: str
) -> None:
    scores, officers, expected = _simulated()
    row = next(row for row in expected[subscale]["paired_change"] if row["wave"] == to_wave)
    of_subscale = scores.filter(pl.col("raw_score").is_not_null(), subscale=subscale)
    completers = of_subscale.filter(wave="baseline").join(
        of_subscale.filter(wave=to_wave), on="participant_id", how="semi"
    )
    change = change_between(
        panel(scores, officers, _programme()),
        _programme(),
        from_wave="baseline",
        to_wave=to_wave,
        sds={"proqol5": {subscale: statistics.stdev(completers["raw_score"])}},
    )
    found = _total(change).filter(subscale=subscale).row(0, named=True)
    assert found["reliable_change"] == pytest.approx(1.96 * row["s_diff"], abs=DIGITS)
    higher, lower = found["n_reliably_better"], found["n_reliably_worse"]
    if subscale != "compassion_satisfaction":
        higher, lower = lower, higher
    assert (higher, lower) == (row["reliably_higher"], row["reliably_lower"])


def test_retention_agrees_with_r() -> None:
    _, officers, expected = _followed()
    made = retention(officers, _programme())
    national = made.filter(organisation="all", arm="all", denominator="enrolled")
    row = expected["retention"]
    found = national.filter(pl.col("n_left") > 0)
    assert found["time"].to_list() == row["time"]
    assert found["n_at_risk"].to_list() == row["n_risk"]
    assert found["n_left"].to_list() == found["n_dropped_out"].to_list() == row["n_event"]
    for name, of_r in (
        ("retained", "survival"),
        ("standard_error", "std_err"),
        ("ci_low", "lower"),
        ("ci_high", "upper"),
    ):
        assert found[name].to_list() == pytest.approx(row[of_r], abs=1e-6), name


def test_log_rank_by_organisation_agrees_with_r() -> None:
    _, officers, expected = _followed()
    made = retention_comparison(officers, _programme())
    found = made.filter(arm="all", denominator="enrolled").row(0, named=True)
    row = expected["retention"]["logrank_by_organisation"]
    assert found["n_organisations"] == 12
    assert found["chi_square"] == pytest.approx(row["chisq"], abs=1e-6)
    assert found["degrees_of_freedom"] == row["df"]


def test_attrition_agrees_with_r() -> None:
    scores, officers, expected = _followed()
    made = attrition(scores, officers, _programme())
    national = made.filter(organisation="all", denominator="enrolled")
    found = dict(national.select("subscale", "standardised_difference").iter_rows())
    assert [found[subscale] for subscale in SUBSCALES] == pytest.approx(
        expected["attrition_smd"], abs=1e-6
    )
    assert dict(national.select("subscale", "flag").iter_rows()) == {
        "compassion_satisfaction": "serious",
        "burnout": "serious",
        "secondary_traumatic_stress": "notable",
    }


def test_attrition_model_of_scores_alone_agrees_with_r() -> None:
    scores, officers, expected = _followed()
    made = attrition_model(scores, officers, _programme(), groups=[])
    row = expected["attrition_logit"]
    assert made["term"].to_list() == ["intercept", *SUBSCALES]
    assert made["estimate"].to_list() == pytest.approx(row["coef"], abs=1e-6)
    # These come from the step before the last of three; those of a glm that went on are below.
    assert made["se"].to_list() == pytest.approx(row["se"], rel=1e-4)
    assert made["n"].unique().to_list() == [row["n"]]


@pytest.mark.parametrize(
    ("groups", "of_r"), [([], "scores"), (["organisation"], "scores_and_organisation")]
)
def test_attrition_model_agrees_with_r_run_until_nothing_moves(
    groups: list[str], of_r: str
) -> None:
    scores, officers, _ = _followed()
    made = attrition_model(scores, officers, _programme(), groups=groups)
    reference_figures = Path(__file__).parent / "reference" / "attrition.json"
    row = json.loads(reference_figures.read_text("utf-8"))[of_r]
    terms = [term.replace("organisation", "organisation: ") for term in row["term"][1:]]
    assert made["term"].to_list() == ["intercept", *terms]
    assert made["estimate"].to_list() == pytest.approx(row["estimate"], abs=1e-6)
    assert made["se"].to_list() == pytest.approx(row["se"], abs=1e-6)
    assert made["n"].unique().to_list() == [row["n"]]


@pytest.mark.parametrize("subscale", SUBSCALES)
def test_trajectory_agrees_with_r(subscale: str) -> None:
    scores, officers, expected = _followed()
    models = arm_wave_models(scores.filter(subscale=subscale), officers, _programme())
    row = expected[subscale]["trajectory"]
    assert isinstance(models[0].fitted, Fitted)
    model = models[0].fitted.model
    assert model.log_likelihood == pytest.approx(row["reml_loglik"], abs=1e-5)
    assert model.between_waves.diagonal() ** 0.5 == pytest.approx(row["sd_by_wave"], rel=1e-4)
    found = trajectory(models, _programme()).filter(arm="all")
    assert found["estimate"].to_list() == pytest.approx(row["estimate"], rel=1e-6)
    assert found["se"].to_list() == pytest.approx(row["se"], rel=1e-4)
    changes = found["change"].drop_nulls().to_list()
    assert changes == pytest.approx(row["change_from_baseline"], rel=1e-4)
    assert found["change_se"].drop_nulls().to_list() == pytest.approx(row["change_se"], rel=1e-4)


@pytest.mark.parametrize("subscale", SUBSCALES)
def test_trajectory_clustered_by_organisation_agrees_with_r(subscale: str) -> None:
    scores, officers, _ = _followed()
    models = arm_wave_models(scores.filter(subscale=subscale), officers, _programme())
    found = trajectory(models, _programme()).filter(arm="all")
    reference_figures = Path(__file__).parent / "reference" / "trajectory.json"
    row = json.loads(reference_figures.read_text("utf-8"))[subscale]
    errors = found["se_clustered"].to_list()
    assert errors == pytest.approx(row["se_clustered"], rel=1e-5)
    of_change = found["change_se_clustered"].drop_nulls().to_list()
    assert of_change == pytest.approx(row["change_se_clustered"], rel=1e-5)
    reach = [stdtrit(df, 0.975) * se for df, se in zip(row["df"], errors, strict=True)]
    assert (found["ci_high"] - found["estimate"]).to_list() == pytest.approx(reach, rel=1e-5)
    reach = [stdtrit(df, 0.975) * se for df, se in zip(row["change_df"], of_change, strict=True)]
    half = (found["change_ci_high"] - found["change"]).drop_nulls().to_list()
    assert half == pytest.approx(reach, rel=1e-5)
    assert found["n_clusters"].unique().to_list() == [12]


@cache
def _reliable() -> dict[tuple[str, str], list[Reliability]]:
    responses, rows = _answered()
    places = {row["participant"]: row["organisation"] for row in rows}
    enrolled = pl.DataFrame({"participant_id": list(places), "organisation": places.values()})
    sums = sums_by_subscale(answers_by_instrument(responses, enrolled, _programme()))
    found = {series: reliabilities(of_series) for series, of_series in sums.items()}
    assert not_comparable(comparability(sums, found)) == set()
    return found


@pytest.mark.parametrize("subscale", SUBSCALES)
def test_pooled_change_agrees_with_r(subscale: str) -> None:
    scores, officers, expected = _simulated()
    row = expected[subscale]["pooled_change_session_10"]
    _, rows = _answered()
    places = {each["participant"]: each["organisation"] for each in rows}
    enrolled = officers.with_columns(organisation=pl.col("participant_id").replace_strict(places))
    pooled, by_organisation = pooled_change(
        panel(scores, enrolled, _programme()), _programme(), not_comparable=set()
    )
    found = pooled.row(
        by_predicate=(pl.col("subscale") == subscale) & (pl.col("to_wave") == "session_10"),
        named=True,
    )
    assert (found["k"], found["k_left_out"]) == (row["k"], 0)
    unfloored = [found["ci_low_unfloored"], found["ci_high_unfloored"]]
    assert found["estimate"] == pytest.approx(row["estimate"], abs=1e-6)
    assert unfloored == pytest.approx(row["ci"], abs=1e-6)
    assert found["tau2"] == pytest.approx(row["tau2"], rel=1e-3)
    between = [found["tau2_low"], found["tau2_high"]]
    assert between == pytest.approx(row["tau2_ci"], rel=1e-3)
    assert found["i2"] == pytest.approx(row["i2"] / 100, rel=1e-3)
    assert found["q"] == pytest.approx(row["q"], abs=1e-6)
    assert found["q_p"] == pytest.approx(row["q_p"], abs=1e-6)
    for one, organisation in zip(
        by_organisation.filter(subscale=subscale, to_wave="session_10").to_dicts(),
        row["organisations"],
        strict=True,
    ):
        assert one["organisation"] == organisation["organisation"]
        assert one["n"] == organisation["n"]
        assert one["estimate"] == pytest.approx(organisation["yi"], abs=DIGITS)
        assert one["variance"] == pytest.approx(organisation["vi"], abs=DIGITS)
    # R's prediction interval has no floor; the table's has.
    model = random_effects(
        [each["yi"] for each in row["organisations"]], [each["vi"] for each in row["organisations"]]
    )
    assert model is not None
    limits, floored = model.prediction(floored=False), model.prediction()
    assert limits is not None
    assert floored is not None
    assert [limits.low, limits.high] == pytest.approx(row["prediction_interval"], rel=1e-3)
    assert found["prediction_low"] == pytest.approx(floored.low, abs=1e-6)


@pytest.mark.parametrize("subscale", SUBSCALES)
def test_alpha_agrees_with_r(subscale: str) -> None:
    _, _, expected = _simulated()
    made = reliability(_reliable()).filter(organisation="all", subscale=subscale)
    rows = expected[subscale]["reliability"]
    assert made["wave"].to_list() == [row["wave"] for row in rows]
    assert made["n"].to_list() == [row["n"] for row in rows]
    assert made["alpha"].to_list() == pytest.approx([row["alpha"] for row in rows], abs=1e-8)


def test_omega_and_the_interval_of_alpha_agree_with_r_in_every_organisation() -> None:
    reference_figures = Path(__file__).parent / "reference" / "reliability.json"
    rows = json.loads(reference_figures.read_text("utf-8"))["rows"]
    made = reliability(_reliable())
    found = {(r["organisation"], r["wave"], r["subscale"]): r for r in made.to_dicts()}
    assert len(found) == len(rows) == 13 * 5 * 3
    compared = 0
    for row in rows:
        one = found[row["organisation"], row["wave"], row["subscale"]]
        assert one["n"] == row["n"]
        for name in ("alpha", "alpha_low", "alpha_high"):
            assert one[name] == pytest.approx(row[name], abs=1e-8), name
        if row["n"] < 20:
            assert one["omega"] is None
            assert "fewer than two complete responses an item" in one["note"]
        else:
            compared += 1
            assert one["omega"] == pytest.approx(row["omega"], abs=1e-6)
    assert compared > 150


def test_published_stress_scores_come_out_of_the_real_answers() -> None:
    """PSS-10 of a trial with three arms, exported with 1 to 5 for answers 0 to 4."""
    expected = json.loads(_shared("reference/real_export.json").read_text("utf-8"))
    with _shared("exports/jisc/mindful_prepost_wide.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    waves = {"pre": "baseline", "post": "session_10"}
    responses = _responses(
        "pss10",
        (
            (row["URN"], wave, [int(row[f"PSS_{i}_{suffix}"]) - 1 for i in range(1, 11)])
            for row in rows
            for suffix, wave in waves.items()
            if suffix == "pre" or row["URN_post"] != "NA"
        ),
    )
    officers = _participants({row["URN"]: row["condition"] for row in rows})
    scores = score(responses, reference.instruments()["pss10"])
    summary = wave_summary(panel(scores, officers, _programme()), _programme()).filter(
        organisation="all", arm="all"
    )
    for suffix, wave in waves.items():
        found = summary.row(by_predicate=pl.col("wave") == wave, named=True)
        figures = expected["pss10"][suffix]
        assert found["n"] == figures["n"]
        assert found["mean"] * found["n"] == pytest.approx(figures["sum"])
        assert found["sd"] == pytest.approx(figures["sd"], abs=1e-6)
    change = paired_change(panel(scores, officers, _programme()), _programme()).filter(
        organisation="together"
    )
    for arm, figures in expected["pss10"]["paired_change_by_arm"].items():
        found = change.row(by_predicate=pl.col("arm") == arm, named=True)
        assert found["n"] == figures["n"]
        assert found["mean_change"] == pytest.approx(figures["mean"], abs=1e-6)
        assert found["sd_change"] == pytest.approx(figures["sd"], abs=1e-6)
