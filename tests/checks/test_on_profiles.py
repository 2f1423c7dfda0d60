"""Dagster's checks: one a contract, ordering without stopping, aggregates and ids only."""

import json

import dagster as dg
import polars as pl
import pytest

from checks.contract import contracts
from checks.judge import Question, answer
from checks.on_profiles import CHECKS
from pipeline.orchestration.resources import HomeResource

PROGRAMME = """
programme: checks
title: Simulated rows for tests
instruments: [phq4]
primary: {instrument: phq4, subscale: anxiety, from_wave: baseline, to_wave: later}
waves: [{wave: baseline, due_after_days: 0}, {wave: later, due_after_days: 70}]
thresholds: {unlinked_hold: 0.5}
"""


@pytest.fixture
def home(tmp_path) -> HomeResource:
    (tmp_path / "programme.yaml").write_text(PROGRAMME)
    return HomeResource(root=str(tmp_path))


def _measured(home: HomeResource, profiles: pl.DataFrame) -> None:
    """What the stage before hands to the check."""
    home.stage("profiles", lambda _: ({"measures_attendance": profiles}, {}))


@pytest.fixture
def attendance():
    (check,) = [c for c in CHECKS if next(iter(c.check_keys)).name == "attendance"]
    return check


def test_every_contract_is_a_check_that_blocks_what_comes_after():
    keys = [(spec.asset_key.to_user_string(), spec.name) for c in CHECKS for spec in c.check_specs]
    assert sorted(keys) == sorted(("profiles", c.contract) for c in contracts())
    assert all(spec.blocking for check in CHECKS for spec in check.check_specs)


def test_a_check_counts_and_names_what_it_holds(home, attendance, profiles_of, contract_called):
    contract = contract_called("attendance")
    changes = ({}, {"share_unlinked": 0.6}, {"columns_unknown": 3.0}, {"rows_judged": 0.0})
    profiles = profiles_of(contract, *changes)
    ids = profiles["submission_id"].to_list()
    _measured(home, profiles)
    result = attendance(home=home, judging=answer)
    assert isinstance(result, dg.AssetCheckResult)
    assert result.passed is False
    # Never an error: one bad file must not stop the others.
    assert result.severity == dg.AssetCheckSeverity.WARN
    found = {name: value.value for name, value in result.metadata.items()}
    assert found == {
        "submissions judged": 4,
        "held or rejected": 2,
        "which": [ids[1], ids[3]],
        "failed: officers_on_roster": 1,
        "failed: no_unknown_columns": 1,
        "failed: somebody_consented": 1,
    }
    written = home.open().stages.read("checks_attendance")
    assert set(written["submission_id"]) == set(ids)
    assert written.filter(~pl.col("passed")).height == 3


def test_warnings_alone_let_a_check_pass(home, attendance, profiles_of, contract_called):
    profiles = profiles_of(contract_called("attendance"), {"share_unlinked": 0.5})
    profiles = profiles.with_columns(pl.lit(1.0).alias("columns_unknown"))
    _measured(home, profiles)
    result = attendance(home=home, judging=answer)
    assert result.passed is True
    assert result.metadata["failed: no_unknown_columns"].value == 1


def test_of_very_many_only_the_first_are_listed(home, attendance, profiles_of, contract_called):
    profiles = profiles_of(contract_called("attendance"), *[{"rows_judged": 0.0}] * 120)
    _measured(home, profiles)
    result = attendance(home=home, judging=answer)
    assert result.metadata["held or rejected"].value == 120
    assert result.metadata["which"].value == profiles["submission_id"].to_list()[:50]


def test_a_check_that_fails_itself_shows_no_value(home, attendance):
    """The measures are not what the adapter expects: the error names a place, nothing else."""
    frame = pl.DataFrame({"submission_id": ["PC 4711 Doe"], "kind": [4711]})
    _measured(home, frame)
    with pytest.raises(Exception, match="check ended in") as raised:
        attendance(home=home, judging=answer)
    told = json.dumps([str(raised.value), repr(raised.value.__cause__)])
    assert "4711" not in told
    assert "on_profiles.py" in told or "judge.py" in told


def test_a_tool_that_broke_is_asked_again(
    home, attendance, profiles_of, contract_called, monkeypatch
):
    _measured(home, profiles_of(contract_called("attendance"), {}))

    def broken(*_: object) -> None:
        raise RuntimeError("not the data's fault")

    with monkeypatch.context() as patched:
        patched.setattr("checks.judge._failing", broken)
        assert attendance(home=home, judging=answer).passed is False
        assert not home.open().stages.all_final()
    assert attendance(home=home, judging=answer).passed is True
    assert home.open().stages.all_final()


def test_what_was_judged_is_not_judged_again(home, attendance, profiles_of, contract_called):
    _measured(home, profiles_of(contract_called("attendance"), {}))
    first = attendance(home=home, judging=answer)
    asked = []

    def judging(question: Question) -> pl.DataFrame:
        asked.append(question)
        return answer(question)

    assert attendance(home=home, judging=judging).metadata == first.metadata
    assert asked == []
    (home.open().root / "programme.yaml").write_text(PROGRAMME.replace("0.5", "0.4"))
    assert attendance(home=home, judging=judging).passed is True
    assert len(asked) == 1, "asked again, now that the limits are others"
