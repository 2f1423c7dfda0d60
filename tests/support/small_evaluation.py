"""Simulated officers for releases: core frames made from a few numbers and a seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zlib import crc32

import numpy as np
import polars as pl

from pipeline import tables
from pipeline.programme import Programme, parse_programme
from pipeline.publishing.release import Release, release_of

WAVES = ("baseline", "session_5", "session_10")
SUBSCALES = ("compassion_satisfaction", "burnout", "secondary_traumatic_stress")
AS_OF = date(2026, 1, 1)
PROGRAMME = """
programme: supervision
title: Simulated supervision
instruments: [proqol5]
primary:
  instrument: proqol5
  subscale: burnout
  from_wave: baseline
  to_wave: session_10
waves:
  - {wave: baseline, due_after_days: 0}
  - {wave: session_5, due_after_days: 70}
  - {wave: session_10, due_after_days: 140}
arms: [programme, {arm: waiting_list, role: waiting_list, begins_after_days: 140}]
"""


def programme() -> Programme:
    return parse_programme(PROGRAMME)


@dataclass(frozen=True)
class Officer:
    """One simulated officer; `scores` by wave, on all three subscales alike but for a shift."""

    name: str
    organisation: str
    arm: str
    sessions: int
    scores: Mapping[str, int]
    rank: str = "constable"


def officers(
    sizes: Mapping[str, int], seed: int, *, answering: Sequence[float] = (0.9, 0.7, 0.6)
) -> list[Officer]:
    """Officers of organisations of given sizes, answering each wave with a probability."""
    rng = np.random.default_rng(seed)
    made = []
    for organisation, size in sizes.items():
        for i in range(size):
            level = int(rng.integers(14, 40))
            answered = rng.random(len(WAVES)) < np.array(answering)
            made.append(
                Officer(
                    f"{organisation}-{i:04d}",
                    organisation,
                    "programme" if rng.random() < 0.7 else "waiting_list",
                    int(rng.integers(0, 11)),
                    {
                        wave: int(np.clip(level + rng.integers(-4, 5), 10, 48))
                        for wave, did in zip(WAVES, answered, strict=True)
                        if did
                    },
                    "sergeant" if rng.random() < 0.3 else "constable",
                )
            )
    return made


def _shifts(officer: Officer) -> tuple[int, int, int]:
    number = crc32(officer.name.encode())
    return 0, number % 2, number % 3


def _band(score: int) -> str:
    return "low" if score <= 22 else "high" if score >= 42 else "moderate"


@dataclass(frozen=True)
class Frames:
    participants: pl.DataFrame
    participant_waves: pl.DataFrame
    scores: pl.DataFrame

    def release(self, **options: Any) -> Release:
        return release_of(
            self.participants, self.participant_waves, self.scores, programme(), AS_OF, **options
        )


def _dropout_stage(officer: Officer) -> str:
    if officer.sessions < 2:
        return ("never_attended", "after_first_session")[officer.sessions]
    return "none" if WAVES[-1] in officer.scores else "during_programme"


def frames(people: Sequence[Officer]) -> Frames:
    """The core frames of these officers; windows of all waves have closed."""
    participants = [
        {
            "participant_id": o.name,
            "organisation": o.organisation,
            "home_force": o.organisation,
            "session_group": f"{o.organisation}-group",
            "arm": o.arm,
            "rank_group": o.rank,
            "enrolment_source": "roster",
            "sessions_attended": o.sessions,
            "dropout_stage": _dropout_stage(o),
        }
        for o in people
    ]
    waves = [
        {
            "participant_id": o.name,
            "organisation": o.organisation,
            "wave": wave,
            "missed_after": date(2025, 12, 1),
            "status": "completed" if wave in o.scores else "missed",
        }
        for o in people
        for wave in WAVES
    ]
    scores = [
        {
            "response_id": i * len(WAVES) + WAVES.index(wave),
            "participant_id": o.name,
            "organisation": o.organisation,
            "wave": wave,
            "instrument": "proqol5",
            "subscale": subscale,
            "raw_score": score + shift,
            "items_answered": 10,
            "prorated": False,
            "band": _band(score + shift),
            "band_system": "raw",
        }
        for i, o in enumerate(people)
        for wave, score in o.scores.items()
        # Not the same for everybody, or one subscale would follow from another.
        for shift, subscale in zip(_shifts(o), SUBSCALES, strict=True)
    ]
    return Frames(
        _conforming(tables.PARTICIPANTS, participants),
        _conforming(tables.PARTICIPANT_WAVES, waves),
        _conforming(tables.SCORES, scores),
    )


def _conforming(table: tables.Table, rows: list[dict[str, Any]]) -> pl.DataFrame:
    made = pl.DataFrame(rows) if rows else pl.DataFrame(schema=table.frame_schema)
    return table.conform(made)
