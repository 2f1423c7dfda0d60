"""Questions about follow-up, asked once more with plain loops."""

from collections import Counter, defaultdict
from statistics import median

import pytest
from small_evaluation import AS_OF, WAVES

from pipeline import tables

ORGANISATIONS = ["simulated-east", "simulated-north", "simulated-south", "simulated-west", "all"]
ANSWERED = {"completed", "completed_out_of_window"}


def _place(row: dict, *names: str) -> tuple:
    """Totals last, in the order of the programme's waves."""
    return tuple(
        WAVES.index(row[name]) if "wave" in name else (row[name] == "all", row[name])
        for name in names
    )


def test_overdue_are_the_open_ones_past_their_due_day(answer, rows):
    people = {p["participant_id"]: p for p in rows(tables.PARTICIPANTS)}
    expected = []
    for wave in rows(tables.PARTICIPANT_WAVES):
        if wave["status"] == "open" and wave["due_on"] < AS_OF:
            person = people[wave["participant_id"]]
            expected.append(
                (
                    person["organisation"],
                    WAVES.index(wave["wave"]),
                    wave["due_on"],
                    wave["participant_id"],
                    (AS_OF - wave["due_on"]).days,
                    (wave["missed_after"] - AS_OF).days,
                    person["session_group"],
                )
            )
    found = [
        (
            row["organisation"],
            WAVES.index(row["wave"]),
            row["due_on"],
            row["participant_id"],
            row["days_overdue"],
            row["days_left"],
            row["session_group"],
        )
        for row in answer("who_is_overdue")
    ]
    assert found == sorted(expected)
    due = {(r["organisation"], r["wave"]): r["overdue"] for r in rows(tables.FOLLOW_UP_DUE)}
    assert len(found) == sum(n for (organisation, _), n in due.items() if organisation == "all")


def test_the_share_answered_is_of_those_of_whom_it_is_decided(answer, rows):
    statuses = defaultdict(Counter)
    for row in rows(tables.PARTICIPANT_WAVES):
        for organisation in (row["organisation"], "all"):
            statuses[organisation, row["wave"]][row["status"]] += 1
    found = answer("how_many_answered")
    assert [(r["organisation"], r["wave"]) for r in found] == [
        (organisation, wave) for organisation in ORGANISATIONS for wave in WAVES
    ]
    for row in found:
        counted = statuses[row["organisation"], row["wave"]]
        came, missed = sum(counted[s] for s in ANSWERED), counted["missed"]
        assert (row["answered"], row["missed"]) == (came, missed)
        assert row["share_answered"] == pytest.approx(came / (came + missed))


def test_shares_of_statuses_are_of_everybody_of_the_denominator(answer, rows):
    people = rows(tables.PARTICIPANTS)
    found = answer("what_became_of_the_enrolled")
    enrolled = Counter(
        key
        for p in people
        for organisation in (p["organisation"], "all")
        for arm in (p["arm"], "all")
        for key in (
            [(organisation, arm, "enrolled")]
            + [(organisation, arm, "two_sessions")] * (p["sessions_attended"] >= 2)
        )
    )
    together = defaultdict(float)
    for row in found:
        key = row["organisation"], row["arm"], row["denominator"]
        assert row["n_enrolled"] == enrolled[key]
        assert row["share"] == pytest.approx(row["n"] / enrolled[key])
        together[*key, row["wave"]] += row["share"]
    assert list(together.values()) == pytest.approx([1] * len(together))
    assert {row["wave"] for row in found} == set(WAVES)
    keys = [_place(row, "organisation", "arm") for row in found]
    assert keys == sorted(keys)


def test_dropout_stages_are_counted_once_for_each_officer(answer, rows):
    people = rows(tables.PARTICIPANTS)
    stages = Counter(p["dropout_stage"] for p in people)
    found = {
        row["dropout_stage"]: row
        for row in answer("where_officers_drop_out")
        if (row["organisation"], row["arm"], row["denominator"]) == ("all", "all", "enrolled")
    }
    assert {stage: row["n"] for stage, row in found.items() if row["n"]} == dict(stages)
    assert list(found) == [
        s
        for s in (
            "never_attended",
            "after_first_session",
            "during_programme",
            "during_follow_up",
            "none",
            "too_early",
        )
        if s in found
    ]
    for row in found.values():
        assert row["share"] == pytest.approx(row["n"] / len(people))


def test_patterns_have_a_sign_for_every_wave(answer, rows):
    signs = {"open": ".", "not_yet_due": ".", "not_scheduled": "n"} | dict.fromkeys(ANSWERED, "x")
    patterns = defaultdict(lambda: ["?"] * len(WAVES))
    for row in rows(tables.PARTICIPANT_WAVES):
        place = WAVES.index(row["wave"])
        patterns[row["participant_id"]][place] = signs.get(row["status"], "-")
    expected = Counter(
        (p["organisation"], p["arm"], "".join(patterns[p["participant_id"]]))
        for p in rows(tables.PARTICIPANTS)
    )
    found = answer("which_waves_were_answered")
    assert {(r["organisation"], r["arm"], r["pattern"]): r["n"] for r in found} == expected
    for row in found:
        pattern = row["pattern"]
        assert row["waves_answered"] == pattern.count("x")
        came_back = "-" in pattern and "x" in pattern[pattern.index("-") :]
        assert row["came_back"] is came_back, pattern
    assert any(row["came_back"] for row in found)
    keys = [(r["organisation"], r["arm"], -r["n"], r["pattern"]) for r in found]
    assert keys == sorted(keys)


def test_retention_is_that_of_its_table_with_a_word_for_enrolment(answer, rows):
    found = answer("how_many_still_take_part")
    by_key = {
        (r["organisation"], r["arm"], r["denominator"], r["time"]): r
        for r in rows(tables.RETENTION)
    }
    assert len(found) == len(by_key)
    for row in found:
        source = by_key[row["organisation"], row["arm"], row["denominator"], row["time"]]
        assert row["after"] == (source["wave"] or "enrolment")
        for name in ("n_at_risk", "n_left", "retained", "ci_low", "ci_high", "dropped_out"):
            assert row[name] == source[name]
    keys = [_place(row, "organisation", "arm") for row in found]
    assert keys == sorted(keys)


def test_days_to_the_answer_are_those_of_known_days(answer, rows):
    days, in_window = defaultdict(list), defaultdict(list)
    for row in rows(tables.PARTICIPANT_WAVES):
        if row["status"] in ANSWERED and row["completed_on"]:
            for organisation in (row["organisation"], "all"):
                key = organisation, row["wave"]
                days[key].append((row["completed_on"] - row["due_on"]).days)
                in_window[key].append(
                    row["window_opens_on"] <= row["completed_on"] <= row["window_closes_on"]
                )
    found = answer("when_answers_come")
    assert {(r["organisation"], r["wave"]) for r in found} == set(days)
    for row in found:
        key = row["organisation"], row["wave"]
        assert row["n"] == len(days[key])
        assert row["half_by"] == median(days[key])
        assert row["quarter_by"] <= row["half_by"] <= row["three_quarters_by"]
        assert row["share_in_window"] == pytest.approx(sum(in_window[key]) / len(days[key]))
    assert [_place(r, "organisation", "wave") for r in found] == sorted(
        _place(r, "organisation", "wave") for r in found
    )


def test_attendance_counts_only_what_a_register_says(answer, rows):
    marks, minutes = defaultdict(Counter), defaultdict(list)
    for row in rows(tables.ATTENDANCE):
        mark = "cancelled" if row["cancelled"] else row["attended"]
        for organisation in (row["organisation"], "all"):
            marks[organisation, row["session_number"]][mark] += 1
            if mark is True and row["minutes"] is not None:
                minutes[organisation, row["session_number"]].append(row["minutes"])
    found = answer("attendance_by_session")
    assert [(r["organisation"], r["session_number"]) for r in found] == [
        (organisation, session) for organisation in ORGANISATIONS for session in range(1, 5)
    ]
    for row in found:
        key = row["organisation"], row["session_number"]
        came, stayed_away = marks[key][True], marks[key][False]
        assert (row["n_registered"], row["n_attended"]) == (came + stayed_away, came)
        assert row["n_cancelled"] == marks[key]["cancelled"]
        assert row["share_attended"] == pytest.approx(came / (came + stayed_away))
        assert row["median_minutes"] == median(minutes[key])
