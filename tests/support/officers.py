"""Made-up officers as frames of the published tables, and the promise of a view in plain Python."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from random import Random
from typing import Any

import polars as pl

from pipeline import tables
from pipeline.evaluation.dose_response import sessions_band
from pipeline.privacy.alike import PROTECTION, Protection
from pipeline.privacy.research_view import ResearchView, research_view
from pipeline.programme import Programme, parse_programme
from pipeline.reference import example_programme

FORCES = ("cumbria", "kent", "south-wales")
PROGRAMME = parse_programme(example_programme())
WAVES = PROGRAMME.wave_names
BANDS = {"low": 20.0, "moderate": 30.0, "high": 45.0}
DUE = date(2026, 1, 5)
ALIKE: dict[str, Any] = {
    "organisation": "cumbria",
    "home_force": "cumbria",
    "arm": "programme",
    "rank_group": "constable",
    "service_band": "2_to_4_years",
    "gender": "female",
    "ethnicity_group": "white",
    "sessions_attended": 8,
    "departure_kind": None,
}
CHOICES: dict[str, tuple[Any, ...]] = {
    "organisation": FORCES,
    "home_force": FORCES,
    "arm": ("programme", "waiting_list"),
    "rank_group": ("constable", "constable", "sergeant", None),
    "service_band": ("under_2_years", "2_to_4_years", "10_years_and_over", None),
    "gender": ("female", "male", None),
    "ethnicity_group": ("white", "white", "asian", None),
    "sessions_attended": (0, 1, 3, 8, None),
    "departure_kind": (None, None, "withdrew", "left_organisation"),
}


@dataclass(frozen=True)
class People:
    """Officers with what they answered: frames of the tables, and bands by officer and wave."""

    participants: pl.DataFrame
    participant_waves: pl.DataFrame
    scores: pl.DataFrame
    answers: dict[str, dict[str, str | None]]

    @property
    def ids(self) -> pl.Series:
        """Ids as a view has them, from which a test can tell whose row it is."""
        return pl.Series("officer", [f"row of {p}" for p in self.participants["participant_id"]])

    def view(
        self, protection: Protection = PROTECTION, programme: Programme = PROGRAMME
    ) -> ResearchView:
        return research_view(
            self.participants.with_columns(
                sessions_band=sessions_band(pl.col("sessions_attended"))
            ),
            self.participant_waves,
            self.scores,
            programme,
            ids=self.ids,
            protection=protection,
        )


def people(*officers: dict[str, Any]) -> People:
    """Officers who are `ALIKE` but for what is said of each.

    `bands` says what an officer answered, by wave, a band of burnout or None for a response that
    cannot be scored; `weeks` in which week after the day due, by wave, 0 if not said.
    """
    rows, waves, scores = [], [], []
    answers: dict[str, dict[str, str | None]] = {}
    numbers = count(1)
    for number, said in enumerate(officers, start=1):
        name = f"v1-{number:020x}"
        officer = {**ALIKE, **said}
        bands, weeks = officer.pop("bands", {}), officer.pop("weeks", {})
        answers[name] = bands
        rows.append(
            {
                "participant_id": name,
                **officer,
                "enrolment_source": "roster",
                "dropout_stage": "none",
            }
        )
        for wave in WAVES:
            answered = wave in bands
            day = DUE + timedelta(days=7 * weeks.get(wave, 0) + 3)
            waves.append(
                {
                    "participant_id": name,
                    "organisation": officer["organisation"],
                    "wave": wave,
                    "due_on": DUE,
                    "completed_on": day if answered else None,
                    "status": "completed" if answered else "missed",
                }
            )
            response = next(numbers)
            for subscale in ("burnout", "compassion_satisfaction") if answered else ():
                band = bands[wave]
                scores.append(
                    {
                        "response_id": response,
                        "participant_id": name,
                        "organisation": officer["organisation"],
                        "wave": wave,
                        "instrument": "proqol5",
                        "subscale": subscale,
                        "raw_score": BANDS[band] if band else None,
                        "prorated": False,
                        "band": band,
                        "band_system": "proqol5_raw",
                    }
                )
    return People(
        tables.PARTICIPANTS.conform(_framed(rows, tables.PARTICIPANTS)),
        tables.PARTICIPANT_WAVES.conform(_framed(waves, tables.PARTICIPANT_WAVES)),
        tables.SCORES.conform(_framed(scores, tables.SCORES)),
        answers,
    )


def _framed(rows: list[dict[str, Any]], table: tables.Table) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=table.frame_schema)


def crowd(seed: int, officers: int) -> People:
    """Officers of whom everything was drawn at random, most of them answering some waves."""
    draw = Random(seed)

    def one() -> dict[str, Any]:
        said = {name: draw.choice(choices) for name, choices in CHOICES.items()}
        if draw.random() < 0.8:
            said["home_force"] = said["organisation"]
        answered = WAVES[: draw.choice((0, 1, 1, 3, 4, 7))]
        bands = {w: draw.choice((*BANDS, "low", "moderate", None)) for w in answered}
        return {**said, "bands": bands, "weeks": {w: draw.choice((0, 0, 0, 1)) for w in answered}}

    return people(*(one() for _ in range(officers)))


def broken_promises(
    officers: pl.DataFrame, scores: pl.DataFrame, protection: Protection = PROTECTION
) -> list[str]:
    """What a view breaks of its promise, looked up row by row in what it publishes alone."""
    last: dict[str, tuple[int, str]] = {}
    weeks: dict[str, list[tuple[str, int | None]]] = defaultdict(list)
    for row in scores.iter_rows(named=True):
        if row["subscale"] == "burnout":
            if row["wave"] is not None:
                weeks[row["officer"]].append((row["wave"], row["weeks_after_due"]))
            occasion = row["occasion"] or 0
            if row["band"] and occasion >= last.get(row["officer"], (-1, ""))[0]:
                last[row["officer"]] = (occasion, row["band"])
    classes: dict[str, list[str]] = defaultdict(list)
    for row in officers.iter_rows(named=True):
        officer = row.pop("officer")
        classes[repr(row)].append(officer)
        classes[repr((row, sorted(weeks[officer])))].append(officer)
        for known in weeks[officer]:
            classes[repr((row, known))].append(officer)
    broken = []
    for said, members in classes.items():
        bands = {last[officer][1] for officer in members if officer in last}
        if len(members) < protection.alike:
            broken.append(f"{len(members)} of {said}")
        if bands and len(bands) < protection.bands:
            broken.append(f"{len(members)} all {bands} of {said}")
    return broken
