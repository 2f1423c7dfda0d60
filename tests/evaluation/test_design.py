"""The size of a study: its formula against simulated studies, and what it says of too little."""

import math
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from scipy import stats

from pipeline import tables
from pipeline.evaluation.design import (
    CHANGES,
    NOTE_GROUPS_UNKNOWN,
    NOTE_NO_SPREAD,
    NOTE_NOBODY_TO_COUNT,
    NOTE_TOO_MANY,
    POWERS,
    design,
    design_effect,
    organisations_needed,
    power,
)
from pipeline.evaluation.icc import Spread, spread_of, spreads
from pipeline.evaluation.intervals import clustered_interval
from pipeline.evaluation.variance_components import Components, Correlation
from pipeline.programme import Programme

Frames = Callable[..., pl.DataFrame]
Officer = tuple[str, str, str | None, tuple[float, float | None], tuple[str, str, str]]
"""Organisation, arm, group, scores at baseline and session 10, and the ledger's statuses."""
ANSWERED = ("completed", "missed", "completed")


@pytest.fixture(scope="session")
def rows(
    participants: Frames, scores: Frames, ledger: Frames, programme: Programme
) -> Callable[[dict[str, Officer]], pl.DataFrame]:
    def make(officers: dict[str, Officer]) -> pl.DataFrame:
        people = participants({name: officer[:3] for name, officer in officers.items()})
        given = scores(
            (name, wave, "proqol5", "burnout", score)
            for name, (*_, by_wave, _) in officers.items()
            for wave, score in zip(("baseline", "session_10"), by_wave, strict=True)
        )
        waves = ledger({name: statuses for name, (*_, statuses) in officers.items()})
        return tables.DESIGN.conform(
            design(spreads(given, people, programme), given, waves, programme)
        )

    return make


def _spread(group_sizes: tuple[int, ...], organisation_sizes: tuple[int, ...]) -> Spread:
    n = sum(group_sizes)
    return Spread(
        n=n,
        sd=1.0,
        group_sizes=group_sizes,
        organisation_sizes=organisation_sizes,
        n_groups=len(group_sizes),
        n_in_groups=n,
        components=None,
        notes={},
    )


def _components(organisation: float, group: float, variance: float = 1.0) -> Components:
    return Components(variance, Correlation(organisation, 0.0, 1.0), Correlation(group, 0.0, 1.0))


def test_officers_of_equal_groups_have_the_textbooks_design_effect() -> None:
    # 4 organisations of 3 groups of 5: 1 + 4 rho_g + 10 rho_o.
    effect = design_effect(_spread((5,) * 12, (15,) * 4), _components(0.02, 0.06))
    assert effect == pytest.approx(1 + 4 * 0.06 + 10 * 0.02)


def test_sizes_that_differ_cost_officers() -> None:
    equal = design_effect(_spread((5,) * 12, (15,) * 4), _components(0.02, 0.06))
    unequal = design_effect(_spread((2, 3, 10) * 4, (5, 25, 15, 15)), _components(0.02, 0.06))
    assert unequal > equal


def test_power_is_that_of_the_noncentral_t() -> None:
    for change, variance, organisations in ((1.0, 0.2, 6), (2.0, 0.5, 3), (0.1, 0.2, 12)):
        freedom, away = organisations - 1, change / math.sqrt(variance)
        critical = stats.t.ppf(0.975, freedom)
        expected = stats.nct.sf(critical, freedom, away) + stats.nct.cdf(-critical, freedom, away)
        found = power(change, variance=variance, organisations=organisations)
        assert found == pytest.approx(expected, rel=1e-6)
        assert power(-change, variance=variance, organisations=organisations) == found


def test_no_change_is_seen_one_time_in_twenty() -> None:
    assert power(0.0, variance=1.0, organisations=9) == pytest.approx(0.05)


@pytest.mark.parametrize("away", [5, 8, 12, 20, 40, 100])
@pytest.mark.parametrize("organisations", [2, 3, 11, 500])
def test_power_is_a_probability_however_large_the_change(away: float, organisations: int) -> None:
    found = power(away, variance=1.0, organisations=organisations)
    assert 0 < found <= 1


def test_one_organisation_fewer_would_not_do() -> None:
    for change in (0.5, 1.0, 3.0):
        needed = organisations_needed(change, 0.8, variance_of_one=2.0)
        assert needed is not None
        assert power(change, variance=2.0 / needed, organisations=needed) >= 0.8
        if needed > 2:
            assert power(change, variance=2.0 / (needed - 1), organisations=needed - 1) < 0.8


def test_too_many_are_said_to_be() -> None:
    assert organisations_needed(0.001, 0.9, variance_of_one=50.0) is None


def test_simulated_studies_of_that_size_have_that_power() -> None:
    """Organisations of 3 groups of 6: the product's interval leaves out 0 as often as promised."""
    rng = np.random.default_rng(20261126)
    between, groups, officers = 0.4**2, 0.5**2, 4.0**2
    total = between + groups + officers
    components = _components(between / total, (between + groups) / total, total)
    effect = design_effect(_spread((6,) * 3, (18,)), components)
    needed = organisations_needed(1.0, 0.8, variance_of_one=total * effect / 18)
    assert needed is not None
    promised = power(1.0, variance=total * effect / 18 / needed, organisations=needed)
    draws, seen = 4_000, 0
    shifts = rng.normal(0, math.sqrt(between), (draws, needed))
    of_groups = rng.normal(0, math.sqrt(groups / 3), (draws, needed))
    of_officers = rng.normal(0, math.sqrt(officers / 18), (draws, needed))
    for means in 1.0 + shifts + of_groups + of_officers:
        interval = clustered_interval([18] * needed, (18 * means).tolist())
        assert interval is not None
        seen += not interval.low <= 0 <= interval.high
    error = 3 * math.sqrt(promised * (1 - promised) / draws)
    assert seen / draws == pytest.approx(promised, abs=error)


def _officers(
    place: Callable[[int], tuple[str, str | None]], count: int = 90
) -> dict[str, Officer]:
    rng = np.random.default_rng(20261126)
    lifted = rng.normal(0, 1.5, 30)
    made: dict[str, Officer] = {}
    for i in range(count):
        where, group = place(i)
        first = float(rng.integers(20, 35))
        change = -2 + lifted[i % 9] + rng.normal(0, 4)
        made[f"p{i:02}"] = (where, "programme", group, (first, round(first + change)), ANSWERED)
    return made


def test_a_whole_row_by_hand(rows: Callable[[dict[str, Officer]], pl.DataFrame]) -> None:
    officers = _officers(lambda i: (f"o{i % 9}", f"g{i % 9}-{i % 2}"))
    # One in ten gave no second answer; one organisation's time to answer is not over.
    for name in list(officers)[::10]:
        where, arm, group, (first, _), _ = officers[name]
        officers[name] = (where, arm, group, (first, None), ("completed", "missed", "missed"))
    for name in list(officers)[1::9]:
        *kept, _ = officers[name]
        officers[name] = (*kept, ("completed", "missed", "not_yet_due*"))  # type: ignore[assignment]
    found = rows(officers)
    assert found.select("change", "power").rows() == [(c, p) for c in CHANGES for p in POWERS]
    row = found.row(0, named=True)
    both = {name: o for name, o in officers.items() if o[3][1] is not None}
    closed = {name: o for name, o in officers.items() if o[4][2] != "not_yet_due*"}
    share = len(both.keys() & closed.keys()) / len(closed)
    assert row["share_with_both"] == pytest.approx(share)
    sizes = [sum(o[0] == where for o in both.values()) for where in {o[0] for o in both.values()}]
    groups = [sum(o[2] == g for o in both.values()) for g in {o[2] for o in both.values()}]
    m, big = (sum(s * s for s in of) / len(both) for of in (groups, sizes))
    effect = 1 + (m - 1) * row["icc_group"] + (big - m) * row["icc_organisation"]
    assert row["design_effect"] == pytest.approx(effect)
    k, per_organisation = row["n_organisations"], len(both) / 9
    assert row["n_officers"] == math.ceil(k * per_organisation / share)
    assert row["n_groups"] == math.ceil(k * per_organisation / (len(both) / len(groups)))
    assert found["power_now"].to_list() == sorted(found["power_now"].to_list())


def test_one_organisation_says_nothing_of_others(
    rows: Callable[[dict[str, Officer]], pl.DataFrame],
) -> None:
    found = rows(_officers(lambda i: ("north", f"g{i % 6}")))
    assert found["n_officers"].null_count() == found.height
    assert found["note"].unique().to_list() == [NOTE_NO_SPREAD]
    assert found["sd_change"].null_count() == 0


def test_without_session_groups_there_is_no_number_of_them(
    rows: Callable[[dict[str, Officer]], pl.DataFrame],
) -> None:
    found = rows(_officers(lambda i: (f"o{i % 9}", None)))
    assert found["n_groups"].null_count() == found.height
    assert found["n_officers"].null_count() == 0
    assert found["note"].str.contains(NOTE_GROUPS_UNKNOWN).all()


def test_nobody_whose_time_is_over(rows: Callable[[dict[str, Officer]], pl.DataFrame]) -> None:
    waiting = {
        name: (*officer[:4], ("completed", "not_yet_due*", "open*"))
        for name, officer in _officers(lambda i: (f"o{i % 9}", f"g{i}")).items()
    }
    found = rows(waiting)  # type: ignore[arg-type]
    assert found["n_officers"].null_count() == found.height
    assert found["note"].str.contains(NOTE_NOBODY_TO_COUNT).all()


def test_nobody_returned(rows: Callable[[dict[str, Officer]], pl.DataFrame]) -> None:
    gone = {
        name: (*officer[:3], (officer[3][0], None), ("completed", "missed", "missed"))
        for name, officer in _officers(lambda i: (f"o{i % 9}", f"g{i}")).items()
    }
    assert rows(gone).height == 0  # type: ignore[arg-type]


def test_more_than_ten_thousand_organisations(
    rows: Callable[[dict[str, Officer]], pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.evaluation.design.CHANGES", (1e-4,))
    found = rows(_officers(lambda i: (f"o{i % 9}", f"g{i % 9}-{i % 2}")))
    assert found["n_organisations"].null_count() == found.height
    assert found["note"].str.contains(NOTE_TOO_MANY).all()


def test_one_officer_has_no_spread() -> None:
    values = pl.DataFrame(
        {
            "officer": [0],
            "organisation": ["o"],
            "arm": ["a"],
            "has_group": [True],
            "cluster": [1],
            "score": [2520],
        }
    )
    assert spread_of(values).sd is None
