"""Comparability: planted faults, what may not fail by chance, and differences by plain loops."""

import statistics
from math import atanh, sqrt

import numpy as np
import polars as pl
import pytest
from answered import Answered, alike, answers

from pipeline import tables
from pipeline.evaluation import comparability as module
from pipeline.evaluation.answers import item_sums, sums_by_subscale
from pipeline.evaluation.comparability import (
    comparability,
    item_differences,
    not_comparable,
    settled_differences,
)
from pipeline.evaluation.reliability import reliabilities
from pipeline.programme import Programme
from pipeline.vocabulary import Incomparable

FORCES = ("east", "north", "south", "west")
BURNOUT_REVERSED = 15


def _table(rows: list[Answered], programme: Programme) -> pl.DataFrame:
    sums = sums_by_subscale(answers(rows, programme))
    found = {series: reliabilities(of_series) for series, of_series in sums.items()}
    return tables.COMPARABILITY.conform(comparability(sums, found))


def _sound(seed: int = 1, officers: int = 60, forces: tuple[str, ...] = FORCES) -> list[Answered]:
    """Forces that answer alike, but for their levels."""
    rng = np.random.default_rng(seed)
    return [
        Answered(force, items)
        for i, force in enumerate(forces)
        for items in alike(rng, officers, level=0.25 * (i - 1))
    ]


def _with(row: Answered, item: int, answer: int) -> Answered:
    items = list(row.items)
    items[item - 1] = answer
    return Answered(row.organisation, items, row.wave)


def _unreversed(row: Answered, item: int) -> Answered:
    answer = row.items[item - 1]
    assert answer is not None
    return _with(row, item, 6 - answer)


def _failed(made: pl.DataFrame) -> list[tuple[str, str, str | None, str | None]]:
    return (
        made.filter(~pl.col("comparable"))
        .select("organisation", "subscale", "reason", "items_differing")
        .rows()
    )


@pytest.mark.parametrize("seed", range(6))
def test_forces_at_different_levels_are_comparable(programme: Programme, seed: int) -> None:
    made = _table(_sound(seed), programme)
    assert made.height == len(FORCES) * 3
    assert _failed(made) == []
    assert made["note"].null_count() == made.height


@pytest.mark.parametrize("officers", [10, 12, 15, 20])
def test_few_officers_do_not_fail_by_chance(programme: Programme, officers: int) -> None:
    failed = [
        row for seed in range(25) for row in _failed(_table(_sound(seed, officers), programme))
    ]
    # Of 25 draws of four forces and three subscales; the limits allow one in twenty.
    assert len(failed) <= 25 * len(FORCES) * 3 / 20


def test_a_lost_reversal_is_found(programme: Programme) -> None:
    rows = [
        _unreversed(row, BURNOUT_REVERSED) if row.organisation == "south" else row
        for row in _sound()
    ]
    expected = [("south", "burnout", Incomparable.ITEMS_DIFFER, str(BURNOUT_REVERSED))]
    assert _failed(_table(rows, programme)) == expected


def test_an_item_moved_up_is_found(programme: Programme) -> None:
    rows = [
        _with(row, 2, min(5, (row.items[1] or 0) + 1)) if row.organisation == "east" else row
        for row in _sound()
    ]
    made = _table(rows, programme)
    assert _failed(made) == [("east", "secondary_traumatic_stress", Incomparable.ITEMS_DIFFER, "2")]
    row = made.row(by_predicate=~pl.col("comparable"), named=True)
    assert 0.5 < row["largest_shift"] < 1.5


def test_the_largest_force_is_the_one_that_differs(programme: Programme) -> None:
    """Compared with all others, each small force would differ from the large one."""
    rng = np.random.default_rng(7)
    large = [_unreversed(Answered("west", items), 17) for items in alike(rng, 600)]
    small = [Answered(force, items) for force in FORCES[:3] for items in alike(rng, 50)]
    assert _failed(_table(large + small, programme)) == [
        ("west", "burnout", Incomparable.ITEMS_DIFFER, "17")
    ]


def test_two_forces_cannot_be_told_apart(programme: Programme) -> None:
    rows = [
        _unreversed(row, BURNOUT_REVERSED) if row.organisation == "north" else row
        for row in _sound(forces=("east", "north"))
    ]
    made = _table(rows, programme)
    assert _failed(made) == []
    assert made["largest_shift"].null_count() == made.height
    assert made["note"].unique().to_list() == [module.NOTE_NOT_COMPARED]


def test_too_few_responses(programme: Programme) -> None:
    rng = np.random.default_rng(2)
    rows = _sound() + [Answered("tiny", items) for items in alike(rng, 9)]
    made = _table(rows, programme)
    assert _failed(made) == [
        ("tiny", subscale, Incomparable.TOO_FEW, None)
        for subscale in ("compassion_satisfaction", "burnout", "secondary_traumatic_stress")
    ]


def test_answers_at_random_are_unreliable(programme: Programme) -> None:
    rng = np.random.default_rng(4)
    noise = [Answered("noise", [int(a) for a in rng.integers(1, 6, 30)]) for _ in range(60)]
    failed = _failed(_table(_sound() + noise, programme))
    assert [(o, reason) for o, _, reason, _ in failed] == [("noise", Incomparable.UNRELIABLE)] * 3


def test_everybody_answering_the_same_is_unreliable(programme: Programme) -> None:
    same = [Answered("same", [3] * 30)] * 20
    failed = _failed(_table(_sound() + same, programme))
    assert {(o, reason) for o, _, reason, _ in failed} == {("same", Incomparable.UNRELIABLE)}


def test_each_wave_is_judged_by_itself(programme: Programme) -> None:
    later = [Answered(row.organisation, row.items, "session_7") for row in _sound(seed=9)]
    later = [
        _unreversed(row, BURNOUT_REVERSED) if row.organisation == "east" else row for row in later
    ]
    made = _table(_sound() + later, programme)
    assert not_comparable(made) == {("east", "session_7", "proqol5", "burnout")}


def test_a_subscale_of_two_items(programme: Programme) -> None:
    rng = np.random.default_rng(6)
    rows = [
        Answered(force, items, "baseline", "phq4")
        for force in FORCES
        for items in alike(rng, 40, "phq4", noise=0.4)
    ]
    made = _table(rows, programme)
    assert made["comparable"].all()
    of_two = made.filter(subscale="anxiety")
    assert of_two["omega"].null_count() == len(FORCES)
    assert of_two["largest_shift"].null_count() == 0


def _naive_differences(
    here: list[list[int]], there: list[list[int]], item: int
) -> tuple[float, float]:
    """Shift and difference of correlation of one item, as the module says, from keyed answers."""
    rest_here, rest_there = ([sum(row) - row[item] for row in rows] for rows in (here, there))
    own_here, own_there = ([row[item] for row in rows] for rows in (here, there))
    line = statistics.linear_regression(rest_there, own_there)
    expected = line.intercept + line.slope * statistics.mean(rest_here)
    shift = (statistics.mean(own_here) - expected) / statistics.stdev(own_there)
    z_here = atanh(statistics.correlation(own_here, rest_here))
    return shift, z_here - atanh(statistics.correlation(own_there, rest_there))


def test_item_differences_agree_with_plain_loops(programme: Programme) -> None:
    rows = _sound(seed=3, officers=25)
    (made,) = answers(rows, programme)
    burnout = made.instrument.by_subscale["burnout"]
    sums = item_sums(made, burnout)
    others = np.array([True, True, False, True])
    found = item_differences(sums.n, sums.totals, sums.products, others)
    keyed = {
        force: [
            [
                6 - row.items[i - 1] if i in made.instrument.reversed else row.items[i - 1]
                for i in burnout.items
            ]
            for row in rows
            if row.organisation == force
        ]
        for force in FORCES
    }
    for place, force in enumerate(FORCES):
        reference = [
            row
            for other, is_other in zip(FORCES, others, strict=True)
            if is_other and other != force
            for row in keyed[other]
        ]
        for item in range(10):
            shift, correlation = _naive_differences(keyed[force], reference, item)
            assert found.shift[place, item] == pytest.approx(shift, abs=1e-9)
            assert found.correlation[place, item] == pytest.approx(correlation, abs=1e-9)


def test_the_standard_error_of_a_shift_is_that_of_repeated_draws() -> None:
    """Under no difference, d over its standard error spreads by 1; so its limit holds."""
    rng = np.random.default_rng(11)
    evidence = []
    for _ in range(300):
        blocks = [_keyed(rng, size) for size in (40, 60, 80)]
        n = np.array([len(block) for block in blocks])
        totals = np.array([block.sum(axis=0) for block in blocks])
        products = np.array([block.T @ block for block in blocks])
        found = item_differences(n, totals, products, np.ones(3, bool))
        there = np.concatenate(blocks[1:])
        rest = there.sum(axis=1) - there[:, 0]
        r = np.corrcoef(there[:, 0], rest)[0, 1]
        error = sqrt((1 - r**2) * (1 / 40 + 1 / 140))
        evidence.append(found.shift[0, 0] / error)
    assert statistics.stdev(evidence) == pytest.approx(1, abs=0.12)


def _keyed(rng: np.random.Generator, size: int) -> np.ndarray:
    answers_of = 3 + 0.75 * rng.normal(size=(size, 1)) + 0.8 * rng.normal(size=(size, 6))
    return np.clip(np.rint(answers_of), 1, 5).astype(np.int64)


def test_figures_that_do_not_exist_fail_nobody() -> None:
    """An item that others answer alike has no SD, and one answered alike no correlation."""
    rng = np.random.default_rng(8)
    blocks = [_keyed(rng, 30) for _ in range(3)]
    for block in blocks:
        block[:, 0] = 3
    sums = (
        np.array([len(block) for block in blocks]),
        np.array([block.sum(axis=0) for block in blocks]),
        np.array([block.T @ block for block in blocks]),
    )
    found = settled_differences(*sums)
    assert not found.clearly[:, 0].any()
    assert np.isnan(found.correlation[:, 0]).all()


def test_nobody_answered(programme: Programme) -> None:
    assert _table([], programme).is_empty()
    assert not_comparable(tables.COMPARABILITY.empty()) == set()


def test_items_that_agree_without_error_do_not_hide_a_shift() -> None:
    """Fisher's z of a correlation of 1 does not exist; the difference of level still does."""
    rng = np.random.default_rng(8)
    blocks = [np.clip(rng.integers(1, 4, (60, 1)) + rng.integers(-1, 2, (60, 2)), 1, 5)] * 3
    first = rng.integers(1, 4, 60)
    blocks.append(np.column_stack([first, first + 2]))
    found = item_differences(
        np.array([len(block) for block in blocks]),
        np.array([block.sum(axis=0) for block in blocks]),
        np.array([block.T @ block for block in blocks]),
        np.array([True, True, True, False]),
    )
    assert not np.isfinite(found.correlation[3]).any()
    assert found.clearly[3].any()
    assert not found.clearly[:3].any()
