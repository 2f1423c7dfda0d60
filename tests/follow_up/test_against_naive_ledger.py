"""The ledger against a second, naive implementation in plain Python, and what holds of any ledger.

The naive one follows METHODS' sentences officer by officer, with lists and loops, and shares no
code with the room.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import product
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import tables
from pipeline.follow_up import (
    ATTENDANCE_SCHEMA,
    DEPARTURES_SCHEMA,
    RESPONSES_SCHEMA,
    ROSTER_SCHEMA,
    Ledger,
    build_ledger,
)
from pipeline.programme import Wave, parse_programme

PROGRAMME = parse_programme("""
programme: drawn
title: Drawn at random
instruments: [phq4, proqol5]
primary: {instrument: proqol5, subscale: burnout, from_wave: baseline, to_wave: session_10}
waves:
  - {wave: baseline, due_after_days: 0}
  - {wave: session_5, due_after_days: 56, not_held_by: [unit]}
  - {wave: session_10, due_after_days: 126, grace_days: 21}
  - {wave: follow_up_3m, due_after_days: 217, follow_up: true, not_held_by: [declared, unit]}
  - {wave: follow_up_6m, due_after_days: 308, follow_up: true}
arms:
  - programme
  - {arm: waiting_list, role: waiting_list, begins_after_days: 28}
  - {arm: elsewhere, role: comparison}
organisations:
  - {organisation: declared, name: Simulated declared, kind: police_force}
  - {organisation: unit, name: Simulated unit, kind: violence_reduction_unit}
cohorts:
  - {organisation: declared, cohort: a, starts_on: 2025-01-20}
  - {organisation: unit, cohort: all, starts_on: 2025-02-03}
""")
WITH_ROSTER = {"declared", "undeclared", "unit"}
ORGANISATIONS = ["declared", "undeclared", "unit", "no_roster", "no_roster_either"]
OFFICERS = ["p1", "p2", "p3", "p4"]
MEASUREMENTS = list(product(OFFICERS, PROGRAMME.wave_names, PROGRAMME.instruments))
WAITED_FOR = "session_10"
"""The wave with days of grace."""
FIRST = date(2025, 1, 20)
DAY = timedelta(days=1)

Row = dict[str, Any]


@dataclass
class World:
    """What came in, as plain rows."""

    roster: list[Row]
    attendance: list[Row]
    departures: list[Row]
    responses: list[Row]
    scored: set[int] = field(default_factory=set)

    def ledger(self, as_of: date) -> Ledger:
        scores = [
            {**row, "subscale": s, "raw_score": 20.0 if row["response_id"] in self.scored else None}
            for row in self.responses
            for s in ("burnout", "other")
        ]
        return build_ledger(
            frame(self.roster, ROSTER_SCHEMA),
            frame(self.attendance, ATTENDANCE_SCHEMA),
            frame(self.departures, DEPARTURES_SCHEMA),
            frame(self.responses, RESPONSES_SCHEMA),
            frame(scores, tables.SCORES.frame_schema),
            organisations_with_roster=WITH_ROSTER,
            programme=PROGRAMME,
            as_of=as_of,
        )


def frame(rows: list[Row], schema: pl.Schema) -> pl.DataFrame:
    return pl.DataFrame([[row.get(name) for name in schema] for row in rows], schema, orient="row")


# What is drawn: few officers, groups and days, so that they meet; days on the edges of windows.


def edges_of(wave: Wave) -> list[date]:
    due = FIRST + timedelta(days=wave.due_after_days)
    shifts = (-15, -14, 28, 29) + ((49, 50) if wave.wave == WAITED_FOR else ())
    return [due + timedelta(days=shift) for shift in shifts]


edges = sorted(day for wave in PROGRAMME.waves for day in edges_of(wave))
days = st.sampled_from(edges)
session_days = st.none() | st.sampled_from([FIRST + timedelta(days=n) for n in range(-14, 98, 14)])
mostly_declared = ["declared"] * 4


def numbered(rows: list[Row]) -> list[Row]:
    return [
        {**row, "submission_id": f"s{number % 2}", "row_number": number}
        for number, row in enumerate(rows)
    ]


roster_rows = st.fixed_dictionaries(
    {
        "participant_id": st.sampled_from(OFFICERS),
        "organisation": st.sampled_from([*mostly_declared, *sorted(WITH_ROSTER)]),
        "session_group": st.sampled_from([None, "g1", "g2"]),
        "cohort": st.sampled_from(["a", "a", None, "b"]),
        "arm": st.sampled_from([None, "programme", "waiting_list", "elsewhere"]),
        "gender": st.sampled_from([None, "female", "male"]),
        "enrolled_on": st.none() | days,
    }
).map(lambda row: {**row, "home_force": f"force of {row['participant_id']}"})
attendance_rows = st.fixed_dictionaries(
    {
        "participant_id": st.sampled_from(OFFICERS),
        "organisation": st.sampled_from([*mostly_declared, *ORGANISATIONS]),
        "session_group": st.sampled_from([None, "g1", "g2"]),
        "session_number": st.integers(1, 6),
        "held_on": session_days,
        "cancelled": st.sampled_from([False, False, False, True]),
        "attended": st.sampled_from([True, True, False, None]),
        "minutes": st.sampled_from([None, 60, 90]),
        "absence_reason": st.sampled_from([None, "sickness", "secondment"]),
    }
)
departure_rows = st.fixed_dictionaries(
    {
        "participant_id": st.sampled_from(OFFICERS),
        "organisation": st.just("declared"),
        "departed_on": days,
        "departure_kind": st.sampled_from(["withdrew", "left_organisation"]),
    }
)
response_rows = st.sampled_from(PROGRAMME.waves).flatmap(
    lambda wave: st.fixed_dictionaries(
        {
            "participant_id": st.sampled_from(OFFICERS),
            "organisation": st.sampled_from(ORGANISATIONS),
            "wave": st.just(wave.wave),
            "instrument": st.sampled_from(PROGRAMME.instruments),
            "completed_on": st.none() | st.sampled_from(edges_of(wave)),
            "arm": st.sampled_from([None, "waiting_list", "elsewhere"]),
            "gender": st.sampled_from([None, "female"]),
        }
    ).map(
        lambda row: {
            **row,
            "home_force": f"force of {row['participant_id']}",
            "response_id": MEASUREMENTS.index(
                (row["participant_id"], row["wave"], row["instrument"])
            ),
        }
    )
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    responses = draw(
        st.lists(response_rows, min_size=4, max_size=14, unique_by=lambda r: r["response_id"])
    )
    ids = [row["response_id"] for row in responses]
    return World(
        numbered(draw(st.lists(roster_rows, min_size=3, max_size=6))),
        numbered(draw(st.lists(attendance_rows, min_size=8, max_size=24))),
        numbered(draw(st.lists(departure_rows, max_size=3))),
        numbered(responses),
        {name for name in ids if draw(st.integers(0, 3))},
    )


# The naive ledger.


def first_known(rows: list[Row], name: str) -> Any:
    return next((row[name] for row in rows if row[name] is not None), None)


def late_if_unknown(day: date | None) -> date:
    return day or date.max


def early_if_unknown(day: date | None) -> date:
    return day or date.min


def naive_people(world: World, as_of: date) -> dict[str, Row]:
    people: dict[str, Row] = {}
    for officer in OFFICERS:
        listed = sorted(
            (row for row in world.roster if row["participant_id"] == officer),
            key=lambda r: (late_if_unknown(r["enrolled_on"]), r["organisation"], r["row_number"]),
        )
        answers = sorted(
            (
                row
                for row in world.responses
                if row["participant_id"] == officer
                and (row["organisation"] not in WITH_ROSTER or listed)
            ),
            key=lambda r: (
                early_if_unknown(r["completed_on"]),
                r["organisation"],
                r["response_id"],
            ),
        )
        came = any(r["attended"] for r in world.attendance if r["participant_id"] == officer)
        if listed:
            enrolled_on = listed[0]["enrolled_on"]
            if enrolled_on and enrolled_on > as_of and not answers and not came:
                continue
            placed = [row for row in listed if row["cohort"] or row["session_group"]]
            whose = placed[0]["organisation"] if placed else listed[0]["organisation"]
            same = [row for row in listed if row["organisation"] == whose]
            people[officer] = {
                "organisation": listed[0]["organisation"],
                "enrolled_on": enrolled_on,
                "enrolment_source": "roster",
                "arm": first_known(listed, "arm") or "programme",
                "gender": first_known(listed, "gender"),
                "cohort": first_known(same, "cohort"),
                "cohort_organisation": whose,
                "session_group": first_known(same, "session_group"),
            }
        elif answers:
            whose = answers[0]["organisation"]
            known = [row["completed_on"] for row in answers if row["completed_on"]]
            people[officer] = {
                "organisation": whose,
                "enrolled_on": min(known, default=None),
                "enrolment_source": "first_response",
                "arm": first_known(answers, "arm") or "programme",
                "gender": first_known(answers, "gender"),
                "cohort": None,
                "cohort_organisation": whose,
                "session_group": None,
            }
    return people


def naive_starts(world: World, people: dict[str, Row]) -> dict[tuple[str, str | None], date]:
    declared = {("declared", "a"): FIRST, ("unit", None): date(2025, 2, 3)}
    declared |= {("unit", cohort): date(2025, 2, 3) for cohort in ("a", "b")}
    starts: dict[tuple[str, str | None], date] = {}
    for row in world.attendance:
        person = people.get(row["participant_id"])
        if person is None or row["session_number"] != 1 or row["cancelled"] or not row["held_on"]:
            continue
        groups = (row["session_group"], person["session_group"])
        if None not in groups and groups[0] != groups[1]:
            continue
        if person["arm"] == "elsewhere":
            continue
        begun = row["held_on"] - 28 * DAY if person["arm"] == "waiting_list" else row["held_on"]
        cohort = (person["cohort_organisation"], person["cohort"])
        starts[cohort] = min(starts.get(cohort, date.max), begun)
    return starts | declared


def naive_sessions(world: World) -> dict[tuple[str, int], Row]:
    """One row for each officer and session."""

    def weight(row: Row) -> tuple[Any, ...]:
        came = row["attended"] if not row["cancelled"] else None
        return (
            {None: 0, False: 1, True: 2}[came],
            not row["cancelled"],
            early_if_unknown(row["held_on"]),
            row["minutes"] or 0,
            row["absence_reason"] is not None,
            row["organisation"],
            row["submission_id"],
            row["row_number"],
        )

    sessions: dict[tuple[str, int], Row] = {}
    for row in sorted(world.attendance, key=weight):
        attended = None if row["cancelled"] else row["attended"]
        sessions[row["participant_id"], row["session_number"]] = {**row, "attended": attended}
    return sessions


def naive_status(
    world: World, officer: str, person: Row, wave: Wave, *, start: date | None, as_of: date
) -> Row:
    opens = closes = waited_for = None
    if start is not None:
        due = start + wave.due_after_days * DAY
        opens, closes = due - 14 * DAY, due + 28 * DAY
        waited_for = closes + 21 * DAY if wave.wave == WAITED_FOR else closes
    answers = {
        row["instrument"]: row
        for row in world.responses
        if row["participant_id"] == officer and row["wave"] == wave.wave
    }
    if answers:
        row = answers.get("proqol5") or answers["phq4"]
        on = row["completed_on"]
        if row["response_id"] not in world.scored:
            status = "partial"
        elif on is None or opens is None or opens <= on <= closes:
            status = "completed"
        else:
            status = "completed_out_of_window"
        answer = {"response_id": row["response_id"], "completed_on": on, "missed_after": waited_for}
        return {"status": status, "reason": None, **answer}

    reason = None
    gone = naive_departure(world, officer)
    if gone and (closes is None or gone["departed_on"] <= closes):
        left = gone["departure_kind"] == "left_organisation"
        status = "left_organisation" if left else "withdrawn"
    elif person["organisation"] in wave.not_held_by:
        status = "not_scheduled"
    elif opens is None:
        status, reason = "not_yet_due", "cohort start unknown"
    elif as_of < opens:
        status = "not_yet_due"
    else:
        status = "open" if as_of <= waited_for else "missed"
        reason = naive_reason(world, officer, closes)
    answer = {"response_id": None, "completed_on": None, "missed_after": waited_for}
    return {"status": status, "reason": reason, **answer}


def naive_reason(world: World, officer: str, closes: date | None) -> str | None:
    reason = None
    rows = [
        row
        for (who, _), row in naive_sessions(world).items()
        if who == officer and row["held_on"] and row["held_on"] <= closes
    ]
    for row in sorted(rows, key=lambda row: (row["held_on"], row["session_number"])):
        if row["attended"]:
            reason = None
        elif row["absence_reason"]:
            reason = row["absence_reason"]
    return reason


def naive_departure(world: World, officer: str) -> Row | None:
    rows = [row for row in world.departures if row["participant_id"] == officer]
    return min(rows, key=lambda r: (r["departed_on"], r["departure_kind"]), default=None)


def naive_stage(
    officer: str,
    people: dict[str, Row],
    groups: dict[str, str | None],
    sessions: dict[tuple[str, int], Row],
    statuses: list[str],
) -> tuple[int | None, str]:
    person = people[officer]
    held: dict[int, bool] = {}
    for (who, number), row in sessions.items():
        if row["cancelled"] or row["attended"] is None:
            continue
        if row["held_on"] is None and not row["attended"]:
            continue
        other = people[who]
        if "elsewhere" in (person["arm"], other["arm"]):
            continue
        sat_with = row["session_group"] or groups[who]
        same_cohort = all(person[name] == other[name] for name in ("cohort_organisation", "cohort"))
        same_cohort &= (person["arm"] == "waiting_list") == (other["arm"] == "waiting_list")
        mine = sat_with == groups[officer] if groups[officer] else same_cohort
        if who == officer:
            held[number] = held.get(number, False) or row["attended"]
        elif mine:
            held.setdefault(number, False)
    marks = [held[number] for number in sorted(held)]
    attended = sum(marks)

    answered = [s in ("completed", "completed_out_of_window", "partial") for s in statuses]
    lost = any(
        wave.follow_up and statuses[place] == "missed" and not any(answered[place + 1 :])
        for place, wave in enumerate(PROGRAMME.waves)
    )
    decided = [place for place, s in enumerate(statuses) if s == "missed" or answered[place]]

    stage = "too_early"
    if marks and attended == 0:
        stage = "never_attended"
    elif attended == 1 and len(marks) - marks.index(True) > 2:
        stage = "after_first_session"
    elif attended >= 2 and not any(marks[-3:]):
        stage = "during_programme"
    elif lost:
        stage = "during_follow_up"
    elif attended >= 2 or (decided and decided[-1] > 0 and answered[decided[-1]]):
        stage = "none"
    return (attended if marks else None), stage


def naive_ledger(world: World, as_of: date) -> tuple[list[Row], list[Row], list[Row]]:
    """Rows of participant_waves, participants and memberships."""

    def past(rows: list[Row], day: str) -> list[Row]:
        return [row for row in rows if row[day] is None or row[day] <= as_of]

    world = World(
        world.roster,
        past(world.attendance, "held_on"),
        past(world.departures, "departed_on"),
        past(world.responses, "completed_on"),
        world.scored,
    )
    for row in world.attendance:
        row["attended"] = None if row["cancelled"] else row["attended"]
    people = naive_people(world, as_of)
    world.attendance = [row for row in world.attendance if row["participant_id"] in people]
    starts = naive_starts(world, people)
    sessions = naive_sessions(world)
    groups = {}
    for officer, person in people.items():
        named = [
            row
            for row in world.attendance
            if row["participant_id"] == officer
            and row["session_group"]
            and row["organisation"] == person["cohort_organisation"]
        ]
        named.sort(
            key=lambda r: (early_if_unknown(r["held_on"]), r["session_number"], r["session_group"])
        )
        groups[officer] = person["session_group"] or (named[-1]["session_group"] if named else None)

    waves: list[Row] = []
    participants: list[Row] = []
    seen: dict[tuple[str, str], list[date]] = {}
    for officer, person in sorted(people.items()):
        start = starts.get((person["cohort_organisation"], person["cohort"]))
        rows = [
            naive_status(world, officer, person, wave, start=start, as_of=as_of)
            for wave in PROGRAMME.waves
        ]
        for wave, row in zip(PROGRAMME.waves, rows, strict=True):
            waves.append({"participant_id": officer, "wave": wave.wave, **row})
        scored = [
            wave.wave
            for wave, row in zip(PROGRAMME.waves, rows, strict=True)
            if row["status"] in ("completed", "completed_out_of_window")
        ]
        sessions_attended, stage = naive_stage(
            officer, people, groups, sessions, [row["status"] for row in rows]
        )
        gone = naive_departure(world, officer) or {}
        participants.append(
            {
                "participant_id": officer,
                **{k: v for k, v in person.items() if k != "cohort_organisation"},
                "session_group": groups[officer],
                "departed_on": gone.get("departed_on"),
                "departure_kind": gone.get("departure_kind"),
                "sessions_attended": sessions_attended,
                "dropout_stage": stage,
                "last_wave_completed": scored[-1] if scored else None,
            }
        )
        for kind, day in (
            (past(world.roster, "enrolled_on"), "enrolled_on"),
            (world.attendance, "held_on"),
            (world.responses, "completed_on"),
        ):
            for row in kind:
                if row["participant_id"] == officer:
                    days_seen = seen.setdefault((officer, row["organisation"]), [])
                    if row[day] and (day != "held_on" or row["attended"]):
                        days_seen.append(row[day])
    memberships = [
        {
            "participant_id": officer,
            "organisation": organisation,
            "first_seen_on": min(when, default=None),
            "last_seen_on": max(when, default=None),
        }
        for (officer, organisation), when in sorted(seen.items())
    ]
    return waves, participants, memberships


def same_rows(got: pl.DataFrame, expected: list[Row], key: list[str]) -> None:
    names = list(expected[0]) if expected else key
    rows = got.select(names).sort(key).to_dicts()
    assert rows == sorted(expected, key=lambda row: tuple(row[name] for name in key))


drawn = settings(
    derandomize=True,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    database=None,
)


@settings(drawn, max_examples=150)
@given(worlds(), days)
def test_agrees_with_the_naive_ledger(world: World, as_of: date) -> None:
    ledger = world.ledger(as_of)
    waves, participants, memberships = naive_ledger(world, as_of)
    same_rows(ledger.participant_waves, waves, ["participant_id", "wave"])
    same_rows(ledger.participants, participants, ["participant_id"])
    same_rows(ledger.memberships, memberships, ["participant_id", "organisation"])


@drawn
@given(worlds(), days, days)
def test_every_officer_and_wave_once_and_never_again_not_yet_due(
    world: World, one: date, other: date
) -> None:
    earlier, later = (world.ledger(day) for day in sorted((one, other)))
    for ledger in (earlier, later):
        enrolled = ledger.participants["participant_id"]
        pairs = ledger.participant_waves.select("participant_id", "wave").rows()
        assert sorted(pairs) == sorted((p, w) for p in enrolled for w in PROGRAMME.wave_names)
    both = earlier.participant_waves.join(
        later.participant_waves, on=["participant_id", "wave"], how="left", suffix="_later"
    )
    assert not both["status_later"].has_nulls(), "who has enrolled stays enrolled"
    fell_back = both.filter(status_later="not_yet_due").filter(pl.col("status") != "not_yet_due")
    assert fell_back.is_empty(), fell_back


@drawn
@given(worlds(), days, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(world: World, as_of: date, random: Any) -> None:
    shuffled = World(
        *(
            random.sample(rows, len(rows))
            for rows in (world.roster, world.attendance, world.departures, world.responses)
        ),
        world.scored,
    )
    first, second = world.ledger(as_of), shuffled.ledger(as_of)
    for name in ("participants", "memberships", "attendance", "participant_waves"):
        assert getattr(first, name).equals(getattr(second, name)), name
