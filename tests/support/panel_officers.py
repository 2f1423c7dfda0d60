"""Officers for the robustness panel, from what each answered; simulated ones drawn from a seed.

What belongs here: core frames of a few readable values. What stays out: every figure made of them.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from pipeline import tables
from pipeline.programme import Programme, parse_programme

WAVES = ("baseline", "session_5", "session_7", "session_10")
SUBSCALES = ("compassion_satisfaction", "burnout", "secondary_traumatic_stress")
AS_OF = date(2026, 1, 1)
OVER = date(2025, 12, 1)
PROGRAMME = """
programme: panel
title: Simulated officers
instruments: [proqol5]
primary: {instrument: proqol5, subscale: burnout, from_wave: baseline, to_wave: session_10}
waves:
  - {wave: baseline, due_after_days: 0}
  - {wave: session_5, due_after_days: 56}
  - {wave: session_7, due_after_days: 84}
  - {wave: session_10, due_after_days: 140}
"""
Answer = tuple[float | None, float | None, float | None]


@dataclass(frozen=True)
class Officer:
    """`answers` by wave in the order of SUBSCALES, None for a wave without; statuses if unusual."""

    answers: Sequence[Answer | None]
    organisation: str = "north"
    session_group: str | None = None
    rank_group: str | None = None
    arm: str = "programme"
    statuses: Sequence[str] | None = None
    missed_after: Sequence[date | None] = (OVER,) * len(WAVES)


@dataclass(frozen=True)
class Frames:
    scores: pl.DataFrame
    participants: pl.DataFrame
    participant_waves: pl.DataFrame
    programme: Programme

    def shuffled(self, seed: int) -> "Frames":
        """The same rows in another order."""
        mixed = (
            frame.sample(fraction=1, shuffle=True, seed=seed)
            for frame in (self.scores, self.participants, self.participant_waves)
        )
        return Frames(*mixed, self.programme)


def programme() -> Programme:
    return parse_programme(PROGRAMME)


def frames(officers: Sequence[Officer]) -> Frames:
    """Core frames of these officers; a wave is completed or missed unless they say otherwise."""
    people, ledger, scores = [], [], []
    for number, officer in enumerate(officers):
        name = f"p{number:04d}"
        people.append(
            {
                "participant_id": name,
                "organisation": officer.organisation,
                "home_force": officer.organisation,
                "session_group": officer.session_group,
                "rank_group": officer.rank_group,
                "arm": officer.arm,
                "enrolment_source": "roster",
                "dropout_stage": "none",
            }
        )
        usual = ["completed" if answer else "missed" for answer in officer.answers]
        for wave, status, over in zip(
            WAVES, officer.statuses or usual, officer.missed_after, strict=True
        ):
            ledger.append(
                {
                    "participant_id": name,
                    "organisation": officer.organisation,
                    "wave": wave,
                    "status": status,
                    "missed_after": over,
                }
            )
        for wave, answer in zip(WAVES, officer.answers, strict=True):
            for subscale, score in zip(SUBSCALES, answer or (), strict=False):
                if score is not None:
                    scores.append(_score(name, officer.organisation, wave, subscale, score))
    return Frames(
        pl.DataFrame(scores, schema=tables.SCORES.frame_schema),
        pl.DataFrame(people, schema=tables.PARTICIPANTS.frame_schema),
        pl.DataFrame(ledger, schema=tables.PARTICIPANT_WAVES.frame_schema),
        programme(),
    )


def _score(name: str, where: str, wave: str, subscale: str, score: float) -> dict[str, object]:
    return {
        "response_id": 0,
        "participant_id": name,
        "organisation": where,
        "wave": wave,
        "instrument": "proqol5",
        "subscale": subscale,
        "raw_score": score,
        "items_answered": 10,
        "prorated": False,
        "band": "moderate",
        "band_system": "published",
    }


def drawn(
    sizes: Sequence[int], seed: int, *, leaving: float = 0.15, blank: float = 0.02
) -> list[Officer]:
    """Officers of organisations of these sizes: a trait, organisations that differ, some leave."""
    rng = np.random.default_rng(seed)
    made = []
    for place, size in enumerate(sizes):
        shift = rng.normal(0, 1.2)
        for number in range(size):
            trait = rng.normal(0, 5, 3) + np.array([37, 25, 22])
            answers: list[Answer | None] = []
            gone = False
            for wave in range(len(WAVES)):
                seen = np.clip(
                    np.rint(trait + (wave > 0) * (shift - 1) + rng.normal(0, 3, 3)), 10, 50
                )
                slope = np.exp((trait[1] - 25) / 8)
                gone = gone or (wave > 0 and rng.random() < leaving * slope)
                cells = [None if rng.random() < blank else float(x) for x in seen]
                absent = gone or (wave in (1, 2) and rng.random() < 0.06)
                empty = all(cell is None for cell in cells)
                answers.append(None if absent or empty else (cells[0], cells[1], cells[2]))
            made.append(
                Officer(
                    answers,
                    f"organisation-{place:02d}",
                    f"group-{place:02d}-{number % max(1, size // 8)}",
                    "sergeant" if rng.random() < 0.3 else "constable",
                )
            )
    return made


def read(path: Path) -> list[Officer]:
    """Officers of a CSV file with one row an officer and wave."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows:
        found.setdefault(row["officer"], {})[row["wave"]] = row
    officers = []
    for waves in found.values():
        first = next(iter(waves.values()))
        answers = [
            (*(float(waves[w][s]) if waves[w][s] else None for s in SUBSCALES),)
            if w in waves
            else None
            for w in WAVES
        ]
        officers.append(
            Officer(answers, first["organisation"], rank_group=first["rank_group"] or None)
        )
    return officers
