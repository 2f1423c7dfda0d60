"""A report of the past, asked for again with its two dates, is what was stored then.

Two simulated forces send everything they know every two months for a year: some of it late, some of
it corrected, one officer transferred from one to the other.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from homes import table_hashes

from pipeline.definitions import build_defs
from pipeline.orchestration.launch import instance_of, run_here
from pipeline.orchestration.resources import HomeResource
from pipeline.orchestration.state import work_left
from pipeline.storage.home import Home
from pipeline.storage.warehouse import query

pytestmark = pytest.mark.filterwarnings("ignore")

FORCES = ("simulated-force-01", "simulated-force-02")
FIRST = date(2025, 1, 6)
ARRIVALS = [FIRST + timedelta(days=60 * n) for n in range(1, 7)]
WAVES = {"baseline": 0, "session_5": 56, "session_10": 126, "follow_up_3m": 217}
PROGRAMME = """
programme: year
title: Simulated rows for tests
instruments: [phq4]
primary: {instrument: phq4, subscale: anxiety, from_wave: baseline, to_wave: session_10}
waves:
  - {wave: baseline, due_after_days: 0}
  - {wave: session_5, due_after_days: 56}
  - {wave: session_10, due_after_days: 126}
  - {wave: follow_up_3m, due_after_days: 217, follow_up: true}
organisations:
  - {organisation: simulated-force-01, name: Simulated Force 01, kind: police_force}
  - {organisation: simulated-force-02, name: Simulated Force 02, kind: police_force}
cohorts:
  - {organisation: simulated-force-01, cohort: all, starts_on: 2025-01-06}
  - {organisation: simulated-force-02, cohort: all, starts_on: 2025-02-03}
"""
SOURCES = {
    "answers": (
        "kind: questionnaire\nwave: {column: Wave}\ninstruments: {phq4: {columns: 'Q{item}'}}\n"
        "columns: {completed_on: Done}\n",
        "Number,Wave,Done,Q1,Q2,Q3,Q4",
    ),
    "roster": (
        "kind: roster\ncolumns: {session_group: Group, enrolled_on: Enrolled}\n",
        "Number,Group,Enrolled",
    ),
    "register": (
        "kind: attendance\ncolumns: {session_group: Group, session_number: Session, "
        "held_on: Day, attended: Came}\n",
        "Number,Group,Session,Day,Came",
    ),
    "leavers": (
        "kind: departures\ncolumns: {departed_on: Left, departure_kind: Why, "
        "new_force: To, new_number: New}\n"
        "values: {departure_kind: {withdrew: withdrew, left: left_organisation}}\n",
        "Number,Left,Why,To,New",
    ),
}


@dataclass
class Told:
    """Rows of one force's sources, and the day from which each is known."""

    rows: dict[str, list[tuple[date, str]]] = field(
        default_factory=lambda: {source: [] for source in SOURCES}
    )

    def tell(self, source: str, day: date, lag: int, row: str) -> None:
        self.rows[source].append((day + timedelta(days=lag), row))

    def by(self, day: date) -> Iterator[tuple[str, str]]:
        for source, rows in self.rows.items():
            known = [row for when, row in rows if when <= day]
            if known:
                yield source, "\n".join([SOURCES[source][1], *known]) + "\n"


def _what_happens(seed: int) -> dict[str, Told]:
    rng = random.Random(seed)
    told = {force: Told() for force in FORCES}
    for place, force in enumerate(FORCES):
        start = FIRST + timedelta(days=28 * place)
        for n in range(1, 13):
            number, group = f"{place}{n:03d}", f"G{n % 2}"
            enrolled = start - timedelta(days=rng.randint(0, 20))
            told[force].tell(
                "roster", enrolled, rng.choice((0, 5, 90)), f"{number},{group},{enrolled}"
            )
            stays = rng.choice((1, 3, 10, 10, 10))
            for session in range(1, 11):
                day = start + timedelta(days=14 * (session - 1))
                came = session <= stays and rng.random() < 0.9
                lag = rng.choice((1, 10, 70))
                row = f"{number},{group},{session},{day},{{}}"
                told[force].tell("register", day, lag, row.format("yes" if came else "no"))
                if rng.random() < 0.05:
                    # A correction stands below what it corrects and counts.
                    told[force].tell("register", day, lag + 61, row.format("yes"))
            if stays < 10 and rng.random() < 0.6:
                day = start + timedelta(days=14 * stays)
                told[force].tell("leavers", day, rng.choice((3, 100)), f"{number},{day},withdrew,,")
            for wave, after in WAVES.items():
                if after / 14 <= stays + rng.choice((0, 12)):
                    day = start + timedelta(days=after + rng.randint(-5, 20))
                    answers = ",".join(str(rng.randint(0, 3)) for _ in range(4))
                    told[force].tell(
                        "answers", day, rng.choice((1, 45)), f"{number},{wave},{day},{answers}"
                    )
    moved = date(2025, 4, 20)
    told[FORCES[0]].tell("leavers", moved, 30, f"0001,{moved},left,{FORCES[1]},1999")
    told[FORCES[1]].tell("roster", moved, 3, f"1999,G0,{moved}")
    told[FORCES[1]].tell("answers", date(2025, 6, 9), 5, "1999,session_10,2025-06-09,1,1,1,1")
    return told


def _home(root: Path) -> Home:
    home = Home(root)
    home.create(PROGRAMME)
    for force in FORCES:
        (home.root / "sources" / force).mkdir()
        (home.landing / force).mkdir()
        for source, (declared, _) in SOURCES.items():
            (home.root / "sources" / force / f"{source}.yaml").write_text(
                f"organisation: {force}\nsource: {source}\nfiles: '{source}*'\n"
                f"participant: Number\n{declared}"
            )
    return home


def _state(home: Home, as_of: date, known_at: date | None) -> dict[str, str]:
    """Run once; a hash of every table but what it says of the run itself."""
    here = Home(home.root)
    new = [a.submission_id for a in work_left(here, as_of, known_at).to_take_in]
    with instance_of(here.root) as instance:
        assert run_here(build_defs(here.root, as_of, known_at), instance, here, new).success
    hashes = table_hashes(here.warehouse)
    # The dates asked for, and a fingerprint of everything there is by now.
    del hashes["meta.build"]
    return hashes


def test_a_past_state_is_restored_by_its_two_dates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.storage.landing._SECONDS_UNTIL_CERTAIN", 0.0)
    home, told = _home(tmp_path / "home"), _what_happens(seed=20250106)
    stored, enrolled = {}, []
    for day in ARRIVALS:
        noon = datetime.combine(day, time(12), UTC)
        monkeypatch.setattr(HomeResource, "now", lambda _, noon=noon: noon)
        for force, of_force in told.items():
            for source, text in of_force.by(day):
                (home.landing / force / f"{source}.csv").write_text(text)
        stored[day] = _state(home, day, None)
        enrolled.append(query(home.warehouse, "SELECT count(*) FROM core.participants").item())
    # Who had come from the other force counted as somebody new until that was told.
    assert enrolled == [16, 25, 24, 24, 24, 24]
    # Only the last two months brought nothing.
    assert len({tuple(state.items()) for state in stored.values()}) == len(ARRIVALS) - 1
    assert query(home.warehouse, "SELECT count(*) FROM core.participant_alias").item() == 1
    for day in ARRIVALS:
        again = _state(home, day, day)
        different = sorted(name for name in again if again[name] != stored[day].get(name))
        assert not different, f"as of {day}"
    # What has come in since is another state of the same day.
    assert _state(home, ARRIVALS[2], None) != stored[ARRIVALS[2]]
