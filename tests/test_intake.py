"""One file from bytes to what may be written: every row accounted for, no identifier left."""

import csv
import io
from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest
import yaml

from pipeline import reference
from pipeline.intake import ACCEPTED, WAIVED, TakenIn, take_in
from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.programme import parse_programme
from pipeline.quality.comments import TEXTS
from pipeline.quality.judgement import Waived
from pipeline.reading.mapping import parse_mapping
from pipeline.vocabulary import Kind

PROGRAMME = parse_programme(reference.example_programme().replace("[proqol5]", "[proqol5, phq4]"))
PEOPLE = ("Zebedee-1", "Dougal-2", "Florence-3", "Brian-4", "Ermintrude-5")
HEADER = ("id", "ok", "Q1", "Q2", "Q3", "Q4", "Email", "diary")
CONSENT = {"column": "ok", "agreed": ["y"]}


def taken(header: Sequence[str], *rows: Sequence[str], waived: Waived = (), **said: Any) -> TakenIn:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    mapping = parse_mapping(
        yaml.safe_dump(
            {
                "organisation": "kent",
                "source": "phq",
                "kind": "questionnaire",
                "files": "*",
                "participant": "id",
                "wave": {"constant": "baseline"},
                "instruments": {"phq4": {"columns": "Q{item}"}},
                **said,
            },
            sort_keys=False,
        ),
        "phq.yaml",
        PROGRAMME,
    )
    pseudonymiser = Pseudonymiser((b"k" * 32,), "test", PROGRAMME.identifiers)
    received_on = date(2026, 6, 30)
    return take_in(
        text.getvalue().encode(), mapping, PROGRAMME, pseudonymiser, received_on, waived=waived
    )


@pytest.fixture
def mixed() -> TakenIn:
    return taken(
        HEADER,
        (PEOPLE[0], "y", "0", "1", "2", "3", "zebedee@example.org", "Dear diary"),
        (PEOPLE[1], "n", "0", "1", "2", "3", "", ""),
        ("",) * 8,
        (PEOPLE[2], "y", "0", "1", "2", "9", "", ""),
        (PEOPLE[0], "y", "0", "1", "2", "", "", ""),
        ("", "", "0", "1", "2", "3", "", ""),
        consent=CONSENT,
    )


def test_every_row_is_somewhere(mixed: TakenIn) -> None:
    assert (mixed.rows_in_file, mixed.rows_blank, mixed.rows_read) == (6, 1, 5)
    assert (mixed.rows_withdrawn, mixed.rows_quarantined, mixed.accepted.height) == (2, 2, 1)
    assert mixed.findings.select("row_number", "rule").rows() == [
        (5, "answer_out_of_range"),
        (6, "duplicate_response"),
    ]


def test_nothing_that_is_kept_holds_an_identifier(mixed: TakenIn) -> None:
    kept = " ".join(
        frame.write_json() for frame in (mixed.accepted, mixed.findings, mixed.profile)
    ).lower()
    for word in ("zebedee", "dougal", "florence", "dear diary", "example.org"):
        assert word not in kept


def test_of_rows_without_consent_nothing_is_kept(mixed: TakenIn) -> None:
    assert not {3, 7} & set(mixed.findings["row_number"])
    assert mixed.accepted["row_number"].to_list() == [2]


def test_columns_left_out_are_reported_by_name_and_unknown_ones_counted(mixed: TakenIn) -> None:
    assert mixed.columns_left_out == ("Email",)
    assert mixed.columns_unknown == 1


def test_accepted_answers_are_stored_as_given(mixed: TakenIn) -> None:
    row = mixed.accepted.row(0, named=True)
    assert mixed.accepted.schema == ACCEPTED[Kind.QUESTIONNAIRE]
    assert row["items"] == [0, 1, 2, 3]
    assert row["items_answered"] == 4
    assert row["organisation"] == "kent"
    assert row["participant_id"].startswith("v1-")


def test_blank_items_are_null_in_their_place() -> None:
    found = taken(("id", "Q1", "Q2", "Q3", "Q4"), ("a", "", "3", "", "0"))
    assert found.accepted["items"].to_list() == [[None, 3, None, 0]]
    assert found.accepted["items_answered"].to_list() == [2]


def test_where_nobody_agreed_nothing_counts_and_all_is_counted() -> None:
    found = taken(HEADER, *((p, "n", "0", "1", "2", "3", "", "") for p in PEOPLE), consent=CONSENT)
    assert (found.rows_read, found.rows_withdrawn, found.rows_quarantined) == (5, 5, 0)
    assert found.accepted.is_empty()
    assert found.accepted.schema == ACCEPTED[Kind.QUESTIONNAIRE]


def test_two_instruments_are_judged_each_by_its_own_range() -> None:
    header = ("id", *(f"Q{n}" for n in range(1, 5)), *(f"P{n}" for n in range(1, 31)))
    found = taken(
        header,
        ("a", *"0123", *["5", "1"] * 15),
        ("b", *"0125", *["5", "1"] * 15),
        instruments={"phq4": {"columns": "Q{item}"}, "proqol5": {"columns": "P{item}"}},
    )
    assert found.rows_read == 4
    assert found.findings.select("row_number", "instrument", "rule", "column_name").rows() == [
        (3, "phq4", "answer_out_of_range", "item_4")
    ]
    accepted = found.accepted.select("instrument", "items_answered").rows()
    assert sorted(accepted) == [("phq4", 4), ("proqol5", 30), ("proqol5", 30)]
    assert set(found.profile["instrument"]) == {"phq4", "proqol5"}


def test_a_wide_file_is_more_rows_than_it_has() -> None:
    header = ("id", *(f"Q{n}_{w}" for w in ("pre", "post") for n in range(1, 5)))
    found = taken(
        header,
        ("a", *"01230123"),
        ("b", *"0123", "", "", "", ""),
        wave={"suffixes": {"pre": "baseline", "post": "session_10"}},
        instruments={"phq4": {"columns": "Q{item}_{wave}"}},
    )
    assert (found.rows_in_file, found.rows_read, found.accepted.height) == (2, 3, 3)


ROSTER = {"kind": "roster", "wave": None, "instruments": {}}
UNIT = {"columns": {"unit": "unit"}, **ROSTER}
FIELDS = ("session_group", "facilitator", "unit", "cohort")


def test_groups_and_facilitators_are_pseudonyms_too() -> None:
    found = taken(
        ("id", *FIELDS),
        (PEOPLE[0], "Florence's group", "Dr Dougal", "Gangs", "one"),
        (PEOPLE[1], "florences group", "", "", ""),
        columns={name: name for name in FIELDS},
        **ROSTER,
    )
    kept = found.accepted.write_json().lower()
    assert not any(word in kept for word in ("florence", "dougal", "zebedee"))
    assert found.accepted["unit"].to_list() == ["Gangs", None]
    assert found.accepted["facilitator"][1] is None
    assert found.accepted.schema == ACCEPTED[Kind.ROSTER]


def test_the_same_officer_in_a_forces_and_a_units_file_is_one() -> None:
    columns = {"columns": {"unit": "unit"}, **ROSTER}
    force = taken(("id", "unit"), ("PC 47-11", "x"), **columns)
    unit = taken(
        ("id", "unit"), ("pc4711", "x"), organisation="kent-vru", home_force="kent", **columns
    )
    other = taken(("id", "unit"), ("pc4711", "x"), organisation="essex", **columns)
    assert force.accepted["participant_id"].equals(unit.accepted["participant_id"])
    assert not force.accepted["participant_id"].equals(other.accepted["participant_id"])
    assert unit.accepted["organisation"].to_list() == ["kent-vru"]


def test_a_row_of_an_unknown_force_names_nobody() -> None:
    found = taken(
        ("id", "force"),
        (PEOPLE[0], "Narnia Police"),
        organisation="kent-vru",
        home_force={"column": "force"},
        **ROSTER,
    )
    assert found.findings["rule"].to_list() == ["participant_key_missing"]
    assert found.rows_quarantined == 1


@pytest.mark.parametrize("kind", Kind)
def test_no_column_that_is_stored_could_hold_an_identifier(kind: Kind) -> None:
    assert not {"identifier", "consent", "unrecognised", "is_test"} & set(ACCEPTED[kind])
    assert ACCEPTED[kind]["participant_id"] == pl.String


def test_a_waived_row_is_kept_beside_the_accepted_ones() -> None:
    rows = [(PEOPLE[0], "y", "", "", "", "3", "zebedee@example.org", "Dear diary")]
    rows += [(PEOPLE[1], "y", "0", "1", "2", "3", "", "")]
    waived = {(2, "too_many_unanswered"), (3, "too_many_unanswered")}
    asked = taken(HEADER, *rows, waived=waived)
    plain = taken(HEADER, *rows)
    assert plain.waived is None
    assert asked.waived is not None
    assert asked.waived.schema == WAIVED
    assert asked.waived.select("row_number", "items_answered", "needs_waiver").rows() == [
        (2, 1, ["too_many_unanswered"])
    ]
    assert "zebedee" not in asked.waived.write_json().lower()
    for name in ("accepted", "findings", "profile"):
        assert getattr(asked, name).equals(getattr(plain, name)), name
    assert asked.rows_quarantined == plain.rows_quarantined == 1


TRANSFERS = {
    "kind": "departures",
    "wave": None,
    "instruments": {},
    "columns": {
        "departed_on": "when",
        "departure_kind": "why",
        "new_force": "to",
        "new_number": "number there",
    },
    "values": {"new_force": {"over the river": "essex"}},
}
HEADINGS = ("id", "when", "why", "to", "number there")


def left(person: str, to: str, number: str, why: str = "left_organisation") -> Sequence[str]:
    return (person, "2026-03-02", why, to, number)


def test_a_transfer_is_kept_as_the_pseudonym_that_the_new_force_will_send() -> None:
    found = taken(
        HEADINGS,
        left(PEOPLE[0], "Essex Police", "PC Zed-77"),
        left(PEOPLE[1], "Over the River", "pczed77"),
        left(PEOPLE[2], "kent", "zed 77"),
        left(PEOPLE[3], "", "Zed-77"),
        left(PEOPLE[4], "essex", ""),
        **TRANSFERS,
    )
    roster = taken(("id", "unit"), ("pc zed77", "x"), organisation="essex", **UNIT)
    (there,) = roster.accepted["participant_id"]
    new = found.accepted["new_participant_id"].to_list()
    assert new[:2] == [there, there]
    assert new[2] not in {None, there}
    assert new[3:] == [None, None]
    assert found.accepted.schema == ACCEPTED[Kind.DEPARTURES]
    assert found.findings.is_empty()


def test_of_a_new_number_nothing_else_is_kept() -> None:
    found = taken(
        HEADINGS,
        left(PEOPLE[0], "essex", "canary-one"),
        left(PEOPLE[1], "canary-two police", "canary-three"),
        left(PEOPLE[2], "", "canary-four"),
        left(PEOPLE[3], "essex", "canary-five", why="canary-six"),
        left("", "essex", "canary-seven"),
        **TRANSFERS,
    )
    kept = " ".join(frame.write_json() for frame in (found.accepted, found.findings, found.profile))
    assert "canary" not in kept
    assert found.findings.select("row_number", "rule").rows() == [
        (6, "participant_key_missing"),
        (5, "departure_kind_unknown"),
        (3, "new_force_unknown"),
    ]
    assert (found.rows_read, found.rows_quarantined) == (5, 2)


def test_a_list_of_departures_need_say_nothing_of_transfers() -> None:
    said = {**TRANSFERS, "columns": {"departed_on": "when", "departure_kind": "why"}, "values": {}}
    found = taken(HEADINGS, left(PEOPLE[0], "essex", "77"), **said)
    assert found.accepted["new_participant_id"].to_list() == [None]


def test_each_session_of_a_wide_register_is_a_row_that_is_judged_and_counted() -> None:
    found = taken(
        ("id", "S1", "S2", "S3"),
        (PEOPLE[0], "yes", "with Zebedee", "with Dougal"),
        (PEOPLE[0], "no", "", ""),
        ("", "yes", "no", ""),
        (PEOPLE[1], "", "", ""),
        kind="attendance",
        wave=None,
        instruments={},
        sessions={"columns": "S{session}"},
    )
    assert (found.rows_in_file, found.rows_read) == (4, 7)
    assert (found.rows_quarantined, found.accepted.height) == (6, 1)
    key = ("row_number", "session_number", "rule")
    assert sorted(found.findings.select(key).rows()) == [
        (2, 1, "duplicate_attendance"),
        (2, 2, "attended_not_recognised"),
        (2, 3, "attended_not_recognised"),
        (4, 1, "participant_key_missing"),
        (4, 2, "participant_key_missing"),
        (5, 1, "attended_not_recognised"),
    ]
    assert found.accepted.select("row_number", "session_number", "attended").rows() == [
        (3, 1, False)
    ]
    kept = found.accepted.write_json() + found.findings.write_json()
    assert not any(word in kept.lower() for word in ("zebedee", "dougal"))


HEADER_WITH_TEXT = ("id", "ok", "Q1", "Q2", "Q3", "Q4", "Full name", "diary")


@pytest.fixture
def written() -> TakenIn:
    return taken(
        HEADER_WITH_TEXT,
        ("Zebedee-1", "y", "0", "1", "2", "3", "Zebedee Spring", "DOUGAL said, ring 07700 900123"),
        ("Dougal-2", "n", "0", "1", "2", "3", "Dougal Hound", "I do not agree to this"),
        ("Florence-3", "y", "0", "1", "2", "9", "", "zebedee1 sat with me"),
        ("", "y", "0", "1", "2", "3", "", " \u200b "),
        ("Brian-4", "y", "", "", "", "", "", ""),
        consent=CONSENT,
        comments={"anything_else": "diary"},
    )


def test_free_text_is_kept_redacted_with_what_it_belongs_to(written: TakenIn) -> None:
    assert written.texts is not None
    assert written.texts.schema == TEXTS
    assert written.texts.select("row_number", "wave", "question", "text", "quarantined").rows() == [
        (2, "baseline", "anything_else", "[name] said, ring [phone]", False),
        (4, "baseline", "anything_else", "[collar number] sat with me", True),
    ]
    assert written.texts["participant_id"].is_not_null().all()
    assert written.texts["organisation"].unique().to_list() == ["kent"]


def test_who_did_not_agree_has_no_text_and_is_covered_in_those_of_others(written: TakenIn) -> None:
    assert written.texts is not None
    kept = written.texts.write_json().lower()
    for word in ("agree", "dougal", "zebedee", "07700", "florence"):
        assert word not in kept


def test_texts_change_nothing_else_of_a_file(written: TakenIn) -> None:
    assert (written.rows_read, written.rows_withdrawn, written.accepted.height) == (5, 1, 1)
    assert written.columns_unknown == 0


def test_a_text_is_known_again_by_its_digest(written: TakenIn) -> None:
    again = taken(
        HEADER_WITH_TEXT,
        ("Zebedee-1", "y", "3", "3", "3", "3", "Dougal Zebedee", "Dougal said, ring 07700 900999"),
        comments={"anything_else": "diary"},
    )
    assert written.texts is not None
    assert again.texts is not None
    assert again.texts["digest"][0] == written.texts["digest"][0], "the redacted text is the same"
    assert again.texts["digest"][0] != written.texts["digest"][1]


def test_without_a_column_of_free_text_there_is_no_frame_of_it(mixed: TakenIn) -> None:
    assert mixed.texts is None
