"""Words of the evaluation: each in lower case, each with a sentence that says what it means."""

import pytest

from pipeline import vocabulary
from pipeline.vocabulary import Term, WaveStatus

VOCABULARIES = [
    term for term in vars(vocabulary).values() if isinstance(term, type) and term.__base__ is Term
]


@pytest.mark.parametrize("terms", VOCABULARIES, ids=lambda terms: terms.__name__)
def test_every_term_is_a_lower_case_word_with_one_sentence(terms: type[Term]) -> None:
    for term in terms:
        assert term.value == term.value.lower() == str(term)
        assert term.meaning.endswith(".")
        assert terms(term.value) is term


def test_there_are_vocabularies() -> None:
    assert len(VOCABULARIES) >= 12


def test_a_word_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="vanished"):
        WaveStatus("vanished")


def test_statuses_stand_in_order_of_precedence() -> None:
    assert [status.value for status in WaveStatus] == [
        "completed",
        "completed_out_of_window",
        "partial",
        "withdrawn",
        "left_organisation",
        "not_scheduled",
        "not_yet_due",
        "open",
        "missed",
    ]
