"""Rows that a newer file of a cumulative source no longer holds."""

from typing import Any

import polars as pl
import pytest

from pipeline.quality.disappeared import KEYS, counts, disappeared, replaced_files
from pipeline.quality.standing import STANDING_FINDINGS
from pipeline.quality.verdicts import VERDICTS
from pipeline.vocabulary import Kind

REPLACED = {"monday": "wednesday", "tuesday": "wednesday"}
ARRIVED = {"monday": 0, "tuesday": 1, "wednesday": 2}
SESSION: dict[Kind, dict[str, Any]] = {
    Kind.QUESTIONNAIRE: {"wave": "baseline", "instrument": "phq4"},
    Kind.ATTENDANCE: {"session_number": 1},
    Kind.ROSTER: {},
    Kind.DEPARTURES: {},
}


def rows(kind: Kind, *given: tuple[str, int, str], **said: Any) -> pl.DataFrame:
    """Accepted rows of submission, row and officer."""
    made = [
        {
            "submission_id": submission,
            "arrived": ARRIVED[submission],
            "row_number": number,
            "participant_id": officer,
            **SESSION[kind],
            **said,
        }
        for submission, number, officer in given
    ]
    types = {"submission_id": pl.String, "arrived": pl.Int32, "row_number": pl.Int32}
    return pl.DataFrame(made, schema={**types, **KEYS[kind]})


def finding(kind: Kind, officer: str | None, rule: str, **said: Any) -> pl.DataFrame:
    row = {
        "submission_id": "wednesday",
        "row_number": 9,
        "rule": rule,
        "severity": "reject",
        "participant_id": officer,
        **{k: v for k, v in SESSION[kind].items() if k != "session_number"},
        **said,
    }
    return pl.DataFrame([row], schema=STANDING_FINDINGS)


def gone(
    kind: Kind,
    older: pl.DataFrame,
    newest: pl.DataFrame,
    *findings: pl.DataFrame,
) -> list[tuple[Any, ...]]:
    found = disappeared(
        kind, older, newest, pl.concat([STANDING_FINDINGS.to_frame(), *findings]), REPLACED
    )
    assert found.schema == STANDING_FINDINGS
    assert set(found["rule"]) <= {"row_disappeared"}
    assert set(found["severity"]) <= {"warn"}
    return found.select("submission_id", "row_number", "participant_id").rows()


@pytest.mark.parametrize("kind", list(Kind))
def test_a_row_that_is_gone_is_reported_once_at_the_last_file_that_had_it(kind: Kind) -> None:
    older = rows(
        kind,
        ("monday", 2, "v1-a"),
        ("monday", 3, "v1-b"),
        ("monday", 4, "v1-c"),
        ("tuesday", 2, "v1-a"),
        ("tuesday", 7, "v1-b"),
    )
    newest = rows(kind, ("wednesday", 2, "v1-a"))
    assert gone(kind, older, newest) == [("monday", 4, "v1-c"), ("tuesday", 7, "v1-b")]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_row_that_was_gone_and_is_back_is_not_reported(kind: Kind) -> None:
    older = rows(kind, ("monday", 2, "v1-a"))
    assert gone(kind, older, rows(kind, ("wednesday", 8, "v1-a"))) == []


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        (Kind.QUESTIONNAIRE, {"wave": "session_5"}),
        (Kind.QUESTIONNAIRE, {"instrument": "pss10"}),
        (Kind.ATTENDANCE, {"session_number": 2}),
    ],
)
def test_another_row_of_the_same_officer_is_not_the_row(kind: Kind, other: dict[str, Any]) -> None:
    older = rows(kind, ("monday", 2, "v1-a"))
    newest = rows(kind, ("wednesday", 2, "v1-a"), **other)
    assert gone(kind, older, newest) == [("monday", 2, "v1-a")]


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (Kind.QUESTIONNAIRE, "answer_out_of_range"),
        (Kind.ROSTER, "arm_unknown"),
        (Kind.ATTENDANCE, "session_number_unknown"),
        (Kind.DEPARTURES, "departure_kind_unknown"),
    ],
)
def test_a_row_in_quarantine_has_not_disappeared(kind: Kind, rule: str) -> None:
    older = rows(kind, ("monday", 2, "v1-a"), ("monday", 3, "v1-b"))
    assert gone(kind, older, rows(kind), finding(kind, "v1-a", rule)) == [("monday", 3, "v1-b")]


def test_a_quarantined_row_of_unknown_wave_may_be_any_of_its_officer() -> None:
    older = rows(Kind.QUESTIONNAIRE, ("monday", 2, "v1-a"), ("monday", 3, "v1-b"))
    lost = finding(Kind.QUESTIONNAIRE, "v1-a", "wave_unknown", wave=None)
    newest = rows(Kind.QUESTIONNAIRE)
    assert gone(Kind.QUESTIONNAIRE, older, newest, lost) == [("monday", 3, "v1-b")]


def test_a_quarantined_row_of_another_wave_is_not_the_row() -> None:
    older = rows(Kind.QUESTIONNAIRE, ("monday", 2, "v1-a"))
    other = finding(Kind.QUESTIONNAIRE, "v1-a", "answer_out_of_range", wave="session_5")
    assert len(gone(Kind.QUESTIONNAIRE, older, rows(Kind.QUESTIONNAIRE), other)) == 1


@pytest.mark.parametrize(
    "said", [{"severity": "warn"}, {"rule": "duplicate_attendance"}, {"participant_id": None}]
)
def test_findings_that_hold_no_other_row_hide_nothing(said: dict[str, Any]) -> None:
    older = rows(Kind.ATTENDANCE, ("monday", 2, "v1-a"))
    found = (
        finding(Kind.ATTENDANCE, "v1-a", "session_number_unknown", **said)
        if ("rule" not in said)
        else finding(Kind.ATTENDANCE, "v1-a", **said)
    )
    assert len(gone(Kind.ATTENDANCE, older, rows(Kind.ATTENDANCE), found)) == 1


def test_files_of_other_sources_are_not_compared() -> None:
    older = rows(Kind.ROSTER, ("monday", 2, "v1-a"))
    other = rows(Kind.ROSTER, ("wednesday", 2, "v1-a")).with_columns(
        pl.lit("of another source").alias("submission_id")
    )
    assert gone(Kind.ROSTER, older, other) == [("monday", 2, "v1-a")]


def test_only_good_files_are_compared_with_what_replaced_them() -> None:
    verdicts = pl.DataFrame(
        [
            ("a", "accepted", None, "c", "contract", None),
            ("b", "rejected", "bad", "c", "contract", "roster.x"),
            ("c", "accepted_with_warnings", "odd", None, "contract", None),
            ("d", "held", "odd", None, "contract", None),
        ],
        schema=VERDICTS,
        orient="row",
    )
    assert replaced_files(verdicts) == {"a": "c"}
    assert replaced_files(VERDICTS.to_frame()) == {}


def test_each_file_that_replaced_another_has_a_count() -> None:
    older = rows(Kind.ROSTER, ("monday", 2, "v1-a"), ("tuesday", 2, "v1-b"))
    found = disappeared(
        Kind.ROSTER, older, rows(Kind.ROSTER), STANDING_FINDINGS.to_frame(), REPLACED
    )
    every = counts(found, {**REPLACED, "x": "y"})
    assert dict(every.iter_rows()) == {"wednesday": 2, "y": 0}
