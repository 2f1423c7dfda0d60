"""Every evaluation table that needs no likelihood, again, from `core`, by loops.

What stays out: what needs one (`naive_models.py`), and rows of a random draw.
"""

import json
import math
import statistics
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
from naive_core import ANSWERED, REFERENCE, Core, Row, Rows, interval, sd
from scipy import stats

Z = float(stats.norm.ppf(0.975))


def wave_summary(core: Core) -> Rows:
    found: Rows = {}
    for series in core.series:
        bands = core.instruments[series[0]]["bands"]
        for wave in core.waves:
            for place, values in core.places(core.at(series, wave)).items():
                limits = interval(core.members(values))
                limits.pop("standard_error")
                found[*place, wave, *series] = {
                    "n": len(values),
                    "mean": statistics.fmean(values.values()),
                    "sd": sd(values.values()),
                    **limits,
                    **{
                        f"n_{level}": sum(
                            band["lowest"] <= value <= band["highest"]
                            for band in bands
                            if band["level"] == level
                            for value in values.values()
                        )
                        for level in ("low", "moderate", "high")
                    },
                }
    return found


def paired_change(core: Core) -> Rows:
    found: Rows = {}
    for since, wave in core.pairs:
        for series in core.series:
            told = core.subscale(*series)
            alpha, sign = told.get("alpha"), 1 if told["better"] == "higher" else -1
            frozen = core.programme.get("baseline_sd", {}).get(series[0], {}).get(series[1])
            baseline = frozen or sd(core.at(series, core.waves[0]).values())
            reliable = alpha and baseline and 1.96 * math.sqrt(2) * baseline * math.sqrt(1 - alpha)
            earlier, later = core.at(series, since), core.at(series, wave)
            for place, values in core.places(core.changes(series, since, wave)).items():
                limits = interval(core.members(values))
                limits.pop("standard_error")
                found[*place, since, wave, *series] = {
                    "named_beforehand": core.is_named(series, since, wave, place[1]),
                    "n": len(values),
                    "mean_change": statistics.fmean(values.values()),
                    "sd_change": sd(values.values()),
                    **limits,
                    **_effect_sizes([earlier[p] for p in values], [later[p] for p in values]),
                    "n_reliably_better": reliable
                    and sum(sign * value > reliable for value in values.values()),
                    "n_reliably_worse": reliable
                    and sum(sign * value < -reliable for value in values.values()),
                    "reliable_change": reliable,
                }
    return found


def _effect_sizes(earlier: list[float], later: list[float]) -> Row:
    found: Row = dict.fromkeys(("correlation", "d_av", "d_rm", "g_av"))
    n = len(earlier)
    if n < 3:
        return found
    s1, s2 = statistics.stdev(earlier), statistics.stdev(later)
    mean = statistics.fmean(later) - statistics.fmean(earlier)
    if s1 + s2:
        found["d_av"] = mean / ((s1 + s2) / 2)
        found["g_av"] = found["d_av"] * (1 - 3 / (4 * (n - 1) - 1))
    if s1 and s2:
        r = found["correlation"] = statistics.correlation(earlier, later)
        spread = s1**2 + s2**2 - 2 * r * s1 * s2
        if spread > 1e-12:
            found["d_rm"] = mean / math.sqrt(spread) * math.sqrt(2 * (1 - r))
    return found


def band_transitions(core: Core) -> Rows:
    bands = {
        (r["instrument"], r["subscale"], r["wave"], r["participant_id"]): r["band"]
        for r in core.scores
    }
    counted: dict[tuple[Any, ...], int] = {}
    begun: dict[tuple[Any, ...], int] = {}
    for since, wave in core.pairs:
        for series in core.series:
            for officer, person in core.people.items():
                moved = [bands.get((*series, at, officer)) for at in (since, wave)]
                if None in moved:
                    continue
                for where in (person["organisation"], "all"):
                    key = (where, since, wave, *series, *moved)
                    counted[key] = counted.get(key, 0) + 1
                    begun[key[:-1]] = begun.get(key[:-1], 0) + 1
    return {key: {"n": n, "n_from": begun[key[:-1]]} for key, n in counted.items()}


def equality_breakdown(core: Core) -> Rows:
    found: Rows = {}
    for name in ("rank_group", "service_band", "gender", "ethnicity_group"):
        values = {p: person[name] or "unknown" for p, person in core.people.items()}
        for value in set(values.values()):
            for series in core.series:
                for wave in core.waves:
                    level = {p: s for p, s in core.at(series, wave).items() if values[p] == value}
                    if not level:
                        continue
                    since = (
                        {} if wave == core.waves[0] else core.changes(series, core.waves[0], wave)
                    )
                    change = {p: c for p, c in since.items() if values[p] == value}
                    limits = interval(core.members(change))
                    limits.pop("standard_error")
                    found[name, value, wave, *series] = {
                        "n": len(level),
                        "mean": statistics.fmean(level.values()),
                        "sd": sd(level.values()),
                        "n_change": len(change),
                        "mean_change": statistics.fmean(change.values()) if change else None,
                        **limits,
                    }
    return found


def dose_response(core: Core) -> Rows:
    def band(sessions: int) -> str:
        return (
            "none"
            if sessions == 0
            else "one"
            if sessions == 1
            else "2 to 4"
            if sessions < 5
            else "5 to 7"
            if sessions < 8
            else "8 or more"
        )

    found: Rows = {}
    for series in core.series:
        for wave in core.waves[1:]:
            by_band: dict[str, dict[str, float]] = {}
            for officer, change in core.changes(series, core.waves[0], wave).items():
                sessions = core.people[officer]["sessions_attended"]
                if sessions is not None:
                    by_band.setdefault(band(sessions), {})[officer] = change
            for name, values in by_band.items():
                for (where, _), here in core.places(values, arms=False).items():
                    limits = interval(core.members(here))
                    limits.pop("standard_error")
                    found[where, name, wave, *series] = {
                        "n": len(here),
                        "mean_change": statistics.fmean(here.values()),
                        **limits,
                    }
    return found


# ------------------------------------------------------------------ items


def _complete(core: Core) -> dict[tuple[str, str, str], list[tuple[str, list[int]]]]:
    """Instrument, subscale, wave -> organisation and keyed items of each complete response."""
    found: dict[tuple[str, str, str], list[tuple[str, list[int]]]] = {}
    for response in core.responses:
        name, instrument = response["instrument"], core.instruments[response["instrument"]]
        turned = instrument["minimum"] + instrument["maximum"]
        for subscale in instrument["subscales"]:
            items = []
            for item in subscale["items"]:
                answer = response["items"][item - 1]
                if answer is not None:
                    items.append(turned - answer if item in instrument["reversed"] else answer)
            where = core.people[response["participant_id"]]["organisation"]
            key = (name, subscale["subscale"], response["wave"])
            rows = found.setdefault(key, [])
            rows.append((where, items if len(items) == len(subscale["items"]) else []))
    return found


def _alpha(rows: list[list[int]]) -> float | None:
    items = len(rows[0]) if rows else 0
    if len(rows) < 2 or items < 2:
        return None
    total = statistics.variance([sum(row) for row in rows])
    if not total:
        return None
    own = sum(statistics.variance(column) for column in zip(*rows, strict=True))
    return items / (items - 1) * (1 - own / total)


def _feldt(coefficient: float, n: int, items: int, p: float) -> float:
    return 1 - (1 - coefficient) * float(stats.f.ppf(p, n - 1, (n - 1) * (items - 1)))


def _omega(rows: list[list[int]]) -> float | None:
    """One factor by maximum likelihood: expectation and maximisation, until nothing moves."""
    items = len(rows[0]) if rows else 0
    if items < 3 or len(rows) < 2 * items:
        return None
    covariance = np.cov(np.array(rows, dtype=float).T)
    sds = np.sqrt(np.diag(covariance))
    if not sds.all():
        return None
    r = covariance / np.outer(sds, sds)
    loadings, own = np.full(items, 0.6), np.full(items, 0.64)
    for _ in range(200_000):
        inverse = np.linalg.inv(np.outer(loadings, loadings) + np.diag(own))
        beta = inverse @ loadings
        second = 1 - beta @ loadings + beta @ r @ beta
        after = r @ beta / second
        own_after = np.maximum(np.diag(r) - after * (r @ beta), 0.005)
        moved = max(np.abs(after - loadings).max(), np.abs(own_after - own).max())
        loadings, own = after, own_after
        if moved < 1e-10:
            break
    common = float(loadings @ sds) ** 2
    return common / (common + float(own @ sds**2))


def reliability(core: Core) -> Rows:
    found: Rows = {}
    for (name, subscale, wave), every in _complete(core).items():
        for where in {organisation for organisation, _ in every} | {"all"}:
            rows = [items for at, items in every if items and where in {at, "all"}]
            alpha = _alpha(rows)
            items = len(core.subscale(name, subscale)["items"])
            found[where, wave, name, subscale] = {
                "n": len(rows),
                "alpha": alpha,
                "alpha_low": alpha and _feldt(alpha, len(rows), items, 0.975),
                "alpha_high": alpha and _feldt(alpha, len(rows), items, 0.025),
                "omega": alpha and _omega(rows),
            }
    return found


def comparability(core: Core) -> Rows:
    found: Rows = {}
    for (name, subscale, wave), every in _complete(core).items():
        numbers = core.subscale(name, subscale)["items"]
        by_place: dict[str, list[list[int]]] = {}
        for where, items in every:
            rows = by_place.setdefault(where, [])
            if items:
                rows.append(items)
        large = [where for where, rows in by_place.items() if len(rows) >= 10]
        differences = _settled(by_place, sorted(large))
        for where, rows in by_place.items():
            n, items = len(rows), len(numbers)
            alpha, omega = _alpha(rows), None
            if alpha is not None:
                omega = _omega(rows)
            high = alpha and _feldt(alpha, n, items, 0.025)
            omega_high = omega and _feldt(omega, n, items, 0.025)
            shifts, correlations, clear, _ = differences.get(where, ([], [], [], 0))
            reason = None
            if n < 10:
                reason = "too_few"
            elif items > 1 and ((high or -1) < 0.7 or (omega_high or 1) < 0.7):
                reason = "unreliable"
            elif any(clear):
                reason = "items_differ"
            found[where, wave, name, subscale] = {
                "n": n,
                "alpha": alpha,
                "alpha_high": high,
                "omega": omega,
                "omega_high": omega_high,
                "largest_shift": _furthest(shifts),
                "largest_correlation_difference": _furthest(correlations),
                "items_differing": ", ".join(
                    str(item) for item, is_clear in zip(numbers, clear, strict=False) if is_clear
                )
                or None,
                "comparable": reason is None,
                "reason": reason,
            }
    return found


Differences = tuple[list[float | None], list[float | None], list[bool], float]


def _furthest(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return max(known, key=abs) if known else None


def _settled(by_place: dict[str, list[list[int]]], large: list[str]) -> dict[str, Differences]:
    others = set(large)
    while True:
        found = {
            where: _differences(
                by_place[where],
                [row for o in large if o in others - {where} for row in by_place[o]],
                enough=len(others - {where}) >= 2,
            )
            for where in large
        }
        differ = [where for where in large if where in others and any(found[where][2])]
        if not differ:
            return found
        others.discard(max(differ, key=lambda where: found[where][3]))


def _differences(here: list[list[int]], there: list[list[int]], *, enough: bool) -> Differences:
    items = len(here[0])
    if not enough:
        return [None] * items, [None] * items, [False] * items, -math.inf
    limit = float(stats.norm.ppf(1 - 0.05 / (4 * items)))
    shifts: list[float | None] = []
    correlations: list[float | None] = []
    clear, evidence = [], -math.inf
    for item in range(items):
        own, rest = [r[item] for r in here], [sum(r) - r[item] for r in here]
        their, their_rest = [r[item] for r in there], [sum(r) - r[item] for r in there]
        n, m = len(own), len(their)
        variance = statistics.variance(their)
        rest_variance = statistics.variance(their_rest)
        covariance = statistics.covariance(their, their_rest)
        ahead = statistics.fmean(rest) - statistics.fmean(their_rest)
        expected = statistics.fmean(their) + covariance / rest_variance * ahead
        shift = (statistics.fmean(own) - expected) / math.sqrt(variance)
        their_r = covariance / math.sqrt(variance * rest_variance)
        error = math.sqrt((1 - their_r**2) * (1 / n + 1 / m + ahead**2 / ((m - 1) * rest_variance)))
        beyond = [(abs(shift) - 0.25) / error]
        shifts.append(shift)
        difference = None
        if statistics.variance(own) and statistics.variance(rest):
            difference = math.atanh(statistics.correlation(own, rest)) - math.atanh(their_r)
            beyond.append((abs(difference) - 0.3) / math.sqrt(1 / (n - 3) + 1 / (m - 3)))
        correlations.append(difference)
        clear.append(max(beyond) > limit)
        evidence = max(evidence, *beyond)
    return shifts, correlations, clear, evidence


SIGNS = ("straight_lining", "answered_too_fast", "little_variation", "contradictory")


def _signs(core: Core, response: Row) -> dict[str, bool | None]:
    instrument = core.instruments[response["instrument"]]
    low, high, flipped = instrument["minimum"], instrument["maximum"], instrument["reversed"]
    flags = response["flags"] or []
    long_enough = instrument["items"] >= 10
    points_both_ways = bool(flipped) or len({s["better"] for s in instrument["subscales"]}) > 1
    given = [answer for answer in response["items"] if answer is not None]
    little = None
    if long_enough and points_both_ways and len(given) > 1:
        little = statistics.stdev(given) < (high - low) / 10
    contradictory = None
    for subscale in instrument["subscales"]:
        kinds: tuple[list[int], list[int]] = ([], [])
        for item in subscale["items"]:
            answer = response["items"][item - 1]
            if answer is not None:
                turned = item in flipped
                kinds[turned].append(low + high - answer if turned else answer)
        answered = len(kinds[0]) + len(kinds[1]) == len(subscale["items"])
        if answered and min(map(len, kinds)) >= 2:
            apart = abs(
                Fraction(sum(kinds[0]), len(kinds[0])) - Fraction(sum(kinds[1]), len(kinds[1]))
            )
            contradictory = bool(contradictory) or apart >= Fraction(high - low, 2)
    found: dict[str, bool | None] = {
        "straight_lining": "straight_lining" in flags if long_enough else None,
        "answered_too_fast": "answered_too_fast" in flags
        if response["duration_seconds"] is not None
        else None,
        "little_variation": little,
        "contradictory": contradictory,
    }
    known = [truth for truth in found.values() if truth is not None]
    return {**found, "any": any(known) if known else None}


def response_quality(core: Core) -> Rows:
    counted: dict[tuple[Any, ...], list[bool | None]] = {}
    for response in core.responses:
        where = core.people[response["participant_id"]]["organisation"]
        for sign, truth in _signs(core, response).items():
            for place in (where, "all"):
                key = (place, response["wave"], response["instrument"], sign)
                counted.setdefault(key, []).append(truth)
    return {
        key: {
            "n": sum(map(bool, truths)) if any(t is not None for t in truths) else None,
            "n_judged": sum(truth is not None for truth in truths),
        }
        for key, truths in counted.items()
    }


def change_without_careless(core: Core) -> Rows:
    primary = core.primary
    series, arm = (primary["instrument"], primary["subscale"]), core.named_arm
    waves = (primary["from_wave"], primary["to_wave"])
    change = {
        p: c
        for p, c in core.changes(series, *waves).items()
        if arm in {core.people[p]["arm"], "all"}
    }
    scored = {r["response_id"] for r in core.scores if r["subscale"] == series[1]}
    bear: dict[str, set[str]] = {}
    judged: set[str] = set()
    for response in core.responses:
        if response["wave"] in waves and response["instrument"] == series[0]:
            for sign, truth in _signs(core, response).items():
                if truth is not None:
                    judged.add(sign)
                if truth and response["response_id"] in scored:
                    bear.setdefault(sign, set()).add(response["participant_id"])
    found: Rows = {}
    for sign in ("none", *SIGNS, "any"):
        row: Row = {"arm": arm, **primary}
        if sign != "none" and sign not in judged:
            names = ("n", "n_left_out", "mean_change", "ci_low", "ci_high", "n_clusters")
            found[sign,] = row | dict.fromkeys(names)
            continue
        kept = {p: c for p, c in change.items() if p not in bear.get(sign, set())}
        limits = interval(core.members(kept))
        limits.pop("standard_error")
        found[sign,] = row | {
            "n": len(kept),
            "n_left_out": len(change) - len(kept),
            "mean_change": statistics.fmean(kept.values()) if kept else None,
            **limits,
        }
    return found


# ------------------------------------------------------------------ organisations pooled


def _not_comparable(core: Core) -> set[tuple[str, str, str, str]]:
    return {key for key, row in comparability(core).items() if not row["comparable"]}  # type: ignore[misc]


def _by_organisation(core: Core) -> dict[tuple[Any, ...], dict[str, Row]]:
    """Pair of waves and series -> each organisation's change and why it is left out."""
    bad = _not_comparable(core)
    found: dict[tuple[Any, ...], dict[str, Row]] = {}
    for since, wave in core.pairs:
        for series in core.series:
            by_place: dict[str, dict[str, float]] = {}
            for officer, change in core.changes(series, since, wave).items():
                by_place.setdefault(core.people[officer]["organisation"], {})[officer] = change
            rows = {}
            for where, values in by_place.items():
                error = interval(core.members(values))["standard_error"]
                reason = None
                if len(values) < 10:
                    reason = "too_few"
                elif any((where, at, *series) in bad for at in (since, wave)):
                    reason = "not_comparable"
                elif not error:
                    reason = "no_spread"
                rows[where] = {
                    "n": len(values),
                    "estimate": statistics.fmean(values.values()),
                    "variance": None if error is None else error**2,
                    "left_out": reason,
                }
            if rows:
                found[since, wave, *series] = rows
    return found


def _reml(y: list[float], v: list[float]) -> Row:
    """Random effects: the height of the likelihood on a fine grid, closed in on by thirds."""

    def mean_at(tau2: float) -> float:
        return sum(a / (b + tau2) for a, b in zip(y, v, strict=True)) / sum(
            1 / (b + tau2) for b in v
        )

    def spread(tau2: float) -> float:
        mu = mean_at(tau2)
        return sum((a - mu) ** 2 / (b + tau2) for a, b in zip(y, v, strict=True))

    def height(tau2: float) -> float:
        return -0.5 * (
            sum(math.log(b + tau2) for b in v)
            + math.log(sum(1 / (b + tau2) for b in v))
            + spread(tau2)
        )

    top = 10 * (sum((a - statistics.fmean(y)) ** 2 for a in y) + max(v))
    grid = [0.0, *(top * 10 ** (-6 + 6 * i / 300) for i in range(301))]
    best = max(range(len(grid)), key=lambda i: height(grid[i]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    for _ in range(200):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (a, high) if height(a) < height(b) else (low, b)
    tau2 = (low + high) / 2
    tau2 = 0.0 if height(0.0) >= height(tau2) else tau2
    k, total = len(y), sum(1 / (b + tau2) for b in v)
    fixed = [1 / b for b in v]
    within = (k - 1) * sum(fixed) / (sum(fixed) ** 2 - sum(f * f for f in fixed))
    multiplier = spread(tau2) / (k - 1)
    q = spread(0.0)
    return {
        "estimate": mean_at(tau2),
        "tau2": tau2,
        "variance": max(1.0, multiplier) / total,
        "unfloored": multiplier / total,
        "weights": [1 / (b + tau2) / total for b in v],
        "i2": tau2 / (tau2 + within),
        "q": q,
        "q_p": float(stats.chi2.sf(q, k - 1)),
        "tau2_low": _where_spread_is(spread, float(stats.chi2.ppf(0.975, k - 1))),
        "tau2_high": _where_spread_is(spread, float(stats.chi2.ppf(0.025, k - 1))),
    }


def _where_spread_is(spread: Any, wanted: float) -> float:
    if spread(0.0) <= wanted:
        return 0.0
    low, high = 0.0, 1.0
    while spread(high) > wanted:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if spread(middle) > wanted else (low, middle)
    return low


def _around(estimate: float, variance: float, k: int) -> tuple[float, float]:
    reach = float(stats.t.ppf(0.975, k - 1)) * math.sqrt(variance)
    return estimate - reach, estimate + reach


def pooled_change(core: Core) -> Rows:
    found: Rows = {}
    for key, rows in _by_organisation(core).items():
        enter = [row for row in rows.values() if row["left_out"] is None]
        k = len(enter)
        row: Row = {"k": k, "k_left_out": len(rows) - k}
        names = (
            *("estimate", "ci_low", "ci_high", "ci_low_unfloored", "ci_high_unfloored"),
            *("prediction_low", "prediction_high", "tau2", "tau2_low", "tau2_high"),
            *("i2", "q", "q_p"),
        )
        row |= dict.fromkeys(names)
        if k > 1:
            fit = _reml([r["estimate"] for r in enter], [r["variance"] for r in enter])
            row |= {
                n: fit[n] for n in ("estimate", "tau2", "tau2_low", "tau2_high", "i2", "q", "q_p")
            }
            middle = fit["estimate"]
            row["ci_low"], row["ci_high"] = _around(middle, fit["variance"], k)
            row["ci_low_unfloored"], row["ci_high_unfloored"] = _around(middle, fit["unfloored"], k)
            if k > 2:
                wide = fit["tau2"] + fit["variance"]
                row["prediction_low"], row["prediction_high"] = _around(middle, wide, k)
        found[key] = row
    return found


def organisation_change(core: Core) -> Rows:
    found: Rows = {}
    for key, rows in _by_organisation(core).items():
        enter = [where for where, row in rows.items() if row["left_out"] is None]
        y, v = ([rows[where][n] for where in enter] for n in ("estimate", "variance"))
        fit = _reml(y, v) if len(enter) > 1 else None
        for where, row in rows.items():
            told: Row = {**row, "weight": None}
            told |= dict.fromkeys(
                ("estimate_without", "ci_low_without", "ci_high_without", "tau2_without")
            )
            if where in enter:
                place = enter.index(where)
                told["weight"] = fit["weights"][place] if fit else None
                if len(enter) > 2:
                    other = _reml(y[:place] + y[place + 1 :], v[:place] + v[place + 1 :])
                    told["estimate_without"] = other["estimate"]
                    told["tau2_without"] = other["tau2"]
                    told["ci_low_without"], told["ci_high_without"] = _around(
                        other["estimate"], other["variance"], len(enter) - 1
                    )
            found[*key, where] = told
    return found


# ------------------------------------------------------------------ taking part


def _came_twice(core: Core, officer: str) -> bool:
    return (core.people[officer]["sessions_attended"] or 0) >= 2


def _denominators(core: Core, officer: str) -> list[str]:
    return ["enrolled", *(["two_sessions"] if _came_twice(core, officer) else [])]


def participant_flow(core: Core) -> Rows:
    counted: dict[tuple[Any, ...], int] = {}
    for officer, person in core.people.items():
        stages = {"enrolled": person["enrolment_source"], "dropout": person["dropout_stage"]}
        stages |= {wave: core.status(officer, wave)["status"] for wave in core.waves}
        for where in (person["organisation"], "all"):
            for arm in {person["arm"], "all"}:
                for denominator in _denominators(core, officer):
                    for stage, status in stages.items():
                        key = (where, arm, denominator, stage, status)
                        counted[key] = counted.get(key, 0) + 1
    return {key: {"n": n} for key, n in counted.items()}


def ending(core: Core, officer: str) -> tuple[int, str, bool | None]:
    """How far the officer came, how that ended, and whether they dropped out later (or NULL)."""
    statuses: list[str] = []
    overs: list[bool] = []
    for wave in core.waves:
        told = core.status(officer, wave)
        over = told["missed_after"] is not None and told["missed_after"] < core.as_of
        early = told["status"] in ANSWERED and told["missed_after"] is not None and not over
        statuses.append("open" if early else told["status"])
        overs.append(over)
    time = max((i + 1 for i, status in enumerate(statuses) if status in ANSWERED), default=0)
    departed = {"withdrawn", "left_organisation"}
    ends, departing = "censored", False
    following = [i for i in range(time, len(statuses)) if statuses[i] != "not_scheduled"]
    if following:
        status = statuses[following[0]]
        if status == "missed" or (status == "withdrawn" and overs[following[0]]):
            ends = "dropped_out"
        elif status == "left_organisation" and overs[following[0]]:
            ends = "left_organisation"
        departing = ends == "censored" and any(statuses[i] in departed for i in following)
    closed = any(s not in {"not_scheduled", "not_yet_due", "open"} for s in statuses[1:])
    left = None
    if ends == "dropped_out" and time:
        left = True
    elif ends == "censored" and closed and not departing:
        left = False
    return time, ends, left


def _curves(core: Core) -> dict[tuple[str, str, str], list[tuple[int, str]]]:
    found: dict[tuple[str, str, str], list[tuple[int, str]]] = {}
    for officer, person in core.people.items():
        time, ends, _ = ending(core, officer)
        for where in (person["organisation"], "all"):
            for arm in {person["arm"], "all"}:
                for denominator in ("enrolled", "two_sessions"):
                    rows = found.setdefault((where, arm, denominator), [])
                    if denominator in _denominators(core, officer):
                        rows.append((time, ends))
    return found


def _risk(rows: list[tuple[int, str]], last: int) -> list[int]:
    return [
        sum(t > time or (t == time and (e != "censored" or time == last)) for t, e in rows)
        for time in range(last + 1)
    ]


def retention(core: Core) -> Rows:
    found: Rows = {}
    last = len(core.waves)
    for key, rows in _curves(core).items():
        risk = _risk(rows, last)
        survival, greenwood, goes_on = 1.0, 0.0, True
        history: list[tuple[float, int, float, float]] = []
        for time in range(last + 1):
            dropped, gone = (
                sum(row == (time, kind) for row in rows)
                for kind in ("dropped_out", "left_organisation")
            )
            n = risk[time]
            row: Row = {
                "wave": core.waves[time - 1] if time else None,
                "n_at_risk": n,
                "n_left": dropped + gone,
                "n_dropped_out": dropped,
                "n_left_organisation": gone,
                "n_censored": sum(r == (time, "censored") for r in rows) if time < last else 0,
            }
            row |= dict.fromkeys(
                f"{name}{end}"
                for name in ("dropped_out", "left_organisation")
                for end in ("", "_low", "_high")
            )
            row |= dict.fromkeys(("retained", "standard_error", "ci_low", "ci_high"))
            goes_on = goes_on and n > 0
            if goes_on:
                history.append((survival, n, dropped / n, gone / n))
                left = n - dropped - gone
                survival *= left / n
                greenwood += (dropped + gone) / (n * left) if left else math.inf
                row["retained"] = survival
                if survival:
                    row["standard_error"] = survival * math.sqrt(greenwood)
                row["ci_low"], row["ci_high"] = _log_log(survival, row["standard_error"])
                for name, own, other in (("dropped_out", 2, 3), ("left_organisation", 3, 2)):
                    share = math.fsum(step[0] * step[own] for step in history)
                    error = math.sqrt(_incidence_variance(history, own, other))
                    row[name] = share
                    row[f"{name}_low"], row[f"{name}_high"] = _log_log(share, error)
            found[*key, time] = row
    return found


def _log_log(share: float, error: float | None) -> tuple[float | None, float | None]:
    if error is None or share <= 1e-12 or share >= 1 - 1e-12:
        return None, None
    reach = Z * error / (share * abs(math.log(share)))
    return share ** math.exp(reach), share ** math.exp(-reach)


def _incidence_variance(history: list[Any], own: int, other: int) -> float:
    """By differences: how the share moves with each step's two hazards, by the multinomial."""
    total = 0.0
    for at, (_, n, *_rest) in enumerate(history):
        slopes = []
        for which in (own, other):
            moved = [list(step) for step in history]
            moved[at][which] += 1e-6
            slopes.append((_share(moved, own, other) - _share(history, own, other)) / 1e-6)
        a, b = history[at][own], history[at][other]
        g, h = slopes
        total += (g * g * a + h * h * b - (g * a + h * b) ** 2) / n
    return max(0.0, total)


def _share(history: list[Any], own: int, other: int) -> float:
    survival, share = 1.0, 0.0
    for step in history:
        share += survival * step[own]
        survival *= 1 - step[own] - step[other]
    return share


def retention_comparison(core: Core) -> Rows:
    found: Rows = {}
    last = len(core.waves)
    curves = _curves(core)
    for arm, denominator in {key[1:] for key in curves}:
        groups = [
            rows
            for (where, *rest), rows in curves.items()
            if where != "all" and tuple(rest) == (arm, denominator) and rows
        ]
        row: Row = {"n_organisations": len(groups)}
        row |= dict.fromkeys(("chi_square", "degrees_of_freedom", "p_value"))
        if len(groups) > 1:
            risks = [_risk(rows, last) for rows in groups]
            excess, spread = np.zeros(len(groups)), np.zeros((len(groups),) * 2)
            for time in range(last + 1):
                n = np.array([risk[time] for risk in risks], dtype=float)
                d = np.array([sum(r == (time, "dropped_out") for r in rows) for rows in groups])
                whole, events = n.sum(), d.sum()
                if events and whole > 1:
                    share = n / whole
                    excess += d - events * share
                    factor = events * (whole - events) / (whole - 1)
                    spread += factor * (np.diag(share) - np.outer(share, share))
            rank = np.linalg.matrix_rank(spread, tol=1e-9)
            if rank:
                chi = float(excess @ np.linalg.pinv(spread, rcond=1e-9) @ excess)
                row |= {
                    "chi_square": chi,
                    "degrees_of_freedom": int(rank),
                    "p_value": float(stats.chi2.sf(chi, rank)),
                }
        found[arm, denominator] = row
    return found


def attrition(core: Core) -> Rows:
    found: Rows = {}
    for series in core.series:
        first = core.at(series, core.waves[0])
        groups: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
        for officer, score in first.items():
            left = ending(core, officer)[2]
            for where in (core.people[officer]["organisation"], "all"):
                for denominator in _denominators(core, officer):
                    both = groups.setdefault((where, denominator), ([], []))
                    if left is not None:
                        both[not left].append(score)
        for key, (left_, stayed) in groups.items():
            difference = None
            spread = [sd(left_), sd(stayed)]
            if None not in spread and any(spread):
                difference = (statistics.fmean(left_) - statistics.fmean(stayed)) / math.sqrt(
                    (spread[0] ** 2 + spread[1] ** 2) / 2  # type: ignore[operator]
                )
            found[*key, *series] = {
                "n_left": len(left_),
                "n_stayed": len(stayed),
                "mean_left": statistics.fmean(left_) if left_ else None,
                "mean_stayed": statistics.fmean(stayed) if stayed else None,
                "standardised_difference": difference,
                "flag": None
                if difference is None
                else "serious"
                if abs(difference) > 0.25
                else "notable"
                if abs(difference) > 0.1
                else "small",
            }
    return found


def follow_up_due(core: Core) -> Rows:
    found: Rows = {}
    for where in {p["organisation"] for p in core.people.values()} | {"all"}:
        for wave in core.waves:
            rows = [
                core.status(officer, wave)
                for officer, person in core.people.items()
                if where in {person["organisation"], "all"}
            ]
            is_open = [r for r in rows if r["status"] == "open"]
            later = [r for r in rows if r["status"] == "not_yet_due"]
            soon = core.as_of + timedelta(days=14)
            counts = {
                "answered": sum(r["status"] in ANSWERED for r in rows),
                "due": sum(r["due_on"] >= core.as_of for r in is_open),
                "overdue": sum(r["due_on"] < core.as_of for r in is_open),
                "missed": sum(r["status"] == "missed" for r in rows),
                "not_yet_due": len(later),
            }
            found[where, wave] = {
                "expected": sum(counts.values()),
                **counts,
                "closing": sum(r["window_closes_on"] <= soon for r in is_open),
                "next_due_on": _earliest([r["due_on"] for r in later]),
                "next_closing_on": _earliest([r["window_closes_on"] for r in is_open]),
            }
    return found


def _earliest(days: list[date | None]) -> date | None:
    return min((day for day in days if day is not None), default=None)


# ------------------------------------------------------------------ the pilot


def pilot_reconciliation(core: Core) -> Rows:
    pilot = json.loads((REFERENCE / "pilot.json").read_text("utf-8"))
    national = wave_summary(core)
    first = pilot["waves"][0]
    found: Rows = {}
    for wave in pilot["waves"]:
        n = wave["n_reported"]
        smallest = next(
            m
            for m in range(1, 1_000)
            if all(_prints_as(s["mean"], m) for s in wave["subscales"].values())
        )
        for subscale, told in wave["subscales"].items():
            mean = Fraction(told["mean"])
            row: Row = {
                "n_reported": n,
                "mean_reported": told["mean"],
                "grim_possible": bool(_prints_as(told["mean"], n)),
                "smallest_consistent_n": smallest,
                "band_reported": told["band_reported"],
                "band_computed": "low" if mean <= 22 else "high" if mean >= 42 else "moderate",
            }
            row |= dict.fromkeys(
                ("dropout_alone_low", "dropout_alone_high", "dropout_alone_possible")
            )
            if wave is not first:
                row |= _dropout_alone(
                    first["subscales"][subscale]["mean"], first["n_reported"], told["mean"], n
                )
            here = national.get(("all", "all", wave["wave"], pilot["instrument"], subscale), {})
            row |= {f"national_{name}": here.get(name) for name in ("mean", "ci_low", "ci_high")}
            found[wave["wave"], subscale] = row
    return found


def _prints_as(mean: str, n: int) -> list[int]:
    """The whole totals of n scores whose mean is that to the digits printed."""
    digits = len(mean.partition(".")[2])
    half = Fraction(1, 2 * 10**digits)
    return [t for t in range(50 * n + 1) if abs(Fraction(t, n) - Fraction(mean)) <= half]


def _dropout_alone(before: str, n: int, after: str, stayed: int) -> Row:
    totals = _prints_as(before, n)
    if not totals:
        digits = len(before.partition(".")[2])
        half = Fraction(1, 2 * 10**digits)
        totals = [
            math.floor((Fraction(before) - half) * n),
            math.ceil((Fraction(before) + half) * n),
        ]
    left = n - stayed
    low = max(10 * stayed, min(totals) - 50 * left)
    high = min(50 * stayed, max(totals) - 10 * left)
    later = _prints_as(after, stayed)
    if not later:
        digits = len(after.partition(".")[2])
        half = Fraction(1, 2 * 10**digits)
        ends = [(Fraction(after) - half) * stayed, (Fraction(after) + half) * stayed]
        later = list(range(math.floor(ends[0]), math.ceil(ends[1]) + 1))
    return {
        "dropout_alone_low": low / stayed,
        "dropout_alone_high": high / stayed,
        "dropout_alone_possible": any(low <= total <= high for total in later),
    }
