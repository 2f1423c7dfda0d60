"""What a contract is, and the contracts that `contracts/` declares.

What stays out: carrying one out (`checks/judge.py`).
"""

from functools import cache
from importlib.resources import files
from typing import Self

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, model_validator

from pipeline import reference
from pipeline.programme import Thresholds
from pipeline.quality.profile import MEASURES, contract_name
from pipeline.vocabulary import Kind, Verdict


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Threshold(_Declared):
    """A limit that the programme file sets."""

    threshold: str

    @model_validator(mode="after")
    def _exists(self) -> Self:
        if self.threshold not in Thresholds.model_fields:
            raise ValueError(f"{self.threshold} is not a threshold of the programme file")
        return self


class Expectation(_Declared):
    """One limit on one measure of a profile, and the verdict if it is not kept."""

    name: str
    measure: str
    at_least: float | Threshold | None = None
    at_most: float | Threshold | None = None
    optional: bool = False
    """The measure may be missing, as a first file has no file before it."""
    otherwise: Verdict
    sentence: str

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if not MEASURES.get(self.measure, pl.String()).is_numeric():
            raise ValueError(f"{self.name}: {self.measure} is not a measure of a profile")
        if self.otherwise == Verdict.ACCEPTED:
            raise ValueError(f"{self.name}: a failure leads to another verdict than accepted")
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"{self.name}: give either at_least or at_most")
        return self

    def limits(self, thresholds: Thresholds) -> tuple[float | None, float | None]:
        """Lowest and highest value allowed."""

        def limit(declared: float | Threshold | None) -> float | None:
            if isinstance(declared, Threshold):
                return float(getattr(thresholds, declared.threshold))
            return declared

        return limit(self.at_least), limit(self.at_most)


class Contract(_Declared):
    """What every submission of one kind, and one instrument where it has any, must keep."""

    contract: str
    kind: Kind
    instrument: str | None
    expectations: tuple[Expectation, ...]


class _Declaration(_Declared):
    kind: Kind
    per_instrument: bool
    expectations: tuple[Expectation, ...]


@cache
def contracts() -> tuple[Contract, ...]:
    """Every contract: one for each register, one for each instrument of questionnaires."""
    found = []
    for entry in sorted(files("checks").joinpath("contracts").iterdir(), key=lambda e: e.name):
        declared = _Declaration.model_validate(yaml.safe_load(entry.read_text("utf-8")))
        instruments = list(reference.instruments()) if declared.per_instrument else [None]
        found += [
            Contract(
                contract=contract_name(declared.kind, instrument),
                kind=declared.kind,
                instrument=instrument,
                expectations=declared.expectations,
            )
            for instrument in instruments
        ]
    return tuple(found)


def limits(thresholds: Thresholds) -> dict[tuple[str, str], tuple[float | None, float | None]]:
    """Lowest and highest value allowed, by names of contract and expectation."""
    return {
        (contract.contract, expectation.name): expectation.limits(thresholds)
        for contract in contracts()
        for expectation in contract.expectations
    }
