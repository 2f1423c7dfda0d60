"""On small data, judging the profile and judging the rows come to the same verdict.

The rows are simulated. Each column of faults is one submission: so many of its rows break one
rule. Great Expectations judges the cells themselves, with a share of `mostly`; the pipeline reads
the same rows as a file, and its contract sees counts only.
"""

import warnings
from datetime import UTC, date, datetime, time

import polars as pl
import pytest
from row_level import (
    LIMITS,
    WORST_LAST,
    Judged,
    judged_both_ways,
    thresholds_are_those_of_a_new_programme,
)

from checks.judge import judge
from pipeline.intake import take_in
from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.programme import Programme, parse_programme
from pipeline.quality.profile import measures
from pipeline.quality.verdicts import verdicts_of
from pipeline.reading.mapping import Mapping, parse_mapping
from pipeline.submissions import Record

RECEIVED_ON = date(2025, 3, 1)
PROGRAMME = """
programme: parity
title: Simulated rows for tests
instruments: [phq4]
primary: {instrument: phq4, subscale: anxiety, from_wave: baseline, to_wave: session_10}
waves:
  - {wave: baseline, due_after_days: 0}
  - {wave: session_10, due_after_days: 140}
organisations:
  - {organisation: simulated-force-01, name: Simulated Force 01, kind: police_force}
"""
MAPPING = """
organisation: simulated-force-01
source: answers
kind: questionnaire
files: "*"
delivery: incremental
participant: Number
wave: {column: Wave, values: {Start: baseline, End: session_10}}
instruments: {phq4: {columns: "Q{item}"}}
columns: {completed_on: Done}
"""
# rule -> the column, a cell that keeps it, and one that breaks it
FAULTS = {
    "participant_key_missing": ("Number", None, ""),
    "wave_unknown": ("Wave", "Start", "Middle"),
    "completed_in_future": ("Done", "2025-01-06", "2025-03-02"),
    "answer_out_of_range": ("Q2", "1", "7"),
}
W, H, R = "accepted_with_warnings", "held", "rejected"
# Rows of a file -> verdict by how many of them break a rule. Twenty rows hit the limits of 0.25 and
# 0.60 themselves, where a share still passes; eight lie close above them.
EXPECTED = {
    20: {0: "accepted", 1: W, 5: W, 6: H, 12: H, 13: R, 20: R},
    8: {0: "accepted", 1: W, 2: W, 3: H, 4: H, 5: R, 8: R},
}


@pytest.fixture(scope="module")
def programme() -> Programme:
    return parse_programme(PROGRAMME, "programme.yaml")


@pytest.fixture(scope="module")
def mapping(programme) -> Mapping:
    return parse_mapping(MAPPING, "sources/simulated-force-01/answers.yaml", programme)


def _rows(rule: str, broken: int, size: int) -> list[dict[str, str]]:
    column, _, bad = FAULTS[rule]
    rows = []
    for number in range(size):
        row = {"Number": f"SIM{number:05d}", "Wave": "Start", "Done": "2025-01-06"}
        row |= {f"Q{item}": str((item + number) % 4) for item in range(1, 5)}
        if number < broken:
            row[column] = bad
        rows.append(row)
    return rows


def _record(submission_id: str) -> Record:
    return Record.model_validate(
        {
            "submission_id": submission_id,
            "organisation": "simulated-force-01",
            "source": "answers",
            "kind": "questionnaire",
            "delivery": "incremental",
            "file_name": "answers.csv",
            "sha256": "0" * 64,
            "received_at": datetime(2025, 3, 1, tzinfo=UTC),
            "modified_at": datetime(2025, 3, 1, tzinfo=UTC),
            "fingerprint": "0",
        }
    )


def _verdicts_of_profiles(size, programme, mapping, contract) -> dict[str, str]:
    pseudonymiser = Pseudonymiser((bytes(32),), "parity", programme.identifiers)
    profiles, records = [], []
    for rule in FAULTS:
        for broken in EXPECTED[size]:
            rows = _rows(rule, broken, size)
            lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
            taken = take_in(
                "\n".join(lines).encode(), mapping, programme, pseudonymiser, RECEIVED_ON
            )
            assert taken.rows_quarantined == broken
            record = _record(f"{rule}-{broken:02d}")
            records.append(record)
            profiles.append(
                taken.profile.with_columns(pl.lit(record.submission_id).alias("submission_id"))
            )
    listed = pl.DataFrame(
        [record.model_dump(mode="json") for record in records], infer_schema_length=None
    ).select(
        *("submission_id", "organisation", "source", "kind", "delivery"),
        *("columns_unknown", pl.lit(None, pl.List(pl.String)).alias("columns_beside")),
    )
    unlinked = pl.DataFrame(schema={"submission_id": pl.String, "share_unlinked": pl.Float64})
    results = judge(contract, measures(listed, pl.concat(profiles), unlinked), programme.thresholds)
    expected = listed.select("submission_id", pl.lit(contract.contract).alias("contract"))
    verdicts = verdicts_of(records, results, expected)
    return dict(verdicts.select("submission_id", "verdict").iter_rows())


def _verdicts_of_rows(size, programme) -> dict[str, str]:
    """The same with row-level expectations and `mostly`, on the cells as they stand in the file."""
    import great_expectations as gx
    import great_expectations.expectations as gxe
    from great_expectations.data_context.types.base import ProgressBarsConfig

    thresholds = programme.thresholds
    limits = {
        "rejected": thresholds.quarantined_reject,
        "held": thresholds.quarantined_hold,
        "accepted_with_warnings": thresholds.quarantined_warn,
    }

    def expectation(rule: str, column: str, verdict: str):
        about = {"column": column, "mostly": 1 - limits[verdict]}
        about["meta"] = {"submission": column, "verdict": verdict}
        match rule:
            case "participant_key_missing":
                return gxe.ExpectColumnValuesToNotBeNull(**about)
            case "wave_unknown":
                return gxe.ExpectColumnValuesToBeInSet(value_set=["Start", "End"], **about)
            case "completed_in_future":
                return gxe.ExpectColumnValuesToBeBetween(
                    max_value=datetime.combine(RECEIVED_ON, time()), **about
                )
            case _:
                return gxe.ExpectColumnValuesToBeBetween(min_value=0, max_value=3, **about)

    cells, suite = {}, gx.ExpectationSuite(name="rows")
    for rule, (column, _, _) in FAULTS.items():
        for broken in EXPECTED[size]:
            name = f"{rule}-{broken:02d}"
            found = [row[column] or None for row in _rows(rule, broken, size)]
            match rule:
                case "completed_in_future":
                    cells[name] = [date.fromisoformat(cell) for cell in found]
                case "answer_out_of_range":
                    cells[name] = [int(cell) for cell in found]
                case _:
                    cells[name] = found
            for verdict in limits:
                suite.add_expectation(expectation(rule, name, verdict))
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    batch = (
        context.data_sources.add_pandas("rows")
        .add_dataframe_asset("rows")
        .add_batch_definition_whole_dataframe("rows")
        .get_batch(batch_parameters={"dataframe": pl.DataFrame(cells).to_pandas()})
    )
    result = batch.validate(suite)
    worst = dict.fromkeys(cells, "accepted")
    order = ["accepted", "accepted_with_warnings", "held", "rejected"]
    for outcome in result.results:
        assert outcome.exception_info.get("raised_exception") is False, outcome.exception_info
        meta = outcome.expectation_config.meta
        if not outcome.success:
            worst[meta["submission"]] = max(
                worst[meta["submission"]], meta["verdict"], key=order.index
            )
    return worst


@pytest.mark.parametrize("size", EXPECTED)
def test_profiles_and_rows_lead_to_the_same_verdicts(size, programme, mapping, contract_called):
    contract = contract_called("questionnaire_phq4")
    from_profiles = _verdicts_of_profiles(size, programme, mapping, contract)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from_rows = _verdicts_of_rows(size, programme)
    for rule in FAULTS:
        found = {broken: from_rows[f"{rule}-{broken:02d}"] for broken in EXPECTED[size]}
        assert found == EXPECTED[size]
    assert from_profiles == from_rows


@pytest.fixture(scope="module")
def a_hundred() -> Judged:
    return judged_both_ways(seed=1, n=100)


def test_of_a_hundred_random_submissions_every_verdict_is_the_same(a_hundred: Judged) -> None:
    assert thresholds_are_those_of_a_new_programme()
    assert a_hundred.differing == []


def test_the_random_submissions_get_every_verdict(a_hundred: Judged) -> None:
    assert all(a_hundred.count(verdict) >= 5 for verdict in WORST_LAST)


@pytest.mark.parametrize("limit", ["warn", "hold", "reject", "unlinked"])
def test_a_contract_with_another_limit_would_be_noticed(limit: str) -> None:
    other = {**LIMITS, limit: {"warn": 0.1, "hold": 0.35, "reject": 0.8, "unlinked": 0.45}[limit]}
    assert judged_both_ways(seed=1, n=100, row_limits=other).differing
