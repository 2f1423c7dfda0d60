"""Random programmes, small and nasty, as rows of core: a few states of one programme in a row.

What belongs here: officers and what became of them. What stays out: what is published of them.
All of it is simulated.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import polars as pl
from published import World

from pipeline import tables
from pipeline.programme import Programme, parse_programme
from pipeline.vocabulary import DropoutStage, EnrolmentSource, WaveStatus

AS_OF: Final = date(2026, 1, 1)
INSTRUMENT: Final = "proqol5"
SCALE: Final = (10, 50)
BANDS: Final = {"low": (10, 22), "moderate": (23, 41), "high": (42, 50)}

VALUES: Final = {
    "gender": ("female", "male", "non-binary", "not_stated", "other", "unknown"),
    "rank_group": (
        "constable",
        "inspector",
        "senior_officer",
        "sergeant",
        "staff_and_others",
        "unknown",
    ),
}
_SHARES: Final = {
    "gender": (0.4, 0.5, 0.03, 0.03, 0.0, 0.04),
    "rank_group": (0.6, 0.1, 0.02, 0.2, 0.08, 0.0),
}

_WAVES: Final = ("baseline", "session_7", "session_10")
SUBSCALES: Final = ("burnout", "compassion_satisfaction", "secondary_traumatic_stress")


@dataclass
class Officer:
    """One simulated officer."""

    organisation: str
    arm: str
    sessions: int | None
    source: str
    statuses: list[str]
    scores: dict[tuple[int, str], int]
    """Place of the wave and subscale -> score."""
    values: dict[str, str] = field(default_factory=dict)
    """By characteristic."""


@dataclass(frozen=True)
class Snapshot:
    """Core as it is when a release is made."""

    programme: Programme
    world: World
    participants: pl.DataFrame
    participant_waves: pl.DataFrame
    scores: pl.DataFrame
    as_of: date = AS_OF


def history(seed: int, releases: int | None = None) -> list[Snapshot]:
    """States of one random programme in a row; the same for the same seed."""
    maker = _Maker(seed)
    states = [maker.snapshot()]
    for _ in range((releases or int(maker.random.integers(2, 5))) - 1):
        maker.go_on()
        states.append(maker.snapshot())
    return states


def snapshot(
    officers: dict[str, Officer],
    organisations: Sequence[str],
    arms: Sequence[str],
    waves: Sequence[str],
) -> Snapshot:
    """The rows of core for these officers."""
    programme = _programme(organisations, arms, waves)
    participants = tables.PARTICIPANTS.conform(
        pl.DataFrame(
            {
                "participant_id": list(officers),
                "organisation": [o.organisation for o in officers.values()],
                "home_force": [o.organisation for o in officers.values()],
                "arm": [o.arm for o in officers.values()],
                "sessions_attended": [o.sessions for o in officers.values()],
                "enrolment_source": [o.source for o in officers.values()],
                "dropout_stage": [_stage(o) for o in officers.values()],
                **{
                    characteristic: [_said(o, characteristic) for o in officers.values()]
                    for characteristic in VALUES
                },
            },
            schema_overrides={"sessions_attended": pl.Int32, **dict.fromkeys(VALUES, pl.String)},
        )
    )
    return Snapshot(
        programme,
        World(
            tuple(organisations),
            tuple(arms),
            tuple(waves),
            INSTRUMENT,
            dict.fromkeys(SUBSCALES, SCALE),
            BANDS,
            (waves[0], waves[-1]),
        ),
        participants,
        _ledger(officers, waves),
        _scores(officers, waves),
    )


class _Maker:
    """Officers of one programme, and what happens to them."""

    def __init__(self, seed: int) -> None:
        self.random = random = np.random.default_rng(seed)
        self._of_values = np.random.default_rng([seed, 1])
        self.waves = _WAVES[: random.integers(2, 4)]
        self.arms = ("programme", "waiting")[: random.integers(1, 3)]
        self.organisations = [f"force-{place}" for place in range(random.integers(2, 6))]
        self.silent = {"gender": tuple(self.organisations[: self._of_values.integers(0, 3)])}
        """Who does not say it of anybody."""
        self.reached = int(random.integers(1, len(self.waves) + 1))
        """How many waves have come."""
        self.officers: dict[str, Officer] = {}
        self._given = 0
        for organisation in self.organisations:
            sizes = random.integers(3, 30), random.integers(28, 45), random.integers(40, 121)
            size = int(random.choice(sizes))
            # Answers differ by few people from wave to wave, or by many.
            absent = random.choice([0.02, 0.1, 0.4])
            small_arm = random.choice([0.08, 0.3, 0.5])
            for _ in range(size):
                self._enrol(organisation, float(absent), float(small_arm))

    def snapshot(self) -> Snapshot:
        made = snapshot(self.officers, self.organisations, self.arms, self.waves)
        return replace(made, world=replace(made.world, values=VALUES, silent=self.silent))

    def go_on(self) -> None:
        """What happens until the next release: often very little."""
        organisation = str(self.random.choice(self.organisations))
        few = int(self.random.integers(1, 13))
        match self.random.integers(6):
            case 0:
                self._come(organisation, few)
            case 1:
                self._go(organisation, few)
            case 2:
                self._go(organisation, 1)
                self._come(organisation, 1)
            case 3:
                self._answer_late(organisation, few)
            case 4 if self.reached < len(self.waves):
                self.reached += 1
                for officer in self.officers.values():
                    self._reach(officer, self.reached - 1, 0.1)
            case _:
                for name in self.organisations:
                    self._come(name, int(self.random.integers(0, 15)))

    def _come(self, organisation: str, n: int) -> None:
        for _ in range(n):
            self._enrol(organisation, 0.1, 0.3)

    def _go(self, organisation: str, n: int) -> None:
        """Erased: as if they had never been there."""
        own = [name for name, o in self.officers.items() if o.organisation == organisation]
        for name in self.random.permutation(own)[: min(n, len(own) - 3)]:
            del self.officers[str(name)]

    def _answer_late(self, organisation: str, n: int) -> None:
        place = int(self.random.integers(0, self.reached))
        late = [
            officer
            for officer in self.officers.values()
            if officer.organisation == organisation and officer.statuses[place] == "missed"
        ]
        for officer in late[:n]:
            officer.statuses[place] = WaveStatus.COMPLETED_OUT_OF_WINDOW
            self._score(officer, place)

    def _enrol(self, organisation: str, absent: float, small_arm: float) -> None:
        random = self.random
        second = len(self.arms) > 1 and random.random() < small_arm
        sessions = None if random.random() < 0.03 else int(random.integers(0, 11))
        source = (
            EnrolmentSource.ROSTER if random.random() < 0.97 else EnrolmentSource.FIRST_RESPONSE
        )
        officer = Officer(
            organisation, self.arms[int(second)], sessions, source.value,
            [WaveStatus.NOT_YET_DUE.value] * len(self.waves), {},
        )  # fmt: skip
        for characteristic, values in VALUES.items():
            said = str(self._of_values.choice(values, p=_SHARES[characteristic]))
            is_silent = organisation in self.silent.get(characteristic, ())
            officer.values[characteristic] = "unknown" if is_silent else said
        self._given += 1
        self.officers[f"v1-{self._given:020x}"] = officer
        for place in range(self.reached):
            self._reach(officer, place, absent)

    def _reach(self, officer: Officer, place: int, absent: float) -> None:
        """The wave comes for the officer, who has not gone before."""
        gone = {WaveStatus.WITHDRAWN.value, WaveStatus.LEFT_ORGANISATION.value}
        before = officer.statuses[place - 1] if place else ""
        if before in gone:
            officer.statuses[place] = before
            return
        chance = self.random.random()
        if chance >= absent:
            usual = self.random.random() < 0.9
            officer.statuses[place] = (
                WaveStatus.COMPLETED if usual else WaveStatus.COMPLETED_OUT_OF_WINDOW
            ).value
            self._score(officer, place)
            return
        words = [
            WaveStatus.MISSED,
            WaveStatus.WITHDRAWN,
            WaveStatus.LEFT_ORGANISATION,
            WaveStatus.PARTIAL,
            WaveStatus.OPEN,
        ]
        last = place == self.reached - 1
        shares = np.array([0.5, 0.2, 0.15, 0.05, 0.1 if last else 0])
        officer.statuses[place] = str(words[self.random.choice(5, p=shares / shares.sum())].value)

    def _score(self, officer: Officer, place: int) -> None:
        # Here and there a subscale lacks an item and cannot be scored.
        unscorable = str(self.random.choice(SUBSCALES)) if self.random.random() < 0.02 else ""
        for subscale in SUBSCALES:
            if subscale == unscorable:
                continue
            centre = 27 + 3 * self.organisations.index(officer.organisation)
            score = round(self.random.normal(centre, 6))
            officer.scores[place, subscale] = min(max(score, SCALE[0]), SCALE[1])


def _said(officer: Officer, characteristic: str) -> str | None:
    value = officer.values.get(characteristic)
    return None if value == "unknown" else value


def _stage(officer: Officer) -> str:
    match officer.sessions:
        case None:
            return DropoutStage.TOO_EARLY.value
        case 0:
            return DropoutStage.NEVER_ATTENDED.value
        case 1:
            return DropoutStage.AFTER_FIRST_SESSION.value
        case few if few < 4:
            return DropoutStage.DURING_PROGRAMME.value
    return DropoutStage.NONE.value


def _ledger(officers: dict[str, Officer], waves: Sequence[str]) -> pl.DataFrame:
    rows: dict[str, list[Any]] = {
        "participant_id": [name for name in officers for _ in waves],
        "organisation": [o.organisation for o in officers.values() for _ in waves],
        "wave": [wave for _ in officers for wave in waves],
        "status": [status for o in officers.values() for status in o.statuses],
    }
    frame = pl.DataFrame(rows)
    waiting = {"open": timedelta(days=20), "not_yet_due": timedelta(days=90)}
    over = timedelta(days=-1)
    closes = [AS_OF + waiting.get(status, over) for status in rows["status"]]
    return tables.PARTICIPANT_WAVES.conform(
        frame.with_columns(
            window_opens_on=pl.Series([day - timedelta(days=42) for day in closes], dtype=pl.Date),
            due_on=pl.Series([day - timedelta(days=28) for day in closes], dtype=pl.Date),
            window_closes_on=pl.Series(closes, dtype=pl.Date),
            missed_after=pl.Series(closes, dtype=pl.Date),
        )
    )


def _scores(officers: dict[str, Officer], waves: Sequence[str]) -> pl.DataFrame:
    found = [
        (name, officer.organisation, waves[place], subscale, score)
        for name, officer in officers.items()
        for (place, subscale), score in officer.scores.items()
    ]
    rows = pl.DataFrame(
        found,
        schema=["participant_id", "organisation", "wave", "subscale", "raw_score"],
        orient="row",
        infer_schema_length=None,
    )
    return tables.SCORES.conform(
        rows.with_columns(
            pl.col("raw_score").cast(pl.Float64),
            response_id=pl.int_range(pl.len(), dtype=pl.Int64),
            instrument=pl.lit(INSTRUMENT),
            items_answered=pl.lit(10, pl.Int32),
            prorated=pl.lit(value=False),
            band=pl.when(pl.col("raw_score") <= 22)
            .then(pl.lit("low"))
            .when(pl.col("raw_score") >= 42)
            .then(pl.lit("high"))
            .otherwise(pl.lit("moderate")),
            band_system=pl.lit("published"),
        )
    )


def _programme(
    organisations: Sequence[str], arms: Sequence[str], waves: Sequence[str]
) -> Programme:
    declared = "\n".join(
        f"  - {{organisation: {name}, name: Simulated {name}, kind: police_force}}"
        for name in organisations
    )
    held = "\n".join(
        f"  - {{wave: {wave}, due_after_days: {84 * place}}}" for place, wave in enumerate(waves)
    )
    return parse_programme(
        f"""
programme: attacked
title: A simulated programme
instruments: [{INSTRUMENT}]
primary:
  instrument: {INSTRUMENT}
  subscale: burnout
  from_wave: {waves[0]}
  to_wave: {waves[-1]}
arms: [{", ".join(arms)}]
baseline_sd:
  {INSTRUMENT}: {{{", ".join(f"{subscale}: 6.0" for subscale in SUBSCALES)}}}
waves:
{held}
organisations:
{declared}
"""
    )
