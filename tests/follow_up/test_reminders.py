"""Who is reminded: open waves of those still there, by rows of the organisation's own roster.

And who is not, whatever the ledger says: whoever a list of departures names, and whoever moved on.
"""

from datetime import date
from typing import Any

import polars as pl
import pytest

from pipeline import tables
from pipeline.follow_up.frames import ROSTER_SCHEMA
from pipeline.follow_up.reminders import (
    REMINDERS,
    NoRoster,
    Reminders,
    last_known_as,
    named_in_departures,
    reminders_of,
    with_those_on_record,
)
from pipeline.intake import ACCEPTED
from pipeline.programme import parse_programme
from pipeline.quality.judgement import FINDINGS
from pipeline.vocabulary import Kind, WaveStatus

PROGRAMME = parse_programme("""
programme: reminders
title: Reminders
instruments: [proqol5]
primary: {instrument: proqol5, subscale: burnout, from_wave: start, to_wave: end}
waves:
  - {wave: start, due_after_days: 0}
  - {wave: end, due_after_days: 126}
organisations:
  - {organisation: north-unit, name: North Unit, kind: violence_reduction_unit}
  - {organisation: east-unit, name: East Unit, kind: violence_reduction_unit}
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


def listed(
    name: str,
    row: int,
    file: str = "b",
    organisation: str = "kent",
    known_as: str | None = None,
    **said: Any,
) -> dict[str, Any]:
    return {
        "submission_id": file,
        "organisation": organisation,
        "row_number": row,
        "participant_id": name,
        "known_as": known_as or name,
        "home_force": organisation,
        **said,
    }


def departed(name: str, new: str | None = None, on: date = YESTERDAY) -> dict[str, Any]:
    kind = "left_organisation" if new else "withdrew"
    return {
        "participant_id": name,
        "departed_on": on,
        "departure_kind": kind,
        "new_participant_id": new,
    }


def aliased(name: str, alias: str, on: date = YESTERDAY, taken_up: bool = True) -> dict[str, Any]:
    return {
        "participant_id": name,
        "alias_id": alias,
        "organisation": "kent",
        "transferred_on": on,
        "taken_up": taken_up,
    }


def moves(
    aliases: list[dict[str, Any]], counting: list[dict[str, Any]] | None = None
) -> pl.DataFrame:
    """`last_known_as`; `counting` are departures under the name that the officer keeps."""
    schema = pl.Schema({**ACCEPTED[Kind.DEPARTURES], "taken_up": pl.Boolean()})
    return last_known_as(
        pl.DataFrame(aliases, tables.PARTICIPANT_ALIAS.frame_schema),
        pl.DataFrame(counting or [], schema),
    )


def named(
    accepted: list[dict[str, Any]],
    findings: list[dict[str, Any]] | None = None,
    aliases: list[dict[str, Any]] | None = None,
) -> list[str]:
    return named_in_departures(
        pl.DataFrame(accepted, ACCEPTED[Kind.DEPARTURES]),
        pl.DataFrame(findings or [], FINDINGS),
        pl.DataFrame(aliases or [], tables.PARTICIPANT_ALIAS.frame_schema),
    ).to_list()


def judged(
    officers: list[dict[str, Any]],
    waves: list[dict[str, Any]],
    roster: list[dict[str, Any]],
    organisation: str = "kent",
    *,
    aliases: list[dict[str, Any]] | None = None,
    moved: pl.DataFrame | None = None,
    gone: list[str] | None = None,
    knows_names: bool = True,
) -> Reminders:
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
        roster=frames[2] if knows_names else frames[2].drop("known_as"),
        moved=moves(aliases or []) if moved is None else moved,
        named=pl.Series(gone or [], dtype=pl.String),
        programme=PROGRAMME,
        as_of=AS_OF,
    )


def reminded(*arguments: Any, **named_arguments: Any) -> pl.DataFrame:
    return judged(*arguments, **named_arguments).rows


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


def test_whoever_a_list_of_departures_names_is_left_out_and_counted_once() -> None:
    officers = [officer("p1"), officer("p2"), officer("p3", "surrey")]
    waves = [measured(o["participant_id"], wave=w) for o in officers for w in ("end", "start")]
    roster = [listed("p1", 7), listed("p2", 8), listed("p3", 9, organisation="surrey")]
    found = judged(officers, waves, roster, gone=["p2", "p3", "somebody else"])
    assert found.rows["row_number"].to_list() == [7, 7]
    assert found.left_out == 1


def test_whoever_does_not_wait_is_not_counted_as_left_out() -> None:
    answered = measured("p1", status="completed")
    assert judged([officer("p1")], [answered], [listed("p1", 7)], gone=["p1"]).left_out == 0


def test_a_row_in_quarantine_names_an_officer_and_a_warning_does_not() -> None:
    findings = [
        {"row_number": 2, "participant_id": "p1", "severity": "reject"},
        {"row_number": 3, "participant_id": None, "severity": "reject"},
        {"row_number": 4, "participant_id": "p2", "severity": "warn"},
    ]
    assert named([], findings) == ["p1"]


def test_a_transfer_that_was_taken_up_names_nobody_and_every_other_row_does() -> None:
    aliases = [aliased("p1", "p1-new"), aliased("p2", "p2-new", taken_up=False)]
    moved = [departed("p1", "p1-new"), departed("p2", "p2-new"), departed("p3")]
    assert named(moved, aliases=aliases) == ["p2", "p3"]


def test_a_row_under_a_later_pseudonym_names_the_officer_it_belongs_to() -> None:
    aliases = [aliased("p1", "p1-new"), aliased("p2", "p2-new")]
    findings = [{"row_number": 2, "participant_id": "p2-new", "severity": "reject"}]
    assert named([departed("p1-new")], findings, aliases) == ["p1", "p2"]


MOVED_ON = [aliased("p1", "p1-new")]
BOTH_ROSTERS = [
    listed("p1", 7),
    listed("p1", 70, file="a", organisation="surrey", known_as="p1-new"),
]


def test_a_transferred_officer_is_reminded_where_they_are_and_not_where_they_were() -> None:
    officers, waves = [officer("p1"), officer("p2")], [measured("p1"), measured("p2")]
    roster = [*BOTH_ROSTERS, listed("p2", 8)]
    kent = reminded(officers, waves, roster, aliases=MOVED_ON)
    assert kent["row_number"].to_list() == [8]
    surrey = reminded(officers, waves, roster, "surrey", aliases=MOVED_ON)
    assert surrey["row_number"].to_list() == [70]
    assert surrey.schema == REMINDERS


def test_whom_no_roster_has_under_the_newest_name_nobody_reminds() -> None:
    twice = [*MOVED_ON, aliased("p1", "p1-newest", on=AS_OF)]
    for organisation in ("kent", "surrey"):
        found = judged([officer("p1")], [measured("p1")], BOTH_ROSTERS, organisation, aliases=twice)
        assert found.rows.is_empty()
        assert found.left_out == 0


def test_without_the_names_they_came_under_nobody_reminds_those_who_moved() -> None:
    for organisation in ("kent", "surrey"):
        found = reminded(
            [officer("p1")],
            [measured("p1")],
            BOTH_ROSTERS,
            organisation,
            aliases=MOVED_ON,
            knows_names=False,
        )
        assert found.is_empty()


def test_a_transfer_that_was_not_taken_up_moves_nobody() -> None:
    aliases = [aliased("p1", "p1-new", taken_up=False)]
    found = reminded([officer("p1")], [measured("p1")], BOTH_ROSTERS[:1], aliases=aliases)
    assert found["row_number"].to_list() == [7]


def test_whoever_went_back_is_reminded_where_they_began() -> None:
    back = {**departed("p1", "p1", on=AS_OF), "taken_up": True}
    moved = moves(MOVED_ON, [back])
    officers, waves = [officer("p1")], [measured("p1")]
    assert reminded(officers, waves, BOTH_ROSTERS, moved=moved)["row_number"].to_list() == [7]
    assert reminded(officers, waves, BOTH_ROSTERS, "surrey", moved=moved).is_empty()


def test_whoever_went_to_two_forces_on_one_day_is_on_no_list() -> None:
    moved = moves([*MOVED_ON, aliased("p1", "p1-other")])
    assert moved.rows() == [("p1", None)]
    for organisation in ("kent", "surrey"):
        officers, waves = [officer("p1")], [measured("p1")]
        assert reminded(officers, waves, BOTH_ROSTERS, organisation, moved=moved).is_empty()


def test_their_new_force_reminds_rather_than_a_unit_and_the_old_force_never() -> None:
    of_surrey = {"known_as": "p1-new", "home_force": "surrey"}
    by_unit = listed("p1", 90, file="c", organisation="north-unit", **of_surrey)
    roster = [*BOTH_ROSTERS, by_unit, listed("p1", 9, file="d", **of_surrey)]

    def by_organisation(rows: list[dict[str, Any]]) -> dict[str, list[int]]:
        officers, waves = [officer("p1")], [measured("p1")]
        return {
            name: reminded(officers, waves, rows, name, aliases=MOVED_ON)["row_number"].to_list()
            for name in {row["organisation"]: None for row in rows}
        }

    assert by_organisation(roster) == {"kent": [], "surrey": [70], "north-unit": []}
    without_surrey = [row for row in roster if row["organisation"] != "surrey"]
    assert by_organisation(without_surrey) == {"kent": [], "north-unit": [90]}
    only_kent = [row for row in roster if row["organisation"] == "kent"]
    assert by_organisation(only_kent) == {"kent": []}


def test_of_two_units_the_one_that_enrolled_a_transferred_officer_reminds_them() -> None:
    roster = [
        listed("p1", row, organisation=unit, known_as="p1-new", home_force="surrey")
        for row, unit in ((90, "north-unit"), (91, "east-unit"))
    ]
    officers, waves = [officer("p1", "north-unit")], [measured("p1", "north-unit")]
    by_north = reminded(officers, waves, roster, "north-unit", aliases=MOVED_ON)
    assert by_north["row_number"].to_list() == [90]
    assert reminded(officers, waves, roster, "east-unit", aliases=MOVED_ON).is_empty()


def test_whoever_a_steward_withdrew_is_named_too() -> None:
    aliases = pl.DataFrame(
        [{"participant_id": "v1-first", "alias_id": "v1-second"}],
        schema=tables.PARTICIPANT_ALIAS.frame_schema,
    )
    named = with_those_on_record(pl.Series(["v1-a"]), {"v1-second", "v1-b", "v1-a"}, aliases)
    assert named.to_list() == ["v1-a", "v1-b", "v1-first"]
    nobody = pl.Series([], dtype=pl.String)
    assert with_those_on_record(nobody, set(), aliases).to_list() == []
