"""Programme files that cannot be used are refused in one sentence."""

from pathlib import Path

import pytest

from checks.contract import Expectation
from pipeline import reference
from pipeline.programme import UnusableConfiguration, parse_programme
from pipeline.storage.home import Home

EXAMPLE = reference.example_programme()


def test_the_example_that_init_writes_can_be_used():
    assert parse_programme(EXAMPLE).programme == "trauma-informed-supervision"


@pytest.mark.parametrize(
    ("was", "becomes", "sentence"),
    [
        (
            "arms: [programme]",
            "arms: [programme, Programme]",
            "arms.1: Programme is another arm's name",
        ),
        ("arms: [programme]", "arms: [all]", "`all` is what tables call the total"),
        ("to_wave: session_10", "to_wave: baseline", "baseline does not come after baseline"),
        ("to_wave: session_10", "to_wave: session_11", "session_11 is not one of the waves"),
        ("subscale: burnout", "subscale: burn_out", "proqol5 has no subscale burn_out"),
        ("instruments: [proqol5]", "instruments: [proqol]", "proqol is not an instrument"),
        ("title:", "titel:", "titel: there is no such field"),
        ("due_after_days: 70", "due_after_days: 700", "in the order in which they fall due"),
        ("instruments: [proqol5]", "instruments: [proqol5", "line "),
        (
            "duplicates: first_complete",
            "baseline_sd: {proqol5: {burnout: 0}}",
            "more than 0 is expected",
        ),
        (
            "duplicates: first_complete",
            "cohorts: [{organisation: kent, cohort: a, starts_on: 2026-02-30}]",
            "a day is expected here",
        ),
    ],
)
def test_a_contradiction_is_one_sentence(was: str, becomes: str, sentence: str):
    assert was in EXAMPLE
    with pytest.raises(UnusableConfiguration) as refused:
        parse_programme(EXAMPLE.replace(was, becomes, 1))
    assert sentence in str(refused.value)
    assert str(refused.value).startswith("programme.yaml")
    assert "\n" not in str(refused.value)


def test_a_file_in_another_encoding_is_one_sentence(tmp_path: Path):
    (tmp_path / "programme.yaml").write_bytes("title: Café\n".encode("latin-1"))
    with pytest.raises(UnusableConfiguration, match="save it as UTF-8"):
        _ = Home(tmp_path).programme


@pytest.mark.parametrize(
    "change", [{"measure": "submission_id"}, {"measure": "kind"}, {"otherwise": "accepted"}]
)
def test_a_contract_that_cannot_be_judged_is_refused(change: dict[str, str]):
    sound = {
        "name": "few_rows",
        "measure": "rows_judged",
        "at_least": 1,
        "otherwise": "held",
        "sentence": "too few",
    }
    Expectation.model_validate(sound)
    with pytest.raises(ValueError, match="few_rows"):
        Expectation.model_validate({**sound, **change})
