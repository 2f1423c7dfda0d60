"""File names with every word masked that could name a person."""

import doctest

import pytest

from pipeline.privacy import file_names
from pipeline.privacy.file_names import masked_file_name

KNOWN = ("cumbria", "phq", "session_10", "greater-manchester")


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("cumbria phq session_10.csv", "cumbria phq session_10.csv"),
        ("Greater Manchester baseline 2026.xlsx", "Greater Manchester baseline 2026.xlsx"),
        ("export Jane Doe.csv", "export *** ***.csv"),
        ("export_JaneDoe.csv", "export_***.csv"),
        ("PC4711.csv", "***.csv"),
        ("export 4711.csv", "export ***.csv"),
        ("export wave (2).csv", "export wave (2).csv"),
        ("export 47 11 22.csv", "export *** *** ***.csv"),
        ("export 2026-01-05 4711.csv", "export 2026-01-05 ***.csv"),
        ("export April Jones.csv", "export *** ***.csv"),
        ("export January.csv", "export January.csv"),
        ("export 123.csv", "export ***.csv"),
        ("export 1987.csv", "export ***.csv"),
        ("M\u00fcller export.csv", "*** export.csv"),
        ("export O'Brien-Smith.csv", "export ***'***-***.csv"),
        ("cumbrian.csv", "***.csv"),
        ("jane.doe@cumbria.police.uk.csv", "***.***@cumbria.police.***.csv"),
        ("\u0410\u043d\u043d\u0430.csv", "***csv"),
        ("", ""),
    ],
)
def test_what_is_shown_of_a_file_name(name: str, masked: str) -> None:
    assert masked_file_name(name, KNOWN) == masked


def test_without_known_words_only_harmless_ones_stay() -> None:
    assert masked_file_name("cumbria export.csv") == "*** export.csv"


def test_case_does_not_matter() -> None:
    assert masked_file_name("CUMBRIA Export.CSV", ("Cumbria",)) == "CUMBRIA Export.CSV"


def test_the_example_in_the_docstring() -> None:
    tried = doctest.testmod(file_names)
    assert tried.attempted > 0
    assert tried.failed == 0
