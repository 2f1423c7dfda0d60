"""The ledger as a whole: frames of every kind may be empty, and every table conforms."""

from datetime import date
from itertools import product

import polars as pl
import pytest

from pipeline import tables
from pipeline.follow_up import (
    ATTENDANCE_SCHEMA,
    DEPARTURES_SCHEMA,
    RESPONSES_SCHEMA,
    ROSTER_SCHEMA,
    build_ledger,
)
from pipeline.programme import parse_programme

DAY = date(2025, 1, 6)
PROGRAMME = parse_programme("""
programme: ledger
title: Ledger
instruments: [proqol5]
primary: {instrument: proqol5, subscale: burnout, from_wave: baseline, to_wave: session_10}
waves:
  - {wave: baseline, due_after_days: 0}
  - {wave: session_10, due_after_days: 126}
cohorts: [{organisation: kent, cohort: all, starts_on: 2025-01-06}]
""")
ORIGIN = {"submission_id": "s", "organisation": "kent", "row_number": 2, "participant_id": "p1"}
INPUTS = {
    "roster": pl.DataFrame([{**ORIGIN, "home_force": "kent"}], ROSTER_SCHEMA),
    "attendance": pl.DataFrame(
        [{**ORIGIN, "session_number": 1, "held_on": DAY, "cancelled": False, "attended": True}],
        ATTENDANCE_SCHEMA,
    ),
    "departures": pl.DataFrame(
        [{**ORIGIN, "departed_on": DAY, "departure_kind": "withdrew"}], DEPARTURES_SCHEMA
    ),
    "responses": pl.DataFrame(
        [
            {
                **{k: v for k, v in ORIGIN.items() if k != "row_number"},
                "response_id": 1,
                "wave": "baseline",
                "instrument": "proqol5",
                "completed_on": DAY,
                "home_force": "kent",
            }
        ],
        RESPONSES_SCHEMA,
    ),
    "scores": pl.DataFrame(
        [{"response_id": 1, "subscale": "burnout", "raw_score": 25.0}],
        tables.SCORES.frame_schema,
    ),
}


@pytest.mark.parametrize("given", list(product([False, True], repeat=len(INPUTS))))
def test_any_kind_of_file_may_be_missing(given: tuple[bool, ...]) -> None:
    has = dict(zip(INPUTS, given, strict=True))
    frames = {name: rows if has[name] else rows.clear() for name, rows in INPUTS.items()}
    ledger = build_ledger(
        **frames,
        organisations_with_roster={"kent"} if has["roster"] else (),
        programme=PROGRAMME,
        as_of=date(2025, 3, 1),
    )
    enrolled = has["roster"] or has["responses"]
    assert ledger.participants.schema == tables.PARTICIPANTS.frame_schema
    assert ledger.memberships.schema == tables.MEMBERSHIPS.frame_schema
    assert ledger.attendance.schema == tables.ATTENDANCE.frame_schema
    assert ledger.participant_waves.schema == tables.PARTICIPANT_WAVES.frame_schema
    assert ledger.participants.height == ledger.memberships.height == enrolled
    assert ledger.attendance.height == (enrolled and has["attendance"])
    if enrolled:
        baseline, session_10 = ledger.participant_waves["status"].to_list()
        assert session_10 == ("withdrawn" if has["departures"] else "not_yet_due")
        if has["responses"]:
            assert baseline == ("completed" if has["scores"] else "partial")
        else:
            assert baseline == ("withdrawn" if has["departures"] else "missed")
    else:
        assert ledger.participant_waves.is_empty()


def test_a_null_score_is_no_score() -> None:
    frames = {**INPUTS, "scores": INPUTS["scores"].with_columns(raw_score=pl.lit(None, pl.Float64))}
    ledger = build_ledger(
        **frames, organisations_with_roster={"kent"}, programme=PROGRAMME, as_of=DAY
    )
    assert ledger.participant_waves["status"].to_list() == ["partial", "withdrawn"]
    assert ledger.participants["last_wave_completed"].to_list() == [None]
