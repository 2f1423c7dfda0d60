"""Bounds and possible values against trying every combination of numbers."""

from itertools import product

import pytest
from attacker import exact
from hypothesis import given
from hypothesis import strategies as st
from unknowns import Contradiction, Facts, System

_MOST = 6

rows = st.lists(
    st.tuples(
        st.lists(st.sampled_from([-1, 0, 1, 1, 2]), min_size=4, max_size=4),
        st.integers(-3, 12),
        st.integers(0, 6),
    ),
    min_size=1,
    max_size=4,
)


def _facts(found: list[tuple[list[int], int, int]]) -> Facts:
    facts = Facts()
    for name in range(4):
        facts.unknown(name, 0, _MOST)
    for coefficients, low, width in found:
        terms = [(float(c), name) for name, c in enumerate(coefficients) if c]
        if terms:
            facts.between(low, terms, low + width)
    return facts


def _solutions(found: list[tuple[list[int], int, int]]) -> list[tuple[int, ...]]:
    return [
        values
        for values in product(range(_MOST + 1), repeat=4)
        if all(
            not any(coefficients)
            or low <= sum(c * v for c, v in zip(coefficients, values, strict=True)) <= low + width
            for coefficients, low, width in found
        )
    ]


@given(rows)
def test_propagation_loses_no_solution(found: list[tuple[list[int], int, int]]) -> None:
    solutions = _solutions(found)
    system = _facts(found).system()
    try:
        system.propagate()
    except Contradiction:
        assert solutions == []
        return
    for values in solutions:
        assert all(system.low[i] <= values[i] <= system.high[i] for i in range(4))


def _everything(system: System) -> None:
    system.propagate()
    for part in system.parts():
        exact(part, range(len(part.columns)))


@given(rows)
def test_programmes_find_exactly_what_is_possible(
    found: list[tuple[list[int], int, int]],
) -> None:
    solutions = _solutions(found)
    system = _facts(found).system()
    if not solutions:
        with pytest.raises(Contradiction):
            _everything(system)
        return
    system.propagate()
    for part in system.parts():
        for place, (low, high, possible) in exact(part, range(len(part.columns))).items():
            values = {solution[part.columns[place]] for solution in solutions}
            assert (low, high) == (min(values), max(values))
            assert possible == values & set(range(1, 10))


def test_numbers_between_two_possible_ones_may_be_impossible() -> None:
    facts = Facts()
    facts.unknown("a", 0, 4)
    facts.unknown("b", 0, 20)
    facts.between(0, [(3, "a"), (-1, "b")], 0)
    system = facts.system()
    system.propagate()
    (part,) = system.parts()
    place = list(part.columns).index(system.names["b"])
    low, high, possible = exact(part, [place])[place]
    assert (low, high) == (0, 12)
    assert possible == {3, 6, 9}


def test_half_an_officer_is_none() -> None:
    # Twice the one is five: possible in halves only.
    facts = Facts()
    facts.unknown("a", 0, 9)
    facts.unknown("b", 0, 9)
    facts.between(5, [(2, "a"), (2, "b")], 5)
    with pytest.raises(Contradiction):
        facts.system().propagate()
