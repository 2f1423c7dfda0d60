"""The robustness panel on simulated officers at six waves: whole, and its imputation alone.

Run as a script it measures one size: `robustness_panel.py OFFICERS`; prints `seconds` of the whole
panel and `imputation` of imputing and tipping, imports and drawing excluded.
"""

import json
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from homes import SMALL, Size
from measuring import Measured, run_script

from pipeline.evaluation.delta_adjustment import tipping_point
from pipeline.evaluation.followed import followed
from pipeline.evaluation.imputation import IMPUTATIONS, ImputedChange, imputed_changes
from pipeline.evaluation.robustness import robustness, seed_of
from pipeline.programme import Programme, parse_programme
from pipeline.simulation import draw_scores
from pipeline.simulation.population import SUBSCALES

WAVES = ("baseline", "session_5", "session_7", "session_10", "follow_up_3m", "follow_up_6m")
ORGANISATIONS = 66
SIZES = (1_000, 10_000, 100_000)
SMALL_SIZES = (400,)
AS_OF = date(2026, 1, 1)
_DUE = (0, 56, 84, 140, 231, 322)
_TRAJECTORY = {
    **dict.fromkeys(("arm", "wave", "instrument", "subscale", "note"), pl.String),
    **dict.fromkeys(("change", "change_ci_low", "change_ci_high"), pl.Float64),
    "n": pl.Int32,
}


def robustness_panel(size: Size) -> str:
    print("the robustness panel", file=sys.stderr)
    sizes = SMALL_SIZES if size is SMALL else SIZES
    table = "\n".join(_row(n, run_script(Path(__file__), str(n))) for n in sizes)
    return f"""## The robustness panel

Simulated officers of {ORGANISATIONS} organisations at six waves with three subscales, about a half
of them gone at the last. Imputation is {IMPUTATIONS} imputations of all waves and subscales with
delta adjustment and the tipping point of each; the whole panel has the weights beside it. One run
each; imports and drawing officers excluded.

| officers | imputation and tipping points, seconds | whole panel, seconds | peak, MiB |
| --- | --- | --- | --- |
{table}"""


def _row(officers: int, measured: Measured) -> str:
    imputation = float(measured.said["imputation"])
    cells = [f"{officers:,}", f"{imputation:.1f}", f"{measured.seconds:.1f}"]
    return f"| {' | '.join(cells)} | {measured.peak_mib:.0f} |"


def _programme() -> Programme:
    waves = "\n".join(
        f"  - {{wave: {wave}, due_after_days: {days}}}"
        for wave, days in zip(WAVES, _DUE, strict=True)
    )
    return parse_programme(
        f"""
programme: panel
title: Simulated officers
instruments: [proqol5]
primary: {{instrument: proqol5, subscale: burnout, from_wave: baseline, to_wave: session_10}}
waves:
{waves}
"""
    )


def _frames(officers: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    rng = np.random.default_rng(1)
    drawn = draw_scores(
        rng, [officers // ORGANISATIONS + 1] * ORGANISATIONS, waves=WAVES, dropout=True
    )
    n = len(drawn.organisation)
    ids = pl.Series("participant_id", range(n), dtype=pl.UInt32)
    people = pl.DataFrame(
        {
            "participant_id": ids,
            "organisation": pl.Series(drawn.organisation).cast(pl.String),
            "session_group": pl.Series(drawn.session_group).cast(pl.String),
            "arm": pl.repeat("programme", n, eager=True),
            "rank_group": pl.Series(["constable", "sergeant"]).gather(rng.integers(0, 2, n)),
        }
    )
    officer, wave, subscale = np.nonzero(drawn.given[:, :, None] & (drawn.scores >= 0))
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
    place = np.repeat(np.arange(n), len(WAVES))
    ledger = pl.DataFrame(
        {
            "participant_id": ids.gather(place),
            "wave": pl.Series(WAVES).gather(np.tile(np.arange(len(WAVES)), n)),
            "status": pl.Series(["missed", "completed"]).gather(drawn.given.ravel().astype(int)),
            "missed_after": pl.repeat(date(2025, 12, 1), n * len(WAVES), eager=True),
        }
    )
    return scores, people, ledger


def main() -> None:
    programme, frames = _programme(), _frames(int(sys.argv[1]))
    started = time.monotonic()
    robustness(*frames, programme, pl.DataFrame(schema=_TRAJECTORY), as_of=AS_OF)
    whole = time.monotonic() - started
    base = followed(*frames, programme, instrument="proqol5", as_of=AS_OF)
    started = time.monotonic()
    for change in imputed_changes(base, seed_of(programme, "proqol5")).values():
        if isinstance(change, ImputedChange):
            tipping_point(change, 7.0)
    print(json.dumps({"seconds": whole, "imputation": time.monotonic() - started}))


if __name__ == "__main__":
    main()
