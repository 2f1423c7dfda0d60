"""Instruments: the facts of those shipped, and what an instrument file may not say."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline import reference
from pipeline.reference import Instrument
from pipeline.vocabulary import BandLevel, Better

PROQOL = reference.instruments()["proqol5"]
SUBSCALES = ("compassion_satisfaction", "burnout", "secondary_traumatic_stress")
SMALL: dict[str, Any] = {
    "instrument": "small",
    "title": "Small",
    "items": 3,
    "minimum": 1,
    "maximum": 2,
    "anchors": ["no", "yes"],
    "reversed": [3],
    "unanswered_allowed": 1,
    "band_system": "small",
    "bands": [
        {"band": "low", "level": "low", "lowest": 3, "highest": 4},
        {"band": "high", "level": "high", "lowest": 5, "highest": 6},
    ],
    "subscales": [{"subscale": "all", "items": [1, 2, 3], "better": "higher"}],
    "licence": "none",
    "source": "made up",
}


def test_three_instruments_are_shipped() -> None:
    assert list(reference.instruments()) == ["phq4", "proqol5", "pss10"]


def test_proqol_reverses_five_items() -> None:
    assert PROQOL.reversed == (1, 4, 15, 17, 29)


def test_proqol_has_three_subscales_of_ten_items_that_share_none() -> None:
    assert tuple(PROQOL.by_subscale) == SUBSCALES
    assert all(len(subscale.items) == 10 for subscale in PROQOL.subscales)
    assert sorted(item for s in PROQOL.subscales for item in s.items) == list(range(1, 31))


def test_proqol_bands_are_low_to_22_and_high_from_42() -> None:
    for subscale in PROQOL.subscales:
        limits = [(b.band, b.lowest, b.highest) for b in PROQOL.bands_of(subscale)]
        assert limits == [("low", 10, 22), ("moderate", 23, 41), ("high", 42, 50)]
        assert PROQOL.range_of(subscale) == (10, 50)


def test_proqol_answers_run_from_never_to_very_often() -> None:
    assert (PROQOL.minimum, PROQOL.maximum) == (1, 5)
    assert (PROQOL.anchors[0], PROQOL.anchors[-1]) == ("never", "very often")


def test_satisfaction_is_better_when_higher_and_the_others_when_lower() -> None:
    better = {s.subscale: s.better for s in PROQOL.subscales}
    assert better == dict(zip(SUBSCALES, (Better.HIGHER, Better.LOWER, Better.LOWER), strict=True))


def test_proqol_agrees_with_the_shared_key() -> None:
    path = Path(__file__).parents[2] / "../shared/reference/proqol5_key.csv"
    if not path.exists():
        pytest.skip("the shared key of ProQOL 5 is not on this machine")
    with path.open(newline="") as lines:
        key = {int(row["item"]): row for row in csv.DictReader(lines)}
    assert {item for item, row in key.items() if row["reversed"] == "true"} == set(PROQOL.reversed)
    assert {item: row["subscale"] for item, row in key.items()} == {
        item: subscale.subscale for subscale in PROQOL.subscales for item in subscale.items
    }


@pytest.mark.parametrize("name", ["phq4", "proqol5", "pss10"])
def test_bands_of_every_subscale_cover_its_range_once(name: str) -> None:
    instrument = reference.instruments()[name]
    for subscale in instrument.subscales:
        lowest, highest = instrument.range_of(subscale)
        for score in range(lowest, highest + 1):
            bands = instrument.bands_of(subscale)
            assert sum(band.lowest <= score <= band.highest for band in bands) == 1
        levels = [band.level for band in instrument.bands_of(subscale)]
        assert (levels[0], levels[-1]) == (BandLevel.LOW, BandLevel.HIGH)
        assert levels == sorted(levels, key=list(BandLevel).index)


def test_pss_and_phq_as_published() -> None:
    pss, phq = reference.instruments()["pss10"], reference.instruments()["phq4"]
    assert (pss.items, pss.minimum, pss.maximum, pss.reversed) == (10, 0, 4, (4, 5, 7, 8))
    assert (phq.items, phq.minimum, phq.maximum, phq.reversed) == (4, 0, 3, ())
    assert phq.by_subscale["anxiety"].items == (1, 2)
    assert phq.by_subscale["depression"].items == (3, 4)


@pytest.mark.parametrize("name", ["phq4", "proqol5", "pss10"])
def test_every_instrument_says_its_licence_and_source(name: str) -> None:
    instrument = reference.instruments()[name]
    assert instrument.licence
    assert instrument.source
    assert instrument.unanswered_allowed < instrument.items


def test_a_small_instrument_is_sound() -> None:
    assert Instrument.model_validate(SMALL).by_subscale["all"].items == (1, 2, 3)


def with_bands(*limits: tuple[int, int]) -> list[dict[str, Any]]:
    return [
        {"band": f"b{place}", "level": "low", "lowest": low, "highest": high}
        for place, (low, high) in enumerate(limits)
    ]


@pytest.mark.parametrize(
    ("entry", "said", "problem"),
    [
        ("anchors", ["no"], "one label is expected for each possible answer"),
        ("reversed", [4], "names an item that the instrument does not have"),
        ("reversed", [0], "names an item that the instrument does not have"),
        ("bands", [], "bands must cover 3 to 6"),
        ("bands", with_bands((3, 5)), "bands must cover 3 to 6"),
        ("bands", with_bands((3, 7)), "bands must cover 3 to 6"),
        ("bands", with_bands((4, 6)), "bands must cover 3 to 6"),
        ("bands", with_bands((3, 4), (6, 6)), "without gap or overlap"),
        ("bands", with_bands((3, 5), (5, 6)), "without gap or overlap"),
        ("bands", with_bands((3, 4), (5, 4), (5, 6)), "bands"),
        ("subscales", SMALL["subscales"] * 2, "subscale"),
        ("subscales", [{"subscale": "s", "items": [1, 1], "better": "lower"}], "must be distinct"),
        ("subscales", [{"subscale": "s", "items": [1, 9], "better": "lower"}], "must be distinct"),
        ("subscales", [{"subscale": "s", "items": [1], "better": "up"}], "better"),
        ("wording", ["How are you?"], "Extra inputs are not permitted"),
    ],
)
def test_an_instrument_that_contradicts_itself(entry: str, said: object, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Instrument.model_validate({**SMALL, entry: said})


def test_bands_of_its_own_are_held_to_the_subscales_range() -> None:
    def subscale(highest: int) -> dict[str, Any]:
        bands = [{"band": "any", "level": "low", "lowest": 1, "highest": highest}]
        return {"subscale": "one", "items": [1], "better": "lower", "bands": bands}

    sound = {**SMALL, "subscales": [*SMALL["subscales"], subscale(2)]}
    assert Instrument.model_validate(sound).by_subscale["one"].bands[0].highest == 2
    with pytest.raises(ValidationError, match="subscale one: bands must cover 1 to 2"):
        Instrument.model_validate({**SMALL, "subscales": [subscale(3)]})


@pytest.mark.parametrize(
    "facts",
    [reference.instruments, reference.organisations, reference.rank_groups],
    ids=["instruments", "organisations", "ranks"],
)
def test_facts_cannot_be_changed(facts: Callable[[], Any]) -> None:
    with pytest.raises(TypeError):
        facts()["new"] = None
