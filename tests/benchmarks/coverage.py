"""How often intervals cover the truth, on simulated organisations, with the product's functions.

One named change: burnout from baseline to session 10, over all organisations. Each draw has
organisation effects (SD 0.12 per item) and session-group effects; the truth is exact, from the
model.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from pipeline import tables
from pipeline.evaluation.intervals import t_interval
from pipeline.evaluation.paired_change import change_between
from pipeline.evaluation.panel import panel
from pipeline.programme import Programme
from pipeline.simulation import SimulationPlan, draw_scores, expected_change
from pipeline.simulation.plan import organisations_of, programme_of
from pipeline.simulation.population import SUBSCALES

SUBSCALE = "burnout"
FROM, TO = "baseline", "session_10"
SIZES = (18, 24, 30, 36, 42, 48, 52, 60, 66, 74, 88, 102)
"""Officers in each of twelve organisations."""


@dataclass(frozen=True)
class Coverage:
    draws: int
    clustered: float
    """Share of the product's intervals that cover the truth."""
    plain: float
    """Share of plain t intervals that do, on the same draws."""
    bias: float
    """Mean error of the complete cases, in points."""


def coverage(draws: int, *, dropout: bool, first_seed: int = 1) -> Coverage:
    """Coverage over `draws` seeds, starting from `first_seed`."""
    plan = SimulationPlan(as_of=date(2026, 1, 1), organisations=len(SIZES))
    programme = programme_of(plan, organisations_of(plan))
    truth = expected_change(SUBSCALE, FROM, TO)
    clustered = plain = 0
    errors = []
    for seed in range(first_seed, first_seed + draws):
        row = _change(np.random.default_rng(seed), programme, dropout=dropout)
        ordinary = t_interval(row["n"], row["mean_change"], row["sd_change"])
        assert ordinary is not None
        clustered += row["ci_low"] <= truth <= row["ci_high"]
        plain += ordinary.low <= truth <= ordinary.high
        errors.append(row["mean_change"] - truth)
    return Coverage(draws, clustered / draws, plain / draws, float(np.mean(errors)))


def _change(rng: np.random.Generator, programme: Programme, *, dropout: bool) -> dict:
    drawn = draw_scores(rng, SIZES, waves=(FROM, "session_5", "session_7", TO), dropout=dropout)
    ids = pl.Series("participant_id", [f"p{i}" for i in range(len(drawn.organisation))])
    participants = tables.PARTICIPANTS.empty().select(
        pl.exclude("participant_id", "organisation", "session_group", "arm")
    )
    people = pl.DataFrame(
        {
            "participant_id": ids,
            "organisation": [f"o{o:02d}" for o in drawn.organisation],
            "session_group": [f"g{g:03d}" for g in drawn.session_group],
            "arm": pl.repeat("programme", len(ids), eager=True),
        }
    )
    people = pl.concat([participants, people], how="diagonal")
    place = SUBSCALES.index(SUBSCALE)
    scores = []
    for column, wave in ((0, FROM), (3, TO)):
        raw = drawn.scores[:, column, place]
        kept = drawn.given[:, column] & (raw >= 0)
        scores.append(
            pl.DataFrame(
                {
                    "participant_id": ids.filter(pl.Series(kept)),
                    "raw_score": raw[kept].astype(np.float64),
                }
            ).with_columns(
                pl.lit(wave).alias("wave"),
                pl.lit("proqol5").alias("instrument"),
                pl.lit(SUBSCALE).alias("subscale"),
                pl.lit("moderate").alias("band"),
            )
        )
    nothing = tables.SCORES.empty()
    scored = pl.concat([nothing, *scores], how="diagonal")
    rows = change_between(
        panel(scored, people, programme),
        programme,
        from_wave=FROM,
        to_wave=TO,
        sds={"proqol5": {SUBSCALE: None}},
    )
    return rows.filter((pl.col("organisation") == "all") & (pl.col("arm") == "all")).row(
        0, named=True
    )


if __name__ == "__main__":
    print(coverage(200, dropout=False))
