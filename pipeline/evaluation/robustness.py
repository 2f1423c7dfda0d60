"""The robustness panel: could dropout explain the change? One change, by methods that differ.

What belongs here: the rows of the panel and the rule that compares them. What stays out: the
methods themselves, each in a module of its own.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from typing import Any, Final

import numpy as np
import polars as pl

from pipeline import tables
from pipeline.evaluation.attrition_weights import (
    NOTE_BLANK,
    AttritionWeights,
    attrition_weights,
)
from pipeline.evaluation.begun import notes_of_arms_together
from pipeline.evaluation.cells import (
    ALL,
    NEXT_TO_NOTHING,
    NOTE_NO_WIDTH,
    UNITS_PER_POINT,
    Moments,
    joined_notes,
)
from pipeline.evaluation.contrasts import FEWEST_DEGREES_OF_FREEDOM
from pipeline.evaluation.delta_adjustment import DELTA, FURTHEST, tipping_point
from pipeline.evaluation.followed import Followed, Truths, followed
from pipeline.evaluation.imputation import NOTE_ONE_OFFICER, ImputedChange, imputed_changes
from pipeline.evaluation.intervals import Interval, clustered_interval, t_interval
from pipeline.evaluation.named_beforehand import is_named_beforehand, named_arm
from pipeline.evaluation.paired_change import baseline_sds
from pipeline.evaluation.panel import pairs_of_waves
from pipeline.evaluation.weighted_interval import effective_number, weighted_mean
from pipeline.programme import Contrast, Programme
from pipeline.vocabulary import RobustnessMethod, RobustnessOutcome

NOTE_LITTLE_FREEDOM: Final = "fewer than four degrees of freedom: interval not to be relied on"
NOTE_NOBODY: Final = "nobody answered both waves"
NOTE_NO_MODEL: Final = "the mixed model has no such change"
NOTE_NO_SD: Final = "no SD of the first scores: no delta"
NOTE_NOBODY_ABSENT: Final = "everybody counted answered: nothing to shift"
NOTE_NEVER: Final = f"no delta up to {FURTHEST:g} SD makes the interval include 0"
NOTE_EARLY: Final = "{} answered before the wave was over for them and are not counted"
NOTE_ANOTHER: Final = "{} answered the wave without a score of this instrument: not taken as gone"


@dataclass(frozen=True, slots=True)
class _Row:
    """One method's answer: figures in points, or None with the reason among the notes."""

    method: RobustnessMethod
    estimate: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    n: int | None = None
    n_imputed: int | None = None
    effective_n: float | None = None
    delta: float | None = None
    tipping_delta: float | None = None
    r_hat: float | None = None
    n_clusters: int | None = None
    notes: tuple[str, ...] = ()

    def with_interval(self, interval: Interval) -> "_Row":
        """With the interval, and what is to be said of one that rests on next to nothing."""
        said = []
        if self.n_clusters is not None and interval.degrees_of_freedom < FEWEST_DEGREES_OF_FREEDOM:
            said.append(NOTE_LITTLE_FREEDOM)
        if interval.high - interval.low <= NEXT_TO_NOTHING:
            said.append(NOTE_NO_WIDTH)
        return replace(self, ci_low=interval.low, ci_high=interval.high, notes=(*self.notes, *said))

    @property
    def includes_zero(self) -> bool | None:
        """Whether the interval includes 0; None without one."""
        if self.ci_low is None or self.ci_high is None:
            return None
        return self.ci_low <= 0 <= self.ci_high


def robustness(
    scores: pl.DataFrame,
    participants: pl.DataFrame,
    participant_waves: pl.DataFrame,
    programme: Programme,
    trajectory: pl.DataFrame,
    *,
    as_of: date,
    seed: list[int] | None = None,
) -> pl.DataFrame:
    """The rows of `tables.ROBUSTNESS` from core frames and the rows of the mixed model.

    From the programme's first wave to every later one, and between the waves of the primary
    contrast if it starts elsewhere; for every instrument and subscale, all organisations together,
    of the officers of `named_arm`. Where those are all arms the note names any that had not begun
    by the later wave where others had. `trajectory` has the columns arm, from_wave, wave,
    instrument, subscale, change, change_ci_low, change_ci_high, n and note; rows of that arm are
    taken over.

    Complete cases and mixed model use every score there is, as `paired_change` and `trajectory` do.
    The other methods count the officers of `followed` for whom the later wave is decided: who still
    may answer has not dropped out. Who answered the wave but has no score of the instrument has not
    either: the score is missing, and is imputed or taken as blank at random, without a delta. The
    outcome of a method compares it with the complete cases: the sign of the estimate, and whether
    the interval includes 0. That of the tipping point compares its size with the 0.5 SD fixed
    beforehand.

    `seed` starts the random numbers of imputation; without one it follows from the programme's
    name, so the same rows give the same figures. A figure that cannot be had is NULL and the note
    says why. Raises what `followed` raises.
    """
    arm = named_arm(programme)
    # Of everybody, whichever arm is looked at: one SD by which all deltas are measured.
    sds = baseline_sds(scores, programme)
    if arm != ALL:
        participants = participants.filter(pl.col("arm") == arm)
        scores = scores.join(participants, on="participant_id", how="semi")
    modelled = _by_key(trajectory, arm)
    arms = _arms(scores, participants)
    found: dict[Contrast, list[_Row]] = {}
    pairs = pairs_of_waves(programme)
    for since, instrument in product(dict(pairs), programme.instruments):
        base = followed(
            scores,
            participants,
            participant_waves,
            programme,
            instrument=instrument,
            as_of=as_of,
            since=since,
        )
        imputed = imputed_changes(base, seed or seed_of(programme, instrument)) if base.n else {}
        for wave in (base.waves.index(later) for earlier, later in pairs if earlier == since):
            weights = attrition_weights(base, wave)
            for s, subscale in enumerate(base.subscales):
                cell = _Cell(base, wave, s)
                contrast = Contrast(
                    instrument=instrument,
                    subscale=subscale,
                    from_wave=since,
                    to_wave=base.waves[wave],
                )
                found[contrast] = [
                    cell.complete_cases(),
                    _mixed_model(modelled.get(contrast)),
                    cell.weighted(weights),
                    *cell.imputed(imputed.get((wave, s), NOTE_NOBODY), sds[instrument][subscale]),
                ]
    order = {pair: place for place, pair in enumerate(pairs)}
    rows = [
        {"arm": arm, **row}
        for contrast, methods in sorted(
            found.items(), key=lambda each: order[each[0].from_wave, each[0].to_wave]
        )
        for row in _rows(
            methods,
            contrast,
            is_named_beforehand(programme, contrast, arm),
            notes_of_arms_together(
                arms.get((contrast.to_wave, contrast.instrument), ()), contrast.to_wave, programme
            ),
        )
    ]
    return pl.DataFrame(rows, schema=tables.ROBUSTNESS.frame_schema)


def seed_of(programme: Programme, instrument: str) -> list[int]:
    """A start of random numbers that differs from programme to programme and is always the same."""
    named = f"imputation {programme.programme} {instrument}"
    return list(hashlib.sha256(named.encode()).digest())


def outcome_of(row: _Row, reference: _Row) -> RobustnessOutcome:
    """What the rule says of a method beside the complete cases."""
    if row.method is RobustnessMethod.TIPPING_POINT:
        return _outcome_of_tipping(row)
    both = (row, reference)
    if any(r.estimate is None or r.includes_zero is None for r in both):
        return RobustnessOutcome.NOT_AVAILABLE
    if row is reference:
        return RobustnessOutcome.REFERENCE
    if _sign(row.estimate) != _sign(reference.estimate):
        return RobustnessOutcome.SIGN_DIFFERS
    if row.includes_zero != reference.includes_zero:
        return RobustnessOutcome.INTERVAL_DIFFERS
    return RobustnessOutcome.SIGN_AND_INTERVAL_AGREE


def _sign(estimate: float | None) -> int:
    return int(np.sign(estimate or 0.0))


def _outcome_of_tipping(row: _Row) -> RobustnessOutcome:
    if NOTE_NEVER in row.notes:
        return RobustnessOutcome.BEYOND_RANGE
    if row.tipping_delta is None:
        return RobustnessOutcome.NOT_AVAILABLE
    if row.tipping_delta == 0:
        return RobustnessOutcome.INCLUDES_ZERO
    if abs(row.tipping_delta) <= DELTA:
        return RobustnessOutcome.WITHIN_RANGE
    return RobustnessOutcome.BEYOND_RANGE


class _Cell:
    """One later wave and subscale of an instrument."""

    def __init__(self, base: Followed, wave: int, subscale: int) -> None:
        self._base = base
        self._change = base.units[:, wave, subscale] - base.units[:, 0, subscale]
        self._paired = ~np.isnan(self._change)
        came, decided = base.came[:, wave], base.decided[:, wave]
        early = int((came & ~decided).sum())
        another = int((came & decided & ~base.answered[:, wave]).sum())
        self._said = (
            *((NOTE_EARLY.format(early),) if early else ()),
            *((NOTE_ANOTHER.format(another),) if another else ()),
        )

    def complete_cases(self) -> _Row:
        """As the row of `paired_change` for all organisations and arms: sums are whole numbers."""
        units = self._change[self._paired].astype(np.int64)
        change = Moments(len(units), int(units.sum()), int((units**2).sum()))
        n = change.n
        row = _Row(RobustnessMethod.COMPLETE_CASES, n=n)
        if not n:
            return replace(row, notes=(NOTE_NOBODY,))
        row = replace(row, estimate=change.mean)
        if change.sd is None:
            return replace(row, notes=(NOTE_ONE_OFFICER,))
        clusters = self._base.clusters(self._paired)
        if clusters.number is None:
            interval = t_interval(n, change.mean, change.sd)
        else:
            sums = np.bincount(clusters.codes, units) / UNITS_PER_POINT
            interval = clustered_interval(np.bincount(clusters.codes).tolist(), sums.tolist())
        row = replace(row, n_clusters=clusters.number, notes=clusters.notes)
        return row.with_interval(interval) if interval else row

    def weighted(self, found: AttritionWeights | str) -> _Row:
        row = _Row(RobustnessMethod.ATTRITION_WEIGHTED)
        if isinstance(found, str):
            return replace(row, notes=(found, *self._said))
        counted = self._paired & (found.weights > 0)
        row = replace(row, n=int(counted.sum()))
        if not row.n:
            return replace(row, notes=(NOTE_NOBODY, *self._said))
        weights = found.weights[counted]
        clusters = self._base.clusters(counted)
        mean = weighted_mean(self._change[counted] / UNITS_PER_POINT, weights, clusters.codes)
        blank = self._blank(found.weights > 0)
        row = replace(
            row,
            estimate=mean.mean,
            effective_n=effective_number(weights),
            n_clusters=clusters.number,
            notes=(*clusters.notes, *found.notes, *blank, *self._said),
        )
        if mean.interval is None:
            return replace(row, n_clusters=None, notes=(NOTE_ONE_OFFICER, *self._said))
        return row.with_interval(mean.interval)

    def _blank(self, answered: Truths) -> tuple[str, ...]:
        return (NOTE_BLANK,) if (answered & ~self._paired).any() else ()

    def imputed(self, change: ImputedChange | str, sd: float | None) -> Iterator[_Row]:
        """The rows of multiple imputation, both deltas and the tipping point."""
        methods = (
            RobustnessMethod.MULTIPLE_IMPUTATION,
            RobustnessMethod.DELTA_MINUS,
            RobustnessMethod.DELTA_PLUS,
            RobustnessMethod.TIPPING_POINT,
        )
        if isinstance(change, str):
            yield from (_Row(method, notes=(change, *self._said)) for method in methods)
            return
        plain, *shifted, tipping = methods
        notes = (*change.clusters.notes, *change.notes, *self._said)
        yield _imputed(plain, change, 0.0, notes)
        if not sd:
            yield from (_Row(method, notes=(NOTE_NO_SD,)) for method in (*shifted, tipping))
            return
        for method, delta in zip(shifted, (-DELTA, DELTA), strict=True):
            row = _imputed(method, change, delta * sd, notes)
            yield replace(row, delta=delta)
        tips_at = tipping_point(change, sd)
        if tips_at is None:
            why = NOTE_NEVER if change.absent.any() else NOTE_NOBODY_ABSENT
            yield _Row(
                tipping,
                n=change.n,
                n_imputed=change.n_imputed,
                r_hat=change.r_hat,
                notes=(why, *notes),
            )
            return
        row = _imputed(tipping, change, tips_at * sd, notes)
        yield replace(row, delta=tips_at, tipping_delta=tips_at)


def _imputed(
    method: RobustnessMethod, change: ImputedChange, shift: float, notes: tuple[str, ...]
) -> _Row:
    found = change.combined(shift)
    return _Row(
        method,
        estimate=found.estimate,
        n=change.n,
        n_imputed=change.n_imputed,
        r_hat=change.r_hat,
        n_clusters=change.clusters.number,
        notes=notes,
    ).with_interval(found.interval)


def _mixed_model(said: Mapping[str, Any] | None) -> _Row:
    row = _Row(RobustnessMethod.MIXED_MODEL)
    if said is None:
        return replace(row, notes=(NOTE_NO_MODEL,))
    return replace(
        row,
        estimate=said["change"],
        ci_low=said["change_ci_low"],
        ci_high=said["change_ci_high"],
        n=said["n"],
        notes=(said["note"],) if said["note"] else (),
    )


def _by_key(trajectory: pl.DataFrame, arm: str) -> dict[Contrast, dict[str, Any]]:
    return {
        Contrast(
            instrument=row["instrument"],
            subscale=row["subscale"],
            from_wave=row["from_wave"],
            to_wave=row["wave"],
        ): row
        for row in trajectory.filter(pl.col("arm") == arm).iter_rows(named=True)
    }


def _arms(scores: pl.DataFrame, participants: pl.DataFrame) -> dict[tuple[str, str], set[str]]:
    """The arms with a score, by wave and instrument."""
    there = (
        scores.filter(pl.col("raw_score").is_not_null())
        .join(participants.select("participant_id", "arm"), on="participant_id")
        .select(pl.col("wave", "instrument", "arm").cast(pl.String))
        .unique()
    )
    found: dict[tuple[str, str], set[str]] = {}
    for wave, instrument, arm in there.iter_rows():
        found.setdefault((wave, instrument), set()).add(arm)
    return found


def _rows(
    methods: list[_Row], contrast: Contrast, is_named: bool, mixed: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    reference = methods[0]
    for row in methods:
        yield {
            "from_wave": contrast.from_wave,
            "to_wave": contrast.to_wave,
            "instrument": contrast.instrument,
            "subscale": contrast.subscale,
            "method": row.method,
            "named_beforehand": is_named,
            "estimate": row.estimate,
            "ci_low": row.ci_low,
            "ci_high": row.ci_high,
            "n": row.n,
            "n_imputed": row.n_imputed,
            "effective_n": row.effective_n,
            "delta": row.delta,
            "tipping_delta": row.tipping_delta,
            "n_clusters": row.n_clusters,
            "r_hat": row.r_hat,
            # The mixed model says so itself.
            "note": joined_notes(
                row.notes if row.method is RobustnessMethod.MIXED_MODEL else (*row.notes, *mixed)
            ),
            "outcome": outcome_of(row, reference),
        }
