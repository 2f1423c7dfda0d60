"""Multiple imputation of the scores that officers did not give, with organisations in the model.

What belongs here: the model of scores, its draws, and completed changes as sums over clusters. What
stays out: combining them (`rubin.py`), and scores lower or higher than the model says
(`delta_adjustment.py`).

Model. The scores of an officer at all waves and on all subscales of an instrument are multivariate
normal around the means of their organisation and arm, with a covariance of any form; these are
normal around the means of the arm, with a covariance of any form. All subscales are in
one model since one of them tells of another that was left blank, and since leaving may depend on
any of them. Organisations are random and not fixed effects: with fixed ones those with few answers
at a wave get means that move more from draw to draw than organisations differ, and intervals become
too wide (R. Andridge 2011, Biom. J. 53; J. Drechsler 2015, J. Educ. Behav. Stat. 40). Where every
arm has a single organisation there is no such level. Session groups are not in the model: the mean
of an organisation takes up that of its groups.

Draws. Data augmentation (M. A. Tanner and W. H. Wong 1987, J. Am. Stat. Assoc. 82; J. L. Schafer
1997, Analysis of Incomplete Multivariate Data; J. L. Schafer and R. M. Yucel 2002, J. Comput.
Graph. Stat. 11): missing scores given parameters, then means and covariances given completed
scores, in turn. So parameters are drawn, gaps and dropout are handled alike, and imputations are
proper. Priors: flat for the means of arms, Jeffreys' for the covariance within organisations; that
between organisations is inverse Wishart with as many degrees of freedom as columns, worth one
organisation that says 2% of the variance lies between organisations. Scores of waves that are
answered are drawn pattern by pattern with matrix operations; the few blank subscales of an answered
wave one column after the other, so that they do not multiply the patterns.

Imputed scores are neither rounded nor kept within the scale, which would move means (N. J. Horton,
S. R. Lipsitz and M. Parzen 2003, Am. Stat. 57): they are for means, not to be looked at.
Right if what is observed of an officer explains leaving (missing at random). Not to be used where
that is the question, which is what `delta_adjustment.py` is for, nor for medians or bands.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from pipeline.evaluation.convergence import LARGEST_R_HAT, split_r_hat
from pipeline.evaluation.followed import Clusters, Codes, Followed, Numbers, Truths
from pipeline.evaluation.intervals import Interval, clustered_interval, t_interval
from pipeline.evaluation.rubin import Combined, combined

IMPUTATIONS: Final = 20
BURN_IN: Final = 100
"""Draws of the parameters before the first imputation."""
BETWEEN: Final = 10
"""Draws of the parameters from one imputation to the next."""

FEWEST_ANSWERS: Final = 20
"""A wave and subscale with fewer scores is neither imputed nor used."""
OFFICERS_A_COLUMN: Final = 10
"""Officers that a model needs for each of its columns, waves times subscales."""

NOTE_TOO_FEW_SCORES: Final = f"fewer than {FEWEST_ANSWERS} scores at a wave: not imputed"
NOTE_TOO_FEW_OFFICERS: Final = "too few officers for a model of all waves: not imputed"
NOTE_NO_SPREAD: Final = "SD of 0 at a wave: not imputed"
NOTE_OWN_SUBSCALE: Final = "imputed from the subscale itself, too few officers for all subscales"
NOTE_NOT_DECIDED: Final = "the wave is not over for anybody yet"
NOTE_NOT_COMPUTABLE: Final = "scores too nearly sums of one another for a model: not imputed"
NOTE_ONE_OFFICER: Final = "one officer: no interval"
NOTE_NOT_MIXED: Final = (
    f"the chain of imputations has not settled (R-hat above {LARGEST_R_HAT}): not to be relied on"
)

_BETWEEN_SHARE: Final = 0.02
"""What the prior takes for the share of the variance that lies between organisations."""
_RIDGE: Final = 1e-6
"""Keeps the covariance of columns that are sums of others from becoming singular."""


@dataclass(frozen=True)
class ImputedChange:
    """Change from the first wave of two or more officers, in m completed data sets.

    Sums are in points. `n_imputed` officers have no score at the later wave; of those, the ones who
    did not answer it at all, this instrument or another, are counted in `absent` by cluster.
    """

    clusters: Clusters
    sizes: Codes
    """(c,) officers in each cluster."""
    absent: Codes
    """(c,) of them those who did not answer."""
    sums: Numbers
    """(m, c) sum of changes."""
    squares: Numbers
    """(m,) sum of squared changes."""
    absent_sums: Numbers
    """(m,) sum of changes of those who did not answer."""
    n_imputed: int
    r_hat: float
    """Of the mean completed change over the steps of the chain; see `convergence.py`."""
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        return int(self.sizes.sum())

    def combined(self, shift: float = 0.0) -> Combined:
        """Rubin's rules over the completed data, the scores of absentees shifted by so many points.

        The complete-data interval is that of `cells.cell_interval`.
        """
        moved = self._means + shift * int(self.absent.sum()) / self.n
        still, slope, curve = self._within
        within = max(0.0, still + shift * (slope + shift * curve))
        return combined(moved.tolist(), within, self._freedom)

    @cached_property
    def _freedom(self) -> float:
        return self._intervals(0.0)[0].degrees_of_freedom

    @cached_property
    def _means(self) -> Numbers:
        return np.array([math.fsum(sums) for sums in self.sums]) / self.n

    @cached_property
    def _within(self) -> tuple[float, float, float]:
        """The mean complete-data variance as a polynomial in the shift, which is of degree two.

        Residuals are linear in the shift and the degrees of freedom depend on sizes alone, so three
        shifts say all.
        """
        below, still, above = (
            math.fsum(i.standard_error**2 for i in self._intervals(shift)) / len(self.sums)
            for shift in (-1.0, 0.0, 1.0)
        )
        return still, (above - below) / 2, (above + below) / 2 - still

    def _intervals(self, shift: float) -> list[Interval]:
        moved = self.sums + shift * self.absent
        squares = self.squares + 2 * shift * self.absent_sums + shift**2 * self.absent.sum()
        if self.clusters.number is None:
            n, means = self.n, moved.sum(axis=1) / self.n
            sds = np.sqrt(np.maximum(0.0, squares - n * means**2) / (n - 1))
            found = [
                t_interval(n, float(mean), float(sd)) for mean, sd in zip(means, sds, strict=True)
            ]
        else:
            sizes = self.sizes.tolist()
            found = [clustered_interval(sizes, sums) for sums in moved.tolist()]
        return [interval for interval in found if interval]


def imputed_changes(
    base: Followed,
    seed: list[int],
    *,
    imputations: int = IMPUTATIONS,
    burn_in: int = BURN_IN,
    between: int = BETWEEN,
) -> dict[tuple[int, int], ImputedChange | str]:
    """Completed changes from the first wave, by places of later wave and subscale, or why not.

    Counted at a wave is everybody of `base` for whom it is decided. `seed` starts the random
    numbers: the same officers and the same seed give the same figures, in whatever order rows came.
    """
    found: dict[tuple[int, int], ImputedChange | str] = {}
    plain = [
        (wave, subscale)
        for wave in range(1, len(base.waves))
        for subscale in range(len(base.subscales))
    ]
    usable, why_not = _usable(base.units)
    for target in plain:
        reasons = [why_not[0][target[1]], why_not[target[0]][target[1]]]
        if any(reasons):
            found[target] = next(reason for reason in reasons if reason)
    groups, arm_of = _groups(base)
    rng = np.random.default_rng(seed)
    for subscales, notes in _models(base.n, usable):
        targets = [t for t in plain if t[1] in subscales and t not in found]
        columns = [(w, s) for w in range(len(base.waves)) for s in subscales if usable[w, s]]
        if not targets:
            continue
        if base.n < OFFICERS_A_COLUMN * len(columns):
            found |= dict.fromkeys(targets, NOTE_TOO_FEW_OFFICERS)
            continue
        means_by_step: list[Numbers] = []
        chain = completed(
            np.column_stack([base.points[:, w, s] for w, s in columns]),
            np.array([w for w, _ in columns]),
            groups,
            rng,
            arm_of=arm_of,
            imputations=imputations,
            burn_in=burn_in,
            between=between,
            watch=means_by_step.append,
        )
        tallies = {t: _Tally(base, *t) for t in targets}
        place = {column: i for i, column in enumerate(columns)}
        try:
            for whole in chain:
                for (wave, subscale), tally in tallies.items():
                    later, first = place[wave, subscale], place[0, subscale]
                    tally.add(whole[:, later] - whole[:, first])
        except np.linalg.LinAlgError:
            found |= dict.fromkeys(targets, NOTE_NOT_COMPUTABLE)
            continue
        means = np.array(means_by_step)
        for (wave, subscale), tally in tallies.items():
            changes = means[:, place[wave, subscale]] - means[:, place[0, subscale]]
            found[wave, subscale] = tally.change(split_r_hat(changes), notes)
    return found


def _usable(units: Numbers) -> tuple[Truths, list[list[str | None]]]:
    """Which wave and subscale can be in a model, and why another cannot; both (w, s)."""
    seen = ~np.isnan(units)
    lowest = np.where(seen, units, np.inf).min(axis=0, initial=np.inf)
    highest = np.where(seen, units, -np.inf).max(axis=0, initial=-np.inf)
    few = seen.sum(axis=0) < FEWEST_ANSWERS
    flat = highest <= lowest
    why = [
        [
            NOTE_TOO_FEW_SCORES if few[w, s] else NOTE_NO_SPREAD if flat[w, s] else None
            for s in range(units.shape[2])
        ]
        for w in range(units.shape[1])
    ]
    return ~few & ~flat, why


def _models(n: int, usable: Truths) -> list[tuple[list[int], tuple[str, ...]]]:
    """Subscales that share a model: all of them, or each alone where officers are too few."""
    subscales = list(range(usable.shape[1]))
    if n >= OFFICERS_A_COLUMN * usable.sum():
        return [(subscales, ())]
    alone = (NOTE_OWN_SUBSCALE,) if len(subscales) > 1 else ()
    return [([subscale], alone) for subscale in subscales]


def _groups(base: Followed) -> tuple[Codes, Codes]:
    """Officers of one organisation and arm as codes from 0, and the arm's code for each group."""
    pairs, groups = np.unique(
        np.column_stack([base.arm, base.organisation]), axis=0, return_inverse=True
    )
    return groups.astype(np.int64), np.unique(pairs[:, 0], return_inverse=True)[1].astype(np.int64)


def _sums(codes: Codes, values: Numbers, number: int) -> Numbers:
    return np.asarray(np.bincount(codes, values, minlength=number), dtype=np.float64)


class _Tally:
    """Sums of the completed changes of one wave and subscale, one data set after the other."""

    def __init__(self, base: Followed, wave: int, subscale: int) -> None:
        self._counted = base.decided[:, wave]
        self._clusters = base.clusters(self._counted)
        codes = self._clusters.codes
        absent = ~base.came[self._counted, wave]
        self._absent = absent
        self._sizes = np.bincount(codes).astype(np.int64)
        self._absent_in = np.bincount(codes[absent], minlength=len(self._sizes)).astype(np.int64)
        self._n_imputed = int(np.isnan(base.units[self._counted, wave, subscale]).sum())
        self._sums: list[Numbers] = []
        self._squares: list[float] = []
        self._absent_sums: list[float] = []

    def add(self, change: Numbers) -> None:
        own = change[self._counted]
        self._sums.append(_sums(self._clusters.codes, own, len(self._sizes)))
        self._squares.append(math.fsum(own**2) if self._clusters.number is None else 0.0)
        self._absent_sums.append(float(own[self._absent].sum()))

    def change(self, r_hat: float, notes: tuple[str, ...]) -> ImputedChange | str:
        if not self._counted.any():
            return NOTE_NOT_DECIDED
        if self._counted.sum() < 2:
            return NOTE_ONE_OFFICER
        return ImputedChange(
            self._clusters,
            self._sizes,
            self._absent_in,
            np.array(self._sums),
            np.array(self._squares),
            np.array(self._absent_sums),
            self._n_imputed,
            r_hat,
            notes if r_hat <= LARGEST_R_HAT else (*notes, NOTE_NOT_MIXED),
        )


def completed(
    values: Numbers,
    wave_of: Codes,
    group: Codes,
    rng: np.random.Generator,
    *,
    arm_of: Codes | None = None,
    imputations: int = IMPUTATIONS,
    burn_in: int = BURN_IN,
    between: int = BETWEEN,
    watch: Callable[[Numbers], None] | None = None,
) -> Iterator[Numbers]:
    """Completed copies of `values` (n, d), NaN where a score is missing.

    `wave_of` (d,) is the wave of each column, `group` (n,) a code from 0, each of which occurs, for
    officers of one organisation and arm, and `arm_of` the arm of each group, one arm if not said.
    `watch` is told the mean of every completed column after each step from the first copy on. Each
    column has several different values. A copy may be changed by the caller. Raises LinAlgError
    where columns are so nearly sums of others that a covariance cannot be inverted.
    """
    arms = np.zeros(int(group.max()) + 1, dtype=np.int64) if arm_of is None else arm_of
    chain = _Chain(values, wave_of, group, arms, rng)
    for step in range(burn_in + between * (imputations - 1) + 1):
        chain.step()
        if watch and step >= burn_in:
            watch(chain.means())
        if step >= burn_in and (step - burn_in) % between == 0:
            yield chain.in_order()


@dataclass(frozen=True, slots=True)
class _Pattern:
    """Officers who answered the same waves: their rows, and the columns of the other waves."""

    rows: slice
    missing: Codes


class _Chain:
    """The state of one chain: completed scores (standardised), means and precisions."""

    def __init__(
        self,
        values: Numbers,
        wave_of: Codes,
        group: Codes,
        arm_of: Codes,
        rng: np.random.Generator,
    ) -> None:
        self._rng = rng
        n, d = values.shape
        blank = np.isnan(values)
        waves = np.unique(wave_of)
        answered = np.column_stack([~blank[:, wave_of == wave].all(axis=1) for wave in waves])
        codes = answered @ (1 << np.arange(len(waves)))
        self._order = np.argsort(codes, kind="stable")
        values, blank, codes = values[self._order], blank[self._order], codes[self._order]
        in_answered = answered[self._order][:, np.searchsorted(waves, wave_of)]
        self._group = group[self._order]
        starts = np.flatnonzero(np.diff(codes, prepend=-1))
        self._patterns = [
            _Pattern(slice(int(start), int(end)), np.flatnonzero(~in_answered[start]))
            for start, end in zip(starts, [*starts[1:], n], strict=True)
        ]
        self._missing = ~in_answered[starts]
        self._both_missing = self._missing[:, :, None] & self._missing[:, None, :]
        self._seen_by_missing = ~self._missing[:, :, None] & self._missing[:, None, :]
        self._both_seen = ~self._missing[:, :, None] & ~self._missing[:, None, :]
        # A subscale left blank while others of the wave were answered.
        self._blanks = [
            (column, rows)
            for column in range(d)
            if len(rows := np.flatnonzero(blank[:, column] & in_answered[:, column]))
        ]
        self._centre = np.nanmean(values, axis=0)
        self._scale = np.nanstd(values, axis=0)
        self._y = np.where(blank, 0.0, (values - self._centre) / self._scale)
        j, p = len(arm_of), len(starts)
        pattern = np.repeat(np.arange(p), np.diff([*starts, n]))
        self._cell = self._group * p + pattern
        self._sizes = np.bincount(self._cell, minlength=j * p).reshape(j, p).astype(np.float64)
        self._sums = np.column_stack(
            [np.bincount(self._cell, column, minlength=j * p) for column in self._y.T]
        ).reshape(j, p, d)
        self._theta = np.zeros((j, d))
        self._arm_of = arm_of
        self._groups_of_arm = np.bincount(arm_of).astype(np.float64)[:, None]
        # A mean of an arm with one group would only follow that of the group.
        self._has_levels = j > len(self._groups_of_arm)
        self._mu = np.zeros((len(self._groups_of_arm), d))
        self._within = _Covariance(np.eye(d), np.eye(d))
        self._across = _Covariance(
            math.sqrt(_BETWEEN_SHARE) * np.eye(d), np.eye(d) / _BETWEEN_SHARE
        )

    def in_order(self) -> Numbers:
        """Completed scores in points, in the order in which they were given."""
        whole = np.empty_like(self._y)
        whole[self._order] = self._y * self._scale + self._centre
        return whole

    def means(self) -> Numbers:
        """(d,) means of the completed columns in points."""
        return np.asarray(self._y.mean(axis=0) * self._scale + self._centre)

    def step(self) -> None:
        """Means of organisations together with unanswered scores, then blanks, then the rest."""
        root, slope = self._regressions()
        self._draw_means(slope)
        expected = self._theta[self._group]
        residual = self._y - expected
        self._draw_unanswered(residual, root, slope)
        self._draw_blanks(residual)
        self._y = residual + expected
        self._draw_covariances(residual)

    def _regressions(self) -> tuple[Numbers, Numbers]:
        """For each pattern a root of the covariance of missing scores given those seen, and slopes.

        With Q the precision, m missing and s seen, the covariance is Q_mm^-1 and the mean
        -Q_mm^-1 Q_ms r_s. All patterns at once: each block stands in a matrix of full size.
        """
        precision = self._within.precision
        own = np.where(self._both_missing, precision, 0.0) + _diagonal(~self._missing)
        root = np.where(self._both_missing, np.linalg.inv(np.linalg.cholesky(own)), 0.0)
        across = np.where(self._seen_by_missing, precision, 0.0)
        return root, -across @ (root.swapaxes(1, 2) @ root)

    def _draw_means(self, slope: Numbers) -> None:
        """Given what was answered alone: unanswered scores are integrated out, not conditioned on.

        An organisation that nobody answered a wave in would else move by small steps only.
        """
        j, p, d = self._sums.shape
        within = self._within.precision
        sums = self._sums.reshape(j * p, d).copy()
        for column, blank in self._blanks:
            sums[:, column] += np.bincount(self._cell[blank], self._y[blank, column], len(sums))
        # The precision of the seen scores of a pattern, (Sigma_ss)^-1 = Q_ss - Q_sm Q_mm^-1 Q_ms.
        seen = np.where(self._both_seen, within, 0.0)
        seen += slope @ np.where(self._seen_by_missing, within, 0.0).swapaxes(1, 2)
        precision = (self._sizes @ seen.reshape(p, d * d)).reshape(j, d, d)
        pull = np.matmul(sums.reshape(j, p, d).swapaxes(0, 1), seen).sum(axis=0)
        if self._has_levels:
            precision = precision + self._across.precision
            pull = pull + self._mu[self._arm_of] @ self._across.precision
        root = np.linalg.inv(np.linalg.cholesky(precision))
        noise = self._rng.standard_normal((j, d, 1))
        self._theta = (root.swapaxes(1, 2) @ (root @ pull[..., None] + noise))[..., 0]
        if self._has_levels:
            means = np.zeros_like(self._mu)
            np.add.at(means, self._arm_of, self._theta)
            noise_of_arms = self._rng.standard_normal(means.shape) @ self._across.root.T
            self._mu = means / self._groups_of_arm + noise_of_arms / np.sqrt(self._groups_of_arm)

    def _draw_unanswered(self, residual: Numbers, root: Numbers, slope: Numbers) -> None:
        for place, pattern in enumerate(self._patterns):
            columns = pattern.missing
            if not len(columns):
                continue
            part = residual[pattern.rows]
            noise = self._rng.standard_normal((len(part), len(columns)))
            noise = noise @ root[place][columns[:, None], columns]
            part[:, columns] = part @ slope[place][:, columns] + noise

    def _draw_blanks(self, residual: Numbers) -> None:
        precision = self._within.precision
        for column, blank in self._blanks:
            own = precision[column, column]
            others = -precision[column] / own
            others[column] = 0.0
            noise = self._rng.standard_normal(len(blank)) / math.sqrt(own)
            residual[blank, column] = residual[blank] @ others + noise

    def _draw_covariances(self, residual: Numbers) -> None:
        n, d = residual.shape
        scatter = residual.T @ residual + _RIDGE * n * np.eye(d)
        self._within = _inverse_wishart(self._rng, n, scatter)
        if self._has_levels:
            j, off = len(self._theta), self._theta - self._mu[self._arm_of]
            prior = _BETWEEN_SHARE * np.eye(d)
            self._across = _inverse_wishart(self._rng, d + j, prior + off.T @ off)


@dataclass(frozen=True, slots=True)
class _Covariance:
    """A covariance by a root of it, root @ root.T, and its inverse."""

    root: Numbers
    precision: Numbers


def _inverse_wishart(rng: np.random.Generator, freedom: int, scale: Numbers) -> _Covariance:
    """A draw by Bartlett's decomposition (M. S. Bartlett 1933, Proc. R. Soc. Edinb. 53)."""
    d = len(scale)
    factor = np.tril(rng.standard_normal((d, d)), -1)
    factor[np.diag_indices(d)] = np.sqrt(rng.chisquare(freedom - np.arange(d)))
    lower = np.linalg.cholesky(scale)
    half = np.linalg.inv(lower).T @ factor
    return _Covariance(lower @ np.linalg.inv(factor).T, half @ half.T)


def _diagonal(truths: Truths) -> Numbers:
    """Matrices with 1 on the diagonal where it is so; (p, d) makes (p, d, d)."""
    return np.asarray(truths[:, :, None] * np.eye(truths.shape[1]))
