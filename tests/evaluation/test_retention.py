"""Who dropped out when, officer by officer, and the tables of retention made from it."""

from collections.abc import Callable, Mapping
from datetime import date
from itertools import product
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import tables
from pipeline.evaluation import retention as module
from pipeline.evaluation.retention import retention, retention_comparison
from pipeline.evaluation.survival import aalen_johansen, kaplan_meier, log_rank
from pipeline.evaluation.taking_part import taking_part
from pipeline.programme import Programme
from pipeline.vocabulary import WaveStatus

Frames = Callable[..., pl.DataFrame]
Officer = tuple[str, str, int | None, tuple[str, ...]]
Table = Callable[[pl.DataFrame, Programme], pl.DataFrame]

AS_OF = date(2026, 1, 1)
ANSWERED = {"completed", "completed_out_of_window", "partial"}
DEPARTED_BEFORE_CLOSING = ["withdrawn*", "left_organisation*", "withdrawn?", "left_organisation?"]
_officers = st.lists(
    st.tuples(
        st.sampled_from(["north", "south", "west"]),
        st.sampled_from(["programme", "waiting_list"]),
        st.none() | st.integers(0, 4),
        st.tuples(
            *[st.sampled_from([*[status.value for status in WaveStatus], *DEPARTED_BEFORE_CLOSING])]
            * 3
        ),
    ),
    max_size=16,
)
_a_few_populations = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="session")
def frames(participants: Frames, ledger: Frames, attended: Frames) -> Callable[..., Any]:
    def make(officers: list[Officer]) -> tuple[pl.DataFrame, pl.DataFrame]:
        enrolled = participants(
            {f"p{i}": (where, arm, None) for i, (where, arm, *_) in enumerate(officers)}
        )
        sessions = {f"p{i}": officer[2] for i, officer in enumerate(officers)}
        statuses = {f"p{i}": officer[3] for i, officer in enumerate(officers)}
        return attended(enrolled, sessions), ledger(statuses)

    return make


def _naive(statuses: tuple[str, ...]) -> tuple[int, str, bool, bool]:
    """Time, ending, whether a later wave has closed, and departing, read wave by wave."""
    time = 0
    for place, status in enumerate(statuses, 1):
        if status in ANSWERED:
            time = place
    ending = "censored"
    for status in statuses[time:]:
        if status == "not_scheduled":
            continue
        if status in {"missed", "withdrawn"}:
            ending = "dropped_out"
        elif status == "left_organisation":
            ending = "left_organisation"
        break
    not_closed = {"open", "not_yet_due", "not_scheduled"}
    later_closed = any(status not in not_closed for status in statuses[1:])
    departed = any(status.startswith(("withdrawn", "left")) for status in statuses[time:])
    return time, ending, later_closed, departed and ending == "censored"


@pytest.mark.parametrize(
    ("statuses", "time", "ending"),
    [
        ("completed completed completed", 3, "censored"),
        ("completed missed completed", 3, "censored"),
        ("completed missed missed", 1, "dropped_out"),
        ("completed missed left_organisation", 1, "dropped_out"),
        ("completed left_organisation left_organisation", 1, "left_organisation"),
        ("partial withdrawn withdrawn", 1, "dropped_out"),
        ("partial withdrawn* withdrawn*", 1, "censored"),
        ("partial withdrawn? withdrawn?", 1, "censored"),
        ("partial left_organisation* left_organisation*", 1, "censored"),
        ("partial withdrawn withdrawn*", 1, "dropped_out"),
        ("completed open withdrawn*", 1, "censored"),
        ("missed missed missed", 0, "dropped_out"),
        ("missed completed_out_of_window open", 2, "censored"),
        ("completed not_scheduled missed", 1, "dropped_out"),
        ("completed not_scheduled not_yet_due", 1, "censored"),
        ("completed completed not_scheduled", 2, "censored"),
        ("not_scheduled open not_yet_due", 0, "censored"),
        ("not_scheduled not_scheduled not_scheduled", 0, "censored"),
    ],
)
def test_what_followed_the_last_wave_answered_decides(
    frames: Callable[..., Any], programme: Programme, statuses: str, time: int, ending: str
) -> None:
    enrolled, waves = frames([("north", "programme", None, tuple(statuses.split()))])
    found = taking_part(enrolled, waves, programme, AS_OF).row(0, named=True)
    assert (found["time"], found["ending"]) == (time, ending)
    assert _naive(tuple(statuses.split()))[:2] == (time, ending)


@_a_few_populations
@given(_officers)
def test_agrees_with_reading_one_officer_after_another(
    frames: Callable[..., Any], programme: Programme, officers: list[Officer]
) -> None:
    enrolled, waves = frames(officers)
    found = taking_part(enrolled.reverse(), waves, programme, AS_OF)
    assert found.select(enrolled.columns).equals(enrolled.reverse())
    said = found.select("participant_id", "time", "ending", "later_closed", "departing")
    assert {row[0]: row[1:] for row in said.iter_rows()} == {
        f"p{i}": _naive(statuses) for i, (*_, statuses) in enumerate(officers)
    }


def _naive_groups(officers: list[Officer]) -> dict[tuple[str, str, str], list[tuple[int, str]]]:
    groups: dict[tuple[str, str, str], list[tuple[int, str]]] = {}
    for where, arm, sessions, statuses in officers:
        for cell in product((where, "all"), (arm, "all"), ("enrolled", "two_sessions")):
            members = groups.setdefault(cell, [])
            if cell[2] == "enrolled" or (sessions is not None and sessions >= 2):
                members.append(_naive(statuses)[:2])
    return groups


def _naive_risk(members: list[tuple[int, str]]) -> list[int]:
    """Who came as far as each time, without those of whom the next wave is not decided."""
    return [
        sum(at > time or (at == time and (state != "censored" or at == 3)) for at, state in members)
        for time in range(4)
    ]


def _naive_curve(members: list[tuple[int, str]]) -> list[dict[str, Any]]:
    times = range(4)
    risk = _naive_risk(members)
    ended = {
        state: [members.count((time, state)) for time in times]
        for state in ("dropped_out", "left_organisation", "censored")
    }
    ended["censored"][3] = 0
    dropped, left = ended["dropped_out"], ended["left_organisation"]
    either = [sum(pair) for pair in zip(dropped, left, strict=True)]
    rows: list[dict[str, Any]] = [
        {
            "time": time,
            "n_at_risk": risk[time],
            "n_left": either[time],
            **{f"n_{state}": counts[time] for state, counts in ended.items()},
        }
        for time in times
    ]
    shares = {
        "retained": kaplan_meier(risk, either),
        "dropped_out": aalen_johansen(risk, dropped, left),
        "left_organisation": aalen_johansen(risk, left, dropped),
    }
    for name, estimates in shares.items():
        for row, share in zip(rows, estimates, strict=False):
            low, high = share.interval or (None, None)
            limits = "ci" if name == "retained" else name
            row |= {name: share.share, f"{limits}_low": low, f"{limits}_high": high}
            if name == "retained":
                row["standard_error"] = share.standard_error
    return rows


def _by_key(table: tables.Table, frame: pl.DataFrame) -> dict[Any, dict[str, Any]]:
    return {tuple(row[name] for name in table.key): row for row in table.conform(frame).to_dicts()}


@_a_few_populations
@given(_officers)
def test_retention_agrees_with_counting_one_officer_after_another(
    frames: Callable[..., Any], programme: Programme, officers: list[Officer]
) -> None:
    found = _by_key(
        tables.RETENTION, retention(taking_part(*frames(officers), programme, AS_OF), programme)
    )
    figures = [c.name for c in tables.RETENTION.columns if c.name not in {"note", "wave"}]
    expected = {
        (*cell, row["time"]): row
        for cell, members in _naive_groups(officers).items()
        for row in _naive_curve(members)
    }
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        for name in figures[3:]:
            assert found[key][name] == row.get(name), name
        missing = any(found[key][name] is None for name in figures)
        assert missing == (found[key]["note"] is not None)


@_a_few_populations
@given(_officers)
def test_who_is_at_risk_left_or_is_at_risk_or_censored_at_the_next_time(
    frames: Callable[..., Any], programme: Programme, officers: list[Officer]
) -> None:
    made = retention(taking_part(*frames(officers), programme, AS_OF), programme)
    cell = ["organisation", "arm", "denominator"]
    came_further = (
        (pl.col("n_at_risk") - pl.col("n_left")).shift(1).over(cell)
        == pl.col("n_at_risk") + pl.col("n_censored")
    ).alias("came_further")
    assert made.select(came_further.all()).item()
    both = pl.col("n_dropped_out") + pl.col("n_left_organisation")
    assert made.select((pl.col("n_left") == both).all()).item()
    national = made.filter(organisation="all", arm="all", time=0)
    enrolled = pl.col("n_at_risk") + pl.col("n_censored")
    counted = dict(national.select("denominator", enrolled).iter_rows())
    twice = sum(sessions is not None and sessions >= 2 for _, _, sessions, _ in officers)
    assert counted == ({"enrolled": len(officers), "two_sessions": twice} if officers else {})
    shares = made.drop_nulls("retained").select(
        pl.sum_horizontal("retained", "dropped_out", "left_organisation")
    )
    assert ((shares.to_series() - 1).abs() < 1e-12).all()
    for total in ("organisation", "arm"):
        rest = [name for name in (*cell, "time") if name != total]
        sums = made.group_by(*rest, (pl.col(total) == "all").alias("is_total")).agg(
            pl.col("n_at_risk").sum()
        )
        assert sums.group_by(rest).agg(pl.col("n_at_risk").n_unique())["n_at_risk"].eq(1).all()


@_a_few_populations
@given(_officers)
def test_the_comparison_is_the_log_rank_test_of_the_organisations(
    frames: Callable[..., Any], programme: Programme, officers: list[Officer]
) -> None:
    found = _by_key(
        tables.RETENTION_COMPARISON,
        retention_comparison(taking_part(*frames(officers), programme, AS_OF), programme),
    )
    groups = _naive_groups(officers)
    assert found.keys() == {(arm, denominator) for where, arm, denominator in groups}
    for (arm, denominator), row in found.items():
        members = [
            groups[where, arm, denominator]
            for where in ("north", "south", "west")
            if groups.get((where, arm, denominator))
        ]
        assert row["n_organisations"] == len(members)
        test = None
        if len(members) > 1:
            test = log_rank(
                [list(at_once) for at_once in zip(*map(_naive_risk, members), strict=True)],
                [[group.count((t, "dropped_out")) for group in members] for t in range(4)],
            )
        if test is None:
            assert (row["chi_square"], row["p_value"], row["degrees_of_freedom"]) == (None,) * 3
            assert row["note"] in {module.NOTE_ONE_GROUP, module.NOTE_NO_TEST}
        else:
            assert row["chi_square"] == pytest.approx(test.chi_square)
            assert row["p_value"] == pytest.approx(test.p_value)
            assert row["degrees_of_freedom"] == test.degrees_of_freedom
            assert (row["note"] is None) == (test.degrees_of_freedom == len(members) - 1)


@pytest.mark.parametrize("table", [retention, retention_comparison])
@_a_few_populations
@given(officers=_officers, shuffler=st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(
    frames: Callable[..., Any],
    programme: Programme,
    table: Table,
    officers: list[Officer],
    shuffler: Any,
) -> None:
    enrolled, waves = frames(officers)
    rows = list(range(waves.height))
    shuffler.shuffle(rows)
    in_order = taking_part(enrolled, waves, programme, AS_OF)
    shuffled = taking_part(enrolled.reverse(), waves[rows], programme, AS_OF)
    assert table(in_order, programme).equals(table(shuffled, programme))


def _noted(made: pl.DataFrame, **cell: Any) -> Mapping[str, Any]:
    return made.filter(**cell).row(0, named=True)


def test_notes_say_why_a_figure_is_missing(
    frames: Callable[..., Any], programme: Programme
) -> None:
    answered, missed = ("completed",) * 3, ("completed", "missed", "missed")
    officers = [("north", "programme", None, missed), ("south", "programme", 5, answered)]
    made = retention(taking_part(*frames(officers), programme, AS_OF), programme)
    of_arm = {"arm": "programme", "denominator": "enrolled"}
    before = _noted(made, organisation="north", time=0, **of_arm)
    assert before["note"] == module.NOTE_AT_THE_EDGE
    assert (before["retained"], before["standard_error"], before["ci_low"]) == (1.0, 0.0, None)
    gone = _noted(made, organisation="north", time=1, **of_arm)
    assert gone["note"] == f"{module.NOTE_ALL_WENT}; {module.NOTE_AT_THE_EDGE}"
    assert (gone["retained"], gone["dropped_out"], gone["standard_error"]) == (0.0, 1.0, None)
    later = _noted(made, organisation="north", time=2, **of_arm)
    assert (later["retained"], later["note"]) == (None, module.NOTE_NOBODY)
    officers = [("north", "programme", 5, ("completed", "open", "not_yet_due"))]
    waiting = retention(taking_part(*frames(officers), programme, AS_OF), programme)
    notes = waiting.filter(organisation="north", **of_arm)["note"].to_list()
    at_the_edge = module.NOTE_AT_THE_EDGE
    assert notes == [at_the_edge, module.NOTE_UNDECIDED, module.NOTE_NOBODY, module.NOTE_NOBODY]
    officers = [("north", "programme", 5, ("open", "not_yet_due", "not_yet_due"))]
    begun = retention(taking_part(*frames(officers), programme, AS_OF), programme)
    assert _noted(begun, organisation="north", time=0, **of_arm)["note"] == module.NOTE_UNDECIDED
    uncounted = _noted(made, organisation="north", denominator="two_sessions", time=0)
    assert (uncounted["n_at_risk"], uncounted["note"]) == (0, module.NOTE_NOBODY_COUNTED)
    assert made.filter(time=0)["wave"].is_null().all()
    assert made.filter(time=3)["wave"].unique().to_list() == ["session_10"]


def test_nobody_enrolled_gives_no_rows(frames: Callable[..., Any], programme: Programme) -> None:
    nobody = taking_part(*frames([]), programme, AS_OF)
    assert tables.RETENTION.conform(retention(nobody, programme)).is_empty()
    made = retention_comparison(nobody, programme)
    assert tables.RETENTION_COMPARISON.conform(made).is_empty()


def test_refuses_a_ledger_that_does_not_add_up(
    frames: Callable[..., Any], programme: Programme
) -> None:
    enrolled, waves = frames([("north", "programme", 2, ("completed",) * 3)])
    for spoilt in (waves.head(2), pl.concat([waves.head(2), waves.head(1)])):
        with pytest.raises(ValueError, match="participant_waves"):
            taking_part(enrolled, spoilt, programme, AS_OF)
