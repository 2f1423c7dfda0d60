"""Facts as data files with their sources (`SOURCES.md`), and the loaders that check them.

What belongs here: instruments, organisations, the pilot's figures, and the spellings of ranks,
ethnicity, gender and attendance. What a spelling means is data; how a cell is compared with it is
`reading/cells.py`.
What stays out: anything measured, anything that a programme chooses for itself.
"""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import yaml

from pipeline.reference.instrument import Band, Instrument, Subscale
from pipeline.vocabulary import OrganisationKind

__all__ = [
    "SERVICE_BANDS",
    "Band",
    "Instrument",
    "Organisation",
    "PilotMean",
    "Subscale",
    "attendance_marks",
    "ethnicity_groups",
    "example_programme",
    "genders",
    "instruments",
    "organisations",
    "pilot_means",
    "rank_groups",
]

_DATA = files("pipeline.reference")

LONGEST_SERVICE: Final = 60
SERVICE_BANDS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "under_2_years": (0, 2),
        "2_to_4_years": (2, 5),
        "5_to_9_years": (5, 10),
        "10_years_and_over": (10, LONGEST_SERVICE + 1),
    }
)
"""Years of service in bands wide enough that a colleague does not recognise the officer: the first
year of each, and the first beyond it."""


@dataclass(frozen=True, slots=True)
class Organisation:
    organisation: str
    name: str
    kind: OrganisationKind
    country: str
    police_force_area_code: str | None


@dataclass(frozen=True, slots=True)
class PilotMean:
    """One mean as the pilot printed it; `mean` keeps the printed digits."""

    wave: str
    instrument: str
    subscale: str
    n_reported: int
    mean: str
    band_reported: str


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(_DATA.joinpath(name).read_text("utf-8").splitlines()))


@cache
def instruments() -> Mapping[str, Instrument]:
    """Every instrument shipped, by name."""
    found = {}
    for entry in sorted(_DATA.joinpath("instruments").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".yaml"):
            instrument = Instrument.model_validate(yaml.safe_load(entry.read_text("utf-8")))
            found[instrument.instrument] = instrument
    return MappingProxyType(found)


def example_programme() -> str:
    """The programme file that a new home folder begins with, comments included."""
    return _DATA.joinpath("example_programme.yaml").read_text("utf-8")


@cache
def organisations() -> Mapping[str, Organisation]:
    """Police forces and violence reduction units of the United Kingdom, by identifier."""
    return MappingProxyType(
        {
            row["organisation"]: Organisation(
                organisation=row["organisation"],
                name=row["name"],
                kind=OrganisationKind(row["kind"]),
                country=row["country"],
                police_force_area_code=row["police_force_area_code"] or None,
            )
            for row in _rows("organisations.csv")
        }
    )


@cache
def rank_groups() -> Mapping[str, str]:
    """Spelling of a rank or role, in lower case -> the group that tables use."""
    spellings: dict[str, str] = {}
    groups: dict[str, str] = {}
    for row in _rows("ranks.csv"):
        group = groups[row["rank_or_role"]] = _rank_group(row["category"], row["order"])
        for spelling in (row["rank_or_role"], row["abbreviation"], group):
            if spelling:
                spellings[spelling.lower()] = group
    for row in _rows("rank_spellings.csv"):
        spellings[row["spelling"].lower()] = groups[row["rank_or_role"]]
    return MappingProxyType(spellings)


def _rank_group(category: str, order: str) -> str:
    # Groups wide enough to publish: constables, sergeants, inspectors, everyone above, the rest.
    if category != "officer":
        return "senior_officer" if category == "chief officer" else "staff_and_others"
    return {"1": "constable", "2": "sergeant", "3": "inspector", "4": "inspector"}.get(
        order, "senior_officer"
    )


@cache
def ethnicity_groups() -> Mapping[str, str]:
    """Code, label or group of ethnicity, in lower case -> one of the published groups.

    Self-defined codes (16+1 and 18+1), labels of censuses, and what officers observe (IC1 to IC9),
    grouped as government statistics group them. A bare digit is none: several schemes count.
    """
    names = {
        "White": "white",
        "Mixed or Multiple ethnic groups": "mixed",
        "Asian or Asian British": "asian",
        "Chinese or other (2001 grouping)": "asian",
        "Black, Black British, Caribbean or African": "black",
        "Other ethnic group": "other",
        "Not stated": "not_stated",
    }
    spellings: dict[str, str] = {}
    for row in _rows("ethnicity_codes.csv"):
        group = names[row["group"]]
        for spelling in (row["self_defined_code"], row["label"], row["group"], group):
            if spelling:
                spellings[spelling.lower()] = group
    return MappingProxyType(spellings | _meanings("ethnicity_spellings.csv"))


@cache
def genders() -> Mapping[str, str]:
    """Spelling of a gender, in lower case -> one of the usual words."""
    return MappingProxyType(_meanings("gender_spellings.csv"))


@cache
def attendance_marks() -> Mapping[str, str]:
    """Word or sign of a register, in lower case -> `attended`, `absent` or `cancelled`."""
    return MappingProxyType(_meanings("attendance_spellings.csv"))


def _meanings(name: str) -> dict[str, str]:
    """What each spelling of a list means: its first two columns."""
    rows = (tuple(row.values()) for row in _rows(name))
    return {spelling.lower(): meaning for spelling, meaning, *_ in rows}


@cache
def pilot_means() -> tuple[PilotMean, ...]:
    """The means that the pilot published, in its order."""
    pilot: dict[str, Any] = json.loads(_DATA.joinpath("pilot.json").read_text("utf-8"))
    return tuple(
        PilotMean(
            wave=wave["wave"],
            instrument=pilot["instrument"],
            subscale=subscale,
            n_reported=wave["n_reported"],
            mean=figures["mean"],
            band_reported=figures["band_reported"],
        )
        for wave in pilot["waves"]
        for subscale, figures in wave["subscales"].items()
    )
