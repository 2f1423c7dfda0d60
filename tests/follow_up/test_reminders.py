"""Who is reminded: open waves of those still there, by rows of the organisation's own roster."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from pipeline import tables
from pipeline.follow_up.frames import ROSTER_SCHEMA
from pipeline.follow_up.reminders import REMINDERS, NoRoster, reminders_of
from pipeline.programme import parse_programme
from pipeline.vocabulary import WaveStatus

PROGRAMME = parse_programme("""
programme: reminders
title: Reminders
instruments: [proqol5]
primary: {instrument: proqol5, subscale: burnout, from_wave: start, to_wave: end}
waves:
  - {wave: start, due_after_days: 0}
  - {wave: end, due_after_days: 126}
""")
AS_OF = date(2026, 6, 30)
YESTERDAY, CLOSES = date(2026, 6, 29), date(2026, 7, 20)


def officer(name: str, organisation: str = "kent", **said: Any) -> dict[str, Any]:
    return {
        "participant_id": name,
        "organisation": organisation,
        "home_force": organisation,
        "arm": "programme",
        "enrolment_source": "roster",
        "dropout_stage": "none",
        **said,
    }


def measured(name: str, organisation: str = "kent", **said: Any) -> dict[str, Any]:
    return {
        "participant_id": name,
        "organisation": organisation,
        "wave": "start",
        "due_on": AS_OF,
        "window_closes_on": CLOSES,
        "status": "open",
        **said,
    }


def listed(name: str, row: int, file: str = "b", organisation: str = "kent") -> dict[str, Any]:
    return {
        "submission_id": file,
        "organisation": organisation,
        "row_number": row,
        "participant_id": name,
    }


def reminded(
    officers: list[dict[str, Any]],
    waves: list[dict[str, Any]],
    roster: list[dict[str, Any]],
    organisation: str = "kent",
) -> pl.DataFrame:
    frames = [
        pl.DataFrame(rows, schema)
        for rows, schema in (
            (officers, tables.PARTICIPANTS.frame_schema),
            (waves, tables.PARTICIPANT_WAVES.frame_schema),
            (roster, ROSTER_SCHEMA),
        )
    ]
    return reminders_of(
        organisation,
        participants=frames[0],
        participant_waves=frames[1],
        roster=frames[2],
        programme=PROGRAMME,
        as_of=AS_OF,
    )


def test_a_row_says_where_the_officer_stands_and_nothing_of_who_they_are() -> None:
    found = reminded([officer("p1")], [measured("p1", due_on=YESTERDAY)], [listed("p1", 7)])
    assert found.schema == REMINDERS
    assert found.rows() == [("b", 7, "start", YESTERDAY, CLOSES, True)]


def test_due_today_is_not_overdue() -> None:
    found = reminded([officer("p1")], [measured("p1")], [listed("p1", 7)])
    assert found["overdue"].to_list() == [False]


@pytest.mark.parametrize("status", [status for status in WaveStatus if status != WaveStatus.OPEN])
def test_nobody_is_reminded_of_a_wave_that_does_not_wait(status: WaveStatus) -> None:
    found = reminded([officer("p1")], [measured("p1", status=status.value)], [listed("p1", 7)])
    assert found.is_empty()


@pytest.mark.parametrize("kind", ["withdrew", "left_organisation"])
def test_whoever_has_gone_is_not_reminded_whatever_the_wave_says(kind: str) -> None:
    gone = officer("p1", departed_on=YESTERDAY, departure_kind=kind)
    assert reminded([gone], [measured("p1")], [listed("p1", 7)]).is_empty()


def test_only_the_organisation_that_enrolled_an_officer_reminds_them_by_its_own_roster() -> None:
    officers = [officer("p1"), officer("p2", "north-unit")]
    waves = [measured("p1"), measured("p2", "north-unit")]
    roster = [
        listed("p1", 7),
        listed("p1", 99, file="a", organisation="north-unit"),
        listed("p2", 8),
        listed("p2", 98, file="a", organisation="north-unit"),
    ]
    assert reminded(officers, waves, roster)["row_number"].to_list() == [7]
    assert reminded(officers, waves, roster, "north-unit")["row_number"].to_list() == [98]


def test_rows_come_by_file_row_and_wave_whatever_the_order_before() -> None:
    officers = [officer(name) for name in ("p1", "p2", "p3")]
    waves = [measured(o["participant_id"], wave=w) for o in officers for w in ("end", "start")]
    roster = [listed("p1", 30), listed("p2", 4), listed("p3", 50, file="a")]
    found = reminded(officers, waves, roster)
    assert found.select("submission_id", "row_number", "wave").rows() == [
        ("a", 50, "start"),
        ("a", 50, "end"),
        ("b", 4, "start"),
        ("b", 4, "end"),
        ("b", 30, "start"),
        ("b", 30, "end"),
    ]
    assert reminded(officers, waves[::-1], roster[::-1]).equals(found)


def test_without_a_roster_there_is_nothing_to_refer_to() -> None:
    elsewhere = [listed("p1", 7, organisation="surrey")]
    with pytest.raises(NoRoster):
        reminded([officer("p1")], [measured("p1")], elsewhere)


def test_nobody_vanishes_from_the_list_because_a_roster_lacks_them() -> None:
    with pytest.raises(ValueError, match="the roster does not name") as refused:
        reminded([officer("p1")], [measured("p1")], [listed("p2", 7)])
    assert "p1" not in str(refused.value)
