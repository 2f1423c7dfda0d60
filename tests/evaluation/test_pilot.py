"""The pilot's printed means: GRIM against every total, and the figures beside the national ones."""

from collections.abc import Callable
from fractions import Fraction
from itertools import product

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import reference, tables
from pipeline.evaluation.panel import panel
from pipeline.evaluation.pilot import (
    NOTE_ROUNDED,
    Totals,
    grim_possible,
    pilot_reconciliation,
    smallest_consistent_n,
    totals_after_leaving,
    totals_of,
)
from pipeline.evaluation.wave_summary import wave_summary
from pipeline.programme import Programme


def _by_trying_every_total(mean: str, n: int) -> bool:
    whole, _, decimals = mean.partition(".")
    printed = Fraction(int(whole + decimals), 10 ** len(decimals))
    half = Fraction(1, 2 * 10 ** len(decimals))
    totals = range(int(n * (printed + 1)) + 1)
    return any(abs(Fraction(total, n) - printed) <= half for total in totals)


@settings(deadline=None)
@given(st.integers(0, 60), st.sampled_from(["", "0", "5", "05", "25", "95", "333"]), st.data())
def test_grim_agrees_with_trying_every_total(
    whole: int, decimals: str, data: st.DataObject
) -> None:
    mean = f"{whole}.{decimals}" if decimals else str(whole)
    n = data.draw(st.integers(1, 120))
    assert grim_possible(mean, n) is _by_trying_every_total(mean, n)


@pytest.mark.parametrize(
    ("mean", "n", "possible"),
    [
        ("34.2", 30, True),
        ("24.3", 30, True),
        ("19.95", 30, False),
        ("20", 18, True),
        ("12.85", 18, False),
        ("17.05", 18, False),
        # Two officers can have 39.5 or 40, not 39.9.
        ("39.9", 2, False),
        ("40", 2, True),
        ("20.00", 7, True),
        ("20.10", 7, False),
        ("20.1", 7, True),
    ],
)
def test_grim(mean: str, n: int, possible: bool) -> None:
    assert grim_possible(mean, n) is possible


def test_an_exact_tie_may_be_rounded_either_way() -> None:
    # 401/8 = 50.125 prints as 50.12 or 50.13, and nothing else of 8 officers prints as either.
    assert grim_possible("50.12", 8)
    assert grim_possible("50.13", 8)
    assert not grim_possible("50.14", 8)


@pytest.mark.parametrize("mean", ["", "n/a", "nan", "inf", "1e2", "20,5"])
def test_grim_refuses_what_is_no_printed_mean(mean: str) -> None:
    with pytest.raises(ValueError, match="decimal number"):
        grim_possible(mean, 30)


def test_grim_refuses_a_mean_of_nobody() -> None:
    with pytest.raises(ValueError, match="no scores"):
        grim_possible("20.5", 0)


def test_smallest_consistent_n_of_the_pilot() -> None:
    means = reference.pilot_means()
    assert smallest_consistent_n(m.mean for m in means if m.wave == "baseline") == 19
    assert smallest_consistent_n(m.mean for m in means if m.wave == "session_7") == 20
    assert smallest_consistent_n(m.mean for m in means) == 20


def test_smallest_consistent_n_needs_a_mean() -> None:
    with pytest.raises(ValueError, match="no means"):
        smallest_consistent_n([])


def test_reconciliation_without_national_figures() -> None:
    found = tables.PILOT_RECONCILIATION.conform(pilot_reconciliation(tables.WAVE_SUMMARY.empty()))
    assert found.height == 6
    assert found["national_mean"].null_count() == 6
    assert found["note"].str.contains("no national score at this wave").all()
    assert found["band_computed"].to_list() == found["band_reported"].to_list()
    assert dict(found.select("mean_reported", "grim_possible").iter_rows()) == {
        "34.2": True,
        "19.95": False,
        "24.3": True,
        "20": True,
        "12.85": False,
        "17.05": False,
    }
    assert dict(found.select("wave", "smallest_consistent_n").iter_rows()) == {
        "baseline": 19,
        "session_7": 20,
    }


def test_what_dropout_alone_can_do_to_the_pilot() -> None:
    found = pilot_reconciliation(tables.WAVE_SUMMARY.empty())
    first = found.filter(wave="baseline")
    assert first["dropout_alone_low"].null_count() == first.height == 3
    later = {row["subscale"]: row for row in found.filter(wave="session_7").to_dicts()}
    satisfaction = later["compassion_satisfaction"]
    # 34.2 of 30 is 1,025 at least; 12 who left had 50 each at most: (1025 - 600) / 18.
    assert satisfaction["dropout_alone_low"] == 425 / 18
    assert satisfaction["dropout_alone_high"] == 50
    assert satisfaction["dropout_alone_possible"] is False
    burnout = later["burnout"]
    assert (burnout["dropout_alone_low"], burnout["dropout_alone_high"]) == (10, 610 / 18)
    assert burnout["dropout_alone_possible"] is True
    stress = later["secondary_traumatic_stress"]
    assert (stress["dropout_alone_low"], stress["dropout_alone_high"]) == (10, 479 / 18)
    assert stress["note"].startswith(NOTE_ROUNDED)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_every_total_after_leaving_occurs_and_no_other(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 5))
    stayed = data.draw(st.integers(1, n))
    low = data.draw(st.integers(n, 4 * n))
    high = data.draw(st.integers(low, 4 * n))
    found = totals_after_leaving(Totals(low, high), n, stayed, (1, 4))
    occur = {
        sum(scores[:stayed])
        for scores in product(range(1, 5), repeat=n)
        if low <= sum(scores) <= high
    }
    assert occur == set(range(found.low, found.high + 1))


@given(st.integers(10, 999), st.integers(1, 40))
def test_totals_are_those_whose_mean_prints_so(tenths: int, n: int) -> None:
    mean = f"{tenths // 10}.{tenths % 10}"
    found = totals_of(mean, n)
    exact = [
        total
        for total in range(100 * n + 2)
        if abs(Fraction(total, n) - Fraction(tenths, 10)) <= Fraction(1, 20)
    ]
    if grim_possible(mean, n):
        assert exact == list(range(found.low, found.high + 1))
    else:
        assert exact == []
        assert found.high == found.low + 1
        assert Fraction(found.low, n) < Fraction(tenths, 10) < Fraction(found.high, n)


@pytest.mark.parametrize("stayed", [0, 31])
def test_somebody_stays_and_nobody_joins(stayed: int) -> None:
    with pytest.raises(ValueError, match="at least one officer must stay"):
        totals_after_leaving(Totals(900, 900), 30, stayed, (10, 50))


def test_totals_of_nobody_are_refused() -> None:
    with pytest.raises(ValueError, match="no scores"):
        totals_of("20.5", 0)


def test_reconciliation_takes_the_national_total_of_the_same_wave_and_subscale(
    scores: Callable[..., pl.DataFrame],
    participants: Callable[..., pl.DataFrame],
    programme: Programme,
) -> None:
    enrolled = participants({"p1": ("north", "a", None), "p2": ("south", "b", None)})
    measured = scores(
        [
            ("p1", "baseline", "proqol5", "burnout", 20),
            ("p2", "baseline", "proqol5", "burnout", 30),
            ("p1", "session_10", "proqol5", "burnout", 44),
        ]
    )
    summary = wave_summary(panel(measured, enrolled, programme), programme)
    found = pilot_reconciliation(summary).filter(pl.col("national_mean").is_not_null())
    assert found.select("wave", "subscale", "national_mean").rows() == [("baseline", "burnout", 25)]
    national = summary.filter(organisation="all", arm="all", wave="baseline").row(0, named=True)
    assert found["national_ci_low"].item() == national["ci_low"]
    assert found["national_ci_high"].item() == national["ci_high"]
    assert found["note"].item() == "national: fewer than ten organisations: interval imprecise"
