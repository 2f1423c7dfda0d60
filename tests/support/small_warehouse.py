"""A small warehouse of simulated officers, with every table that views read.

Evaluation tables come from the functions that make them in a run; models and files, which would
take long or need a home, are written by hand.
"""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from small_evaluation import AS_OF, SUBSCALES, WAVES, frames, officers, programme

from pipeline import tables
from pipeline.about import about
from pipeline.evaluation.attrition import attrition
from pipeline.evaluation.band_transitions import band_transitions
from pipeline.evaluation.equality_breakdown import equality_breakdown
from pipeline.evaluation.follow_up_due import follow_up_due
from pipeline.evaluation.paired_change import paired_change
from pipeline.evaluation.panel import panel
from pipeline.evaluation.participant_flow import participant_flow
from pipeline.evaluation.pooled_change import pooled_change
from pipeline.evaluation.retention import retention
from pipeline.evaluation.taking_part import taking_part
from pipeline.evaluation.wave_summary import wave_summary
from pipeline.programme import Programme
from pipeline.storage.warehouse import publish
from pipeline.tables import Table

SIZES = {"simulated-north": 40, "simulated-south": 25, "simulated-east": 18, "simulated-west": 6}
_DUE = dict(zip(WAVES, (date(2025, 8, 1), date(2025, 10, 10), date(2025, 12, 19)), strict=True))
_OPEN_UNTIL = AS_OF + timedelta(days=12)

Content = dict[Table, pl.DataFrame]


def content() -> Content:
    """A frame for every table; the same each time."""
    core = frames(officers(SIZES, 7))
    people = core.participants.with_columns(
        gender=pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.lit("female")).otherwise(None)
    )
    waves = _dated(core.participant_waves)
    scores = _scores_of_answered(core.scores, waves)
    made = {
        **evaluated(people, waves, scores, programme(), AS_OF),
        tables.ORGANISATIONS: _organisations(),
        tables.ATTENDANCE: _attendance(people),
        tables.SUBMISSIONS: _submissions(),
        tables.QUARANTINE: _quarantine(),
        tables.ROBUSTNESS: _robustness(),
        tables.ARM_CONTRAST: _arm_contrast(),
    }
    return whole(made, programme())


def evaluated(
    people: pl.DataFrame,
    waves: pl.DataFrame,
    scores: pl.DataFrame,
    of: Programme,
    as_of: date,
) -> Content:
    """These officers, and the tables that the evaluation makes of them, but for models."""
    changes = panel(scores, people, of)
    taking = taking_part(people, waves, of, as_of)
    pooled, of_organisations = pooled_change(changes, of, frozenset())
    return {
        tables.PARTICIPANTS: people,
        tables.PARTICIPANT_WAVES: waves,
        tables.SCORES: scores,
        tables.FOLLOW_UP_DUE: follow_up_due(people, waves, of, as_of),
        tables.PARTICIPANT_FLOW: participant_flow(people, waves, of),
        tables.RETENTION: retention(taking, of),
        tables.ATTRITION: attrition(scores, taking, of),
        tables.WAVE_SUMMARY: wave_summary(changes, of),
        tables.PAIRED_CHANGE: paired_change(changes, of),
        tables.BAND_TRANSITIONS: band_transitions(changes, of),
        tables.EQUALITY_BREAKDOWN: equality_breakdown(changes, people, of),
        tables.POOLED_CHANGE: pooled,
        tables.ORGANISATION_CHANGE: of_organisations,
        tables.BUILD: _build(as_of),
    }


def whole(made: Content, of: Programme) -> Content:
    """A frame for every table of the warehouse; those not made are empty."""
    of_itself = about(of, {"muster": "0", "python": "3"})
    return {
        table: table.conform(made.get(table, of_itself.get(table, table.empty())))
        for table in tables.TABLES
    }


def written(path: Path) -> Content:
    """Publish the small warehouse at `path`; what is in it."""
    rows = content()
    publish(path, rows)
    return rows


def _dated(waves: pl.DataFrame) -> pl.DataFrame:
    """Windows, days of answers, and some of each status that an officer without answer may have."""
    rng = np.random.default_rng(11)
    rows = []
    for row in waves.iter_rows(named=True):
        wave, due = row["wave"], _DUE[row["wave"]]
        opens, closes = due - timedelta(days=14), due + timedelta(days=28)
        status, completed_on = row["status"], None
        if status == "completed":
            late = int(rng.integers(-20, 36))
            completed_on = due + timedelta(days=late) if rng.random() < 0.95 else None
            status = "completed" if -14 <= late <= 28 else "completed_out_of_window"
        elif wave == WAVES[-1]:
            status = str(rng.choice(["open", "missed", "withdrawn", "not_yet_due"]))
            if status == "not_yet_due":
                due, opens, closes = (day + timedelta(days=60) for day in (due, opens, closes))
        dates = {"due_on": due, "window_opens_on": opens, "window_closes_on": closes}
        missed_after = _OPEN_UNTIL if status == "open" else closes
        rows.append(
            {
                **row,
                **dates,
                "status": status,
                "missed_after": missed_after,
                "completed_on": completed_on,
            }
        )
    return tables.PARTICIPANT_WAVES.conform(pl.DataFrame(rows, infer_schema_length=None))


def _scores_of_answered(scores: pl.DataFrame, waves: pl.DataFrame) -> pl.DataFrame:
    """Scores of answers that count, some at the last wave moved so far that it is reliable."""
    answered = waves.filter(pl.col("status").str.starts_with("completed"))
    moved = pl.when(pl.col("wave") == WAVES[-1]).then(12.0 * (pl.int_range(pl.len()) % 5 - 2))
    score = pl.col("raw_score") + moved.otherwise(0.0)
    return (
        scores.join(answered, on=["participant_id", "wave"], how="semi")
        .with_columns(raw_score=score.clip(10, 50))
        .with_columns(
            band=pl.when(pl.col("raw_score") <= 22)
            .then(pl.lit("low"))
            .when(pl.col("raw_score") >= 42)
            .then(pl.lit("high"))
            .otherwise(pl.lit("moderate"))
        )
    )


def _frame(table: Table, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return table.conform(pl.DataFrame(rows, infer_schema_length=None))


def _organisations() -> pl.DataFrame:
    return _frame(
        tables.ORGANISATIONS,
        [
            {
                "organisation": name,
                "name": f"{name} (simulated)",
                "kind": "police_force",
                "country": "England",
            }
            for name in SIZES
        ],
    )


def _attendance(people: pl.DataFrame) -> pl.DataFrame:
    rng = np.random.default_rng(13)
    rows = []
    for participant, organisation in people.select("participant_id", "organisation").iter_rows():
        for session in range(1, 5):
            cancelled = bool(rng.random() < 0.1)
            attended = None if cancelled or rng.random() < 0.05 else bool(rng.random() < 0.7)
            rows.append(
                {
                    "participant_id": participant,
                    "organisation": organisation,
                    "session_number": session,
                    "cancelled": cancelled,
                    "attended": attended,
                    "minutes": int(rng.integers(30, 91)) if attended else None,
                }
            )
    return _frame(tables.ATTENDANCE, rows)


def _submissions() -> pl.DataFrame:
    rows = []
    for number, (organisation, verdict, accepted) in enumerate(
        (
            ("simulated-north", "accepted", 40),
            ("simulated-north", "accepted_with_warnings", 38),
            ("simulated-south", "held", 0),
            ("simulated-south", "accepted", 0),
            ("simulated-east", "accepted", 18),
            ("simulated-west", "rejected", 0),
        )
    ):
        rows.append(
            {
                "submission_id": f"{organisation}--answers--{number:04d}",
                "organisation": organisation,
                "source": "answers" if number else "roster",
                "kind": "questionnaire" if number else "roster",
                "sha256": f"{number:064d}",
                "received_at": datetime(2025, 12, 31 - number, 9),
                "rows_read": 41,
                "rows_accepted": accepted,
                "verdict": verdict,
                "decided_by": "contract",
            }
        )
    return _frame(tables.SUBMISSIONS, rows)


def _quarantine() -> pl.DataFrame:
    rng = np.random.default_rng(17)
    submissions = _submissions()["submission_id"].to_list()
    found: dict[tuple[object, ...], dict[str, Any]] = {}
    for _ in range(400):
        rule = str(rng.choice(["answer_out_of_range", "wave_unknown", "straight_lining"]))
        row = {
            "submission_id": str(rng.choice(submissions)),
            "row_number": int(rng.integers(2, 20)),
            "rule": rule,
            "column_name": f"Q{rng.integers(1, 3)}" if rule == "answer_out_of_range" else None,
            "severity": "warn" if rule == "straight_lining" else "reject",
            "participant_id": f"simulated-{rng.integers(9)}" if rng.random() < 0.8 else None,
            "status": str(rng.choice(["open", "resolved"])),
            "wave": str(rng.choice(WAVES)) if rule == "straight_lining" else None,
        }
        key = ("submission_id", "row_number", "wave", "rule", "column_name")
        found[tuple(row[name] for name in key)] = row
    return _frame(tables.QUARANTINE, list(found.values()))


def _robustness() -> pl.DataFrame:
    methods = ("tipping_point", "mixed_model", "complete_cases", "delta_minus")
    return _frame(
        tables.ROBUSTNESS,
        [
            {
                "arm": "all",
                "from_wave": WAVES[0],
                "to_wave": wave,
                "instrument": "proqol5",
                "subscale": subscale,
                "method": method,
                "named_beforehand": (wave, subscale) == (WAVES[-1], "burnout"),
                "estimate": None if (method, subscale) == ("mixed_model", "burnout") else i / 4,
                "ci_low": -3.0,
                "ci_high": 1.0,
                "outcome": "reference" if method == "complete_cases" else "sign_differs",
            }
            for wave in WAVES[1:]
            for subscale in SUBSCALES
            for i, method in enumerate(methods)
        ],
    )


def _arm_contrast() -> pl.DataFrame:
    estimates = (-1.5, 0.0, None)
    return _frame(
        tables.ARM_CONTRAST,
        [
            {
                "arm": "programme" if wave != "all" else "all",
                "reference_arm": "waiting_list" if wave != "all" else "all",
                "from_wave": WAVES[0] if wave != "all" else "all",
                "wave": wave,
                "instrument": "proqol5",
                "subscale": subscale,
                "compared": "begun_with_not_begun",
                "named_beforehand": False,
                "estimate": estimates[i % 3] if wave != WAVES[1] else 2.0,
            }
            for wave in ("all", *reversed(WAVES[1:]))
            for i, subscale in enumerate(SUBSCALES)
        ],
    )


def _build(as_of: date) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "fingerprint": ["0"],
            "programme": ["supervision"],
            "as_of": [as_of],
            "models_pending": [False],
            "version": ["0"],
        }
    )
