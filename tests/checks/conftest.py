"""Simulated profiles for contracts to judge, and Great Expectations imported once, quietly."""

import warnings
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from checks.contract import Contract, contracts
from checks.judge import judge
from pipeline.programme import Thresholds
from pipeline.quality.profile import MEASURES

CONTRACTS = contracts()


@pytest.fixture(scope="session", autouse=True)
def _great_expectations() -> None:
    """Import it through the adapter: it warns about what it imports itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        judge(CONTRACTS[0], _profiles(CONTRACTS[0], {}), Thresholds())


def _profiles(contract: Contract, *changes: dict[str, Any]) -> pl.DataFrame:
    """Sound profiles of one contract's kind and instrument, each with what `changes` says."""
    sound = {
        "kind": contract.kind.value,
        "instrument": contract.instrument,
        "rows_judged": 20.0,
        "share_quarantined": 0.0,
        "share_unlinked": 0.0,
        "share_of_previous_rows": 1.0,
        "columns_unknown": 0.0,
        "rise_in_quarantined": 0.0,
        "rise_in_unlinked": 0.0,
        "columns_appeared": 0.0,
        "columns_vanished": 0.0,
        "item_shift": 0.0,
    }
    return pl.DataFrame(
        [
            {"submission_id": f"simulated-force-01--answers--{i:012x}", **sound, **change}
            for i, change in enumerate(changes)
        ],
        schema=MEASURES,
    )


@pytest.fixture(scope="session")
def profiles_of() -> Callable[..., pl.DataFrame]:
    return _profiles


@pytest.fixture(scope="session")
def contract_called() -> Callable[[str], Contract]:
    return {contract.contract: contract for contract in CONTRACTS}.__getitem__
