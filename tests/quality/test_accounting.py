"""The accounting of rows read, and what quarantine says and when it ends."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from pipeline import tables
from pipeline.quality.decisions import WAIVERS
from pipeline.quality.standing import STANDING_FINDINGS
from pipeline.quality.verdicts import VERDICTS, AccountingError, quarantine, submissions
from pipeline.submissions import Record

Make = Callable[..., Record]
NO_FINDINGS = STANDING_FINDINGS.to_frame()


def decided(submission_id: str, verdict: str, replaced_by: str | None = None) -> pl.DataFrame:
    row = (submission_id, verdict, None, replaced_by, "contract", None)
    return pl.DataFrame([row], schema=VERDICTS, orient="row")


def counted(what: str, **numbers: int) -> pl.DataFrame:
    return pl.DataFrame(
        list(numbers.items()), schema={"submission_id": pl.String, what: pl.Int64}, orient="row"
    )


def finding(submission_id: str, row_number: int, rule: str, **said: Any) -> dict[str, Any]:
    return {
        "submission_id": submission_id,
        "row_number": row_number,
        "rule": rule,
        "column_name": None,
        "severity": "reject",
        "participant_id": "v1-a",
        "wave": "baseline",
        "instrument": "phq4",
        **said,
    }


def findings(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=STANDING_FINDINGS)


def rows_of(
    record: Record,
    verdicts: pl.DataFrame,
    found: pl.DataFrame = NO_FINDINGS,
    superseded: int = 0,
    accepted: int = 0,
) -> dict[str, Any]:
    listed = submissions(
        [record],
        verdicts,
        found,
        counted("rows_superseded", **{record.submission_id: superseded}),
        counted("rows_accepted", **{record.submission_id: accepted}),
    )
    row = listed.row(0, named=True)
    return {name[5:]: n for name, n in row.items() if name.startswith("rows_") and n}


def test_an_accepted_file_is_divided_among_all_outcomes(record: Make) -> None:
    mixed = record("a", rows_read=20, rows_accepted=15, rows_quarantined=3, rows_withdrawn=2)
    later = findings(finding("a", 2, "participant_not_enrolled"))
    assert rows_of(mixed, decided("a", "accepted"), later, superseded=4, accepted=10) == {
        "in_file": 10,
        "read": 20,
        "accepted": 10,
        "quarantined": 4,
        "superseded": 4,
        "withdrawn": 2,
    }


@pytest.mark.parametrize("accepted", [9, 11])
def test_a_row_lost_or_counted_twice_is_an_error(accepted: int, record: Make) -> None:
    with pytest.raises(AccountingError, match=f"a: 10 rows read, {accepted} accounted for"):
        rows_of(record("a"), decided("a", "accepted"), accepted=accepted)


def test_a_row_that_breaks_two_standing_rules_is_one_row(record: Make) -> None:
    later = findings(
        finding("a", 2, "participant_not_enrolled"), finding("a", 2, "completed_after_departure")
    )
    found = rows_of(record("a"), decided("a", "accepted"), later, accepted=9)
    assert (found["accepted"], found["quarantined"]) == (9, 1)


def test_one_row_of_a_wide_file_may_be_two_measurements(record: Make) -> None:
    later = findings(
        finding("a", 2, "participant_not_enrolled"),
        finding("a", 2, "participant_not_enrolled", wave="session_5"),
    )
    assert rows_of(record("a"), decided("a", "accepted"), later, accepted=8)["quarantined"] == 2


def test_warnings_quarantine_nothing(record: Make) -> None:
    later = findings(finding("a", 2, "completed_shortly_before_enrolment", severity="warn"))
    found = rows_of(record("a"), decided("a", "accepted_with_warnings"), later, accepted=10)
    assert "quarantined" not in found


def test_rows_of_a_rejected_file_count_as_quarantined(record: Make) -> None:
    bad = record("a", rows_read=10, rows_accepted=3, rows_quarantined=6, rows_withdrawn=1)
    assert rows_of(bad, decided("a", "rejected")) == {
        "in_file": 10,
        "read": 10,
        "quarantined": 9,
        "withdrawn": 1,
    }


def test_sound_rows_of_a_held_file_wait(record: Make) -> None:
    held = record("a", rows_accepted=8, rows_quarantined=2)
    found = rows_of(held, decided("a", "held"))
    assert (found["held"], found["quarantined"]) == (8, 2)


def test_sound_rows_of_a_replaced_file_are_superseded(record: Make) -> None:
    old = record("a", rows_accepted=8, rows_quarantined=2)
    found = rows_of(old, decided("a", "accepted", "b"))
    assert (found["superseded"], found["quarantined"]) == (8, 2)


def test_of_an_unreadable_file_nothing_is_counted(record: Make) -> None:
    nothing = dict.fromkeys(("rows_in_file", "rows_read", "rows_accepted", "rows_quarantined"))
    unreadable = record("a", problem="the file is empty", rows_withdrawn=None, **nothing)
    listed = submissions(
        [unreadable],
        decided("a", "held"),
        NO_FINDINGS,
        counted("rows_superseded"),
        counted("rows_accepted"),
    )
    numbers = listed.select(pl.col("^rows_.*$")).row(0)
    assert set(numbers) == {None}


def test_rows_that_disappeared_are_said_of_the_file_that_replaced_others(record: Make) -> None:
    listed = submissions(
        [record("a"), record("b")],
        pl.concat([decided("a", "accepted", "b"), decided("b", "accepted")]),
        NO_FINDINGS,
        counted("rows_superseded"),
        counted("rows_accepted", b=10),
        disappeared=counted("rows_disappeared", b=0),
    )
    assert dict(listed.select("submission_id", "rows_disappeared").iter_rows()) == {
        "a": None,
        "b": 0,
    }


def test_the_table_is_the_published_one(record: Make) -> None:
    listed = submissions(
        [record("a")],
        decided("a", "accepted"),
        NO_FINDINGS,
        counted("rows_superseded"),
        counted("rows_accepted", a=10),
    )
    assert listed.schema == tables.SUBMISSIONS.frame_schema
    assert listed["received_at"].to_list() == [datetime(2026, 6, 30, 9, 30)]


MONDAY, TUESDAY = (datetime(2026, 6, day, tzinfo=UTC).replace(tzinfo=None) for day in (1, 2))
RECEIVED = pl.DataFrame(
    {
        "submission_id": ["monday", "tuesday"],
        "received_at": [MONDAY, TUESDAY],
        "failed_contract": [None, None],
    },
    schema_overrides={"received_at": pl.Datetime("us"), "failed_contract": pl.String},
)


def counts_from(submission_id: str, **said: str) -> pl.DataFrame:
    measurement = {"participant_id": "v1-a", "wave": "baseline", "instrument": "phq4", **said}
    return pl.DataFrame([{**measurement, "submission_id": submission_id}])


def status_of(bad: dict[str, Any], responses: pl.DataFrame) -> str:
    return str(quarantine([findings(bad)], responses, RECEIVED)["status"].item())


def test_a_sound_row_that_came_later_resolves() -> None:
    bad = finding("monday", 2, "answer_out_of_range")
    assert status_of(bad, counts_from("tuesday")) == "resolved"


def test_a_correction_taken_in_by_the_same_run_resolves_too() -> None:
    same_moment = RECEIVED.with_columns(pl.lit(MONDAY, pl.Datetime("us")).alias("received_at"))
    bad = findings(finding("monday", 2, "answer_out_of_range"))
    kept = quarantine([bad], counts_from("tuesday"), same_moment)
    assert kept["status"].to_list() == ["resolved"]
    kept = quarantine([bad], counts_from("tuesday"), same_moment.reverse())
    assert kept["status"].to_list() == ["open"]


def test_a_sound_row_that_came_earlier_does_not() -> None:
    bad = finding("tuesday", 2, "answer_out_of_range")
    assert status_of(bad, counts_from("monday")) == "open"


def test_a_sound_row_of_the_same_file_does_not() -> None:
    assert status_of(finding("monday", 2, "duplicate_response"), counts_from("monday")) == "open"


@pytest.mark.parametrize(
    "differs", [{"participant_id": "v1-b"}, {"wave": "session_5"}, {"instrument": "pss10"}]
)
def test_a_sound_row_of_another_measurement_does_not(differs: dict[str, str]) -> None:
    bad = finding("monday", 2, "answer_out_of_range")
    assert status_of(bad, counts_from("tuesday", **differs)) == "open"


@pytest.mark.parametrize("unknown", ["participant_id", "wave", "instrument"])
def test_a_row_of_nobody_is_never_resolved(unknown: str) -> None:
    bad = finding("monday", 2, "participant_key_missing", **{unknown: None})
    assert status_of(bad, counts_from("tuesday")) == "open"


def test_a_warning_has_nothing_to_resolve() -> None:
    bad = finding("monday", 2, "straight_lining", severity="warn")
    assert status_of(bad, counts_from("tuesday")) == "open"


def test_findings_of_every_origin_stand_in_one_table() -> None:
    kept = quarantine(
        [
            findings(finding("monday", 3, "wave_unknown")),
            NO_FINDINGS,
            findings(finding("monday", 2, "answer_out_of_range", column_name="item_1")),
        ],
        counts_from("tuesday"),
        RECEIVED,
    )
    assert kept.schema == tables.QUARANTINE.frame_schema
    assert kept["row_number"].to_list() == [2, 3]


def test_sessions_of_one_row_of_a_wide_register_are_rows_of_their_own(record: Make) -> None:
    of_register = {"wave": None, "instrument": None}
    unlinked = findings(
        *(
            finding("monday", 2, "participant_not_enrolled", session_number=number, **of_register)
            for number in (1, 2, 3)
        )
    )
    register = record("monday", rows_read=5, rows_accepted=5)
    counts = rows_of(register, decided("monday", "accepted"), unlinked, accepted=2)
    assert (counts["quarantined"], counts["accepted"]) == (3, 2)
    kept = quarantine([unlinked], counts_from("tuesday"), RECEIVED)
    assert kept["session_number"].to_list() == [1, 2, 3]


def waived(*rows: tuple[str, int, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=WAIVERS, orient="row")


def let_in(submission_id: str, *row_numbers: int) -> pl.DataFrame:
    rows = [(submission_id, number, "baseline", "phq4") for number in row_numbers]
    names = ["submission_id", "row_number", "wave", "instrument"]
    types = [pl.String, pl.Int32, pl.String, pl.String]
    return pl.DataFrame(rows, schema=dict(zip(names, types, strict=True)), orient="row")


def test_a_row_let_in_by_a_waiver_is_quarantined_no_more(record: Make) -> None:
    mixed = record("a", rows_read=10, rows_accepted=7, rows_quarantined=3)
    listed = submissions(
        [mixed],
        decided("a", "accepted"),
        NO_FINDINGS,
        counted("rows_superseded"),
        counted("rows_accepted", a=8),
        waivers=waived(("a", 2, "preview_or_test_row")),
        let_in=let_in("a", 2),
    )
    assert listed.select("rows_accepted", "rows_quarantined").row(0) == (8, 2)


@pytest.mark.parametrize(
    ("verdict", "replaced_by", "where"),
    [("held", None, "held"), ("rejected", None, None), ("accepted", "b", "superseded")],
)
def test_a_waiver_in_a_file_that_does_not_count_moves_no_row(
    verdict: str, replaced_by: str | None, where: str | None, record: Make
) -> None:
    mixed = record("a", rows_read=10, rows_accepted=7, rows_quarantined=3)
    listed = submissions(
        [mixed],
        decided("a", verdict, replaced_by),
        NO_FINDINGS,
        counted("rows_superseded"),
        counted("rows_accepted"),
        waivers=waived(("a", 2, "preview_or_test_row")),
        let_in=let_in("a"),
    )
    row = listed.row(0, named=True)
    assert row["rows_quarantined"] == (10 if where is None else 3)
    assert where is None or row[f"rows_{where}"] == 7


def test_a_waived_standing_rule_quarantines_nothing(record: Make) -> None:
    later = findings(
        finding("a", 2, "completed_after_departure"),
        finding("a", 3, "completed_after_departure"),
        finding("a", 3, "participant_not_enrolled"),
    )
    rules = [("a", row, "completed_after_departure") for row in (2, 3)]
    listed = submissions(
        [record("a")],
        decided("a", "accepted"),
        later,
        counted("rows_superseded"),
        counted("rows_accepted", a=9),
        waivers=waived(*rules),
    )
    assert listed.select("rows_accepted", "rows_quarantined").row(0) == (9, 1)


@pytest.mark.parametrize(
    ("rule", "holds", "counts", "status"),
    [
        ("preview_or_test_row", True, True, "waived"),
        ("preview_or_test_row", True, False, "open"),
        ("preview_or_test_row", False, False, "expired"),
        ("completed_after_departure", True, False, "waived"),
        ("completed_after_departure", False, False, "expired"),
    ],
)
def test_what_quarantine_says_of_a_waived_row(
    rule: str, holds: bool, counts: bool, status: str
) -> None:
    every = waived(("monday", 2, rule))
    kept = quarantine(
        [findings(finding("monday", 2, rule), finding("monday", 3, rule))],
        counts_from("monday"),
        RECEIVED,
        ever_waived=every,
        waivers=every if holds else waived(),
        let_in=let_in("monday", 2) if counts else None,
    )
    assert kept["status"].to_list() == [status, "open"]


def test_rows_of_a_returned_file_are_returned_until_they_are_resolved() -> None:
    returned = RECEIVED.with_columns(
        pl.when(submission_id="monday").then(pl.lit("returned")).alias("failed_contract")
    )
    bad = [
        finding("monday", 2, "returned"),
        finding("monday", 3, "straight_lining", severity="warn", participant_id="v1-b"),
        finding("monday", 4, "returned", participant_id="v1-b"),
        finding("tuesday", 2, "wave_unknown"),
    ]
    kept = quarantine([findings(*bad)], counts_from("tuesday"), returned)
    assert kept["status"].to_list() == ["resolved", "returned", "returned", "open"]


def test_rows_kept_of_a_replaced_file_are_counted_where_they_end(record: Make) -> None:
    """Officers who stopped collection: three rows are judged though a newer file came."""
    older = record("a", rows_accepted=9, rows_quarantined=1)
    listed = submissions(
        [older],
        decided("a", "accepted", "b"),
        findings(finding("a", 2, "completed_after_departure")),
        counted("rows_superseded", a=0),
        counted("rows_accepted", a=2),
        kept=counted("rows_kept", a=3),
    ).row(0, named=True)
    counts = ("accepted", "quarantined", "superseded", "held")
    assert [listed[f"rows_{name}"] for name in counts] == [2, 2, 6, 0]


@pytest.mark.parametrize("accepted", [2, 4])
def test_a_kept_row_lost_or_counted_twice_is_an_error(accepted: int, record: Make) -> None:
    with pytest.raises(AccountingError, match="a: 10 rows read"):
        submissions(
            [record("a")],
            decided("a", "accepted", "b"),
            NO_FINDINGS,
            counted("rows_superseded", a=0),
            counted("rows_accepted", a=accepted),
            kept=counted("rows_kept", a=3),
        )
