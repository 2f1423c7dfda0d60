"""Great Expectations raises from `run` itself, not inside one expectation."""

import great_expectations as gx
import polars as pl

from checks.contract import contracts
from checks.judge import judge
from pipeline.programme import Thresholds
from pipeline.quality.profile import MEASURES


def test_a_contract_that_cannot_be_run_is_null_not_an_exception(monkeypatch):
    def refuse(self, **_):
        raise RuntimeError("boom")

    monkeypatch.setattr(gx.ValidationDefinition, "run", refuse)
    roster = next(c for c in contracts() if c.contract == "roster")
    profile = pl.DataFrame({"submission_id": ["a--b--c"], "kind": ["roster"], "rows_judged": [1.0]})
    profile = pl.concat([pl.DataFrame(schema=MEASURES), profile], how="diagonal")
    results = judge(roster, profile, Thresholds())
    assert results["passed"].to_list() == [None] * len(roster.expectations)
