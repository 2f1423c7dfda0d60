"""The follow-up ledger and its tables, beside a bare DuckDB join of the same Parquet files.

What stays out: how the rows came to be (`landing.py`). Run as a script it measures one pass over a
folder: `ledger.py bare FOLDER` or `ledger.py ledger FOLDER`; prints `seconds`, imports excluded.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from homes import AS_OF, SMALL, Size
from measuring import Measured, peak, run_script, spread

from pipeline.evaluation.attrition import attrition
from pipeline.evaluation.attrition_model import attrition_model
from pipeline.evaluation.cells import by_number, in_order
from pipeline.evaluation.dose_response import dose_response
from pipeline.evaluation.follow_up_due import follow_up_due
from pipeline.evaluation.panel import panel
from pipeline.evaluation.participant_flow import participant_flow
from pipeline.evaluation.retention import retention, retention_comparison
from pipeline.evaluation.taking_part import taking_part
from pipeline.follow_up import (
    ATTENDANCE_SCHEMA,
    DEPARTURES_SCHEMA,
    RESPONSES_SCHEMA,
    ROSTER_SCHEMA,
    build_ledger,
)
from pipeline.programme import Programme, parse_programme
from pipeline.reference import organisations
from pipeline.side_by_side import side_by_side

OFFICERS = (25_000, 79_000, 250_000)
SESSIONS = 10
FIRST = date(2025, 1, 6)
_PROGRAMME = (Path(__file__).parents[2] / "pipeline/reference/example_programme.yaml").read_text()
_KINDS = {
    "roster": ROSTER_SCHEMA,
    "attendance": ATTENDANCE_SCHEMA,
    "departures": DEPARTURES_SCHEMA,
    "responses": RESPONSES_SCHEMA,
}


def ledger(size: Size) -> str:
    """A row for each number of officers, in alternating pairs."""
    rows = []
    for officers in (40, 80) if size is SMALL else OFFICERS:
        with tempfile.TemporaryDirectory(prefix="muster-bench-") as name:
            folder = Path(name)
            write_accepted(folder, officers)
            bare, made = [], []
            for pair in range(size.pairs):
                print(f"ledger of {officers:,}, pair {pair + 1}", file=sys.stderr, flush=True)
                bare.append(run_script(Path(__file__), "bare", str(folder)))
                made.append(run_script(Path(__file__), "ledger", str(folder)))
        rows.append(_row(officers, bare, made))
    table = "\n".join(rows)
    return f"""## The follow-up ledger

Officers of 66 organisations with {SESSIONS} attendance records each and the seven waves of the \
example programme, most of them answered; one in ten has left. From Parquet files of rosters, \
registers, departures, responses and scores to participants, memberships, one status an officer \
and wave, and the tables of dropout and follow-up. The reference is one DuckDB query of the same \
files: officers by waves, joined with responses, scores, departures and sessions attended, counted \
by organisation and wave. Medians of {size.pairs} alternating pairs, with minimum and maximum; \
imports excluded.

| officers | ledger and tables, seconds | DuckDB, seconds | ratio | microseconds an officer | \
peak, MiB |
| --- | --- | --- | --- | --- | --- |
{table}"""


def _row(officers: int, bare: list[Measured], made: list[Measured]) -> str:
    ratios = [m.seconds / b.seconds for m, b in zip(made, bare, strict=True)]
    each = [1e6 * m.seconds / officers for m in made]
    cells = [
        f"{officers:,}",
        spread([m.seconds for m in made]),
        spread([b.seconds for b in bare]),
        f"**{spread(ratios)}**",
        spread(each, 1),
        peak(made),
    ]
    return f"| {' | '.join(cells)} |"


def _programme() -> Programme:
    return parse_programme(_PROGRAMME)


def write_accepted(folder: Path, officers: int) -> None:
    """Simulated rows of accepted submissions, one Parquet file a kind."""
    rng, programme = np.random.default_rng(1), _programme()
    forces = sorted(organisations())[:66]
    place = rng.integers(0, len(forces), officers)
    people = pl.DataFrame(
        {
            "participant_id": [f"v1-{n * 2654435761 % 2**32:08x}{n:012x}" for n in range(officers)],
            "organisation": [forces[p] for p in place],
            "session_group": [f"v1-group-{p}-{n % 40}" for n, p in enumerate(place)],
        }
    ).with_columns(
        home_force="organisation",
        cohort=pl.lit("all"),
        arm=pl.lit(programme.arm_names[0]),
        enrolled_on=pl.lit(FIRST) - pl.duration(days=pl.Series(rng.integers(0, 30, officers))),
        submission_id=pl.lit("one"),
        row_number=pl.int_range(officers, dtype=pl.Int32),
    )
    stays = pl.Series("stays", rng.choice([1, 4, 10, 10, 10, 10], officers))
    days = [FIRST + timedelta(days=14 * n) for n in range(SESSIONS)]
    attendance = (
        people.with_columns(stays)
        .join(
            pl.DataFrame({"session_number": range(1, SESSIONS + 1), "held_on": days}), how="cross"
        )
        .with_columns(attended=pl.col("session_number") <= pl.col("stays"), cancelled=False)
    )
    left = people.filter(pl.Series(rng.random(officers) < 0.1)).with_columns(
        departed_on=pl.lit(FIRST) + pl.duration(days=100), departure_kind=pl.lit("withdrew")
    )
    waves = pl.DataFrame(
        {
            "wave": programme.wave_names,
            "after": [wave.due_after_days for wave in programme.waves],
        }
    )
    asked = people.join(waves, how="cross")
    responses = (
        asked.filter(pl.Series(rng.random(asked.height) < 0.7))
        .with_row_index("response_id")
        .with_columns(
            instrument=pl.lit(programme.primary.instrument),
            completed_on=pl.lit(FIRST) + pl.duration(days=pl.col("after")),
        )
        .filter(pl.col("completed_on") <= AS_OF)
    )
    frames = {
        "roster": people,
        "attendance": attendance,
        "departures": left,
        "responses": responses,
    }
    for kind, schema in _KINDS.items():
        frame = frames[kind]
        frame.select(
            (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in schema.items()
        ).write_parquet(folder / f"{kind}.parquet")
    subscales = pl.DataFrame(
        {"subscale": list(programme.instrument(programme.primary.instrument).by_subscale)}
    )
    scored = responses.join(subscales, how="cross")
    scored.select(
        pl.col("response_id").cast(pl.Int64),
        *("participant_id", "organisation", "wave", "instrument", "subscale"),
        raw_score=pl.Series(rng.integers(10, 51, scored.height), dtype=pl.Float64),
        band=pl.lit("moderate"),
    ).write_parquet(folder / "scores.parquet")


def _ledger(folder: Path) -> float:
    programme = _programme()
    started = time.monotonic()
    frames = {kind: pl.read_parquet(folder / f"{kind}.parquet") for kind in (*_KINDS, "scores")}
    made = build_ledger(
        **frames,
        organisations_with_roster=frozenset(frames["roster"]["organisation"].unique()),
        programme=programme,
        as_of=AS_OF,
    )
    people, waves, scores = by_number(made.participants, made.participant_waves, frames["scores"])
    scores = in_order(scores, programme)
    officers = taking_part(people, waves, programme, AS_OF)
    side_by_side(
        {
            "follow_up_due": lambda: follow_up_due(people, waves, programme, AS_OF),
            "dose_response": lambda: dose_response(
                panel(scores, people, programme), people, programme
            ),
            "participant_flow": lambda: participant_flow(people, waves, programme),
            "retention": lambda: retention(officers, programme),
            "retention_comparison": lambda: retention_comparison(officers, programme),
            "attrition": lambda: attrition(scores, officers, programme),
            "attrition_model": lambda: attrition_model(scores, officers, programme),
        }
    )
    return time.monotonic() - started


def _bare(folder: Path) -> float:
    waves = ", ".join(f"('{name}')" for name in _programme().wave_names)
    query = f"""
        SELECT p.organisation, w.wave, count(*), count(r.response_id), min(r.completed_on),
               count(d.departed_on), sum(a.came), max(a.last), sum(s.score), count(s.score)
        FROM '{folder}/roster.parquet' p
        CROSS JOIN (VALUES {waves}) w(wave)
        LEFT JOIN (SELECT participant_id, wave, min(response_id) AS response_id,
                          min(completed_on) AS completed_on
                   FROM '{folder}/responses.parquet' GROUP BY ALL) r
          ON r.participant_id = p.participant_id AND r.wave = w.wave
        LEFT JOIN '{folder}/departures.parquet' d ON d.participant_id = p.participant_id
        LEFT JOIN (SELECT participant_id, count(*) FILTER (attended) AS came,
                          max(session_number) FILTER (attended) AS last
                   FROM '{folder}/attendance.parquet' GROUP BY ALL) a
          ON a.participant_id = p.participant_id
        LEFT JOIN (SELECT participant_id, wave, sum(raw_score) AS score
                   FROM '{folder}/scores.parquet' GROUP BY ALL) s
          ON s.participant_id = p.participant_id AND s.wave = w.wave
        GROUP BY ALL
    """
    started = time.monotonic()
    duckdb.sql(query).fetchall()
    return time.monotonic() - started


def main() -> None:
    how: dict[str, Callable[[Path], float]] = {"bare": _bare, "ledger": _ledger}
    print(json.dumps({"seconds": how[sys.argv[1]](Path(sys.argv[2]))}))


if __name__ == "__main__":
    main()
