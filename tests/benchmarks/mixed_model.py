"""The mixed model: seconds by number of officers, beside R's gls, and how often it is right.

What stays out: whether its figures are R's, which the tests say.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from coverage import FROM, SIZES, SUBSCALE, TO
from homes import SMALL, Size
from measuring import spread

from pipeline import tables
from pipeline.evaluation.arm_wave_model import arm_wave_models
from pipeline.evaluation.paired_change import change_between
from pipeline.evaluation.panel import panel
from pipeline.evaluation.trajectory import trajectory
from pipeline.programme import Programme
from pipeline.simulation import SimulationPlan, draw_scores, expected_change
from pipeline.simulation.plan import organisations_of, programme_of
from pipeline.simulation.population import SUBSCALES

HERE = Path(__file__).parent
WAVES = (FROM, "session_5", "session_7", TO)
SIX = (*WAVES, "follow_up_3m", "follow_up_6m")
FIRST_SEED = 10_001
LACKS_A_PACKAGE = 3


def mixed_model(size: Size) -> str:
    print("mixed model", file=sys.stderr)
    small = size is SMALL
    curve = (100, 200) if small else (1_000, 10_000, 100_000)
    rounds = 1 if small else 3
    lines = "\n".join(
        f"| {officers:,} | {spread([_seconds(officers, s) for s in range(rounds)])} |"
        for officers in curve
    )
    of = _coverage(5 if small else size.many_draws)
    return f"""## The mixed model

One subscale, six waves, {len(SIZES)} organisations and dropout that depends on the last burnout
score; from a frame of scores to the rows of `trajectory`, fit, clustered intervals and all. Median
of {rounds}, with least and most.

| officers | seconds |
| --- | --- |
{lines}

{_beside_gls(100 if small else 2_000)}

Of {of.draws:,} draws of {sum(SIZES)} simulated officers in {len(SIZES)} organisations, with
organisation effects (SD 0.12 per item), session-group effects and that same dropout, how often the
95% interval holds the true change of burnout from baseline to session 10 (simulation error
{1.96 * (0.95 * 0.05 / of.draws) ** 0.5:.1%} either way):

| | covers | mean error, points |
| --- | --- | --- |
| mixed model, clustered: `trajectory` | {of.clustered:.1%} | {of.bias:+.3f} |
| the same, officers taken as independent | {of.plain:.1%} | {of.bias:+.3f} |
| complete pairs, clustered: `paired_change` | {of.pairs:.1%} | {of.bias_of_pairs:+.3f} |"""


@dataclass(frozen=True)
class Covered:
    """Shares of intervals that hold the truth, and mean errors in points."""

    draws: int
    clustered: float
    plain: float
    pairs: float
    bias: float
    bias_of_pairs: float


def _coverage(draws: int) -> Covered:
    programme = _programme()
    truth = expected_change(SUBSCALE, FROM, TO)
    found = []
    for seed in range(FIRST_SEED, FIRST_SEED + draws):
        scores, people = _simulated(np.random.default_rng(seed), SIZES, WAVES)
        fitted = trajectory(arm_wave_models(scores, people, programme), programme)
        row = fitted.filter(arm="all", wave=TO).row(0, named=True)
        pairs = (
            change_between(
                panel(scores, people, programme),
                programme,
                from_wave=FROM,
                to_wave=TO,
                sds={"proqol5": {SUBSCALE: None}},
            )
            .filter(organisation="all", arm="all")
            .row(0, named=True)
        )
        found.append(
            (
                row["change_ci_low"] <= truth <= row["change_ci_high"],
                abs(row["change"] - truth) <= 1.96 * row["change_se"],
                pairs["ci_low"] <= truth <= pairs["ci_high"],
                row["change"] - truth,
                pairs["mean_change"] - truth,
            )
        )
    return Covered(draws, *(float(share) for share in np.array(found, dtype=float).mean(axis=0)))


def _seconds(officers: int, seed: int) -> float:
    share = np.array(SIZES) / sum(SIZES)
    sizes = np.maximum(1, np.round(share * officers)).astype(int).tolist()
    scores, people = _simulated(np.random.default_rng(seed), sizes, SIX)
    programme = _programme()
    started = time.perf_counter()
    trajectory(arm_wave_models(scores, people, programme), programme)
    return time.perf_counter() - started


def _beside_gls(officers: int) -> str:
    """The fit beside R's on the same answers, one after the other."""
    if not shutil.which("Rscript"):
        return "R is not on this machine: not compared with gls of its package nlme."
    share = np.array(SIZES) / sum(SIZES)
    sizes = np.maximum(1, np.round(share * officers)).astype(int).tolist()
    scores, people = _simulated(np.random.default_rng(1), sizes, SIX)
    programme = _programme()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.csv"
        scores.filter(pl.col("raw_score").is_not_null()).select(
            officer="participant_id",
            wave=pl.col("wave").replace_strict({wave: i + 1 for i, wave in enumerate(SIX)}),
            score="raw_score",
        ).write_csv(path)
        done = subprocess.run(
            ["Rscript", str(HERE / "gls.R"), str(path)], capture_output=True, text=True, check=False
        )
    if done.returncode == LACKS_A_PACKAGE:
        return "R lacks nlme or jsonlite: not compared with gls of the package nlme."
    if done.returncode:
        return f"R's gls found no fit to the same {officers:,} officers: not compared."
    of_r = json.loads(done.stdout.strip().splitlines()[-1])
    started = time.perf_counter()
    found = trajectory(arm_wave_models(scores, people, programme), programme)
    own = time.perf_counter() - started
    rows = found.filter(pl.col("arm") == "all", pl.col("estimate").is_not_null())
    furthest = {
        name: max(
            abs(ours / theirs - 1) for ours, theirs in zip(rows[name], of_r[name], strict=True)
        )
        for name in ("estimate", "se")
    }
    return (
        f"Beside R's nlme::gls on the same {officers:,} officers: gls {of_r['seconds'][0]:.1f} s "
        f"for the fit alone, here {own:.2f} s with clustered intervals, a ratio of "
        f"{of_r['seconds'][0] / own:.0f}. Means differ by at most {furthest['estimate']:.0e} of "
        f"themselves, standard errors by {furthest['se']:.0e}."
    )


def _programme() -> Programme:
    plan = SimulationPlan(as_of=date(2026, 1, 1), organisations=len(SIZES))
    return programme_of(plan, organisations_of(plan))


def _simulated(
    rng: np.random.Generator, sizes: list[int] | tuple[int, ...], waves: tuple[str, ...]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scores of one subscale and the officers, as stages hand them on."""
    drawn = draw_scores(rng, sizes, waves=waves, dropout=True)
    ids = pl.Series("participant_id", [f"p{i}" for i in range(len(drawn.organisation))])
    people = pl.concat(
        [
            tables.PARTICIPANTS.empty(),
            pl.DataFrame(
                {
                    "participant_id": ids,
                    "organisation": [f"o{o:02d}" for o in drawn.organisation],
                    "session_group": [f"g{g:05d}" for g in drawn.session_group],
                    "arm": pl.repeat("programme", len(ids), eager=True),
                }
            ),
        ],
        how="diagonal",
    )
    place = SUBSCALES.index(SUBSCALE)
    by_wave = []
    for column, wave in enumerate(waves):
        raw = drawn.scores[:, column, place]
        kept = drawn.given[:, column] & (raw >= 0)
        by_wave.append(
            pl.DataFrame(
                {
                    "participant_id": ids.filter(pl.Series(kept)),
                    "raw_score": raw[kept].astype(np.float64),
                }
            ).with_columns(
                wave=pl.lit(wave),
                instrument=pl.lit("proqol5"),
                subscale=pl.lit(SUBSCALE),
                band=pl.lit("moderate"),
            )
        )
    return pl.concat([tables.SCORES.empty(), *by_wave], how="diagonal"), people
