"""Organisations, ranks, ethnicity codes and the pilot's figures."""

import csv
from collections import Counter
from importlib.resources import files

import pytest

from pipeline import reference
from pipeline.programme import parse_programme
from pipeline.reading.cells import bare
from pipeline.vocabulary import OrganisationKind


def rows_of(name: str) -> list[dict[str, str]]:
    text = files("pipeline.reference").joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_forces_and_units_of_the_united_kingdom() -> None:
    kinds = Counter(o.kind for o in reference.organisations().values())
    assert kinds == {
        OrganisationKind.POLICE_FORCE: 46,
        OrganisationKind.VIOLENCE_REDUCTION_UNIT: 20,
    }


def test_area_codes_belong_to_one_force_each() -> None:
    codes = [
        o.police_force_area_code
        for o in reference.organisations().values()
        if o.kind == OrganisationKind.POLICE_FORCE and o.police_force_area_code
    ]
    assert len(set(codes)) == len(codes) >= 43
    assert all(code[0] in "EWS" and code[1:].isdigit() for code in codes)


def test_organisations_without_an_area_code_have_none_rather_than_a_blank() -> None:
    found = reference.organisations()
    assert found["btp"].police_force_area_code is None
    assert found["metropolitan"].police_force_area_code == "E23000001"


@pytest.mark.parametrize(
    ("spelling", "group"),
    [
        ("pc", "constable"),
        ("police constable", "constable"),
        ("constable", "constable"),
        ("ps", "sergeant"),
        ("inspector", "inspector"),
        ("ci", "inspector"),
        ("chief superintendent", "senior_officer"),
        ("chief constable", "senior_officer"),
        ("special constable", "staff_and_others"),
        ("pcso", "staff_and_others"),
    ],
)
def test_ranks_are_found_by_name_and_abbreviation(spelling: str, group: str) -> None:
    assert reference.rank_groups()[spelling] == group


def test_ranks_fall_into_five_groups() -> None:
    assert set(reference.rank_groups().values()) == {
        "constable",
        "sergeant",
        "inspector",
        "senior_officer",
        "staff_and_others",
    }


def test_spellings_are_in_lower_case() -> None:
    for known in (reference.rank_groups(), reference.ethnicity_groups()):
        assert all(spelling == spelling.lower() for spelling in known)


@pytest.mark.parametrize(
    ("spelling", "group"),
    [
        ("w1", "white"),
        ("m3", "mixed"),
        ("a1", "asian"),
        ("b2", "black"),
        ("o9", "other"),
        ("ns", "not_stated"),
        ("black, black british, caribbean or african", "black"),
        ("asian", "asian"),
    ],
)
def test_ethnicity_is_found_by_code_and_group(spelling: str, group: str) -> None:
    assert reference.ethnicity_groups()[spelling] == group


def test_the_pilot_printed_six_means() -> None:
    means = reference.pilot_means()
    assert [(m.wave, m.subscale, m.n_reported, m.mean) for m in means] == [
        ("baseline", "compassion_satisfaction", 30, "34.2"),
        ("baseline", "secondary_traumatic_stress", 30, "19.95"),
        ("baseline", "burnout", 30, "24.3"),
        ("session_7", "compassion_satisfaction", 18, "20"),
        ("session_7", "secondary_traumatic_stress", 18, "12.85"),
        ("session_7", "burnout", 18, "17.05"),
    ]
    assert {m.instrument for m in means} == {"proqol5"}


def test_the_example_programme_is_sound() -> None:
    programme = parse_programme(reference.example_programme())
    assert programme.wave_names[0] == "baseline"
    assert programme.sessions.planned == 10


SPELLINGS = {
    "rank": reference.rank_groups,
    "ethnicity": reference.ethnicity_groups,
    "gender": reference.genders,
    "attendance": reference.attendance_marks,
}
FILES = {
    "rank_spellings.csv": {row["rank_or_role"] for row in rows_of("ranks.csv")},
    "ethnicity_spellings.csv": {"white", "mixed", "asian", "black", "other", "not_stated"},
    "gender_spellings.csv": {"female", "male", "non-binary", "other", "not_stated"},
    "attendance_spellings.csv": {"attended", "absent", "cancelled"},
}


@pytest.mark.parametrize("what", SPELLINGS)
def test_no_spelling_means_two_things_whatever_its_punctuation(what: str) -> None:
    meanings: dict[str, set[str]] = {}
    for spelling, meaning in SPELLINGS[what]().items():
        meanings.setdefault(bare(spelling), set()).add(meaning)
    assert {said: meant for said, meant in meanings.items() if len(meant) > 1} == {}
    assert "" not in meanings


@pytest.mark.parametrize("name", FILES)
def test_every_spelling_stands_once_for_something_that_exists(name: str) -> None:
    rows = rows_of(name)
    said = [bare(row["spelling"]) for row in rows]
    assert [word for word, n in Counter(said).items() if n > 1] == []
    assert {list(row.values())[1] for row in rows} == FILES[name]


@pytest.mark.parametrize("what", ["ethnicity", "gender"])
def test_no_digit_stands_for_a_person(what: str) -> None:
    assert not [said for said in SPELLINGS[what]() if said.isdigit()]


def test_a_cross_is_no_word_of_a_register() -> None:
    assert "x" not in reference.attendance_marks()


def test_bands_of_service_follow_one_another() -> None:
    limits = list(reference.SERVICE_BANDS.values())
    assert [first for first, _ in limits] == [0, *(beyond for _, beyond in limits[:-1])]
