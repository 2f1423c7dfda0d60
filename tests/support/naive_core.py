"""What a warehouse's `core` holds, as lists of plain rows, and intervals by matrices written out.

What belongs here: reading, and what every naive table needs. What stays out: the tables
(`naive_tables.py`, `naive_models.py`), and every line of the product: a recomputation that shared
one would share its faults.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import yaml
from scipy import stats

Row = dict[str, Any]
Rows = dict[tuple[Any, ...], Row]
"""A table: its key's values in the order of the key -> the other columns but the note."""

REFERENCE = Path(__file__).parents[2] / "pipeline" / "reference"
ANSWERED = {"completed", "completed_out_of_window", "partial"}


@dataclass(frozen=True)
class Member:
    """An officer in a cell: where from, with whom, and the value."""

    organisation: str
    group: str | None
    officer: str
    value: float


class Core:
    """The rows of one warehouse and what was declared beforehand."""

    def __init__(self, home: Path, as_of: date) -> None:
        self.home, self.as_of = home, as_of
        self.programme = yaml.safe_load((home / "programme.yaml").read_text("utf-8"))
        self.people = {r["participant_id"]: r for r in _rows(home, "core.participants")}
        self.ledger = _rows(home, "core.participant_waves")
        self.responses = [
            r
            for r in _rows(home, "core.responses")
            if r["completed_on"] is None or r["completed_on"] <= as_of
        ]
        scored = _rows(home, "core.scores")
        self.scores = [r for r in scored if r["raw_score"] is not None]
        self.waves: list[str] = [wave["wave"] for wave in self.programme["waves"]]
        self.primary = self.programme["primary"]
        self.arms: list[Row] = [
            arm if isinstance(arm, dict) else {"arm": arm} for arm in self.programme["arms"]
        ]
        self.instruments = {
            name: yaml.safe_load((REFERENCE / "instruments" / f"{name}.yaml").read_text("utf-8"))
            for name in self.programme["instruments"]
        }

    @property
    def series(self) -> list[tuple[str, str]]:
        """Instruments with their subscales."""
        return [
            (name, subscale["subscale"])
            for name, instrument in self.instruments.items()
            for subscale in instrument["subscales"]
        ]

    def subscale(self, instrument: str, subscale: str) -> Row:
        every = self.instruments[instrument]["subscales"]
        return next(s for s in every if s["subscale"] == subscale)

    @cached_property
    def score_at(self) -> dict[tuple[str, str, str], dict[str, float]]:
        """Instrument, subscale and wave -> score by officer."""
        found: dict[tuple[str, str, str], dict[str, float]] = {}
        for row in self.scores:
            key = (row["instrument"], row["subscale"], row["wave"])
            found.setdefault(key, {})[row["participant_id"]] = row["raw_score"]
        return found

    def at(self, series: tuple[str, str], wave: str) -> dict[str, float]:
        return self.score_at.get((*series, wave), {})

    def changes(self, series: tuple[str, str], since: str, wave: str) -> dict[str, float]:
        earlier, later = self.at(series, since), self.at(series, wave)
        return {p: later[p] - earlier[p] for p in earlier if p in later}

    @property
    def pairs(self) -> list[tuple[str, str]]:
        first, *later = self.waves
        pairs = [(first, wave) for wave in later]
        named = (self.primary["from_wave"], self.primary["to_wave"])
        return pairs if named in pairs else [*pairs, named]

    def has_begun(self, arm: str, wave: str) -> bool:
        declared = next((a for a in self.arms if a["arm"] == arm), {})
        if declared.get("role") == "comparison":
            return False
        due = next(w["due_after_days"] for w in self.programme["waves"] if w["wave"] == wave)
        return due > declared.get("begins_after_days", 0)

    @property
    def named_arm(self) -> str:
        ends = (self.primary["from_wave"], self.primary["to_wave"])
        names = [arm["arm"] for arm in self.arms]
        if len({tuple(self.has_begun(arm, wave) for wave in ends) for arm in names}) == 1:
            return "all"
        begins = {
            arm["arm"]: math.inf
            if arm.get("role") == "comparison"
            else arm.get("begins_after_days", 0)
            for arm in self.arms
        }
        return next(arm for arm in names if begins[arm] == min(begins.values()))

    def is_named(self, series: tuple[str, str], since: str, wave: str, arm: str) -> bool:
        named = [self.primary[n] for n in ("instrument", "subscale", "from_wave", "to_wave")]
        return [*series, since, wave] == named and arm == self.named_arm

    def members(self, values: dict[str, float]) -> list[Member]:
        return [
            Member(self.people[p]["organisation"], self.people[p]["session_group"], p, value)
            for p, value in values.items()
        ]

    def places(self, values: dict[str, float], *, arms: bool = True) -> dict[tuple[str, str], dict]:
        """(organisation, arm) or `all` of each -> values of the officers there."""
        found: dict[tuple[str, str], dict[str, float]] = {}
        for officer, value in values.items():
            person = self.people[officer]
            for organisation in (person["organisation"], "all"):
                for arm in {person["arm"], "all"} if arms else {"all"}:
                    found.setdefault((organisation, arm), {})[officer] = value
        return found

    def status(self, officer: str, wave: str) -> Row:
        return self._by_officer[officer, wave]

    @cached_property
    def _by_officer(self) -> dict[tuple[str, str], Row]:
        return {(r["participant_id"], r["wave"]): r for r in self.ledger}


def _rows(home: Path, table: str) -> list[Row]:
    with duckdb.connect(home / "warehouse.duckdb", read_only=True) as connection:
        return connection.sql(f"FROM {table}").pl().to_dicts()


def table(home: Path, name: str, key: Sequence[str]) -> Rows:
    """What the warehouse holds of a table."""
    rows = _rows(home, f"evaluation.{name}")
    return {tuple(row.pop(column) for column in key): row for row in rows}


def sd(values: Iterable[float]) -> float | None:
    held = list(values)
    return statistics.stdev(held) if len(held) > 1 else None


def weighted_cr2(clusters: list[list[tuple[float, float]]]) -> tuple[float, float, float]:
    """Mean, standard error and degrees of freedom of (value, weight) by cluster.

    Every matrix in full; weights of 1 make it the clustered mean.
    """
    values = np.array([value for cluster in clusters for value, _ in cluster])
    weights = np.array([weight for cluster in clusters for _, weight in cluster])
    n, bread = len(values), 1 / weights.sum()
    maker = np.eye(n) - np.outer(np.ones(n), weights) * bread
    working = maker @ maker.T
    end, variance, lines = 0, 0.0, []
    for cluster in clusters:
        rows = slice(end, end := end + len(cluster))
        roots, vectors = np.linalg.eigh(working[rows, rows])
        adjusted = vectors @ np.diag(roots**-0.5) @ vectors.T @ weights[rows] * bread
        variance += (adjusted @ (maker @ values)[rows]) ** 2
        lines.append(maker[rows].T @ adjusted)
    products = np.array([[a @ b for b in lines] for a in lines])
    freedom = np.trace(products) ** 2 / np.sum(products**2)
    return float(bread * weights @ values), math.sqrt(variance), min(freedom, len(clusters) - 1)


def interval(members: list[Member]) -> Row:
    """The columns ci_low, ci_high and n_clusters, and the standard error, by the tables' rule."""
    n = len(members)
    nothing = {"ci_low": None, "ci_high": None, "n_clusters": None}
    if n < 2:
        return {**nothing, "standard_error": None}
    values = [m.value for m in members]
    clusters = clusters_of(members)
    if clusters is None:
        error, freedom = statistics.stdev(values) / math.sqrt(n), n - 1
        count = None
    else:
        held = [[(m.value, 1.0) for m in cluster] for cluster in clusters]
        _, error, freedom = weighted_cr2(held)
        count = len(clusters)
    reach = float(stats.t.ppf(0.975, freedom)) * error
    mean = statistics.fmean(values)
    return {
        "ci_low": mean - reach,
        "ci_high": mean + reach,
        "n_clusters": count,
        "standard_error": error,
    }


def clusters_of(members: list[Member]) -> list[list[Member]] | None:
    """By organisation; in one organisation by session group if there are five; else none."""
    if len({m.organisation for m in members}) > 1:
        names = [m.organisation for m in members]
    elif len({m.group for m in members if m.group is not None}) >= 5:
        names = [f"group {m.group}" if m.group else f"alone {m.officer}" for m in members]
    else:
        return None
    found: dict[str, list[Member]] = {}
    for name, member in zip(names, members, strict=True):
        found.setdefault(name, []).append(member)
    return list(found.values())
