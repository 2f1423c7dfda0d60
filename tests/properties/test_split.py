"""Judging any rows: each ends in one place, no rule is silent, and plain Python agrees."""

from datetime import date
from itertools import groupby
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import reference
from pipeline.programme import Programme, parse_programme
from pipeline.quality.answers import with_counts
from pipeline.quality.judgement import split
from pipeline.quality.rules import ROW_RULES, RULES, Circumstances
from pipeline.reading.cells import UNRECOGNISED
from pipeline.reading.registers import TYPES
from pipeline.vocabulary import DuplicatePolicy, Kind, Severity

EXAMPLE = reference.example_programme().replace("[proqol5]", "[proqol5, phq4, pss10]")
PROGRAMMES = {
    policy: parse_programme(EXAMPLE.replace("duplicates: first_complete", f"duplicates: {policy}"))
    for policy in DuplicatePolicy
}
PHQ4 = reference.instruments()["phq4"]
RECEIVED = date(2026, 6, 30)

people = st.sampled_from([None, "v1-a", "v1-b"])
days = st.one_of(st.none(), st.dates(date(2026, 6, 26), date(2026, 7, 2)))
FIELDS = {Kind.QUESTIONNAIRE: ["completed_on", "arm", "gender"]} | {
    kind: [*fields, "rank", "ethnicity", "service_years"] for kind, fields in TYPES.items()
}
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    pl.Date(): days,
    pl.Int32(): st.one_of(st.none(), st.integers(-1, 12)),
    pl.Boolean(): st.one_of(st.none(), st.booleans()),
    pl.String(): st.sampled_from([None, "x"]),
}


@st.composite
def canonical(draw: st.DrawFn, kind: Kind) -> pl.DataFrame:
    """Rows as reading and pseudonymising hand them on, nulls wherever they may be."""
    types: dict[str, Any] = {"participant_id": pl.String(), "is_test": pl.Boolean()}
    types["unrecognised"] = pl.List(pl.String())
    strategies: dict[str, st.SearchStrategy[Any]] = {
        "participant_id": people,
        "is_test": st.booleans(),
        "unrecognised": st.lists(st.sampled_from(FIELDS[kind]), unique=True, max_size=2),
    }
    if kind == Kind.QUESTIONNAIRE:
        types |= {"wave": pl.String(), "completed_on": pl.Date(), "duration_seconds": pl.Int32()}
        strategies["wave"] = st.sampled_from([None, "baseline", "baseline", "session_5"])
        answer = st.sampled_from([None, -1, 0, 1, 2, 3, 4, UNRECOGNISED])
        for number in range(1, 5):
            types[f"item_{number}"] = pl.Int16()
            strategies[f"item_{number}"] = answer
    else:
        types |= TYPES[kind]
        if kind == Kind.ATTENDANCE:
            strategies["cancelled"] = st.booleans()
    for name, dtype in types.items():
        strategies.setdefault(name, VALUES[dtype] if dtype in VALUES else st.none())
    rows = draw(st.lists(st.fixed_dictionaries(strategies), max_size=8))
    frame = pl.DataFrame(rows, schema=types).with_columns(
        pl.int_range(2, pl.len() + 2, dtype=pl.Int32).alias("row_number")
    )
    if kind == Kind.QUESTIONNAIRE:
        return frame.with_columns(pl.lit("phq4").alias("instrument"))
    return frame


def circumstances(kind: Kind, programme: Programme) -> Circumstances:
    return Circumstances(programme, RECEIVED, PHQ4 if kind == Kind.QUESTIONNAIRE else None)


kinds_and_rows = st.sampled_from(list(Kind)).flatmap(
    lambda kind: st.tuples(st.just(kind), canonical(kind))
)
drawn = settings(deadline=None, max_examples=80)


@drawn
@given(kinds_and_rows, st.sampled_from(DuplicatePolicy))
def test_every_row_is_accepted_or_rejected_and_never_both(
    given: tuple[Kind, pl.DataFrame], policy: DuplicatePolicy
) -> None:
    kind, rows = given
    judged = split(rows, kind, circumstances(kind, PROGRAMMES[policy]))
    accepted = judged.accepted["row_number"].to_list()
    rejected = set(judged.findings.filter(severity="reject")["row_number"])
    assert len(set(accepted)) == len(accepted)
    assert set(accepted) | rejected == set(rows["row_number"])
    assert not set(accepted) & rejected


@drawn
@given(kinds_and_rows)
def test_no_rule_answers_null(given: tuple[Kind, pl.DataFrame]) -> None:
    kind, rows = given
    asked = circumstances(kind, PROGRAMMES[DuplicatePolicy.LAST])
    if kind == Kind.QUESTIONNAIRE:
        rows = with_counts(rows, PHQ4)
    for rule in ROW_RULES:
        if kind in rule.kinds and rule.breaks is not None:
            broken = rows.select(rule.breaks(asked).alias("broken"))["broken"]
            assert broken.dtype == pl.Boolean
            assert not broken.has_nulls(), rule.name


@drawn
@given(kinds_and_rows)
def test_findings_name_known_rules_once_and_flags_are_the_warnings(
    given: tuple[Kind, pl.DataFrame],
) -> None:
    kind, rows = given
    judged = split(rows, kind, circumstances(kind, PROGRAMMES[DuplicatePolicy.LAST]))
    named = judged.findings.select("row_number", "rule", "severity").rows()
    assert len(set(named)) == len(named)
    for _, name, severity in named:
        assert kind in RULES[name].kinds
        assert severity == RULES[name].severity.value
    warnings = {(row, name) for row, name, severity in named if severity == Severity.WARN.value}
    for row in judged.accepted.iter_rows(named=True):
        assert set(row["flags"]) == {
            name for number, name in warnings if number == row["row_number"]
        }


KEYS = {
    Kind.QUESTIONNAIRE: ("participant_id", "wave", "instrument"),
    Kind.ROSTER: ("participant_id",),
    Kind.ATTENDANCE: ("participant_id", "session_number"),
    Kind.DEPARTURES: ("participant_id",),
}


def best_by_hand(rows: list[dict[str, Any]], kind: Kind, policy: DuplicatePolicy) -> int:
    """Which of several rows for one thing stays, as the catalogue says it in words."""
    if kind == Kind.ROSTER:
        return min(row["row_number"] for row in rows)
    if kind != Kind.QUESTIONNAIRE:
        return max(row["row_number"] for row in rows)

    def answered(row: dict[str, Any]) -> int:
        return sum(row[f"item_{number}"] is not None for number in range(1, 5))

    def when(row: dict[str, Any]) -> tuple[date, int]:
        return (row["completed_on"] or date.max, row["row_number"])

    dated = [row for row in rows if row["completed_on"] is not None] or rows
    if policy == DuplicatePolicy.LAST:
        latest = max(dated, key=lambda row: (row["completed_on"] or date.min, row["row_number"]))
        return int(latest["row_number"])
    if policy == DuplicatePolicy.FIRST_COMPLETE:
        rows = [row for row in rows if answered(row) == 4] or rows
    else:
        rows = [row for row in rows if answered(row) == max(map(answered, rows))]
    return int(min(rows, key=when)["row_number"])


@drawn
@given(kinds_and_rows, st.sampled_from(DuplicatePolicy))
def test_of_sound_rows_for_one_thing_the_one_in_the_policy_stays(
    given: tuple[Kind, pl.DataFrame], policy: DuplicatePolicy
) -> None:
    kind, rows = given
    judged = split(rows, kind, circumstances(kind, PROGRAMMES[policy]))
    unsound = {
        row
        for row, name in judged.findings.filter(severity="reject")
        .select("row_number", "rule")
        .rows()
        if not name.startswith("duplicate_")
    }
    sound = [row for row in rows.iter_rows(named=True) if row["row_number"] not in unsound]

    def key(row: dict[str, Any]) -> str:
        return str([row[name] for name in KEYS[kind]])

    expected = [
        best_by_hand(list(group), kind, policy)
        for _, group in groupby(sorted(sound, key=key), key=key)
    ]
    assert judged.accepted["row_number"].to_list() == sorted(expected)


def longest_run(answers: list[int | None]) -> int:
    runs = (len(list(run)) for answer, run in groupby(answers) if answer is not None)
    return max(runs, default=0)


@pytest.mark.parametrize(("name", "length"), [("pss10", 5), ("proqol5", 15), ("phq4", None)])
@drawn
@given(st.data())
def test_straight_lining_is_a_run_of_half_the_items(
    name: str, length: int | None, data: st.DataObject
) -> None:
    instrument = reference.instruments()[name]
    run = st.tuples(st.sampled_from([None, 1, 2]), st.integers(1, instrument.items))
    drawn_runs = data.draw(st.lists(run, min_size=1, max_size=9))
    answers = [answer for answer, times in drawn_runs for _ in range(times)] * instrument.items
    answers = answers[: instrument.items]
    frame = pl.DataFrame(
        {f"item_{n}": [answer] for n, answer in enumerate(answers, start=1)},
        schema={f"item_{n}": pl.Int16 for n in range(1, instrument.items + 1)},
    )
    programme = PROGRAMMES[DuplicatePolicy.LAST]
    breaks = RULES["straight_lining"].breaks
    assert breaks is not None
    broken = with_counts(frame, instrument).select(
        breaks(Circumstances(programme, RECEIVED, instrument)).alias("broken")
    )
    expected = length is not None and longest_run(answers) >= length
    assert broken["broken"].to_list() == [expected]
