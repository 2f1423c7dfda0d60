"""The programme file: one sentence for each thing it may not say, and its windows."""

import copy
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import reference
from pipeline.programme import (
    Limits,
    Programme,
    UnusableConfiguration,
    load_programme,
    parse_programme,
)
from pipeline.vocabulary import DuplicatePolicy, OrganisationKind

SMALL: dict[str, Any] = {
    "programme": "small",
    "title": "A small programme",
    "instruments": ["proqol5"],
    "primary": {
        "instrument": "proqol5",
        "subscale": "burnout",
        "from_wave": "baseline",
        "to_wave": "session_10",
    },
    "waves": [
        {"wave": "baseline", "due_after_days": 0, "opens_days_before": 42},
        {"wave": "session_10", "due_after_days": 140, "closes_days_after": 0},
    ],
}


STARTS = date(2026, 1, 5)


def with_entry(**said: object) -> str:
    return yaml.safe_dump({**copy.deepcopy(SMALL), **said}, sort_keys=False)


def with_primary(**said: object) -> str:
    return with_entry(primary={**SMALL["primary"], **said})


def with_waves(*waves: dict[str, Any]) -> str:
    return with_entry(waves=list(waves))


def contact(**said: str) -> dict[str, str]:
    return {"organisation": "kent", "name": "A. Contact", "email": "a@university.example", **said}


@pytest.fixture
def small() -> Programme:
    return parse_programme(with_entry())


def refusal(text: str) -> str:
    with pytest.raises(UnusableConfiguration) as refused:
        parse_programme(text)
    sentence = str(refused.value)
    assert sentence.startswith("programme.yaml")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (with_entry(instruments=["gad7"]), "gad7 is not an instrument Muster has; choose among"),
        (with_primary(from_wave="session_10"), "primary: from_wave must come before to_wave"),
        (
            with_primary(from_wave="session_10", to_wave="baseline"),
            "primary: from_wave must come before to_wave",
        ),
        (with_entry(baseline_sd={"proqol5": {"joy": 5.0}}), "baseline_sd.proqol5: name subscales"),
        (with_entry(baseline_sd={"proqol5": {"burnout": 0}}), "and SDs above zero"),
        (with_entry(arms=["a", "A"]), "arms: at least one is needed and each name may occur once"),
        (with_entry(arms=["a", "All"]), "`all` is what tables call the total"),
        (
            with_entry(organisations=[{"organisation": "all", "name": "A", "kind": "other"}]),
            "`all` is what tables call the total",
        ),
        (with_entry(instruments=["proqol5", "proqol5"]), "instruments: each may be named once"),
        (
            with_waves(*SMALL["waves"], {"wave": "dropout", "due_after_days": 150}),
            "dropout is what tables call another stage",
        ),
        (
            with_waves(
                *SMALL["waves"],
                {"wave": "later", "due_after_days": 150, "not_held_by": ["narnia"]},
            ),
            "narnia is neither in the reference list nor declared",
        ),
        (
            with_entry(cohorts=[{"organisation": "narnia", "cohort": "1", "starts_on": STARTS}]),
            "narnia is neither in the reference list nor declared",
        ),
        (
            with_entry(contacts=[contact(organisation="narnia")]),
            "contacts: narnia is neither in the reference list nor declared",
        ),
        (with_entry(contacts=[contact(), contact()]), "contacts: kent has two, and reminders go"),
        (with_entry(contacts=[contact(name=" ")]), "contacts: say name and email of the contact"),
        (with_entry(contacts=[contact(email="")]), "contacts: say name and email of the contact"),
        (
            with_entry(contacts=[{"organisation": "kent", "name": "A. Contact"}]),
            "contacts.0.email: field required",
        ),
        (
            with_entry(thresholds={"quarantined_hold": 0.9, "quarantined_reject": 0.1}),
            "must not fall in this order",
        ),
        ("title: A\nfrom: 2026-02-30\n", "a date in it does not exist"),
        (with_entry(instruments=[]), "primary: its instrument is not among"),
        (with_entry(instruments=["pss10"]), "primary: its instrument is not among"),
        (with_primary(subscale="joy"), "proqol5 has no subscale joy"),
        (with_primary(from_wave="week_1"), "primary: week_1 is not one of the waves"),
        (with_primary(to_wave="week_9"), "primary: week_9 is not one of the waves"),
        (with_entry(waves=[]), "waves: at least one is needed"),
        (with_waves(*SMALL["waves"], SMALL["waves"][1]), "each name may occur once"),
        (with_waves(*SMALL["waves"][::-1]), "list them in the order in which they fall due"),
        (
            with_waves({"wave": "Base Line", "due_after_days": 0}),
            "waves.0.wave: string should match pattern",
        ),
        (
            with_waves({"wave": "baseline", "due_after_days": 0, "closes_days_after": -1}),
            "waves.0.closes_days_after: input should be greater than or equal to 0",
        ),
        (with_entry(arms=[]), "arms: at least one is needed"),
        (with_entry(arms=["waiting list"]), "arms.0: string should match pattern"),
        (with_entry(duplicates="best"), "duplicates: input should be 'first_complete', 'last'"),
        (with_entry(early_response_days=-1), "early_response_days: input should be greater"),
        (with_entry(sessions={"days_between": 0}), "sessions.days_between: input should be"),
        (
            with_entry(thresholds={"quarantined_hold": 1.5}),
            "thresholds.quarantined_hold: input should be less than or equal to 1",
        ),
        (with_entry(programme="A B"), "programme: string should match pattern"),
        (with_entry(title=None), "title: input should be a valid string"),
        (with_entry(titel="x"), "titel: there is no such field"),
        (
            with_entry(organisations=[{"organisation": "x", "name": "X", "kind": "club"}]),
            "organisations.0.kind: input should be 'police_force'",
        ),
        (
            with_entry(cohorts=[{"organisation": "kent", "cohort": "1", "starts_on": 20260105}]),
            "cohorts.0.starts_on: write the day as 2026-01-05, with hyphens",
        ),
        (
            with_entry(cohorts=[{"organisation": "kent", "cohort": "1", "starts_on": "soon"}]),
            "cohorts.0.starts_on: input should be a valid date",
        ),
        ("", "a programme is expected"),
        ("- a list", "a programme is expected"),
        ("programme: x", "title: field required"),
    ],
)
def test_what_a_programme_may_not_say(text: str, problem: str) -> None:
    assert problem in refusal(text)


def test_text_that_is_no_yaml_names_its_line() -> None:
    assert "line 2: this is not valid YAML" in refusal("programme: x\ntitle: [y\n")


def test_the_sentence_names_the_file_as_it_is_called() -> None:
    with pytest.raises(UnusableConfiguration, match=r"^other\.yaml: a programme is expected"):
        parse_programme("", "other.yaml")


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UnusableConfiguration, match="`muster init` makes one"):
        load_programme(tmp_path / "programme.yaml")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "programme.yaml"
    path.write_bytes("title: F\u00fcrsorge".encode("cp1252"))
    with pytest.raises(UnusableConfiguration, match="save it as UTF-8"):
        load_programme(path)


def test_a_file_is_loaded_as_utf8(tmp_path: Path) -> None:
    path = tmp_path / "programme.yaml"
    path.write_bytes(with_entry(title="Fürsorge").encode())
    assert load_programme(path).title == "Fürsorge"


def test_what_a_programme_need_not_say(small: Programme) -> None:
    assert small.duplicates == DuplicatePolicy.FIRST_COMPLETE
    assert small.arms == ("programme",)
    assert small.early_response_days == 28
    assert small.sessions.planned == 10
    assert not small.prorate
    assert small.wave_names == ("baseline", "session_10")


@pytest.mark.parametrize(("wave", "due", "before", "after"), [(0, 0, 42, 28), (1, 140, 14, 0)])
def test_windows_count_from_the_first_session(
    wave: int, due: int, before: int, after: int, small: Programme
) -> None:
    start = date(2024, 2, 28)
    falls_due = start + timedelta(days=due)
    assert small.window(small.waves[wave], start) == (
        falls_due,
        falls_due - timedelta(days=before),
        falls_due + timedelta(days=after),
    )


def test_a_window_crosses_a_leap_day(small: Programme) -> None:
    due, opens, closes = small.window(small.waves[1], date(2023, 12, 1))
    assert (due, opens, closes) == (date(2024, 4, 19), date(2024, 4, 5), date(2024, 4, 19))


def test_cohorts_and_where_one_start_serves_all() -> None:
    programme = parse_programme(
        with_entry(
            cohorts=[
                {"organisation": "kent", "cohort": "one", "starts_on": date(2026, 1, 5)},
                {"organisation": "kent", "cohort": "all", "starts_on": date(2026, 2, 2)},
                {"organisation": "essex", "cohort": "one", "starts_on": date(2026, 3, 2)},
            ]
        )
    )
    assert programme.cohort_start("kent", "one") == date(2026, 1, 5)
    assert programme.cohort_start("kent", "two") == date(2026, 2, 2)
    assert programme.cohort_start("kent", None) == date(2026, 2, 2)
    assert programme.cohort_start("essex", "two") is None
    assert programme.cohort_start("surrey", "one") is None


def test_organisations_may_be_declared() -> None:
    programme = parse_programme(
        with_entry(organisations=[{"organisation": "study", "name": "A study", "kind": "other"}])
    )
    known = programme.known_organisations
    assert known["study"].kind == OrganisationKind.OTHER
    assert known["study"].police_force_area_code is None
    assert len(known) == len(reference.organisations()) + 1


def test_settings_for_one_force_and_for_the_rest() -> None:
    programme = parse_programme(
        with_entry(
            identifiers={
                "default": {"prefixes": ["PC"]},
                "forces": {"kent": {"strip_leading_zeros": True}},
            }
        )
    )
    assert programme.identifiers.of("kent").strip_leading_zeros
    assert programme.identifiers.of("kent").prefixes == ()
    assert programme.identifiers.of("essex").prefixes == ("PC",)


def test_a_programme_does_not_change(small: Programme) -> None:
    with pytest.raises(ValueError, match="frozen"):
        small.title = "Another"  # type: ignore[misc]


def test_limits_have_defaults_that_the_example_programme_shows(small: Programme) -> None:
    (shown,) = [
        line for line in reference.example_programme().splitlines() if line.startswith("# limits:")
    ]
    said = parse_programme(reference.example_programme() + shown.removeprefix("# ") + "\n")
    assert said.limits == small.limits == Limits()


def test_a_limit_is_at_least_one() -> None:
    with pytest.raises(UnusableConfiguration, match=r"limits\.rows"):
        parse_programme(with_entry(limits={"rows": 0}))


def test_a_contact_is_in_no_dump_of_the_programme() -> None:
    """Dumps are hashed into what stages are made from, and simulation writes one."""
    programme = parse_programme(with_entry(contacts=[contact()]))
    assert programme.contacts[0].email == "a@university.example"
    assert "contacts" not in programme.model_dump(mode="json")
    assert programme.model_dump() == parse_programme(with_entry()).model_dump()
