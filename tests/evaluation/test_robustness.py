"""The robustness panel: its rows and rule, and a NULL with its reason where there is no figure."""

import math
import statistics
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panel_officers import AS_OF, SUBSCALES, WAVES, Frames, Officer, drawn, frames
from scipy import stats

from pipeline import tables
from pipeline.evaluation import imputation
from pipeline.evaluation.attrition_weights import attrition_weights
from pipeline.evaluation.cells import NOTE_FEW_ORGANISATIONS, NOTE_NO_WIDTH
from pipeline.evaluation.delta_adjustment import DELTA
from pipeline.evaluation.followed import followed
from pipeline.evaluation.imputation import completed
from pipeline.evaluation.paired_change import paired_change
from pipeline.evaluation.panel import panel as panel_of
from pipeline.evaluation.robustness import NOTE_LITTLE_FREEDOM, robustness, seed_of
from pipeline.vocabulary import RobustnessMethod, RobustnessOutcome

NaiveClustered = Callable[[list[list[float]]], tuple[float, float]]
FIGURES = ("estimate", "ci_low", "ci_high")
IMPUTED = ("multiple_imputation", "delta_minus", "delta_plus", "tipping_point")


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and rules are tested here, not how well the draws of a chain have mixed."""
    monkeypatch.setattr(imputation.imputed_changes, "__kwdefaults__", {**_FEW})


_FEW = {"imputations": 5, "burn_in": 10, "between": 2}


def _trajectory(*rows: dict[str, Any]) -> pl.DataFrame:
    usual = {
        "arm": "all",
        "from_wave": "baseline",
        "wave": "session_10",
        "instrument": "proqol5",
        "subscale": "burnout",
        "change": -1.0,
        "change_ci_low": -1.5,
        "change_ci_high": -0.5,
        "n": 90,
        "note": None,
    }
    schema = {
        **dict.fromkeys(("arm", "from_wave", "wave", "instrument", "subscale", "note"), pl.String),
        **dict.fromkeys(("change", "change_ci_low", "change_ci_high"), pl.Float64),
        "n": pl.Int32,
    }
    return pl.DataFrame([{**usual, **row} for row in rows], schema=schema)


def _panel(made: Frames, trajectory: pl.DataFrame | None = None) -> pl.DataFrame:
    found = robustness(
        made.scores,
        made.participants,
        made.participant_waves,
        made.programme,
        _trajectory() if trajectory is None else trajectory,
        as_of=AS_OF,
    )
    return tables.ROBUSTNESS.conform(found)


def _row(panel: pl.DataFrame, method: str, **where: str) -> dict[str, Any]:
    key = {"to_wave": "session_10", "subscale": "burnout", "method": method, **where}
    return panel.filter(**key).row(0, named=True)


def _is_null(row: dict[str, Any], why: str) -> bool:
    return (
        all(row[name] is None for name in ("ci_low", "ci_high"))
        and row["outcome"] == "not_available"
        and why in row["note"]
    )


def test_every_wave_subscale_and_method_has_a_row_in_the_programmes_order() -> None:
    panel = _panel(frames(drawn([40, 50, 60], 1)))
    methods = [method.value for method in RobustnessMethod]
    assert panel.select("to_wave", "subscale", "method").rows() == [
        (wave, subscale, method)
        for wave in WAVES[1:]
        for subscale in SUBSCALES
        for method in methods
    ]
    named = panel.filter("named_beforehand").select("to_wave", "subscale").unique().rows()
    assert named == [("session_10", "burnout")]


def test_complete_cases_are_the_national_row_of_paired_change() -> None:
    for sizes in ([40, 50, 60], [90], [20]):
        made = frames(drawn(sizes, 1))
        panel = _panel(made).filter(method="complete_cases")
        change = paired_change(
            panel_of(made.scores, made.participants, made.programme), made.programme
        ).filter(organisation="all", arm="all", from_wave="baseline")
        same = ["to_wave", "subscale", "n", "ci_low", "ci_high", "n_clusters"]
        assert (
            panel.select(*same, "estimate")
            .sort("to_wave", "subscale")
            .equals(
                change.select(*same, pl.col("mean_change").alias("estimate")).sort(
                    "to_wave", "subscale"
                )
            )
        )


def test_the_mixed_model_is_taken_over_from_the_rows_of_all_arms() -> None:
    modelled = _trajectory({"note": "said before"}, {"arm": "programme", "change": 9.0})
    panel = _panel(frames(drawn([40, 50, 60], 1)), modelled)
    row = _row(panel, "mixed_model")
    assert [row[name] for name in FIGURES] == [-1.0, -1.5, -0.5]
    assert (row["n"], row["note"]) == (90, "said before")
    assert _is_null(_row(panel, "mixed_model", to_wave="session_5"), "no such change")


def test_the_order_of_rows_does_not_matter_and_the_seed_follows_from_the_programme() -> None:
    made = frames(drawn([40, 50, 60], 1))
    assert _panel(made).equals(_panel(made.shuffled(7)))
    assert seed_of(made.programme, "proqol5") == seed_of(made.programme, "proqol5")
    assert seed_of(made.programme, "proqol5") != seed_of(made.programme, "phq4")


def _moved(officers: list[Officer], by: float) -> list[Officer]:
    """All later scores moved by so much."""
    return [
        replace(
            o,
            answers=[
                a if not w or a is None else tuple(x if x is None else x + by for x in a)
                for w, a in enumerate(o.answers)
            ],
        )
        for o in officers
    ]


def test_delta_and_tipping_point() -> None:
    panel = _panel(frames(_moved(drawn([40, 50, 60, 50, 40], 1), -4.0)))
    plain, minus, plus, tips = (_row(panel, method) for method in IMPUTED)
    sd = (plus["estimate"] - minus["estimate"]) / (2 * DELTA)
    assert (minus["delta"], plus["delta"]) == (-DELTA, DELTA)
    assert plain["estimate"] == pytest.approx((minus["estimate"] + plus["estimate"]) / 2)
    assert tips["tipping_delta"] == tips["delta"] > 0
    assert tips["ci_high"] == pytest.approx(0, abs=1e-6)
    expected = plain["estimate"] + sd * tips["tipping_delta"]
    assert tips["estimate"] == pytest.approx(expected)
    assert tips["outcome"] == "beyond_range"


@pytest.mark.parametrize(
    ("change", "low", "high", "outcome"),
    [
        (-3.0, -4.0, -2.0, "sign_and_interval_agree"),
        (-3.0, -7.0, 1.0, "interval_differs"),
        (3.0, 2.0, 4.0, "sign_differs"),
        (0.0, -1.0, 1.0, "sign_differs"),
    ],
)
def test_the_rule_compares_sign_and_interval_with_the_complete_cases(
    change: float, low: float, high: float, outcome: str
) -> None:
    modelled = _trajectory({"change": change, "change_ci_low": low, "change_ci_high": high})
    panel = _panel(frames(_moved(drawn([40, 50, 60, 50, 40], 1), -4.0)), modelled)
    complete = _row(panel, "complete_cases")
    assert complete["outcome"] == "reference"
    assert complete["ci_high"] < 0
    assert _row(panel, "mixed_model")["outcome"] == outcome


def test_a_small_shift_that_tips_is_within_the_range() -> None:
    officers = drawn([40, 50, 60, 50, 40], 1, leaving=0.3)
    found = {
        _row(_panel(frames(_moved(officers, by / 2))), "tipping_point")["outcome"]
        for by in range(-8, 5)
    }
    assert found == {"within_range", "beyond_range", "includes_zero"}


def test_fewer_than_ten_organisations_are_flagged() -> None:
    panel = _panel(frames(drawn([40, 50, 60], 1)))
    for method in ("complete_cases", "attrition_weighted", "multiple_imputation"):
        assert NOTE_FEW_ORGANISATIONS in _row(panel, method)["note"]


# ---------------------------------------------------------------- bad input


def test_nobody() -> None:
    panel = _panel(frames([]))
    assert panel.height == 63
    assert panel["outcome"].unique().to_list() == ["not_available"]
    assert panel["note"].null_count() == 0


def test_nobody_returned() -> None:
    gone = [replace(o, answers=[o.answers[0], None, None, None]) for o in drawn([40, 50], 1)]
    panel = _panel(frames(gone))
    assert _is_null(_row(panel, "complete_cases"), "nobody answered both waves")
    assert _is_null(_row(panel, "attrition_weighted"), "nobody whose wave is due answered it")
    for method in IMPUTED:
        assert _is_null(_row(panel, method), "fewer than 20 scores")


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_officers(n: int) -> None:
    panel = _panel(frames([Officer([(40.0, 20.0, 20.0)] * 3 + [(38.0, 25.0, 21.0)])] * n))
    complete, weighted = _row(panel, "complete_cases"), _row(panel, "attrition_weighted")
    assert complete["estimate"] == weighted["estimate"] == 5.0
    if n == 1:
        assert _is_null(complete, "one officer")
        assert _is_null(weighted, "one officer")
    else:
        assert complete["ci_low"] == weighted["ci_low"] == 5.0
    for method in IMPUTED:
        assert _row(panel, method)["outcome"] == "not_available"


def test_everybody_answered_the_same() -> None:
    same = [
        replace(o, answers=[a and (40.0, 20.0, 20.0) for a in o.answers])
        for o in drawn([60, 70], 1)
    ]
    panel = _panel(frames(same))
    complete = _row(panel, "complete_cases")
    assert [complete[name] for name in FIGURES] == [0.0, 0.0, 0.0]
    assert NOTE_NO_WIDTH in complete["note"]
    assert _row(panel, "attrition_weighted")["estimate"] == pytest.approx(0)
    for method in IMPUTED:
        assert _is_null(_row(panel, method), "SD of 0")


def test_dropout_that_scores_tell_without_error() -> None:
    told = [
        replace(
            o,
            answers=o.answers
            if (o.answers[0] or (0, 0, 0))[1] < 25
            else o.answers[:1] + [None] * 3,
        )
        for o in drawn([60, 70, 80], 1, leaving=0.0, blank=0.0)
    ]
    panel = _panel(frames(told))
    assert _is_null(_row(panel, "attrition_weighted"), "separation")
    assert _row(panel, "multiple_imputation")["estimate"] is not None


def test_scores_of_one_wave_alone() -> None:
    made = frames(drawn([10], 1))
    panel = _panel(
        replace(made, scores=made.scores.filter(wave="baseline")),
        _trajectory(
            {"change": None, "change_ci_low": None, "change_ci_high": None, "note": "nobody"}
        ),
    )
    assert panel.height == 63
    assert panel["estimate"].null_count() == 63
    assert panel["note"].null_count() == 0


def _partly(officers: list[Officer], count: int, status: str) -> list[Officer]:
    """The first `count` without scores at the last wave, which the ledger says of them."""
    statuses = ["completed" if a else "missed" for a in officers[0].answers[:3]]
    return [
        replace(o, answers=[*o.answers[:3], None], statuses=[*statuses, status]) if i < count else o
        for i, o in enumerate(officers)
    ]


def test_who_answered_another_questionnaire_has_not_left() -> None:
    """The score is missing and imputed, but it does not move by delta, and nobody says `gone`."""
    everybody = [o for o in drawn([80] * 4, 1, leaving=0.0, blank=0.0) if all(o.answers)]
    left, answered = (
        _panel(frames(_partly(everybody, 30, status))) for status in ("missed", "completed")
    )
    for panel, moves in ((left, True), (answered, False)):
        plain, minus, plus, _ = (_row(panel, method) for method in IMPUTED)
        assert plain["n_imputed"] == minus["n_imputed"] == 30
        assert (minus["estimate"] < plain["estimate"] < plus["estimate"]) is moves
    for method in ("attrition_weighted", *IMPUTED):
        said = "30 answered the wave without a score of this instrument"
        assert (said in (_row(answered, method)["note"] or "")) is True, method
        assert said not in (_row(left, method)["note"] or ""), method
    weighted = _row(answered, "attrition_weighted")
    complete = _row(answered, "complete_cases")
    # Nobody is gone, so all weigh the same.
    assert weighted["estimate"] == pytest.approx(complete["estimate"])
    assert weighted["n"] == complete["n"] == len(everybody) - 30
    assert weighted["effective_n"] == pytest.approx(weighted["n"])


def test_a_contrast_from_a_later_wave_counts_those_who_answered_that() -> None:
    made = frames(drawn([40, 50, 60], 1))
    later = made.programme.primary.model_copy(update={"from_wave": "session_5"})
    programme = made.programme.model_copy(update={"primary": later})
    modelled = _trajectory({"from_wave": "session_5", "change": -3.0})
    panel = _panel(replace(made, programme=programme), modelled)
    assert panel.height == 63 + 21
    assert panel.head(63)["from_wave"].unique().to_list() == ["baseline"]
    extra = panel.tail(21)
    assert extra.select("from_wave", "to_wave").unique().rows() == [("session_5", "session_10")]
    named = extra.filter("named_beforehand")
    assert named["subscale"].to_list() == ["burnout"] * 7
    assert named.filter(method="mixed_model")["estimate"].to_list() == [-3.0]
    of_officers = panel_of(made.scores, made.participants, programme)
    pairs = paired_change(of_officers, programme).filter("named_beforehand", organisation="all")
    complete = named.filter(method="complete_cases")
    assert complete["estimate"].item() == pairs["mean_change"].item()
    burnout = made.scores.filter(subscale="burnout", wave="session_5")
    assert named.filter(method="multiple_imputation")["n"].item() >= burnout.height


def test_nobody_absent_leaves_nothing_to_shift() -> None:
    officers = [o for o in drawn([40] * 5, 1, leaving=0.0, blank=0.0) if all(o.answers)]
    panel = _panel(frames(_moved(officers, -6.0)))
    assert _is_null(_row(panel, "tipping_point"), "nothing to shift")


def test_answers_that_came_early_are_counted_apart() -> None:
    officers = drawn([60, 70], 1)
    waiting = [
        replace(o, missed_after=[*o.missed_after[:3], AS_OF]) if i < 5 else o
        for i, o in enumerate(officers)
    ]
    early = sum(1 for o in waiting[:5] if o.answers[0] and o.answers[3])
    note = _row(_panel(frames(waiting)), "attrition_weighted")["note"]
    assert f"{early} answered before the wave was over" in note


# ---------------------------------------------------------------- a second implementation


def _combined(results: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    """Estimate and limits from (estimate, standard error, complete-data freedom) by Rubin."""
    m = len(results)
    estimate = statistics.fmean(e for e, _, _ in results)
    between = (1 + 1 / m) * statistics.variance([e for e, _, _ in results])
    total = statistics.fmean(se**2 for _, se, _ in results) + between
    share, complete = between / total, results[0][2]
    observed = complete * (complete + 1) / (complete + 3) * (1 - share)
    freedom = 1 / (share**2 / (m - 1) + 1 / observed)
    reach = float(stats.t.ppf(0.975, freedom)) * math.sqrt(total)
    return estimate, estimate - reach, estimate + reach


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.integers(50, 70), min_size=3, max_size=5),
    st.integers(1, 1_000),
    st.sampled_from([0.1, 0.3]),
)
def test_the_panel_is_what_a_plain_recomputation_gives(
    naive_clustered: NaiveClustered, sizes: list[int], seed: int, leaving: float
) -> None:
    made = frames(drawn(sizes, seed, leaving=leaving))
    panel = _panel(made)
    base = followed(
        made.scores,
        made.participants,
        made.participant_waves,
        made.programme,
        instrument="proqol5",
        as_of=AS_OF,
    )
    chain = completed(
        base.points.reshape(base.n, -1),
        np.repeat(np.arange(len(WAVES)), len(SUBSCALES)),
        np.unique(base.organisation, return_inverse=True)[1],
        np.random.default_rng(seed_of(made.programme, "proqol5")),
        **_FEW,
    )
    cubes = [whole.reshape(base.units.shape).copy() for whole in chain]
    first = base.points[:, 0, 1]
    sd = statistics.stdev(x for x in first.tolist() if not math.isnan(x))
    for wave, name in enumerate(WAVES[1:], start=1):
        absent = [not came for came in base.answered[:, wave].tolist()]
        for method, delta in (
            ("multiple_imputation", 0.0),
            ("delta_minus", -0.5),
            ("delta_plus", 0.5),
        ):
            results = []
            for cube in cubes:
                clusters: dict[int, list[float]] = {}
                for i, organisation in enumerate(base.organisation.tolist()):
                    change = float(cube[i, wave, 1] - cube[i, 0, 1])
                    clusters.setdefault(organisation, []).append(
                        change + (delta * sd if absent[i] else 0.0)
                    )
                error, freedom = naive_clustered(list(clusters.values()))
                values = [x for cluster in clusters.values() for x in cluster]
                results.append((statistics.fmean(values), error, freedom))
            row = _row(panel, method, to_wave=name)
            assert [row[figure] for figure in FIGURES] == pytest.approx(_combined(results))
            assert row["n"] == base.n
        weights = attrition_weights(base, wave)
        row = _row(panel, "attrition_weighted", to_wave=name)
        if isinstance(weights, str):
            assert row["estimate"] is None
            continue
        pairs = [
            (w, float(after - before))
            for w, after, before in zip(
                weights.weights.tolist(), base.points[:, wave, 1], first, strict=True
            )
            if w and not math.isnan(after - before)
        ]
        mean = sum(w * x for w, x in pairs) / sum(w for w, _ in pairs)
        assert row["estimate"] == pytest.approx(mean)
        assert row["n"] == len(pairs)
        kish = sum(w for w, _ in pairs) ** 2 / sum(w * w for w, _ in pairs)
        assert row["effective_n"] == pytest.approx(kish)


def test_outcomes_are_those_of_the_vocabulary() -> None:
    panel = _panel(frames(drawn([40, 50, 60], 1)))
    assert set(panel["outcome"]) <= {outcome.value for outcome in RobustnessOutcome}


def test_an_interval_of_few_degrees_of_freedom_says_so() -> None:
    three, twelve = (_panel(frames(drawn([40] * count, 1))) for count in (3, 12))
    for method in ("complete_cases", "attrition_weighted", "multiple_imputation", "delta_plus"):
        assert NOTE_LITTLE_FREEDOM in _row(three, method)["note"], method
        assert NOTE_LITTLE_FREEDOM not in (_row(twelve, method)["note"] or ""), method
