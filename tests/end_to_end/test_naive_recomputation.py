"""Every evaluation table of a warehouse, again from its `core` by plain loops and matrices.

The home is small and simulated, with two arms, officers who leave, blanks and late answers; the way
from exports to tables is the real one. Notes are left to the tests of each table, and so are rows
that rest on random draws.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

import naive_models
import naive_tables
import pytest
from homes import Muster
from naive_core import Core, Rows, table
from scipy import stats

from pipeline import tables
from pipeline.simulation import Layout, SimulationPlan, simulate
from pipeline.storage.home import Home

AS_OF = date(2026, 6, 30)
WAVES = ("baseline", "session_7", "session_10")
EXACT, FITTED = 1e-8, 2e-3
"""Relative differences: of sums and means, and of what a search has found."""

DRAWN = {"multiple_imputation", "delta_minus", "delta_plus", "tipping_point"}


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Core:
    muster = Muster(tmp_path_factory.mktemp("naive") / "home")
    home = Home(muster.home)
    plan = SimulationPlan(
        as_of=AS_OF,
        organisations=6,
        participants=240,
        seed=7,
        faults=False,
        layouts=(Layout.QUALTRICS_NUMERIC,),
        waves=WAVES,
        a_file_a_wave=True,
    )
    for file in simulate(plan):
        home.put(file.path, file.content)
    home.create("")
    muster("run", "--as-of", AS_OF.isoformat())
    return Core(muster.home, AS_OF)


@pytest.fixture(scope="module")
def fitted(core: Core) -> dict[Any, Any]:
    return naive_models.models(core)


@pytest.fixture(scope="module")
def likenesses(core: Core) -> dict[Any, Any]:
    return naive_models.likenesses(core)


BY_LOOPS: dict[str, Callable[[Core], Rows]] = {
    "wave_summary": naive_tables.wave_summary,
    "paired_change": naive_tables.paired_change,
    "band_transitions": naive_tables.band_transitions,
    "equality_breakdown": naive_tables.equality_breakdown,
    "dose_response": naive_tables.dose_response,
    "reliability": naive_tables.reliability,
    "comparability": naive_tables.comparability,
    "response_quality": naive_tables.response_quality,
    "change_without_careless": naive_tables.change_without_careless,
    "pooled_change": naive_tables.pooled_change,
    "organisation_change": naive_tables.organisation_change,
    "participant_flow": naive_tables.participant_flow,
    "retention": naive_tables.retention,
    "retention_comparison": naive_tables.retention_comparison,
    "attrition": naive_tables.attrition,
    "attrition_model": naive_models.attrition_model,
    "follow_up_due": naive_tables.follow_up_due,
    "pilot_reconciliation": naive_tables.pilot_reconciliation,
}
BY_SEARCH = {"trajectory", "arm_contrast", "icc", "design", "robustness"}
LOOSER = {
    "reliability": 1e-5,
    "comparability": 1e-5,
    "pooled_change": 1e-5,
    "organisation_change": 1e-5,
    "retention": 1e-5,
    "attrition_model": 1e-6,
}
"""Where the plain way ends a search, or takes a difference for a slope."""


def test_every_table_has_a_naive_counterpart() -> None:
    """A table added without one fails here."""
    there = {each.name for each in tables.TABLES if each.schema == "evaluation"}
    assert there == BY_LOOPS.keys() | BY_SEARCH


def test_the_home_has_what_the_tables_are_about(core: Core) -> None:
    assert {person["arm"] for person in core.people.values()} == {"programme", "waiting_list"}
    assert core.named_arm == "programme"
    left = [naive_tables.ending(core, officer)[2] for officer in core.people]
    assert {True, False, None} == set(left)
    assert any(
        len(core.at(s, w)) < len(core.at(t, w))
        for s in core.series
        for t in core.series
        for w in WAVES
    )


def _agree(
    core: Core, name: str, expected: Rows, close: float, *, apart: frozenset[str] = frozenset()
) -> None:
    """The same keys, every column but the note, and figures as close as said."""
    made = next(each for each in tables.TABLES if each.name == name)
    found = table(core.home, name, made.key)
    if name == "robustness":
        found = {key: row for key, row in found.items() if key[-1] not in DRAWN}
    assert found.keys() == expected.keys()
    columns = {c.name for c in made.columns} - set(made.key) - {"note"} - apart
    for key, row in expected.items():
        assert row.keys() == columns, name
        for column, value in row.items():
            here = found[key][column]
            if isinstance(value, float) and here is not None:
                assert here == pytest.approx(value, rel=close, abs=close), (name, key, column)
            else:
                assert here == value, (name, key, column)


@pytest.mark.parametrize("name", BY_LOOPS)
def test_loops_give_the_table(core: Core, name: str) -> None:
    _agree(core, name, BY_LOOPS[name](core), LOOSER.get(name, EXACT))


def test_a_dense_likelihood_gives_trajectory_arms_and_the_mixed_row(
    core: Core, fitted: dict[Any, Any]
) -> None:
    levels = naive_models.trajectory(core, fitted)
    _agree(core, "trajectory", levels, FITTED)
    _agree(core, "robustness", naive_models.robustness(core, levels), FITTED)
    _agree(core, "arm_contrast", naive_models.arm_contrast(core, fitted), FITTED)


def test_a_dense_likelihood_gives_likeness_and_design(
    core: Core, likenesses: dict[Any, Any]
) -> None:
    limits = frozenset({"ci_low", "ci_high"})
    _agree(core, "icc", naive_models.icc(core, likenesses), FITTED, apart=limits)
    _agree(core, "design", naive_models.design(core, likenesses), FITTED)
    cutoff = float(stats.chi2.ppf(0.95, 1))
    for (measure, level, *series), row in table(core.home, "icc", tables.ICC.key).items():
        spread = likenesses[measure, *series]
        for end in ("ci_low", "ci_high"):
            rise = spread.rise(row[end], of_group=level == "session_group")
            if row[end]:
                assert rise == pytest.approx(cutoff, abs=0.02), (measure, level, series, end)
            else:
                assert rise <= cutoff, (measure, level, series, end)
