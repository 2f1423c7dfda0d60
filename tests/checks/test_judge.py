"""The adapter to Great Expectations: broken checks, what results hold, and what leaves."""

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import checks.judge
from checks.judge import judge
from pipeline.programme import Thresholds
from pipeline.quality.profile import MEASURES
from pipeline.quality.verdicts import CHECK_RESULTS, verdicts_of
from pipeline.submissions import Record

PROJECT = Path(__file__).parents[2]


def test_a_broken_check_says_nothing_about_the_data(monkeypatch, contract_called, profiles_of):
    """Great Expectations is handed a frame that lacks the measure, and raises inside."""
    lacking = pl.Schema({k: v for k, v in MEASURES.items() if k != "columns_unknown"})
    monkeypatch.setattr(checks.judge, "MEASURES", lacking)
    contract = contract_called("roster")
    bad = {"columns_unknown": 9.0, "share_of_previous_rows": 0.1}
    results = judge(contract, profiles_of(contract, {}, bad), Thresholds())
    broken = results.filter(pl.col("column_name") == "columns_unknown")
    assert broken["passed"].to_list() == [None, None]
    # The other expectations were carried out all the same.
    others = results.filter(pl.col("column_name") != "columns_unknown")
    assert others["passed"].null_count() == 0
    failed = others.filter(~pl.col("passed"))["expectation"].to_list()
    assert failed == ["not_shorter_than_before"]


def test_a_broken_check_holds_and_says_that_it_broke(monkeypatch, contract_called, profiles_of):
    lacking = pl.Schema({k: v for k, v in MEASURES.items() if k != "rows_judged"})
    monkeypatch.setattr(checks.judge, "MEASURES", lacking)
    contract = contract_called("roster")
    profiles = profiles_of(contract, {"rows_judged": 0.0})
    results = judge(contract, profiles, Thresholds())
    record = Record.model_validate(
        {
            "submission_id": profiles["submission_id"].item(),
            "organisation": "simulated-force-01",
            "source": "roster",
            "kind": "roster",
            "delivery": "cumulative",
            "file_name": "roster.csv",
            "sha256": "0" * 64,
            "received_at": "2025-03-01T00:00:00Z",
            "modified_at": "2025-03-01T00:00:00Z",
            "fingerprint": "0",
        }
    )
    expected = pl.DataFrame({"submission_id": [record.submission_id], "contract": ["roster"]})
    row = verdicts_of([record], results, expected).row(0, named=True)
    assert row["verdict"] == "held"
    assert "could not be carried out" in row["reason"]
    assert "nothing about the data" in row["reason"]


def test_results_hold_the_measure_observed_and_no_other(contract_called, profiles_of):
    contract = contract_called("departures")
    # Each measure has a number of its own that occurs nowhere else.
    marked = {
        "rows_judged": 71.0,
        "share_quarantined": 0.7301,
        "share_unlinked": 0.7302,
        "share_of_previous_rows": 0.7303,
        "columns_unknown": 74.0,
        "rise_in_quarantined": 0.7305,
        "rise_in_unlinked": 0.7306,
        "columns_appeared": 75.0,
        "columns_vanished": 76.0,
    }
    results = judge(contract, profiles_of(contract, marked), Thresholds())
    assert results.schema == CHECK_RESULTS
    for row in results.iter_rows(named=True):
        assert row["observed"] == marked[row["column_name"]]
        rest = json.dumps({k: v for k, v in row.items() if k != "observed"})
        assert not [number for number in ("71", "0.73", "74", "75", "76") if number in rest]


def test_great_expectations_is_asked_for_no_values(monkeypatch, contract_called, profiles_of):
    import great_expectations as gx

    asked = []
    run = gx.ValidationDefinition.run

    def recorded(self, **settings):
        result = run(self, **settings)
        asked.append(result)
        return result

    monkeypatch.setattr(gx.ValidationDefinition, "run", recorded)
    contract = contract_called("roster")
    judge(contract, profiles_of(contract, {"columns_unknown": 74.25}), Thresholds())
    (result,) = asked
    assert not result.success
    assert "74.25" not in json.dumps(result.to_json_dict(), default=str)


SCRIPT = """
import os, socket, sys, warnings
warnings.simplefilter("ignore")
os.environ["GX_ANALYTICS_ENABLED"] = "true"
tried = []
def refused(*arguments, **_):
    tried.append(arguments)
    raise OSError("no network")
socket.getaddrinfo = refused
socket.socket.connect = refused
socket.socket.connect_ex = refused
import polars as pl
from checks.contract import contracts
from checks.judge import judge
from pipeline.programme import Thresholds
from pipeline.quality.profile import MEASURES
roster = next(c for c in contracts() if c.contract == "roster")
profile = pl.DataFrame({"submission_id": ["a--b--c"], "kind": ["roster"], "rows_judged": [0.0]})
profile = pl.concat([pl.DataFrame(schema=MEASURES), profile], how="diagonal")
assert "great_expectations" not in sys.modules
result = judge(roster, profile, Thresholds())
assert not result["passed"].all()
import great_expectations as gx
print(len(tried), os.environ["GX_ANALYTICS_ENABLED"])
"""


@pytest.fixture(scope="module")
def judged_alone(tmp_path_factory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A judgement in a process of its own, in an empty home folder and without network."""
    folder = tmp_path_factory.mktemp("alone")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={
            **{name: str(folder) for name in ("HOME", "TMPDIR")},
            "PYTHONPATH": str(PROJECT),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done, folder


def test_nothing_leaves_the_machine_even_where_the_environment_asks_for_it(judged_alone):
    done, _ = judged_alone
    assert done.stdout.split() == ["0", "false"]


def test_great_expectations_leaves_no_file_and_no_progress_bar(judged_alone):
    done, folder = judged_alone
    assert [path.name for path in folder.rglob("*")] == []
    assert done.stderr == ""
