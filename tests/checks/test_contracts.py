"""Every expectation of every contract: data that breaks it, the verdict, and data that keeps it."""

from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
import pytest
from pydantic import ValidationError

from checks.contract import Contract, Expectation, contracts
from checks.judge import concerned, judge
from pipeline import reference
from pipeline.programme import Thresholds
from pipeline.quality.profile import MEASURES
from pipeline.quality.verdicts import CHECK_RESULTS, verdicts_of
from pipeline.submissions import Record
from pipeline.vocabulary import Delivery, Kind, Verdict

# expectation, measure, the worst value that passes, the least bad that fails, and its verdict.
# The limits are the programme file's defaults, written out so that a changed default shows.
SCENARIOS = [
    ("somebody_consented", "rows_judged", 1.0, 0.0, "rejected"),
    ("most_rows_sound", "share_quarantined", 0.60, 0.601, "rejected"),
    ("not_too_many_rows_quarantined", "share_quarantined", 0.25, 0.251, "held"),
    ("no_rows_quarantined", "share_quarantined", 0.0, 0.001, "accepted_with_warnings"),
    ("officers_on_roster", "share_unlinked", 0.20, 0.201, "held"),
    ("not_shorter_than_before", "share_of_previous_rows", 0.80, 0.799, "held"),
    ("no_unknown_columns", "columns_unknown", 0.0, 1.0, "accepted_with_warnings"),
    ("quarantined_like_before", "rise_in_quarantined", 0.1, 0.101, "accepted_with_warnings"),
    ("unlinked_like_before", "rise_in_unlinked", 0.1, 0.101, "accepted_with_warnings"),
    ("no_columns_appeared", "columns_appeared", 0.0, 1.0, "accepted_with_warnings"),
    ("no_columns_vanished", "columns_vanished", 0.0, 1.0, "accepted_with_warnings"),
    ("answers_not_shifted", "item_shift", 0.8, 0.801, "held"),
    ("answers_hardly_shifted", "item_shift", 0.5, 0.501, "accepted_with_warnings"),
]
OPTIONAL = {*MEASURES} - {"rows_judged", "columns_unknown"}
ON_ANSWERS = {"answers_not_shifted", "answers_hardly_shifted"}
ON_ROSTERS = {"officers_on_roster", "unlinked_like_before"}
BY_NAME = {contract.contract: contract for contract in contracts()}
EACH = [
    pytest.param(contract, scenario, id=f"{contract.contract}-{scenario[0]}")
    for contract in contracts()
    for scenario in SCENARIOS
    if scenario[0] in {expectation.name for expectation in contract.expectations}
]


@pytest.fixture(scope="module")
def judged(profiles_of) -> Callable[[Contract], pl.DataFrame]:
    """Results of a contract on a sound profile, then two for each scenario: passing, failing."""
    known: dict[str, pl.DataFrame] = {}

    def results(contract: Contract) -> pl.DataFrame:
        if contract.contract not in known:
            changes = [{}]
            for _, measure, passing, failing, _ in SCENARIOS:
                changes += [{measure: passing}, {measure: failing}]
            known[contract.contract] = judge(
                contract, profiles_of(contract, *changes), Thresholds()
            )
        return known[contract.contract]

    return results


def test_there_is_one_contract_for_each_register_and_each_instrument():
    expected = {f"questionnaire_{name}" for name in reference.instruments()}
    expected |= {"roster", "attendance", "departures"}
    assert set(BY_NAME) == expected
    assert len(contracts()) == len(expected)


@pytest.mark.parametrize("contract", contracts(), ids=lambda contract: contract.contract)
def test_every_expectation_has_a_scenario(contract):
    declared = [expectation.name for expectation in contract.expectations]
    spared = set() if contract.kind == Kind.QUESTIONNAIRE else set(ON_ANSWERS)
    if contract.kind == Kind.ROSTER:
        spared |= ON_ROSTERS
    assert declared == [name for name, *_ in SCENARIOS if name not in spared]


@pytest.mark.parametrize(("contract", "scenario"), EACH)
def test_an_expectation_fails_on_data_that_breaks_it_and_on_nothing_else(
    contract, scenario, judged
):
    name, measure, _, _, verdict = scenario
    place = SCENARIOS.index(scenario)
    rows = judged(contract).filter(pl.col("expectation") == name).sort("submission_id")
    sound, passing, failing = (rows.row(i, named=True) for i in (0, 1 + 2 * place, 2 + 2 * place))
    assert sound["passed"] is True
    assert passing["passed"] is True
    assert failing["passed"] is False
    assert failing["severity"] == verdict
    assert failing["column_name"] == measure


@pytest.mark.parametrize(("contract", "scenario"), EACH)
def test_a_failed_expectation_leads_to_its_verdict_and_sentence(contract, scenario, judged):
    name, _, _, _, verdict = scenario
    place = 2 + 2 * SCENARIOS.index(scenario)
    results = judged(contract)
    submission_id = results["submission_id"].unique().sort()[place]
    row = _verdict(contract, submission_id, results)
    (sentence,) = [e.sentence for e in contract.expectations if e.name == name]
    assert row["verdict"] == verdict
    assert row["reason"] == sentence
    assert row["failed_contract"] == f"{contract.contract}.{name}"


@pytest.mark.parametrize("contract", contracts(), ids=lambda contract: contract.contract)
def test_a_sound_profile_is_accepted(contract, judged):
    results = judged(contract)
    row = _verdict(contract, results["submission_id"].min(), results)
    assert (row["verdict"], row["reason"]) == ("accepted", None)


@pytest.mark.parametrize("contract", contracts(), ids=lambda contract: contract.contract)
def test_a_missing_measure_fails_unless_it_is_optional(contract, profiles_of):
    measures = sorted({expectation.measure for expectation in contract.expectations})
    profiles = profiles_of(contract, *({measure: None} for measure in measures))
    results = judge(contract, profiles, Thresholds())
    failed = results.filter(~pl.col("passed"))
    assert set(failed["column_name"]) == set(measures) - OPTIONAL
    assert failed["observed"].null_count() == failed.height
    assert results["passed"].null_count() == 0


def test_limits_come_from_the_programme_file(contract_called, profiles_of):
    contract = contract_called("attendance")
    profiles = profiles_of(contract, {"share_unlinked": 0.5}, {"share_unlinked": 0.51})
    strict = judge(contract, profiles, Thresholds())
    lenient = judge(contract, profiles, Thresholds(unlinked_hold=0.5))
    on_roster = pl.col("expectation") == "officers_on_roster"
    assert strict.filter(on_roster)["passed"].to_list() == [False, False]
    assert lenient.filter(on_roster)["passed"].to_list() == [True, False]


def test_many_failing_submissions_are_all_named(contract_called, profiles_of):
    contract = contract_called("roster")
    profiles = profiles_of(contract, *({"columns_unknown": float(i % 2)} for i in range(250)))
    results = judge(contract, profiles, Thresholds())
    failed = results.filter(~pl.col("passed"))
    assert failed["submission_id"].to_list() == profiles["submission_id"].to_list()[1::2]
    assert set(failed["expectation"]) == {"no_unknown_columns"}


def test_a_contract_speaks_only_of_its_own_kind_and_instrument(contract_called, profiles_of):
    everything = pl.concat(
        profiles_of(contract, {"submission_id": contract.contract}) for contract in contracts()
    )
    for contract in contracts():
        assert concerned(contract, everything)["submission_id"].to_list() == [contract.contract]
    empty = judge(contract_called("roster"), everything.clear(), Thresholds())
    assert empty.is_empty()
    assert empty.schema == CHECK_RESULTS


SOUND = {
    "name": "few_rows",
    "measure": "rows_judged",
    "at_least": 1,
    "otherwise": "held",
    "sentence": "too few rows",
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"measure": "mood"}, "mood is not a measure of a profile"),
        ({"at_least": {"threshold": "moon"}}, "moon is not a threshold of the programme file"),
        ({"at_most": 3}, "give either at_least or at_most"),
        ({"at_least": None}, "give either at_least or at_most"),
        ({"otherwise": "shredded"}, "otherwise"),
        ({"at_lest": 1}, "at_lest"),
    ],
)
def test_a_contract_that_means_nothing_is_refused(change, said):
    assert Expectation.model_validate(SOUND).limits(Thresholds()) == (1.0, None)
    with pytest.raises(ValidationError, match=said):
        Expectation.model_validate({**SOUND, **change})


def _verdict(contract: Contract, submission_id: str, results: pl.DataFrame) -> dict:
    record = Record(
        submission_id=submission_id,
        organisation="simulated-force-01",
        source="answers",
        kind=contract.kind,
        delivery=Delivery.CUMULATIVE,
        file_name="answers.csv",
        sha256="0" * 64,
        received_at=datetime(2025, 3, 1, tzinfo=UTC),
        modified_at=datetime(2025, 3, 1, tzinfo=UTC),
        fingerprint="0",
    )
    expected = pl.DataFrame({"submission_id": [submission_id], "contract": [contract.contract]})
    mine = results.filter(pl.col("submission_id") == submission_id)
    return verdicts_of([record], mine, expected).row(0, named=True)


def test_the_table_of_scenarios_speaks_of_measures_and_verdicts_that_exist():
    for _, measure, passing, failing, verdict in SCENARIOS:
        assert measure in MEASURES
        assert passing != failing
        assert Verdict(verdict) != Verdict.ACCEPTED
