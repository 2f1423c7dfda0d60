"""What waits for an answer: limits of days to the day, and counts that add up."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import tables
from pipeline.evaluation.follow_up_due import (
    CLOSES_SOON_DAYS,
    NOTE_NOBODY,
    NOTE_START_UNKNOWN,
    follow_up_due,
)
from pipeline.evaluation.participant_flow import NOTE_NO_ROSTER
from pipeline.programme import Programme
from pipeline.vocabulary import EnrolmentSource, WaveStatus

Participants = Callable[..., pl.DataFrame]
Measured = tuple[WaveStatus, int | None]
"""Status at a wave, and how many days after AS_OF it is due."""
Officer = tuple[str, EnrolmentSource, tuple[Measured, ...]]

AS_OF = date(2026, 6, 30)
OPEN_FOR = 28
ROSTER, FIRST_RESPONSE = EnrolmentSource.ROSTER, EnrolmentSource.FIRST_RESPONSE
OPEN, MISSED, COMPLETED = WaveStatus.OPEN, WaveStatus.MISSED, WaveStatus.COMPLETED
LATER = (WaveStatus.NOT_YET_DUE, 90)

_measured = st.one_of(
    st.tuples(st.just(OPEN), st.integers(-OPEN_FOR, 30)),
    st.tuples(st.just(WaveStatus.NOT_YET_DUE), st.one_of(st.none(), st.integers(15, 99))),
    st.tuples(st.sampled_from(WaveStatus).filter(lambda s: s != OPEN), st.integers(-200, 99)),
)
_officers = st.lists(
    st.tuples(
        st.sampled_from(["north", "south"]),
        st.sampled_from(EnrolmentSource),
        st.tuples(*[_measured] * 3),
    ),
    max_size=12,
)


def _frames(
    participants: Participants, programme: Programme, officers: list[Officer]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    enrolled = participants({f"p{i:02}": (o[0], "programme", None) for i, o in enumerate(officers)})
    sources = pl.Series("enrolment_source", [source.value for _, source, _ in officers], pl.String)
    rows: list[dict[str, Any]] = []
    for i, (organisation, _, waves) in enumerate(officers):
        for wave, (status, after) in zip(programme.wave_names, waves, strict=True):
            due = None if after is None else AS_OF + timedelta(days=after)
            rows.append(
                {
                    "participant_id": f"p{i:02}",
                    "organisation": organisation,
                    "wave": wave,
                    "status": status.value,
                    "due_on": due,
                    "window_closes_on": due and due + timedelta(days=OPEN_FOR),
                }
            )
    ledger = pl.DataFrame(rows, schema=tables.PARTICIPANT_WAVES.frame_schema)
    return enrolled.with_columns(sources), tables.PARTICIPANT_WAVES.conform(ledger)


def _due(
    participants: Participants, programme: Programme, *officers: Officer
) -> dict[tuple[str, str], dict[str, Any]]:
    made = follow_up_due(*_frames(participants, programme, list(officers)), programme, AS_OF)
    conformed = tables.FOLLOW_UP_DUE.conform(made)
    assert conformed.equals(made)
    return {(row["organisation"], row["wave"]): row for row in conformed.iter_rows(named=True)}


def _counted(cell: list[tuple[EnrolmentSource, Measured]]) -> dict[str, Any]:
    """Everything that a row says, from the sources and measurements behind it."""
    answered = {COMPLETED, WaveStatus.COMPLETED_OUT_OF_WINDOW, WaveStatus.PARTIAL}
    waves = [measured for _, measured in cell]
    left = [after for status, after in waves if status == OPEN and after is not None]
    later = [after for status, after in waves if status == WaveStatus.NOT_YET_DUE]
    dated = [after for after in later if after is not None]
    counts = {
        "answered": sum(status in answered for status, _ in waves),
        "due": sum(after >= 0 for after in left),
        "overdue": sum(after < 0 for after in left),
        "missed": sum(status == MISSED for status, _ in waves),
        "not_yet_due": len(later),
    }
    expected = sum(counts.values())
    said = {
        NOTE_NO_ROSTER: any(source == FIRST_RESPONSE for source, _ in cell),
        NOTE_NOBODY: expected == 0,
        NOTE_START_UNKNOWN: len(dated) < len(later),
    }
    return {
        **counts,
        "expected": expected,
        "closing": sum(after + OPEN_FOR <= CLOSES_SOON_DAYS for after in left),
        "next_due_on": AS_OF + timedelta(days=min(dated)) if dated else None,
        "next_closing_on": AS_OF + timedelta(days=min(left) + OPEN_FOR) if left else None,
        "note": "; ".join(note for note, applies in said.items() if applies) or None,
    }


@given(_officers)
def test_agrees_with_counting_one_officer_after_another(
    participants: Participants, programme: Programme, officers: list[Officer]
) -> None:
    cells: dict[tuple[str, str], list[tuple[EnrolmentSource, Measured]]] = {}
    for organisation, source, waves in officers:
        for where in (organisation, "all"):
            for wave, measured in zip(programme.wave_names, waves, strict=True):
                cells.setdefault((where, wave), []).append((source, measured))
    found = _due(participants, programme, *officers)
    assert found == {
        (where, wave): {"organisation": where, "wave": wave, **_counted(cell)}
        for (where, wave), cell in cells.items()
    }


@pytest.mark.parametrize(
    ("after", "counts"),
    [
        (0, (1, 0, 0)),
        (-1, (0, 1, 0)),
        (CLOSES_SOON_DAYS - OPEN_FOR + 1, (0, 1, 0)),
        (CLOSES_SOON_DAYS - OPEN_FOR, (0, 1, 1)),
        (-OPEN_FOR, (0, 1, 1)),
    ],
    ids=["due today", "due yesterday", "closes in 15 days", "closes in 14 days", "closes today"],
)
def test_a_day_decides(
    participants: Participants,
    programme: Programme,
    after: int,
    counts: tuple[int, int, int],
) -> None:
    row = _due(participants, programme, ("north", ROSTER, ((OPEN, after), LATER, LATER)))[
        "north", "baseline"
    ]
    assert (row["due"], row["overdue"], row["closing"]) == counts


def test_those_who_are_gone_or_not_asked_are_not_expected(
    participants: Participants, programme: Programme
) -> None:
    gone = [
        ("north", ROSTER, ((status, 0), (COMPLETED, 0), LATER))
        for status in (
            WaveStatus.WITHDRAWN,
            WaveStatus.LEFT_ORGANISATION,
            WaveStatus.NOT_SCHEDULED,
        )
    ]
    found = _due(participants, programme, *gone)
    assert (found["north", "baseline"]["expected"], found["north", "session_7"]["expected"]) == (
        0,
        3,
    )
    assert found["north", "baseline"]["note"] == NOTE_NOBODY
    assert found["north", "session_7"]["note"] is None


def test_waves_stand_in_the_programmes_order_and_totals_last(
    participants: Participants, programme: Programme
) -> None:
    officer = ((COMPLETED, -90), (OPEN, 0), LATER)
    found = _due(participants, programme, ("south", ROSTER, officer), ("north", ROSTER, officer))
    assert list(found) == [
        (organisation, wave)
        for organisation in ("north", "south", "all")
        for wave in programme.wave_names
    ]
    assert found["all", "session_7"]["due"] == 2


def test_nobody_enrolled_gives_no_rows(participants: Participants, programme: Programme) -> None:
    assert _due(participants, programme) == {}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda ledger: ledger.head(5),
        lambda ledger: pl.concat([ledger, ledger.head(1)]),
        lambda ledger: ledger.with_columns(wave=pl.col("wave").replace("session_7", "session_8")),
    ],
    ids=["row_missing", "row_added", "wave_unknown"],
)
def test_refuses_a_ledger_that_does_not_add_up(
    participants: Participants,
    programme: Programme,
    spoil: Callable[[pl.DataFrame], pl.DataFrame],
) -> None:
    officer: Officer = ("north", ROSTER, ((COMPLETED, -90), (OPEN, 0), LATER))
    enrolled, ledger = _frames(participants, programme, [officer, officer])
    with pytest.raises(ValueError, match="participant_waves") as refused:
        follow_up_due(enrolled, spoil(ledger), programme, AS_OF)
    assert "session_8" not in str(refused.value)
