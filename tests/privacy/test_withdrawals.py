"""What is on record of officers who left, stopped collection or were erased, and whom it keeps out.

Entries are made as a steward's commands make them, under the key of their time.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from pipeline.entries import Entry
from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.privacy.withdrawals import (
    ERASED,
    HEARD,
    STOPPED,
    Withdrawals,
    erasing,
    is_one_of,
    leaving,
    same_officer,
    stopping,
    withdrawals_of,
    without,
)
from pipeline.programme import Identifiers
from pipeline.tables import PARTICIPANT_ALIAS
from pipeline.vocabulary import EntryKind

SIGNED = {"steward": "simulated steward", "reason": "asked"}
OLD = Pseudonymiser((b"1" * 32,), "test", Identifiers())
NEW = Pseudonymiser((b"1" * 32, b"2" * 32), "test", Identifiers())
MARCH, APRIL = (datetime(2025, month, 1, 23, 30, tzinfo=UTC) for month in (3, 4))


def named(number: str, pseudonymiser: Pseudonymiser = OLD) -> str:
    rows = pl.DataFrame({"home_force": ["kent"], "identifier": [number]})
    return str(pseudonymiser.participants(rows).item())


A, B, C = (named(number) for number in ("4711", "4712", "4713"))


def entry(act: Any, number: int = 1, when: datetime = MARCH) -> Entry:
    said = {name: getattr(act, name) for name in ("kind", "steward", "reason", "body")}
    return Entry(entry=number, entered_at=when, **said)


def on_record(*acts: Any, pseudonymiser: Pseudonymiser = OLD) -> Withdrawals:
    entries = [entry(act, n, MARCH) for n, act in enumerate(acts, start=1)]
    return withdrawals_of(entries, pseudonymiser.carried_on)


def aliases(*pairs: tuple[str, str]) -> pl.DataFrame:
    rows = [{"participant_id": p, "alias_id": a} for p, a in pairs]
    return pl.DataFrame(rows, schema=PARTICIPANT_ALIAS.frame_schema)


def test_other_entries_are_not_asked() -> None:
    other = replace(entry(leaving([A], date(2025, 1, 1), **SIGNED)), kind=EntryKind.RELEASED)
    assert withdrawals_of([other], OLD.carried_on) == Withdrawals()


def test_no_act_holds_more_than_pseudonyms_and_what_it_does() -> None:
    bodies: list[Mapping[str, Any]] = [
        leaving([A], date(2025, 1, 1), **SIGNED).body,
        stopping([A], 7, **SIGNED).body,
        erasing([A], "kent", rows=3, **SIGNED).body,
    ]
    assert [sorted(body) for body in bodies] == [
        ["on", "participants"],
        ["after_place", "participants"],
        ["organisation", "participants", "rows"],
    ]


def test_a_tombstone_keeps_every_row_out_and_a_stop_only_later_ones() -> None:
    acts = on_record(erasing([A], None, rows=0, **SIGNED), stopping([B], 7, **SIGNED))
    assert acts.kept_out(7) == {A}
    assert acts.kept_out(8) == {A, B}
    assert acts.erased == {A}


def test_the_first_stop_decides_and_leaving_keeps_nothing_out() -> None:
    left = leaving([C], date(2025, 1, 1), **SIGNED)
    acts = on_record(stopping([B], 7, **SIGNED), stopping([B], 9, **SIGNED), left)
    assert acts.stopped == {B: 7}
    assert acts.stops().schema == STOPPED
    assert acts.kept_out(99) == {B}
    assert acts.everybody == {B, C}


def test_acts_hold_under_a_newer_key_and_for_rows_not_carried_on_yet() -> None:
    acts = on_record(erasing([A], None, rows=0, **SIGNED), pseudonymiser=NEW)
    assert acts.erased == {A, named("4711", NEW)}
    assert named("4711", NEW).startswith("v2-")


def test_a_pseudonym_of_other_keys_is_refused_without_being_quoted() -> None:
    act = erasing([named("4711", NEW)], None, rows=0, **SIGNED)
    with pytest.raises(ValueError, match=r"^no pseudonym of these keys$"):
        on_record(act, pseudonymiser=OLD)


def test_rows_of_nobody_are_never_kept_out() -> None:
    rows = pl.DataFrame({"participant_id": [A, None, B]})
    assert rows.filter(is_one_of({A}))["participant_id"].to_list() == [A]
    assert without(rows, {A})["participant_id"].to_list() == [None, B]
    assert without(rows, set()).equals(rows)


def test_a_mention_goes_too_and_leaves_the_other_officers_row() -> None:
    moved = pl.DataFrame({"participant_id": [A, B], "new_participant_id": [C, None]})
    assert without(moved, {C}).rows() == [(A, None), (B, None)]


def test_predicates_are_those_of_the_sets() -> None:
    acts = on_record(erasing([A], None, rows=0, **SIGNED), stopping([B], 7, **SIGNED))
    rows = pl.DataFrame({"participant_id": [A, B, None]})
    assert rows.select(acts.is_erased()).to_series().to_list() == [True, False, False]
    assert rows.select(acts.is_kept_out(8)).to_series().to_list() == [True, True, False]


def test_the_newest_day_of_leaving_counts_and_a_stop_is_a_departure_of_its_day() -> None:
    acts = on_record(
        leaving([A], date(2025, 1, 1), **SIGNED),
        leaving([A], date(2025, 2, 1), **SIGNED),
        stopping([B], 7, **SIGNED),
        leaving([B], date(2025, 2, 2), **SIGNED),
        leaving([C], date(2025, 2, 2), **SIGNED),
        erasing([C], None, rows=0, **SIGNED),
    )
    told = dict(acts.departures().select("participant_id", "departed_on").iter_rows())
    assert told == {A: date(2025, 2, 1), B: date(2025, 2, 2)}
    only_stopped = on_record(stopping([B], 7, **SIGNED)).departures()
    assert only_stopped.rows() == [(B, date(2025, 3, 1), "withdrew", False)]


def test_a_state_of_the_past_is_without_later_acts_but_never_with_the_erased() -> None:
    acts = [
        entry(leaving([A], date(2025, 1, 1), **SIGNED), 1, MARCH),
        entry(stopping([B], 7, **SIGNED), 2, APRIL),
        entry(erasing([C], "kent", rows=0, **SIGNED), 3, APRIL),
    ]
    every = withdrawals_of(acts, OLD.carried_on)
    known = every.known_by(date(2025, 3, 1))
    assert [act.entry for act in known.acts] == [1, 3]
    assert every.known_by(None) == every
    assert known.heard().schema == HEARD
    assert known.heard()["entry"].to_list() == [1, 3]


def test_erased_officers_are_counted_where_they_had_enrolled() -> None:
    acts = on_record(
        erasing([A], "kent", rows=1, **SIGNED),
        erasing([B], "kent", rows=1, **SIGNED),
        erasing([C], None, rows=0, **SIGNED),
    )
    assert acts.erased_officers().rows() == [("kent", 2)]
    assert Withdrawals().erased_officers().schema == ERASED


def test_an_officer_is_all_pseudonyms_that_transfers_and_acts_know() -> None:
    moved = aliases((A, B))
    for name in (A, B):
        assert same_officer(name, moved, Withdrawals()) == {A, B}
    assert same_officer(C, moved, Withdrawals()) == {C}
    erased = on_record(erasing([B, C], None, rows=0, **SIGNED))
    assert same_officer(A, moved, erased) == {A, B, C}
    assert same_officer(A, aliases(), erased) == {A}
