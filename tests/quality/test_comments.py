"""Which text a judgement is about, what waits, and what is published of what was approved."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from pipeline import tables
from pipeline.entries import Entry
from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.programme import Identifiers
from pipeline.quality.comments import (
    STANDING_TEXTS,
    TEXTS,
    comment_counts,
    comment_id,
    comments,
    covered,
    judgements_of,
    standing_texts,
    with_states,
    written_by,
)
from pipeline.quality.standing import STANDING_FINDINGS
from pipeline.vocabulary import EntryKind

NOBODY_MOVED = tables.PARTICIPANT_ALIAS.empty()
NO_FINDINGS = STANDING_FINDINGS.to_frame()
KEYS = (b"1" * 32, b"2" * 32)
SOMEBODY = f"v1-{'a' * 20}"


def texts(*rows: dict[str, Any]) -> pl.DataFrame:
    usual = {
        "submission_id": "kent--phq--1",
        "row_number": 2,
        "organisation": "kent",
        "participant_id": SOMEBODY,
        "wave": "baseline",
        "completed_on": None,
        "question": "more",
        "text": "it [name] helped",
        "digest": "d1",
        "quarantined": False,
    }
    return pl.DataFrame(
        [usual | row for row in rows], schema={"submission_id": pl.String(), **TEXTS}
    )


def standing(*rows: dict[str, Any], findings: pl.DataFrame = NO_FINDINGS) -> pl.DataFrame:
    made = standing_texts(texts(*rows), findings, NOBODY_MOVED)
    assert made.schema == STANDING_TEXTS
    return made


def entry(number: int = 1, day: int = 1, **body: Any) -> Entry:
    return Entry(
        entry=number,
        entered_at=datetime(2026, 3, day, tzinfo=UTC),
        kind=EntryKind.TEXT_JUDGED,
        steward="s",
        reason="",
        body={
            "submission_id": "kent--phq--1",
            "row_number": 2,
            "participant_id": SOMEBODY,
            "wave": "baseline",
            "question": "more",
            "digest": "d1",
            "approved": True,
            "themes": ["groups"],
            "spans": [],
            **body,
        },
    )


def judged(*entries: Entry, keys: tuple[bytes, ...] = KEYS[:1]) -> dict[str, Any]:
    return judgements_of(entries, Pseudonymiser(keys, "test", Identifiers()))


def states(made: pl.DataFrame, *entries: Entry) -> list[str]:
    return with_states(made, judged(*entries))["state"].to_list()


def test_a_text_waits_until_it_is_judged() -> None:
    assert states(standing({})) == ["waiting"]
    assert states(standing({}), entry()) == ["approved"]
    assert states(standing({}), entry(approved=False)) == ["rejected"]


def test_the_newest_judgement_counts() -> None:
    assert states(standing({}), entry(1), entry(2, approved=False)) == ["rejected"]
    assert states(standing({}), entry(1, approved=False), entry(2)) == ["approved"]


@pytest.mark.parametrize(
    "otherwise",
    [
        {"digest": "d2"},
        {"wave": "session_10"},
        {"question": "other"},
        {"participant_id": f"v1-{'b' * 20}"},
    ],
)
def test_a_text_that_is_another_waits(otherwise: dict[str, Any]) -> None:
    assert states(standing(otherwise), entry()) == ["waiting"]


def test_the_same_text_in_a_newer_file_is_the_same() -> None:
    newer = standing({"submission_id": "kent--phq--2", "row_number": 9})
    assert states(newer, entry()) == ["approved"]


def test_of_the_same_text_in_two_files_the_newer_is_kept() -> None:
    made = standing({}, {"submission_id": "kent--phq--2", "row_number": 7})
    assert made.select("submission_id", "row_number").rows() == [("kent--phq--2", 7)]


def test_of_rows_that_name_nobody_the_place_says_which_it_is() -> None:
    nobody = {"participant_id": None, "quarantined": True}
    made = standing(nobody, nobody | {"row_number": 3})
    assert made.height == 2
    assert states(made, entry(participant_id=None)) == ["approved", "waiting"]


def test_a_judgement_outlives_a_new_key() -> None:
    newest = Pseudonymiser(KEYS, "test", Identifiers()).carried_on(pl.Series([SOMEBODY])).item()
    made = standing({"participant_id": newest})
    assert newest.startswith("v2-")
    assert with_states(made, judged(entry(), keys=KEYS))["state"].to_list() == ["approved"]


def test_a_transferred_officer_keeps_what_was_judged_before_the_transfer_was_known() -> None:
    aliases = pl.DataFrame(
        [("v1-first", SOMEBODY, "kent", date(2026, 1, 1), True)],
        tables.PARTICIPANT_ALIAS.frame_schema,
        orient="row",
    )
    made = standing_texts(texts({}), NO_FINDINGS, aliases)
    assert made["participant_id"].to_list() == ["v1-first"]
    assert comments(made, judged(entry()))["participant_id"].to_list() == ["v1-first"]


@pytest.mark.parametrize(
    ("finding", "marked"),
    [
        ({}, True),
        ({"wave": "session_10"}, False),
        ({"row_number": 3}, False),
        ({"severity": "warn"}, False),
        ({"submission_id": "kent--phq--9"}, False),
    ],
)
def test_rows_that_break_a_rule_across_submissions_mark_their_texts(
    finding: dict[str, Any], marked: bool
) -> None:
    broken = {
        "submission_id": "kent--phq--1",
        "row_number": 2,
        "wave": "baseline",
        "severity": "reject",
        **finding,
    }
    findings = pl.DataFrame([broken], schema=STANDING_FINDINGS)
    assert standing({}, findings=findings)["quarantined"].to_list() == [marked]
    whole_row = standing({"wave": None}, findings=findings)
    in_its_row = finding.keys() <= {"wave"}
    assert whole_row["quarantined"].to_list() == [in_its_row]


def test_only_approved_texts_are_published_with_what_was_covered() -> None:
    made = standing({}, {"digest": "d2", "text": "no"}, {"digest": "d3", "text": "waits"})
    published = comments(made, judged(entry(spans=[[0, 2]]), entry(2, digest="d2", approved=False)))
    assert published.drop("comment_id").rows() == [
        (
            *(SOMEBODY, "kent", "baseline", "more"),
            *("[covered] [name] helped", ["groups"], "s", date(2026, 3, 1)),
        )
    ]


def test_counts_add_up_to_the_texts() -> None:
    made = standing({}, {"digest": "d2", "quarantined": True}, {"digest": "d3"})
    counts = comment_counts(made, judged(entry()))
    assert counts.rows() == [("kent", "approved", 1, 0), ("kent", "waiting", 2, 1)]
    assert comment_counts(made.clear(), {}).is_empty()


def test_texts_of_later_days_are_not_there_yet() -> None:
    made = standing(
        {"completed_on": date(2026, 1, 2)}, {"digest": "d2"}, {"digest": "d3", "wave": "x"}
    )
    assert written_by(made, date(2026, 1, 1)).height == 2
    assert written_by(made, date(2026, 1, 2)).height == 3


def test_words_are_covered_by_their_places() -> None:
    assert covered("the red house is ours", [(4, 13), (17, 21)]) == "the [covered] is [covered]"


def test_the_name_of_a_text_depends_on_all_that_makes_it_one() -> None:
    place = {"submission_id": "a", "row_number": 1}
    one = comment_id("p", "w", "q", "d", **place)
    assert one == comment_id("p", "w", "q", "d", submission_id="b", row_number=2)
    others = [
        ("x", "w", "q", "d"),
        ("p", "x", "q", "d"),
        ("p", "w", "x", "d"),
        ("p", "w", "q", "x"),
    ]
    assert len({one, *(comment_id(*other, **place) for other in others)}) == 5
    assert comment_id("p", None, "q", "d", **place) != one
