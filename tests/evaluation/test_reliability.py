"""Reliability against plain loops, and where there is none. R's figures: test_reference_figures."""

import statistics
from typing import Any

import numpy as np
import polars as pl
import pytest
from answered import Answered, Items, alike, answers
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from pipeline import reference, tables
from pipeline.evaluation import reliability as module
from pipeline.evaluation.answers import (
    ItemSums,
    answers_by_instrument,
    item_sums,
    sums_by_subscale,
)
from pipeline.evaluation.one_factor import one_factor
from pipeline.evaluation.reliability import reliabilities, reliability
from pipeline.programme import Programme

PHQ = reference.instruments()["phq4"]
_answer = st.none() | st.integers(0, 3)
_response = st.tuples(
    st.sampled_from(["north", "south"]),
    st.sampled_from(["baseline", "session_7"]),
    st.lists(_answer, min_size=4, max_size=4),
)
_a_few = settings(max_examples=60, deadline=None)


def _table(rows: list[Answered], programme: Programme) -> pl.DataFrame:
    sums = sums_by_subscale(answers(rows, programme))
    made = reliability({series: reliabilities(of_series) for series, of_series in sums.items()})
    return tables.RELIABILITY.conform(made)


def _row(rows: list[Answered], programme: Programme, subscale: str) -> dict[str, Any]:
    made = _table(rows, programme).filter(pl.col("organisation") != "all", subscale=subscale)
    return made.row(0, named=True)


def _naive_alpha(rows: list[Items]) -> float | None:
    """Cronbach's alpha as the textbook writes it, of complete rows."""
    items = list(zip(*rows, strict=True))
    totals = [sum(row) for row in rows]
    if len(rows) < 2 or statistics.pvariance(totals) == 0:
        return None
    own = sum(statistics.variance(item) for item in items)
    return len(items) / (len(items) - 1) * (1 - own / statistics.variance(totals))


@_a_few
@given(st.lists(_response, min_size=1, max_size=25))
def test_alpha_and_n_of_every_place(
    programme: Programme, rows: list[tuple[str, str, list[int | None]]]
) -> None:
    made = _table([Answered(o, items, wave, "phq4") for o, wave, items in rows], programme)
    found = {(r["organisation"], r["wave"], r["subscale"]): r for r in made.to_dicts()}
    places = {(o, wave) for o, wave, _ in rows} | {("all", wave) for _, wave, _ in rows}
    assert len(found) == len(places) * len(PHQ.subscales)
    for organisation, wave in places:
        for subscale in PHQ.subscales:
            chosen = [
                [items[i - 1] for i in subscale.items]
                for o, w, items in rows
                if w == wave and organisation in (o, "all")
            ]
            complete = [row for row in chosen if None not in row]
            row = found[organisation, wave, subscale.subscale]
            assert row["n"] == len(complete)
            expected = _naive_alpha(complete)
            if expected is None:
                assert row["alpha"] is row["alpha_low"] is row["alpha_high"] is row["omega"] is None
                assert "no reliability" in row["note"]
            else:
                assert row["alpha"] == pytest.approx(expected, abs=1e-10)
                assert row["alpha_low"] <= row["alpha"] <= row["alpha_high"] + 1e-12
                n, p = len(complete), len(subscale.items)
                high = 1 - (1 - expected) * stats.f.ppf(0.025, n - 1, (n - 1) * (p - 1))
                assert row["alpha_high"] == pytest.approx(high, rel=1e-6, abs=1e-6)
            assert row["omega"] is not None or row["note"]


def test_sums_are_those_of_plain_loops_whatever_the_order(programme: Programme) -> None:
    rng = np.random.default_rng(3)
    rows = [
        Answered("north" if i % 3 else "south", [None if rng.random() < 0.1 else a for a in items])
        for i, items in enumerate(alike(rng, 40))
    ]
    key = reference.instruments()["proqol5"]
    burnout = key.by_subscale["burnout"]
    (made,) = answers(rows, programme)
    sums = item_sums(made, burnout)
    assert sums.places == (("north", "baseline"), ("south", "baseline"))
    for place, organisation in enumerate(("north", "south")):
        keyed = [
            [6 - row.items[i - 1] if i in key.reversed else row.items[i - 1] for i in burnout.items]
            for row in rows
            if row.organisation == organisation and all(row.items[i - 1] for i in burnout.items)
        ]
        assert sums.n[place] == len(keyed)
        assert sums.totals[place].tolist() == [sum(item) for item in zip(*keyed, strict=True)]
        products = [[sum(row[i] * row[j] for row in keyed) for j in range(10)] for i in range(10)]
        assert sums.products[place].tolist() == products
    (turned,) = answers(rows[::-1], programme)
    again = item_sums(turned, burnout)
    assert again.products.tolist() == sums.products.tolist()
    assert again.totals.tolist() == sums.totals.tolist()


def _naive_omega(covariances: np.ndarray) -> float:
    """Omega from a general optimiser on the textbook's discrepancy function of a covariance."""
    p = len(covariances)

    def loss(parameters: np.ndarray) -> float:
        loadings, own = parameters[:p], np.exp(parameters[p:])
        implied = np.outer(loadings, loadings) + np.diag(own)
        _, log_determinant = np.linalg.slogdet(implied)
        return float(log_determinant + np.trace(np.linalg.solve(implied, covariances)))

    sds = np.sqrt(np.diag(covariances))
    start = np.concatenate([0.6 * sds, np.log(0.6 * sds**2)])
    fit = optimize.minimize(loss, start, method="BFGS", options={"gtol": 1e-9, "maxiter": 5000})
    common = float(fit.x[:p].sum()) ** 2
    return common / (common + float(np.exp(fit.x[p:]).sum()))


@pytest.mark.parametrize("seed", range(4))
def test_omega_agrees_with_a_general_optimiser(programme: Programme, seed: int) -> None:
    rows = [Answered("north", items) for items in alike(np.random.default_rng(seed), 60)]
    (made,) = answers(rows, programme)
    for subscale in made.instrument.subscales:
        sums = item_sums(made, subscale)
        (found,) = reliabilities(sums)
        assert found.omega == pytest.approx(_naive_omega(sums.covariances[0]), abs=1e-6)


def test_a_matrix_is_fitted_by_itself() -> None:
    rng = np.random.default_rng(5)
    matrices = np.stack(
        [
            np.corrcoef(rng.normal(size=(40, 1)) + rng.normal(size=(40, 6)), rowvar=False)
            for _ in range(5)
        ]
    )
    together = one_factor(matrices)
    for i, matrix in enumerate(matrices):
        alone = one_factor(matrix[None])
        assert alone.loadings[0].tolist() == together.loadings[i].tolist()


def test_one_factor_finds_the_loadings_it_was_given() -> None:
    loadings = np.array([0.9, 0.7, 0.5, 0.3])
    matrix = np.outer(loadings, loadings)
    np.fill_diagonal(matrix, 1)
    found = one_factor(matrix[None])
    assert np.abs(found.loadings[0]) == pytest.approx(loadings, abs=1e-7)
    assert found.uniquenesses[0] == pytest.approx(1 - loadings**2, abs=1e-7)
    assert not found.at_limit[0]


def test_a_factor_that_is_one_of_the_items_lies_at_the_limit() -> None:
    matrix = np.eye(4)
    matrix[0, 1:] = matrix[1:, 0] = 0.55
    found = one_factor(matrix[None])
    assert found.at_limit[0]
    assert found.uniquenesses[0, 0] == pytest.approx(0.005)
    assert np.isfinite(found.loadings).all()


@pytest.mark.parametrize(
    "matrix",
    [
        np.ones((3, 3)),
        np.full((3, 3), np.nan),
        np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]]),
    ],
    ids=["singular", "not a number", "no correlations at all"],
)
def test_what_has_no_fit_is_nan(matrix: np.ndarray) -> None:
    found = one_factor(matrix[None])
    assert np.isnan(found.loadings).all()
    assert np.isnan(found.omega(np.ones((1, 3)))).all()
    assert not found.at_limit[0]


def test_two_items_are_refused() -> None:
    with pytest.raises(ValueError, match="fewer than three items"):
        one_factor(np.eye(2)[None])


def test_unrelated_items_have_no_omega_to_speak_of() -> None:
    found = one_factor(np.eye(5)[None])
    assert 0 <= found.omega(np.ones((1, 5)))[0] < 0.05


def test_everybody_answered_the_same(programme: Programme) -> None:
    row = _row([Answered("north", [3] * 30)] * 25, programme, "burnout")
    assert (row["n"], row["alpha"], row["omega"]) == (25, None, None)
    assert row["note"] == module.NOTE_NO_SPREAD


def test_nobody_answered_in_full(programme: Programme) -> None:
    row = _row([Answered("north", [None, *[3] * 29])] * 25, programme, "burnout")
    assert (row["n"], row["alpha"]) == (0, None)
    assert row["note"] == module.NOTE_ONE_RESPONSE


def test_two_responses(programme: Programme) -> None:
    rng = np.random.default_rng(1)
    row = _row([Answered("north", items) for items in alike(rng, 2)], programme, "burnout")
    assert row["n"] == 2
    assert row["alpha"] is not None
    assert row["omega"] is None
    assert module.NOTE_FEW_RESPONSES in row["note"]


def test_a_subscale_of_two_items_has_no_omega(programme: Programme) -> None:
    rows = [
        Answered("north", [i % 4, (i + i % 2) % 4, 0, 1], "baseline", "phq4") for i in range(30)
    ]
    row = _row(rows, programme, "anxiety")
    assert row["alpha"] is not None
    assert row["omega"] is None
    assert module.NOTE_TWO_ITEMS in row["note"]


def test_an_item_without_variance(programme: Programme) -> None:
    rows = [[3, *items[1:]] for items in alike(np.random.default_rng(2), 40)]
    row = _row([Answered("north", items) for items in rows], programme, "burnout")
    assert row["alpha"] is not None
    assert row["omega"] is None
    assert row["note"] == module.NOTE_CONSTANT_ITEM


def test_items_that_go_against_each_other(programme: Programme) -> None:
    rows = [
        Answered("north", [i % 4, 3 - i % 4, i % 3, i % 2], "baseline", "phq4") for i in range(24)
    ]
    row = _row(rows, programme, "anxiety")
    # Their sum is 3 for everybody.
    assert row["note"] == module.NOTE_NO_SPREAD
    rows = [
        Answered("north", [i % 4, 3 - i % 4 if i else 0, i % 3, i % 2], "baseline", "phq4")
        for i in range(24)
    ]
    row = _row(rows, programme, "anxiety")
    assert row["alpha"] < 0
    assert module.NOTE_BELOW_ZERO in row["note"]


def test_no_factor_fits_items_that_repeat_each_other(programme: Programme) -> None:
    rows = [Answered("north", [i % 4, i % 4, i % 3, i % 2], "baseline", "phq4") for i in range(24)]
    row = _row(rows, programme, "psychological_distress")
    assert row["omega"] is None
    assert row["note"] == module.NOTE_NO_FIT


def test_an_instrument_of_one_item_has_no_reliability() -> None:
    sums = ItemSums(
        (1,), (("north", "baseline"),), np.array([12]), np.array([[30]]), np.array([[[90]]])
    )
    (found,) = reliabilities(sums)
    assert (found.alpha, found.omega, found.notes) == (None, None, (module.NOTE_ONE_ITEM,))


def test_nobody_answered_anything(programme: Programme) -> None:
    assert _table([], programme).is_empty()


def test_an_answer_of_nobody_enrolled_is_refused(programme: Programme) -> None:
    rows = pl.DataFrame(
        {
            "participant_id": ["p1"],
            "wave": ["baseline"],
            "instrument": ["phq4"],
            "items": [[0] * 4],
        },
        schema_overrides={"items": pl.List(pl.UInt8)},
    )
    enrolled = pl.DataFrame({"participant_id": ["p2"], "organisation": ["north"]})
    with pytest.raises(ValueError, match="not among the participants"):
        list(answers_by_instrument(rows, enrolled, programme))
    elsewhere = rows.with_columns(wave=pl.lit("session_99"))
    with pytest.raises(ValueError, match="a wave that the programme does not have"):
        list(answers_by_instrument(elsewhere, enrolled, programme))
