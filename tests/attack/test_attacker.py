"""The attacker himself: he says nothing untrue, and finds what each protection hides."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import polars as pl
import pytest
from attacker import Approach, attack
from claims import Claim, Kind
from judge import Breach, Judge
from naive_release import Protections, naive_releases
from programmes import BANDS, INSTRUMENT, SCALE, SUBSCALES, Snapshot
from published import Measure, World
from truth import Truth

States = Callable[[int], tuple[list[Snapshot], list[Truth]]]

_OF_CHANGES = {"a small change shows", "a small change is left over"}

WORLD = World(
    ("force-0", "force-1", "force-2"),
    ("programme",),
    ("baseline", "session_10"),
    INSTRUMENT,
    dict.fromkeys(SUBSCALES, SCALE),
    BANDS,
    ("baseline", "session_10"),
)


@cache
def _attacked(
    states: States, seed: int, protections: Protections, effort: int | None
) -> tuple[list[Breach], list[str]]:
    snapshots, found = states(seed)
    world = snapshots[0].world
    releases = naive_releases(found, protections)
    judge = Judge(releases, world, found)
    claims = attack(releases, world, Approach(judge.wanted, effort, judge.knows))
    return judge.breaches(claims), judge.untrue(claims)


def test_nothing_is_found_where_everything_is_protected(
    seeds: range, states: States, effort: int | None
) -> None:
    for seed in seeds:
        _, found = states(seed)
        for truth in found[:2]:
            releases = naive_releases([truth], Protections())
            judge = Judge(releases, truth.world, [truth])
            claims = attack(releases, truth.world, Approach(judge.wanted, effort))
            said = [str(breach) for breach in judge.breaches(claims)]
            assert (seed, said, judge.untrue(claims)) == (seed, [], [])


def test_nothing_untrue_is_said_of_releases_in_a_row(
    seeds: range, states: States, effort: int | None
) -> None:
    for seed in seeds:
        breaches, untrue = _attacked(states, seed, Protections(), effort)
        assert (seed, untrue) == (seed, [])
        assert not [b for b in breaches if b.rule in _OF_CHANGES]


@pytest.mark.parametrize(
    ("off", "found"),
    [
        (("rounding",), "a left-out number is narrowed"),
        (("threshold",), "a group under ten is printed"),
        (("areas",), "an area under thirty is printed"),
        (("areas",), "a left-out number is narrowed"),
        (("complementary",), "a small group's number is narrowed"),
        (("complementary",), "a left-out number is narrowed"),
        (("nesting",), "a small difference is printed"),
        (("rounding", "complementary", "nesting"), "a small group's mean is narrowed"),
        (("decimals",), "a rounded number is given back"),
        (("decimals",), Kind.TOO_FINE.value),
        (("intervals_of_printed",), "a rounded number is given back"),
        (("intervals_of_printed",), Kind.NOT_OF_PRINTED.value),
        (("retention_merged",), "a small group's number is narrowed"),
        (("history",), "a small change shows"),
        (("history",), "a small change is left over"),
    ],
)
def test_each_protection_is_missed_when_it_is_off(
    off: tuple[str, ...], found: str, states: States, effort: int | None
) -> None:
    protections = Protections(**dict.fromkeys(off, False))
    for seed in range(20):
        breaches, untrue = _attacked(states, seed, protections, effort)
        assert untrue == []
        if any(breach.rule == found for breach in breaches):
            return
    pytest.fail(f"without {' and '.join(off)} nothing of this kind was found: {found}")


# By hand


def _release(**tables: list[dict[str, Any]]) -> Mapping[str, pl.DataFrame]:
    areas = [{"organisation": name, "shown_as": name} for name in WORLD.organisations]
    return {
        name: pl.DataFrame(rows, infer_schema_length=None)
        for name, rows in {"areas": areas, **tables}.items()
    }


def _followed(organisation: str, enrolled: int | None, scored: int | None) -> dict[str, Any]:
    return {
        "organisation": organisation,
        "wave": "baseline",
        "enrolled": enrolled,
        "scored": scored,
        "scored_percent": None,
    }


def _about(claims: list[Claim], organisation: str, column: str) -> Claim:
    (claim,) = [
        c
        for c in claims
        if c.kind is Kind.COUNT and c.groups[0].organisation == organisation and c.column == column
    ]
    return claim


def test_one_area_left_out_of_a_total_is_worked_out() -> None:
    release = _release(
        follow_up=[
            _followed("force-0", 40, 40),
            _followed("force-1", 40, 40),
            _followed("force-2", 40, None),
            _followed("all", 120, 85),
        ]
    )
    claim = _about(attack([release], WORLD), "force-2", "scored")
    # 85 is 83 to 87, and 40 is 38 to 42: all the rest is within -1 and 11.
    assert (claim.low, claim.high) == (0, 11)
    assert claim.possible == set(range(1, 10))
    closer = _release(
        follow_up=[
            _followed("force-0", 40, 40),
            _followed("force-1", 40, None),
            _followed("force-2", 40, None),
            _followed("all", 120, 40),
        ]
    )
    claim = _about(attack([closer], WORLD), "force-2", "scored")
    assert (claim.low, claim.high) == (0, 4)
    assert claim.possible == {1, 2, 3, 4}


def test_a_number_printed_before_bounds_the_one_left_out_now() -> None:
    rows = [_followed("force-0", 40, 20), _followed("force-1", 40, 40), _followed("all", 120, None)]
    before = _release(follow_up=rows)
    now = _release(follow_up=[_followed("force-0", 40, None), *rows[1:]])
    stranger = _about(attack([before, now], WORLD), "force-0", "scored")
    assert (stranger.low, stranger.high) == (0, 42 + 9)
    insider = attack([before, now], WORLD, Approach(knows=lambda then, now, group: True))
    claim = _about([c for c in insider if c.release == 1], "force-0", "scored")
    assert (claim.low, claim.high) == (18 - 9, 22 + 9)


def _summary(organisation: str, n: int | None, mean: float | None) -> dict[str, Any]:
    return {
        "organisation": organisation,
        "arm": "all",
        "wave": "baseline",
        "instrument": INSTRUMENT,
        "subscale": "burnout",
        "n": n,
        "mean": mean,
        "sd": None,
        "ci_low": None,
        "ci_high": None,
    }


def _about_mean(release: Mapping[str, pl.DataFrame], organisation: str) -> list[Claim]:
    return [
        c
        for c in attack([release], WORLD)
        if c.measure == Measure(("baseline",), "burnout")
        and [(g.kind, g.organisation) for g in c.groups] == [("scored", organisation)]
    ]


def test_the_mean_of_a_small_area_follows_from_exact_numbers() -> None:
    # 108 officers have 2,700 points and 100 have 2,420: the other 8 have 280, 35 each.
    release = _release(
        wave_summary=[
            _summary("force-0", 52, 24.2),
            _summary("force-1", 48, 24.2),
            _summary("force-2", None, None),
            _summary("all", 108, 25.0),
        ]
    )
    (claim,) = _about_mean(release, "force-2")
    assert claim.low <= 35 <= claim.high
    assert claim.high - claim.low < 4
    assert claim.possible == {8}


def test_the_same_area_stays_unknown_if_numbers_are_rounded() -> None:
    release = _release(
        wave_summary=[
            _summary("force-0", 50, 24.2),
            _summary("force-1", 50, 24.2),
            _summary("force-2", None, None),
            _summary("all", 110, 25.0),
        ]
    )
    assert all(claim.high - claim.low >= 4 for claim in _about_mean(release, "force-2"))


def test_a_changed_mean_shows_that_somebody_came_or_went() -> None:
    before = _release(wave_summary=[_summary("all", 110, 25.0)])
    now = _release(wave_summary=[_summary("all", 110, 25.1)])
    assert [c.kind for c in attack([before, before], WORLD) if c.kind is Kind.CHANGED] == []
    (claim,) = [c for c in attack([before, now], WORLD) if c.kind is Kind.CHANGED]
    assert (claim.low, claim.high) == (-4, 4)
