"""Formulas of survival: R's own figures, a count of every officer by itself, and the edges."""

import csv
import json
import math
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.survival import Share, aalen_johansen, kaplan_meier, log_rank

REFERENCE = Path(__file__).parent / "reference"
STATES = ("censored", "dropped_out", "left_organisation")
DIGITS = 1e-6

Officer = tuple[int, str]
_officers = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(STATES)), min_size=1, max_size=30)


def _counted(officers: list[Officer], times: list[int], *states: str) -> list[int]:
    return [sum(at == time and state in states for at, state in officers) for time in times]


def _at_risk(officers: list[Officer], times: list[int]) -> list[int]:
    return [sum(at >= time for at, _ in officers) for time in times]


def _decided_at_risk(officers: list[Officer], times: list[int]) -> list[int]:
    """Without those of whom the next wave is not known; after the last wave there is none."""
    last = times[-1]
    return [
        sum(
            at > time or (at == time and (state != "censored" or at == last))
            for at, state in officers
        )
        for time in times
    ]


def _from_r() -> tuple[dict[str, list[Officer]], Any]:
    with (REFERENCE / "officers.csv").open(encoding="utf-8") as file:
        rows = [
            (row["organisation"], int(row["time"]), row["state"]) for row in csv.DictReader(file)
        ]
    by_organisation: dict[str, list[Officer]] = {}
    for organisation, time, state in rows:
        by_organisation.setdefault(organisation, []).append((time, state))
    return by_organisation, json.loads((REFERENCE / "retention.json").read_text("utf-8"))


@pytest.mark.parametrize("figure", ["retained", "dropped_out", "left_organisation"])
def test_agrees_with_r(figure: str) -> None:
    by_organisation, expected = _from_r()
    officers = [officer for members in by_organisation.values() for officer in members]
    assert len(officers) == 220
    times = expected["time"]
    at_risk = _decided_at_risk(officers, times)
    assert at_risk == expected["n_at_risk"]
    dropped, left = (_counted(officers, times, state) for state in STATES[1:])
    found = {
        "retained": lambda: kaplan_meier(at_risk, np.add(dropped, left).tolist()),
        "dropped_out": lambda: aalen_johansen(at_risk, dropped, left),
        "left_organisation": lambda: aalen_johansen(at_risk, left, dropped),
    }[figure]()
    rows = zip(*(expected[figure][name] for name in ("share", "se", "lower", "upper")), strict=True)
    for share, row in zip(found, rows, strict=True):
        assert [share.share, share.standard_error, *(share.interval or ())] == pytest.approx(
            row, abs=DIGITS
        )


def test_log_rank_agrees_with_r() -> None:
    by_organisation, expected = _from_r()
    times = expected["time"]
    groups = by_organisation.values()
    at_risk = [_decided_at_risk(members, times) for members in groups]
    events = [_counted(members, times, "dropped_out") for members in groups]
    found = log_rank(np.transpose(at_risk).tolist(), np.transpose(events).tolist())
    assert found is not None
    assert found.chi_square == pytest.approx(expected["logrank"]["chisq"], abs=DIGITS)
    assert found.degrees_of_freedom == expected["logrank"]["df"]
    # pchisq(chisq, 3, lower.tail = FALSE), whose closed form this is.
    half = found.chi_square / 2
    tail = math.erfc(math.sqrt(half)) + 2 * math.sqrt(half / math.pi) * math.exp(-half)
    assert found.p_value == pytest.approx(tail)


def _naive(officers: list[Officer], until: int) -> dict[str, Fraction]:
    """Shares after `until`: each officer's weight goes on to those who came further if censored.

    This is redistribution to the right (B. Efron 1967), which needs no product of shares.
    """
    weights = [Fraction(1, len(officers))] * len(officers)
    shares = dict.fromkeys(STATES[1:], Fraction(0))
    for time in range(until + 1):
        for (at, state), weight in zip(officers, weights, strict=True):
            if at == time and state != "censored":
                shares[state] += weight
        further = [i for i, (at, _) in enumerate(officers) if at > time]
        lost = sum(
            weight
            for (at, state), weight in zip(officers, weights, strict=True)
            if at == time and state == "censored"
        )
        total = sum(weights[i] for i in further)
        for i in further:
            weights[i] += weights[i] / total * lost
    return shares


def _jackknife(officers: list[Officer], until: int, state: str) -> float:
    """Infinitesimal jackknife: root of the summed squares of each officer's effect."""

    def incidence(weights: np.ndarray) -> complex:
        survived, had_it = 1 + 0j, 0j
        for time in range(until + 1):
            risk = sum(w for w, (at, _) in zip(weights, officers, strict=True) if at >= time)
            event, any_event = (
                sum(
                    w
                    for w, (at, which) in zip(weights, officers, strict=True)
                    if at == time and which in states
                )
                for states in ((state,), STATES[1:])
            )
            had_it += survived * event / risk
            survived *= 1 - any_event / risk
        return had_it

    effects = []
    for i in range(len(officers)):
        weights = np.ones(len(officers), dtype=complex)
        weights[i] += 1e-30j  # a complex step differentiates without subtracting
        effects.append(complex(incidence(weights)).imag / 1e-30)
    return math.sqrt(math.fsum(effect**2 for effect in effects))


@given(_officers)
def test_agrees_with_redistributing_the_weight_of_those_who_were_censored(
    officers: list[Officer],
) -> None:
    times = list(range(5))
    at_risk = _at_risk(officers, times)
    dropped, left = (_counted(officers, times, state) for state in STATES[1:])
    retained = list(kaplan_meier(at_risk, np.add(dropped, left).tolist()))
    incidences = {
        "dropped_out": list(aalen_johansen(at_risk, dropped, left)),
        "left_organisation": list(aalen_johansen(at_risk, left, dropped)),
    }
    reached = max(at for at, _ in officers) + 1
    assert len(retained) == reached
    for time in range(reached):
        naive = _naive(officers, time)
        for state, found in incidences.items():
            assert found[time].share == pytest.approx(float(naive[state]), abs=1e-12)
            assert found[time].standard_error == pytest.approx(
                _jackknife(officers, time, state), abs=1e-7
            )
        assert retained[time].share == pytest.approx(float(1 - sum(naive.values())), abs=1e-12)
        together = [incidences[state][time].share for state in STATES[1:]]
        assert retained[time].share + sum(together) == pytest.approx(1, abs=1e-12)
    assert all(later.share <= earlier.share for earlier, later in pairwise(retained))


@given(_officers)
def test_limits_lie_around_the_share_and_within_0_and_1(officers: list[Officer]) -> None:
    times = list(range(5))
    for share in kaplan_meier(_at_risk(officers, times), _counted(officers, times, *STATES[1:])):
        if share.interval:
            low, high = share.interval
            assert 0 <= low < share.share < high <= 1
        else:
            assert share.share in {0, 1}


def test_a_share_of_0_or_1_has_no_interval() -> None:
    assert Share(1.0, 0.0).interval is None
    assert Share(0.0, 0.0).interval is None
    assert list(kaplan_meier([3, 3, 0], [0, 3, 0])) == [Share(1.0, 0.0), Share(0.0, None)]
    # 1/7 and its complements do not add up to 1 in floating point.
    *_, last = aalen_johansen([7, 6, 5, 4, 3, 2, 1], [1] * 7, [0] * 7)
    assert last.share == 1.0


def test_two_groups_give_the_textbook_statistic() -> None:
    at_risk, events = [(10, 8), (7, 3), (4, 2)], [(2, 4), (1, 1), (2, 0)]
    difference = variance = Fraction(0)
    for (n1, n2), (d1, d2) in zip(at_risk, events, strict=True):
        n, d = n1 + n2, d1 + d2
        difference += d1 - Fraction(d * n1, n)
        variance += Fraction(d * n1 * n2 * (n - d), n * n * (n - 1))
    found = log_rank(at_risk, events)
    assert found is not None
    assert found.chi_square == pytest.approx(float(difference**2 / variance))
    assert found.degrees_of_freedom == 1


def test_a_group_that_was_never_at_risk_beside_another_costs_a_degree_of_freedom() -> None:
    third_has_gone = log_rank([(5, 5, 2), (4, 3, 0)], [(0, 0, 0), (1, 2, 0)])
    without = log_rank([(4, 3)], [(1, 2)])
    assert third_has_gone is not None
    assert without is not None
    assert third_has_gone.degrees_of_freedom == 1
    assert third_has_gone.chi_square == pytest.approx(without.chi_square)


@pytest.mark.parametrize(
    ("at_risk", "events"),
    [([(4, 3)], [(0, 0)]), ([(4, 3)], [(4, 3)]), ([(1, 0)], [(1, 0)])],
    ids=["no_event", "all_at_once", "one_officer"],
)
def test_without_variance_there_is_no_test(
    at_risk: list[tuple[int, int]], events: list[tuple[int, int]]
) -> None:
    assert log_rank(at_risk, events) is None
