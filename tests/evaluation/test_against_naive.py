"""Wave summary and paired change against plain loops with the statistics module, by Hypothesis."""

import statistics
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from math import sqrt
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline import tables
from pipeline.evaluation.paired_change import paired_change
from pipeline.evaluation.panel import panel
from pipeline.evaluation.wave_summary import wave_summary
from pipeline.programme import Programme

NaiveClustered = Callable[[list[list[float]]], tuple[float, float]]
Place = tuple[str, str, str | None]
Score = Fraction | None
Scored = tuple[str, str, str, str, Score]
Key = tuple[str, ...]

WAVES = ("baseline", "session_7", "session_10")
ALPHA = {"burnout": 0.75, "compassion_satisfaction": 0.88, "anxiety": None}
BETTER = {"burnout": -1, "compassion_satisfaction": 1}

# Whole scores, and scores prorated from nine or seven items; few values, so that SDs of 0 occur.
_score = st.none() | st.one_of(
    st.integers(10, 50).map(Fraction),
    st.sampled_from([Fraction(20), Fraction(22), Fraction(42)]),
    st.integers(9, 45).map(lambda total: Fraction(total * 10, 9)),
    st.integers(7, 35).map(lambda total: Fraction(total * 10, 7)),
)
_officer = st.tuples(
    # One large organisation makes five session groups likely.
    st.sampled_from(["north", "north", "north", "south", "west"]),
    st.sampled_from(["programme", "waiting_list"]),
    st.sampled_from([None, "g1", "g2", "g3", "g4", "g5", "g6", "g7"]),
    st.tuples(_score, _score, _score),
)
_officers = st.lists(_officer, max_size=24)
_a_few_populations = settings(max_examples=60, deadline=None)
Officers = list[tuple[str, str, str | None, tuple[Score, Score, Score]]]


def _places(officers: Officers) -> dict[str, Place]:
    return {f"p{i}": (where, arm, group) for i, (where, arm, group, _) in enumerate(officers)}


def _measured(officers: Officers) -> Iterable[Scored]:
    """Three subscales from one number: one that should fall, one that should rise, a screen."""
    for i, (*_, by_wave) in enumerate(officers):
        for wave, score in zip(WAVES, by_wave, strict=True):
            yield f"p{i}", wave, "proqol5", "burnout", score
            mirrored = None if score is None else 60 - score
            yield f"p{i}", wave, "proqol5", "compassion_satisfaction", mirrored
            screen = None if score is None else Fraction(int(score) % 7)
            yield f"p{i}", wave, "phq4", "anxiety", screen


def _naive_cells(
    places: Mapping[str, Place], values: Mapping[str, Any]
) -> dict[tuple[str, str], list[tuple[str, str, Any]]]:
    """(organisation, arm) or `all` -> organisation, session group and value of each officer."""
    found: dict[tuple[str, str], list[tuple[str, str, Any]]] = {}
    for officer, value in values.items():
        organisation, arm, group = places[officer]
        cluster = f"group {group}" if group else f"alone {officer}"
        for where in (organisation, "all"):
            for which in (arm, "all"):
                found.setdefault((where, which), []).append((organisation, cluster, value))
    return found


def _naive_interval(
    members: list[tuple[str, str, Fraction]], naive_clustered: NaiveClustered
) -> tuple[float | None, float | None, int | None]:
    """Lower and upper limit, and the number of clusters, by the rule the tables state."""
    values = [value for _, _, value in members]
    n, mean = len(values), float(statistics.mean(values))
    if n < 2:
        return None, None, None
    organisations = {organisation for organisation, _, _ in members}
    groups = {cluster for _, cluster, _ in members if cluster.startswith("group")}
    if len(organisations) == 1 and len(groups) < 5:
        reach = float(stats.t.ppf(0.975, n - 1)) * statistics.stdev(values) / sqrt(n)
        return mean - reach, mean + reach, None
    level = 1 if len(organisations) == 1 else 0
    clusters: dict[str, list[float]] = {}
    for member in members:
        clusters.setdefault(str(member[level]), []).append(float(member[2]))
    standard_error, freedom = naive_clustered(list(clusters.values()))
    reach = float(stats.t.ppf(0.975, freedom)) * standard_error
    return mean - reach, mean + reach, len(clusters)


def _sd(values: list[Fraction]) -> float | None:
    return float(statistics.stdev(values)) if len(values) > 1 else None


def _check(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        if isinstance(value, float):
            # The textbook's formula of d_rm subtracts r from 1 and variances from each other.
            tolerance = 1e-5 if name == "d_rm" else 1e-8
            assert found[name] == pytest.approx(value, rel=tolerance, abs=tolerance), name
        else:
            assert found[name] == value, name
    assert found["note"] is not None or None not in (found["ci_low"], found.get("d_rm", 0))


def _by_key(table: tables.Table, frame: pl.DataFrame) -> dict[Key, dict[str, Any]]:
    return {tuple(row[name] for name in table.key): row for row in frame.to_dicts()}


@_a_few_populations
@given(_officers)
def test_wave_summary(
    participants: Callable[..., pl.DataFrame],
    scores: Callable[..., pl.DataFrame],
    programme: Programme,
    naive_clustered: NaiveClustered,
    officers: Officers,
) -> None:
    places = _places(officers)
    expected: dict[Key, dict[str, Any]] = {}
    for wave in WAVES:
        for instrument, subscale in (
            ("proqol5", "burnout"),
            ("proqol5", "compassion_satisfaction"),
            ("phq4", "anxiety"),
        ):
            values = {
                officer: score
                for officer, at, _, of, score in _measured(officers)
                if at == wave and of == subscale and score is not None
            }
            low, high = (2, 3) if instrument == "phq4" else (22, 42)
            for (where, which), members in _naive_cells(places, values).items():
                held = [value for _, _, value in members]
                ci_low, ci_high, n_clusters = _naive_interval(members, naive_clustered)
                expected[where, which, wave, instrument, subscale] = {
                    "n": len(held),
                    "mean": float(statistics.mean(held)),
                    "sd": _sd(held),
                    "ci_low": ci_low,
                    "ci_high": ci_high,
                    "n_clusters": n_clusters,
                    "n_low": sum(value <= low for value in held),
                    "n_moderate": sum(low < value < high for value in held),
                    "n_high": sum(value >= high for value in held),
                }
    summary = wave_summary(
        panel(scores(_measured(officers)), participants(places), programme), programme
    )
    found = _by_key(tables.WAVE_SUMMARY, tables.WAVE_SUMMARY.conform(summary))
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        _check(found[key], row)


def _naive_change(
    pairs: list[tuple[Fraction, Fraction]], subscale: str, baseline_sd: float | None
) -> dict[str, Any]:
    earlier, later = [a for a, _ in pairs], [b for _, b in pairs]
    changes = [b - a for a, b in pairs]
    n, mean = len(pairs), float(statistics.mean(changes))
    row: dict[str, Any] = {"n": n, "mean_change": mean, "sd_change": _sd(changes)}
    row |= dict.fromkeys(("correlation", "d_av", "d_rm", "g_av"))
    if n >= 3:
        s1, s2, sd = statistics.stdev(earlier), statistics.stdev(later), statistics.stdev(changes)
        if s1 + s2 > 0:
            row["d_av"] = mean / ((s1 + s2) / 2)
            row["g_av"] = row["d_av"] * (1 - 3 / (4 * (n - 1) - 1))
        if s1 > 0 and s2 > 0:
            r = row["correlation"] = statistics.correlation(earlier, later)
            if sd > 0:
                spread = sqrt(s1**2 + s2**2 - 2 * r * s1 * s2)
                row["d_rm"] = mean / spread * sqrt(2 * max(0.0, 1 - r))
    alpha = ALPHA[subscale]
    row |= dict.fromkeys(("n_reliably_better", "n_reliably_worse", "reliable_change"))
    if alpha is not None and baseline_sd:
        s_diff = sqrt(2) * baseline_sd * sqrt(1 - alpha)
        gains = [BETTER[subscale] * float(change) / s_diff for change in changes]
        row["n_reliably_better"] = sum(gain > 1.96 for gain in gains)
        row["n_reliably_worse"] = sum(gain < -1.96 for gain in gains)
        row["reliable_change"] = 1.96 * s_diff
    return row


@_a_few_populations
@given(_officers)
def test_paired_change(
    participants: Callable[..., pl.DataFrame],
    scores: Callable[..., pl.DataFrame],
    programme: Programme,
    naive_clustered: NaiveClustered,
    officers: Officers,
) -> None:
    places = _places(officers)
    at: dict[tuple[str, str], dict[str, Fraction]] = {}
    for officer, wave, _, subscale, score in _measured(officers):
        if score is not None:
            at.setdefault((wave, subscale), {})[officer] = score
    expected: dict[Key, dict[str, Any]] = {}
    for to_wave in ("session_7", "session_10"):
        for subscale in ALPHA:
            instrument = "phq4" if subscale == "anxiety" else "proqol5"
            first, second = at.get(("baseline", subscale), {}), at.get((to_wave, subscale), {})
            pairs = {
                officer: (first[officer], second[officer])
                for officer in first.keys() & second.keys()
            }
            for (where, which), members in _naive_cells(places, pairs).items():
                changes = [(where_, cluster, b - a) for where_, cluster, (a, b) in members]
                ci_low, ci_high, n_clusters = _naive_interval(changes, naive_clustered)
                row = _naive_change(
                    [pair for _, _, pair in members], subscale, _sd(list(first.values()))
                )
                row |= {"ci_low": ci_low, "ci_high": ci_high, "n_clusters": n_clusters}
                named = ("all", "burnout", "session_10")
                row["named_beforehand"] = (which, subscale, to_wave) == named
                expected[where, which, "baseline", to_wave, instrument, subscale] = row
    change = paired_change(
        panel(scores(_measured(officers)), participants(places), programme), programme
    )
    found = _by_key(tables.PAIRED_CHANGE, tables.PAIRED_CHANGE.conform(change))
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        _check(found[key], row)


@_a_few_populations
@given(_officers, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(
    participants: Callable[..., pl.DataFrame],
    scores: Callable[..., pl.DataFrame],
    programme: Programme,
    officers: Officers,
    shuffler: Any,
) -> None:
    enrolled, measured = participants(_places(officers)), scores(_measured(officers))
    rows = list(range(measured.height))
    shuffler.shuffle(rows)
    shuffled = measured[rows]
    for method in (wave_summary, paired_change):
        assert method(panel(measured, enrolled, programme), programme).equals(
            method(panel(shuffled, enrolled.reverse(), programme), programme)
        )
