"""Scores of one subscale, laid out by officer and summed by who answered which waves.

What belongs here: exact sums for a mixed model and its clusters, and which waves can be in it. What
stays out: the fit (`mixed_model.py`) and the designs (`arm_wave_model.py`, `arm_contrast.py`).

Sums are of whole numbers (see `cells.py`), so a fit is the same in whatever order officers come.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations_with_replacement
from operator import or_
from typing import Any, Final

import numpy as np
import polars as pl

from pipeline.evaluation.cells import UNITS_PER_POINT
from pipeline.evaluation.cluster_robust import ClusterSums
from pipeline.evaluation.mixed_model import AnswerSums, Array

FEWEST_TOGETHER: Final = 3
"""Fewer officers who answered two waves say nothing about how the two go together."""

NOTE_NOBODY: Final = "nobody has a score at this wave"
NOTE_FEW: Final = "left out of the model: fewer than three officers have a score here"
NOTE_ALIKE: Final = "left out of the model: scores do not vary here, or only between arms"

Side = frozenset[tuple[str, str]]
"""Arms and waves: the officers of the arm with a score at the wave, each counted once."""

_CLASS: Final = ("arm", "pattern")


@dataclass(frozen=True, slots=True)
class Answers:
    """Officers with a score of one subscale at a wave that is in the model."""

    waves: tuple[str, ...]
    """Waves in the model, in the programme's order."""
    left_out: Mapping[str, str]
    """Why each of the programme's other waves is not."""
    officers: pl.DataFrame
    """One row an officer: organisation, arm, has_group, cluster, pattern (bit t is set if the wave
    waves[t] was answered), and score_0, score_1 … in units, 0 where not answered."""

    def has(self, wave: str) -> pl.Expr:
        """Whether an officer of `officers` has a score at a wave of the model."""
        return _has(self.waves.index(wave))

    @property
    def arms(self) -> list[str]:
        """Arms with an officer here, in alphabetical order."""
        return self.officers["arm"].unique().sort().cast(pl.String).to_list()

    def on(self, sides: Iterable[Side], since: str | None = None) -> pl.DataFrame:
        """Officers on any of these sides, and with a score at the wave `since`, if one is given."""
        cells = [cell for side in sides for cell in sorted(side)]
        there = [(pl.col("arm") == arm) & self.has(wave) for arm, wave in cells]
        found = self.officers.filter(reduce(or_, there, pl.lit(value=False)))
        return found if since is None else found.filter(self.has(since))

    def sums(self, designs: Mapping[str, Array]) -> AnswerSums:
        """Sums by arm and waves answered, in that order; of each arm the design (T, q)."""
        waves = range(len(self.waves))
        pairs = [(u, w) for u in waves for w in waves if u <= w]
        found = (
            self.officers.group_by(_CLASS)
            .agg(
                pl.len().cast(pl.Int64).alias("n"),
                *(pl.col(f"score_{w}").sum() for w in waves),
                *(
                    (pl.col(f"score_{u}") * pl.col(f"score_{w}")).sum().alias(f"{u}x{w}")
                    for u, w in pairs
                ),
            )
            .sort(_CLASS)
        )
        # Python's whole numbers, since n times a sum of products may go beyond 64 bits.
        n = found["n"].to_numpy().astype(object)
        totals = _columns(found, [f"score_{w}" for w in waves]).astype(object)
        answered = _answered(found["pattern"], len(self.waves))
        scatter = np.zeros((found.height, len(self.waves), len(self.waves)))
        for u, w in pairs:
            exact = n * found[f"{u}x{w}"].to_numpy().astype(object) - totals[:, u] * totals[:, w]
            both = answered[:, u] & answered[:, w]
            scatter[:, u, w] = scatter[:, w, u] = np.where(both, _divided(exact, n), 0.0)
        return AnswerSums(
            n=n.astype(np.float64),
            answered=answered,
            means=_divided(totals, n[:, None]) / UNITS_PER_POINT,
            scatter=scatter / UNITS_PER_POINT**2,
            design=np.array([designs[arm] for arm in found["arm"].to_list()]),
        )

    def clusters(self, by: Sequence[str], among: pl.Expr) -> ClusterSums:
        """Sums by cluster, for officers `among` whom; of classes in the order of `sums`."""
        places = (
            self.officers.select(_CLASS)
            .unique()
            .sort(_CLASS)
            .with_row_index("of_class")
            .with_columns(pl.col("of_class").cast(pl.Int64))
        )
        columns = [f"score_{w}" for w in range(len(self.waves))]
        found = (
            self.officers.filter(among)
            .group_by(*by, *_CLASS)
            .agg(pl.len().cast(pl.Int64).alias("n"), pl.col(columns).sum())
            .join(places, on=_CLASS)
            .sort(*by, "of_class")
            .with_columns(number=pl.struct(by).rle_id().cast(pl.Int64))
        )
        n = found["n"].to_numpy().astype(np.float64)
        return ClusterSums(
            cluster=found["number"].to_numpy(),
            of_class=found["of_class"].to_numpy(),
            n=n,
            means=_columns(found, columns) / n[:, None] / UNITS_PER_POINT,
        )


def answers_of(measured: pl.DataFrame) -> Answers:
    """Answers from the rows of `cells.measurements` of one instrument and subscale.

    A wave is left out where fewer than three officers have scores there, or there and at another
    wave, since nothing then says how the two vary together; of such pairs the wave goes that is in
    most of them, then the less answered, then the later. And where everybody of an arm has the same
    score, which leaves nothing to vary.
    """
    names: list[str] = measured.schema["wave"].categories.to_list()  # type: ignore[attr-defined]
    every = _by_officer(measured, len(names))
    kept, left_out = _kept(every, names)
    # Bits and columns of the waves that are kept, numbered anew.
    bits = [_has(wave).cast(pl.Int64) * (1 << place) for place, wave in enumerate(kept)]
    officers = every.select(
        *("organisation", "arm", "has_group", "cluster"),
        pl.sum_horizontal(pl.lit(0, pl.Int64), *bits).alias("pattern"),
        *(pl.col(f"score_{wave}").alias(f"score_{place}") for place, wave in enumerate(kept)),
    ).filter(pl.col("pattern") > 0)
    return Answers(tuple(names[wave] for wave in kept), left_out, officers)


def _by_officer(measured: pl.DataFrame, waves: int) -> pl.DataFrame:
    wave = pl.col("wave").to_physical().cast(pl.Int64)
    at = pl.col("at")
    return (
        measured.with_columns(at=wave)
        .group_by("officer", "organisation", "arm", "has_group", "cluster")
        .agg(
            (pl.lit(2, pl.Int64) ** at).sum().cast(pl.Int64).alias("pattern"),
            *(
                pl.when(at == w).then(pl.col("score")).otherwise(0).sum().alias(f"score_{w}")
                for w in range(waves)
            ),
        )
    )


def _kept(every: pl.DataFrame, names: Sequence[str]) -> tuple[list[int], dict[str, str]]:
    """Places of the waves that can be in the model, and why the others cannot."""
    patterns = every.group_by("pattern").len("n")
    answered = _answered(patterns["pattern"], len(names))
    n = patterns["n"].to_numpy().astype(np.int64)
    together = (answered * n[:, None]).T @ answered
    count = np.diag(together)
    left_out = {names[w]: NOTE_NOBODY for w in range(len(names)) if count[w] == 0}
    kept = [w for w in range(len(names)) if count[w]]
    while apart := [
        pair for pair in combinations_with_replacement(kept, 2) if together[pair] < FEWEST_TOGETHER
    ]:
        often = {w: sum(w in pair for pair in apart) for w in kept}
        worst = max(kept, key=lambda w: (often[w], -count[w], w))
        partner = next(a + b - worst for a, b in apart if worst in {a, b})
        left_out[names[worst]] = (
            NOTE_FEW if count[worst] < FEWEST_TOGETHER else f"{NOTE_FEW} and at {names[partner]}"
        )
        kept.remove(worst)
    for w in kept:
        of_wave = every.filter(_has(w)).group_by("arm")
        alike = of_wave.agg((pl.col(f"score_{w}").n_unique() == 1).alias("alike"))["alike"].all()
        if alike:
            left_out[names[w]] = NOTE_ALIKE
    kept = [w for w in kept if names[w] not in left_out]
    return kept, left_out


def _has(place: int) -> pl.Expr:
    """Whether an officer's pattern holds the wave at a place."""
    return (pl.col("pattern") // (1 << place)) % 2 == 1


def _answered(patterns: pl.Series, waves: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.asarray((patterns.to_numpy()[:, None] >> np.arange(waves)) % 2 == 1, dtype=np.bool_)


def _columns(frame: pl.DataFrame, names: Sequence[str]) -> np.ndarray[Any, Any]:
    return np.column_stack([frame[name].to_numpy() for name in names])


def _divided(exact: np.ndarray[Any, Any], by: np.ndarray[Any, Any]) -> Array:
    """Quotients of whole numbers, each rounded once."""
    return np.asarray(exact / by, dtype=np.float64)
