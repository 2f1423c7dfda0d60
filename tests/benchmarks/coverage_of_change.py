"""How often each method's interval covers the change of everybody, where officers drop out.

One named change: burnout from baseline to session 10, over all organisations, computed by the
product's functions. Each draw has organisation effects (SD 0.12 per item) and session-group
effects; the truth is the exact expected change of the model if nobody drops out.

python tests/benchmarks/coverage_of_change.py 2000            # dropout at random
python tests/benchmarks/coverage_of_change.py 2000 --not-at-random
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from homes import SMALL, Size

from pipeline.evaluation.arm_wave_model import arm_wave_models
from pipeline.evaluation.attrition_weights import AttritionWeights, attrition_weights
from pipeline.evaluation.cells import ALL
from pipeline.evaluation.delta_adjustment import DELTA
from pipeline.evaluation.followed import Followed, followed
from pipeline.evaluation.imputation import ImputedChange, imputed_changes
from pipeline.evaluation.intervals import clustered_interval, t_interval
from pipeline.evaluation.trajectory import trajectory
from pipeline.evaluation.weighted_interval import weighted_mean
from pipeline.programme import Programme, parse_programme
from pipeline.simulation import Scores, draw_scores, expected_change
from pipeline.simulation.population import SUBSCALES

SUBSCALE, FROM, TO = "burnout", "baseline", "session_10"
WAVES = ("baseline", "session_5", "session_7", "session_10")
SIZES = (18, 24, 30, 36, 42, 48, 52, 60, 66, 74, 88, 102)
"""Officers in each of twelve organisations."""
AS_OF = date(2026, 1, 1)
OVER = date(2025, 12, 1)
PROGRAMME = """
programme: coverage
title: Simulated officers, drawn many times
instruments: [proqol5]
primary: {instrument: proqol5, subscale: burnout, from_wave: baseline, to_wave: session_10}
waves:
  - {wave: baseline, due_after_days: 0}
  - {wave: session_5, due_after_days: 56}
  - {wave: session_7, due_after_days: 84}
  - {wave: session_10, due_after_days: 140}
"""
NOT_AT_RANDOM = (-2.3, 0.10, 25.0)
"""Intercept, slope and centre of leaving on the burnout score that would have been given."""


@dataclass(frozen=True)
class Answer:
    """What one method says in one draw, in points."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Covered:
    """A method over all draws: share of intervals that cover, mean error and mean width."""

    method: str
    draws: int
    share: float
    error: float
    width: float

    @property
    def monte_carlo_error(self) -> float:
        """1.96 standard errors of the share."""
        return float(1.96 * np.sqrt(self.share * (1 - self.share) / self.draws))


def coverage_of_change(
    draws: int, *, at_random: bool = True, first_seed: int = 20_001, progress: bool = False
) -> list[Covered]:
    """Every method over `draws` seeds, starting from `first_seed`."""
    programme = parse_programme(PROGRAMME)
    truth = expected_change(SUBSCALE, FROM, TO)
    answers: dict[str, list[Answer]] = {}
    for seed in range(first_seed, first_seed + draws):
        for method, answer in answers_of(seed, programme, at_random=at_random).items():
            answers.setdefault(method, []).append(answer)
        done = seed - first_seed + 1
        if progress and not done % 100:
            shares = {m: f"{_covered(m, a, truth).share:.3f}" for m, a in answers.items()}
            print(f"{done} draws: {shares}", file=sys.stderr, flush=True)
    return [_covered(method, found, truth) for method, found in answers.items()]


def answers_of(seed: int, programme: Programme, *, at_random: bool) -> dict[str, Answer]:
    """What each method says of the officers of one seed."""
    rng = np.random.default_rng(seed)
    drawn = draw_scores(rng, SIZES, waves=WAVES, dropout=at_random)
    given = drawn.given if at_random else _leave_by_what_is_not_seen(rng, drawn)
    scores, people, ledger = frames(drawn, given)
    base = followed(scores, people, ledger, programme, instrument="proqol5", as_of=AS_OF)
    named = scores.filter(pl.col("subscale") == SUBSCALE)
    modelled = trajectory(arm_wave_models(named, people, programme), programme)
    row = modelled.row(
        by_predicate=(pl.col("arm") == ALL)
        & (pl.col("wave") == TO)
        & (pl.col("subscale") == SUBSCALE),
        named=True,
    )
    mixed = Answer(row["change"], row["change_ci_low"], row["change_ci_high"])
    return {**dict(_answers(base, seed)), "mixed_model": mixed}


def _answers(base: Followed, seed: int) -> Iterator[tuple[str, Answer]]:
    wave, subscale = WAVES.index(TO), SUBSCALES.index(SUBSCALE)
    points = base.points[..., subscale]
    change = points[:, wave] - points[:, 0]
    pair = ~np.isnan(change)
    codes = base.clusters(pair).codes
    own = change[pair]
    plain = t_interval(len(own), float(own.mean()), float(own.std(ddof=1)))
    clustered = clustered_interval(np.bincount(codes).tolist(), np.bincount(codes, own).tolist())
    assert plain is not None
    assert clustered is not None
    yield "complete cases, plain t", Answer(float(own.mean()), plain.low, plain.high)
    yield "complete_cases", Answer(float(own.mean()), clustered.low, clustered.high)
    weights = attrition_weights(base, wave)
    assert isinstance(weights, AttritionWeights)
    weighted = weighted_mean(own, weights.weights[pair], codes)
    assert weighted.interval is not None
    yield (
        "attrition_weighted",
        Answer(weighted.mean, weighted.interval.low, weighted.interval.high),
    )
    imputed = imputed_changes(base, [seed])[wave, subscale]
    assert isinstance(imputed, ImputedChange)
    sd = float(np.nanstd(points[:, 0], ddof=1))
    plain, minus, plus = (imputed.combined(delta * sd) for delta in (0.0, -DELTA, DELTA))
    for method, found in (
        ("multiple_imputation", plain),
        ("delta_minus", minus),
        ("delta_plus", plus),
    ):
        yield method, Answer(found.estimate, found.interval.low, found.interval.high)
    ends = minus.interval.low, plus.interval.high
    yield "delta_minus to delta_plus", Answer(plain.estimate, *ends)


def _leave_by_what_is_not_seen(rng: np.random.Generator, drawn: Scores) -> np.ndarray:
    """Who answers if leaving depends on the score of the wave itself, which is then never seen."""
    intercept, slope, centre = NOT_AT_RANDOM
    burnout = drawn.scores[:, :, SUBSCALES.index(SUBSCALE)]
    chance = 1 / (1 + np.exp(-intercept - slope * (burnout - centre)))
    leaves = rng.random(chance.shape) < chance
    leaves[:, 0] = False
    return ~np.logical_or.accumulate(leaves, axis=1)


def frames(drawn: Scores, given: np.ndarray) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Scores, participants and their waves as the evaluation takes them, ids being numbers."""
    n = len(drawn.organisation)
    ids = pl.Series("participant_id", range(n), dtype=pl.UInt32)
    people = pl.DataFrame(
        {
            "participant_id": ids,
            "organisation": [f"o{o:02d}" for o in drawn.organisation],
            "session_group": [f"g{g:03d}" for g in drawn.session_group],
            "arm": pl.repeat("programme", n, eager=True),
            "rank_group": pl.repeat(None, n, eager=True, dtype=pl.String),
        }
    )
    officer, wave, subscale = np.nonzero(given[:, :, None] & (drawn.scores >= 0))
    scores = pl.DataFrame(
        {
            "participant_id": ids.gather(officer),
            "wave": pl.Series(WAVES).gather(wave),
            "instrument": pl.repeat("proqol5", len(officer), eager=True),
            "subscale": pl.Series(SUBSCALES).gather(subscale),
            "raw_score": drawn.scores[officer, wave, subscale].astype(np.float64),
            "band": pl.repeat(None, len(officer), eager=True, dtype=pl.String),
        }
    )
    ledger = pl.DataFrame(
        {
            "participant_id": ids.gather(np.repeat(np.arange(n), len(WAVES))),
            "wave": pl.Series(WAVES * n),
            "status": np.where(given.ravel(), "completed", "missed"),
            "missed_after": pl.repeat(OVER, n * len(WAVES), eager=True),
        }
    )
    return scores, people, ledger


def _covered(method: str, answers: list[Answer], truth: float) -> Covered:
    return Covered(
        method,
        len(answers),
        float(np.mean([a.low <= truth <= a.high for a in answers])),
        float(np.mean([a.estimate for a in answers])) - truth,
        float(np.mean([a.high - a.low for a in answers])),
    )


def table(found: list[Covered]) -> str:
    """Rows of coverage with 1.96 Monte Carlo standard errors of it."""
    rows = "\n".join(
        f"| {row.method} | {row.share:.1%} +- {row.monte_carlo_error:.1%} "
        f"| {row.error:+.2f} | {row.width:.2f} |"
        for row in found
    )
    return f"""| method | coverage of 95% intervals | mean error, points | mean width, points |
| --- | --- | --- | --- |
{rows}"""


def coverage_with_dropout(size: Size) -> str:
    """The section of the benchmarks: dropout at random, and not at random."""
    print("coverage with dropout", file=sys.stderr)
    draws = size.draws if size is SMALL else size.many_draws
    tables = [table(coverage_of_change(draws, at_random=how)) for how in (True, False)]
    return f"""## Coverage with dropout

Change of burnout from baseline to session 10 of {sum(SIZES)} simulated officers in {len(SIZES)}
organisations; see `tests/benchmarks/coverage_of_change.py`. {draws:,} draws.

Leaving depends on the last burnout score that was given:

{tables[0]}

Leaving depends on the burnout score that would have been given at the wave missed:

{tables[1]}"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage of the methods of the panel.")
    parser.add_argument("draws", type=int)
    parser.add_argument("--not-at-random", action="store_true")
    asked = parser.parse_args()
    found = coverage_of_change(asked.draws, at_random=not asked.not_at_random, progress=True)
    print(table(found))


if __name__ == "__main__":
    main()
