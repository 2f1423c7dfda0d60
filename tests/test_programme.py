"""The programme file: what it says by itself, its calendar and its windows."""

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


def test_the_sentence_names_the_file_as_it_is_called() -> None:
    with pytest.raises(
        UnusableConfiguration, match=r"^other\.yaml line 1: a programme is expected"
    ):
        parse_programme("", "other.yaml")


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UnusableConfiguration, match="`muster init` makes one"):
        load_programme(tmp_path / "programme.yaml")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "programme.yaml"
    path.write_bytes("programme: x\ntitle: F\u00fcrsorge".encode("cp1252"))
    with pytest.raises(UnusableConfiguration, match=r"programme\.yaml line 2: save it as UTF-8"):
        load_programme(path)


def test_a_file_is_loaded_as_utf8(tmp_path: Path) -> None:
    path = tmp_path / "programme.yaml"
    path.write_bytes(with_entry(title="Fürsorge").encode())
    assert load_programme(path).title == "Fürsorge"


def test_what_a_programme_need_not_say(small: Programme) -> None:
    assert small.duplicates == DuplicatePolicy.FIRST_COMPLETE
    assert small.arm_names == ("programme",)
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


WEEKLY = [{"wave": f"week_{n}", "due_after_days": 7 * n} for n in range(6)]


def test_neighbouring_windows_may_share_days() -> None:
    """A response names its wave; the window only says whether it came in time."""
    waves = parse_programme(
        with_entry(
            waves=WEEKLY, primary={**SMALL["primary"], "from_wave": "week_0", "to_wave": "week_5"}
        )
    ).waves
    assert waves[1].opens_after_days < waves[0].closes_after_days


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"opens_days_before": 20}, None),
        ({"opens_days_before": 21}, "would open no later than week_2"),
        ({"closes_days_after": 22}, None),
        ({"closes_days_after": 21}, "would close no later than week_2"),
    ],
)
def test_a_window_may_not_lie_within_another(change: dict[str, int], problem: str | None) -> None:
    waves = copy.deepcopy(WEEKLY)
    waves[3] |= change
    text = with_entry(
        waves=waves, primary={**SMALL["primary"], "from_wave": "week_0", "to_wave": "week_5"}
    )
    if problem is None:
        parse_programme(text)
        return
    with pytest.raises(UnusableConfiguration) as refused:
        parse_programme(text)
    assert problem in str(refused.value)


def test_days_of_grace_are_the_waves_own_or_the_programmes() -> None:
    waves = [*SMALL["waves"], {"wave": "later", "due_after_days": 200, "grace_days": 0}]
    programme = parse_programme(with_entry(grace_days=10, waves=waves))
    start = date(2026, 1, 5)
    waited = [programme.missed_after(wave, start) for wave in programme.waves]
    closes = [programme.window(wave, start)[2] for wave in programme.waves]
    assert [(a - b).days for a, b in zip(waited, closes, strict=True)] == [10, 10, 0]


def test_without_days_of_grace_a_wave_is_missed_once_its_window_has_closed(
    small: Programme,
) -> None:
    for wave in small.waves:
        assert small.missed_after(wave, STARTS) == small.window(wave, STARTS)[2]


def test_an_arm_is_a_name_or_says_more() -> None:
    programme = parse_programme(
        with_entry(
            arms=[
                "programme",
                {"arm": "second_step", "begins_after_days": 70},
                {"arm": "waiting", "role": "waiting_list", "begins_after_days": 140},
                {"arm": "Elsewhere", "role": "comparison"},
            ]
        )
    )
    assert programme.arm_names == ("programme", "second_step", "waiting", "Elsewhere")
    said = [programme.arm_declared(arm) for arm in programme.arm_names]
    assert [arm.begins_after_days for arm in said] == [0, 70, 140, 0]
    assert [arm.role.value for arm in said] == [
        "programme",
        "programme",
        "waiting_list",
        "comparison",
    ]


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


def test_names_that_look_like_numbers_stay_as_they_are_written() -> None:
    programme = parse_programme(
        with_entry() + "cohorts: [{organisation: kent, cohort: 0123, starts_on: 2026-01-05}]\n"
    )
    assert programme.cohort_start("kent", "0123") == STARTS


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
