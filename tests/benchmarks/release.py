"""A whole release with its audit, beside the same without the audit.

What stays out: writing it down. Run as a script it measures one release of frames in a folder:
`release.py audited FOLDER` or `release.py bare FOLDER`; prints `seconds`, imports excluded.
"""

import json
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from homes import SMALL, Size
from measuring import peak, run_script, spread

from pipeline import tables
from pipeline.privacy.disclosure.rules import Rules
from pipeline.programme import Programme, parse_programme
from pipeline.publishing.release import release_of

AS_OF = date(2026, 6, 30)
ORGANISATIONS, OFFICERS = 66, 10_000
_PROGRAMME = (Path(__file__).parents[2] / "pipeline/reference/example_programme.yaml").read_text()
_TWO_ARMS = "arms: [programme, {arm: waiting_list, role: waiting_list, begins_after_days: 140}]"
_TABLES = (tables.PARTICIPANTS, tables.PARTICIPANT_WAVES, tables.SCORES)


def release(size: Size) -> str:
    """The part of the benchmarks' page; alternating pairs."""
    organisations, officers = (4, 240) if size is SMALL else (ORGANISATIONS, OFFICERS)
    audited, bare = [], []
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as name:
        folder = Path(name)
        _write(folder, organisations, officers)
        for pair in range(size.pairs):
            print(f"release, pair {pair + 1}", file=sys.stderr, flush=True)
            audited.append(run_script(Path(__file__), "audited", name))
            bare.append(run_script(Path(__file__), "bare", name))
    said = audited[0].said
    shares = "\n".join(
        f"| {table} | {share['cells']:,} | {share['published']:.0%} |"
        for table, share in said["shares"].items()
        if share["cells"]
    )
    return f"""## A release

{officers:,} simulated officers of {organisations} organisations of many sizes, two arms, \
the seven waves of the example programme and three subscales: from core frames to all tables, \
{said["asked"]} groups asked about in the audit. Medians of {size.pairs} alternating pairs, with \
minimum and maximum; imports and writing excluded.

| | seconds | peak, MiB |
| --- | --- | --- |
| with the audit | {spread([m.seconds for m in audited])} | {peak(audited)} |
| without it | {spread([m.seconds for m in bare])} | {peak(bare)} |

| table | figures | printed |
| --- | --- | --- |
{shares}"""


def _programme() -> Programme:
    return parse_programme(_PROGRAMME.replace("arms: [programme]", _TWO_ARMS))


def _write(folder: Path, organisations: int, officers: int) -> None:
    """Core frames: sizes by a skewed distribution, one in eight gone by each later wave."""
    programme = _programme()
    rng = np.random.default_rng(1)
    weights = rng.lognormal(0, 0.7, organisations)
    of = rng.choice(organisations, officers, p=weights / weights.sum())
    ids = [f"v1-{i:020x}" for i in range(officers)]
    names = [f"simulated-force-{i:02d}" for i in of]
    last = rng.geometric(0.125, officers)
    answered = (np.arange(len(programme.waves)) < last[:, None]) & (
        rng.random((officers, len(programme.waves))) < 0.9
    )
    sessions = rng.integers(0, 11, officers)
    stages = np.where(last > len(programme.waves), "none", "during_programme")
    people = pl.DataFrame(
        {
            "participant_id": ids,
            "organisation": names,
            "home_force": names,
            "arm": np.where(rng.random(officers) < 0.7, "programme", "waiting_list"),
            "rank_group": np.where(rng.random(officers) < 0.3, "sergeant", "constable"),
            "enrolment_source": "roster",
            "sessions_attended": sessions,
            "dropout_stage": np.select(
                [sessions == 0, sessions == 1],
                ["never_attended", "after_first_session"],
                default=stages,
            ),
        }
    )
    people = people.with_columns(_characteristics(officers))
    rows = [(i, w) for i in range(officers) for w in range(len(programme.waves))]
    waves = pl.DataFrame(
        {
            "participant_id": [ids[i] for i, _ in rows],
            "organisation": [names[i] for i, _ in rows],
            "wave": [programme.wave_names[w] for _, w in rows],
            "missed_after": date(2026, 1, 1),
            "status": ["completed" if answered[i, w] else "missed" for i, w in rows],
        }
    )
    level = rng.normal(25, 6, (officers, 3))
    drawn = np.clip(
        np.rint(level[:, None, :] + rng.normal(0, 4, (officers, len(programme.waves), 3))), 10, 50
    )
    subscales = list(programme.instrument("proqol5").by_subscale)
    scored = [(i, w, s) for i, w in rows if answered[i, w] for s in range(len(subscales))]
    values = np.array([drawn[cell] for cell in scored])
    scores = pl.DataFrame(
        {
            "response_id": [i * 100 + w for i, w, _ in scored],
            "participant_id": [ids[i] for i, _, _ in scored],
            "organisation": [names[i] for i, _, _ in scored],
            "wave": [programme.wave_names[w] for _, w, _ in scored],
            "instrument": "proqol5",
            "subscale": [subscales[s] for _, _, s in scored],
            "raw_score": values,
            "items_answered": 10,
            "prorated": False,
            "band": np.where(values <= 22, "low", np.where(values >= 42, "high", "moderate")),
            "band_system": "raw",
        }
    )
    for table, frame in zip(_TABLES, (people, waves, scores), strict=True):
        table.conform(frame).write_parquet(folder / f"{table.name}.parquet")


def _characteristics(officers: int) -> list[pl.Series]:
    """Columns of characteristics with values of many sizes, one in fifty unknown."""
    rng = np.random.default_rng(2)
    shares = {
        "gender": {"female": 0.35, "male": 0.64, "non-binary": 0.01},
        "service_band": {"under_2_years": 0.2, "5_to_9_years": 0.4, "10_years_and_over": 0.4},
        "ethnicity_group": {"white": 0.88, "asian": 0.06, "black": 0.04, "mixed": 0.02},
    }
    found = []
    for name, of in shares.items():
        drawn = rng.choice(list(of), officers, p=list(of.values()))
        said = pl.Series(drawn.tolist(), dtype=pl.String)
        unknown = pl.Series(rng.random(officers) < 0.02)
        found.append(said.set(unknown, None).alias(name))
    return found


def _measure(how: str, folder: Path) -> None:
    people, waves, scores = (pl.read_parquet(folder / f"{t.name}.parquet") for t in _TABLES)
    rules = Rules(audited=how == "audited")
    started = time.perf_counter()
    made = release_of(people, waves, scores, _programme(), AS_OF, rules=rules)
    seconds = time.perf_counter() - started
    print(
        json.dumps({"seconds": seconds, "asked": made.audit.looked_at, "shares": dict(made.shares)})
    )


if __name__ == "__main__":
    _measure(sys.argv[1], Path(sys.argv[2]))
