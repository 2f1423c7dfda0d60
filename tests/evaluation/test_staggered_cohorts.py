"""Cohorts that begin one after another: what is estimated from them is what is true of them.

What belongs here: simulations with a known hazard. What stays out: counts that can be followed by
hand (`test_retention.py`).
"""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pipeline import tables
from pipeline.evaluation.retention import retention, retention_comparison
from pipeline.evaluation.taking_part import taking_part
from pipeline.programme import Programme, parse_programme

FIRST = date(2024, 1, 1)
BETWEEN_WAVES, WAITED_FOR = timedelta(days=90), timedelta(days=40)
WAVES = 7
HAZARD = 0.2
PROGRAMME = """
programme: supervision
title: Seven waves
instruments: [proqol5]
primary: {instrument: proqol5, subscale: burnout, from_wave: wave_1, to_wave: wave_7}
waves:
""" + "".join(
    f"  - {{wave: wave_{i + 1}, due_after_days: {i * BETWEEN_WAVES.days}}}\n" for i in range(WAVES)
)


@pytest.fixture(scope="module")
def seven_waves() -> Programme:
    return parse_programme(PROGRAMME)


def _officers(
    random: np.random.Generator,
    programme: Programme,
    cohorts: dict[str, list[int]],
    *,
    days_since_due: int,
) -> pl.DataFrame:
    """A frame of `taking_part`; `cohorts` gives the waves due so far in each cohort's officers.

    Everybody fails to answer the next wave with probability `HAZARD`. Half of those withdraw ten
    days before it falls due, and a quarter as much leave the organisation; the others just do not
    answer. Half of those who will answer do so on the day due, the others on the last day: so
    departures and answers are known early, and silence is not.
    """
    as_of = FIRST + WAVES * BETWEEN_WAVES
    waves_due = np.concatenate([np.array(due) for due in cohorts.values()])
    organisations = [name for name, due in cohorts.items() for _ in due]
    n = len(waves_due)
    answered = random.geometric(HAZARD, n) - 1
    how = random.choice(["withdrawn", "left_organisation", "missed"], n, p=[0.5, 0.125, 0.375])
    place = np.arange(WAVES)
    # Days from today on which each wave falls due: negative if it has.
    due = (place - waves_due[:, None] + 1) * BETWEEN_WAVES.days - days_since_due
    over = due + WAITED_FOR.days < 0
    departs = np.take_along_axis(due, np.minimum(answered, WAVES - 1)[:, None], axis=1) - 10
    gone = (how != "missed")[:, None] & (departs <= 0) & (place >= answered[:, None])
    will_answer = place < answered[:, None]
    at_once = will_answer & (due <= 0) & (random.random(due.shape) < 0.5)
    status = np.select(
        [(over & will_answer) | at_once, gone, over, due <= 0],
        ["completed", np.broadcast_to(how[:, None], due.shape), "missed", "open"],
        "not_yet_due",
    )
    names = [f"p{i}" for i in range(n)]
    participants = pl.DataFrame(
        {"participant_id": names, "organisation": organisations}
    ).with_columns(
        home_force="organisation",
        arm=pl.lit("programme"),
        enrolment_source=pl.lit("roster"),
        dropout_stage=pl.lit("none"),
    )
    ledger = pl.DataFrame(
        {
            "participant_id": np.repeat(names, WAVES),
            "organisation": np.repeat(organisations, WAVES),
            "wave": list(programme.wave_names) * n,
            "missed_after": np.datetime64(as_of) + due.ravel() + WAITED_FOR.days,
            "status": status.ravel(),
        },
        schema_overrides={"missed_after": pl.Date},
    )
    return taking_part(
        tables.PARTICIPANTS.conform(participants),
        tables.PARTICIPANT_WAVES.conform(ledger),
        programme,
        as_of,
    )


@pytest.mark.parametrize("days_since_due", [20, 60, 85])
def test_retained_is_the_truth_within_the_error_of_simulation(
    seven_waves: Programme, days_since_due: int
) -> None:
    """Windows are open, or over, or the next is near and some are known to have gone."""
    random = np.random.default_rng(20261126)
    staggered = {"north": [due for due in range(9) for _ in range(1500)]}
    officers = _officers(random, seven_waves, staggered, days_since_due=days_since_due)
    made = retention(officers, seven_waves)
    rows = made.filter(
        pl.col("time") < WAVES, organisation="all", arm="all", denominator="enrolled"
    )
    for row in rows.to_dicts():
        truth = (1 - HAZARD) ** (row["time"] + 1)
        assert abs(row["retained"] - truth) < 3.5 * row["standard_error"], row["time"]
        assert row["standard_error"] < 0.01
        gone = (1 - truth) * 0.125
        assert row["left_organisation"] == pytest.approx(gone, abs=0.015)


@pytest.mark.parametrize("days_since_due", [60, 85])
def test_organisations_that_differ_only_in_when_they_began_are_rarely_told_apart(
    seven_waves: Programme, days_since_due: int
) -> None:
    """At most 12 of 100 draws: with 5% each, more than that is one chance in 680."""
    random = np.random.default_rng(20261126)
    cohorts = {"north": [8] * 250, "south": [due for due in range(1, 6) for _ in range(50)]}
    rejected = 0
    for _ in range(100):
        officers = _officers(random, seven_waves, cohorts, days_since_due=days_since_due)
        made = retention_comparison(officers, seven_waves).filter(arm="all", denominator="enrolled")
        rejected += made["p_value"][0] < 0.05
    assert rejected <= 12
