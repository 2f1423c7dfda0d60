"""Rows carried on to a newer key: what changes, what may not, and the counts that would show it."""

import polars as pl
import pytest

from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.privacy.rotation import Counting, Tally, carried_on, left_behind
from pipeline.programme import Identifiers

COLUMNS = ("participant_id", "new_participant_id", "session_group")
OLD = Pseudonymiser((b"1" * 32,), "supervision", Identifiers())
NEW = Pseudonymiser((b"1" * 32, b"2" * 32), "supervision", Identifiers())


def named(*identifiers: str | None, by: Pseudonymiser = OLD) -> pl.Series:
    rows = pl.DataFrame({"identifier": identifiers}, schema={"identifier": pl.String})
    return by.participants(rows.with_columns(home_force=pl.lit("kent")))


def answers(*rows: tuple[str | None, str]) -> pl.DataFrame:
    identifiers, waves = zip(*rows, strict=True)
    return pl.DataFrame({"wave": waves, "items": [[1]] * len(rows)}).with_columns(
        named(*identifiers).alias("participant_id")
    )


def tally(*frames: pl.DataFrame, kept_as: str = "accepted") -> Tally:
    counting = Counting(COLUMNS)
    for number, frame in enumerate(frames):
        counting.add(f"submission-{number}", kept_as, frame)
    return counting.tally()


def test_pseudonyms_become_what_the_newer_key_gives_and_nothing_else_changes() -> None:
    rows = pl.DataFrame(
        {
            "row_number": [2, 3, 4],
            "participant_id": named("a", None, "b"),
            "session_group": named("g", "g", None),
            "note": ["x", None, "y"],
        }
    )
    after = carried_on(rows, COLUMNS, NEW)
    assert after["participant_id"].to_list() == named("a", None, "b", by=NEW).to_list()
    assert after["session_group"].to_list() == named("g", "g", None, by=NEW).to_list()
    assert after.columns == rows.columns
    assert after.drop(COLUMNS, strict=False).equals(rows.drop(COLUMNS, strict=False))


def test_elements_of_codes_are_carried_on_one_by_one_and_counted() -> None:
    a, b, c = named("a", "b", "c")
    rows = pl.DataFrame({"code": [[a, None, b], [c], None]})
    newest = dict(zip((a, b, c), named("a", "b", "c", by=NEW), strict=True))
    after = carried_on(rows, ["code"], NEW)
    assert after["code"].to_list() == [[newest[a], None, newest[b]], [newest[c]], None]
    counting = Counting(["code"])
    counting.add("one", "codes", rows)
    assert counting.tally().distinct["code"] == 3


def test_what_is_no_pseudonym_is_refused_unquoted() -> None:
    with pytest.raises(ValueError, match=r"^no pseudonym of these keys$"):
        carried_on(pl.DataFrame({"participant_id": ["PC 4711"]}), COLUMNS, NEW)


def test_officers_who_answered_two_waves_are_counted_for_every_pair() -> None:
    one = answers(("a", "start"), ("b", "start"), ("c", "start"), ("a", "end"), (None, "end"))
    two = answers(("a", "end"), ("b", "later"), ("a", "later"))
    assert tally(one, two).links == {
        ("end", "end"): 1,
        ("end", "later"): 1,
        ("end", "start"): 1,
        ("later", "later"): 2,
        ("later", "start"): 2,
        ("start", "start"): 3,
    }


def test_findings_are_no_answers() -> None:
    findings = answers(("a", "start")).drop("items")
    assert tally(findings).links == {}


def test_an_officer_under_the_number_of_another_force_is_one() -> None:
    moved = pl.DataFrame({"participant_id": named("a"), "new_participant_id": named("b")})
    stayed = pl.DataFrame({"participant_id": named("b")})
    assert tally(moved, stayed).distinct == {
        "participant_id": 2,
        "new_participant_id": 1,
        "officers": 2,
    }


BEFORE = (answers(("a", "start"), ("b", "start")), answers(("a", "end"), ("c", "end")))


def test_a_sound_rotation_shows_no_difference() -> None:
    after = [carried_on(frame, COLUMNS, NEW) for frame in BEFORE]
    assert tally(*BEFORE).differences(tally(*after)) == []


@pytest.mark.parametrize(
    ("after", "different"),
    [
        ((BEFORE[0], BEFORE[1].head(1)), "the number of rows of a submission"),
        ((BEFORE[0].with_columns(participant_id=named("a", None)), BEFORE[1]), "cells that name"),
        ((BEFORE[0].with_columns(participant_id=named("a", "a")), BEFORE[1]), "officers or groups"),
        ((BEFORE[0], answers(("d", "end"), ("c", "end"))), "answered two waves"),
    ],
    ids=["row lost", "name lost", "two merged", "link lost"],
)
def test_what_a_rotation_must_not_do_shows(after: tuple[pl.DataFrame, ...], different: str) -> None:
    found = tally(*BEFORE).differences(tally(*after))
    assert any(different in said for said in found)


def test_a_link_that_moved_to_another_pair_shows() -> None:
    """As many officers and rows as before, and still somebody else."""
    swapped = answers(("b", "end"), ("a", "end"))
    before, after = tally(*BEFORE), tally(BEFORE[0], swapped)
    assert before.links[("end", "start")] == 1
    assert "the number of officers who answered two waves" in before.differences(after)


def test_a_pseudonym_of_an_older_key_is_found_whatever_its_column_is_called() -> None:
    rows = pl.DataFrame(
        {
            "participant_id": named("a", "b", by=NEW),
            "somewhere": named("a", None),
            "among": [["free"], [named("a").item()]],
            "text": ["as v1-0123456789abcdef0123 shows", None],
            "n": [1, 2],
        }
    )
    assert left_behind(rows, 2) == ["somewhere", "among"]
    assert left_behind(rows.drop("somewhere", "among"), 2) == []
    assert left_behind(rows.clear(), 2) == []
