"""The profile of a submission against counting by hand, and the measures made of profiles."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from pipeline.programme import Thresholds
from pipeline.quality.judgement import FINDINGS
from pipeline.quality.profile import (
    MEASURES,
    PROFILE,
    contract_name,
    contracts_expected,
    measures,
    profile_of,
)
from pipeline.quality.trends import TRENDS
from pipeline.reference import Instrument

NO_FINDINGS = FINDINGS.to_frame()
NOBODY_KNOWN = pl.DataFrame(schema={"submission_id": pl.String, "share_unlinked": pl.Float64})


def test_answers_are_counted_item_by_item(
    answered: Callable[..., pl.DataFrame], phq4: Instrument
) -> None:
    rows = answered({"items": (0, 3, None, 1)}, {"items": (0, 2, None, 1)}, {"items": (1, 3, 0, 1)})
    profile = profile_of(phq4, 5, 1, rows, NO_FINDINGS)
    counted = profile.filter(measure="answer").select("name", "value", "n").rows()
    assert counted == [
        ("baseline item_1", 0, 2),
        ("baseline item_1", 1, 1),
        ("baseline item_2", 2, 1),
        ("baseline item_2", 3, 2),
        ("baseline item_3", 0, 1),
        ("baseline item_4", 1, 3),
    ]
    assert dict(profile.filter(measure="rows").select("name", "n").iter_rows()) == {
        "read": 5,
        "withdrawn": 1,
        "accepted": 3,
        "quarantined": 1,
    }
    assert profile.schema == PROFILE


def test_a_profile_of_no_rows(answered: Callable[..., pl.DataFrame], phq4: Instrument) -> None:
    profile = profile_of(phq4, 0, 0, answered(), NO_FINDINGS)
    assert profile.filter(measure="answer").is_empty()


def test_a_profile_holds_no_row_number_and_no_person() -> None:
    assert not {"row_number", "participant_id"} & set(PROFILE)


def test_a_rule_is_counted_once_for_each_row_that_broke_it() -> None:
    found = pl.DataFrame(
        {"rule": ["wave_unknown", "arm_unknown", "wave_unknown"]}, schema={"rule": pl.String}
    )
    accepted = pl.DataFrame({"row_number": [2]})
    profile = profile_of(None, 4, 0, accepted, found).filter(measure="rule")
    assert profile.select("name", "n").rows() == [("arm_unknown", 1), ("wave_unknown", 2)]
    assert profile["instrument"].to_list() == [None, None]


def submission(submission_id: str, **said: Any) -> dict[str, Any]:
    return {
        "submission_id": submission_id,
        "organisation": "cumbria",
        "source": "phq",
        "kind": "questionnaire",
        "delivery": "cumulative",
        "columns_unknown": 0,
        "columns_beside": [],
        **said,
    }


def profiled(submission_id: str, instrument: str | None, **counts: int) -> list[dict[str, Any]]:
    return [
        {
            "submission_id": submission_id,
            "instrument": instrument,
            "measure": "rows",
            "name": name,
            "value": None,
            "n": n,
        }
        for name, n in counts.items()
    ]


def measured(
    records: list[dict[str, Any]],
    profiles: list[list[dict[str, Any]]],
    unlinked: pl.DataFrame = NOBODY_KNOWN,
) -> pl.DataFrame:
    rows = [row for profile in profiles for row in profile]
    frame = pl.DataFrame(rows, schema={"submission_id": pl.String, **PROFILE})
    return measures(pl.DataFrame(records), frame, unlinked)


def test_withdrawn_rows_are_not_judged() -> None:
    found = measured(
        [submission("a")], [profiled("a", "phq4", read=10, withdrawn=5, accepted=4, quarantined=1)]
    )
    assert found.row(0, named=True) == {
        "submission_id": "a",
        "kind": "questionnaire",
        "instrument": "phq4",
        "rows_judged": 5.0,
        "share_quarantined": 0.2,
        "share_unlinked": None,
        "columns_unknown": 0.0,
        **dict.fromkeys(TRENDS),
    }
    assert found.schema == MEASURES


def test_where_all_withdrew_there_is_no_share() -> None:
    found = measured(
        [submission("a")], [profiled("a", "phq4", read=3, withdrawn=3, accepted=0, quarantined=0)]
    )
    assert found["share_quarantined"].to_list() == [None]


@pytest.mark.parametrize(
    ("delivery", "share"), [("cumulative", [None, 0.5]), ("incremental", [None, None])]
)
def test_only_a_cumulative_file_can_shrink(delivery: str, share: list[float | None]) -> None:
    records = [submission("a", delivery=delivery), submission("b", delivery=delivery)]
    profiles = [profiled("a", "phq4", read=10), profiled("b", "phq4", read=5)]
    assert measured(records, profiles)["share_of_previous_rows"].to_list() == share


def test_a_file_is_compared_with_its_own_source_and_instrument() -> None:
    records = [submission("a"), submission("b", source="other"), submission("c")]
    profiles = [
        profiled("a", "phq4", read=10),
        profiled("a", "pss10", read=2),
        profiled("b", "phq4", read=100),
        profiled("c", "phq4", read=10),
        profiled("c", "pss10", read=1),
    ]
    found = measured(records, profiles).filter(submission_id="c")
    shares = dict(found.select("instrument", "share_of_previous_rows").iter_rows())
    assert shares == {"phq4": 1.0, "pss10": 0.5}


FILES = [
    # name, rows read, rows quarantined
    ("a", 100, 0),
    ("b", 10, 0),
    ("c", 11, 0),
    ("d", 500, 400),
    ("e", 102, 0),
]


@pytest.mark.parametrize(
    ("ruled", "shares"),
    [
        # Neither the short files nor the one that is nearly all quarantine is a measure.
        ({}, [None, 0.1, 0.11, 5.0, 1.02]),
        # A steward accepted the short one: the programme did shrink.
        ({"b": True}, [None, 0.1, 1.1, 500 / 11, 102 / 11]),
        # What was returned was wrong, however large it was.
        ({"a": False}, [None, None, 1.1, 500 / 11, 102 / 11]),
    ],
)
def test_a_file_that_was_held_is_no_measure_for_the_next(
    ruled: dict[str, bool], shares: list[float | None]
) -> None:
    """An export that broke and comes every night is not accepted on the second."""
    profiles = pl.DataFrame(
        [
            row
            for name, read, quarantined in FILES
            for row in profiled(
                name, "phq4", read=read, quarantined=quarantined, accepted=read - quarantined
            )
        ],
        schema={"submission_id": pl.String, **PROFILE},
    )
    records = pl.DataFrame([submission(name) for name, _, _ in FILES])
    found = measures(records, profiles, NOBODY_KNOWN, thresholds=Thresholds(), ruled=ruled)
    assert found["share_of_previous_rows"].to_list() == pytest.approx(shares)


def test_an_instrument_that_nobody_answered_is_not_judged() -> None:
    found = measured(
        [submission("a")], [profiled("a", "phq4", read=3), profiled("a", "pss10", read=0)]
    )
    assert found["instrument"].to_list() == ["phq4"]


def test_each_kind_and_instrument_has_a_contract_of_its_name() -> None:
    records = [submission("a"), submission("b", kind="roster", source="roster")]
    found = measured(records, [profiled("a", "phq4", read=3), profiled("b", None, read=3)])
    assert contracts_expected(found).rows() == [("a", "questionnaire_phq4"), ("b", "roster")]
    for submission_kind, instrument, contract in (
        ("questionnaire", "phq4", "questionnaire_phq4"),
        ("roster", None, "roster"),
    ):
        assert contract_name(submission_kind, instrument) == contract
