"""The tables that need a likelihood, again, from `core`: matrices of every score, and a search.

What stays out: how reading and intervals work (`naive_core.py`), and rows of a random draw.
"""

import math
import statistics
from collections.abc import Callable
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from naive_core import ANSWERED, Core, Member, Row, Rows, clusters_of, interval, sd, weighted_cr2
from naive_tables import ending
from scipy import optimize, stats

Array = np.ndarray[Any, Any]
Cell = tuple[str, str]
"""An arm and a wave."""

FIGURES = ("estimate", "se", "se_clustered", "ci_low", "ci_high", "n_clusters")


# ------------------------------------------------------------------ mixed model


class Model:
    """Means by cell and one covariance of the waves, by restricted maximum likelihood."""

    def __init__(
        self, core: Core, scores: dict[str, dict[str, float]], design: Callable[[str, str], Array]
    ) -> None:
        """`scores` by officer and wave; `design` gives the row of an officer's arm at a wave."""
        self.officers = sorted(scores, key=lambda p: (core.people[p]["organisation"], p))
        self.core, self.scores = core, scores
        waves = [w for w in core.waves if any(w in by_wave for by_wave in scores.values())]
        self.places = [[waves.index(w) for w in waves if w in scores[p]] for p in self.officers]
        self.x = [
            np.array([design(core.people[p]["arm"], w) for w in waves if w in scores[p]])
            for p in self.officers
        ]
        self.y = [np.array([scores[p][w] for w in waves if w in scores[p]]) for p in self.officers]
        self.size = len(waves)
        self.lower = np.tril_indices(self.size)
        start = np.diag(np.log(np.full(self.size, statistics.stdev(np.concatenate(self.y)))))
        found = optimize.minimize(self._deviance, start[self.lower], method="BFGS", tol=1e-7)
        self.sigma = self._sigma(found.x)
        self.beta, self.covariance = self._means(self.sigma)

    def _sigma(self, parameters: Array) -> Array:
        root = np.zeros((self.size, self.size))
        root[self.lower] = parameters
        root[np.diag_indices(self.size)] = np.exp(np.diag(root))
        return root @ root.T

    def _deviance(self, parameters: Array) -> float:
        sigma = self._sigma(parameters)
        beta, covariance = self._means(sigma)
        found = -np.linalg.slogdet(covariance)[1]
        for at, x, y in self._alike:
            v = sigma[np.ix_(at, at)]
            r = y - x @ beta
            found += len(y) * np.linalg.slogdet(v)[1] + (r * np.linalg.solve(v, r.T).T).sum()
        return float(found)

    def _means(self, sigma: Array) -> tuple[Array, Array]:
        information, pull = 0.0, 0.0
        for at, x, y in self._alike:
            weighed = np.linalg.solve(sigma[np.ix_(at, at)], x)
            information = information + len(y) * x.T @ weighed
            pull = pull + weighed.T @ y.sum(axis=0)
        covariance = np.linalg.inv(information)
        return covariance @ pull, covariance

    @cached_property
    def _alike(self) -> list[tuple[list[int], Array, Array]]:
        """Officers of one arm who answered the same waves: those, the design, scores (n, waves)."""
        found: dict[tuple[Any, ...], list[int]] = {}
        for i, (at, x) in enumerate(zip(self.places, self.x, strict=True)):
            found.setdefault((*at, x.tobytes()), []).append(i)
        return [
            (self.places[of[0]], self.x[of[0]], np.array([self.y[i] for i in of]))
            for of in found.values()
        ]

    def robust(self, weights: Array, of: list[str]) -> tuple[float, float, bool]:
        """CR2 standard error of a contrast, Satterthwaite's freedom, and whether clusters bear it.

        `of` is the cluster of each officer. The last is untrue where the adjusted residuals would
        leave out more than a twentieth of the variance even if the model were right.
        """
        x, y = np.vstack(self.x), np.concatenate(self.y)
        v = np.zeros((len(y), len(y)))
        end = 0
        for at in self.places:
            rows = slice(end, end := end + len(at))
            v[rows, rows] = self.sigma[np.ix_(at, at)]
        w = np.linalg.inv(v)
        maker = np.eye(len(y)) - x @ self.covariance @ x.T @ w
        spread = maker @ v @ maker.T
        residuals = y - x @ self.beta
        cluster = np.repeat(of, list(map(len, self.y)))
        variance, lines = 0.0, []
        for each in sorted(set(of)):
            rows = cluster == each
            d = np.linalg.cholesky(v[np.ix_(rows, rows)]).T
            values, vectors = np.linalg.eigh(d @ spread[np.ix_(rows, rows)] @ d.T)
            kept = values > 1e-10 * values[-1]
            root = vectors[:, kept] @ np.diag(values[kept] ** -0.5) @ vectors[:, kept].T
            pulled = weights @ self.covariance @ x[rows].T @ w[np.ix_(rows, rows)] @ d.T @ root @ d
            variance += (pulled @ residuals[rows]) ** 2
            lines.append(pulled @ maker[rows])
        p = np.array(lines) @ v @ np.array(lines).T
        sound = np.trace(p) > 0.95 * (weights @ self.covariance @ weights)
        return math.sqrt(variance), float(np.trace(p) ** 2 / np.sum(p**2)), bool(sound)

    def estimate(self, weights: Array, cells: set[Cell], since: str | None = None) -> Row:
        """The columns of FIGURES for a contrast of these arms' and waves' officers."""
        people = {p: self.core.people[p] for p in self.officers}
        arms = {arm for arm, _ in cells}
        here = [
            p
            for p in self.officers
            if any(people[p]["arm"] == arm or arm == "all" for arm in arms)
            and any({(people[p]["arm"], w), ("all", w)} & cells for w in self.scores[p])
        ]
        everywhere = {
            person["organisation"]
            for person in people.values()
            if person["arm"] in arms or "all" in arms
        }
        value = float(weights @ self.beta)
        row: Row = dict.fromkeys(FIGURES)
        row |= {"estimate": value, "se": math.sqrt(weights @ self.covariance @ weights)}
        of = [people[p]["organisation"] for p in self.officers]
        if len(everywhere) == 1:
            if len({people[p]["session_group"] for p in here} - {None}) < 5:
                both = [p for p in here if since is None or since in self.scores[p]]
                reach = float(stats.t.ppf(0.975, len(both) - len(arms))) * row["se"]
                return row | {"ci_low": value - reach, "ci_high": value + reach}
            seat = {p: people[p]["session_group"] or p for p in self.officers}
            of = [seat[p] if o in everywhere else o for p, o in zip(self.officers, of, strict=True)]
        clusters = {of[self.officers.index(p)] for p in here}
        if len(clusters) < 2:
            return row
        error, freedom, sound = self.robust(weights, of)
        if not sound:
            return row
        reach = float(stats.t.ppf(0.975, min(freedom, len(clusters) - 1))) * error
        return row | {
            "se_clustered": error,
            "ci_low": value - reach,
            "ci_high": value + reach,
            "n_clusters": len(clusters),
        }


def _scores(core: Core, series: tuple[str, str]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for wave in core.waves:
        for officer, score in core.at(series, wave).items():
            found.setdefault(officer, {})[wave] = score
    return found


def _by_cell(core: Core, series: tuple[str, str], *, arms: bool) -> tuple[Model, list[Cell]]:
    """A mean for every arm and wave with a score, or for every wave."""
    scores = _scores(core, series)
    arm = (lambda p: core.people[p]["arm"]) if arms else (lambda p: "all")
    cells = sorted({(arm(p), wave) for p, by_wave in scores.items() for wave in by_wave})
    unit = np.eye(len(cells))
    return (
        Model(core, scores, lambda a, wave: unit[cells.index((a if arms else "all", wave))]),
        cells,
    )


def models(core: Core) -> dict[tuple[str, str], dict[bool, tuple[Model, list[Cell]]]]:
    """Of each series, with arms and without."""
    return {
        series: {arms: _by_cell(core, series, arms=arms) for arms in (True, False)}
        for series in core.series
        if _scores(core, series)
    }


def trajectory(core: Core, fitted: dict[Any, Any]) -> Rows:
    first = core.waves[0]
    found: Rows = {}
    for series, both in fitted.items():
        for model, cells in both.values():
            for arm in {arm for arm, _ in cells}:
                for since, wave in [(first, first), *core.pairs]:
                    at = np.eye(len(cells))[cells.index((arm, wave))]
                    level = model.estimate(at, {(arm, wave)})
                    row: Row = {
                        "named_beforehand": core.is_named(series, since, wave, arm),
                        "n": sum(
                            arm in {core.people[p]["arm"], "all"} for p in core.at(series, wave)
                        ),
                        **level,
                    }
                    change: Row = dict.fromkeys(FIGURES)
                    if since != wave:
                        before = np.eye(len(cells))[cells.index((arm, since))]
                        change = model.estimate(at - before, {(arm, wave)}, since)
                    row["change"] = change["estimate"]
                    for name in ("se", "se_clustered", "ci_low", "ci_high"):
                        row[f"change_{name}"] = change[name]
                    found[arm, since, wave, *series] = row
    return found


def arm_contrast(core: Core, fitted: dict[Any, Any]) -> Rows:
    found: Rows = {}
    begins = {a["arm"]: a.get("begins_after_days", 0) for a in core.arms}
    for series, both in fitted.items():
        model, cells = both[True]
        arms = sorted({arm for arm, _ in cells}, key=lambda arm: begins[arm])
        for arm, other in combinations(arms, 2):
            for since, wave in core.pairs:
                unit = {cell: np.eye(len(cells))[i] for i, cell in enumerate(cells)}
                weights = (
                    unit[arm, wave] - unit[arm, since] - unit[other, wave] + unit[other, since]
                )
                begun = core.has_begun(arm, wave), core.has_begun(other, wave)
                counts = [
                    sum(core.people[p]["arm"] == each for p in core.at(series, wave))
                    for each in (arm, other)
                ]
                row = model.estimate(weights, {(arm, wave), (other, wave)}, since)
                found[arm, other, since, wave, *series] = {
                    "compared": {
                        (True, False): "begun_with_not_begun",
                        (True, True): "both_begun",
                        (False, False): "neither_begun",
                    }[begun],
                    "named_beforehand": core.is_named(series, since, wave, arm)
                    and begun == (True, False),
                    **row,
                    "n": counts[0],
                    "n_reference": counts[1],
                }
        if len({begins[arm] for arm in arms}) > 1:
            found["all", "all", "all", "all", *series] = _in_steps(core, series, arms)
    return found


def _in_steps(core: Core, series: tuple[str, str], arms: list[str]) -> Row:
    scores = _scores(core, series)

    def design(arm: str, wave: str) -> Array:
        periods = [float(wave == w) for w in core.waves[1:]]
        return np.array(
            [*(float(arm == a) for a in arms), *periods, float(core.has_begun(arm, wave))]
        )

    model = Model(core, scores, design)
    sides: tuple[set[str], set[str]] = (set(), set())
    for officer, by_wave in scores.items():
        for wave in by_wave:
            sides[not core.has_begun(core.people[officer]["arm"], wave)].add(officer)
    weights = np.eye(len(model.beta))[-1]
    cells = {(arm, wave) for arm in arms for wave in core.waves}
    return {
        "compared": "in_steps",
        "named_beforehand": False,
        **model.estimate(weights, cells),
        "n": len(sides[0]),
        "n_reference": len(sides[1]),
    }


# ------------------------------------------------------------------ likeness and design


class Likeness:
    """Values of officers with variances of organisation and group, by matrices of all of them."""

    def __init__(self, core: Core, values: dict[str, float]) -> None:
        people = [core.people[p] for p in values]
        arms = sorted({person["arm"] for person in people})
        self.n, self.p = len(values), len(arms)
        # Less their mean, so that little cancels.
        self.y = np.array(list(values.values())) - statistics.fmean(values.values())
        self.x = np.array([[float(person["arm"] == arm) for arm in arms] for person in people])
        organisation = [person["organisation"] for person in people]
        group = [person["session_group"] or p for p, person in zip(values, people, strict=True)]
        self.blocks = [
            [i for i, name in enumerate(organisation) if name == each]
            for each in dict.fromkeys(organisation)
        ]
        self.same_group = [_same([group[i] for i in block]) for block in self.blocks]
        self.organisations, self.groups = _sizes(organisation), _sizes(group)
        self.seated = _sizes(
            [person["session_group"] for person in people if person["session_group"]]
        )
        means = np.linalg.lstsq(self.x, self.y, rcond=None)[0]
        self.sd = math.sqrt(((self.y - self.x @ means) ** 2).sum() / (self.n - self.p))
        starts = [(0.2, 0.2), (0.02, 0.3), (0.3, 0.02)]
        best = min(
            (
                optimize.minimize(
                    lambda roots: self.deviance(*(roots**2)),
                    np.array(start),
                    method="Nelder-Mead",
                    options={"xatol": 1e-7, "fatol": 1e-10},
                )
                for start in starts
            ),
            key=lambda found: found.fun,
        )
        a, b = (x**2 if x**2 > 1e-6 else 0.0 for x in best.x)
        self.lowest = float(best.fun)
        self.officer = self._squares(a, b)[0] / (self.n - self.p)
        self.variance = self.officer * (1 + a + b)
        self.of_organisation, self.of_group = a / (1 + a + b), (a + b) / (1 + a + b)

    def _squares(self, a: float, b: float) -> tuple[float, float, Array]:
        """Q, log det V and X'V^-1 X, organisation by organisation."""
        logs, information, pull, weighed = 0.0, 0.0, 0.0, 0.0
        for block, same in zip(self.blocks, self.same_group, strict=True):
            v = np.eye(len(block)) + a + b * same
            x, y = self.x[block], self.y[block]
            solved = np.linalg.solve(v, np.column_stack([x, y]))
            logs += np.linalg.slogdet(v)[1]
            information = information + x.T @ solved[:, :-1]
            pull = pull + x.T @ solved[:, -1]
            weighed += y @ solved[:, -1]
        return float(weighed - pull @ np.linalg.solve(information, pull)), logs, information

    def deviance(self, a: float, b: float) -> float:
        squares, logs, information = self._squares(a, b)
        logs += np.linalg.slogdet(information)[1]
        return float((self.n - self.p) * math.log(squares) + logs)

    def rise(self, correlation: float, *, of_group: bool) -> float:
        """How far the deviance lies above its lowest at the best of this correlation."""
        if of_group:
            both = correlation / (1 - correlation)
            at = lambda root: self.deviance(min(root**2, both), both - min(root**2, both))  # noqa: E731
            top = math.sqrt(both)
        else:
            at = lambda root: self.deviance(  # noqa: E731
                correlation * (1 + root**2) / (1 - correlation), root**2
            )
            top = 3.0
        inner = optimize.minimize_scalar(at, bounds=(0, top), method="bounded")
        return min(float(inner.fun), at(0.0), at(top)) - self.lowest


def _same(names: list[str]) -> Array:
    return np.array([[float(a == b) for b in names] for a in names])


def _sizes(names: list[str]) -> list[int]:
    return [names.count(name) for name in dict.fromkeys(names)]


def likenesses(core: Core) -> dict[tuple[str, str, str], Likeness]:
    """By measure, instrument and subscale."""
    ends = core.primary["from_wave"], core.primary["to_wave"]
    return {
        (measure, *series): Likeness(core, values)
        for series in core.series
        for measure, values in (
            ("baseline", core.at(series, core.waves[0])),
            ("change", core.changes(series, *ends)),
        )
        if values
    }


def icc(_: Core, found: dict[tuple[str, str, str], Likeness]) -> Rows:
    """Without limits, of which the test asks where they lie (`Likeness.rise`)."""
    return {
        (measure, level, *series): {
            "icc": spread.of_group if level == "session_group" else spread.of_organisation,
            "sd": spread.sd,
            "n": spread.n,
            "n_clusters": len(spread.seated if level == "session_group" else spread.organisations),
        }
        for (measure, *series), spread in found.items()
        for level in ("session_group", "organisation")
    }


def design(core: Core, found: dict[tuple[str, str, str], Likeness]) -> Rows:
    ends = core.primary["from_wave"], core.primary["to_wave"]
    waiting = [r for r in core.ledger if r["status"] in {"open", "not_yet_due"}]
    first_day = min((r["missed_after"] for r in waiting if r["missed_after"]), default=None)
    over = [
        officer
        for officer in core.people
        if all(
            (told := core.status(officer, wave))["status"]
            not in {"not_scheduled", "not_yet_due", "open"}
            and not (first_day and told["missed_after"] and told["missed_after"] >= first_day)
            for wave in ends
        )
    ]
    rows: Rows = {}
    for (measure, *series), spread in found.items():
        if measure != "change":
            continue
        both = core.changes((series[0], series[1]), *ends)
        share = sum(officer in both for officer in over) / len(over)
        m, larger = (
            sum(size**2 for size in sizes) / spread.n
            for sizes in (spread.groups, spread.organisations)
        )
        effect = 1 + (m - 1) * spread.of_group + (larger - m) * spread.of_organisation
        k = len(spread.organisations)
        of_one = spread.variance * effect / (spread.n / k)
        for change in (1.0, 2.0, 3.0):
            for wanted in (0.8, 0.9):
                count = next(c for c in range(2, 10_000) if _power(change, of_one / c, c) >= wanted)
                officers = count * spread.n / k
                rows[*series, change, wanted] = {
                    "from_wave": ends[0],
                    "to_wave": ends[1],
                    "sd_change": spread.sd,
                    "icc_group": spread.of_group,
                    "icc_organisation": spread.of_organisation,
                    "design_effect": effect,
                    "share_with_both": share,
                    "n_officers": math.ceil(officers / share),
                    "n_groups": math.ceil(officers / statistics.fmean(spread.seated)),
                    "n_organisations": count,
                    "power_now": _power(change, of_one / k, k),
                }
    return rows


def _power(change: float, variance: float, k: int) -> float:
    """By the normal mean and the chi-square of its error, added up over a fine grid."""
    freedom = k - 1
    critical = float(stats.t.ppf(0.975, freedom))
    shares = (np.arange(4_000) + 0.5) / 4_000
    errors = np.sqrt(stats.chi2.ppf(shares, freedom) / freedom)
    away = change / math.sqrt(variance)
    seen = stats.norm.sf(critical * errors - away) + stats.norm.cdf(-critical * errors - away)
    return float(seen.mean())


# ------------------------------------------------------------------ leaving


def _logit(x: Array, outcome: Array) -> tuple[Array, Array] | None:
    """Newton's steps from 0; None where they do not end or a column says nothing of its own."""
    beta = np.zeros(x.shape[1])
    for _ in range(30):
        fitted = 1 / (1 + np.exp(-x @ beta))
        information = x.T @ (x * (fitted * (1 - fitted))[:, None])
        if np.linalg.cond(information) > 1e14:
            return None
        step = np.linalg.solve(information, x.T @ (outcome - fitted))
        beta = beta + step
        if np.abs(x @ step).max() < 1e-9:
            return beta, np.linalg.inv(information)
    return None


def attrition_model(core: Core) -> Rows:
    instrument = core.primary["instrument"]
    names = [s for name, s in core.series if name == instrument]
    rows = []
    for officer, person in core.people.items():
        left = ending(core, officer)[2]
        scores = [core.at((instrument, s), core.waves[0]).get(officer) for s in names]
        if left is not None and None not in scores:
            groups = [person[g] or "unknown" for g in ("rank_group", "organisation")]
            rows.append({"left": left, "scores": scores, "groups": groups})
    while True:
        before = [list(row["groups"]) for row in rows]
        for g in range(2):
            small = _too_small(rows, g)
            for row in rows:
                if row["groups"][g] in small:
                    row["groups"][g] = "other"
            if "other" in _too_small(rows, g):
                rows = [row for row in rows if row["groups"][g] != "other"]
        if [row["groups"] for row in rows] == before:
            break
    terms, columns = ["intercept", *names], [[1.0, *row["scores"]] for row in rows]
    for g, name in enumerate(("rank_group", "organisation")):
        held = [row["groups"][g] for row in rows]
        sizes = sorted(set(held), key=lambda each: (-held.count(each), each))
        for other in sorted(sizes[1:]):
            terms.append(f"{name}: {other}")
            for column, row in zip(columns, rows, strict=True):
                column.append(float(row["groups"][g] == other))
    by_term = [list(column) for column in zip(*columns, strict=True)]
    kept = _independent(by_term)
    x = np.array([by_term[place] for place in kept]).T
    fit = _logit(x, np.array([float(row["left"]) for row in rows]))
    assert fit is not None, "the home is to have a model"
    z = float(stats.norm.ppf(0.975))
    figures = ("estimate", "se", "odds_ratio", "ci_low", "ci_high")
    found: Rows = {(term,): dict.fromkeys(figures) | {"n": len(rows)} for term in terms}
    for at, place in enumerate(kept):
        estimate, error = float(fit[0][at]), math.sqrt(fit[1][at, at])
        limits = [math.exp(estimate + sign * z * error) for sign in (-1, 1)]
        told = (estimate, error, math.exp(estimate), *limits)
        found[terms[place],] |= dict(zip(figures, told, strict=True))
    return found


def _too_small(rows: list[Row], g: int) -> set[str]:
    found = set()
    for name in {row["groups"][g] for row in rows}:
        left = [row["left"] for row in rows if row["groups"][g] == name]
        if len(left) < 10 or len(set(left)) < 2:
            found.add(name)
    return found


def robustness(core: Core, levels: Rows) -> Rows:
    """Complete cases, the mixed model and the weights: what involves no random draw."""
    arm = core.named_arm
    found: Rows = {}
    for since, wave in core.pairs:
        for series in core.series:
            change = {
                p: c
                for p, c in core.changes(series, since, wave).items()
                if arm in {core.people[p]["arm"], "all"}
            }
            complete: Row = _with_interval(core.members(change))
            model = levels[arm, since, wave, *series]
            mixed: Row = {
                "estimate": model["change"],
                "ci_low": model["change_ci_low"],
                "ci_high": model["change_ci_high"],
                "n": model["n"],
                "effective_n": None,
                "n_clusters": None,
            }
            weighted = _weighted(core, series, since, wave, change)
            for method, row in (
                ("complete_cases", complete),
                ("mixed_model", mixed),
                ("attrition_weighted", weighted),
            ):
                found[since, wave, *series, method] = {
                    "arm": arm,
                    "named_beforehand": core.is_named(series, since, wave, arm),
                    **row,
                    **dict.fromkeys(("n_imputed", "delta", "tipping_delta", "r_hat")),
                    "outcome": _outcome(row, complete, is_reference=method == "complete_cases"),
                }
    return found


def _with_interval(members: list[Member]) -> Row:
    limits = interval(members)
    limits.pop("standard_error")
    values = [m.value for m in members]
    mean = statistics.fmean(values) if values else None
    return {"estimate": mean, **limits, "n": len(values), "effective_n": None}


def _outcome(row: Row, reference: Row, *, is_reference: bool) -> str:
    if None in (row["ci_low"], reference["ci_low"]):
        return "not_available"
    if is_reference:
        return "reference"
    if np.sign(row["estimate"]) != np.sign(reference["estimate"]):
        return "sign_differs"
    holds = [r["ci_low"] <= 0 <= r["ci_high"] for r in (row, reference)]
    return "sign_and_interval_agree" if holds[0] == holds[1] else "interval_differs"


def _weighted(
    core: Core, series: tuple[str, str], since: str, wave: str, change: dict[str, float]
) -> Row:
    waves = core.waves[core.waves.index(since) : core.waves.index(wave) + 1]
    every = [s for s in core.series if s[0] == series[0]]
    arm = core.named_arm
    base = [
        p
        for p, person in core.people.items()
        if arm in {person["arm"], "all"} and any(p in core.at(s, since) for s in every)
    ]
    counted = [p for p in base if _is_decided(core, p, wave)]
    came = {
        w: {
            p
            for p in base
            if core.status(p, w)["status"] in ANSWERED or any(p in core.at(s, w) for s in every)
        }
        for w in waves
    }
    chance = dict.fromkeys(base, 1.0)
    for place, w in enumerate(waves[:-1]):
        at_risk = [p for p in counted if p in came[w]]
        again = np.array([any(p in came[v] for v in waves[place + 1 :]) for p in at_risk])
        if again.all() or not again.any():
            continue
        last = [[_last(core, s, p, waves[: place + 1]) for s in every] for p in at_risk]
        for officer, p in zip(at_risk, _chances(core, at_risk, last, again), strict=True):
            chance[officer] *= p
    answered = [p for p in counted if p in came[wave]]
    share = len(answered) / len(counted)
    raw = {p: share / chance[p] for p in answered}
    low, high = _quantile(list(raw.values()), 0.01), _quantile(list(raw.values()), 0.99)
    weights = {p: min(max(x, low), high) for p, x in raw.items() if p in change}
    held = list(weights.values())
    row: Row = {"n": len(held), "effective_n": sum(held) ** 2 / sum(x * x for x in held)}
    clusters = clusters_of(core.members({p: change[p] for p in weights}))
    assert clusters is not None
    mean, error, freedom = weighted_cr2(
        [[(m.value, weights[m.officer]) for m in cluster] for cluster in clusters]
    )
    reach = float(stats.t.ppf(0.975, freedom)) * error
    limits = {"ci_low": mean - reach, "ci_high": mean + reach, "n_clusters": len(clusters)}
    return row | {"estimate": mean, **limits}


def _is_decided(core: Core, officer: str, wave: str) -> bool:
    told = core.status(officer, wave)
    over = told["missed_after"] is not None and told["missed_after"] < core.as_of
    if told["status"] in {"withdrawn", "left_organisation"}:
        return over
    if told["status"] in ANSWERED:
        return over or told["missed_after"] is None
    return bool(told["status"] == "missed")


def _last(core: Core, series: tuple[str, str], officer: str, waves: list[str]) -> float | None:
    known = [core.at(series, w)[officer] for w in waves if officer in core.at(series, w)]
    return known[-1] if known else None


def _quantile(values: list[float], share: float) -> float:
    held = sorted(values)
    place = share * (len(held) - 1)
    below = math.floor(place)
    above = min(below + 1, len(held) - 1)
    return held[below] + (place - below) * (held[above] - held[below])


def _chances(
    core: Core, at_risk: list[str], last: list[list[float | None]], again: Array
) -> list[float]:
    columns = [[1.0] * len(at_risk)]
    for scores in zip(*last, strict=True):
        known = [x for x in scores if x is not None]
        mean = statistics.fmean(known)
        spread = math.sqrt(sum((x - mean) ** 2 for x in known) / len(known)) or 1.0
        columns.append([0.0 if x is None else (x - mean) / spread for x in scores])
    terms = {
        name: _terms([core.people[p][name] for p in at_risk], again)
        for name in ("rank_group", "arm", "organisation")
    }
    for names in (("rank_group", "arm", "organisation"), ("arm", "organisation"), ()):
        every = [*columns, *(column for name in names for column in terms[name])]
        x = np.array([every[place] for place in _independent(every)]).T
        fit = _logit(x, again.astype(float))
        if fit is not None:
            return list(1 / (1 + np.exp(-x @ fit[0])))
    raise AssertionError("scores alone tell who came again")


def _terms(names: list[str | None], again: Array) -> list[list[float]]:
    came, gone = (
        {
            name: sum(n == name and bool(a) is wanted for n, a in zip(names, again, strict=True))
            for name in dict.fromkeys(names)
        }
        for wanted in (True, False)
    )
    order = sorted(came, key=lambda name: (name is not None, name or ""))
    large = [name for name in order if came[name] >= 5 and gone[name] >= 5]
    small = [name for name in order if name not in large]
    if large and min(sum(side[name] for name in small) for side in (came, gone)) < 5:
        large.remove(max(large, key=lambda name: came[name] + gone[name]))
    return [[float(name == each) for each in names] for name in large]


def _independent(columns: list[list[float]]) -> list[int]:
    """Places of the columns that are no sum of those before them."""
    kept: list[int] = []
    for place, column in enumerate(columns):
        before = [columns[k] for k in kept]
        if np.linalg.matrix_rank(np.array([*before, column]).T, tol=1e-5) > len(kept):
            kept.append(place)
    return kept


__all__ = [
    "arm_contrast",
    "attrition_model",
    "design",
    "icc",
    "likenesses",
    "models",
    "robustness",
    "sd",
    "trajectory",
]
