"""Whatever a row or a file can break, it is settled what its organisation is asked."""

from checks.contract import contracts
from pipeline.quality.asked import ASKED, ASKED_OF_THE_FILE, NOT_ASKED
from pipeline.quality.rules import ROW_DISAPPEARED, RULES


def test_of_every_rule_it_is_settled_whether_and_what_is_asked() -> None:
    assert {*ASKED} | NOT_ASKED == {*RULES, ROW_DISAPPEARED.name}
    assert not {*ASKED} & NOT_ASKED


def test_how_officers_answered_is_told_to_nobody() -> None:
    assert {"straight_lining", "answered_too_fast"} <= NOT_ASKED


def test_of_every_expectation_something_is_asked() -> None:
    names = {e.name for contract in contracts() for e in contract.expectations}
    assert {*ASKED_OF_THE_FILE} == names


def test_sentences_speak_to_somebody_who_knows_no_mapping() -> None:
    for sentence in (*ASKED.values(), *ASKED_OF_THE_FILE.values()):
        assert sentence.endswith("."), sentence
        assert "mapping" not in sentence
        assert "programme.yaml" not in sentence
